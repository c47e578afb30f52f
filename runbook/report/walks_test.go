package report_test

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

const token = "hunter2-token"

func walksPlan(t *testing.T) *plan.Plan {
	t.Helper()
	read := func(name string) ([]byte, error) { return os.ReadFile("testdata/" + name) }
	src, err := read("walks.md")
	if err != nil {
		t.Fatal(err)
	}
	book, ds := runbook.Parse("walks.md", src, read)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	hosts, err := read("hosts.toml")
	if err != nil {
		t.Fatal(err)
	}
	inv, ds := inventory.Parse("hosts.toml", hosts)
	if inv == nil {
		t.Fatal(ds)
	}
	values, missing, errs := plan.Bind(book, map[string]string{"token": token})
	if missing != nil || errs != nil {
		t.Fatal(missing, errs)
	}
	p, ds := plan.New(book, values, inv)
	if p == nil {
		t.Fatal(ds)
	}
	return p
}

// walks tells a run that walks in batches behind a canary: a poll of a database,
// an answer, a gate for two hosts, a host that is moved and one that is taken
// out, a queue of rollbacks, a called step.
func walks(t *testing.T) *story {
	t.Helper()
	s := &story{
		t: t, p: walksPlan(t), now: time.Date(2026, 11, 21, 3, 14, 0, 0, time.UTC), actor: "wang",
		out: map[string][2]string{}, left: map[string]int64{},
	}
	s.event(run.RunStarted{
		Title: s.p.Title, Runbook: "walks.md", Dir: "/srv/runbooks", Source: "s", Inventory: "i", InventoryFile: "hosts.toml",
		Values: s.p.Values.Given(), Secrets: []string{"token"}, Digest: s.p.Digest, Closure: "c105", Version: "0.2.0",
	})
	s.lease("ops@bastion-1, pid 4711")
	s.event(run.Asked{Cell: run.Key{Step: "version"}, Name: "to_version", Value: "0.9.3"})
	s.polled()
	leader := s.cell("leader", "local")
	s.ends(leader, s.send(leader, run.RoleCommand, "", "zone\taffected\nzone1\t\\N\n", ""), 0)
	s.passes(leader, run.After)
	s.check(s.cell("part/port", "local"), run.Before, run.CheckResult{Where: "local", Verdict: checks.Pass, Ran: true, Tries: 1, TookMS: 3, Stdout: "127.0.0.1:22 open\n"})
	s.store("tablet-1", 0)
	s.opens("tablet-1")
	s.now = s.now.Add(15 * time.Minute)
	s.event(run.BatchEntered{Walk: "stores", Hosts: []string{"tablet-2", "tablet-3"}})
	s.together("tablet-2", "tablet-3")
	for i, h := range []string{"tablet-2", "tablet-3"} {
		c := s.cell("stores["+h+"]/start", h)
		s.ends(c, s.send(c, run.RoleCommand, "", "", ""), i*3)
	}
	s.opens("tablet-2")
	s.event(run.StopRequested{After: "stores"})
	s.event(run.Called{Cell: run.Key{Step: "stores[tablet-3]/open", Target: "ops-1"}})
	s.opens("tablet-3")
	start := s.cell("stores[tablet-3]/start", "tablet-3")
	s.event(run.RollbackPlanned{Scope: run.RollbackInstance, Cells: []run.Key{start.Key}})
	s.event(run.RollbackRequested{Cell: start.Key})
	s.ends(start, s.send(start, run.RoleRollback, "", "", ""), 0)
	s.event(run.InstanceExcluded{Walk: "stores", Instance: "tablet-3", Reason: "磁盘坏了 *disk*"})
	s.event(run.RunClosed{How: run.DoneExceptions})
	return s
}

// polled is a check of a database that held at its third try.
func (s *story) polled() {
	c := s.cell("zones", "local")
	g := text.Grid{Columns: []string{"zone", "status"}, Rows: [][]text.Cell{{{Text: "zone1"}, {Text: "ACTIVE"}}, {{Text: "第二区"}, {Text: "ACTIVE"}}}}
	row := func(v checks.Verdict, saw string) []checks.Row {
		return []checks.Row{{Text: `all(rows, .status == "ACTIVE")`, Verdict: v, Saw: saw}}
	}
	s.check(c, run.Before, run.CheckResult{
		Where: "local", Verdict: checks.Pass, Ran: true, Tries: 3, TookMS: 4100, Stdout: g.String(), Rows: row(checks.Pass, "2 of 2"),
		Tried: []run.Try{
			{No: 1, Verdict: checks.Fail, Rows: row(checks.Fail, "1 of 2")},
			{No: 2, AtMS: 2000, Verdict: checks.Unknown, Cause: "no answer within 30s"},
			{No: 3, AtMS: 4000, Verdict: checks.Pass, Rows: row(checks.Pass, "2 of 2")},
		},
	})
}

