package prompt

import "stepgate/tui/theme"

// Draw shows only the line that is entered, around its cursor, in at most w cells:
// for a screen that has several.
func (p *Prompt) Draw(t *theme.Theme, w int) string { return p.input.draw(t, w) }

// Note says what was not taken as it was entered; empty: all was.
func (p *Prompt) Note() string { return p.note }
