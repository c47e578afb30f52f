package tui

import (
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/gate"
)

const patchBook = `+++
title   = "集群补丁：patch the stores"
confirm = "{{host}}"
[params.ops_dir]
[groups.ops]
max = 1
[groups.tablet]
min = 3
[connections.meta]
driver = "mysql"
host   = "10.0.0.1"
port   = "2881"
user   = "root"
database = "meta"
via = "ops"
+++
# Patch

## Prepare {#prepare}

- [ ] Which version goes in? {#version ask=to_version choices="0.9.2,0.9.3"}

  The release notes name it; 0.9.3 needs the new agent.
- [ ] Every zone is in sync {#zones}

  ` + "```sql {.check db=meta}\n  SELECT zone, status FROM zones\n  ```\n  ```expect\n  len(rows) == 2  // all zones\n  ```" + `

- [ ] Fetch the package {#fetch .irreversible}

  > [!CAUTION]
  > The old package is overwritten on every host.

  ` + "```sh {.check on=tablet}\n  test -w /opt\n  ```\n  ```sh {on=tablet parallel=2 cwd=\"/opt/{{host}}\"}\n  fetch \"$endpoint\"\n  ```\n  ```sh {.check on=tablet}\n  test -f /opt/pkg\n  ```" + `

## Stores {#stores each=tablet batch=2 canary=1 soak=10m max_failures=1}

- [ ] Stop {{host}} {#stop}

  ` + "```sh\n  stop \"$endpoint\"\n  ```\n  ```sh {.rollback}\n  start \"$endpoint\"\n  ```" + `
- [ ] Start it again {#start}

  ` + "```sh\n  start --new \"$endpoint\"\n  ```\n  ```sh {.rollback}\n  stop --new \"$endpoint\"\n  ```\n  ```sh {.check until=60s}\n  ping \"$endpoint\"\n  ```\n  ```expect\n  len(lines) == 1  // it answers\n  ```" + `
- [ ] Open the traffic again {#open .always}

  ` + "```sh {on=ops}\n  traffic on \"$host\"\n  ```" + `
`

func stores(t *testing.T) *story {
	t.Helper()
	return tell(t, patchBook, map[string]string{"ops_dir": "/opt/ops"})
}

// version answers the question.
func (s *story) version() *story {
	s.t.Helper()
	return s.then(run.Asked{Cell: s.cell("prepare/version").Key, Name: "to_version", Value: "0.9.3"})
}

func zonesText() string { return "zone\tstatus\nzone1\t已同步\nzone2\tACTIVE\n" }

func (s *story) zones() *story {
	s.t.Helper()
	k := s.cell("prepare/zones@local").Key
	ev := verdict(run.Before, k, checks.Pass, "len(rows): 2", zonesText())
	ev.Checks[0].Rows[0].Label = "all zones"
	return s.then(ev)
}

// atGroupGate stands at the gate of a command on three hosts.
func atGroupGate(t *testing.T) *story {
	s := stores(t).version().zones()
	hosts := []string{"tablet-1", "tablet-2", "tablet-3"}
	for _, h := range hosts {
		s.then(verdict(run.Before, s.cell("prepare/fetch@"+h).Key, checks.Pass, "", h+" is writable\n"))
	}
	leader := ""
	var shown []run.Event
	for _, h := range hosts {
		c := s.cell("prepare/fetch@" + h)
		d, err := s.run.Dispatch(c, run.RoleCommand)
		if err != nil {
			t.Fatal(err)
		}
		g := run.GateShown{Cell: c.Key, Gate: "g-" + h, Binding: "b", Phrase: "tablet-1", Leader: leader, Dispatch: &d}
		leader = "g-tablet-1"
		shown = append(shown, g)
	}
	return s.then(shown...)
}

func (s *story) fetched() *story {
	s.t.Helper()
	for _, h := range []string{"tablet-1", "tablet-2", "tablet-3"} {
		k := s.cell("prepare/fetch@" + h).Key
		s.grant(k).did(k, 0, 4*time.Second)
		s.then(verdict(run.After, k, checks.Pass, "", ""))
	}
	return s
}

