package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"stepgate/cmd/torture/tally"
	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// dangerous are steps that must never run twice by themselves, here and on hosts.
var dangerous = paired + step("drop", caution, sh(".irreversible", "drop"), sh(".check", "dropped")) +
	"\n## Each {#each each=pair max_failures=2}\n\n" + step("hop", caution, sh(".irreversible", "hop"), sh(".check", "hopped")) +
	step("set", sh(".idempotent", "set"), sh(".check", "isset"))

// luck decides what goes wrong.
type luck struct {
	mu     sync.Mutex
	rand   *rand.Rand
	faults int
}

func (l *luck) oneIn(n int) bool { return l.below(n) == 0 }

func (l *luck) below(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.IntN(n)
}

// cuts reports where a call is cut: before it reaches the host, or behind.
func (l *luck) cuts() (before, behind bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.rand.IntN(10) {
	case 0:
		before = true
	case 1:
		behind = true
	default:
		return false, false
	}
	l.faults++
	return before, behind
}

// unlucky is a host whose calls are cut at random.
type unlucky struct {
	executor.Executor
	luck *luck
}

func cutAtRandom[T any](l *luck, do func() (T, error)) (T, error) {
	var none T
	before, behind := l.cuts()
	if before {
		return none, errCut
	}
	v, err := do()
	if behind {
		return none, errCut
	}
	return v, err
}

func (u unlucky) Identify(ctx context.Context) (executor.Host, error) {
	return cutAtRandom(u.luck, func() (executor.Host, error) { return u.Executor.Identify(ctx) })
}

func (u unlucky) Look(ctx context.Context, c executor.Command, s executor.Sink) (executor.Result, error) {
	return cutAtRandom(u.luck, func() (executor.Result, error) { return u.Executor.Look(ctx, c, s) })
}

func (u unlucky) Start(ctx context.Context, a executor.Attempt) (executor.Claim, error) {
	return cutAtRandom(u.luck, func() (executor.Claim, error) { return u.Executor.Start(ctx, a) })
}

func (u unlucky) Follow(ctx context.Context, a executor.Attempt, from executor.Offsets, s executor.Sink) (executor.Result, error) {
	return cutAtRandom(u.luck, func() (executor.Result, error) { return u.Executor.Follow(ctx, a, from, s) })
}

func (u unlucky) Probe(ctx context.Context, a executor.Attempt, fence bool) (executor.Report, error) {
	return cutAtRandom(u.luck, func() (executor.Report, error) { return u.Executor.Probe(ctx, a, fence) })
}

// Whatever is cut, dies, reboots and crashes, and whatever of what is offered the
// operator does: what can't be undone is sent once, and once more for each RERUN
// that was typed.
func TestTortureT1WhatCantBeUndoneIsSentOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var all tried
	runs := 0
	t.Run("each", func(t *testing.T) {
		for i := range tally.Size(t, 24) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				s := sentOnce(t, uint64(i))
				mu.Lock()
				defer mu.Unlock()
				runs++
				all.faults, all.begun, all.reruns, all.twice = all.faults+s.faults, all.begun+s.begun, all.reruns+s.reruns, all.twice+s.twice
				all.asked += s.asked
			})
		}
	})
	if all.faults < runs || all.begun < runs || all.reruns < runs/4 || all.asked < runs/2 {
		t.Errorf("%d runs have tried too little: %+v", runs, all)
	}
	tally.Add(t, tally.Runs, runs)
	tally.Add(t, tally.Faults, all.faults)
	tally.Add(t, tally.Duplicates, all.twice)
}

// tried is what came of a run: calls that were cut, dangerous commands that began,
// RERUNs that were typed, and what began without one.
// of what isn't in the runbook, asked.
type tried struct{ faults, begun, reruns, twice, asked int }

func sentOnce(t *testing.T, seed uint64) tried {
	st := newStage(t, dangerous)
	st.patience = 20 * time.Millisecond
	l := &luck{rand: rand.New(rand.NewPCG(seed, 1))}
	open := st.hosts
	st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		h, err := open(name, ask)
		return unlucky{h, l}, err
	}
	d := st.start()
	for range 50 {
		st.goWrong(l)
		if l.oneIn(8) {
			d.leave("crash")
			if st.ended() {
				break
			}
			d = st.resume()
		}
		s := d.until("a question", func(s *run.Snapshot) bool {
			return s.Wait == run.WaitClosed || s.Busy == nil && s.Wait != run.WaitNothing
		})
		if s.Wait == run.WaitClosed {
			break
		}
		_ = d.e.Do(t.Context(), s.Current, s.Seq, anyOf(s, l)) // refused or not
	}
	d.leave("enough")
	out := st.sentTwice()
	out.faults = l.faults
	return out
}

// goWrong changes what commands do, and which boot and machine a host is.
func (st *stage) goWrong(l *luck) {
	for _, name := range []string{"drop", "hop"} {
		st.set(name, executortest.Script{Fate: []executor.Fate{0, 0, executor.Died, executor.Orphan}[l.below(4)]})
	}
	for _, name := range []string{"dropped", "hopped"} {
		st.set(name, executortest.Script{Exit: l.below(2)})
	}
	for _, name := range stageHosts {
		if l.oneIn(12) {
			st.reboot(name)
		}
	}
}

