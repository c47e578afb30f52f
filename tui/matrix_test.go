package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

const rollingBook = `+++
title   = "OpenMLDB: upgrade the tablets"
confirm = "{{host}}"
[groups.tablet]
+++
# Upgrade

## Preflight

- [ ] Disk {#disk}

  ` + "```sh {.check on=tablet}\n  df /opt\n  ```" + `
- [ ] Clock {#clock}

  ` + "```sh {.check on=tablet}\n  date\n  ```" + `

## Tablets {each=tablet batch=2 canary=1 soak=10m max_failures=1 order_by="host"}

- [ ] Move the leaders off {{host}} {#pre .idempotent}

  ` + "```sh\n  pre-upgrade\n  ```" + `
- [ ] Stop the tablet {#stop}

  > [!CAUTION]
  > Clients of {{host}} are cut off now.

  ` + "```sh\n  stop\n  ```" + `
- [ ] Replace the binaries {#replace}

  ` + "```sh\n  replace\n  ```" + `
- [ ] Start it {#start}

  ` + "```sh\n  start\n  ```\n  ```sh {.check}\n  up\n  ```" + `
`

const zonesBook = `+++
title   = "数据库集群滚动升级"
[groups.server]
vars = ["zone"]
+++
# 升级

## 可用区 {each="zone of server"}

- [ ] 停止 {{zone}} 的流量 {#away}

  ` + "```sh {on=local}\n  away\n  ```" + `

### 节点 {each=zone}

- [ ] 停止 {{host}} {#stop}

  ` + "```sh\n  stop\n  ```" + `
- [ ] 替换程序 {#replace}

  ` + "```sh\n  replace\n  ```" + `

### 流量

- [ ] 恢复 {{zone}} 的流量 {#back}

  ` + "```sh {on=local}\n  back\n  ```" + `
`

// on tells a story of a runbook on hosts, of which zones gives the variable zone.
func on(t testing.TB, book, group string, hosts []string, zones ...string) *story {
	t.Helper()
	b, ds := runbook.Parse("book.md", []byte(book), nil)
	if runbook.Failed(ds) {
		t.Fatalf("the story's runbook: %v", ds)
	}
	inv := &inventory.Inventory{Groups: []inventory.Group{{Name: group, Hosts: hosts}}}
	for i, h := range hosts {
		vars := map[string]string{}
		if i < len(zones) {
			vars["zone"] = zones[i]
		}
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: h, SSH: "db@" + h + ":22", Vars: vars})
	}
	p, ds := plan.New(b, nil, inv)
	if p == nil {
		t.Fatalf("plan: %v", ds)
	}
	s := &story{t: t, plan: p, at: epoch, hosts: map[string]run.HostState{}}
	return s.then(run.RunStarted{Title: p.Title}, run.LeaseTaken{Holder: "li@bastion"})
}

func five(t *testing.T) *story {
	t.Helper()
	s := on(t, rollingBook, "tablet", []string{"tablet-1", "tablet-2", "tablet-3", "tablet-4", "tablet-5"})
	for i, id := range []string{"disk", "clock"} {
		taken := run.ChecksTaken{Cell: s.cell("preflight/" + id).Key, Phase: run.Before}
		for j, h := range s.plan.Walks[0].Keys {
			taken.Checks = append(taken.Checks, run.CheckResult{Where: h, Verdict: checks.Pass, Ran: true, Tries: 1, TookMS: int64(100*i + 31*j + 40)})
		}
		s.then(taken)
	}
	return s.then(run.WalkOrdered{Walk: "tablets", Hosts: s.plan.Walks[0].Keys})
}

