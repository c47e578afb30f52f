package tui

import (
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/run"
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
	plain := strings.NewReplacer(" ask=to_version choices=\"0.9.2,0.9.3\"", "", "sql {.check db=meta}", "sh {.check}", "len(rows)", "len(lines)",
		" parallel=2", "", " batch=2 canary=1 soak=10m max_failures=1", "", " .always", "").Replace(patchBook)
	a := strings.Index(plain, "[connections")
	plain = plain[:a] + plain[strings.Index(plain, "+++\n#"):]
	return dressed(t, plain, map[string]string{"ops_dir": "/opt/ops"}, func(b *runbook.Runbook) {
		top := b.Root.Items[0].(*runbook.Section)
		prepare, stores := top.Items[0].(*runbook.Section), top.Items[1].(*runbook.Section)
		ask, zones, fetch := prepare.Items[0].(*runbook.Step), prepare.Items[1].(*runbook.Step), prepare.Items[2].(*runbook.Step)
		ask.Kind = runbook.Ask
		ask.Question = &runbook.Question{Param: runbook.Param{Name: "to_version", Type: "choice", Choices: []string{"0.9.2", "0.9.3"}, Required: true}}
		zones.Before[0].Form = runbook.SQL
		zones.Before[0].Connection = &runbook.Connection{Name: "meta", Driver: "mysql", Host: "10.0.0.1", Port: "2881", User: "root", Database: "meta", Via: "ops"}
		fetch.Command.Parallel = 2
		stores.Each.Batch, stores.Each.Canary, stores.Each.Soak, stores.Each.MaxFailures = 2, 1, 10*time.Minute, 1
		stores.Items[2].(*runbook.Step).Always = true
	})
}

// asked is answered with a version.
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
	{"soaked", func(t *testing.T) *story { return soaking(t).later(11 * time.Minute) }, nil},
	{"batch", inBatch, nil},
	{"batch-failed", batchFails, nil},
	{"batch-stopped", batchStops, nil},
	{"excluded", excluded, press("t")},
	{"undo", undoing, nil},
	{"undo-scope", undoScope, press("b")},
	{"finish", inBatch, press("F")},
	{"always", batchStops, press("C")},
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
