package menu

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// Entry is something to choose.
type Entry struct {
	Key  string // the key that chooses it
	Name string
	Says string // what it does
	Why  string // why it can't be chosen; empty: it can
}

// Menu is a list of entries. Nothing is under the cursor until the operator
// moves it, so that Enter alone chooses nothing.
type Menu struct {
	Entries []Entry
	cursor  int // 1-based; 0: none
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

// Lines draws the menu in at most h lines: entries that can be chosen first,
// then the others while there is room.
func (m *Menu) Lines(t *theme.Theme, w, h int) []string {
	wide, keys := 0, 0
	for _, e := range m.Entries {
		wide = max(wide, ansi.StringWidth(e.Name))
		keys = max(keys, ansi.StringWidth(e.Key))
	}
	var on, off []string
	for i, e := range m.Entries {
		name := pane.Fit(e.Name, wide, "")
		key := pane.Fit(e.Key, keys, "")
		switch {
		case e.Why != "":
			off = append(off, t.Faint.Render(pane.Cut("  "+key+"  "+name+"  not now: "+e.Why, w, t.Glyph.Ellipsis)))
		case i+1 == m.cursor:
			on = append(on, t.Selected.Render(pane.Fit(t.Glyph.Cursor+" "+key+"  "+name+"  "+e.Says, w, t.Glyph.Ellipsis)))
		default:
			on = append(on, pane.Cut("  "+t.Key.Render(key)+"  "+t.Strong.Render(name)+"  "+t.Muted.Render(e.Says), w, t.Glyph.Ellipsis))
		}
	}
	if len(on)+len(off) > h && len(off) > 0 {
		off = []string{m.notNow(t, w)}
	}
	all := append(on, off...)
	return all[:min(len(all), max(h, 0))]
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
