package plain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

const stores = `+++
title = "补丁"
confirm = "really"
[groups.tablet]
min = 3
+++
# Book

- [ ] Which version? {#version ask=to choices="1,2"}
- [ ] Fetch {#fetch .irreversible}

  ` + "```sh {.check on=tablet}\n  true\n  ```\n  ```sh {on=tablet}\n  fetch \"$endpoint\"\n  ```\n  ```sh {.check on=tablet}\n  true\n  ```" + `

## Stores {#stores each=tablet batch=2 canary=1 soak=10m}

- [ ] Stop {#stop}

  ` + "```sh\n  stop\n  ```\n  ```sh {.rollback}\n  undo stop \"$endpoint\"\n  ```" + `
- [ ] Start {#start}

  ` + "```sh\n  start\n  ```\n  ```sh {.rollback}\n  undo start\n  ```" + `
- [ ] Open {#open .always}

  ` + "```sh\n  open\n  ```" + `
`

// stage is a run of several hosts without an engine: what is asked for happens
// at once. The start of tablet-2 fails.
type stage struct {
	*world
	soaked bool // its clock is behind the soak
}

func newStage(t *testing.T) *stage {
	t.Helper()
	b, ds := runbook.Parse("book.md", []byte(stores), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	inv := &inventory.Inventory{Groups: []inventory.Group{{Name: "tablet", Hosts: []string{"tablet-1", "tablet-2", "tablet-3"}}}}
	for _, h := range inv.Groups[0].Hosts {
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: h, SSH: "db@" + h + ":22", Vars: map[string]string{"endpoint": h + ":9520"}})
	}
	p, ds := plan.New(b, nil, inv)
	if p == nil {
		t.Fatal(ds)
	}
	s := &stage{world: &world{t: t, plan: p, at: time.Date(2026, 3, 14, 22, 0, 0, 0, time.UTC), changes: make(chan struct{}, 1)}}
	s.then(run.RunStarted{Title: p.Title})
	return s
}

func (s *stage) Snapshot() *run.Snapshot {
	for {
		d, ok := run.Next(s.run).(run.Enter)
		if !ok {
			break
		}
		s.then(run.BatchEntered{Walk: d.Walk.ID, Hosts: d.Keys})
	}
	snap := &run.Snapshot{Run: s.run, At: s.at, Stop: s.run.Stop}
	switch d := run.Next(s.run).(type) {
	case run.Ask:
		if d.Wait == run.WaitBatch && s.soaked {
			snap.At = d.Soak.Add(time.Second)
		}
		snap.Current, snap.Wait, snap.Seq, snap.Soak = d.Cell.Key, d.Wait, d.Cell.Seq, d.Soak
		snap.Finish = s.run.Finishable(d.Cell)
		for _, c := range d.With {
			snap.With = append(snap.With, c.Key)
		}
		for _, c := range s.run.Callable() {
			snap.Always = append(snap.Always, c.Key)
		}
		snap.Actions = s.run.Offers(d, false, snap.At)
	case run.Over:
		snap.Wait = run.WaitClosed
	default:
		s.t.Fatalf("the run stands at %T", d)
	}
	return snap
}

func (s *stage) Do(_ context.Context, k run.Key, _ uint64, a run.Action) error {
	s.got = append(s.got, a)
	ask, _ := run.Next(s.run).(run.Ask)
	c := s.run.Cell(k)
	switch a := a.(type) {
	case run.Reply:
		s.then(run.Asked{Cell: k, Name: "to", Value: a.Value})
	case run.Go:
		switch ask.Wait {
		case run.WaitBatch:
			s.at = ask.Soak
			s.then(run.BatchEntered{Walk: ask.Walk.ID, Hosts: ask.Keys})
		case run.WaitUndo:
			s.then(run.RollbackRequested{Cell: k})
			s.sends(c, run.RoleRollback, "")
		default:
			s.goes(ask)
		}
	case run.Answer:
		for _, c := range ask.Cells() {
			s.then(run.GateGranted{Cell: c.Key, Gate: c.Gate.Gate, Binding: "b", Typed: c.Gate.Phrase, Expires: s.at.Add(time.Hour)})
			s.sends(c, run.RoleCommand, c.Gate.Gate)
			s.then(run.ChecksTaken{Cell: c.Key, Phase: run.After, Checks: []run.CheckResult{{Verdict: checks.Pass, Ran: true, Tries: 1}}})
		}
	case run.RollBack:
		for _, r := range s.run.RollBacks(c) {
			if r.Scope == a.Scope {
				s.then(run.RollbackPlanned{Scope: r.Scope, Cells: r.Cells})
			}
		}
	case run.Skip:
		s.then(run.RollbackPlanned{Scope: run.RollbackInstance, Cells: s.run.Undoing[1:]})
	case run.Exclude:
		s.then(run.InstanceExcluded{Walk: "stores", Instance: "tablet-2", Reason: a.Reason})
	case run.FinishThenStop:
		s.then(run.StopRequested(a))
	case run.Call:
		s.then(run.Called(a))
	}
	if _, all := run.Next(s.run).(run.Close); all {
		s.then(run.RunClosed{How: run.DoneExceptions})
	}
	return nil
}

