package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"stepgate/runbook/run"
	"stepgate/state"
	"stepgate/tui"
)

var (
	_ tui.Source     = (*spectator)(nil)
	_ tui.Controller = (*spectator)(nil)
)

// spectator is a run on the screen of somebody who doesn't drive it. It follows the
// journal, and takes no action but a note and wishes.
type spectator struct {
	*watcher
	latest  atomic.Pointer[run.Snapshot]
	changes chan struct{}
	told    [2]int64 // of the output, in bytes
	trouble string   // why the journal can't be followed any further
}

// watchScreen shows a run until the operator leaves it.
func watchScreen(ctx context.Context, s streams, ref string) error {
	p, err := openPast(ctx, ref)
	if err != nil {
		return err
	}
	defer p.close()
	if p.problem != nil {
		return p.problem
	}
	p.driver(ctx)
	sp := &spectator{watcher: &watcher{past: p, s: s}, changes: make(chan struct{}, 1)}
	sp.publish(ctx)
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- sp.follow(following) }()
	o := s.screen()
	o.Watching, o.Lab, o.Outside = true, p.run.Start.Lab != "", ownPrograms{}
	_, err = tui.Run(ctx, sp, sp, o)
	stop()
	lost := <-ended
	if ctx.Err() != nil {
		return nil // told to leave
	}
	if err = errors.Join(err, lost); err != nil {
		return err
	}
	return sp.goodbye()
}

// goodbye says how the run can be met again.
func (p *spectator) goodbye() error {
	do := "follow it again with: stepgate watch " + p.id
	switch {
	case p.run.Closed != "":
		do = fmt.Sprintf("%s; its transcript: stepgate export %s", p.run.Closed, p.id)
	case p.alone > 1 || p.run.Holder == "":
		do = "nobody drives it; take it over with: stepgate resume " + p.id
	}
	_, err := fmt.Fprintf(p.s.err, "run %s: %s\n", p.id, do)
	return err
}

// follow looks at the journal until the run is closed or ctx ends.
func (p *spectator) follow(ctx context.Context) error {
	defer close(p.changes)
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for p.run.Closed == "" {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if err := p.follows(ctx); ctx.Err() != nil {
			return nil
		} else if err != nil {
			p.trouble = err.Error()
			p.publish(ctx)
			return err
		}
	}
	return nil
}

// follows takes what is new, and shows it.
func (p *spectator) follows(ctx context.Context) error {
	before, deserted := p.run, p.alone > 1
	head, err := p.store.Head(ctx, p.id)
	if err == nil && head > p.run.Seq {
		err = p.read(ctx)
	}
	if err != nil {
		return err
	}
	gone, err := p.deserted(ctx)
	if err != nil {
		return err
	}
	if p.run != before || gone != deserted || p.latest.Load().Busy != nil {
		p.publish(ctx)
	}
	return nil
}

// publish makes a view for the screen, and signals it when it says anything new.
func (p *spectator) publish(ctx context.Context) {
	s := seen(p.run, now())
	var told [2]int64
	if s.Busy != nil {
		p.measure(ctx, s.Busy)
		told = s.Busy.Bytes
	}
	for i := range s.Beside {
		p.measure(ctx, &s.Beside[i])
		told[0] += s.Beside[i].Bytes[0]
		told[1] += s.Beside[i].Bytes[1]
	}
	switch {
	case p.trouble != "":
		s.Notice = "not followed any more: " + p.trouble
	case p.run.Closed == "" && p.run.Holder == "":
		s.Notice = "nobody drives it; take it over with: stepgate resume " + p.id
	}
	s.Actions = p.actions(s)
	if last := p.latest.Load(); last != nil && last.Run == s.Run && last.Notice == s.Notice && told == p.told {
		return
	}
	p.told = told
	p.latest.Store(s)
	select {
	case p.changes <- struct{}{}:
	default:
	}
}

// measure says how much an attempt has printed, as far as the journal has it. What
// can't be read is read again at the next look.
func (p *spectator) measure(ctx context.Context, a *run.Activity) {
	for stream := range a.Bytes {
		if kept, err := p.store.OutputKept(ctx, a.Attempt, stream); err == nil && a.Attempt != "" {
			a.Bytes[stream] = kept.End
		}
	}
}

// actions says of every action why it doesn't apply, but of a note and of wishes.
func (p *spectator) actions(s *run.Snapshot) []run.Availability {
	by, why := p.run.Holder, "watching; it is driven by "+p.run.Holder
	none := ""
	if by == "" {
		why = "watching; nobody drives it; take it over with: stepgate resume " + p.id
		none = "nobody drives it, so nothing goes on by itself"
	}
	if p.run.Closed != "" {
		why, none = "the run is closed", "the run is closed"
	}
	list := []run.Availability{
		{Verb: run.VerbNote, Says: "put a note on the timeline"},
		{Verb: run.VerbPause, Why: none, Says: "ask " + by + " to pause before the next step"},
		{Verb: run.VerbAbort, Why: none, Phrase: "abort", Says: "ask " + by + " to abort the run, who decides"},
	}
	for _, v := range []run.Verb{
		run.VerbGo, run.VerbAnswer, run.VerbRetry, run.VerbSkip, run.VerbMarkDone, run.VerbMarkFailed, run.VerbProbe, run.VerbRollBack,
		run.VerbStopNow, run.VerbContinue, run.VerbReply, run.VerbExclude, run.VerbPostpone, run.VerbInclude, run.VerbFinish, run.VerbCall,
		run.VerbEdit, run.VerbAdHoc, run.VerbJump, run.VerbAgain,
	} {
		list = append(list, run.Availability{Verb: v, Why: why})
	}
	return list
}

