package prompt

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"stepgate/tui/theme"
)

// field is a line of text being entered. key and insert say what they have not taken
// as it came.
type field interface {
	key(k tea.KeyPressMsg) (note string)
	insert(s string) (note string)
	set(s string)
	String() string
	draw(t *theme.Theme, w int) string
}

// hidden is a line that isn't shown, kept byte for byte as it was entered: what
// it holds goes to another program, never to a screen.
type hidden struct{ text string }

func (h *hidden) set(s string) { h.text = s }

func (h *hidden) String() string { return h.text }

func (h *hidden) insert(s string) string {
	s = strings.TrimRight(s, "\r\n")
	switch {
	case strings.ContainsAny(s, "\r\n"):
		return "that was more than one line: nothing was taken"
	case len(h.text)+len(s) > maxText:
		return "that is too long: nothing was taken"
	}
	h.text += s
	return ""
}

func (h *hidden) key(k tea.KeyPressMsg) string {
	switch {
	case k.Text != "":
		return h.insert(k.Text)
	case k.String() == "backspace" && h.text != "":
		_, n := utf8.DecodeLastRuneInString(h.text)
		h.text = h.text[:len(h.text)-n]
	case k.String() == "ctrl+u":
		h.text = ""
	}
	return ""
}

// draw shows a star for each character, the last ones where there is no room.
func (h *hidden) draw(t *theme.Theme, w int) string {
	n := min(utf8.RuneCountInString(h.text), max(w-1, 0))
	return t.Text.Render(strings.Repeat("*", n)) + t.Selected.Render(" ")
}
