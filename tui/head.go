package tui

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/wording"
)

// headState is what the lines around the panes keep.
type headState struct {
	plan *plan.Plan
	pace *run.Pace // of plan
	come dialog    // it came up while the operator had another one in front; nil: none
}

// rest is what is likely to be left of the run.
func (a *app) rest() run.Rest {
	if h := &a.headState; h.plan != a.snap.Run.Plan {
		h.plan, h.pace = a.snap.Run.Plan, run.NewPace(a.snap.Run.Plan, a.snap.Usual)
	}
	return a.headState.pace.Left(a.snap, a.now)
}

// windowTurns is how long the words about the change window stay as they are; 0: there are
// none.
func (a *app) windowTurns() time.Duration {
	if a.snap.Until.IsZero() || a.snap.Wait == run.WaitClosed {
		return 0
	}
	return 20 * time.Second
}

// head is the header and the progress line.
func (a *app) head() []string {
	t, s, w := a.theme, a.snap, a.layout.w
	end := a.now
	if s.Wait == run.WaitClosed {
		end = s.Run.Last
	} else if s.Busy == nil {
		end = s.At
	}
	right := t.Muted.Render("run "+wording.Line(s.Run.ID)+"  ") + a.journaled() +
		t.Text.Render("  "+wording.Clock(end.Sub(s.Run.Started))+" ")
	if a.auto {
		right = t.Live.Render("auto  ") + right
	}
	if a.o.Watching {
		right = t.Warning.Render(watched(s.Run)+"  ") + right
	}
	if a.o.Lab {
		right = t.Gate.Render("lab  ") + right
	}
	title := t.Strong.Render(wording.Line(s.Run.Plan.Title))
	left := " " + t.Accent.Render("stepgate") + "  " + title
	if pane.Width(left)+pane.Width(right) >= w {
		left = " " + title
	}
	room := w - pane.Width(left) - pane.Width(right) - 4
	if vals := a.values(room); vals != "" {
		left += t.Muted.Render("  " + vals)
	}
	return []string{pane.Row(left, right, w, t.Glyph.Ellipsis), a.progress(w)}
}

// journaled says whether what happens is written down, and by whom.
func (a *app) journaled() string {
	t, s := a.theme, a.snap
	switch {
	case s.TakenOver != "":
		return t.Gate.Render(t.Glyph.Journal + " watching")
	case s.ReadOnly != "":
		return t.Bad.Render(t.Glyph.Journal + " NOT journaled")
	case a.layout.wide:
		return t.Good.Render(t.Glyph.Journal) + t.Muted.Render(" journaled")
	}
	return t.Good.Render(t.Glyph.Journal)
}

// values are the parameters that fit.
func (a *app) values(room int) string {
	var parts []string
	used := 0
	for _, v := range a.snap.Run.Plan.Values {
		p := wording.Line(v.Param.Name + "=" + v.Show())
		if n := pane.Width(p); v.Set && !v.Param.Secret && used+n <= room {
			parts = append(parts, p)
			used += n + 2
		}
	}
	return strings.Join(parts, "  ")
}

// leastBar is the shortest progress bar that says something.
const leastBar = 10

// progress is the bar, and beside it what fits of how far the run is, how many gates
// are ahead, how long the rest takes and when the change window ends.
func (a *app) progress(w int) string {
	t := a.theme
	settled, total, gates := a.snap.Run.Progress()
	text := "  " + t.Muted.Render(strconv.Itoa(settled)+"/"+strconv.Itoa(total))
	for _, f := range a.facts(gates, w) {
		if pane.Width(text)+pane.Width(f)+leastBar+5 <= w {
			text += t.Muted.Render(" "+t.Glyph.Dot+" ") + f
		}
	}
	bar := max(w-pane.Width(text)-3, 0)
	full := 0
	if total > 0 {
		full = bar * settled / total
	}
	return " " + t.Good.Render(strings.Repeat(t.Glyph.Full, full)) +
		t.Border.Render(strings.Repeat(t.Glyph.Empty, bar-full)) + text + " "
}

