package run

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

var t0 = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

const grantTTL = 5 * time.Minute

func fence(body string) *runbook.Fence {
	return &runbook.Fence{Form: runbook.Script, Lang: "sh", Body: body}
}

// drawStep makes a step of a random class.
func drawStep(t *rapid.T, i int) *runbook.Step {
	id := fmt.Sprintf("s%d", i)
	s := &runbook.Step{ID: id, Title: "步骤 " + id, Kind: rapid.SampledFrom([]runbook.StepKind{
		runbook.Run, runbook.Run, runbook.Run, runbook.Run, runbook.Check, runbook.Check, runbook.Manual, runbook.Ask, runbook.Watch,
	}).Draw(t, "kind")}
	flip := func(what string) bool { return rapid.Bool().Draw(t, what) }
	s.Required = oneIn(t, 6, "required")
	if oneIn(t, 6, "when") {
		s.When = &runbook.Expr{Text: "host != ''"}
	}
	switch s.Kind {
	case runbook.Check:
		s.Before = []*runbook.Fence{fence("look")}
		return s
	case runbook.Ask:
		s.Question = &runbook.Question{
			Param:   runbook.Param{Name: "n" + id, Type: runbook.TypeInt, Required: true},
			PerHost: flip("per host"),
		}
		return s
	case runbook.Manual, runbook.Run, runbook.Watch:
	}
	if flip("caution") {
		s.Caution, s.Confirm = "Mind the step.", id
	}
	s.Always = oneIn(t, 6, "always")
	if s.Kind == runbook.Run {
		drawCommand(t, s, flip)
	}
	drawBeside(t, s)
	return s
}

func drawCommand(t *rapid.T, s *runbook.Step, flip func(string) bool) {
	id := s.ID
	s.Command = fence("do " + id)
	if oneIn(t, 5, "done") {
		s.Done = []*runbook.Fence{fence("done " + id)}
	}
	if flip("before") {
		s.Before = []*runbook.Fence{fence("may")}
	}
	if flip("after") {
		s.After = []*runbook.Fence{fence("did")}
	}
	switch rapid.SampledFrom([]int{0, 1, 1, 2}).Draw(t, "class") {
	case 0:
		s.Irreversible, s.Confirm = true, id
	case 1:
		s.Rollback = &runbook.Rollback{Command: fence("undo " + id)}
		if flip("rollback before") {
			s.Rollback.Before = []*runbook.Fence{fence("may undo")}
		}
		if flip("rollback after") {
			s.Rollback.After = []*runbook.Fence{fence("undone")}
		}
	default:
		s.Idempotent = true
	}
	for _, f := range []*runbook.Fence{s.Command, undoOf(s)} {
		if f != nil && oneIn(t, 5, "away") {
			f.Reconnect, f.Reboot = time.Minute, flip("reboot")
		}
	}
	if oneIn(t, 4, "on") {
		s.Command.On = "pair"
		s.Command.Parallel = rapid.IntRange(0, 2).Draw(t, "parallel")
	}
}

func undoOf(s *runbook.Step) *runbook.Fence {
	if s.Rollback == nil {
		return nil
	}
	return s.Rollback.Command
}

// drawEach makes a walk of hosts or of the values of a variable.
func drawEach(t *rapid.T) *runbook.Each {
	if oneIn(t, 4, "values") {
		return &runbook.Each{Group: "trio", Name: "zone", Batch: 1}
	}
	e := &runbook.Each{
		Group: "trio", Batch: rapid.IntRange(0, 2).Draw(t, "batch"), MaxFailures: rapid.IntRange(0, 2).Draw(t, "budget"),
	}
	if oneIn(t, 3, "canary") {
		e.Canary = rapid.IntRange(1, 2).Draw(t, "canaries")
		if rapid.Bool().Draw(t, "soak") {
			e.Soak = 3 * time.Second
		}
	}
	if oneIn(t, 4, "ordered") {
		e.OrderBy = &runbook.Expr{Text: "host"}
	}
	return e
}

// drawPlan makes a plan of a few steps, some of them walked, some in a walk
// within a walk.
func drawPlan(t *rapid.T) *plan.Plan {
	book := &runbook.Runbook{File: "r.md", Annotated: true, Root: &runbook.Section{}, Prelude: map[string]string{}}
	walk := &runbook.Section{ID: "walk", Title: "Walk", Level: 2, Each: drawEach(t)}
	inner := &runbook.Section{ID: "inner", Title: "Inner", Level: 3}
	if rapid.Bool().Draw(t, "nested") {
		inner.Each = &runbook.Each{Group: "pair", Batch: rapid.IntRange(1, 2).Draw(t, "inner batch"), MaxFailures: rapid.IntRange(0, 1).Draw(t, "inner budget")}
		if walk.Each.Name != "" {
			inner.Each.Group = "zone"
		}
	}
	if oneIn(t, 4, "entry") {
		walk.Caution, walk.Confirm = "Mind the walk.", "{{host}}"
	}
	into := func(i int) *runbook.Section {
		switch rapid.SampledFrom([]int{0, 1, 1, 2}).Draw(t, "place") {
		case 0:
			return book.Root
		case 1:
			return walk
		}
		return inner
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "steps") {
		s, at := drawStep(t, i), into(i)
		at.Items = append(at.Items, s)
	}
	if len(inner.Items) > 0 {
		walk.Items = append(walk.Items, inner)
	}
	if len(walk.Items) > 0 {
		book.Root.Items = append(book.Root.Items, walk)
	}
	p, ds := plan.New(book, nil, hosts())
	if p == nil {
		t.Fatal(ds)
	}
	return p
}