func (s *story) passes(c *run.Cell, p run.Phase) {
	s.check(c, p, run.CheckResult{Where: c.Key.Target, Verdict: checks.Pass, Ran: true, Tries: 1, TookMS: 20})
}

// store takes a host through its gate and both commands.
func (s *story) store(host string, exit int) {
	stop := s.cell("stores["+host+"]/stop", host)
	s.passes(stop, run.Before)
	s.ends(stop, s.send(stop, run.RoleCommand, s.gate(stop, ""), "", ""), 0)
	s.passes(stop, run.After)
	start := s.cell("stores["+host+"]/start", host)
	s.ends(start, s.send(start, run.RoleCommand, "", "", ""), exit)
}

func (s *story) opens(host string) {
	c := s.cell("stores["+host+"]/open", "ops-1")
	s.ends(c, s.send(c, run.RoleCommand, "", "", ""), 0)
}

// together opens one gate for two hosts.
func (s *story) together(hosts ...string) {
	leader, phrase := "", ""
	var shown []run.GateShown
	for _, h := range hosts {
		c := s.cell("stores["+h+"]/stop", h)
		s.passes(c, run.Before)
	}
	for _, h := range hosts {
		c := s.cell("stores["+h+"]/stop", h)
		d, err := s.r.Dispatch(c, run.RoleCommand)
		if err != nil {
			s.t.Fatal(err)
		}
		if phrase == "" {
			phrase = s.r.Phrase(c)
		}
		g := run.GateShown{Cell: c.Key, Gate: "gate-" + h, Binding: run.Binding(s.r, c.Key, &d, identity(1)), Phrase: phrase, Leader: leader, Dispatch: &d}
		if leader == "" {
			leader = g.Gate
		}
		s.event(g)
		shown = append(shown, g)
	}
	for _, g := range shown {
		s.event(run.GateGranted{Cell: g.Cell, Gate: g.Gate, Binding: g.Binding, Typed: phrase, Expires: s.now.Add(5 * time.Minute)})
		c := s.r.Cell(g.Cell)
		s.ends(c, s.send(c, run.RoleCommand, g.Gate, "", ""), 0)
		s.passes(c, run.After)
	}
}

func TestWalksGolden(t *testing.T) {
	t.Parallel()
	s := walks(t)
	md := written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) })
	golden(t, "walks-transcript.md", md)
	js := written(t, func(w io.Writer) error { return report.JSON(w, s.transcript()) })
	for _, out := range []string{string(md), string(js)} {
		if strings.Contains(out, token) {
			t.Error("a secret is in the transcript")
		}
	}
	var o struct {
		Secrets  []string
		Batches  map[string][][]string
		Excluded map[string]map[string]string
		Cells    []struct{ Step, Status, Instance string }
	}
	if err := json.Unmarshal(js, &o); err != nil {
		t.Fatal(err)
	}
	if len(o.Secrets) != 1 || len(o.Batches["stores"]) != 2 || o.Excluded["stores"]["tablet-3"] == "" {
		t.Errorf("secrets %v, batches %v, excluded %v", o.Secrets, o.Batches, o.Excluded)
	}
	for _, c := range o.Cells {
		if c.Step == "stores[tablet-3]/start" && (c.Status != "excluded" || c.Instance != "tablet-3") {
			t.Errorf("cell %+v", c)
		}
	}
}

// Where the run waits for more than its next step, show says for what.
func TestShowOfWaits(t *testing.T) {
	t.Parallel()
	s := walks(t)
	want := map[string]bool{
		"a person answers its question": false, "the canary is through; a person says": false,
		"a person looks at its rollback before it runs; 1 rollback to go": false, "it pauses once stores is finished": false,
		"to undo": false,
	}
	for n := 1; n <= len(s.records); n++ {
		r, err := run.Fold(s.p, s.records[:n])
		if err != nil {
			t.Fatal(err)
		}
		got := string(written(t, func(w io.Writer) error { return report.Show(w, r) }))
		for line := range want {
			want[line] = want[line] || strings.Contains(got, line)
		}
	}
	for line, seen := range want {
		if !seen {
			t.Errorf("show never says %q", line)
		}
	}
}