// Snapshot implements [tui.Source].
func (p *spectator) Snapshot() *run.Snapshot { return p.latest.Load() }

// Changes implements [tui.Source].
func (p *spectator) Changes() <-chan struct{} { return p.changes }

// Do implements [tui.Controller]: it leaves a note, or a wish for who drives the run.
func (p *spectator) Do(ctx context.Context, at run.Key, _ uint64, a run.Action) error {
	v := run.VerbOf(a)
	if av := p.Snapshot().Action(v); !av.OK() {
		return &run.NotNowError{Verb: v, Why: av.Why}
	}
	var e run.Event
	switch a := a.(type) {
	case run.AddNote:
		e = run.Note{Cell: at, Text: a.Text}
	case run.Pause:
		e = run.PauseRequested(a)
	case run.Abort:
		e = run.AbortRequested(a)
	default:
		return &run.NotNowError{Verb: v, Why: "the run is only watched"}
	}
	store, err := state.Open(ctx, journalPath(), *p.s.journal)
	if err != nil {
		return fmt.Errorf("leave a word in run %q: %w", p.id, err)
	}
	_, err = store.AppendGuest(ctx, p.id, operator(), now(), e)
	return errors.Join(err, store.Close())
}

// seen is a view of a run from its events alone: what goes on between them isn't
// journaled.
func seen(r *run.Run, at time.Time) *run.Snapshot {
	s := &run.Snapshot{Run: r, At: at, Stop: r.Stop, Keeping: keeping(r)}
	for c := range r.All() {
		if c.Status != run.Running && c.Status != run.RollingBack {
			continue
		}
		a := run.Activity{Cell: c.Key, What: "command", Since: r.Last}
		if last := c.Latest(); last != nil {
			a.Attempt, a.Since = last.Intent.Attempt, last.At
			if last.Outcome != nil {
				a.What, a.Since = "work", last.Ended
			}
		}
		if s.Busy == nil {
			s.Busy, s.Current = &a, c.Key
		} else {
			s.Beside = append(s.Beside, a)
		}
	}
	if r.Holder == "" {
		s.Busy, s.Beside = nil, nil // as far as anybody knows
	}
	if s.Busy == nil {
		stands(s)
	}
	if c := r.Cell(s.Current); c != nil {
		s.Seq = c.Seq
	}
	return s
}

// stands says what a run waits for, or is about to do.
func stands(s *run.Snapshot) {
	about := func(c *run.Cell) {
		s.Current = c.Key
		if s.Run.Holder != "" {
			s.Busy = &run.Activity{Cell: c.Key, What: "work", Since: s.Run.Last}
		} else {
			s.Wait = run.WaitUnknown
		}
	}
	switch d := run.Next(s.Run).(type) {
	case run.Ask:
		s.Wait, s.Soak = d.Wait, d.Soak
		if d.Cell != nil {
			s.Current = d.Cell.Key
		}
		for _, c := range d.With {
			s.With = append(s.With, c.Key)
		}
	case run.Over:
		s.Wait = run.WaitClosed
	case run.Decide:
		about(d.Cell)
	case run.Take:
		about(d.Cell)
	case run.Repeat:
		about(d.Cell)
	case run.Settle:
		about(d.Cell)
	case run.Await:
		about(d.Cell)
	case run.Verify:
		about(d.Cell)
	case run.Undo:
		about(d.Cell)
	case run.Follow:
		about(d.Cell)
	case run.End:
		about(d.Cell)
	case run.Order, run.Enter, run.Halt, run.Close:
		for _, c := range s.Run.Cells {
			if !c.Status.Settled() {
				about(c)
				return
			}
		}
	}
}

// keeping is how the background processes of a run stand, as far as its journal tells.
func keeping(r *run.Run) (out []run.Keeping) {
	for _, b := range r.Backgrounds() {
		k := run.Keeping{Cell: b.Cell.Key, Where: b.Where, State: "starting", Since: r.Last}
		monitor := ""
		if b.Monitor != nil {
			monitor = b.Monitor.Watch.Monitor
		}
		k.Monitor = monitor
		for _, a := range slices.Concat(b.Cell.Attempts, b.Cell.Keeps) {
			if b.Cell.Beside(a) && a.Intent.Monitor == monitor && a.Intent.Dispatch.Where == b.Where {
				k.Starts++
			}
		}
		if a := b.Latest; a != nil {
			k.Attempt, k.Since = a.Intent.Attempt, a.At
			switch {
			case a.Down != nil:
				k.State, k.Since, k.Why = "down", a.Ended, a.Down.Why
			case !a.Up.IsZero():
				k.State, k.Since = "up", a.Up
			}
		}
		out = append(out, k)
	}
	return out
}