// hosts are three machines in two zones.
func hosts() *inventory.Inventory {
	host := func(name, zone string) inventory.Host {
		return inventory.Host{Name: name, SSH: name + ":22", Vars: map[string]string{"zone": zone}}
	}
	return &inventory.Inventory{
		Hosts: []inventory.Host{host("a", "z1"), host("b", "z2"), host("c", "z1")},
		Groups: []inventory.Group{
			{Name: "pair", Hosts: []string{"a", "b"}}, {Name: "trio", Hosts: []string{"a", "b", "c"}}, {Name: "one", Hosts: []string{"c"}},
		},
	}
}

func twoHosts() *inventory.Inventory {
	return &inventory.Inventory{
		Hosts:  []inventory.Host{{Name: "a", SSH: "a:22"}, {Name: "b", SSH: "b:22"}},
		Groups: []inventory.Group{{Name: "pair", Hosts: []string{"a", "b"}}},
	}
}

// world is a run with its journal, driven by events.
type world struct {
	p       *plan.Plan
	r       *Run
	records []Record
	now     time.Time
	epoch   uint64
	gates   int
}

func newWorld(t interface{ Fatal(...any) }, p *plan.Plan) *world {
	w := &world{p: p, now: t0}
	for _, e := range []Event{RunStarted{Title: "r", Digest: p.Digest}, LeaseTaken{Holder: "me"}} {
		if err := w.add(e); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// record is what the journal would write.
func (w *world) record(e Event) Record {
	w.now = w.now.Add(time.Second)
	rec := Record{RunID: "run-1", Seq: uint64(len(w.records) + 1), Epoch: w.epoch, Wall: w.now, Actor: "op", Event: e}
	if _, ok := e.(LeaseTaken); ok {
		rec.Epoch++
	}
	if n := len(w.records); n > 0 {
		rec.Prev = w.records[n-1].Hash
	}
	rec.Hash = sha256.Sum256(append(rec.Prev[:], byte(rec.Seq), byte(rec.Seq>>8)))
	return rec
}

// add applies an event, and keeps it when it is legal.
func (w *world) add(e Event) error {
	rec := w.record(e)
	n, err := Apply(w.p, w.r, rec)
	if err != nil {
		return err
	}
	w.r, w.records, w.epoch = n, append(w.records, rec), rec.Epoch
	return nil
}

// copy is the world as it is, to try something in.
func (w *world) copy() *world {
	n := *w
	n.records = slices.Clone(w.records)
	return &n
}

// taken is the checks of a phase, all with one verdict.
func taken(c *Cell, p Phase, v checks.Verdict) ChecksTaken {
	e := ChecksTaken{Cell: c.Key, Phase: p, Checks: []CheckResult{{Where: c.Key.Target, Verdict: v, Ran: true}}}
	if a := c.Latest(); a != nil {
		e.Attempt = a.Intent.Attempt
	}
	return e
}

// gate shows what the cell would run.
func (w *world) gate(c *Cell) GateShown {
	w.gates++
	g := GateShown{Cell: c.Key, Gate: fmt.Sprintf("g%d", w.gates), Phrase: w.r.Phrase(c), Binding: fmt.Sprintf("b%d", w.gates)}
	if c.Plan.Step.Kind == plan.Run {
		d, err := w.r.Dispatch(c, RoleCommand)
		if err != nil {
			panic(err)
		}
		g.Dispatch = &d
	}
	return g
}

func (w *world) grant(c *Cell) GateGranted {
	g := GateGranted{Cell: c.Key, Expires: w.now.Add(grantTTL)}
	if c.Gate != nil {
		g.Gate, g.Binding, g.Typed = c.Gate.Gate, c.Gate.Binding, c.Gate.Phrase
	}
	return g
}

// intent is the cell's next dispatch in a role.
func (w *world) intent(c *Cell, role Role) Intent {
	d, err := w.r.Dispatch(c, role)
	if err != nil {
		panic(err)
	}
	e := Intent{Cell: c.Key, Role: role, No: c.NextNo(), Dispatch: d, Host: Identity{MachineID: "m", BootID: "b1"}}
	e.Attempt = AttemptID(w.r.ID, c.Key, e.No, d.Hash("m"))
	if c.Grant != nil && role == RoleCommand {
		e.Gate = c.Grant.Gate
	}
	return e
}

// gatedPlan has gates in and out of a walk.
func gatedPlan(t *testing.T) *plan.Plan {
	t.Helper()
	book, ds := runbook.Parse("g.md", []byte(`+++
[groups.pair]
+++
- [ ] One {#one .irreversible}

  `+"```sh\n  true\n  ```"+`

## Each {#each each=pair}

> [!CAUTION]
> Mind the walk.

- [ ] Two {#two .irreversible confirm="{{step}} on {{host}}"}

  `+"```sh\n  true\n  ```\n"), nil)
	if book == nil {
		t.Fatal(ds)
	}
	p, ds := plan.New(book, nil, twoHosts())
	if p == nil {
		t.Fatal(ds)
	}
	return p
}

// story is the journal in one line an event, for a failing test.
func (w *world) story() string {
	var b strings.Builder
	for _, rec := range w.records {
		k, _ := KeyOf(rec.Event)
		_, payload, err := Encode(rec.Event)
		if err != nil || len(payload) > 200 {
			payload = nil
		}
		fmt.Fprintf(&b, "\n%3d %s %s %s", rec.Seq, Kind(rec.Event), k, payload)
	}
	return b.String()
}
