package tui

import (
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// epoch is when every story begins.
var epoch = time.Date(2026, 3, 14, 22, 0, 0, 0, time.UTC)

const tabletsBook = `+++
title   = "OpenMLDB: upgrade the tablets"
confirm = "{{host}}"
[params.cluster]
[params.ops_dir]
[groups.ops]
max = 1
[groups.tablet]
vars = ["endpoint", "home"]
min  = 2
[prelude]
sh = '''
ops() { cd "$ops_dir"; python tools/openmldb_ops.py "--cmd=$@"; }
'''
+++
# Upgrade

## Preflight

- [ ] All components are online {#components}

  ` + "```sh {.check on=ops}\n  echo 'show components;' | ./bin/openmldb --interactive=false\n  ```\n  ```expect\n  len(lines) >= 2  // components listed\n  ```" + `
- [ ] Tell the channel that the change begins {#tell}

  Post in #db-changes: *upgrade of {{cluster}} begins*.

## Tablets {each=tablet cwd="{{home}}"}

- [ ] Move the leaders off {{host}} {#pre .idempotent}

  The leaders of all partitions on **{{host}}** go to other tablets. Clients notice a pause of up to 2 s.

  > [!WARNING]
  > On a busy cluster this takes minutes; don't interrupt it.

  ` + "```sh {on=ops timeout=20m}\n  ops pre-upgrade --endpoints=\"$endpoint\"\n  ```\n  ```expect\n  none(errors, # startsWith \"ERROR:\")\n  ```" + `
- [ ] Stop the tablet {#stop}

  > [!CAUTION]
  > Clients of {{host}} are cut off now. Go on only if it holds no leader any more.

  ` + "```sh {.check on=ops}\n  ops gettablestatus --endpoint=\"$endpoint\"\n  ```\n  ```expect\n  not (stdout contains \"kTableLeader\")  // no leader left\n  ```\n  ```sh\n  bash bin/start.sh stop tablet\n  ```\n  ```sh {.rollback}\n  bash bin/start.sh start tablet\n  ```\n  ```sh {.check until=60s every=2s}\n  ss -Hltn \"sport = :${endpoint##*:}\"\n  ```\n  ```expect\n  len(lines) == 0  // port closed\n  ```" + `
- [ ] Replace the binaries {#replace .irreversible}

  ` + "```sh {.check}\n  test -d \"$home\"\n  ```\n  ```sh\n  mv bin bin.old\n  cp -r /opt/new/bin bin\n  ```\n  ```sh {.check}\n  test -x bin/openmldb\n  ```" + `
`

const chineseBook = `+++
title   = "数据库集群滚动升级：所有计算节点逐个替换"
confirm = "{{host}}"
[groups.tablet]
min  = 2
+++
# 升级

## 节点 {each=tablet}

- [ ] 把 {{host}} 上的主副本迁移到其他节点 {#pre .idempotent}

  把**主副本**迁走之前请确认集群里没有正在进行的副本迁移任务，否则迁移会排队等待，可能需要几分钟甚至更久。操作期间客户端会感觉到短暂的停顿。

  > [!WARNING]
  > 业务高峰期不要执行；如果迁移超过二十分钟，请联系值班工程师。

  ` + "```sh\n  echo '开始迁移' \"$host\"\n  ```" + `
- [ ] 停止节点进程 {#stop .irreversible}

  > [!CAUTION]
  > {{host}} 的客户端连接会立刻断开。只有在它已经没有任何主副本时才能继续。

  ` + "```sh {.check}\n  echo 没有主副本\n  ```\n  ```expect\n  stdout contains \"没有\"  // 没有剩余的主副本\n  ```\n  ```sh\n  bash bin/start.sh stop tablet\n  ```\n  ```sh {.check}\n  echo 端口已关闭\n  ```" + `
`

// story is a run told by its events, and what is going on in it.
type story struct {
	t       testing.TB
	plan    *plan.Plan
	run     *run.Run
	told    []run.Record // its events
	at      time.Time
	busy    *run.Activity
	beside  []run.Activity
	hosts   map[string]run.HostState
	say     string
	prompt  *run.Prompt
	usual   map[string]time.Duration
	until   time.Time
	keeping []run.Keeping
	lost    string // why nothing can be journaled
	taker   string // who drives the run instead
}

func tell(t testing.TB, book string, given map[string]string) *story {
	t.Helper()
	b, ds := runbook.Parse("book.md", []byte(book), nil)
	if runbook.Failed(ds) {
		t.Fatalf("the story's runbook: %v", ds)
	}
	vs, missing, errs := plan.Bind(b, given)
	if len(missing) > 0 || len(errs) > 0 {
		t.Fatalf("bind: missing %v, %v", missing, errs)
	}
	inv := &inventory.Inventory{Groups: []inventory.Group{
		{Name: "ops", Hosts: []string{"ops-1"}},
		{Name: "tablet", Hosts: []string{"tablet-1", "tablet-2", "tablet-3"}},
	}}
	inv.Hosts = append(inv.Hosts, inventory.Host{Name: "ops-1", SSH: "ops@10.0.0.1:22"})
	for _, h := range inv.Groups[1].Hosts {
		inv.Hosts = append(inv.Hosts, inventory.Host{
			Name: h, SSH: "db@" + h + ":22", Vars: map[string]string{"endpoint": h + ":9520", "home": "/opt/openmldb"},
		})
	}
	p, ds := plan.New(b, vs, inv)
	if p == nil {
		t.Fatalf("plan: %v", ds)
	}
	s := &story{t: t, plan: p, at: epoch, hosts: map[string]run.HostState{}}
	s.then(run.RunStarted{Title: p.Title}, run.LeaseTaken{Holder: "li@bastion"})
	return s
}

func tablets(t *testing.T) *story {
	t.Helper()
	return tell(t, tabletsBook, map[string]string{"cluster": "prod-features", "ops_dir": "/opt/ops"})
}

// then appends events, a second apart, and what follows from them by itself.
func (s *story) then(evs ...run.Event) *story {
	s.t.Helper()
	for _, ev := range evs {
		s.at = s.at.Add(time.Second)
		s.apply(ev)
		s.follow()
	}
	return s
}

// follow appends what the engine would append without asking.
func (s *story) follow() {
	s.t.Helper()
	for {
		switch d := run.Next(s.run).(type) {
		case run.Enter:
			s.apply(run.BatchEntered{Walk: d.Walk.ID, Hosts: d.Keys})
		case run.Repeat:
			s.apply(run.Asked{Cell: d.Cell.Key, Name: d.Cell.Plan.Step.Book.Question.Param.Name, Value: d.Value, Repeated: true})
		default:
			return
		}
	}
}

func (s *story) apply(ev run.Event) {
	s.t.Helper()
	var seq uint64
	if s.run != nil {
		seq = s.run.Seq
	}
	rec := run.Record{RunID: "7k2m", Seq: seq + 1, Epoch: 1, Wall: s.at, Actor: "li", Event: ev}
	r, err := run.Apply(s.plan, s.run, rec)
	s.told = append(s.told, rec)
	if err != nil {
		s.t.Fatalf("story: %v", err)
	}
	s.run = r
}

func (s *story) snap() *run.Snapshot {
	snap := &run.Snapshot{
		Run: s.run, Busy: s.busy, Beside: s.beside, Hosts: s.hosts, Notice: s.say, At: s.at,
		Stop: s.run.Stop, Prompt: s.prompt, Usual: s.usual, Until: s.until, Keeping: s.keeping, ReadOnly: s.lost, TakenOver: s.taker,
	}
	ask := run.Ask{}
	switch d := run.Next(s.run).(type) {
	case run.Ask:
		ask = d
	case run.Follow:
		ask.Cell = d.Cell
	case run.Verify:
		ask.Cell = d.Cell
	case run.Settle:
		ask.Cell = d.Cell
	case run.Over:
		ask.Wait = run.WaitClosed
	case run.Close:
	default:
		s.t.Fatalf("story stands at %T", d)
	}
	snap.Wait, snap.Soak = ask.Wait, ask.Soak
	if c := ask.Cell; c != nil {
		snap.Current, snap.Seq = c.Key, c.Seq
		snap.Finish = s.run.Finishable(c)
		for _, o := range ask.With {
			snap.With = append(snap.With, o.Key)
		}
		for _, o := range s.run.Callable() {
			snap.Always = append(snap.Always, o.Key)
		}
	}
	if s.busy != nil {
		snap.Wait = run.WaitNothing
		ask.Wait = run.WaitNothing
	}
	snap.Actions = s.run.Offers(ask, s.busy != nil, s.at)
	return snap
}

// cell finds the only cell whose path ends so.
func (s *story) cell(tail string) *run.Cell {
	s.t.Helper()
	for _, c := range s.run.Cells {
		if strings.HasSuffix(c.Key.String(), tail) {
			return c
		}
	}
	for _, c := range s.run.Cells {
		s.t.Log(c.Key)
	}
	s.t.Fatalf("no cell ends in %q", tail)
	return nil
}

func verdict(p run.Phase, k run.Key, v checks.Verdict, saw, out string) run.ChecksTaken {
	return run.ChecksTaken{Cell: k, Phase: p, Checks: []run.CheckResult{{
		Where: k.Target, Verdict: v, Ran: true, Tries: 1, TookMS: 420, Stdout: out,
		Rows: []checks.Row{{Text: "len(lines) >= 2", Label: "as it should be", Verdict: v, Saw: saw}},
	}}}
}

// did is a command that ran to its end.
func (s *story) did(k run.Key, exit int, took time.Duration) *story {
	s.t.Helper()
	s.begin(k)
	v := checks.Pass
	if exit != 0 {
		v = checks.Fail
	}
	c := s.run.Cell(k)
	return s.then(run.Outcome{Cell: k, Attempt: c.Latest().Intent.Attempt, Exit: exit, Verdict: v, TookMS: took.Milliseconds(), Bytes: [2]int64{30, 0}})
}

func (s *story) begin(k run.Key) *story {
	s.t.Helper()
	c := s.run.Cell(k)
	d, err := s.run.Dispatch(c, run.RoleCommand)
	if err != nil {
		s.t.Fatal(err)
	}
	no := len(c.Attempts) + 1
	gate := ""
	if c.Gate != nil {
		gate = c.Gate.Gate
	}
	return s.then(run.Intent{Cell: k, Role: run.RoleCommand, No: no, Attempt: run.AttemptID("7k2m", k, no, d.Hash("m")), Dispatch: d, Gate: gate})
}

func (s *story) gate(k run.Key) *story {
	s.t.Helper()
	c := s.run.Cell(k)
	g := run.GateShown{Cell: k, Gate: "g-" + k.String(), Binding: "b", Phrase: s.run.Phrase(c), Reversible: c.Reversible()}
	if c.Plan.Step.Kind == plan.Run {
		d, err := s.run.Dispatch(c, run.RoleCommand)
		if err != nil {
			s.t.Fatal(err)
		}
		g.Dispatch = &d
	}
	return s.then(g)
}

func (s *story) grant(k run.Key) *story {
	g := s.run.Cell(k).Gate
	return s.then(run.GateGranted{Cell: k, Gate: g.Gate, Binding: g.Binding, Typed: g.Phrase, Expires: s.at.Add(time.Hour)})
}

// preflight takes the story to the first tablet.
func (s *story) preflight() *story {
	s.t.Helper()
	k := s.cell("components@ops-1").Key
	s.then(verdict(run.Before, k, checks.Pass, "len(lines): 9", "tablet-1 online\n"))
	return s.then(run.ManualDone{Cell: s.cell("preflight/tell").Key, Evidence: "posted"})
}

// atStop takes the story to the gate before the first tablet is stopped.
func (s *story) atStop() *story {
	s.t.Helper()
	s.preflight()
	s.did(s.cell("tablets[tablet-1]/pre@ops-1").Key, 0, 42*time.Second)
	k := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	s.then(verdict(run.Before, k, checks.Pass, `stdout: "kTableFollower"`, "tid 8 pid 0 kTableFollower\ntid 9 pid 1 kTableFollower\n"))
	return s.gate(k)
}

// stopFails takes the story to a command whose postcondition doesn't hold.
func (s *story) stopFails() *story {
	s.t.Helper()
	s.atStop()
	k := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	s.grant(k).did(k, 0, 3*time.Second)
	ev := verdict(run.After, k, checks.Fail, "lines: 1", "LISTEN 0 128 *:9520\n")
	ev.Checks[0].Rows[0].Label = "port closed"
	ev.Checks[0].Tries = 30
	return s.then(ev)
}
