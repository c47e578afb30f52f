package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stepgate/engine"
	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// stage is a world whose hosts are scripted. A command is named by its last line.
type stage struct {
	*world
	mu      sync.Mutex
	scripts map[string]executortest.Script
	fakes   map[string]*executortest.Fake
	begun   map[string]chan struct{}
}

// newStage plays a book on scripted hosts: this machine, the group "pair" of a and
// b, and "trio" with c, whose variable n is their number.
func newStage(t *testing.T, book string, edits ...func(*runbook.Runbook)) *stage {
	t.Helper()
	st := &stage{scripts: map[string]executortest.Script{}, fakes: map[string]*executortest.Fake{}, begun: map[string]chan struct{}{}}
	st.world = newWorldOn(t, book, &inventory.Inventory{
		Hosts: []inventory.Host{
			{Name: "a", SSH: "a:22", Vars: map[string]string{"n": "1"}},
			{Name: "b", SSH: "b:22", Vars: map[string]string{"n": "2"}},
			{Name: "c", SSH: "c:22", Vars: map[string]string{"n": "3"}},
		},
		Groups: []inventory.Group{{Name: "pair", Hosts: []string{"a", "b"}}, {Name: "trio", Hosts: []string{"a", "b", "c"}}},
	}, edits...)
	for _, name := range stageHosts {
		f := executortest.NewFake(func(c executor.Command) executortest.Script { return st.script(name, c) })
		h, _ := f.Identify(t.Context())
		h.MachineID, h.Hostname = "machine-"+name, name
		f.SetHost(h)
		st.fakes[name] = f
	}
	st.hosts = func(name string, _ executor.Asker) (executor.Executor, error) {
		if f, ok := st.fakes[name]; ok {
			return f, nil
		}
		return nil, fmt.Errorf("no host %q", name)
	}
	return st
}

var stageHosts = []string{plan.Local, "a", "b", "c"}

// word is what a scripted command is called.
func word(c executor.Command) string {
	body := strings.TrimSpace(c.Body)
	return strings.TrimSpace(body[strings.LastIndexByte(body, '\n')+1:])
}

// script finds what a command does on a host: "word@host", else "word", else it
// succeeds.
func (st *stage) script(host string, c executor.Command) executortest.Script {
	st.mu.Lock()
	defer st.mu.Unlock()
	ch := st.beginning(word(c))
	select {
	case <-ch:
	default:
		close(ch)
	}
	if s, ok := st.scripts[word(c)+"@"+host]; ok {
		return s
	}
	return st.scripts[word(c)]
}

func (st *stage) set(name string, s executortest.Script) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.scripts[name] = s
}

// beginning is closed when a command of that name has begun. st.mu is held.
func (st *stage) beginning(name string) chan struct{} {
	if st.begun[name] == nil {
		st.begun[name] = make(chan struct{})
	}
	return st.begun[name]
}

// await returns when a command of that name has begun.
func (st *stage) await(name string) {
	st.t.Helper()
	st.mu.Lock()
	ch := st.beginning(name)
	st.mu.Unlock()
	patience(st.t, ch, name+" to begin")
}

func patience(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(patient):
		t.Fatalf("waited for %s", what)
	}
}

func (st *stage) local() *executortest.Fake { return st.fakes[plan.Local] }

// failing makes the local host's methods fail, until it is called again with others.
// What it returns is closed when the last of them has failed.
func (st *stage) failing(err error, methods ...string) <-chan struct{} {
	failed := make(chan struct{})
	var once sync.Once
	st.local().SetFail(func(m string) error {
		if !slices.Contains(methods, m) {
			return nil
		}
		if m == methods[len(methods)-1] {
			once.Do(func() { close(failed) })
		}
		return err
	})
	return failed
}

// reboot gives a host another boot.
func (st *stage) reboot(name string) {
	h, _ := st.fakes[name].Identify(st.t.Context())
	h.BootID += "+"
	st.fakes[name].SetHost(h)
}

// ran is what has run on the hosts, in the order of each host's claims.
func (st *stage) ran() []string {
	var out []string
	for _, name := range stageHosts {
		for _, c := range st.fakes[name].Ran() {
			w := word(c)
			if name != plan.Local {
				w += "@" + name
			}
			out = append(out, w)
		}
	}
	return out
}

func (st *stage) wantRan(want ...string) {
	st.t.Helper()
	if got := strings.Join(st.ran(), " "); got != strings.Join(want, " ") {
		st.t.Errorf("ran %q, want %q", got, strings.Join(want, " "))
	}
}

// calls counts the uses of a method of the local host.
func (st *stage) calls(method string) int {
	n := 0
	for _, c := range st.local().Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}

// sh is a fence in a step.
func sh(attrs, body string) string {
	if attrs != "" {
		attrs = " {" + attrs + "}"
	}
	return "\n  ```sh" + attrs + "\n  " + body + "\n  ```\n"
}

func expect(line string) string  { return "\n  ```expect\n  " + line + "\n  ```\n" }
func capture(line string) string { return "\n  ```capture\n  " + line + "\n  ```\n" }

// step is a task-list item.
func step(id string, parts ...string) string {
	return "- [ ] Step " + id + " {#" + id + "}\n" + strings.Join(parts, "")
}

const caution = "\n  > [!CAUTION]\n  > Mind it.\n"

// at1 is the current cell of a snapshot.
func at1(s *run.Snapshot) *run.Cell { return s.Run.Cell(s.Current) }

// answer types the phrase of the gate that is open.
func (d *driver) answer() {
	d.t.Helper()
	s := d.e.Snapshot()
	g := at1(s).Gate
	d.do(run.Answer{Gate: g.Gate, Typed: g.Phrase})
}

// refused asserts that an action is refused, and why.
func (d *driver) refused(a run.Action, why string) {
	d.t.Helper()
	s := d.e.Snapshot()
	if err := d.e.Do(d.t.Context(), s.Current, s.Seq, a); err == nil || !strings.Contains(err.Error(), why) {
		d.t.Errorf("%s: %v, want a refusal with %q", run.VerbOf(a), err, why)
	}
}

// events are all events of the run.
func (w *world) events() []run.Record {
	w.t.Helper()
	recs, err := w.store.Load(w.t.Context(), w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return recs
}

func (w *world) count(kind string) int {
	n := 0
	for _, r := range w.events() {
		if run.Kind(r.Event) == kind {
			n++
		}
	}
	return n
}

// hold is a script that lasts until it's let go.
func hold(t *testing.T, s executortest.Script) (executortest.Script, func()) {
	t.Helper()
	c := make(chan struct{})
	var once sync.Once
	end := func() { once.Do(func() { close(c) }) }
	t.Cleanup(end)
	s.Hold = c
	return s, end
}

var _ engine.Journal = (*brokenJournal)(nil)
