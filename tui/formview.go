package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

func (m *form) View() tea.View {
	m.words = map[keys.ID]string{keys.Begin: wording.Line(m.f.Begin)}
	foot := m.foot(keys.InForm, keys.Begin, keys.Enter, keys.Cancel)
	return m.view(wording.Line(m.f.Title), "", m.body, foot)
}

// body is the form as a box with all its rows.
func (m *form) body(w, h int) string {
	iw, ih := pane.Inner(w, h)
	lines := m.draw(iw)
	if at := m.marks[m.at]; m.at < len(m.rows) { // the row with what stands under it
		m.scroll.Show(m.marks[m.at+1]-1, len(lines), ih)
		if m.scroll.Top > at {
			m.scroll.Top = at
		}
	} else {
		m.scroll.Show(len(lines)-1, len(lines), ih)
	}
	box := pane.Box{Title: "Values", Right: m.count(), Focus: true, Scroll: &m.scroll}
	return box.Render(m.theme, m.scroll.Window(lines, ih), w, h)
}

// count says how many values are missing or not valid.
func (m *form) count() string {
	missing := 0
	for _, r := range m.rows {
		if r.problem() != nil {
			missing++
		}
	}
	if missing == 0 {
		return "all are there"
	}
	return countOf(missing) + " to be given"
}

// labels is how wide the names of the values are drawn.
func (m *form) labels(w int) int {
	wide := 12
	for _, r := range m.rows {
		wide = max(wide, ansi.StringWidth(r.label()))
	}
	return min(wide, w*42/100)
}

func (r *row) label() string {
	if r.Prompt != "" {
		return wording.Line(r.Prompt)
	}
	return wording.Line(r.Name)
}

// draw is every line of the form; it notes where each row begins.
func (m *form) draw(w int) []string {
	t := m.theme
	var lines []string
	for _, f := range m.f.Facts {
		lines = append(lines, wrapped(t.Muted, wording.Line(f), w)...)
	}
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	m.marks = m.marks[:0]
	lw := m.labels(w)
	for i, r := range m.rows {
		m.marks = append(m.marks, len(lines))
		lines = append(lines, m.drawRow(r, i == m.at, lw, w)...)
	}
	lines = append(lines, "")
	m.marks = append(m.marks, len(lines))
	button := " " + t.Glyph.Mark(theme.Ready) + " " + m.f.Begin + " "
	if m.at == len(m.rows) {
		button = t.Selected.Render(t.Glyph.Cursor + button)
	} else {
		button = t.Key.Render(" " + button)
	}
	lines = append(lines, button+t.Muted.Render("  once all values are valid"))
	m.marks = append(m.marks, len(lines))
	return lines
}

// drawRow is a value with its name, and under it, while it has the keys, what helps
// to enter it. What is wrong with it always stands there.
func (m *form) drawRow(r *row, here bool, lw, w int) []string {
	t := m.theme
	from := m.from(r)
	room := max(w-lw-6-ansi.StringWidth(from), 8)
	name, lead := t.Text.Render(pane.Fit(r.label(), lw, t.Glyph.Ellipsis)), "  "
	if here {
		name, lead = t.Strong.Render(pane.Fit(r.label(), lw, t.Glyph.Ellipsis)), t.Key.Render(t.Glyph.Cursor+" ")
	}
	lines := []string{pane.Row(lead+name+"  "+m.drawValue(r, here, room), t.Faint.Render(from), w, t.Glyph.Ellipsis)}
	under := func(style func(...string) string, s string) {
		for _, l := range pane.Wrap(s, max(w-lw-4, 10)) {
			lines = append(lines, strings.Repeat(" ", lw+4)+style(l))
		}
	}
	if here {
		if ansi.StringWidth(r.label()) > lw {
			under(t.Strong.Render, r.label())
		}
		if help := strings.TrimSpace(wording.Block(r.Help)); help != "" {
			under(t.Muted.Render, help)
		}
	}
	switch err, _ := r.trouble(); {
	case err == nil:
	case err != errMissing || r.touched: //nolint:errorlint // the very value
		under(t.Bad.Render, t.Glyph.Mark(theme.Failed)+" "+wording.Line(err.Error()))
	}
	return lines
}

// from says at the right where a value comes from, or what it has to be.
func (m *form) from(r *row) string {
	kind := ""
	if r.Type != "" && r.Type != "string" && r.Type != "choice" {
		kind = wording.Line(r.Type)
	}
	_, wait := r.trouble()
	switch unchanged := r.value() == strings.TrimSpace(wording.Line(r.Default)); {
	case wait:
		return "looking " + m.theme.Glyph.Ellipsis
	case r.kept() || r.From != "" && unchanged:
		return wording.Line(r.From)
	case r.Default != "" && unchanged:
		return "default"
	case r.value() == "" && r.Optional:
		return strings.TrimSpace(kind + " may stay empty")
	}
	return kind
}

func (m *form) drawValue(r *row, here bool, w int) string {
	t := m.theme
	if opts := m.options(r); len(opts) > 0 {
		return m.drawChoices(r, opts, here, w)
	}
	switch {
	case here && (!r.kept() || !r.Given):
		return r.p.Draw(t, w)
	case here:
		return t.Selected.Render(" ") + t.Muted.Render(pane.Cut(r.shown()+", type to replace it", w-1, t.Glyph.Ellipsis))
	case r.value() == "" && !r.kept():
		return t.Faint.Render(t.Glyph.Dash)
	}
	return t.Code.Render(pane.Cut(r.shown(), w, t.Glyph.Ellipsis))
}

// drawChoices shows all choices where there is room, else the one that is taken.
func (m *form) drawChoices(r *row, opts []string, here bool, w int) string {
	t := m.theme
	var parts []string
	used := 0
	for _, c := range opts {
		s := wording.Line(c)
		used += ansi.StringWidth(s) + 4
		switch {
		case c == r.value() && here:
			parts = append(parts, t.Selected.Render("["+s+"]"))
		case c == r.value():
			parts = append(parts, t.Code.Render("["+s+"]"))
		default:
			parts = append(parts, t.Muted.Render(" "+s+" "))
		}
	}
	if used <= w {
		return strings.Join(parts, " ")
	}
	s := r.shown()
	if s == "" {
		s = t.Glyph.Dash
	}
	s = pane.Cut("["+s+"]  one of "+countOf(len(opts)), w, t.Glyph.Ellipsis)
	if here {
		return t.Strong.Render(s)
	}
	return t.Text.Render(s)
}

// click gives the keys to the row that is clicked on; on the button it begins.
func (m *form) click(mouse tea.Mouse) tea.Cmd {
	if m.small() || mouse.Button != tea.MouseLeft || len(m.marks) == 0 {
		return nil
	}
	line := mouse.Y - bodyTop - 1 + m.scroll.Top
	if mouse.Y < bodyTop+1 || mouse.Y > m.h-4 {
		return nil
	}
	for i := range len(m.marks) - 1 {
		if line >= m.marks[i] && line < m.marks[i+1] {
			if i == len(m.rows) && m.at == i {
				return m.begin()
			}
			m.at = i
			return nil
		}
	}
	return nil
}

func (m *form) wheel(mouse tea.Mouse) {
	switch mouse.Button {
	case tea.MouseWheelUp:
		m.move(-1)
	case tea.MouseWheelDown:
		m.move(1)
	default:
	}
}