// goes takes the next step, at all the places that go together.
func (s *stage) goes(ask run.Ask) {
	leader := ""
	for _, c := range ask.Cells() {
		if !c.Plan.Step.Gated {
			s.sends(c, run.RoleCommand, "")
			continue
		}
		s.then(run.ChecksTaken{Cell: c.Key, Phase: run.Before, Checks: []run.CheckResult{{Where: c.Key.Target, Verdict: checks.Pass, Ran: true, Tries: 1}}})
	}
	var gates []run.Event
	for _, c := range ask.Cells() {
		if c.Plan.Step.Gated {
			d, err := s.run.Dispatch(c, run.RoleCommand)
			if err != nil {
				s.t.Fatal(err)
			}
			gates = append(gates, run.GateShown{Cell: c.Key, Gate: "g-" + c.Key.Target, Binding: "b", Phrase: "really", Leader: leader, Dispatch: &d})
			leader = "g-" + ask.Cell.Key.Target
		}
	}
	s.then(gates...)
}

func (s *stage) sends(c *run.Cell, role run.Role, gate string) {
	c = s.run.Cell(c.Key)
	d, err := s.run.Dispatch(c, role)
	if err != nil {
		s.t.Fatal(err)
	}
	no := len(c.Attempts) + 1
	id := fmt.Sprintf("%s/%d", c.Key, no)
	o := run.Outcome{Cell: c.Key, Attempt: id, Verdict: checks.Pass, Bytes: [2]int64{11, 0}}
	if role == run.RoleCommand && c.Key.Step == "stores[tablet-2]/start" {
		o.Exit, o.Verdict = 1, checks.Fail
	}
	s.then(run.Intent{Cell: c.Key, Role: role, No: no, Attempt: id, Dispatch: d, Gate: gate}, o)
}

// person types a script: =VERB is the number of that action, the rest itself. At
// its end nobody is there any more.
type person struct {
	out    *bytes.Buffer
	script []string
}

func (p *person) Flush() error { return nil }

func (p *person) ReadLine(context.Context) (string, error) {
	if len(p.script) == 0 {
		return "", io.EOF
	}
	s := p.script[0]
	p.script = p.script[1:]
	verb, ok := strings.CutPrefix(s, "=")
	if !ok {
		return s, nil
	}
	all := regexp.MustCompile(`(?m)^ +(\d+) `+regexp.QuoteMeta(verb)+`:`).FindAllStringSubmatch(p.out.String(), -1)
	if all == nil {
		return "", fmt.Errorf("%q is not offered\n%s", verb, p.out.String())
	}
	return all[len(all)-1][1], nil
}

// toCanary leads to the question behind the canary.
var toCanary = []string{"=reply", "3", "=reply", "2", "=go", "really", "=go", "=go", "=go"}

// toFailure leads to the failed start of tablet-2.
var toFailure = append(append([]string{}, toCanary...), "=go", "=go", "=go")

