package executortest

import (
	"context"
	"fmt"
	"net"
	"sync"

	"stepgate/executor"
)

// Fake is a host in memory. It keeps the contract of [executor.Executor] as far as
// a caller can see it: claims, fences, attachment, output by offset. What commands
// do is scripted. Its methods may be called concurrently.
//
// Its zero value isn't usable; see [NewFake].
type Fake struct {
	mu       sync.Mutex
	host     executor.Host
	script   func(executor.Command) Script
	fail     func(method string) error
	calls    []Call
	attempts map[string]*fakeAttempt
	closed   map[string]bool // runs
	changed  chan struct{}
}

var _ executor.Executor = (*Fake)(nil)

// Script is what a command does.
type Script struct {
	Exit           int
	Stdout, Stderr string
	// Hold keeps an attempt running, and a look waiting, until it's closed; nil: it
	// ends at once.
	Hold <-chan struct{}
	// Fate, if not 0, is what becomes of the attempt instead of ending: Orphan or Died.
	Fate executor.Fate
}

// Call is one use of a Fake.
type Call struct {
	Method  string // Identify, Ready, Look, Start, Follow, Probe, Signal, Beat, Hand, Kept, Discard, Dial
	Address string // of Dial
	Attempt string // its id, where there is one
	Command executor.Command
	Fence   bool
	Signal  executor.Signal
}

// fakeAttempt is what the fake host keeps of an attempt.
type fakeAttempt struct {
	hash    string
	fenced  bool
	script  Script
	killed  executor.Signal
	claimed bool
}

// NewFake returns a host whose commands do what script says. A nil script lets every
// command succeed without output.
func NewFake(script func(executor.Command) Script) *Fake {
	if script == nil {
		script = func(executor.Command) Script { return Script{} }
	}
	return &Fake{
		host: executor.Host{
			MachineID: "machine-1", BootID: "boot-1", User: "ops", Hostname: "fake", System: "Linux", Dir: "/var/stepgate", FreeBytes: 1 << 30,
		},
		script: script, attempts: map[string]*fakeAttempt{}, closed: map[string]bool{}, changed: make(chan struct{}),
	}
}

// SetHost changes what the host says of itself: another BootID is a reboot, another
// MachineID another machine.
func (f *Fake) SetHost(h executor.Host) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.host = h
	f.wake()
}

