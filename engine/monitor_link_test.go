package engine_test

import (
	"slices"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// onRemote plays a book on this machine and on "db", a host behind a link.
func onRemote(t *testing.T, book string) (*world, *remote) {
	t.Helper()
	r := newRemote(t, "db")
	w := newWorldOn(t, book, &inventory.Inventory{
		Hosts:  []inventory.Host{{Name: "db", SSH: r.addr()}},
		Groups: []inventory.Group{{Name: "dbs", Hosts: []string{"db"}}},
	})
	w.hosts = func(name string, ask executor.Asker) (executor.Executor, error) {
		if name == plan.Local {
			return w.here(name, ask)
		}
		return r.open(ask), nil
	}
	r.write("up")
	return w, r
}

const dbs = "+++\ntitle = \"T\"\n[groups.dbs]\n+++\n"

// onDB is a section with a monitor on the host, and a tick.
func onDB(attrs, body string) string {
	return dbs + "## Change {#change}\n\n" + step("writes", sh(".monitor on=dbs "+attrs, body)) + step("tick")
}

var dbWrites = run.Watch{Monitor: "change/writes", Where: "db"}

func (d *driver) sum(w run.Watch) run.Sum {
	d.t.Helper()
	m := d.e.Snapshot().Run.Monitor(w)
	if m == nil {
		d.t.Fatalf("no monitor %s", w)
	}
	return m.Sum(time.Time{}, time.Now().Add(1000*time.Hour))
}

func TestALostLinkInventsNoGap(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*remote){"cut": func(r *remote) { r.cut() }, "silent": func(r *remote) { r.hush() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The sample lasts, so that the link is often lost in the middle of one.
			w, r := onRemote(t, onDB("every=100ms timeout=2s", "sleep 0.1; test -e up"))
			d := w.start()
			d.goes("change/writes", run.WaitManual, "change/tick")
			d.samples(dbWrites, 3)
			lose(r)
			d.until("the host to be lost", func(s *run.Snapshot) bool { return s.Hosts["db"].State == "lost" })
			r.heal()
			d.samples(dbWrites, 3)
			sum := d.sum(dbWrites)
			if sum.Good != sum.Samples || sum.Longest.Length != 0 || sum.Unobserved == 0 {
				t.Errorf("%+v", sum)
			}
			d.do(run.MarkDone{})
			if s := d.closed(); len(s.Run.Monitor(dbWrites).Episodes) != 0 {
				t.Errorf("it was red: %+v", s.Run.Monitor(dbWrites).Episodes)
			}
		})
	}
}

// Who leaves isn't held up by a link that is silent.
func TestASilentLinkHoldsUpNobodyWhoLeaves(t *testing.T) {
	t.Parallel()
	w, r := onRemote(t, onDB("every=100ms timeout=1h", "sleep 0.1; test -e up"))
	d := w.start()
	d.goes("change/writes", run.WaitManual, "change/tick")
	d.samples(dbWrites, 3)
	r.hush()
	left := make(chan struct{})
	go func() { defer close(left); d.leave("silent") }()
	patience(t, left, "the run to be left: a sample there may take an hour")
}

// An outage that a test makes is as long as the monitor says, although the link is lost
// in the middle of it: without the time in which nobody watched.
func TestAnOutageIsMeasuredWithoutTheTimeInWhichTheLinkWasLost(t *testing.T) {
	t.Parallel()
	w, r := onRemote(t, onDB("every=200ms", "test -e up"))
	d := w.start()
	d.goes("change/writes", run.WaitManual, "change/tick")
	d.samples(dbWrites, 3)
	for _, lost := range []bool{false, true} {
		r.remove("up")
		began := time.Now()
		d.samples(dbWrites, 4)
		before := d.sum(dbWrites).Unobserved
		if lost {
			r.cut()
			d.until("the host to be lost", func(s *run.Snapshot) bool { return s.Hosts["db"].State == "lost" })
			r.heal()
			d.samples(dbWrites, 2)
		}
		r.write("up")
		outage := time.Since(began)
		d.until("green", func(s *run.Snapshot) bool { return !s.Run.Monitor(dbWrites).Red() })
		sum := d.sum(dbWrites)
		m := d.e.Snapshot().Run.Monitor(dbWrites)
		gaps := m.Gaps(time.Time{}, time.Now().Add(time.Hour))
		last := gaps[len(gaps)-1]
		want := outage - (sum.Unobserved - before)
		if off, bound := last.Length-want, intervals(m, last); off.Abs() > bound {
			t.Errorf("lost %t: an outage of %s, %s of it unobserved, is a gap of %s, and the samples that bound it are %s apart",
				lost, outage, sum.Unobserved-before, last.Length, bound)
		}
	}
}

// intervals are those between the samples that bound a gap, as they were taken: the one
// in which it began, with what its last good sample took, and the one in which it ended.
func intervals(m *run.Monitor, g run.Gap) time.Duration {
	all := slices.Collect(m.All(time.Time{}, time.Now().Add(time.Hour)))
	at := func(t time.Time) int { return slices.IndexFunc(all, func(s run.Sample) bool { return s.At.Equal(t) }) }
	from, to := at(g.From), at(g.To)
	return all[from+1].At.Sub(all[from-1].At) + all[to].At.Sub(all[to-1].At)
}

func TestASampleThatTakesTooLongIsUnknownWhenItsHostIsThereToSaySo(t *testing.T) {
	t.Parallel()
	w, r := onRemote(t, onDB("every=100ms timeout=1s", "test -e up || exec sleep 60"))
	d := w.start()
	d.goes("change/writes", run.WaitManual, "change/tick")
	d.samples(dbWrites, 2)
	r.remove("up")
	s := d.until("red", func(s *run.Snapshot) bool { return s.Run.Monitor(dbWrites).Red() })
	if e := s.Run.Monitor(dbWrites).Episodes[0].Turned; len(e.Rows) != 1 || e.Rows[0].Cause != "no answer within 1s" {
		t.Errorf("turned %+v", e)
	}
	if sum := d.sum(dbWrites); sum.Unknown == 0 || sum.Failures != 0 {
		t.Errorf("%+v", sum)
	}
}
