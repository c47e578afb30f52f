package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stepgate/engine"
	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// preflight is one that a test waits for.
type preflight struct {
	t *testing.T
	*engine.Preflight
}

func (w *world) preflight(edits ...func(*engine.PreflightOptions)) *preflight {
	w.t.Helper()
	o := engine.PreflightOptions{Hosts: w.options().Hosts, Attended: w.attended, Now: w.now, Start: w.begin}
	for _, edit := range edits {
		edit(&o)
	}
	f := engine.NewPreflight(w.t.Context(), o, w.plan)
	w.t.Cleanup(func() {
		if err := f.Close(); err != nil {
			w.t.Errorf("close the preflight: %v", err)
		}
	})
	return &preflight{w.t, f}
}

func (p *preflight) until(what string, ok func(*run.Preflight) bool) *run.Preflight {
	p.t.Helper()
	deadline := time.After(patient)
	for {
		if s := p.Snapshot(); ok(s) {
			return s
		}
		select {
		case <-p.Changes():
		case <-deadline:
			p.t.Fatalf("waited for %s: %+v", what, p.Snapshot())
		}
	}
}

// looked has everything looked at.
func (p *preflight) looked() *run.Preflight {
	p.t.Helper()
	p.Look()
	return p.until("the end of looking", func(s *run.Preflight) bool { return !s.Busy })
}

func (p *preflight) foretold() *run.Foretold {
	p.t.Helper()
	p.Foretell()
	return p.until("the checks", func(s *run.Preflight) bool { return !s.Busy }).Foretold
}

// saying are the findings of a severity, a line each.
func saying(s *run.Preflight, sev run.Severity) string {
	var b strings.Builder
	for _, f := range s.Findings {
		if f.Severity == sev {
			fmt.Fprintf(&b, "%s %s: %s\n", f.Host, f.ID, f.What)
		}
	}
	return b.String()
}

const onTrio = `+++
title = "On three"
[groups.trio]
vars = ["n"]
+++
- [ ] One {#one on=trio user=app}

  ` + "```bash" + `
  one
  ` + "```" + `
`

func TestAPreflightHandsItsConnectionsAndAnswersOn(t *testing.T) {
	t.Parallel()
	st := newStage(t, onTrio)
	st.attended = true
	guard(st, askKey, askWord)
	var mu sync.Mutex // hosts are opened beside each other
	opened := map[string]int{}
	open := st.hosts
	st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		mu.Lock()
		opened[name]++
		mu.Unlock()
		return open(name, ask)
	}
	f := st.preflight()
	if s := f.Snapshot(); s.Ready() != true || len(s.Hosts) != 3 || s.Looked() != 0 {
		t.Fatalf("before anything was looked at: %+v", s)
	}
	f.Look()
	for range 6 { // two of each host, one question at a time
		p := f.until("a question", func(s *run.Preflight) bool { return s.Prompt != nil }).Prompt
		if f.Snapshot().Ready() {
			t.Error("it may begin although a login waits")
		}
		answer := "yes"
		if p.Must == "" {
			answer = "correct horse"
		}
		if err := f.Respond(run.Respond{Prompt: p.ID, Text: answer}); err != nil {
			t.Fatal(err)
		}
	}
	s := f.until("the end of looking", func(s *run.Preflight) bool { return !s.Busy })
	if !s.Ready() || s.Looked() != 3 || saying(s, run.Obstacle)+saying(s, run.Warning) != "" {
		t.Fatalf("%+v", s)
	}
	o := st.options()
	o.Preflight = f.Preflight
	e, err := engine.Start(t.Context(), o, st.plan, st.id, st.begin)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil { // the connections are the run's
		t.Fatal(err)
	}
	d := st.drive(e)
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.closed()
	for _, name := range []string{"a", "b", "c"} {
		identified, ready := 0, 0
		for _, c := range st.fakes[name].Calls() {
			switch c.Method {
			case "Identify":
				identified++
			case "Ready":
				ready++
				if c.Command.User != "app" {
					t.Errorf("%s: ready for %q", name, c.Command.User)
				}
			}
		}
		if identified != 2 || opened[name] != 1 || ready < 2 { // one Identify is the stage's own
			t.Errorf("%s was identified %d times, opened %d times, made ready %d times", name, identified, opened[name], ready)
		}
	}
	var kinds []string
	for _, r := range st.events() {
		if k := run.Kind(r.Event); k == "HostSeen" || k == "HostKeyAccepted" || k == "Preflighted" || k == "RunStarted" {
			kinds = append(kinds, k)
		}
		if p, ok := r.Event.(run.Preflighted); ok && (p.Hosts != 3 || len(p.Findings) != 0) {
			t.Errorf("preflighted %+v", p)
		}
	}
	if got := strings.Join(kinds, " "); got != "RunStarted HostKeyAccepted HostKeyAccepted HostKeyAccepted HostSeen HostSeen HostSeen Preflighted" {
		t.Error(got)
	}
}

