package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/wording"
)

// View draws the screen.
func (a *app) View() tea.View {
	v := tea.NewView(a.frame())
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = a.title()
	v.ReportFocus = true
	return v
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
	lines = append(append(lines, a.strip.lines...), a.status(), a.foot())
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
		behind := a.panes()
		if n := len(a.dialogs); n > 1 {
			if p, ok := a.dialogs[n-2].(*outputPage); ok {
				behind = p.render(a, b.w, b.h)
			}
		}
		return over(behind, d.render(a, b.w, b.h), b.w, b.h)
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