func (s *story) stored(host string) *story {
	s.t.Helper()
	s.did(s.cell("stores["+host+"]/stop@"+host).Key, 0, 2*time.Second)
	k := s.cell("stores[" + host + "]/start@" + host).Key
	s.did(k, 0, 8*time.Second)
	ev := verdict(run.After, k, checks.Pass, "len(lines): 1", "pong\n")
	ev.Checks[0].Rows[0].Label, ev.Checks[0].Tries = "it answers", 3
	return s.then(ev)
}

// soaking stands behind the canary.
func soaking(t *testing.T) *story {
	s := atGroupGate(t).fetched().stored("tablet-1")
	return s.did(s.cell("stores[tablet-1]/open@ops-1").Key, 0, time.Second)
}

// inBatch has two instances under way.
func inBatch(t *testing.T) *story {
	s := soaking(t)
	s.at = s.at.Add(10 * time.Minute)
	s.then(run.BatchEntered{Walk: "stores", Hosts: []string{"tablet-2", "tablet-3"}})
	for _, h := range []string{"tablet-2", "tablet-3"} {
		k := s.cell("stores[" + h + "]/stop@" + h).Key
		s.begin(k)
		act := run.Activity{Cell: k, What: "command", Since: s.at, Attempt: s.run.Cell(k).Latest().Intent.Attempt}
		if s.busy == nil {
			s.busy = &act
		} else {
			s.beside = append(s.beside, act)
		}
	}
	return s
}

// batchFails has an instance of the batch fail.
func batchFails(t *testing.T) *story {
	s := inBatch(t)
	s.busy, s.beside = nil, nil
	for i, h := range []string{"tablet-2", "tablet-3"} {
		k := s.cell("stores[" + h + "]/stop@" + h).Key
		v := []checks.Verdict{checks.Pass, checks.Fail}[i]
		s.then(run.Outcome{Cell: k, Attempt: s.run.Cell(k).Latest().Intent.Attempt, Exit: i * 3, Verdict: v, TookMS: 1500})
	}
	return s
}

func excluded(t *testing.T) *story {
	s := batchFails(t)
	s.then(run.InstanceExcluded{Walk: "stores", Instance: "tablet-3", Reason: "磁盘坏了, ticket 4711"})
	return s
}

// undoing stands at the first of two rollbacks.
func undoing(t *testing.T) *story {
	s := soaking(t)
	s.at = s.at.Add(10 * time.Minute)
	s.then(run.BatchEntered{Walk: "stores", Hosts: []string{"tablet-2", "tablet-3"}})
	for _, h := range []string{"tablet-2", "tablet-3"} {
		s.did(s.cell("stores["+h+"]/stop@"+h).Key, 0, time.Second)
	}
	k := s.cell("stores[tablet-2]/start@tablet-2").Key
	s.did(k, 3, time.Second)
	return s.then(run.RollbackPlanned{Scope: run.RollbackInstance, Cells: []run.Key{k, s.cell("stores[tablet-2]/stop@tablet-2").Key}})
}

// waitFrames are the screens of what a run may wait for, and of several cells at
// a time.
var waitFrames = []shot{
	{"ask", stores, nil},
	{"ask-chosen", stores, press("down", "down")},
	{"sql", func(t *testing.T) *story { return stores(t).version() }, nil},
	{"sql-result", func(t *testing.T) *story { return stores(t).version().zones() }, press("up", "up")},
	{"group-gate", atGroupGate, nil},
	{"group-gate-end", atGroupGate, press("pgdown", "pgdown", "pgdown", "pgdown")},
	{"soak", soaking, nil},
	{"soaked", soaked, nil},
	{"batch", inBatch, nil},
	{"batch-failed", batchFails, nil},
	{"batch-stopped", batchStops, nil},
	{"excluded", excluded, press("t")},
	{"undo", undoing, nil},
	{"undo-scope", undoScope, press("b")},
	{"finish", inBatch, press("F")},
	{"finish-asked", stopAsked, nil},
	{"always", batchStops, press("C")},
	{"closed-excluded", closedExcluded, nil},
}

