package engine_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stepgate/engine"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/state"
	"stepgate/tui"
)

var (
	_ tui.Controller = (*engine.Engine)(nil)
	_ tui.Source     = (*engine.Engine)(nil)
	_ engine.Journal = (*state.Store)(nil)
)

// world is a journal, a plan and a place to work in.
type world struct {
	t        *testing.T
	dir      string
	store    *state.Store
	plan     *plan.Plan
	id       string
	begin    run.RunStarted
	gates    atomic.Int64
	hosts    func(name string, _ executor.Asker) (executor.Executor, error) // nil: real shells here
	wrap     func(engine.Journal) engine.Journal                            // nil: the store itself
	now      func() time.Time
	lend     func(context.Context, func(executor.Terminal) error) error // nil: there is no terminal
	patience time.Duration                                              // for lost hosts; 0: as it is
	attended bool                                                       // somebody answers what logins ask
}

func newWorld(t *testing.T, book string) *world {
	t.Helper()
	return newWorldOn(t, book, nil)
}

// newWorldOn plays a book on hosts. edits change what was parsed.
func newWorldOn(t *testing.T, book string, inv *inventory.Inventory, edits ...func(*runbook.Runbook)) *world {
	t.Helper()
	dir := t.TempDir()
	rb, diags := runbook.Parse("test.md", []byte(book), nil)
	if runbook.Failed(diags) {
		t.Fatalf("parse: %v", diags)
	}
	for _, edit := range edits {
		edit(rb)
	}
	values, missing, errs := plan.Bind(rb, nil)
	if len(missing) > 0 || len(errs) > 0 {
		t.Fatalf("bind: %v %v", missing, errs)
	}
	p, problems := plan.New(rb, values, inv)
	if problems != nil {
		t.Fatalf("plan: %v", problems)
	}
	w := &world{t: t, dir: dir, plan: p, id: state.NewRunID(time.Now(), rand.Reader), now: time.Now}
	w.begin = run.RunStarted{Title: "test", Digest: p.Digest, Dir: filepath.Join(dir, "work"), Closure: strings.Repeat("0", 64), Values: map[string]string{}}
	if err := os.Mkdir(w.begin.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.reopen()
	var err error
	if w.begin.Source, err = w.store.PutBlob(t.Context(), []byte(book)); err != nil {
		t.Fatal(err)
	}
	return w
}

// reopen is what another process would find.
func (w *world) reopen() {
	w.t.Helper()
	if w.store != nil {
		if err := w.store.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	var err error
	if w.store, err = state.Open(w.t.Context(), filepath.Join(w.dir, "state", "stepgate.db"), state.Options{}); err != nil {
		w.t.Fatal(err)
	}
	store := w.store
	w.t.Cleanup(func() { _ = store.Close() })
}

func (w *world) options() engine.Options {
	var journal engine.Journal = w.store
	if w.wrap != nil {
		journal = w.wrap(journal)
	}
	hosts := w.hosts
	if hosts == nil {
		hosts = w.here
	}
	return engine.Options{
		Journal: journal, Hosts: hosts, Attended: w.attended, Patience: w.patience, Lend: w.lend, Operator: "ann", Holder: "ann@test", Now: w.now,
		GateID: func() string { return fmt.Sprintf("gate-%d", w.gates.Add(1)) },
	}
}

// here is this machine.
func (w *world) here(string, executor.Asker) (executor.Executor, error) {
	env := append(os.Environ(), "STEPGATE_DIR="+filepath.Join(w.dir, "attempts"))
	return executor.NewLocal(executor.LocalOptions{Dir: w.begin.Dir, Env: env}), nil
}

func (w *world) start() *driver {
	w.t.Helper()
	e, err := engine.Start(w.t.Context(), w.options(), w.plan, w.id, w.begin)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.drive(e)
}

func (w *world) resume() *driver {
	w.t.Helper()
	e, err := engine.Resume(w.t.Context(), w.options(), w.plan, w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.drive(e)
}

func (w *world) drive(e *engine.Engine) *driver {
	d := &driver{t: w.t, e: e}
	w.t.Cleanup(func() { d.leave("test over") })
	return d
}

func (w *world) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.begin.Dir, name))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(b)
}

// driver is an operator.
type driver struct {
	t    *testing.T
	e    *engine.Engine
	left bool
}

func (d *driver) leave(why string) {
	if d.left {
		return
	}
	d.left = true
	if err := d.e.Close(context.Background(), why); err != nil {
		d.t.Errorf("close: %v", err)
	}
}

// patient is how long something is waited for that must happen: reached only when
// it never does.
const patient = 2 * time.Minute

// until waits for a snapshot.
func (d *driver) until(what string, ok func(*run.Snapshot) bool) *run.Snapshot {
	d.t.Helper()
	deadline := time.After(patient)
	for {
		s := d.e.Snapshot()
		if ok(s) {
			return s
		}
		select {
		case _, open := <-d.e.Changes():
			if !open && !ok(d.e.Snapshot()) {
				d.t.Fatalf("waited for %s, and the run is over: %+v", what, d.e.Snapshot())
			}
		case <-deadline:
			d.t.Fatalf("waited for %s: wait %q at %q, busy %+v, notice %q", what, s.Wait, s.Current, s.Busy, s.Notice)
		}
	}
}

// at waits until the run waits for w at a step.
func (d *driver) at(w run.Wait, step string) *run.Snapshot {
	d.t.Helper()
	return d.until(fmt.Sprintf("%s at %s", w, step), func(s *run.Snapshot) bool {
		return s.Wait == w && s.Busy == nil && s.Current.Step == step
	})
}

// goes lets a step go, and waits for what is asked behind it.
func (d *driver) goes(step string, then run.Wait, next string) *run.Snapshot {
	d.t.Helper()
	d.at(run.WaitGo, step)
	d.do(run.Go{})
	return d.at(then, next)
}

func (d *driver) do(a run.Action) {
	d.t.Helper()
	s := d.e.Snapshot()
	if err := d.e.Do(d.t.Context(), s.Current, s.Seq, a); err != nil {
		d.t.Fatalf("do %s at %s: %v", run.VerbOf(a), s.Current, err)
	}
}

// acknowledge is a person's word on all that monitors have shown.
func (d *driver) acknowledge(reason string) {
	d.t.Helper()
	d.do(run.Acknowledge{Reason: reason, Episodes: d.e.Snapshot().Run.Unacknowledged()})
}

func (d *driver) closed() *run.Snapshot {
	d.t.Helper()
	return d.until("the end", func(s *run.Snapshot) bool { return s.Wait == run.WaitClosed })
}
