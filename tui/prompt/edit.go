package prompt

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/text"
	"stepgate/tui/theme"
)

// maxText bounds what can be entered, in characters.
const maxText = 4096

// edit is one line of text with a cursor. What isn't printable on one line is
// replaced before it gets in, or refused where every byte counts. The clipboard is
// the terminal's to paste, never ours to read.
type edit struct {
	m     textinput.Model
	exact bool
}

func newEdit(value string, exact bool) edit {
	m := textinput.New()
	m.Prompt, m.CharLimit = "", maxText
	m.KeyMap.Paste = key.NewBinding(key.WithDisabled())
	m.SetVirtualCursor(true)
	m.Focus() // its command would make the cursor blink
	e := edit{m, exact}
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

// insert puts text at the cursor. Several lines become one, unless it is exact.
func (e *edit) insert(s string) (note string) {
	s = strings.TrimRight(s, "\r\n")
	if strings.ContainsAny(s, "\r\n") {
		if e.exact {
			return "that was more than one line: nothing was taken"
		}
		var lines []string
		for l := range strings.Lines(strings.ReplaceAll(s, "\r", "\n")) {
			if l = strings.TrimSpace(l); l != "" {
				lines = append(lines, l)
			}
		}
		s, note = strings.Join(lines, " "), "its lines were joined to one"
	}
	shown := text.Line(text.Untrusted(s))
	switch {
	case e.exact && shown != s:
		return "that has characters that can't be seen: nothing was taken"
	case utf8.RuneCountInString(e.m.Value())+utf8.RuneCountInString(shown) > maxText:
		return fmt.Sprintf("no more than %d characters fit: nothing was taken", maxText)
	}
	e.m, _ = e.m.Update(tea.PasteMsg{Content: shown})
	return note
}

// key takes a key: text, or one that moves or deletes.
func (e *edit) key(k tea.KeyPressMsg) string {
	if k.Text != "" {
		return e.insert(k.Text)
	}
	e.m, _ = e.m.Update(k)
	return ""
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