// later moves the clock.
func (s *story) later(d time.Duration) *story {
	s.at = s.at.Add(d)
	return s
}

// batchStops has the run stop at an instance that failed: the others are through.
func batchStops(t *testing.T) *story {
	s := batchFails(t)
	k := s.cell("stores[tablet-2]/start@tablet-2").Key
	s.did(k, 0, time.Second)
	s.then(verdict(run.After, k, checks.Pass, "len(lines): 1", "pong\n"))
	return s.did(s.cell("stores[tablet-2]/open@ops-1").Key, 0, time.Second)
}

// undoScope stands at a failure behind a step that can be undone, too.
func undoScope(t *testing.T) *story {
	s := undoing(t)
	s.then(run.RollbackPlanned{Scope: run.RollbackInstance})
	k := s.cell("stores[tablet-3]/start@tablet-3").Key
	s.did(k, 0, time.Second)
	s.then(verdict(run.After, k, checks.Pass, "len(lines): 1", "pong\n"))
	return s.did(s.cell("stores[tablet-3]/open@ops-1").Key, 0, time.Second)
}

// waitActions are the keys where a run waits for more than its next step.
var waitActions = []deed{
	{"a choice", stores, presses("down", "down", "enter"), []run.Action{run.Reply{Value: "0.9.3"}}},
	{"a typed choice", stores, presses(typed("0.9.2"), "enter"), []run.Action{run.Reply{Value: "0.9.2"}}},
	{"no answer is none", stores, presses("enter"), nil},
	{"not one of the choices", stores, presses(typed("0.9.4"), "enter"), nil},
	{"the question again", stores, presses("esc", "enter", "down", "enter"), []run.Action{run.Reply{Value: "0.9.2"}}},
	{"too early behind a canary", soaking, presses("g"), nil},
	{"and by the cursor", soaking, presses("down", "down", "down", "down", "enter", "esc"), []run.Action{run.Pause{}}},
	{"behind a canary", soaked, presses("g"), []run.Action{run.Go{}}},
	{"behind a canary, enter alone", soaked, presses("enter"), nil},
	{"a rollback", undoing, presses("y"), []run.Action{run.Go{}}},
	{"a rollback is left", undoing, presses("s"), []run.Action{run.Skip{Reason: "left as it is"}}},
	{"a rollback, enter alone", undoing, presses("pgdown", "pgdown", "enter"), nil},
	{"roll back the step", undoScope, presses("b", "1", "y", "enter"), []run.Action{run.RollBack{}}},
	{"roll back the instance", undoScope, presses("b", "2"), []run.Action{run.RollBack{Scope: run.RollbackInstance}}},
	{"roll back the section", undoScope, presses("b", "3"), []run.Action{run.RollBack{Scope: run.RollbackSection}}},
	{"roll back, called off", undoScope, presses("b", "enter"), nil},
	{"exclude needs a reason", batchStops, presses("E", "enter"), nil},
	{"exclude", batchStops, presses("E", typed("disk"), "enter"), []run.Action{run.Exclude{Reason: "disk"}}},
	{"nothing to move behind", batchStops, presses("L"), nil},
	{"move to the end", failed, presses("L", typed("later"), "enter"), []run.Action{run.Postpone{Why: "later"}}},
	{"call", batchStops, presses("C", "1"), []run.Action{run.Call{Cell: run.Key{Step: "stores[tablet-3]/open", Target: "ops-1"}}}},
	{"finish the instance, while it is busy", inBatch, presses("F", "2"), []run.Action{run.FinishThenStop{After: "stores[tablet-2]"}}},
	{"finish, called off", inBatch, presses("F", "esc"), nil},
	{"stop one of two", inBatch, presses("x", typed("tablet-2"), "enter"), []run.Action{run.StopNow{}}},
	{"stop the other one wants its name", inBatch, presses("down", "down", "down", "down", "x", typed("tablet-2"), "enter"), nil},
	{"stop the other one", inBatch, presses("down", "down", "down", "down", "x", typed("tablet-3"), "enter"), []run.Action{run.StopNow{}}},
	{"stop at the end taken back", stopAsked, presses("F", "0"), []run.Action{run.FinishThenStop{}}},
}

