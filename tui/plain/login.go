package plain

import (
	"context"
	"fmt"
	"os"

	"stepgate/runbook/run"
	"stepgate/tui"
	"stepgate/tui/wording"
)

// login puts what a login needs before the person. What was typed before is
// dropped; a password isn't shown.
func (w *walk) login(ctx context.Context, p *run.Prompt) (run.Action, error) {
	w.p.printf("\nLOGIN %s\n", wording.Line(p.Host))
	if p.Again != "" {
		w.p.indent("!", p.Again)
	}
	for _, d := range p.Detail {
		w.p.indent(" ", d)
	}
	typed, err := w.credential(ctx, p)
	decline := p.Must != "" && typed != p.Must || typed == "" && !wording.MayBeEmpty(p)
	switch {
	case err != nil:
		return nil, err
	case decline:
		return run.Respond{Prompt: p.ID, Decline: true}, nil
	}
	return run.Respond{Prompt: p.ID, Text: typed}, nil
}

// credential reads the answer, byte for byte.
func (w *walk) credential(ctx context.Context, p *run.Prompt) (string, error) {
	ask := "    " + wording.Asks(p) // behind a margin, as the server words it
	if p.Must == "" && !p.Echo {
		ask += " (empty declines)> "
		line, err := unseen(ctx, w.in, w.p, ask, "log in on a terminal, or with a key that needs none")
		if err != nil && ctx.Err() == nil && !ended(err) {
			w.p.printf("    %s\n", wording.Line(err.Error()))
			return "", nil
		}
		return line, err
	}
	if err := w.in.Flush(); err != nil {
		return "", err
	}
	if p.Must != "" {
		ask += fmt.Sprintf(" (type %q, anything else declines)", wording.Line(p.Must))
	}
	w.p.printf("%s> ", ask)
	line, err := w.in.ReadLine(ctx)
	if err != nil {
		w.p.printf("\n") // the question's line ends here
	}
	return line, err
}

// Terminal is where a person types that can be lent to a command.
type Terminal interface {
	Terminal() (in, out *os.File, err error)
}

// lend passes the terminal to a command, and says when it does.
func (w *walk) lend(loan *tui.Loan) error {
	t, ok := w.in.(Terminal)
	if !ok {
		loan.Refuse(fmt.Errorf("what is typed here doesn't come from one"))
		return nil
	}
	in, out, err := t.Terminal()
	if err != nil {
		loan.Refuse(err)
		return nil
	}
	defer func() { _ = out.Close() }() // only written to
	to := wording.Lent(w.src.Snapshot())
	w.p.printf("the terminal is lent to %s\n", to)
	loan.Take(in, out)
	w.p.printf("the terminal is back from %s\n", to)
	return w.p.err
}
