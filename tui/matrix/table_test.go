package matrix

import (
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

const twice = `+++
[groups.server]
vars = ["zone"]
+++
# 升级

- [ ] Log in {#login}

## 可用区 {#zones each="zone of server"}

- [ ] Away with {{zone}} {#away}

  ` + "```sh {on=local}\n  away\n  ```" + `

### Down {#down each=zone batch=2}

- [ ] Stop {#stop}

  ` + "```sh\n  stop\n  ```" + `

### Up {#up each=zone}

- [ ] Start {#start}

  ` + "```sh\n  start\n  ```" + `

### Back {#back}

- [ ] All of {{zone}} {#all}

  ` + "```sh {on=zone}\n  back\n  ```" + `
`

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// begin begins a run of a runbook on servers in zones.
func begin(t *testing.T, book string, zones map[string]string, hosts ...string) *run.Run {
	t.Helper()
	b, ds := runbook.Parse("book.md", []byte(book), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	inv := &inventory.Inventory{Groups: []inventory.Group{{Name: "server", Hosts: hosts}}}
	for _, h := range hosts {
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: h, SSH: h, Vars: map[string]string{"zone": zones[h]}})
	}
	p, ds := plan.New(b, nil, inv)
	if p == nil {
		t.Fatal(ds)
	}
	return then(t, p, nil, run.RunStarted{Title: p.Title}, run.LeaseTaken{Holder: "li"})
}

func then(t *testing.T, p *plan.Plan, r *run.Run, events ...run.Event) *run.Run {
	t.Helper()
	for _, e := range events {
		var seq uint64
		if r != nil {
			seq = r.Seq
		}
		next, err := run.Apply(p, r, run.Record{RunID: "7k2m", Seq: seq + 1, Epoch: 1, Wall: noon.Add(time.Duration(seq) * time.Second), Actor: "li", Event: e})
		if err != nil {
			t.Fatal(err)
		}
		r = next
	}
	return r
}

// Two walks inside one instance share the rows of their hosts; a step at several
// places says how many of them are done; what isn't repeated isn't in it.
func TestTable(t *testing.T) {
	t.Parallel()
	r := begin(t, twice, map[string]string{"上海-1": "上海", "上海-2": "上海", "db-1": "北京"}, "上海-1", "上海-2", "db-1")
	r = then(t, r.Plan, r,
		run.ManualDone{Cell: run.Key{Step: "login"}},
		run.BatchEntered{Walk: "zones", Hosts: []string{"上海"}},
		run.CellSkipped{Cell: run.Key{Step: "zones[上海]/away", Target: plan.Local}, Reason: "no traffic"},
		run.BatchEntered{Walk: "zones[上海]/down", Hosts: []string{"上海-1", "上海-2"}},
		run.InstanceExcluded{Walk: "zones[上海]/down", Instance: "上海-2", Reason: "坏盘"},
	)
	c := r.Cell(run.Key{Step: "zones[上海]/down[上海-1]/stop", Target: "上海-1"})
	s := &run.Snapshot{Run: r, Current: c.Key, Wait: run.WaitGo}
	var b strings.Builder
	if err := Table(&b, s, noon); err != nil {
		t.Fatal(err)
	}
	want := `2 可用区: 0 of 2 through
  上海, batch 1 of 1: 上海-1, 上海-2
  上海, 1 failure, none is allowed
  上海, 1 taken out
  2.1 Away with …
  2.2.1 Stop
  2.3.1 Start
  2.4.1 All of …

            2.1      2.2.1  2.3.1  2.4.1
  上海      skipped                0/2
    上海-1           next   -             batch 1 of 1
    上海-2           out    -             out: 坏盘
  北京      -                      -
    db-1             -      -
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// A run that is the same everywhere has no matrix, and says so.
func TestNoTable(t *testing.T) {
	t.Parallel()
	r := begin(t, "# Plain\n\n- [ ] One {#one}\n", nil)
	var b strings.Builder
	if err := Table(&b, &run.Snapshot{Run: r}, noon); err != nil || !strings.HasPrefix(b.String(), "No step of this run runs at several places") {
		t.Errorf("%q, %v", b.String(), err)
	}
	var v View
	v.Set(&run.Snapshot{Run: r})
	v.Move(1, 1)
	v.Turn(1)
	v.Click(3, 3)
	if _, ok := v.Selected(); ok || !v.Empty() {
		t.Error("there is something to select")
	}
}

// The cursor stays with its host when another one is moved to the end.
func TestTheCursorStaysWithItsHost(t *testing.T) {
	t.Parallel()
	book := "+++\n[groups.server]\n+++\n## Walk {#w each=server}\n\n- [ ] One {#one}\n- [ ] Two {#two}\n"
	r := begin(t, book, nil, "a", "b", "c")
	r = then(t, r.Plan, r, run.BatchEntered{Walk: "w", Hosts: []string{"a"}})
	var v View
	v.Set(&run.Snapshot{Run: r, Current: run.Key{Step: "w[a]/one"}})
	v.Move(2, 1)
	if k, _ := v.Selected(); k.Step != "w[c]/two" {
		t.Fatalf("the cursor is at %s", k)
	}
	r = then(t, r.Plan, r, run.WalkOrdered{Walk: "w", Hosts: []string{"b", "c", "a"}, Why: "its disk"})
	v.Set(&run.Snapshot{Run: r, Current: run.Key{Step: "w[b]/one"}})
	if k, _ := v.Selected(); k.Step != "w[c]/two" {
		t.Errorf("the cursor has gone to %s", k)
	}
}
