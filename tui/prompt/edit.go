package prompt

import (
	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/text"
	"stepgate/tui/theme"
)

// maxText bounds what can be entered, in characters.
const maxText = 4096

// edit is one line of text with a cursor. What isn't printable on one line is
// replaced before it gets in. The clipboard is the terminal's to paste, never
// ours to read.
type edit struct{ m textinput.Model }

func newEdit(value string) edit {
	m := textinput.New()
	m.Prompt, m.CharLimit = "", maxText
	m.KeyMap.Paste = key.NewBinding(key.WithDisabled())
	m.SetVirtualCursor(true)
	m.Focus() // its command would make the cursor blink
	e := edit{m}
	e.set(value)
	return e
}

func (e *edit) set(s string) {
	e.m.SetValue(text.Line(text.Untrusted(s)))
	e.m.CursorEnd()
}

// hide shows a star for each character.
func (e *edit) hide() {
	e.m.EchoMode, e.m.EchoCharacter = textinput.EchoPassword, '*'
}

func (e *edit) String() string { return e.m.Value() }

// insert puts text at the cursor.
func (e *edit) insert(s string) string {
	e.m, _ = e.m.Update(tea.PasteMsg{Content: text.Line(text.Untrusted(s))})
	return ""
}

// key takes a key: text, or one that moves or deletes.
func (e *edit) key(k tea.KeyPressMsg) {
	if k.Text != "" {
		e.insert(k.Text)
		return
	}
	e.m, _ = e.m.Update(k)
}

// draw shows the part of the text around the cursor in at most w cells.
func (e *edit) draw(t *theme.Theme, w int) string {
	s := e.m.Styles()
	s.Focused = textinput.StyleState{Text: t.Text}
	s.Cursor = textinput.CursorStyle{Color: t.Text.GetForeground(), Shape: tea.CursorBlock}
	e.m.SetStyles(s)
	e.m.SetWidth(max(w-1, 1))     // the cursor may stand behind the text
	e.m.SetCursor(e.m.Position()) // has it choose anew what is in sight
	return e.m.View()
}