// anyOf is something that is offered, with what has to be typed for it.
func anyOf(s *run.Snapshot, l *luck) run.Action {
	var all []run.Action
	for _, a := range s.Actions {
		if !a.OK() {
			continue
		}
		switch a.Verb {
		case run.VerbGo:
			all = append(all, run.Go{})
		case run.VerbAnswer:
			all = append(all, run.Answer{Gate: at1(s).Gate.Gate, Typed: a.Phrase})
		case run.VerbRetry:
			all = append(all, run.Retry{Typed: a.Phrase}, run.Retry{})
		case run.VerbMarkDone:
			all = append(all, run.MarkDone{Evidence: "seen"})
		case run.VerbMarkFailed:
			all = append(all, run.MarkFailed{Reason: "seen"})
		case run.VerbProbe:
			all = append(all, run.Probe{})
		case run.VerbAcknowledge:
			all = append(all, run.Acknowledge{Reason: "seen", Episodes: s.Run.Unacknowledged()})
		case run.VerbStopNow:
			all = append(all, run.StopNow{Kill: l.oneIn(2)})
		case run.VerbSkip:
			if l.oneIn(4) {
				all = append(all, run.Skip{Reason: "left out"})
			}
		case run.VerbContinue:
			all = append(all, run.Continue{})
		case run.VerbEdit, run.VerbAdHoc, run.VerbJump, run.VerbAgain:
			all = append(all, leaving(s, a, l)...)
		case run.VerbPause, run.VerbAbort, run.VerbNote, run.VerbReply, run.VerbExclude, run.VerbPostpone, run.VerbInclude,
			run.VerbFinish, run.VerbCall, run.VerbRollBack, run.VerbRespond:
		}
	}
	if len(all) == 0 {
		return run.AddNote{Text: "nothing can be done"}
	}
	return all[l.below(len(all))]
}

// leaving are ways to leave the runbook that a verb offers.
func leaving(s *run.Snapshot, a run.Availability, l *luck) (all []run.Action) {
	c := at1(s)
	switch {
	case a.Verb == run.VerbEdit: // the last line names it
		body := fmt.Sprintf(": %d\n%s", s.Run.Seq, c.Plan.Step.Book.Command.Body)
		all = append(all, run.Edit{Body: body, Typed: a.Phrase}, run.Edit{Body: body})
	case a.Verb == run.VerbAdHoc && l.oneIn(2):
		body := []string{"peek-%d", "rm -rf /x-%d"}[l.below(2)]
		all = append(all, run.AdHoc{Where: stageHosts[l.below(3)], Body: fmt.Sprintf(body, s.Run.Seq)})
	case a.Verb == run.VerbJump && l.oneIn(8):
		to := s.Run.Cells[l.below(len(s.Run.Cells))].Key
		all = append(all, run.Jump{To: to, Reason: "later", Typed: s.Run.LeapTo(to).Phrase})
	case a.Verb == run.VerbAgain && l.oneIn(2):
		if cells := s.Run.Repeatables(); len(cells) > 0 {
			o := cells[l.below(len(cells))]
			all = append(all, run.Again{Cell: o.Key, Typed: s.Run.Repeatable(o).Phrase}, run.Again{Cell: o.Key})
		}
	}
	return all
}

// sentTwice counts what hosts have begun without a RERUN that allows it.
func (st *stage) sentTwice() (out tried) {
	began := map[string]int{}
	for _, w := range st.ran() {
		began[w]++
	}
	allowed := map[string]int{"drop": 1, "hop@a": 1, "hop@b": 1}
	granted := map[run.Key]bool{}
	for _, r := range st.events() {
		switch e := r.Event.(type) {
		case run.GateGranted:
			granted[e.Cell] = true
		case run.AdHocAsked:
			w := strings.TrimSpace(e.Body)
			if e.Cell.Target != "local" {
				w += "@" + e.Cell.Target
			}
			allowed[w]++
		}
		if e, ok := r.Event.(run.RerunOverride); ok {
			w := e.Cell.StepID()[strings.LastIndexByte(e.Cell.StepID(), '/')+1:]
			if e.Cell.Target != "local" {
				w += "@" + e.Cell.Target
			}
			if allowed[w] > 0 { // else it may run as often as it is retried
				allowed[w]++
			}
			out.reruns++
		}
	}
	for _, c := range st.folded().OffBook {
		if c.AdHoc.Judged != "" && len(c.Attempts) > 0 && !granted[c.Key] {
			st.t.Errorf("%s was sent, and its gate was not opened", c.Key)
		}
		out.asked += len(c.Attempts)
	}
	for w, n := range allowed {
		out.begun += began[w]
		if began[w] > n {
			st.t.Errorf("%s ran %d times, %d were allowed", w, began[w], n)
			out.twice++
		}
	}
	return out
}

// folded is the run as its journal has it.
func (st *stage) folded() *run.Run {
	r, err := run.Fold(st.plan, st.events())
	if err != nil {
		st.t.Fatalf("fold: %v", err)
	}
	return r
}
