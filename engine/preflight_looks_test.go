package engine_test

import (
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

  ` + "```sh {.check until=1h every=1s}" + `
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
	told := f.foretold() // which doesn't wait for the poll: that would go on for an hour
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

const toolOnTrio = `+++
title = "Tool"
[groups.trio]
vars = ["n"]
[tools.loud]
on  = "trio"
min = "1"
+++
- [ ] One {#one on=trio}

  ` + "```sh" + `
  one
  ` + "```" + `
`

func TestWhatIsFoundHoldsNoSecret(t *testing.T) {
	t.Parallel()
	st := newStage(t, toolOnTrio)
	st.attended = true
	guard(st, askWord)
	st.set("loud --version", executortest.Script{Exit: 1, Stdout: "correct horse\n"})
	f := st.preflight()
	f.Look()
	for range 3 {
		p := f.until("a question", func(s *run.Preflight) bool { return s.Prompt != nil }).Prompt
		if err := f.Respond(run.Respond{Prompt: p.ID, Text: "correct horse"}); err != nil {
			t.Fatal(err)
		}
	}
	s := f.until("the end of looking", func(s *run.Preflight) bool { return !s.Busy })
	if got := saying(s, run.Warning); !strings.Contains(got, "the version of loud can't be read") || strings.Contains(got, "horse") {
		t.Errorf("found %q", got)
	}
	o := st.options()
	o.Preflight = f.Preflight
	e, err := engine.Start(t.Context(), o, st.plan, st.id, st.begin)
	if err != nil {
		t.Fatal(err)
	}
	st.drive(e).at(run.WaitGo, "one")
	for _, r := range st.events() {
		if p, ok := r.Event.(run.Preflighted); ok && (len(p.Findings) != 3 || strings.Contains(fmt.Sprint(p), "horse")) {
			t.Errorf("journaled %+v", p)
		}
	}
}
