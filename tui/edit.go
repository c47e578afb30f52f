package tui

import (
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
	"stepgate/tui/diff"
	"stepgate/tui/keys"
	"stepgate/tui/menu"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/wording"
)

// edited is a command that a person changes: the cell as it was seen, what would run
// now, and what it becomes.
type edited struct {
	key     run.Key
	seq     uint64
	name    string // of the text, for the editor
	was, is string
}

// editedMsg: the editor has ended.
type editedMsg struct {
	edited
	err error
}

func (editedMsg) message() {}

// edit gives the command that failed to the operator's editor.
func (a *app) edit() tea.Cmd {
	if why := a.action(run.VerbEdit).Why; why != "" {
		return a.refuse(run.VerbEdit, why)
	}
	c := a.snap.Run.Cell(a.snap.Current)
	was, err := a.snap.Run.EditText(c)
	if err != nil {
		return a.refuse(run.VerbEdit, err.Error())
	}
	return a.inEditor(edited{c.Key, a.snap.Seq, wording.FileName(c), was, was})
}

// refuse says why an action doesn't apply.
func (a *app) refuse(v run.Verb, why string) tea.Cmd {
	a.word, a.bad = wording.Remedy(v)+" does not apply: "+wording.Line(why), true
	return nil
}

func (a *app) inEditor(e edited) tea.Cmd {
	if a.o.Outside == nil {
		a.word, a.bad = "there is no editor here", true
		return nil
	}
	ctx, programs, msg := a.ctx, a.o.Outside, editedMsg{edited: e}
	return a.outside(
		func(t Streams) (err error) {
			msg.is, err = programs.Edit(ctx, t, e.name, e.is)
			return err
		},
		func(err error) message { msg.err = err; return msg },
	)
}

// takeEdited puts what the editor has made of a command before the operator.
func (a *app) takeEdited(m editedMsg) {
	if !strings.HasSuffix(m.was, "\n") && m.was != m.is {
		m.is = strings.TrimSuffix(m.is, "\n") // editors end the last line
	}
	c := a.snap.Run.Cell(m.key)
	switch {
	case m.err != nil:
		a.say(fmt.Errorf("nothing was changed: %w", m.err))
	case c == nil || c.Seq != m.seq:
		a.say(errors.New("the run has moved on meanwhile: nothing was changed"))
	case m.is == m.was:
		a.word, a.bad = "nothing was changed", false
	case strings.TrimSpace(m.is) == "":
		a.word, a.bad = "nothing was left of the command, so it stays as it was", true
	default:
		d := &diffDialog{edited: m.edited}
		if _, err := a.snap.Run.Edited(c, m.is); err != nil {
			d.why = wording.Line(err.Error())
		}
		a.open(d)
	}
}

// diffDialog shows what a person has changed in a command, and asks what to do with it.
type diffDialog struct {
	page
	edited
	why         string // it can't be run as it is; empty: it can
	scroll      pane.Scroll
	total, room int
}

func (d *diffDialog) scope() keys.Scope   { return keys.InDiff }
func (d *diffDialog) wheel(_ *app, n int) { d.scroll.By(n, d.total, d.room) }

func (d *diffDialog) key(a *app, k tea.KeyPressMsg) tea.Cmd {
	b, _ := a.keys.Lookup(keys.InDiff, k.String())
	switch b.ID {
	case keys.Yes:
		if a.sent || d.why != "" {
			return nil // one action at a time
		}
		a.shut()
		av := a.action(run.VerbEdit)
		then := func(a *app, typed string) tea.Cmd {
			return a.do(d.edited.key, d.seq, run.VerbEdit, run.Edit{Body: d.is, Typed: typed})
		}
		if av.Phrase == "" {
			return then(a, "")
		}
		a.open(&textDialog{p: a.prompt(prompt.Config{Title: "Edit and retry: " + wording.Here(a.snap), Phrase: av.Phrase, Body: says(av.Says)}), then: then})
		return nil
	case keys.Edit:
		a.shut()
		return a.inEditor(d.edited)
	case keys.Cancel, keys.Interrupt:
		a.shut()
		a.word, a.bad = "the command stays as it was", false
	default:
		scrolled(&d.scroll, b.ID, d.total, d.room)
	}
	return nil
}

// scrolled moves in a text that is read as a key says.
func scrolled(s *pane.Scroll, id keys.ID, total, room int) {
	switch id {
	case keys.Up:
		s.By(-1, total, room)
	case keys.Down:
		s.By(1, total, room)
	case keys.PageUp:
		s.By(-max(room-1, 1), total, room)
	case keys.PageDown:
		s.By(max(room-1, 1), total, room)
	case keys.Top:
		s.By(-total, total, room)
	case keys.End:
		s.End(total, room)
	default:
	}
}

func (d *diffDialog) render(a *app, w, h int) string {
	t := a.theme
	iw, ih := pane.Inner(w, h)
	c := a.snap.Run.Cell(d.edited.key)
	if c == nil {
		return ""
	}
	lines := wrapped(t.Text, "This is what you changed. The gate before it shows all of it once more; it is recorded as off-book.", iw)
	if d.why != "" {
		lines = wrapped(t.Bad, "This can't be run: "+d.why, iw)
	}
	lines = append(append(lines, ""), diff.Lines(t, d.was, d.is, iw)...)
	var m menu.Menu
	for _, id := range []keys.ID{keys.Yes, keys.Edit, keys.Cancel} {
		b := a.keys.Bound(keys.InDiff, id)
		m.Entries = append(m.Entries, menu.Entry{Key: keys.Name(b.Keys[0], t.Glyph.Enter), Name: b.Short, Says: b.Long})
	}
	m.Entries[0].Why = d.why
	below := m.Lines(t, iw, len(m.Entries))
	d.total, d.room = len(lines), max(ih-len(below)-1, 0)
	all := append([]string{}, d.scroll.Window(lines, d.room)...)
	for len(all) < d.room {
		all = append(all, "")
	}
	all = append(append(all, t.Border.Render(strings.Repeat(t.Glyph.Rule, iw))), below...)
	return pane.Box{Title: "Edit and retry: " + wording.At(a.snap.Run, c), Focus: true, Scroll: &d.scroll}.Render(t, all, w, h)
}