// aheadOnOne stands at a check that doesn't hold on one of its hosts.
func aheadOnOne(t *testing.T) *story {
	s := on(t, rollingBook, "tablet", []string{"tablet-1", "tablet-2", "tablet-3"})
	for i, id := range []string{"disk", "clock"} {
		taken := run.ChecksTaken{Cell: s.cell("preflight/" + id).Key, Phase: run.Before}
		for _, h := range s.plan.Walks[0].Keys {
			res := run.CheckResult{Where: h, Verdict: checks.Pass, Ran: true, Tries: 1, TookMS: 120}
			if i == 1 && h == "tablet-3" {
				res.Verdict = checks.Fail
				res.Rows = []checks.Row{{Text: "number(stdout) < 2", Label: "clocks agree", Verdict: checks.Fail, Saw: "stdout: 31"}}
			}
			taken.Checks = append(taken.Checks, res)
		}
		s.then(taken)
	}
	return s
}

// steps runs steps of an instance to their end.
func (s *story) steps(host string, ids ...string) *story {
	s.t.Helper()
	for i, id := range ids {
		k := run.Key{Step: fmt.Sprintf("tablets[%s]/%s", host, id), Target: host}
		if s.run.Cell(k).Plan.Step.Gated {
			s.gate(k).grant(k)
		}
		s.did(k, 0, time.Duration(i*17+3)*time.Second)
		if id == "start" {
			s.then(verdict(run.After, k, checks.Pass, "", ""))
		}
	}
	return s
}

func (s *story) canary() *story {
	s.t.Helper()
	return s.steps("tablet-1", "pre", "stop", "replace", "start")
}

// soaked enters the batch behind the canary.
func (s *story) soaked() *story {
	s.t.Helper()
	s.at = s.at.Add(11 * time.Minute)
	return s.then(run.BatchEntered{Walk: "tablets", Hosts: []string{"tablet-2", "tablet-3"}})
}

func midBatch(t *testing.T) *story {
	s := five(t).canary().soaked().steps("tablet-2", "pre").steps("tablet-3", "pre").steps("tablet-2", "stop")
	k := run.Key{Step: "tablets[tablet-3]/stop", Target: "tablet-3"}
	s.gate(k).grant(k).begin(k)
	s.busy = &run.Activity{Cell: k, What: "command", Since: s.at.Add(-4 * time.Second)}
	return s
}

func failedHost(t *testing.T) *story {
	s := five(t).canary().soaked().steps("tablet-2", "pre")
	return s.did(run.Key{Step: "tablets[tablet-3]/pre", Target: "tablet-3"}, 1, time.Second).
		steps("tablet-2", "stop").then(run.StopRequested{After: "tablets[tablet-2]"})
}

func takenOut(t *testing.T) *story {
	return failedHost(t).then(run.InstanceExcluded{Walk: "tablets", Instance: "tablet-3", Reason: "its disk is broken, ticket 4711"})
}

func moved(t *testing.T) *story {
	s := failedHost(t)
	return s.then(run.WalkOrdered{Walk: "tablets", Hosts: s.run.Postponed(s.plan.Walks[0], "tablet-3"), Why: "its disk is being changed"})
}

func zones(t *testing.T) *story {
	s := on(t, zonesBook, "server", []string{"上海-1", "上海-2", "北京-1"}, "上海", "上海", "北京")
	s.did(s.cell("[上海]/away@local").Key, 0, 3*time.Second)
	s.did(s.cell("[上海-1]/stop@上海-1").Key, 0, 12*time.Second)
	k := s.cell("[上海-1]/replace@上海-1").Key
	s.begin(k)
	s.busy = &run.Activity{Cell: k, What: "command", Since: s.at.Add(-4 * time.Second)}
	return s
}

func wide(t *testing.T) *story {
	var hosts []string
	for i := range 60 {
		hosts = append(hosts, fmt.Sprintf("db-%02d", i+1))
	}
	var b strings.Builder
	b.WriteString("+++\n[groups.db]\n+++\n# Wide\n\n## Databases {each=db batch=8}\n")
	for i := range 40 {
		fmt.Fprintf(&b, "\n- [ ] Step number %d {#s%d}\n\n  ```sh\n  s\n  ```\n", i+1, i+1)
	}
	return on(t, b.String(), "db", hosts)
}