func TestWaits(t *testing.T) {
	t.Parallel()
	canary := []run.Action{run.Reply{Value: "2"}, run.Go{}, run.Answer{Gate: "g-tablet-1", Typed: "really"}, run.Go{}, run.Go{}, run.Go{}}
	failure := append(append([]run.Action{}, canary...), run.Go{}, run.Go{}, run.Go{})
	tests := []struct {
		name  string
		from  []string
		typed []string
		done  []run.Action
		want  []run.Action
		says  []string
	}{
		{"a question", nil, []string{"=reply", "3", "=reply", "2"}, nil, []run.Action{run.Reply{Value: "2"}}, []string{"- 1\n", "to> ", "\"3\" is not one of 1, 2\n"}},
		{"one gate for three", nil, toCanary[2:6], nil, canary[:3], []string{"at 3 places: tablet-1, tablet-2, tablet-3", "the same gate opens it at 2 places more", "endpoint=tablet-3:9520"}},
		{"behind a canary", toCanary, nil, canary, nil, []string{"tablet-1\n", "done 3.1 Stop", "next: tablet-2, tablet-3"}},
		{"how far", toFailure, []string{"=roll back", "2"}, failure, []run.Action{run.RollBack{Scope: run.RollbackInstance}}, []string{"how far> ", "2 to be rolled back", "    $ undo start", "then: 3.1 Stop – tablet-2"}},
		{"none of them", toFailure, []string{"=roll back", "7"}, failure, nil, []string{"that is none of them"}},
		{"an undo is confirmed", toFailure, []string{"=roll back", "2", "=go", "n", "=go", "y"}, failure, []run.Action{run.RollBack{Scope: run.RollbackInstance}, run.Go{}}, []string{"undo stop", "type y to roll back> "}},
		{"an undo is left", toFailure, []string{"=roll back", "2", "=skip"}, failure, []run.Action{run.RollBack{Scope: run.RollbackInstance}, run.Skip{Reason: "left as it is"}}, nil},
		{"excluded", toFailure, []string{"=exclude", "", "=exclude", "盘坏了"}, failure, []run.Action{run.Exclude{Reason: "盘坏了"}}, []string{"nothing typed", "excluded"}},
		{"finish, then stop", toFailure, []string{"=finish, then stop", "2"}, failure, []run.Action{run.FinishThenStop{After: "stores[tablet-2]"}}, []string{"1 this step 3.2 Start", "2 tablet-2 of 3 Stores"}},
		{"called", toFailure, []string{"=call", "1"}, failure, []run.Action{run.Call{Cell: run.Key{Step: "stores[tablet-2]/open", Target: "tablet-2"}}}, []string{"which> "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.soaked = true
			var out bytes.Buffer
			in := &person{out: &out, script: append(append([]string{}, tt.from...), tt.typed...)}
			if _, err := Run(t.Context(), s, s, in, Options{Out: &out, Err: io.Discard}); err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if want := append(append([]run.Action{}, tt.done...), tt.want...); !reflect.DeepEqual(s.got, want) {
				t.Errorf("asked for %#v\nwant %#v\n%s", s.got, want, out.String())
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("doesn't say %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// What an unattended run can't decide ends it, and says what it waits for.
func TestAutoWaits(t *testing.T) {
	t.Parallel()
	all := Grants{Step: func(string) bool { return true }, Argv: "stepgate run --approve '*'", Manual: "lab"}
	tests := []struct {
		name   string
		before []string // what a person has typed
		line   string
		why    string
	}{
		{"a question", nil, "waiting: ask version - – do: stepgate resume 7k2m\n", "Which version?"},
		{"behind a canary", toCanary, "waiting: batch stores[tablet-2]/stop tablet-2 – do: stepgate resume 7k2m\n", "soaks until 2026-03-14T22:"},
		{"a rollback", append(append([]string{}, toFailure...), "=roll back", "2"), "waiting: undo stores[tablet-2]/start tablet-2 – do: stepgate resume 7k2m\n", "a person looks at each rollback"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.soaked = true
			var out, errs bytes.Buffer
			if _, err := Run(t.Context(), s, s, &person{out: &out, script: tt.before}, Options{Out: &out, Err: io.Discard}); err != nil {
				t.Fatal(err)
			}
			s.soaked, s.got = false, nil
			res, err := Auto(t.Context(), s, s, Options{Out: &out, Err: &errs, Resume: "stepgate resume 7k2m"}, all)
			if err != nil {
				t.Fatal(err)
			}
			if errs.String() != tt.line || res.Waiting == nil || !strings.Contains(res.Waiting.Why, tt.why) || len(s.got) != 0 {
				t.Errorf("stderr %q, want %q; %+v; asked for %v", errs.String(), tt.line, res.Waiting, s.got)
			}
		})
	}
}
