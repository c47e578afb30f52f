package report_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// story is a run made of events, folded as they come.
type story struct {
	t       *testing.T
	p       *plan.Plan
	r       *run.Run
	records []run.Record
	now     time.Time
	actor   string
	epoch   uint64
	gates   int
	out     map[string][2]string // attempt → what it printed
	left    map[string]int64     // attempt → bytes of stdout left out
}

func fixturePlan(t *testing.T) *plan.Plan {
	t.Helper()
	return planOf(t, "upgrade.md", map[string]string{"to_version": "0.9.2"})
}

// planOf plans a runbook of testdata for the hosts there.
func planOf(t *testing.T, name string, given map[string]string) *plan.Plan {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	book, ds := runbook.Parse(name, read(name), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	inv, ds := inventory.Parse("hosts.toml", read("hosts.toml"))
	if inv == nil {
		t.Fatal(ds)
	}
	values, missing, errs := plan.Bind(book, given)
	if missing != nil || errs != nil {
		t.Fatal(missing, errs)
	}
	p, ds := plan.New(book, values, inv)
	if p == nil {
		t.Fatal(ds)
	}
	return p
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{
		t: t, p: fixturePlan(t), now: time.Date(2026, 11, 21, 3, 14, 0, 0, time.UTC), actor: "wang",
		out: map[string][2]string{}, left: map[string]int64{},
	}
	s.event(run.RunStarted{
		Title: s.p.Title, Runbook: "upgrade.md", Dir: "/srv/runbooks", Source: "s", Inventory: "i", InventoryFile: "hosts.toml",
		Values: s.p.Values.Given(), Digest: s.p.Digest, Closure: "c105", Version: "0.1.0",
	})
	s.lease("ops@bastion-1, pid 4711")
	return s
}

// event appends an event, seven seconds after the one before, and what follows
// from it by itself.
func (s *story) event(e run.Event) {
	s.t.Helper()
	s.now = s.now.Add(7 * time.Second)
	s.append(e)
	for {
		d, ok := run.Next(s.r).(run.Enter)
		if !ok {
			return
		}
		s.append(run.BatchEntered{Walk: d.Walk.ID, Hosts: d.Keys})
	}
}

func (s *story) append(e run.Event) {
	s.t.Helper()
	rec := run.Record{RunID: "20261121-0314-k7", Seq: uint64(len(s.records) + 1), Epoch: s.epoch, Wall: s.now, Actor: s.actor, Event: e}
	if n := len(s.records); n > 0 {
		rec.Prev = s.records[n-1].Hash
	}
	rec.Hash = sha256.Sum256(append(rec.Prev[:], byte(rec.Seq)))
	r, err := run.Apply(s.p, s.r, rec)
	if err != nil {
		s.t.Fatalf("event %d: %v", rec.Seq, err)
	}
	s.r, s.records = r, append(s.records, rec)
}

func (s *story) lease(holder string) {
	s.epoch++
	s.event(run.LeaseTaken{Holder: holder})
}

func (s *story) seen(host string, n int) {
	s.event(run.HostSeen{Host: host, Identity: identity(n)})
}

func identity(n int) run.Identity {
	return run.Identity{
		MachineID: fmt.Sprintf("machine%d", n), BootID: fmt.Sprintf("boot%d", n), HostKey: fmt.Sprintf("SHA256:key%d", n),
		User: "ops", System: "Linux", Dir: "/home/ops/.local/state/stepgate",
	}
}

func (s *story) cell(step, target string) *run.Cell {
	s.t.Helper()
	c := s.r.Cell(run.Key{Step: step, Target: target})
	if c == nil {
		s.t.Fatalf("the plan has no cell %s@%s", step, target)
	}
	return c
}

// check takes the only check of a phase, at one place.
func (s *story) check(c *run.Cell, p run.Phase, res run.CheckResult) {
	s.t.Helper()
	e := run.ChecksTaken{Cell: c.Key, Phase: p, Checks: []run.CheckResult{res}}
	if a := s.r.Cell(c.Key).Latest(); a != nil {
		e.Attempt = a.Intent.Attempt
	}
	s.event(e)
}

// gate shows the cell's gate and answers it; pre is the argv of a pre-grant.
func (s *story) gate(c *run.Cell, pre string) string {
	s.t.Helper()
	d, err := s.r.Dispatch(c, run.RoleCommand)
	if err != nil {
		s.t.Fatal(err)
	}
	s.gates++
	id := fmt.Sprintf("gate-%d", s.gates)
	b := run.Binding(s.r, c.Key, &d, identity(1))
	shown := run.GateShown{
		Cell: c.Key, Gate: id, Binding: b, Phrase: s.r.Phrase(s.r.Cell(c.Key)),
		Reversible: c.Plan.Step.Book.Rollback != nil, Dispatch: &d,
	}
	s.event(shown)
	s.event(run.GateGranted{Cell: c.Key, Gate: id, Binding: b, Typed: shown.Phrase, Expires: s.now.Add(5 * time.Minute), Pre: pre})
	return id
}

// send makes an attempt of a role and returns its id.
func (s *story) send(c *run.Cell, role run.Role, gate, stdout, stderr string) string {
	s.t.Helper()
	d, err := s.r.Dispatch(s.r.Cell(c.Key), role)
	if err != nil {
		s.t.Fatal(err)
	}
	no := len(s.r.Cell(c.Key).Attempts) + 1
	id := run.AttemptID("20261121-0314-k7", c.Key, no, d.Hash("machine1"))
	s.event(run.Intent{Cell: c.Key, Role: role, No: no, Attempt: id, Dispatch: d, Host: identity(1), Gate: gate})
	s.out[id] = [2]string{stdout, stderr}
	return id
}

func (s *story) ends(c *run.Cell, attempt string, exit int, rows ...checks.Row) {
	s.t.Helper()
	o := run.Outcome{Cell: c.Key, Attempt: attempt, Exit: exit, Verdict: checks.Pass, Rows: rows, TookMS: 2500}
	if exit != 0 {
		o.Verdict = checks.Fail
	}
	o.Bytes = [2]int64{int64(len(s.out[attempt][0])), int64(len(s.out[attempt][1]))}
	s.event(o)
}

func (s *story) output(attempt string, stream int) ([]byte, int64, error) {
	left := int64(0)
	if stream == 0 {
		left = s.left[attempt]
	}
	return []byte(s.out[attempt][stream]), left, nil
}

func pass(where, text, label, saw string) run.CheckResult {
	return run.CheckResult{
		Where: where, Verdict: checks.Pass, Ran: true, Tries: 1, TookMS: 340,
		Rows: []checks.Row{{Text: text, Label: label, Verdict: checks.Pass, Saw: saw}},
	}
}

func raw(v string) map[string]json.RawMessage {
	return map[string]json.RawMessage{"ns_leader": json.RawMessage(v)}
}

const hostile = "ok \x1b]52;c;ZXZpbA==\x07\x1b[31mred\x1b[0m <script>alert(1)</script>\n```\n# not a heading\n````\n\u202egnp.exe\r\n停止完成\n"