// matrixFrames are the screens of hosts by steps.
var matrixFrames = []shot{
	{"matrix-batch", midBatch, press("m")},
	{"matrix-failed", failedHost, press("esc", "m")},
	{"matrix-out", takenOut, press("m")},
	{"matrix-moved", moved, press("m")},
	{"matrix-soak", func(t *testing.T) *story { return five(t).canary() }, press("esc", "m")},
	{"matrix-section", aheadOnOne, press("esc", "m", "down", "down", "right")},
	{"matrix-zones", zones, press("m")},
	{"matrix-wide", wide, press("m", "G", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right", "right")},
}

// From the matrix a cell is looked at on the run screen, and nothing is acted on.
func TestMatrixLeadsToACell(t *testing.T) {
	t.Parallel()
	st := pose(midBatch(t), 120, 40, press("m", "down", "right", "right")...)
	if got := st.text(); !strings.Contains(got, "2.4 Start it") || !strings.Contains(got, "not yet") {
		t.Errorf("what the cursor is on isn't told:\n%s", got)
	}
	for _, m := range press("enter") {
		st.Update(m)
	}
	row, _ := st.tree.Selected()
	if st.top() != nil || row.Key.String() != "tablets[tablet-4]/start@tablet-4" {
		t.Errorf("enter leads to %s, dialog %T", row.Key, st.top())
	}
}

// The failure dialog leads to the matrix, and that to another host; the remedies step
// aside.
func TestMatrixFromAFailure(t *testing.T) {
	t.Parallel()
	st := pose(tablets(t).stopFails(), 120, 40, press("m", "down", "enter")...)
	if row, _ := st.tree.Selected(); st.top() != nil || row.Key.String() != "tablets[tablet-2]/stop@tablet-2" {
		t.Errorf("it leads to %s, dialog %T", row.Key, st.top())
	}
	st.Update(stroke("d"))
	if _, ok := st.top().(*stopDialog); !ok {
		t.Errorf("the remedies don't come back: %T", st.top())
	}
}

// A click puts the cursor on what was clicked; the wheel moves it.
func TestMatrixMouse(t *testing.T) {
	t.Parallel()
	st := pose(midBatch(t), 120, 40, press("m")...)
	y := 0
	for i, l := range strings.Split(st.text(), "\n") {
		if strings.Contains(l, "tablet-5") {
			y = i
		}
	}
	x := strings.Index(strings.Split(st.text(), "\n")[y-1], "◆")
	st.Update(tea.MouseClickMsg{X: 60, Y: y, Button: tea.MouseLeft})
	d, ok := st.top().(*matrixPage)
	if !ok || x < 0 {
		t.Fatalf("the top is %T, a gate at %d", st.top(), x)
	}
	if k, _ := d.v.Selected(); !strings.HasPrefix(k.Step, "tablets[tablet-5]/") || k.Step == "tablets[tablet-5]/pre" {
		t.Errorf("the click selected %s", k)
	}
	st.Update(tea.MouseWheelMsg{X: 60, Y: y, Button: tea.MouseWheelUp})
	if k, _ := d.v.Selected(); !strings.HasPrefix(k.Step, "tablets[tablet-2]/") {
		t.Errorf("the wheel led to %s", k)
	}
}

// Without hosts there is nothing to make a matrix of, and the screen says so.
func TestNoMatrix(t *testing.T) {
	t.Parallel()
	s := on(t, "# Plain\n\n- [ ] One\n\n  ```sh\n  one\n  ```\n- [ ] Two\n", "none", nil)
	st := pose(s, 80, 24, press("m")...)
	if st.top() != nil || !strings.Contains(st.text(), "no matrix: no step of this run runs at several places") {
		t.Errorf("got:\n%s", st.text())
	}
}

// "Finish this host, then stop" is asked for from the matrix.
func TestFinishFromTheMatrix(t *testing.T) {
	t.Parallel()
	st := pose(failedHost(t), 120, 40, press("esc", "m", "F")...)
	if got := st.text(); !strings.Contains(got, "tablet-2") {
		t.Errorf("got:\n%s", got)
	}
	if _, ok := st.top().(*choiceDialog); !ok {
		t.Errorf("the top is %T", st.top())
	}
}
