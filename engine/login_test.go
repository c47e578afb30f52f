package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"stepgate/executor"
	"stepgate/runbook/run"
)

// guarded is a host whose login asks before it lets anybody in.
type guarded struct {
	executor.Executor
	ask  executor.Asker
	asks []executor.Prompt
}

func (g *guarded) Identify(ctx context.Context) (executor.Host, error) {
	for _, p := range g.asks {
		answer, err := g.ask.Ask(ctx, p)
		if err != nil {
			return executor.Host{}, &executor.ReachError{Host: p.Host, Hint: "log in by hand", Cause: err}
		}
		if p.Kind == executor.PromptHostKey {
			g.ask.(interface {
				HostKeyAccepted(host, address, key, file string)
			}).HostKeyAccepted(p.Host, "[10.0.0.1]:22", "ssh-ed25519 SHA256:abc", "/home/ann/known_hosts")
			continue
		}
		if answer != "correct horse" {
			return executor.Host{}, &executor.ReachError{Host: p.Host, Cause: errors.New("permission denied")}
		}
	}
	return g.Executor.Identify(ctx)
}

var (
	askKey  = executor.Prompt{Kind: executor.PromptHostKey, Host: "local", Text: "Is this its key?", Detail: []string{"SHA256:abc"}, Echo: true, Must: "yes"}
	askWord = executor.Prompt{Kind: executor.PromptPassword, Host: "local", Text: "password"}
)

func guard(st *stage, asks ...executor.Prompt) {
	open := st.hosts
	st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		h, err := open(name, ask)
		return &guarded{h, ask, asks}, err
	}
}

func (d *driver) prompted(kind executor.PromptKind) *run.Prompt {
	d.t.Helper()
	return d.until("a question of a login", func(s *run.Snapshot) bool { return s.Prompt != nil && s.Prompt.Kind == string(kind) }).Prompt
}

func (d *driver) respond(a run.Respond) error { return d.e.Do(d.t.Context(), run.Key{}, 0, a) }

func TestALoginAsksAndWhatIsTypedIsNeverKept(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	st.attended = true
	guard(st, askKey, askWord)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	p := d.prompted(executor.PromptHostKey)
	if p.Must != "yes" || len(p.Detail) != 1 || d.e.Snapshot().Busy == nil || !d.e.Snapshot().Action(run.VerbRespond).OK() {
		t.Errorf("prompt %+v, busy %v", p, d.e.Snapshot().Busy)
	}
	var notNow *run.NotNowError
	for _, a := range []run.Respond{{Prompt: p.ID, Text: "y"}, {Prompt: p.ID}, {Prompt: "login-99", Text: "yes"}} {
		if err := d.respond(a); !errors.As(err, &notNow) {
			t.Errorf("answered by %+v: %v", a, err)
		}
	}
	if err := d.respond(run.Respond{Prompt: p.ID, Text: "yes"}); err != nil {
		t.Fatal(err)
	}
	p2 := d.prompted(executor.PromptPassword)
	if err := d.respond(run.Respond{Prompt: p.ID, Text: "yes"}); !errors.As(err, &notNow) {
		t.Errorf("an answer was taken for a question that is gone: %v", err)
	}
	if err := d.respond(run.Respond{Prompt: p2.ID, Text: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	s := d.at(run.WaitManual, "tick")
	if s.Prompt != nil || s.Action(run.VerbRespond).OK() {
		t.Errorf("still asked: %+v", s.Prompt)
	}
	d.do(run.AddNote{Text: "the password is correct horse"})
	accepted := 0
	for _, r := range st.events() {
		switch e := r.Event.(type) {
		case run.HostKeyAccepted:
			accepted++
			if e.File != "/home/ann/known_hosts" || e.Host != "local" {
				t.Errorf("accepted %+v", e)
			}
		case run.Note:
			if strings.Contains(e.Text, "horse") {
				t.Errorf("the note keeps the password: %q", e.Text)
			}
		}
	}
	if accepted != 1 {
		t.Errorf("%d keys are journaled as accepted", accepted)
	}
	st.wantRan("one")
}

func TestALoginThatNobodyAnswersStartsNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attended bool
		want     string
	}{
		"there is nobody": {false, executor.ErrNobody.Error()}, "it is declined": {true, executor.ErrDeclined.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, oneStep)
			st.attended = tc.attended
			guard(st, askWord)
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			if tc.attended {
				if err := d.respond(run.Respond{Prompt: d.prompted(executor.PromptPassword).ID, Decline: true}); err != nil {
					t.Fatal(err)
				}
			}
			s := d.at(run.WaitFailure, "one")
			if c := at1(s); c.Reason != run.NotStarted || !strings.Contains(c.Detail, tc.want) || c.Hint == "" || s.Prompt != nil {
				t.Errorf("%s (%s): %s, hint %q", c.Status, c.Reason, c.Detail, c.Hint)
			}
			st.wantRan()
		})
	}
}

