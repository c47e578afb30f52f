package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui"
	"stepgate/tui/wording"
)

// Preflight is a preflight in lines.
type Preflight struct {
	Port tui.Preflighter
	In   Answers   // nil: nobody is asked
	Out  io.Writer // what is found, line by line
	// Quiet leaves out what is as it should be.
	Quiet bool

	told map[string]bool // hosts whose looking was told
}

// Look has everything looked at, or what wasn't as it should be, and tells what was
// found.
func (f *Preflight) Look(ctx context.Context) (*run.Preflight, error) {
	f.told = map[string]bool{}
	for _, h := range f.Port.Snapshot().Hosts {
		f.told[h.Name] = h.Seen && h.Worst == run.Fine
	}
	f.Port.Look()
	s, err := f.settle(ctx)
	if err != nil {
		return s, err
	}
	p := f.printer()
	for _, x := range wording.Telling(s) {
		word := string(x.Severity)
		switch {
		case x.ID == run.Ignored:
			word = "note:"
		case x.Severity == run.Fine && (f.Quiet || x.Host == ""):
			continue
		}
		p.printf("%s preflight %s %s\n", s.At.Format("15:04:05"), word, wording.Finding(x))
		if x.Severity != run.Fine {
			p.indent("why:", x.Why)
			p.indent("do:", x.Do)
		}
	}
	return s, p.err
}

// Foretell takes the runbook's first checks in advance, and tells what they show.
func (f *Preflight) Foretell(ctx context.Context) (*run.Foretold, error) {
	f.Port.Foretell()
	s, err := f.settle(ctx)
	if err != nil || s.Foretold == nil {
		return &run.Foretold{}, err
	}
	p := f.printer()
	for _, c := range s.Foretold.Taken {
		word := map[checks.Verdict]string{checks.Pass: "passes", checks.Fail: "FAILS", checks.Unknown: "UNKNOWN"}[c.Verdict]
		if !c.Applies {
			word = "does not apply"
		}
		p.printf("%s check %s %s %s: %s\n", s.At.Format("15:04:05"), wording.Line(c.Cell.Step), dash(wording.Line(c.Cell.Target)), word, wording.Line(c.Title))
		if c.Applies && c.Verdict != checks.Pass {
			p.indent("-", strings.Join(wording.Shown(c), "\n"))
		}
	}
	for _, c := range s.Foretold.Left {
		p.printf("%s check %s - not taken: %s\n", s.At.Format("15:04:05"), dash(wording.Line(c.Step)), wording.NotTaken(c))
	}
	p.printf("checks in advance: %s; nothing was changed, and the run takes them anew\n", wording.Foretold(s.Foretold))
	return s.Foretold, p.err
}

// Decide has a person decide whether the run begins. Where nothing is to be decided it
// does.
func (f *Preflight) Decide(ctx context.Context, s *run.Preflight) (begin bool, err error) {
	p := f.printer()
	for {
		if s.Ready() && s.Count(run.Warning) == 0 && s.Foretold == nil {
			p.printf("preflight: %s; the run begins\n", wording.InTheWay(s))
			return true, p.err
		}
		p.printf("\npreflight: %s\n", wording.InTheWay(s))
		if s.Ready() {
			p.printf("   1 begin the run\n")
		} else {
			p.printf("     begin: not now, %s\n", wording.InTheWay(s))
		}
		p.printf("   2 look again at what is not as it should be\n   3 take the first checks in advance; they only read\n   q leave: nothing begins, nothing has been changed\n")
		if err := f.In.Flush(); err != nil {
			return false, err
		}
		p.printf("number> ")
		line, err := f.In.ReadLine(ctx)
		if err != nil {
			p.printf("\n")
			return false, errors.Join(err, p.err)
		}
		switch strings.TrimSpace(line) {
		case "1":
			if s.Ready() {
				return true, p.err
			}
			p.printf("not yet: %s\n", wording.InTheWay(s))
		case "2":
			if s, err = f.Look(ctx); err != nil {
				return false, err
			}
		case "3":
			if _, err = f.Foretell(ctx); err != nil {
				return false, err
			}
			s = f.Port.Snapshot()
		case "q":
			return false, p.err
		default:
			p.printf("type the number of an action that is offered, or q\n")
		}
	}
}

func (f *Preflight) printer() *printer { return &printer{out: f.Out} }

// settle tells hosts as they are looked at, and has logins answered, until nothing more
// is looked at.
func (f *Preflight) settle(ctx context.Context) (*run.Preflight, error) {
	for {
		s := f.Port.Snapshot()
		if err := f.hosts(s); err != nil {
			return s, err
		}
		switch {
		case s.Prompt != nil && f.In != nil:
			if err := f.answer(ctx, s.Prompt); err != nil {
				return s, err
			}
			continue
		case !s.Busy:
			return s, nil
		}
		select {
		case <-f.Port.Changes():
		case <-ctx.Done():
			return s, context.Cause(ctx)
		}
	}
}

// hosts tells the hosts that have been looked at since.
func (f *Preflight) hosts(s *run.Preflight) error {
	p := f.printer()
	for _, h := range s.Hosts {
		if !h.Seen || f.told[h.Name] {
			continue
		}
		f.told[h.Name] = true
		if !f.Quiet {
			p.printf("%s preflight %s: %s\n", s.At.Format("15:04:05"), wording.Line(h.Name), wording.HostFound(h))
		}
	}
	return p.err
}

// answer puts what a login needs before the person, for as long as it is asked.
func (f *Preflight) answer(ctx context.Context, asks *run.Prompt) error {
	asking, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if is := f.Port.Snapshot().Prompt; is == nil || is.ID != asks.ID {
				cancel(errMoved)
				return
			}
			select {
			case <-f.Port.Changes():
			case <-asking.Done():
				return
			}
		}
	}()
	w := &walk{auto: auto{p: f.printer()}, in: f.In}
	act, err := w.login(asking, asks)
	gone := errors.Is(context.Cause(asking), errMoved)
	cancel(nil)
	<-done
	if gone {
		w.p.printf("(it is no longer asked)\n")
		return w.p.err
	}
	if err != nil {
		return err
	}
	var notNow *run.NotNowError
	if err := f.Port.Respond(act.(run.Respond)); err != nil && !errors.As(err, &notNow) {
		return fmt.Errorf("answer a login: %w", err)
	}
	return nil
}
