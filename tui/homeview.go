package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

func (m *home) View() tea.View {
	m.words = map[keys.ID]string{keys.Enter: m.does()}
	ids := []keys.ID{keys.Enter, keys.Watch, keys.Demo, keys.Filter, keys.NextPane, keys.Help, keys.Leave}
	if r, ok := m.run(); !ok || r.rank() > 0 {
		ids = slices.Delete(ids, 1, 2) // enter does that, or nothing does
	}
	foot := m.foot(keys.InHome, ids...)
	switch {
	case m.Trouble != "":
		foot = m.foot(keys.InHelp, keys.Cancel)
	case m.typing:
		foot = m.foot(keys.InPalette, keys.Enter, keys.Cancel)
	}
	v := m.view("runs and runbooks", "", m.body, foot)
	v.ReportFocus = true
	return v
}

// does is what enter does now.
func (m *home) does() string {
	r, ok := m.run()
	switch {
	case m.typing:
		return "take it"
	case !ok:
		return "begin"
	case r.Closed != "":
		return "look at it"
	case r.Holder != "":
		return "watch"
	}
	return "resume"
}

// body is the lists, and on a wide screen what is under the cursor.
func (m *home) body(w, h int) string {
	if m.Trouble != "" {
		return m.trouble(w, h)
	}
	if m.typing || m.find.Value() != "" {
		h--
	}
	lw := w
	if w >= wideFrom {
		lw = w * 58 / 100
	}
	lines := m.columns(lw, h)
	out := strings.Join(lines, "\n")
	if lw < w {
		iw, _ := pane.Inner(w-lw, h)
		title, facts := m.about(iw)
		box := pane.Box{Title: title}
		out = beside(out, box.Render(m.theme, facts, w-lw, h))
	}
	if m.typing || m.find.Value() != "" {
		out += "\n" + m.filterLine(w)
	}
	return out
}

func (m *home) filterLine(w int) string {
	t := m.theme
	b := m.o.Keys.Bound(keys.InHome, keys.Filter)
	lead := " " + t.Key.Render(keys.Name(b.Keys[0], "enter")) + " "
	if m.typing {
		return pane.Fit(lead+m.find.Draw(t, max(w-4, 1)), w, "")
	}
	return pane.Fit(lead+t.Text.Render(m.find.Value()), w, t.Glyph.Ellipsis)
}

// columns is the two lists, one above the other. Of a long one only what is seen is
// drawn.
func (m *home) columns(w, h int) []string {
	iw, _ := pane.Inner(w, h)
	nothing := [lists][]string{m.noRuns(iw), m.noBooks(iw)}
	for i := range lists {
		m.places[i].owner = m.owners(i)
	}
	long := func(list int) int { return len(nothing[list]) + len(m.places[list].owner) }
	low := max(min(long(ofBooks)+2, h*2/5), 4)
	top := max(min(long(ofRuns)+2, h-low), 3)
	heights := [lists]int{top, h - top}
	titles := [lists]string{"Runs", "Runbooks"}
	var out []string
	y := bodyTop
	for i, lines := range nothing {
		d := &m.places[i]
		d.x, d.y, d.w, d.h = 0, y, w, heights[i]
		y += heights[i]
		_, ih := pane.Inner(w, heights[i])
		first, last := span(d.owner, m.at[i])
		m.scroll[i].Show(last, long(i), ih)
		m.scroll[i].Top = min(m.scroll[i].Top, first)
		if len(d.owner) > 0 {
			lines = m.seen(i, m.scroll[i].Top, ih, iw)
		}
		box := pane.Box{Title: titles[i], Right: m.counts(i), Focus: m.list == i && !m.typing, Scroll: &m.scroll[i]}
		out = append(out, strings.Split(box.Render(m.theme, m.scroll[i].Window(lines, ih), w, heights[i]), "\n")...)
	}
	return out
}

