package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"stepgate/runbook/text"
	"stepgate/tui"
	"stepgate/tui/wording"
)

// Ask asks the questions one by one in lines, each until its answer is valid,
// and returns the answers by name. An empty line takes the default. It fails
// with [tui.ErrCancelled] at the end of input.
func Ask(ctx context.Context, in Answers, out io.Writer, qs []tui.Question) (map[string]string, error) {
	p := &printer{out: out}
	answers := map[string]string{}
	for _, q := range qs {
		v, err := ask(ctx, in, p, q)
		if errors.Is(err, io.EOF) {
			err = tui.ErrCancelled
		}
		if err != nil {
			return nil, fmt.Errorf("ask for %q: %w", q.Name, err)
		}
		answers[q.Name] = v
	}
	return answers, p.err
}

// Hider is where a secret can be typed: Hide keeps what is typed from being shown
// until show is called.
type Hider interface {
	Hide() (show func() error, err error)
}

// unseen reads a line that isn't shown, not even when it is typed at once. What
// was typed before is dropped. instead is the remedy where that can't be had.
func unseen(ctx context.Context, in Answers, p *printer, prompt, instead string) (line string, err error) {
	h, ok := in.(Hider)
	if !ok {
		return "", text.WithHint(errors.New("a secret can't be typed here without being shown"), instead)
	}
	show, err := h.Hide()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, show()) }()
	if err := in.Flush(); err != nil {
		return "", err
	}
	p.printf("%s", prompt)
	line, err = in.ReadLine(ctx)
	p.printf("\n") // the Enter wasn't shown either
	return line, err
}

// byVariable is the other way to give a secret.
func byVariable(name string) string { return "set the environment variable STEPGATE_VAR_" + name }

func ask(ctx context.Context, in Answers, p *printer, q tui.Question) (string, error) {
	prompt := q.Text()
	if q.Default != "" && !q.Secret {
		prompt += " [" + wording.Line(q.Default) + "]"
	}
	prompt += "> "
	read := func(ctx context.Context) (string, error) {
		p.printf("%s", prompt)
		return in.ReadLine(ctx)
	}
	if q.Secret {
		read = func(ctx context.Context) (string, error) { return unseen(ctx, in, p, prompt, byVariable(q.Name)) }
	}
	if q.Help != "" {
		p.indent(" ", q.Help)
	}
	for _, c := range q.Choices {
		p.printf("    - %s\n", wording.Line(c))
	}
	for {
		v, err := read(ctx)
		if err != nil || p.err != nil {
			return "", errors.Join(err, p.err)
		}
		if v = strings.TrimSpace(v); v == "" {
			v = q.Default
		}
		if err := q.Check(v); err != nil {
			p.printf("  %s\n", wording.Line(err.Error()))
			continue
		}
		return v, nil
	}
}
