package prompt

import (
	tea "charm.land/bubbletea/v2"

	"stepgate/tui/theme"
)

// Input is one line of text being entered, as part of a larger screen.
type Input struct{ edit }

// NewInput begins with a text. What a secret one holds is shown as stars.
func NewInput(value string, secret bool) *Input {
	in := &Input{newEdit(value)}
	if secret {
		in.hide()
	}
	return in
}

// Key takes a key: text, or one that moves or deletes.
func (in *Input) Key(k tea.KeyPressMsg) { in.key(k) }

// Insert puts text at the cursor; line breaks in it become visible signs.
func (in *Input) Insert(s string) { in.insert(s) }

// Set replaces the text.
func (in *Input) Set(s string) { in.set(s) }

// Draw shows the part of the text around the cursor in at most w cells.
func (in *Input) Draw(t *theme.Theme, w int) string { return in.draw(t, w) }