// owners is for each line of a list the entry that it belongs to. A run that can't be
// gone on with any more has one line, everything else two.
func (m *home) owners(list int) (owner []int) {
	for at, i := range m.shown(list) {
		owner = append(owner, at)
		if list == ofBooks || m.runs[i].Closed == "" {
			owner = append(owner, at)
		}
	}
	return owner
}

// seen is a list of which the h lines from top on are drawn.
func (m *home) seen(list, top, h, w int) []string {
	owner, shown := m.places[list].owner, m.shown(list)
	lines := make([]string, len(owner))
	for i := max(top-1, 0); i < min(top+h, len(owner)); i++ {
		at := owner[i]
		here := m.list == list && at == m.at[list]
		if i > 0 && owner[i-1] == at {
			continue // drawn with the line before, or its first line isn't seen
		}
		if list == ofRuns {
			copy(lines[i:], m.runEntry(m.runs[shown[at]], here, w))
		} else {
			copy(lines[i:], m.bookEntry(m.books[shown[at]], here, w))
		}
	}
	return lines
}

// span is the first and the last line of an entry.
func span(owner []int, at int) (first, last int) {
	first = -1
	for i, o := range owner {
		if o == at {
			last = i
			if first < 0 {
				first = i
			}
		}
	}
	return max(first, 0), last
}

func (m *home) counts(list int) string {
	if !m.read[list] || m.failed[list] != nil {
		return ""
	}
	all, shown := len(m.books), len(m.shown(list))
	if list == ofRuns {
		all = len(m.runs)
	}
	if shown < all {
		return fmt.Sprintf("%d of %d", shown, all)
	}
	return ""
}

// waits is what stands in a list that has nothing to show.
func (m *home) waits(list, w int, none string) []string {
	t := m.theme
	switch {
	case m.failed[list] != nil:
		out := wrapped(t.Bad, "This can't be read: "+wording.Line(m.failed[list].Error()), w)
		return append(out, wrapped(t.Text, "See: "+wording.Line(m.Doctor), w)...)
	case !m.read[list] && m.slow:
		return []string{t.Muted.Render("reading " + t.Glyph.Ellipsis)}
	case !m.read[list]:
		return []string{""}
	case m.find.Value() != "":
		return []string{t.Muted.Render("nothing here has these words")}
	}
	return wrapped(t.Muted, none, w)
}

// noRuns is what stands where no run does.
func (m *home) noRuns(w int) []string {
	if len(m.shown(ofRuns)) > 0 {
		return nil
	}
	demo := keys.Name(m.o.Keys.Bound(keys.InHome, keys.Demo).Keys[0], "enter")
	return m.waits(ofRuns, w, "No run is open. "+demo+" walks through an upgrade on a simulated cluster, nothing to set up.")
}

// noBooks is what stands where no runbook does.
func (m *home) noBooks(w int) []string {
	if len(m.shown(ofBooks)) > 0 {
		return nil
	}
	return m.waits(ofBooks, w, "There is no runbook here.")
}

func (m *home) runEntry(r ShelfRun, here bool, w int) []string {
	t := m.theme
	s, known := m.stands[r.ID]
	mark, where := s.mark, s.where
	right := wording.Ago(r.Last, m.now)
	switch {
	case r.Problem != "":
		mark, where = theme.Failed, "can't be read: "+wording.Line(r.Problem)
	case r.Closed != "":
		mark = theme.Done
		if r.Closed == run.Aborted {
			mark = theme.Skipped
		}
		right = wording.Line(string(r.Closed)) + ", " + right
	case r.Holder != "":
		mark, where = theme.Running, "driven by "+wording.Line(r.Holder)
		if known {
			where += " " + t.Glyph.Dot + " " + s.where
		}
	case !known:
		mark, where = theme.Ready, "" // it is being looked at
	}
	lines := []string{m.entry(mark, wording.Line(r.Title), right, here, r.Closed == "", w)}
	if r.Closed != "" {
		return lines
	}
	id := r.ID
	if known && s.total > 0 {
		id = fmt.Sprintf("%d/%d  %s", s.settled, s.total, r.ID)
	}
	where = t.Muted.Render(where)
	if s.lab {
		where = t.Gate.Render("lab") + t.Muted.Render(" "+t.Glyph.Dot+" ") + where
	}
	return append(lines, pane.Row("    "+where, t.Faint.Render(id), w, t.Glyph.Ellipsis))
}