// facts are what stands beside the progress bar. A window that is over, or won't
// hold what is left, comes first.
func (a *app) facts(gates, w int) []string {
	if a.snap.Wait == run.WaitClosed {
		return nil
	}
	t, rest := a.theme, a.rest()
	var out []string
	if gates > 0 {
		out = append(out, t.Muted.Render(plural(gates, "gate")+" ahead"))
	}
	if left := wording.Left(rest); left != "" {
		out = append(out, t.Muted.Render(left))
	}
	if rest.Until.IsZero() {
		return out
	}
	style := t.Muted
	switch {
	case rest.Over():
		style = t.Bad
	case rest.Late():
		style = t.Warning
	}
	window := style.Render(wording.Window(rest))
	if w < wideFrom {
		window = style.Render(wording.ShortWindow(rest))
	}
	if rest.Late() {
		return append([]string{window}, out...)
	}
	return append(out, window)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// status is the line above the keys: what waits behind what the operator has in
// front, the screen's last word, else the engine's, else what the run waits for.
func (a *app) status() string {
	t, s := a.theme, a.snap
	dash := t.Muted.Render("  " + t.Glyph.Dash + " ")
	line := ""
	switch {
	case s.TakenOver != "":
		line = t.Warning.Render(wording.Line(s.TakenOver) + " drives this run now; from here it is only watched")
	case s.ReadOnly != "":
		line = t.Bad.Render("nothing more is sent, for it can't be journaled: " + wording.Line(s.ReadOnly))
	case a.word != "" && a.bad:
		line = t.Bad.Render(a.word)
	case a.word != "":
		line = t.Warning.Render(a.word)
	case s.Busy != nil:
		line = t.Live.Render(a.spinner()+" ") + wording.Waiting(s, a.now)
	default:
		line = wording.Waiting(s, a.now)
		if s.Notice != "" {
			line += dash + t.Muted.Render(wording.Line(s.Notice))
		}
	}
	if n := len(s.Run.Wishes); n > 0 && a.word == "" && s.ReadOnly == "" {
		line = t.Warning.Render(wording.Wish(&s.Run.Wishes[n-1])) + dash + line
	}
	if stops := wording.Stopping(s); stops != "" && a.word == "" {
		line += dash + t.Gate.Render(stops)
	}
	if behind := a.behindIt(); behind != "" {
		line = a.urgent().Render(behind) + dash + line
	}
	return pane.Cut(" "+line, a.layout.w, t.Glyph.Ellipsis)
}

// urgent is the style of what has come up unseen.
func (a *app) urgent() lipgloss.Style {
	if _, ok := a.headState.come.(*stopDialog); ok {
		return a.theme.Bad
	}
	return a.theme.Gate
}

// behindIt says what has come up behind what the operator has in front, and the key
// that leads there.
func (a *app) behindIt() string {
	what := ""
	switch d := a.headState.come.(type) {
	case *gateDialog:
		what = "a gate waits"
	case *stopDialog:
		if what = "the run has stopped"; d.at.wait == run.WaitMonitor {
			what = "a monitor was red, which holds the run,"
		}
	case *questionDialog:
		what = "a question waits"
	case *loginDialog:
		what = "a login waits"
	case nil:
		return ""
	default:
		what = "something waits"
	}
	what += " behind this"
	if key := a.press(a.top().scope(), keys.Cancel); key != "" {
		what += ": " + key + " leads there"
	}
	return what
}

// comes notes that a dialog opens behind what the operator has in front.
func (a *app) comes(d dialog) {
	if a.top() != nil {
		a.headState.come = d
	}
}

// met forgets what has come up, once it is in front or gone.
func (a *app) met() {
	h := &a.headState
	if n := len(a.dialogs); n == 0 || a.dialogs[n-1] == h.come || !slices.Contains(a.dialogs, h.come) {
		h.come = nil
	}
}
