package tui

import (
	"strings"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// textWidth is the widest that text is set.
const textWidth = 120

// stepState is the step pane's own.
type stepState struct {
	step        pane.Scroll
	stepLen     int
	stepAt      reading
	stepID      string           // what is read
	stepWatch   bool             // what happens comes before what there is to read
	finders     stepview.Finders // of plan
	foundIn     *plan.Plan
	sectionList listing
}

// reading is the place in the step pane that the operator has scrolled to, as it
// was: another width or height shows as much of it as it can, and forgets nothing.
type reading struct {
	top, total, w int
	drawn         int // where the pane was after that
	width         int // at that
}

// scrollTo brings the pane to the place that is read, in lines of another width too.
func (a *app) scrollTo(total, w, h int) {
	at := &a.stepAt
	if a.step.Top != at.drawn || at.w == 0 {
		at.top, at.total, at.w = a.step.Top, a.stepLen, at.width
	}
	a.step.Top = at.top
	if at.w != w && at.total > 0 {
		a.step.Top = at.top * total / at.total
	}
	a.step.By(0, total, h)
	at.drawn, at.width = a.step.Top, w
}

func (a *app) stepPane() string {
	r := a.layout.step
	iw, ih := pane.Inner(r.w, r.h)
	box := pane.Box{Focus: a.focus == paneStep, Scroll: &a.step}
	var lines []string
	row, ok := a.tree.Selected()
	c := a.selected()
	a.turnTo(row.ID, c)
	switch {
	case ok && a.tree.Away() && row.Section != nil:
		lines = a.sectionLines(row.Section, min(iw, textWidth))
		box.Title, box.Right = strings.TrimSpace(row.Number+" "+row.Title), row.Right
	case c == nil:
		box.Title = "The run"
		lines = a.closing(min(iw, textWidth))
	default:
		lines = a.cellLines(c, iw, ih)
		box.Title, box.Right = wording.Name(a.snap.Run, c.Plan.Step), wording.Instance(c)
	}
	lines = append(a.unwritten(min(iw, textWidth)), lines...)
	a.scrollTo(len(lines), iw, ih)
	a.stepLen = len(lines)
	return box.Render(a.theme, a.step.Window(lines, ih), r.w, r.h)
}

// unwritten says, above all else, why nothing can be done from here any more.
func (a *app) unwritten(w int) []string {
	t, s := a.theme, a.snap
	why, leave := wording.Line(s.ReadOnly), a.press(keys.InRun, keys.Leave)
	var out []string
	switch {
	case s.TakenOver != "":
		out = wrapped(t.Warning, why+". No key changes anything here; "+leave+" leaves.", w)
	case s.ReadOnly != "":
		out = append(wrapped(t.Bad, "Nothing more is sent, for what happens can't be journaled: "+why, w),
			wrapped(t.Muted, "What runs on a host goes on there, and is found again. Put right what is wrong, leave with "+leave+", and resume.", w)...)
	default:
		return nil
	}
	return append(out, "")
}

// turnTo begins at the top of something else.
func (a *app) turnTo(row string, c *run.Cell) {
	id := row
	if !a.tree.Away() && c != nil {
		id = c.Key.String()
	}
	if id != a.stepID {
		a.stepID, a.stepWatch, a.step.Top, a.stepAt = id, false, 0, reading{}
	}
}

// cellLines are what there is to read about a cell. What doesn't fit begins with what
// happens, once something does; a page that is being read elsewhere stays as it is.
func (a *app) cellLines(c *run.Cell, w, h int) []string {
	if p := a.snap.Run.Plan; a.foundIn != p {
		a.foundIn, a.finders = p, stepview.FindersOf(p)
	}
	v := stepview.View{Theme: a.theme, Snap: a.snap, Now: a.now, Spin: a.spinner(), Readable: textWidth, Finders: a.finders, Watch: a.stepWatch, Monitors: &a.board}
	begun := c.Status != run.Pending || a.snap.Busy != nil && c.Key == a.snap.Current
	lines := v.Lines(c, w)
	if a.tree.Away() && a.stepAt.w != 0 {
		return lines
	}
	if v.Watch = begun && (a.stepWatch || len(lines) > h); v.Watch != a.stepWatch {
		a.stepWatch = v.Watch
		lines = v.Lines(c, w)
	}
	return lines
}

// listing is a section as it was drawn last: it may have a thousand steps.
type listing struct {
	run     *run.Run
	section *plan.Section
	theme   *theme.Theme
	w       int
	lines   []string
}

func (a *app) sectionLines(s *plan.Section, w int) []string {
	l := &a.sectionList
	if !wording.Unchanged(l.run, a.snap.Run) || l.section != s || l.theme != a.theme || l.w != w {
		v := stepview.View{Theme: a.theme, Snap: a.snap, Now: a.now}
		*l = listing{a.snap.Run, s, a.theme, w, v.Section(s, w)}
	}
	return l.lines
}
