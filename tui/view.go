package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/wording"
)

// View draws the screen.
func (a *app) View() tea.View {
	v := tea.NewView(a.frame())
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = a.title()
	return v
}

func (a *app) title() string {
	if a.snap == nil {
		return "stepgate"
	}
	return "stepgate: " + wording.Line(a.snap.Run.Plan.Title)
}

// frame is the screen as lines of exactly its width.
func (a *app) frame() string {
	l := a.layout
	switch {
	case l.w <= 0 || l.h <= 0:
		return ""
	case l.small:
		return a.tooSmall()
	case a.snap == nil:
		return fill([]string{"", "  opening the run " + a.theme.Glyph.Ellipsis}, l.w, l.h)
	}
	lines := append(a.head(), strings.Split(a.body(), "\n")...)
	lines = append(lines, a.status(), a.foot())
	return fill(lines, l.w, l.h)
}

// fill makes h lines of exactly w cells.
func fill(lines []string, w, h int) string {
	out := make([]string, h)
	for i := range out {
		s := ""
		if i < len(lines) {
			s = lines[i]
		}
		out[i] = pane.Fit(s, w, "")
	}
	return strings.Join(out, "\n")
}

func (a *app) tooSmall() string {
	l := a.layout
	text := fmt.Sprintf("This terminal is %d by %d. Stepgate needs %d by %d to show a step and its gate whole. "+
		"The run goes on; nothing is answered meanwhile.", l.w, l.h, minWidth, minHeight)
	if a.snap != nil {
		text += " " + wording.Waiting(a.snap, a.now) + "."
		if p := a.snap.Prompt; p != nil {
			text += " " + wording.Line(p.Host) + " asks for " + wording.Wants(p) + "."
		}
	}
	return fill(pane.Wrap(text+" "+a.press(keys.InRun, keys.Interrupt)+" leaves.", l.w), l.w, l.h)
}

func (a *app) spinner() string {
	f := a.theme.Glyph.Spinner
	return f[a.spin%len(f)]
}

// head is the header and the progress line.
func (a *app) head() []string {
	t, s, w := a.theme, a.snap, a.layout.w
	dot := t.Good.Render(t.Glyph.Journal)
	if a.layout.wide {
		dot += t.Muted.Render(" journaled")
	}
	if s.ReadOnly != "" {
		dot = t.Bad.Render(t.Glyph.Journal + " NOT journaled")
	}
	end := a.now
	if s.Wait == run.WaitClosed {
		end = s.Run.Last
	} else if s.Busy == nil {
		end = s.At
	}
	right := t.Muted.Render("run "+wording.Line(s.Run.ID)+"  ") + dot +
		t.Text.Render("  "+wording.Clock(end.Sub(s.Run.Started))+" ")
	if a.auto {
		right = t.Live.Render("auto  ") + right
	}
	if a.o.Lab {
		right = t.Gate.Render("lab  ") + right
	}
	title := t.Strong.Render(wording.Line(s.Run.Plan.Title))
	left := " " + t.Accent.Render("stepgate") + "  " + title
	if ansi.StringWidth(left)+ansi.StringWidth(right) >= w {
		left = " " + title
	}
	room := w - ansi.StringWidth(left) - ansi.StringWidth(right) - 4
	if vals := a.values(room); vals != "" {
		left += t.Muted.Render("  " + vals)
	}
	return []string{pane.Row(left, right, w, t.Glyph.Ellipsis), a.progress(w)}
}

// values are the parameters that fit.
func (a *app) values(room int) string {
	var parts []string
	used := 0
	for _, v := range a.snap.Run.Plan.Values {
		p := wording.Line(v.Param.Name + "=" + v.Show())
		if n := ansi.StringWidth(p); v.Set && !v.Param.Secret && used+n <= room {
			parts = append(parts, p)
			used += n + 2
		}
	}
	return strings.Join(parts, "  ")
}

func (a *app) progress(w int) string {
	t := a.theme
	settled, total, gates := a.snap.Run.Progress()
	text := fmt.Sprintf("  %d/%d", settled, total)
	switch gates {
	case 0:
	case 1:
		text += " " + t.Glyph.Dot + " 1 gate ahead"
	default:
		text += fmt.Sprintf(" %s %d gates ahead", t.Glyph.Dot, gates)
	}
	bar := max(w-ansi.StringWidth(text)-3, 0)
	full := 0
	if total > 0 {
		full = bar * settled / total
	}
	return " " + t.Good.Render(strings.Repeat(t.Glyph.Full, full)) +
		t.Border.Render(strings.Repeat(t.Glyph.Empty, bar-full)) + t.Muted.Render(text) + " "
}

// body is the dialog on top, or the panes.
func (a *app) body() string {
	b := a.layout.body
	d := a.top()
	switch {
	case d == nil:
		return a.panes()
	case d.whole():
		return d.render(a, b.w, b.h)
	default:
		return over(a.panes(), d.render(a, b.w, b.h), b.w, b.h)
	}
}

// place is where a dialog is on the screen.
func (a *app) place(d dialog) rect {
	b := a.layout.body
	if d.whole() {
		return b
	}
	w, h := lipgloss.Size(d.render(a, b.w, b.h))
	return rect{b.x + max((b.w-w)/2, 0), b.y + max((b.h-h)/2, 0), w, h}
}

