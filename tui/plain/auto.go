package plain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui"
	"stepgate/tui/wording"
)

// Kinds of waiting, beside those of [run.Wait].
const (
	KindCaution  = "caution"  // a pre-grant doesn't open this gate
	KindJournal  = "journal"  // nothing more can be journaled
	KindTerminal = "terminal" // the step takes the operator's terminal
	KindLogin    = "login"    // a host asks for what only a person has
	KindLeft     = "left"
)

// Waiting is what a run that was left waits for.
type Waiting struct {
	Kind string `json:"kind"` // gate, manual, ask, batch, undo, monitor, failure, unknown, paused, caution, journal, terminal, login, left
	Step string `json:"step"` // of monitor: the path of the monitor
	Host string `json:"host"`
	Do   string `json:"do"`  // the command that goes on
	Why  string `json:"why"` // one line
}

// Result is how driving a run ended here.
type Result struct {
	Closed  run.Closing // not empty: the run is over
	Waiting *Waiting    // not nil: it waits
	Began   bool        // any command was sent, in this run
}

// Options are what the line mode needs.
type Options struct {
	Out    io.Writer   // what happens
	Err    io.Writer   // conversation: the waiting line
	JSON   bool        // the waiting line as JSON, on Out
	Resume string      // the command that goes on with this run
	Lend   *tui.Lender // of the terminal, to commands that need it; nil: to none
	Known  bool        // a resumed run: what is behind it isn't told again
	// Outside runs the operator's own programs; nil: there are none.
	Outside tui.Outside
	Pager   bool // long texts are shown in the operator's pager
}

// Grants are given ahead to an unattended run.
type Grants struct {
	Step   func(stepID string) bool // whether the gate of a step (an id without hosts) is granted
	Argv   string                   // the command line that granted, for the journal
	Manual string                   // not empty: manual steps are done, on this one's word
}

// Auto drives the run until a person is needed. It does what needs no person:
// steps whose gate is granted ahead, checks, and looking up what became of an
// interrupted command.
func Auto(ctx context.Context, ctl tui.Controller, src tui.Source, o Options, g Grants) (Result, error) {
	a := &auto{ctl: ctl, src: src, o: o, g: g, p: newPrinter(o.Out, src), tried: map[string]int{}}
	if o.Known {
		a.p.known(src.Snapshot())
	}
	res, err := a.run(ctx)
	if err == nil && res.Waiting != nil {
		err = a.sayWaiting(*res.Waiting)
	}
	return res, err
}

type auto struct {
	ctl   tui.Controller
	src   tui.Source
	o     Options
	g     Grants
	p     *printer
	tried map[string]int // how often the same was asked for
}

func (a *auto) run(ctx context.Context) (Result, error) {
	over := false // the run can't change any more
	for {
		s := a.src.Snapshot()
		if err := a.p.tell(ctx, s); err != nil {
			return Result{}, err
		}
		res := Result{Closed: s.Run.Closed, Began: began(s.Run)}
		if res.Closed != "" {
			return res, nil
		}
		act, w := a.decide(s)
		if w != nil {
			res.Waiting = w
			return res, nil
		}
		if act != nil {
			if err := a.do(ctx, s, act); err != nil {
				return res, err
			}
			continue
		}
		if over {
			res.Waiting = a.waiting(s, KindLeft, "it was left while at work; what runs goes on")
			return res, nil
		}
		select {
		case _, more := <-a.src.Changes():
			over = !more
		case <-ctx.Done():
			res.Waiting = a.waiting(s, KindLeft, "it was left while at work; what runs goes on")
			return res, nil
		}
	}
}

func began(r *run.Run) bool {
	for _, c := range r.Cells {
		if len(c.Attempts) > 0 {
			return true
		}
	}
	return false
}

// maxTries ends an unattended run that asks for the same again and again.
const maxTries = 3

func (a *auto) do(ctx context.Context, s *run.Snapshot, act run.Action) error {
	key := fmt.Sprintf("%s %d %s", s.Current, s.Seq, run.VerbOf(act))
	if a.tried[key]++; a.tried[key] > maxTries {
		return fmt.Errorf("drive the run: %s at %q changes nothing: %s", run.VerbOf(act), s.Current, s.Notice)
	}
	err := a.ctl.Do(ctx, s.Current, s.Seq, act)
	var stale *run.StaleError
	var notNow *run.NotNowError
	if errors.As(err, &stale) || errors.As(err, &notNow) || ctx.Err() != nil {
		return nil // the next snapshot tells
	}
	return err
}

