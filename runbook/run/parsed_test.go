package run

import (
	"slices"
	"testing"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// parsed is a run of a runbook on three hosts: a and c in zone z1, b in z2.
func parsed(t *testing.T, src string, given map[string]string) *world {
	t.Helper()
	book, ds := runbook.Parse("t.md", []byte(src), nil)
	for _, d := range ds {
		if d.Severity == runbook.Error {
			t.Fatal(d)
		}
	}
	values, missing, errs := plan.Bind(book, given)
	if len(missing)+len(errs) > 0 {
		t.Fatal(missing, errs)
	}
	p, ds := plan.New(book, values, hosts())
	if p == nil {
		t.Fatal(ds)
	}
	return newWorld(t, p)
}

// then appends events that are legal, and what follows from them without asking.
func (w *world) then(t *testing.T, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := w.add(e); err != nil {
			t.Fatalf("%v%s", err, w.story())
		}
		w.follow(t)
	}
}

func (w *world) follow(t *testing.T) {
	t.Helper()
	for {
		var e Event
		switch d := Next(w.r).(type) {
		case Enter:
			e = BatchEntered{Walk: d.Walk.ID, Hosts: d.Keys}
		case Repeat:
			e = Asked{Cell: d.Cell.Key, Name: d.Cell.Plan.Step.Book.Question.Param.Name, Value: d.Value, Repeated: true}
		case Halt:
			e = Paused{Why: d.After}
		default:
			return
		}
		if err := w.add(e); err != nil {
			t.Fatal(err)
		}
	}
}

// cell is the cell of a path, at its only place or at a host.
func (w *world) cell(t *testing.T, path string) *Cell {
	t.Helper()
	for _, c := range w.r.Cells {
		if c.Key.Step == path || c.Key.String() == path {
			return c
		}
	}
	t.Fatalf("no cell %q", path)
	return nil
}

// runs takes the commands of cells to their end, with one verdict.
func (w *world) runs(t *testing.T, v checks.Verdict, paths ...string) {
	t.Helper()
	for _, path := range paths {
		c := w.cell(t, path)
		if c.needsGate() {
			w.then(t, w.gate(c))
			w.then(t, w.grant(w.cell(t, path)))
		}
		w.then(t, w.intent(w.cell(t, path), RoleCommand))
		w.then(t, Outcome{Cell: c.Key, Attempt: attemptOf(w.cell(t, path)), Verdict: v})
	}
}

// asks is what the run waits for, with the paths of the cells.
func (w *world) asks(t *testing.T, want Wait, paths ...string) Ask {
	t.Helper()
	ask, ok := Next(w.r).(Ask)
	if !ok {
		t.Fatalf("it goes on with %#v%s", Next(w.r), w.story())
	}
	var got []string
	for _, c := range ask.Cells() {
		got = append(got, c.Key.Step)
	}
	if ask.Wait != want || !slices.Equal(got, paths) {
		t.Fatalf("it waits for %q at %q, want %q at %q%s", ask.Wait, got, want, paths, w.story())
	}
	return ask
}