func TestALoginIsWithdrawnByTheEndOfWhatWantedIt(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	st.attended = true
	guard(st, askWord)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	p := d.prompted(executor.PromptPassword)
	d.do(run.StopNow{})
	s := d.at(run.WaitFailure, "one")
	if s.Prompt != nil {
		t.Errorf("still asked: %+v", s.Prompt)
	}
	if err := d.respond(run.Respond{Prompt: p.ID, Text: "correct horse"}); err == nil {
		t.Error("an answer was taken")
	}
	d.do(run.Retry{}) // and leaving ends it, too
	d.prompted(executor.PromptPassword)
	d.leave("detached")
	st.wantRan()
}

// lapsed is a host that is lost once, and then wants its login again.
type lapsed struct {
	*guarded
	followed, lost atomic.Bool
	probes         atomic.Int32
	again, release chan struct{} // the second probe begins, and may end; nil: at once
}

func (l *lapsed) Follow(ctx context.Context, a executor.Attempt, from executor.Offsets, s executor.Sink) (executor.Result, error) {
	if l.followed.CompareAndSwap(false, true) {
		l.lost.Store(true)
		return executor.Result{}, errLink
	}
	return l.guarded.Follow(ctx, a, from, s)
}

func (l *lapsed) Probe(ctx context.Context, a executor.Attempt, fence bool) (executor.Report, error) {
	if l.probes.Add(1) == 2 && l.again != nil {
		close(l.again)
		<-l.release
	}
	if l.lost.Load() {
		return executor.Report{}, &executor.ReachError{Host: "local", Hint: "try the host again to be asked", Cause: errLink}
	}
	return l.guarded.Probe(ctx, a, fence)
}

func (l *lapsed) Identify(ctx context.Context) (executor.Host, error) {
	h, err := l.guarded.Identify(ctx)
	if err == nil {
		l.lost.Store(false)
	}
	return h, err
}

// A connection that is made anew by itself asks nobody; the operator's word does, also
// while it is being tried.
func TestALostHostThatWantsItsLoginAsksOnTheOperatorsWord(t *testing.T) {
	t.Parallel()
	for name, trying := range map[string]bool{"between two tries": false, "during a try": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lostAndAsked(t, trying)
		})
	}
}

func lostAndAsked(t *testing.T, trying bool) {
	t.Helper()
	st := newStage(t, oneStep)
	var again, release chan struct{}
	if trying {
		again, release = make(chan struct{}), make(chan struct{})
	}
	st.attended = true
	open := st.hosts
	st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		h, err := open(name, ask)
		return &lapsed{guarded: &guarded{h, ask, []executor.Prompt{askWord}}, again: again, release: release}, err
	}
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	login := func() {
		if err := d.respond(run.Respond{Prompt: d.prompted(executor.PromptPassword).ID, Text: "correct horse"}); err != nil {
			t.Fatal(err)
		}
	}
	login()
	s := d.until("trying again", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.What == run.Reconnecting })
	if s.Prompt != nil || !strings.Contains(s.Busy.Detail, "try the host again to be asked") {
		t.Errorf("asked by itself: %+v; busy %+v", s.Prompt, s.Busy)
	}
	if trying {
		patience(t, again, "another try")
	}
	d.do(run.Probe{})
	if trying {
		close(release)
	}
	login()
	d.at(run.WaitManual, "tick")
	st.wantRan("one")
}