// SetFail makes methods fail, by name, before they do anything. It's asked on every
// call; nil lets all go through.
func (f *Fake) SetFail(fail func(method string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// Calls are the calls so far, in order.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.calls...)
}

// Ran are the commands of claimed attempts, in the order of their claims.
func (f *Fake) Ran() []executor.Command {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []executor.Command
	seen := map[string]bool{}
	for _, c := range f.calls {
		if a := f.attempts[c.Attempt]; c.Method == "Start" && a != nil && a.claimed && !seen[c.Attempt] {
			seen[c.Attempt] = true
			out = append(out, c.Command)
		}
	}
	return out
}

// wake lets those who wait look again. f.mu is held.
func (f *Fake) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// call notes a call and says whether it fails. f.mu is held.
func (f *Fake) call(ctx context.Context, c Call) error {
	f.calls = append(f.calls, c)
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.fail != nil {
		return f.fail(c.Method)
	}
	return nil
}

// Identify implements [executor.Executor].
func (f *Fake) Identify(ctx context.Context) (executor.Host, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.host, f.call(ctx, Call{Method: "Identify"})
}

// Look implements [executor.Executor].
func (f *Fake) Look(ctx context.Context, c executor.Command, sink executor.Sink) (executor.Result, error) {
	f.mu.Lock()
	err := f.call(ctx, Call{Method: "Look", Command: c})
	f.mu.Unlock()
	if err != nil {
		return executor.Result{}, err
	}
	if b, ok := sink.(executor.Beginner); ok {
		b.Begun()
	}
	s := f.script(c)
	if s.Hold != nil {
		select {
		case <-s.Hold:
		case <-ctx.Done():
			return executor.Result{}, &executor.EndedError{Cause: context.Cause(ctx)}
		}
	}
	deliver(s, executor.Offsets{}, sink)
	return s.result(), nil
}

// Start implements [executor.Executor].
func (f *Fake) Start(ctx context.Context, a executor.Attempt) (executor.Claim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(ctx, Call{Method: "Start", Attempt: a.ID, Command: a.Command}); err != nil {
		return 0, err
	}
	refuse := func(reason string) (executor.Claim, error) {
		return executor.Refused, &executor.RefusedError{Reason: reason}
	}
	switch known := f.attempts[a.ID]; {
	case a.Host.MachineID != f.host.MachineID:
		return refuse("this is another machine")
	case a.Host.BootID != f.host.BootID:
		return refuse("the host was booted since the intent")
	case f.closed[a.RunID]:
		return refuse("the run is closed on this host")
	case known != nil && known.fenced:
		return refuse("a probe has fenced this attempt")
	case known != nil && known.hash == a.IntentHash:
		return executor.Attached, nil
	case known != nil:
		return executor.Known, &executor.RefusedError{Reason: "the host knows this attempt from another journal", Record: "hash " + known.hash}
	}
	f.attempts[a.ID] = &fakeAttempt{hash: a.IntentHash, claimed: true, script: f.script(a.Command)}
	f.wake()
	return executor.Started, nil
}

// Follow implements [executor.Executor].
func (f *Fake) Follow(ctx context.Context, a executor.Attempt, from executor.Offsets, sink executor.Sink) (executor.Result, error) {
	f.mu.Lock()
	err := f.call(ctx, Call{Method: "Follow", Attempt: a.ID, Command: a.Command})
	f.mu.Unlock()
	if err != nil {
		return executor.Result{}, err
	}
	for {
		f.mu.Lock()
		rep, s, changed := f.report(a), Script{}, f.changed
		if known := f.attempts[a.ID]; known != nil {
			s = known.script
		}
		f.mu.Unlock()
		switch rep.Fate {
		case executor.Finished:
			deliver(s, from, sink)
			return rep.Result, nil
		case executor.Running:
		default:
			return executor.Result{}, &executor.FateError{Report: rep}
		}
		select {
		case <-s.Hold:
		case <-changed:
		case <-ctx.Done():
			return executor.Result{}, context.Cause(ctx)
		}
	}
}

// Probe implements [executor.Executor].
func (f *Fake) Probe(ctx context.Context, a executor.Attempt, fence bool) (executor.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(ctx, Call{Method: "Probe", Attempt: a.ID, Command: a.Command, Fence: fence}); err != nil {
		return executor.Report{}, err
	}
	rep := f.report(a)
	if f.closed[a.RunID] && rep.Fate == executor.NeverStarted {
		return executor.Report{}, fmt.Errorf("probe attempt %s: the run is closed on this host", a.ID)
	}
	if fence && rep.Fate == executor.NeverStarted {
		f.attempts[a.ID] = &fakeAttempt{fenced: true}
		f.wake()
	}
	return rep, nil
}

// report says what became of an attempt. f.mu is held.
func (f *Fake) report(a executor.Attempt) executor.Report {
	known := f.attempts[a.ID]
	if a.Host.MachineID != f.host.MachineID {
		return executor.Report{Fate: executor.Foreign, Detail: "this is machine " + f.host.MachineID}
	}
	held := known != nil && known.held()
	ended := known != nil && known.claimed && !held && known.script.Fate == 0
	switch {
	case ended:
		res := known.script.result()
		if known.killed != 0 {
			res.Exit = map[executor.Signal]int{executor.Term: 143, executor.Kill: 137}[known.killed]
		}
		return executor.Report{Fate: executor.Finished, Result: res, Offsets: res.Bytes}
	case a.Host.BootID != f.host.BootID:
		return executor.Report{Fate: executor.Rebooted, Detail: "booted since the intent"}
	case known == nil || known.fenced:
		return executor.Report{Fate: executor.NeverStarted}
	case held:
		return executor.Report{Fate: executor.Running, Processes: []string{a.Command.Interpreter + " body"}}
	case known.script.Fate == executor.Orphan && known.killed == 0:
		return executor.Report{Fate: executor.Orphan, Processes: []string{a.Command.Interpreter + " body"}}
	}
	return executor.Report{Fate: executor.Died, Detail: "begun, no result, nothing of it is alive"}
}

// held tells whether the command is still at work.
func (a *fakeAttempt) held() bool {
	if a.fenced || a.script.Hold == nil || a.killed != 0 {
		return false
	}
	select {
	case <-a.script.Hold:
		return false
	default:
		return true
	}
}

// Signal implements [executor.Executor]. A held attempt ends by it.
func (f *Fake) Signal(ctx context.Context, a executor.Attempt, s executor.Signal) (executor.Report, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(ctx, Call{Method: "Signal", Attempt: a.ID, Command: a.Command, Signal: s}); err != nil {
		return executor.Report{}, err
	}
	if rep := f.report(a); rep.Fate == executor.Running || rep.Fate == executor.Orphan {
		f.attempts[a.ID].killed = s
		f.wake()
	}
	return f.report(a), nil
}

// Beat implements [executor.Executor]. Nothing ends when nobody beats.
func (f *Fake) Beat(ctx context.Context, a executor.Attempt) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(ctx, Call{Method: "Beat", Attempt: a.ID, Command: a.Command}); err != nil {
		return err
	}
	if known := f.attempts[a.ID]; a.Leash <= 0 || known == nil || !known.claimed {
		return fmt.Errorf("beat for attempt %s: it has no leash on this host", a.ID)
	}
	return nil
}