// over puts a box into the middle of the lines behind it.
func over(behind, box string, w, h int) string {
	lines, in := strings.Split(behind, "\n"), strings.Split(box, "\n")
	bw := lipgloss.Width(box)
	x, y := max((w-bw)/2, 0), max((h-len(in))/2, 0)
	for i, s := range in {
		if y+i >= len(lines) {
			break
		}
		l := lines[y+i]
		lines[y+i] = pane.Fit(ansi.Truncate(l, x, ""), x, "") + pane.Fit(s, bw, "") + ansi.TruncateLeft(l, x+bw, "")
	}
	return strings.Join(lines, "\n")
}

func (a *app) panes() string {
	l := a.layout
	tree := a.treePane()
	if l.step.h == 0 && l.out.h == 0 {
		return tree
	}
	var col []string
	if l.step.h > 0 {
		col = append(col, a.stepPane())
	}
	if l.out.h > 0 {
		col = append(col, a.outPane())
	}
	if !l.wide {
		return strings.Join(append([]string{tree}, col...), "\n")
	}
	return beside(tree, strings.Join(col, "\n"))
}

// beside joins two blocks of equal height line by line.
func beside(left, right string) string {
	l, r := strings.Split(left, "\n"), strings.Split(right, "\n")
	out := make([]string, max(len(l), len(r)))
	for i := range out {
		if i < len(l) {
			out[i] = l[i]
		}
		if i < len(r) {
			out[i] += r[i]
		}
	}
	return strings.Join(out, "\n")
}

func (a *app) treePane() string {
	r := a.layout.tree
	iw, ih := pane.Inner(r.w, r.h)
	lines := a.tree.Lines(a.theme, iw, ih, a.now, a.spinner())
	box := pane.Box{Title: "Steps", Focus: a.focus == paneTree, Scroll: a.tree.Scroll()}
	if a.tree.Away() {
		box.Right = a.press(keys.InRun, keys.Return) + " back"
	}
	return box.Render(a.theme, lines, r.w, r.h)
}

func (a *app) stepPane() string {
	r := a.layout.step
	iw, ih := pane.Inner(r.w, r.h)
	box := pane.Box{Focus: a.focus == paneStep, Scroll: &a.step}
	var lines []string
	c := a.selected()
	if c == nil {
		box.Title = "The run"
		lines = a.closing(iw)
	} else {
		v := stepview.View{Theme: a.theme, Snap: a.snap, Now: a.now, Spin: a.spinner()}
		lines = v.Lines(c, iw)
		if len(lines) > ih && (c.Status != run.Pending || a.snap.Busy != nil && c.Key == a.snap.Current) {
			v.Watch = true
			lines = v.Lines(c, iw)
		}
		box.Title, box.Right = wording.Name(a.snap.Run, c.Plan.Step), wording.Instance(c)
	}
	if row, ok := a.tree.Selected(); ok && a.tree.Away() && row.Section != nil {
		v := stepview.View{Theme: a.theme, Snap: a.snap, Now: a.now}
		lines = v.Section(row.Section, iw)
		box.Title, box.Right = strings.TrimSpace(row.Number+" "+row.Title), row.Right
	}
	a.stepLen = len(lines)
	return box.Render(a.theme, a.step.Window(lines, ih), r.w, r.h)
}

func (a *app) outPane() string {
	r := a.layout.out
	iw, ih := pane.Inner(r.w, r.h)
	lines := a.out.Lines(a.theme, iw, ih)
	box := pane.Box{Title: "Output", Right: a.out.Shows().String(), Focus: a.focus == paneOut, Scroll: a.out.Position()}
	if p := a.printing(); p != nil && p.Key != a.stepKey {
		box.Title = "Output of " + wording.Name(a.snap.Run, p.Plan.Step)
	}
	if !a.out.Following() {
		box.Title = "Output, scrolled: end follows again"
	}
	if a.out.Empty() {
		lines = []string{a.theme.Faint.Render("nothing printed")}
	}
	return box.Render(a.theme, lines, r.w, r.h)
}

// status is the line above the keys: the screen's last word, else the engine's,
// else what the run waits for.
func (a *app) status() string {
	t, s := a.theme, a.snap
	line := ""
	switch {
	case s.ReadOnly != "":
		line = t.Bad.Render("nothing more can be journaled: " + wording.Line(s.ReadOnly))
	case a.word != "" && a.bad:
		line = t.Bad.Render(a.word)
	case a.word != "":
		line = t.Warning.Render(a.word)
	case s.Busy != nil:
		line = t.Live.Render(a.spinner()+" ") + wording.Waiting(s, a.now)
	default:
		line = wording.Waiting(s, a.now)
		if s.Notice != "" {
			line += t.Muted.Render("  " + t.Glyph.Dash + " " + wording.Line(s.Notice))
		}
	}
	if n := len(s.Run.Wishes); n > 0 && a.word == "" && s.ReadOnly == "" {
		line = t.Warning.Render(wording.Wish(&s.Run.Wishes[n-1])) + t.Muted.Render("  "+t.Glyph.Dash+" ") + line
	}
	if s.Stop != "" && a.word == "" && s.Wait != run.WaitClosed {
		what, name := wording.Open(s.Run, s.Stop)
		line += t.Gate.Render("  " + t.Glyph.Dash + " pauses after " + strings.TrimSpace(what+" "+name))
	}
	return pane.Cut(" "+line, a.layout.w, t.Glyph.Ellipsis)
}
