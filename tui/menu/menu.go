package menu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// Entry is something to choose.
type Entry struct {
	Key   string // the key that chooses it
	Name  string
	Says  string // what it does
	Why   string // why it can't be chosen; empty: it can
	Group string // under whose heading it stands where there is room for headings
}

// Menu is a list of entries. Nothing is under the cursor until the operator
// moves it, so that Enter alone chooses nothing.
type Menu struct {
	Entries []Entry
	cursor  int   // 1-based; 0: none
	drawn   []int // by line: the entry there, -1: none
}

// Move moves the cursor to the next entry that can be chosen.
func (m *Menu) Move(n int) {
	for i := 1; i <= len(m.Entries); i++ {
		at := (m.cursor - 1 + n*i + len(m.Entries)*len(m.Entries)) % len(m.Entries)
		if m.cursor == 0 && n < 0 {
			at = (len(m.Entries) - i) % len(m.Entries)
		} else if m.cursor == 0 {
			at = i - 1
		}
		if m.Entries[at].Why == "" {
			m.cursor = at + 1
			return
		}
	}
}

// Selected returns the entry under the cursor.
func (m *Menu) Selected() (Entry, bool) {
	if m.cursor == 0 || m.cursor > len(m.Entries) {
		return Entry{}, false
	}
	return m.Entries[m.cursor-1], true
}

// Find returns the entry of a key.
func (m *Menu) Find(key string) (Entry, bool) {
	for _, e := range m.Entries {
		if e.Key == key {
			return e, true
		}
	}
	return Entry{}, false
}

// Click puts the cursor on the entry that was drawn on a line, counted from 0. again
// says that it stood there already, which chooses it.
func (m *Menu) Click(line int) (e Entry, again bool) {
	if line < 0 || line >= len(m.drawn) || m.drawn[line] < 0 || m.Entries[m.drawn[line]].Why != "" {
		return Entry{}, false
	}
	i := m.drawn[line]
	again = m.cursor == i+1
	m.cursor = i + 1
	return m.Entries[i], again
}

// Lines draws the menu in at most h lines: entries that can be chosen first,
// then the others while there is room, under headings where all of them fit. Of more
// entries than lines those around the cursor are drawn.
func (m *Menu) Lines(t *theme.Theme, w, h int) []string {
	d := drawing{Menu: m, t: t, w: w}
	for _, e := range m.Entries {
		d.wide = max(d.wide, ansi.StringWidth(e.Name))
		d.keys = max(d.keys, ansi.StringWidth(e.Key))
	}
	on, off := m.order()
	m.drawn = m.drawn[:0]
	if lines := d.grouped(on, off); len(lines) <= h {
		return lines
	}
	m.drawn = m.drawn[:0]
	return d.dense(on, off, max(h, 0))
}

// Least is how many lines the entries that can be chosen need, and a line for the
// others.
func (m *Menu) Least() int {
	on, off := m.order()
	return len(on) + min(len(off), 1)
}

// order are the entries that can be chosen, and those that can't.
func (m *Menu) order() (on, off []int) {
	for i, e := range m.Entries {
		if e.Why == "" {
			on = append(on, i)
		} else {
			off = append(off, i)
		}
	}
	return on, off
}

// drawing draws a menu in lines of at most w cells.
type drawing struct {
	*Menu
	t          *theme.Theme
	w          int
	wide, keys int // of the longest name and key
	lines      []string
}

// put draws one entry, or text where entry is -1.
func (d *drawing) put(entry int, text string) {
	if entry >= 0 {
		text = d.entry(entry)
	}
	d.lines = append(d.lines, pane.Cut(text, d.w, d.t.Glyph.Ellipsis))
	d.drawn = append(d.drawn, entry)
}

func (d *drawing) entry(i int) string {
	t, e := d.t, d.Entries[i]
	key, name := pane.Fit(e.Key, d.keys, ""), pane.Fit(e.Name, d.wide, "")
	switch {
	case e.Why != "":
		return t.Faint.Render("  " + key + "  " + name + "  not now: " + e.Why)
	case i+1 == d.cursor:
		return t.Selected.Render(pane.Fit(t.Glyph.Cursor+" "+key+"  "+name+"  "+e.Says, d.w, t.Glyph.Ellipsis))
	}
	return "  " + t.Key.Render(key) + "  " + t.Strong.Render(name) + "  " + t.Muted.Render(e.Says)
}

// grouped draws all entries under their headings.
func (d *drawing) grouped(on, off []int) []string {
	group := ""
	for n, i := range on {
		if g := d.Entries[i].Group; g != group {
			if n > 0 {
				d.put(-1, "")
			}
			d.put(-1, d.t.Accent.Render(g))
			group = g
		}
		d.put(i, "")
	}
	if group != "" && len(off) > 0 {
		d.put(-1, "")
	}
	for _, i := range off {
		d.put(i, "")
	}
	return d.lines
}

// dense draws in h lines what is most wanted.
func (d *drawing) dense(on, off []int, h int) []string {
	d.lines = nil
	if len(on)+len(off) <= h {
		for _, i := range append(on, off...) {
			d.put(i, "")
		}
		return d.lines
	}
	room := h
	if len(off) > 0 && len(on) != h {
		room--
	}
	first := 0
	if at := slices.Index(on, d.cursor-1); at >= room-1 && len(on) > room {
		first = min(at-room+2, len(on)-room+1)
	}
	for n := first; n < len(on) && len(d.lines) < room; n++ {
		if left := len(on) - n; left > 1 && len(d.lines) == room-1 {
			d.put(-1, d.t.Faint.Render(fmt.Sprintf("  %s %d more", d.t.Glyph.Ellipsis, left)))
			break
		}
		d.put(on[n], "")
	}
	if len(off) > 0 && len(d.lines) < h {
		d.put(-1, d.notNow(d.t, d.w))
	}
	return d.lines
}

// notNow names in one line what can't be chosen.
func (m *Menu) notNow(t *theme.Theme, w int) string {
	var names []string
	for _, e := range m.Entries {
		if e.Why != "" {
			names = append(names, e.Name)
		}
	}
	return t.Faint.Render(pane.Cut("  not now: "+strings.Join(names, ", "), w, t.Glyph.Ellipsis))
}