func TestAPreflightSaysWhatStandsInTheWayAndLooksAgainAtThatOnly(t *testing.T) {
	t.Parallel()
	st := newStage(t, onTrio)
	off := func(name string, change func(*executor.Host)) {
		h, _ := st.fakes[name].Identify(t.Context())
		change(&h)
		st.fakes[name].SetHost(h)
	}
	off("a", func(h *executor.Host) { h.Dir, h.Degraded = "", "no directory for attempts: it is full" })
	off("b", func(h *executor.Host) { h.FreeBytes, h.Ahead = 5<<20, -90*time.Second })
	st.fakes["c"].SetFail(func(method string) error {
		if method == "Identify" {
			return &executor.ReachError{Host: "c", Hint: "try: ssh c true", Cause: errors.New("no route to host")}
		}
		return nil
	})
	st.set("command -v bash >/dev/null 2>&1 || echo 'stepgate-lacks bash'@b", executortest.Script{Stdout: "Welcome!\nstepgate-lacks bash\n"})
	f := st.preflight(func(o *engine.PreflightOptions) {
		o.Beside = func(context.Context) []run.Finding {
			return []run.Finding{{ID: "lint", Severity: run.Warning, What: "a warning"}}
		}
	})
	s := f.looked()
	if got, want := saying(s, run.Obstacle), `a host.attempts: it can't keep attempts: no directory for attempts: it is full
b host.shell: there is no bash for app
c host.reach: not reached: no route to host
`; got != want {
		t.Errorf("obstacles:\n%swant:\n%s", got, want)
	}
	if got, want := saying(s, run.Warning), ` lint: a warning
b host.space: 5.2 MB are free in /var/stepgate
b host.clock: its clock is at least 1m30s behind
`; got != want {
		t.Errorf("warnings:\n%swant:\n%s", got, want)
	}
	if s.Ready() || s.Findings[0].Severity != run.Obstacle {
		t.Errorf("ready %v, first %+v", s.Ready(), s.Findings[0])
	}
	for _, x := range s.Findings {
		if x.ID == "host.reach" && x.Do != "try: ssh c true" {
			t.Errorf("the remedy is %q", x.Do)
		}
	}

	// What was put right is fine the next time; what was fine isn't looked at again.
	off("a", func(h *executor.Host) { h.Dir, h.Degraded = "/var/stepgate", "" })
	st.fakes["c"].SetFail(nil)
	st.set("command -v bash >/dev/null 2>&1 || echo 'stepgate-lacks bash'@b", executortest.Script{})
	s = f.looked()
	if !s.Ready() || s.Count(run.Warning) != 3 {
		t.Errorf("again: %s%s", saying(s, run.Obstacle), saying(s, run.Warning))
	}
	before := len(st.fakes["a"].Calls())
	f.looked()
	if after := len(st.fakes["a"].Calls()); after != before {
		t.Errorf("a host that was fine was looked at again: %d calls more", after-before)
	}
}

func TestNamesOfOneMachineAreSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		boots      [2]string
		want, also string
	}{
		{"another address in one group", [2]string{"boot-1", "boot-1"}, " host.twins: a, b are one machine, at different addresses\n", ""},
		{"copied", [2]string{"boot-1", "boot-2"}, " host.twins: a, b have one machine id and were booted apart\n", ""},
	} {
		st := newStage(t, onTrio)
		for i, name := range []string{"a", "b"} {
			h, _ := st.fakes[name].Identify(t.Context())
			h.MachineID, h.BootID = "machine-x", tt.boots[i]
			st.fakes[name].SetHost(h)
		}
		if got := saying(st.preflight().looked(), run.Warning); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLeavingAPreflightEndsALoginThatWaits(t *testing.T) {
	t.Parallel()
	st := newStage(t, onTrio)
	st.attended = true
	guard(st, askWord)
	f := st.preflight()
	f.Look()
	f.until("a question", func(s *run.Preflight) bool { return s.Prompt != nil })
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if runs, err := st.store.Runs(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("a preflight has journaled something: %v, %v", runs, err)
	}
	f.Look() // does nothing any more
	if f.Snapshot().Busy {
		t.Error("a preflight that was closed is at work")
	}
}

func TestWithoutAPersonALoginIsAnObstacle(t *testing.T) {
	t.Parallel()
	st := newStage(t, onTrio)
	guard(st, askWord)
	s := st.preflight().looked()
	if got := saying(s, run.Obstacle); s.Count(run.Obstacle) != 3 || !strings.Contains(got, executor.ErrNobody.Error()) {
		t.Error(got)
	}
}