func soaked(t *testing.T) *story { return soaking(t).later(11 * time.Minute) }

// closedExcluded is a run that ended without one of its hosts.
func closedExcluded(t *testing.T) *story {
	s := batchStops(t)
	return s.then(run.InstanceExcluded{Walk: "stores", Instance: "tablet-3", Reason: "磁盘坏了, ticket 4711"}, run.RunClosed{How: run.DoneExceptions})
}

func stopAsked(t *testing.T) *story {
	return inBatch(t).then(run.StopRequested{After: "stores[tablet-2]"})
}

// A question opens by itself: what was typed before it isn't its answer.
func TestQuestionSwallowsEarlyKeys(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, stores(t), 100, 30)
	st.send(presses(typed("0.9.2"), "enter")...)
	if len(ctl.got) != 0 {
		t.Fatalf("asked for %#v", ctl.got)
	}
	st.now = st.now.Add(gate.Grace)
	st.send(presses(typed("0.9.3"), "enter")...)
	if len(ctl.got) != 1 || ctl.got[0] != (run.Reply{Value: "0.9.3"}) {
		t.Errorf("asked for %#v", ctl.got)
	}
}

// The soak is counted down once a second, by the clock alone, and Go applies
// when it is over.
func TestSoakIsCountedDown(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, soaking(t), 100, 30)
	st.ticking = false
	if cmd := st.tick(); cmd == nil {
		t.Fatal("nothing moves the clock while it soaks")
	}
	for _, want := range []string{"9m50s", "9m40s"} {
		st.now = st.now.Add(10 * time.Second)
		st.Update(tickMsg{st.pulse})
		st.ticking = true
		if got := st.text(); !strings.Contains(got, "It has to soak for "+want) {
			t.Fatalf("doesn't say %s:\n%s", want, got)
		}
	}
	st.now = st.now.Add(10 * time.Minute)
	st.Update(tickMsg{st.pulse})
	if st.ticking {
		t.Error("the clock is moved though nothing goes on")
	}
	st.send(presses("g")...)
	if len(ctl.got) != 1 || ctl.got[0] != (run.Go{}) {
		t.Errorf("asked for %#v", ctl.got)
	}
}

// What a rollback runs has to have been on the screen before it is asked for.
func TestUndoIsReadFirst(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, undoing(t), 80, 18)
	st.now = st.now.Add(gate.Grace)
	st.send(presses("y", "down", "enter")...)
	if len(ctl.got) != 0 || !strings.Contains(st.text(), "read on to the end first") {
		t.Fatalf("asked for %#v\n%s", ctl.got, st.text())
	}
	st.send(presses("pgdown", "pgdown", "pgdown", "pgdown", "pgdown", "pgdown", "y")...)
	if len(ctl.got) != 1 || ctl.got[0] != (run.Go{}) {
		t.Errorf("asked for %#v\n%s", ctl.got, st.text())
	}
}

// One answer is for all that a gate shows, and names the gate that leads.
func TestGroupGate(t *testing.T) {
	t.Parallel()
	st, ctl := atGate(t, atGroupGate(t), 80, 24)
	st.now = st.now.Add(gate.Grace)
	st.send(presses(typed("tablet-1"), "enter")...) // not read yet
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "" {
		t.Fatalf("unread: %+v", got)
	}
	st, ctl = atGate(t, atGroupGate(t), 80, 24)
	st.now = st.now.Add(gate.Grace)
	st.send(presses("pgdown", "pgdown", "pgdown", typed("tablet-1"), "enter")...)
	if got := answers(ctl); len(got) != 1 || got[0].Typed != "tablet-1" || got[0].Gate != "g-tablet-1" {
		t.Errorf("answers %+v\n%s", got, st.text())
	}
}