// Ready implements [executor.Executor]. Whoever is to be become is.
func (f *Fake) Ready(ctx context.Context, c executor.Command) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.call(ctx, Call{Method: "Ready", Command: c})
}

// Hand implements [executor.Executor]. The fake's script ends at once.
func (f *Fake) Hand(ctx context.Context, a executor.Attempt, _ executor.Terminal) (executor.Result, error) {
	f.mu.Lock()
	err := f.call(ctx, Call{Method: "Hand", Command: a.Command})
	f.mu.Unlock()
	if err != nil {
		return executor.Result{}, err
	}
	return executor.Result{Exit: f.script(a.Command).Exit}, nil
}

// Files implements [executor.Executor]: they are this machine's.
func (f *Fake) Files(ctx context.Context) (executor.Files, error) {
	f.mu.Lock()
	err := f.call(ctx, Call{Method: "Files"})
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return executor.NewLocal(executor.LocalOptions{}).Files(ctx)
}

// Kept implements [executor.Executor].
func (f *Fake) Kept(ctx context.Context, _ executor.Host) ([]executor.KeptRun, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(ctx, Call{Method: "Kept"}); err != nil {
		return nil, err
	}
	var kept []executor.KeptRun
	for id := range f.closed {
		kept = append(kept, executor.KeptRun{ID: id, Closed: true})
	}
	return kept, nil
}

// Discard implements [executor.Executor].
func (f *Fake) Discard(ctx context.Context, _ executor.Host, runID string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.call(ctx, Call{Method: "Discard"}); err != nil {
		return err
	}
	f.closed[runID] = true
	return nil
}

// Dial implements [executor.Executor]. The host sees what this machine sees.
func (f *Fake) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	f.mu.Lock()
	err := f.call(ctx, Call{Method: "Dial", Address: address})
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return executor.Here.Dial(ctx, network, address)
}

// Close implements [executor.Executor]. The host goes on.
func (f *Fake) Close() error { return nil }

func (s Script) result() executor.Result {
	return executor.Result{Exit: s.Exit, Bytes: executor.Offsets{int64(len(s.Stdout)), int64(len(s.Stderr))}}
}

func deliver(s Script, from executor.Offsets, sink executor.Sink) {
	for stream, text := range []string{s.Stdout, s.Stderr} {
		if at := from[stream]; sink != nil && at < int64(len(text)) {
			sink.Output(executor.Stream(stream), at, []byte(text[at:]))
		}
	}
}
