package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/text"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/wording"
)

// Question asks for a value before a run begins.
type Question = prompt.Question

// ErrCancelled says that the operator left a question unanswered.
var ErrCancelled = prompt.ErrCancelled

// Field is a value on the start form. Its Default is what stands there at first.
type Field struct {
	Question
	From     string // where that value comes from: "-e", "inventory"; empty: nobody gave it
	Given    bool   // a secret has a value, which isn't told; left alone it stays
	Optional bool   // it may stay empty; then it has no value
	// Look says what only the world knows of a value, as whether a file is there. It
	// is called beside the screen; may be nil.
	Look func(ctx context.Context, value string) error
}

// Form is what is asked before a run begins.
type Form struct {
	Title  string
	Facts  []string // what the run is begun with beside the values
	Begin  string   // what is done with the values, as a verb; empty: "begin"
	Fields []Field
}

// Fill shows the form until every value is valid and the operator says so, and
// returns the values by name, but not those of given secrets that were left alone.
// It fails with [ErrCancelled] when the operator leaves, and with context.Canceled
// on Ctrl-C.
func Fill(ctx context.Context, f Form, o Options) (map[string]string, error) {
	if len(f.Fields) == 0 {
		return map[string]string{}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newForm(ctx, f, o)
	if err := present(ctx, m, m.o); err != nil {
		return nil, fmt.Errorf("ask for values: %w", err)
	}
	if m.err != nil {
		return nil, fmt.Errorf("ask for values: %w", m.err)
	}
	return m.answers(), nil
}

// present runs a screen until it ends. What ends ctx is its error.
func present(ctx context.Context, m tea.Model, o Options) error {
	p := tea.NewProgram(m, programOptions(o)...)
	// Not tea.WithContext: a program that is killed leaves its reader at the
	// terminal.
	defer context.AfterFunc(ctx, p.Quit)()
	_, err := p.Run()
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// form is the model of the start form.
type form struct {
	front
	ctx    context.Context
	f      Form
	rows   []*row
	at     int // the row that has the keys; behind the last: the button
	scroll pane.Scroll
	marks  []int // first line of each row, of the button, and the end
	wanted bool  // begin as soon as what is being looked at is known
	warned bool  // esc once more leaves
	err    error
}

// row is a field being filled in.
type row struct {
	Field
	p       *prompt.Prompt
	touched bool   // its error is shown though it is empty
	asked   string // the value that is, or was, looked at
	looks   bool   // it is being looked at
	looked  bool   // found holds for asked
	found   error
}

// lookedMsg is what was found out about a value.
type lookedMsg struct {
	at    int
	value string
	err   error
}

func newForm(ctx context.Context, f Form, o Options) *form {
	if f.Begin == "" {
		f.Begin = "begin"
	}
	m := &form{front: newFront(o, keys.InForm), ctx: ctx, f: f}
	for _, fd := range f.Fields {
		v := fd.Default
		if fd.Given {
			v = ""
		}
		m.rows = append(m.rows, &row{Field: fd, p: prompt.New(prompt.Config{Value: v, Secret: fd.Secret})})
	}
	for m.at < len(m.rows)-1 && m.rows[m.at].problem() == nil {
		m.at++
	}
	if m.rows[m.at].problem() == nil {
		m.at = 0
	}
	return m
}

// value is what stands in the row.
func (r *row) value() string { return r.p.Value() }

// kept reports whether a given secret is left alone.
func (r *row) kept() bool { return r.Given && r.value() == "" }

var errMissing = errors.New("a value is needed here")

// problem is what is wrong with the value, as far as its text tells.
func (r *row) problem() error {
	v := r.value()
	switch {
	case r.kept(), v == "" && r.Optional:
		return nil
	case v == "" && r.Default == "":
		return errMissing
	}
	return r.Check(v)
}

// trouble is problem, and what the world says; wait: it hasn't said it yet.
func (r *row) trouble() (err error, wait bool) {
	if err := r.problem(); err != nil || r.Look == nil || r.value() == "" {
		return err, false
	}
	if !r.looked || r.asked != r.value() {
		return nil, true
	}
	return r.found, false
}

func (m *form) Init() tea.Cmd { return tea.Batch(m.front.Init(), m.look()) }

// look has every value looked at that hasn't been.
func (m *form) look() tea.Cmd {
	var cmds []tea.Cmd
	for i, r := range m.rows {
		if _, wait := r.trouble(); !wait || r.looks {
			continue
		}
		v, look, ctx := r.value(), r.Look, m.ctx
		r.asked, r.looks, r.looked = v, true, false
		cmds = append(cmds, func() tea.Msg { return lookedMsg{i, v, look(ctx, v)} })
	}
	return tea.Batch(cmds...)
}

func (m *form) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.surroundings(msg)
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case lookedMsg:
		r := m.rows[msg.at]
		r.looks, r.looked, r.found = false, true, msg.err
		if m.wanted {
			cmd = m.begin()
		}
	case tea.PasteMsg:
		if r := m.row(); r != nil && len(m.options(r)) == 0 && !m.small() {
			r.p.Paste(msg)
			m.typed(r)
		}
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	case tea.MouseClickMsg:
		cmd = m.click(msg.Mouse())
	case tea.MouseWheelMsg:
		m.wheel(msg.Mouse())
	}
	return m, tea.Batch(cmd, m.look())
}

