package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	deadline := time.After(20 * time.Second)
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
	opened := map[string]int{}
	open := st.hosts
	st.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		opened[name]++
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

const withTools = `+++
title = "Tools"
[tools.old]
min  = "1.28"
help = "ask Li for it"
[tools.young]
min  = "1.28"
[tools.mute]
min  = "1"
[tools.absent]
[tools.there]
[tools.odd]
min     = "9"
version = "echo 'odd, built 2026, is 10.1-rc2'; exit 3"
+++
- [ ] One {#one}

  ` + "```python3" + `
  print(1)
  ` + "```" + `
  ` + "```zsh {.check}" + `
  true
  ` + "```" + `
`

func TestToolsAndInterpretersAreLookedForInRealShells(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withTools)
	bin := filepath.Join(w.dir, "bin")
	put := func(name, body string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	put("old", "echo 'old version v1.9.3'")
	put("young", "echo 'Young 1.28'")
	put("mute", "echo usage >&2; exit 1")
	put("there", "exit 1")
	for _, needed := range []string{"sh", "mkdir", "cat", "mv", "tail", "ps", "kill", "rm", "id", "uname", "df", "date", "ls", "sed", "sleep", "env", "mkfifo", "awk", "tr", "cut", "sha256sum", "sync", "wc", "dd", "mktemp", "grep"} {
		for _, dir := range []string{"/usr/bin", "/bin"} {
			if _, err := os.Stat(filepath.Join(dir, needed)); err == nil {
				_ = os.Symlink(filepath.Join(dir, needed), filepath.Join(bin, needed))
				break
			}
		}
	}
	w.hosts = func(string, executor.Asker) (executor.Executor, error) {
		env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PATH=") })
		return executor.NewLocal(executor.LocalOptions{Dir: w.begin.Dir, Env: append(env, "PATH="+bin, "STEPGATE_DIR="+filepath.Join(w.dir, "attempts"))}), nil
	}
	s := w.preflight().looked()
	if got, want := saying(s, run.Obstacle), `local host.shell: there is no zsh
local host.shell: there is no python3
local host.tool: old is 1.9.3
local host.tool: there is no absent
`; got != want {
		t.Errorf("obstacles:\n%swant:\n%s", got, want)
	}
	if got, want := saying(s, run.Warning), "local host.tool: the version of mute can't be read (exit 1: \"usage\")\n"; got != want {
		t.Errorf("warnings:\n%swant:\n%s", got, want)
	}
	for _, want := range []string{"local host.tool: young 1.28\n", "local host.tool: there is there\n", "local host.tool: odd 10.1\n"} {
		if got := saying(s, run.Fine); !strings.Contains(got, want) {
			t.Errorf("fine:\n%swant %q", got, want)
		}
	}
	for _, x := range s.Findings {
		if strings.HasPrefix(x.What, "old is") && (x.Do != "ask Li for it" || x.Why != "the runbook needs at least 1.28") {
			t.Errorf("%+v", x)
		}
	}
}

const withChecks = `+++
title = "Checks first"
[params.limit]
default = "3"
+++
## Before

- [ ] Few files {#few}

  ` + "```sh {.check}" + `
  ls | wc -l
  ` + "```" + `
  ` + "```expect" + `
  number(stdout) <= number(limit)   // few files
  ` + "```" + `
  ` + "```capture" + `
  files = number(stdout)
  ` + "```" + `
- [ ] Tell the team {#tell}
- [ ] Never there {#never .required}

  ` + "```sh {.check until=50s every=1s}" + `
  test -e never
  ` + "```" + `
- [ ] Not now {#not when="files > 100"}

  ` + "```sh {.check}" + `
  false
  ` + "```" + `
- [ ] What {#what ask=answer}
- [ ] By the answer {#by}

  ` + "```sh {.check}" + `
  test "$answer" = yes
  ` + "```" + `
- [ ] Uses the count {#uses}

  ` + "```sh {.check}" + `
  test "$files" -ge 1
  ` + "```" + `

## The change

- [ ] Act {#act}

  ` + "```sh" + `
  echo acted >acted
  ` + "```" + `
- [ ] Look after {#after}

  ` + "```sh {.check}" + `
  test -e acted
  ` + "```" + `
`

func TestChecksAreTakenInAdvanceUpToTheFirstCommandAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withChecks)
	for _, name := range []string{"x", "y"} {
		if err := os.WriteFile(filepath.Join(w.begin.Dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := w.preflight()
	f.looked() // makes the attempts' directory, which reaching needs
	before := listing(t, w.dir, w.begin.Dir, filepath.Join(w.dir, "attempts"))
	begun := time.Now()
	told := f.foretold()
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("a poll was waited for: %s", took)
	}
	if after := listing(t, w.dir, w.begin.Dir, filepath.Join(w.dir, "attempts")); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	var got strings.Builder
	for _, c := range told.Taken {
		fmt.Fprintf(&got, "%s %s applies %v\n", c.Cell.Step, c.Verdict, c.Applies)
	}
	for _, c := range told.Left {
		fmt.Fprintf(&got, "%s not: %s\n", c.Step, c.Why)
	}
	want := `before/few pass applies true
before/never fail applies true
before/not unknown applies false
before/uses pass applies true
before/by not: it needs answer, which a person is asked for in the run
the-change/after not: it comes after the first command, the-change/act@local
`
	if got.String() != want {
		t.Errorf("got:\n%swant:\n%s", got.String(), want)
	}
	if told.Until.Step != "the-change/act" || !told.Bad() {
		t.Errorf("until %q, bad %v", told.Until, told.Bad())
	}
	if told.Taken[1].Checks[0].Tries != 1 {
		t.Errorf("%d tries", told.Taken[1].Checks[0].Tries)
	}
	if runs, err := w.store.Runs(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("checks in advance have journaled something: %v, %v", runs, err)
	}

	// The run decides by itself: what was seen in advance counts for nothing.
	o := w.options()
	o.Preflight = f.Preflight
	e, err := engine.Start(t.Context(), o, w.plan, w.id, w.begin)
	if err != nil {
		t.Fatal(err)
	}
	s := w.drive(e).at(run.WaitGo, "before/few")
	if c := s.Run.Cell(s.Current); len(c.Checks) != 0 {
		t.Errorf("the run has checks already: %+v", c.Checks)
	}
}

// listing is every file below directories, with its size and when it was changed.
func listing(t *testing.T, root string, dirs ...string) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range dirs {
		err := filepath.Walk(dir, func(path string, fi os.FileInfo, err error) error {
			if err == nil {
				rel, _ := filepath.Rel(root, path)
				fmt.Fprintf(&b, "%s %s %d %s\n", rel, fi.Mode(), fi.Size(), fi.ModTime().Format(time.RFC3339Nano))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}