// entry is the first line of something in a list.
func (m *home) entry(mark theme.Mark, title, right string, here, strong bool, w int) string {
	t := m.theme
	style := t.Muted
	if strong {
		style = t.Strong
	}
	if here {
		return t.Selected.Render(pane.Row(t.Glyph.Cursor+" "+t.Glyph.Mark(mark)+" "+title, right, w, t.Glyph.Ellipsis))
	}
	return pane.Row("  "+t.Draw(mark)+" "+style.Render(title), t.Muted.Render(right), w, t.Glyph.Ellipsis)
}

func (m *home) bookEntry(b ShelfBook, here bool, w int) []string {
	t := m.theme
	mark, title := theme.Pending, b.Title
	if title == "" {
		title = b.Name
	}
	below := t.Muted.Render(wording.Line(b.Summary))
	switch {
	case b.Problem != "":
		mark, below = theme.Failed, t.Bad.Render(wording.Line(b.Problem))
	case b.Summary == "" && b.Plain:
		below = t.Muted.Render("a plain document")
	}
	return []string{m.entry(mark, wording.Line(title), wording.Line(b.Name), here, true, w), pane.Cut("    "+below, w, t.Glyph.Ellipsis)}
}

// about tells on a wide screen what is under the cursor.
func (m *home) about(w int) (title string, lines []string) {
	t := m.theme
	say := func(style lipgloss.Style, s string) { lines = append(lines, wrapped(style, s, w)...) }
	if b, ok := m.book(); ok {
		say(t.Strong, wording.Line(b.Title))
		if b.Summary != "" {
			lines = append(lines, "")
			say(t.Text, wording.Line(b.Summary))
		}
		if len(b.Needs) > 0 {
			lines = append(lines, "", t.Muted.Render("It needs"))
			for _, n := range b.Needs {
				say(t.Text, t.Glyph.Bullet+" "+wording.Line(n))
			}
		}
		return wording.Line(b.Name), lines
	}
	r, ok := m.run()
	if !ok {
		return "", nil
	}
	say(t.Strong, wording.Line(r.Title))
	lines = append(lines, "", t.Muted.Render("begun   ")+wording.Ago(r.Started, m.now), t.Muted.Render("latest  ")+wording.Ago(r.Last, m.now))
	if r.Holder != "" {
		say(t.Live, "driven by "+wording.Line(r.Holder))
	}
	if s, known := m.stands[r.ID]; known {
		lines = append(lines, "")
		say(t.Text, s.where)
		if s.total > 0 {
			say(t.Muted, fmt.Sprintf("%d of %d settled, gates ahead: %d", s.settled, s.total, s.gates))
		}
		if len(s.values) > 0 {
			lines = append(lines, "")
			for _, v := range s.values {
				lines = append(lines, t.Muted.Render(pane.Cut(v, w, t.Glyph.Ellipsis)))
			}
		}
	}
	return "run " + r.ID, lines
}

// trouble says what went wrong with the last choice.
func (m *home) trouble(w, h int) string {
	iw, ih := pane.Inner(w, h)
	lines := wrapped(m.theme.Text, wording.Block(m.Trouble), iw)
	lines = append(lines[:min(len(lines), max(ih-2, 1))], "", m.theme.Muted.Render("any key goes back to the lists"))
	box := pane.Box{Title: "That did not work", Focus: true}
	return box.Render(m.theme, lines, w, h)
}
