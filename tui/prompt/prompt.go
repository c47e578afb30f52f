package prompt

import (
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// ErrCancelled says that the operator left a question unanswered.
var ErrCancelled = errors.New("the question was not answered")

// Question asks for a value before a run begins.
type Question struct {
	Name     string
	Prompt   string // empty: the name
	Help     string
	Type     string // shown: int, duration, host …
	Choices  []string
	Default  string
	Secret   bool               // not shown as it is typed, nor afterwards
	Validate func(string) error // as typed, also on the empty text; may be nil
}

// Text is the question as a line.
func (q Question) Text() string {
	s := wording.Line(q.Name)
	if q.Prompt != "" {
		s = wording.Line(q.Prompt)
	}
	if q.Type != "" && q.Type != "string" {
		s += " (" + wording.Line(q.Type) + ")"
	}
	return s
}

// Check says whether a text answers the question.
func (q Question) Check(s string) error {
	if q.Validate != nil {
		return q.Validate(s)
	}
	return nil
}

// Config says what is asked.
type Config struct {
	Title string
	// Body draws what stands above the input in lines of at most w cells; may be
	// nil.
	Body     func(t *theme.Theme, w int) []string
	Ask      string // one line above the input
	Phrase   string // must be typed exactly; empty: free text
	Required bool   // free text: may not be blank
	Value    string // free text: proposed
	Choices  []string
	Secret   bool               // free text: not shown
	Exact    bool               // free text: kept byte for byte, blanks at its ends too
	Takes    string             // what the key that answers does, as a verb; empty: "takes it"
	Leaves   string             // what the key that cancels does, as a verb; empty: "leaves it"
	Validate func(string) error // as typed; may be nil
	Keys     keys.Map           // zero: the default
	In       keys.Scope         // whose keys they are; zero: a text's
}

// Prompt is a Config being answered.
type Prompt struct {
	Config
	input  field
	phrase string
	note   string
	err    error
	scroll pane.Scroll
	read   bool // the body has been on the screen to its end
	body   int  // lines of the body that were drawn
	room   int
}

// New begins to ask.
func New(c Config) *Prompt {
	if c.Takes == "" {
		c.Takes = "takes it"
	}
	if c.Leaves == "" {
		c.Leaves = "leaves it"
	}
	if len(c.Keys.Bindings()) == 0 {
		c.Keys = keys.Default()
	}
	if c.In == 0 {
		c.In = keys.InText
	}
	p := &Prompt{Config: c}
	switch e := newEdit(c.Value, c.Exact); {
	case c.Secret && c.Exact:
		p.input = &hidden{c.Value}
	case c.Secret:
		e.hide()
		fallthrough
	default:
		p.input = &e
	}
	p.check()
	return p
}

// Key takes a key other than those that answer and cancel.
func (p *Prompt) Key(k tea.KeyPressMsg) {
	p.note = ""
	b, _ := p.Keys.Lookup(p.In, k.String())
	line := b.ID == keys.Up || b.ID == keys.Down
	n := 1
	if b.ID == keys.Up {
		n = -1
	}
	switch {
	case b.ID == keys.PageDown:
		p.Scroll(max(p.room-1, 1))
	case b.ID == keys.PageUp:
		p.Scroll(-max(p.room-1, 1))
	case line && len(p.Choices) > 0:
		p.choose(n > 0)
	case line:
		p.Scroll(n)
	case p.Phrase != "":
		if k.String() == "backspace" {
			p.phrase = wording.Chop(p.phrase)
		} else if p.Reading() {
			if p.note = "read on to the end first"; k.String() == "space" {
				p.Scroll(max(p.room-1, 1))
				p.note = ""
			}
		} else if k.Text == " " && p.phrase == "" {
			break // one blank more than reading on needed
		} else if k.Text != "" && len(p.phrase) < len(p.Phrase)+64 {
			p.phrase += k.Text
		}
	default:
		p.note = p.input.key(k)
	}
	p.check()
}

// Scroll moves what stands above the input by n lines.
func (p *Prompt) Scroll(n int) { p.scroll.By(n, p.body, p.room) }

// name is a key as the operator reads it.
func (p *Prompt) name(id keys.ID) string { return p.Keys.Name(p.In, id, "enter") }

// Reading reports whether there is more to read before a phrase may be typed.
func (p *Prompt) Reading() bool { return p.Phrase != "" && p.body > 0 && !p.read }

// choose proposes the next or the previous choice.
func (p *Prompt) choose(next bool) {
	at := -1
	for i, c := range p.Choices {
		if c == p.input.String() {
			at = i
		}
	}
	switch {
	case next:
		at = (at + 1) % len(p.Choices)
	case at <= 0:
		at = len(p.Choices) - 1
	default:
		at--
	}
	p.input.set(p.Choices[at])
}

// Paste takes pasted text, except into a phrase.
func (p *Prompt) Paste(m tea.PasteMsg) {
	if p.Phrase != "" {
		p.note = "it has to be typed; a paste is not taken"
		return
	}
	p.note = p.input.insert(m.Content)
	p.check()
}

// Set replaces the text so far.
func (p *Prompt) Set(s string) {
	p.input.set(s)
	p.check()
}

// Say puts a word below the input, until the next key.
func (p *Prompt) Say(note string) { p.note = note }

func (p *Prompt) check() {
	p.err = nil
	if p.Phrase == "" && p.Validate != nil {
		p.err = p.Validate(p.Value())
	}
}

// Value is the text so far.
func (p *Prompt) Value() string {
	if p.Phrase != "" {
		return p.phrase
	}
	if p.Exact {
		return p.input.String()
	}
	return strings.TrimSpace(p.input.String())
}

// Enter reports whether the answer is complete; if not, the dialog says why.
func (p *Prompt) Enter() bool {
	switch {
	case p.Phrase != "" && p.phrase != p.Phrase:
		p.note = "that is not what has to be typed"
	case p.Phrase == "" && p.Required && p.Value() == "":
		p.note = "a few words are needed here"
	case p.err != nil:
		p.note = wording.Line(p.err.Error())
	default:
		return true
	}
	return false
}

// Render draws the dialog in a box of at most w by h cells, as high as it needs.
func (p *Prompt) Render(t *theme.Theme, w, h int) string {
	iw, ih := pane.Inner(w, h)
	var body []string
	if p.Body != nil {
		body = p.Body(t, iw)
	}
	for _, c := range p.Choices {
		body = append(body, "  "+t.Muted.Render(t.Glyph.Bullet+" ")+wording.Line(c))
	}
	foot := p.foot(t, iw) // as high whatever it says
	p.body, p.room = len(body), max(min(len(body), ih-len(foot)), 0)
	p.scroll.By(0, p.body, p.room)
	p.read = p.read || p.scroll.Top+p.room >= p.body
	foot = p.foot(t, iw)
	lines := append([]string{}, p.scroll.Window(body, p.room)...)
	lines = append(lines, foot...)
	box := pane.Box{Title: p.Title, Focus: true, Scroll: &p.scroll}
	return box.Render(t, lines, w, min(h, len(lines)+2))
}

// takes says which keys answer and cancel.
func (p *Prompt) takes() string {
	return p.name(keys.Enter) + " " + p.Takes + ", " + p.name(keys.Cancel) + " " + p.Leaves
}

func (p *Prompt) foot(t *theme.Theme, w int) []string {
	var out []string
	if p.Body != nil || len(p.Choices) > 0 {
		out = append(out, "")
	}
	ask := p.Ask
	if p.Phrase != "" && ask == "" {
		ask = "Type " + wording.Line(p.Phrase) + " and press " + p.name(keys.Enter) + "."
	}
	for _, l := range pane.Wrap(ask, w) {
		out = append(out, t.Strong.Render(l))
	}
	lead := t.Key.Render("> ")
	if p.Phrase != "" {
		out = append(out, lead+wording.Line(p.phrase)+t.Selected.Render(" "))
	} else {
		out = append(out, lead+p.input.draw(t, max(w-2, 1)))
	}
	note, style := p.note, t.Warning
	if note == "" && p.err != nil && p.Value() != "" {
		note = wording.Line(p.err.Error())
	}
	switch {
	case note != "":
	case p.Phrase != "" && !p.read:
		note = "read on to the end first: space or " + p.name(keys.PageDown)
	case len(p.Choices) > 0:
		note, style = p.name(keys.Up)+" and "+p.name(keys.Down)+" choose, "+p.takes(), t.Faint
	default:
		note, style = p.takes(), t.Faint
	}
	return append(out, style.Render(ansi.Truncate(note, max(w, 0), t.Glyph.Ellipsis)))
}
