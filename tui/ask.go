package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/text"
	"stepgate/tui/pane"
	"stepgate/tui/prompt"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Question asks for a value before a run begins.
type Question = prompt.Question

// ErrCancelled says that the operator left a question unanswered.
var ErrCancelled = prompt.ErrCancelled

// Ask asks the questions one by one on the terminal, each checked as it is
// typed, and returns the answers by name. It fails with [ErrCancelled]
// when the operator leaves one unanswered, and with context.Canceled on Ctrl-C.
func Ask(ctx context.Context, qs []Question, o Options) (map[string]string, error) {
	if len(qs) == 0 {
		return map[string]string{}, nil
	}
	o = o.withDefaults()
	a := newAsk(qs, o)
	if _, err := tea.NewProgram(a, append(programOptions(o), tea.WithContext(ctx))...).Run(); err != nil {
		if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("ask for values: %w", err)
	}
	if a.err != nil {
		return nil, fmt.Errorf("ask for %q: %w", qs[a.at].Name, a.err)
	}
	answers := map[string]string{}
	for i, q := range qs {
		answers[q.Name] = a.answers[i]
	}
	return answers, nil
}

// ask is the model of the questions.
type ask struct {
	qs      []Question
	theme   *theme.Theme
	o       Options
	w, h    int
	at      int
	answers []string
	p       *prompt.Prompt
	err     error
}

func newAsk(qs []Question, o Options) *ask {
	a := &ask{qs: qs, theme: theme.New(o.Theme), o: o}
	for _, q := range qs {
		a.answers = append(a.answers, q.Default)
	}
	a.begin(0)
	return a
}

// begin asks a question.
func (a *ask) begin(i int) {
	q := a.qs[i]
	a.at = i
	a.p = prompt.New(prompt.Config{
		Title: fmt.Sprintf("%s (%d of %d)", wording.Line(q.Name), i+1, len(a.qs)),
		Ask:   q.Text(), Value: a.answers[i], Choices: q.Choices, Validate: q.Check, Secret: q.Secret,
		Body: func(t *theme.Theme, w int) []string {
			return wrapped(t.Muted, strings.TrimSpace(wording.Block(q.Help)), w)
		},
	})
}

func (a *ask) Init() tea.Cmd {
	if a.o.Theme.NoColor {
		return nil
	}
	return tea.RequestBackgroundColor
}

func (a *ask) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		a.w, a.h = m.Width, m.Height
	case tea.BackgroundColorMsg:
		a.o.Theme.Light = !m.IsDark()
		a.theme = theme.New(a.o.Theme)
	case tea.PasteMsg:
		a.p.Paste(m)
	case tea.KeyPressMsg:
		return a, a.key(m)
	}
	return a, nil
}

func (a *ask) key(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "ctrl+c":
		a.err = context.Canceled
		return tea.Quit
	case "esc":
		a.err = ErrCancelled
		return tea.Quit
	case "shift+tab":
		a.begin(max(a.at-1, 0))
	case "enter":
		if !a.p.Enter() {
			return nil
		}
		a.answers[a.at] = a.p.Value()
		if a.at+1 == len(a.qs) {
			return tea.Quit
		}
		a.begin(a.at + 1)
	default:
		a.p.Key(k)
	}
	return nil
}

func (a *ask) View() tea.View {
	v := tea.NewView(a.frame())
	v.AltScreen = true
	return v
}

func (a *ask) frame() string {
	t := a.theme
	if a.w < 30 || a.h < 10 {
		return fill(pane.Wrap("This terminal is too small to ask for values: 30 by 10 is needed. esc leaves.", a.w), a.w, a.h)
	}
	lines := []string{" " + t.Accent.Render("stepgate") + "  " + t.Strong.Render(wording.Line(a.o.Title)), ""}
	for i, q := range a.qs[:a.at] {
		answer := a.answers[i]
		if q.Secret {
			answer = text.Masked
		}
		lines = append(lines, " "+t.Draw(theme.Done)+" "+t.Muted.Render(wording.Line(q.Name)+" = ")+wording.Line(answer))
	}
	if room := max(a.h-12, 2); len(lines) > room {
		lines = append(lines[:2], lines[len(lines)-room+2:]...)
	}
	if a.at > 0 {
		lines = append(lines, "")
	}
	w := min(a.w-2, 90)
	box := a.p.Render(t, w, max(a.h-len(lines)-1, 5))
	lines = append(lines, pane.Indent(strings.Split(box, "\n"), " ")...)
	for len(lines) < a.h-1 {
		lines = append(lines, "")
	}
	lines = append(lines[:a.h-1], t.Muted.Render(" "+t.Glyph.Enter+" next "+t.Glyph.Dot+" shift+tab back "+t.Glyph.Dot+" esc leave, nothing begins"))
	return fill(lines, a.w, a.h)
}
