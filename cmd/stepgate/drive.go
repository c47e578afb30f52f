package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"stepgate/engine"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
	"stepgate/tui"
	"stepgate/tui/plain"
)

// driveFlags say who drives a run: a person at a screen, a person in lines, or
// nobody until one is needed.
type driveFlags struct {
	auto    bool
	plain   bool
	json    bool
	approve []string
	digest  string
	eventFD int
	until   until
	// noPreflight: nothing is looked at before the run begins.
	noPreflight bool
	lender      *tui.Lender
}

// newDriveFlags are those of a person at this terminal.
func newDriveFlags() driveFlags { return driveFlags{eventFD: -1, lender: tui.NewLender()} }

func (d *driveFlags) register(c *cobra.Command) {
	*d = newDriveFlags()
	c.Flags().BoolVar(&d.auto, "auto", false, "go on by itself until a person is needed")
	c.Flags().BoolVar(&d.plain, "plain", false, "lines and prompts instead of a screen")
	c.Flags().BoolVar(&d.json, "json", false, "with --auto: say what the run waits for as JSON")
	c.Flags().StringArrayVar(&d.approve, "approve", nil, "grant a step's gate ahead, by its id without hosts (repeatable); needs --plan")
	c.Flags().IntVar(&d.eventFD, "events-fd", -1, "write the number and hash of each event to this file descriptor once it is durable")
	c.Flags().Var(&d.until, "until", "the end of the change window: 02:00, +90m, or a moment as RFC 3339 has it; a gate warns when what follows won't fit")
	c.Flags().StringVar(&d.digest, "plan", "", "the digest that `stepgate plan` printed; grants hold for this plan only")
}

// check refuses grants that are not tied to a plan, except on simulated hosts.
func (d driveFlags) check(p *plan.Plan, labDir string) error {
	switch {
	case len(d.approve) == 0 && d.digest == "":
		return nil
	case len(d.approve) > 0 && !d.auto:
		return usage("add --auto, or type the phrases at the gates", "approve ahead: --approve is for --auto")
	case d.digest != "" && d.digest != p.Digest:
		return usage("look at what would run: stepgate plan …", "approve ahead: the plan is %s, not %s", short(p.Digest), short(d.digest))
	}
	if err := d.known(p); err != nil {
		return err
	}
	if labDir != "" && onlyLab(p) {
		return nil
	}
	if slices.Contains(d.approve, "*") {
		return usage("name each step: --approve STEP --plan "+p.Digest, "approve ahead: '*' is for simulated hosts only")
	}
	if d.digest == "" {
		return usage("look at what would run with `stepgate plan`, then add --plan "+p.Digest, "approve ahead: --approve needs --plan")
	}
	return nil
}

// known refuses a grant for a gate that the plan doesn't have: it would be
// missed only when the run stops there.
func (d driveFlags) known(p *plan.Plan) error {
	var gates []string
	for _, c := range p.Cells {
		if id := (run.Key{Step: c.Step.ID}).StepID(); c.Step.Gated && !slices.Contains(gates, id) {
			gates = append(gates, id)
		}
	}
	for _, a := range d.approve {
		if a != "*" && !slices.ContainsFunc(gates, func(id string) bool { return grants(a, id) }) {
			return exitWith(exitNotFound, text.WithHint(fmt.Errorf("approve ahead: the plan has no gate at a step %q", a),
				"its gates are at: "+strings.Join(gates, ", ")))
		}
	}
	return nil
}

// needsPerson refuses to begin what nobody could answer.
func (d driveFlags) needsPerson(st streams) error {
	if d.auto || st.terminal() {
		return nil
	}
	if _, err := openTTY(st); err != nil {
		return exitWith(exitUsage, err)
	}
	return nil
}

func short(digest string) string {
	if len(digest) > 12 {
		return digest[:12]
	}
	return digest
}

// onlyLab reports whether no cell runs outside of the simulated hosts. A check
// over variables runs nowhere.
func onlyLab(p *plan.Plan) bool {
	for _, c := range p.Cells {
		s := c.Step.Book
		runs := slices.ContainsFunc(slices.Concat(s.Done, s.Before, s.After), func(f *runbook.Fence) bool { return f.Form != runbook.Variables })
		if c.Target == plan.Local && (s.Command != nil || runs) {
			return false
		}
	}
	return true
}

func (d driveFlags) engine(ctx context.Context, store *state.Store, p *plan.Plan, s run.RunStarted) engine.Options {
	o := engine.Options{
		Journal: store, Hosts: opener(p, s), Attended: !d.auto, Operator: operator(), Holder: holder(), Now: now, GateID: gateID,
		Usual: usual(ctx, store, s), Until: d.until.at,
	}
	if !d.auto {
		o.Lend = lending(d.lender)
	}
	if d.eventFD >= 0 {
		f := os.NewFile(uintptr(d.eventFD), "events")
		o.Acked = func(records []run.Record) {
			for _, r := range records {
				// Whoever listens may have gone; the run doesn't depend on it.
				_, _ = fmt.Fprintf(f, "%s %d %x\n", r.RunID, r.Seq, r.Hash)
			}
		}
	}
	return o
}