// decide returns what to do, or what a person is needed for, or neither while
// the run is at work.
func (a *auto) decide(s *run.Snapshot) (run.Action, *Waiting) {
	if s.ReadOnly != "" {
		return nil, a.waiting(s, KindJournal, s.ReadOnly)
	}
	if p := s.Prompt; p != nil {
		w := a.waiting(s, KindLogin, "it asks for "+wording.Wants(p))
		w.Host = p.Host
		return nil, w
	}
	if s.Busy != nil {
		return nil, nil
	}
	c := s.Run.Cell(s.Current)
	switch s.Wait {
	case run.WaitGo:
		if g := s.Action(run.VerbGo); !g.OK() {
			return nil, a.waiting(s, KindTerminal, g.Why)
		}
		return run.Go{}, nil
	case run.WaitGate:
		return a.gate(s, c)
	case run.WaitManual:
		if a.g.Manual != "" {
			return run.MarkDone{Evidence: a.g.Manual}, nil
		}
		return nil, a.waiting(s, string(s.Wait), "a person does this step and ticks it")
	case run.WaitAsk:
		return nil, a.waiting(s, string(s.Wait), "a person answers: "+wording.Question(s.Run, c))
	case run.WaitBatch:
		why := "the canary is through; a person says whether the rest goes on"
		if left := wording.SoakLeft(s, s.At); left > 0 {
			why = "the canary soaks until " + s.Soak.UTC().Format(time.RFC3339) + "; then a person says whether the rest goes on"
		}
		return nil, a.waiting(s, string(s.Wait), why)
	case run.WaitUndo:
		return nil, a.waiting(s, string(s.Wait), "a person looks at each rollback before it runs")
	case run.WaitUnknown:
		if key := fmt.Sprintf("probe %s %d", c.Key, len(c.Attempts)); a.tried[key] == 0 && s.Action(run.VerbProbe).OK() {
			a.tried[key]++
			return run.Probe{}, nil
		}
		return nil, a.waiting(s, string(s.Wait), "what became of the command is not known ("+string(c.Reason)+")")
	case run.WaitFailure:
		return nil, a.waiting(s, string(s.Wait), string(c.Reason)+" "+c.Detail)
	case run.WaitMonitor:
		return nil, a.monitor(s)
	case run.WaitPaused:
		return nil, a.waiting(s, string(s.Wait), "the run is paused")
	case run.WaitNothing, run.WaitClosed:
	}
	return nil, nil
}

func (a *auto) gate(s *run.Snapshot, c *run.Cell) (run.Action, *Waiting) {
	id := c.Key.StepID()
	switch {
	case a.g.Step == nil || !a.g.Step(id):
		w := a.waiting(s, string(run.WaitGate), "its gate needs a person, or was not granted ahead")
		return nil, w
	case c.Rerun || slices.ContainsFunc(s.With, func(k run.Key) bool { o := s.Run.Cell(k); return o != nil && o.Rerun }):
		return nil, a.waiting(s, KindCaution, "it would run once more; no pre-grant opens that")
	case redNow(s.Run) != nil:
		return nil, a.waiting(s, KindCaution, "a monitor is red, "+report.WatchLine(s.Run, redNow(s.Run), s.At)+"; no pre-grant opens a gate then")
	case c.Alone():
		return nil, a.waiting(s, KindCaution, "it is not what the runbook says; no pre-grant opens that")
	}
	return run.Answer{Gate: c.Gate.Gate, Typed: c.Gate.Phrase, Pre: a.g.Argv}, nil
}

func (a *auto) waiting(s *run.Snapshot, kind, why string) *Waiting {
	return &Waiting{Kind: kind, Step: s.Current.Step, Host: s.Current.Target, Do: a.o.Resume, Why: strings.TrimSpace(why)}
}

// sayWaiting is the one line that says how to go on.
func (a *auto) sayWaiting(w Waiting) error {
	if a.o.JSON {
		b, err := json.Marshal(map[string]Waiting{"waiting": w})
		if err == nil {
			_, err = a.o.Out.Write(append(text.VisibleJSON(b), '\n'))
		}
		return err
	}
	_, err := fmt.Fprintf(a.o.Err, "waiting: %s %s %s – do: %s\n",
		w.Kind, dash(wording.Line(w.Step)), dash(wording.Line(w.Host)), w.Do)
	return err
}