// row is the row that has the keys; nil: the button has them.
func (m *form) row() *row {
	if m.at >= len(m.rows) {
		return nil
	}
	return m.rows[m.at]
}

// typed is called after the value of a row may have changed.
func (m *form) typed(r *row) {
	r.touched = true
	m.say(r.p.Note(), true)
}

func (m *form) key(k tea.KeyPressMsg) tea.Cmd {
	b, bound := m.o.Keys.Lookup(keys.InForm, k.String())
	m.wanted = false
	warned := m.warned
	m.warned = false
	if b.ID != keys.Begin {
		m.say("", false)
	}
	switch {
	case b.ID == keys.Interrupt:
		m.err = context.Canceled
		return tea.Quit
	case b.ID == keys.Cancel:
		if m.changed() && !warned && !m.small() {
			m.warned = true
			m.say(keys.Name(k.String(), "enter")+" once more leaves; what was typed is lost", true)
			return nil
		}
		m.err = ErrCancelled
		return tea.Quit
	case m.small():
		return nil
	}
	r := m.row()
	switch b.ID {
	case keys.Down:
		m.move(1)
	case keys.Up:
		m.move(-1)
	case keys.Enter:
		return m.enter(r)
	case keys.Begin:
		return m.begin()
	case keys.Left, keys.Right:
		if r != nil && !m.choose(r, b.ID == keys.Right) {
			r.p.Key(k)
		}
	default:
		if r != nil && !bound {
			m.enterText(r, k)
		}
	}
	return nil
}

// enterText gives a key to the row's text, or finds the choice that begins so.
func (m *form) enterText(r *row, k tea.KeyPressMsg) {
	opts := m.options(r)
	if len(opts) == 0 {
		r.p.Key(k)
		m.typed(r)
		return
	}
	if k.String() == "space" {
		m.choose(r, true)
		return
	}
	for _, c := range opts {
		if k.Text != "" && strings.HasPrefix(strings.ToLower(c), strings.ToLower(k.Text)) {
			m.set(r, c)
			return
		}
	}
}

// options are what may stand in a row, where that is a matter of choosing.
func (m *form) options(r *row) []string {
	switch {
	case len(r.Choices) > 0:
		return r.Choices
	case r.Type == "bool":
		return []string{"true", "false"}
	}
	return nil
}

// choose takes the next or the previous choice, and reports whether there are any.
func (m *form) choose(r *row, next bool) bool {
	opts := m.options(r)
	if len(opts) == 0 {
		return false
	}
	at, n := -1, len(opts)
	for i, c := range opts {
		if c == r.value() {
			at = i
		}
	}
	switch {
	case next:
		at = (at + 1) % n
	case at <= 0:
		at = n - 1
	default:
		at--
	}
	m.set(r, opts[at])
	return true
}

func (m *form) set(r *row, v string) {
	r.p = prompt.New(prompt.Config{Value: v, Secret: r.Secret})
	m.typed(r)
}

// move gives the keys to another row. One that is left has been seen.
func (m *form) move(n int) {
	if r := m.row(); r != nil && n > 0 {
		r.touched = true
	}
	m.at = max(min(m.at+n, len(m.rows)), 0)
}

// enter takes the row's value and goes on, or begins on the button.
func (m *form) enter(r *row) tea.Cmd {
	if r == nil {
		return m.begin()
	}
	r.touched = true
	if err, _ := r.trouble(); err == nil {
		m.move(1)
	}
	return nil
}

// begin ends the form once every value is valid, else it goes to the first that
// isn't.
func (m *form) begin() tea.Cmd {
	m.wanted = false
	first, n, waits := -1, 0, false
	for i, r := range m.rows {
		err, wait := r.trouble()
		waits = waits || wait
		if err == nil {
			continue
		}
		r.touched = true
		if n++; first < 0 {
			first = i
		}
	}
	switch {
	case n == 1:
		m.at = first
		m.say("one value is missing or not valid", true)
	case n > 1:
		m.at = first
		m.say(fmt.Sprintf("%d values are missing or not valid", n), true)
	case waits:
		m.wanted = true
		m.say("looking "+m.theme.Glyph.Ellipsis, false)
	default:
		return tea.Quit
	}
	return nil
}

// changed reports whether anything was entered.
func (m *form) changed() bool {
	for _, r := range m.rows {
		if v := r.value(); v != strings.TrimSpace(wording.Line(r.Default)) && !r.kept() {
			return true
		}
	}
	return false
}

// answers are the values by name.
func (m *form) answers() map[string]string {
	out := map[string]string{}
	for _, r := range m.rows {
		if !r.kept() {
			out[r.Name] = r.value()
		}
	}
	return out
}

// shown is the row's value where it isn't being entered.
func (r *row) shown() string {
	switch {
	case r.kept(), r.Secret && r.value() != "":
		return text.Masked
	}
	return wording.Line(r.value())
}