// drive has the run driven until it is over or left, and says how to go on.
func (d driveFlags) drive(ctx context.Context, st streams, e *engine.Engine, p *plan.Plan, id string, s run.RunStarted) error {
	res, err := d.front(ctx, st, e, id, s)
	err = closing(ctx, e, err)
	last := e.Snapshot()
	if s.Lab != "" && last.Run.Closed != "" {
		err = joinDown(err, s.Lab)
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil && res.Waiting != nil {
		res.Waiting.Kind = plain.KindLeft // told to leave, whatever it stood at
	}
	if last.ReadOnly != "" {
		return lostTo(ctx, last, id)
	}
	return outcome(st, last, id, res)
}

// lostTo is the end of driving a run whose journal takes nothing more from here.
func lostTo(ctx context.Context, s *run.Snapshot, id string) error {
	err := errors.New(s.ReadOnly)
	if store, oerr := readJournal(context.WithoutCancel(ctx)); oerr == nil {
		defer store.Close() //nolint:errcheck // nothing was written
		if info, ierr := infoOf(context.WithoutCancel(ctx), store, id); ierr == nil && info.Holder != "" {
			return exitWith(exitHeld, text.WithHint(err, "it is driven by "+info.Holder+"; follow it with: stepgate watch "+id))
		}
	}
	return exitWith(exitInternal, text.WithHint(err, "see: stepgate doctor; then go on with: stepgate resume "+id))
}

// front is the user interface that was asked for.
func (d driveFlags) front(ctx context.Context, st streams, e *engine.Engine, id string, s run.RunStarted) (plain.Result, error) {
	o := plain.Options{Out: st.out, Err: st.err, JSON: d.json, Resume: "stepgate resume " + id, Lend: d.lender, Known: e.Snapshot().Run.Epoch > 1}
	if d.auto {
		g := plain.Grants{Step: d.granted, Argv: strings.Join(os.Args, " ")}
		if s.Lab != "" && slices.Contains(d.approve, "*") {
			g.Manual = "lab"
		}
		return plain.Auto(ctx, e, e, o, g)
	}
	if d.screen(st) {
		left, err := tui.Run(ctx, e, e, d.screenOptions(st, s))
		if ctx.Err() != nil {
			err = nil // told to leave by a signal
		}
		return plain.Result{Waiting: leftAt(e, left, o.Resume)}, err
	}
	tty, err := openTTY(st)
	if err != nil {
		return plain.Result{}, err
	}
	o.Outside, o.Pager = ownPrograms{}, os.Getenv("TERM") != "dumb"
	return plain.Run(ctx, e, e, tty, o)
}

func leftAt(e *engine.Engine, left tui.Left, resume string) *plain.Waiting {
	s := e.Snapshot()
	if left == tui.LeftClosed || s.Run.Closed != "" {
		return nil
	}
	return &plain.Waiting{Kind: string(s.Wait), Step: s.Current.Step, Host: s.Current.Target, Do: resume}
}

// granted reports whether a step's gate was granted ahead. An id may be any
// unique tail of the step's path.
func (d driveFlags) granted(stepID string) bool {
	return slices.ContainsFunc(d.approve, func(a string) bool { return grants(a, stepID) })
}

func grants(approved, stepID string) bool {
	return approved == "*" || approved == stepID || strings.HasSuffix(stepID, "/"+approved)
}

// screenOptions is what the screen of a run needs of its surroundings.
func (d driveFlags) screenOptions(st streams, s run.RunStarted) tui.Options {
	o := st.screen()
	o.Lab, o.Lend, o.Outside = s.Lab != "", d.lender, ownPrograms{}
	return o
}

// screen reports whether a full screen can be shown.
func (d driveFlags) screen(st streams) bool {
	if d.plain || !st.terminal() || os.Getenv("TERM") == "dumb" {
		return false
	}
	w, h, err := term.GetSize(int(st.out.Fd()))
	return err == nil && w > 0 && h > 0
}

// closing leaves the run and keeps the error that was there before.
func closing(ctx context.Context, e *engine.Engine, err error) error {
	why := "left"
	if e.Snapshot().Wait == run.WaitPaused {
		why = "paused"
	}
	return errors.Join(err, e.Close(context.WithoutCancel(ctx), why))
}

// downContext bounds the end of a lab.
func downContext() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// outcome is the exit code that a run's end means, with a last line for people.
func outcome(st streams, s *run.Snapshot, id string, res plain.Result) error {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(st.err, format+"\n", args...) }
	switch s.Run.Closed {
	case run.Done, run.DoneExceptions:
		say("run %s: %s after %s; its transcript: stepgate export %s", id, s.Run.Closed, text.Duration(s.Run.Last.Sub(s.Run.Started)), id)
		return nil
	case run.Aborted:
		say("run %s: aborted; its transcript: stepgate export %s", id, id)
		return exitWith(exitAborted, nil)
	}
	say("run %s stays as it is; go on with: stepgate resume %s", id, id)
	c := s.Run.Cell(s.Current)
	switch {
	case c != nil && c.Reason == run.NotStarted && !began(s.Run):
		return exitWith(exitReach, nil)
	case res.Waiting != nil && res.Waiting.Kind == string(run.WaitFailure):
		return exitWith(exitFailed, nil)
	}
	return exitWith(exitWaiting, nil)
}

func began(r *run.Run) bool {
	for _, c := range r.Cells {
		if len(c.Attempts) > 0 {
			return true
		}
	}
	return false
}
