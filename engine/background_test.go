package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepgate/engine"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// load is a background command that writes down who it is, and that it was told to end.
const load = `echo $$ >>pids
trap 'echo told >>log; exit 0' TERM
echo ready
while :; do sleep 0.05; done`

// besideBook has a background command in a section, and a step behind that.
func besideBook(attrs, body string, parts ...string) string {
	return front + "\n## Beside {#beside}\n\n" + step("load", append([]string{sh(".background"+attrs, script(body))}, parts...)...) +
		step("tick") + "\n## Behind {#behind}\n\n" + step("look", sh("", script(`for p in $(cat pids); do ! kill -0 $p 2>/dev/null || echo "$p lives" >>log; done
echo behind >>log`))) + step("last")
}

// script is a body of several lines in a list.
func script(body string) string { return strings.ReplaceAll(body, "\n", "\n  ") }

// pids are the processes that have begun.
func (w *world) pids() []int {
	var out []int
	for _, f := range strings.Fields(w.read("pids")) {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func lives(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// nobodyLives waits until none of the processes is alive.
func (w *world) nobodyLives(within time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		alive := 0
		for _, p := range w.pids() {
			if lives(p) {
				alive = p
			}
		}
		switch {
		case alive == 0:
			return
		case time.Now().After(end):
			w.t.Fatalf("process %d still lives", alive)
		}
	}
}

// leashed drives the run with a short leash.
func (w *world) leashed(leash time.Duration, resume bool) *driver {
	w.t.Helper()
	o := w.options()
	o.Leash = leash
	var e *engine.Engine
	var err error
	if resume {
		e, err = engine.Resume(w.t.Context(), o, w.plan, w.id)
	} else {
		e, err = engine.Start(w.t.Context(), o, w.plan, w.id, w.begin)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return w.drive(e)
}

// kept is what the snapshot says of the one background process.
func kept(s *run.Snapshot) run.Keeping {
	if len(s.Keeping) != 1 {
		return run.Keeping{}
	}
	return s.Keeping[0]
}

// upAgain waits until the nth start is up.
func (d *driver) upAgain(n int) *run.Snapshot {
	d.t.Helper()
	return d.until(fmt.Sprintf("start %d to be up", n), func(s *run.Snapshot) bool {
		k := kept(s)
		return k.State == "up" && k.Starts == n
	})
}

func loadCell(s *run.Snapshot) *run.Cell {
	return s.Run.Cell(run.Key{Step: "beside/load", Target: plan.Local})
}

func TestABackgroundProcessLivesToTheEndOfItsSection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", load, sh(".check until=20s every=50ms", "test -s pids")))
	d := w.start()
	s := d.goes("beside/load", run.WaitManual, "beside/tick")
	c := loadCell(s)
	if k := kept(s); c.Status != run.Succeeded || k.State != "up" || k.Starts != 1 || k.Attempt != c.Latest().Intent.Attempt || len(w.pids()) != 1 {
		t.Fatalf("cell %s, keeping %+v, processes %v", c.Status, k, w.pids())
	}
	// Killed, it is started again; its checks aren't taken anew, and no one is asked.
	if err := syscall.Kill(w.pids()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s = d.until("the end of the first", func(s *run.Snapshot) bool { return loadCell(s).Latest().Down != nil })
	first := loadCell(s).Latest()
	if first.Down.Ended || first.Down.Exit == nil || *first.Down.Exit != 137 {
		t.Errorf("the end of the first: %+v", first.Down)
	}
	s = d.upAgain(2)
	c = loadCell(s)
	if len(c.Keeps) != 1 || c.Keeps[0].Intent.No != 2 || c.Keeps[0].Intent.Dispatch.Hash("") != first.Intent.Dispatch.Hash("") || s.Wait != run.WaitManual {
		t.Errorf("the second: %+v, waits %q", c.Keeps, s.Wait)
	}
	out := ""
	d.until("the output of the second", func(s *run.Snapshot) bool {
		b, _, _, err := d.e.Output(t.Context(), c.Keeps[0].Intent.Attempt, 0, 0, 100)
		out = string(b)
		return err == nil && out != ""
	})
	if out != "ready\n" {
		t.Errorf("it printed %q", out)
	}
	d.do(run.MarkDone{})
	s = d.at(run.WaitGo, "behind/look")
	if got := w.read("log"); got != "told\n" || len(s.Keeping) != 0 {
		t.Errorf("behind the section: log %q, keeping %+v", got, s.Keeping)
	}
	second := loadCell(s).Keeps[0]
	if second.Down == nil || !second.Down.Ended || second.Down.Exit == nil || *second.Down.Exit != 0 {
		t.Errorf("the end of the second: %+v", second.Down)
	}
	d.do(run.Go{})
	d.at(run.WaitManual, "behind/last")
	if got := w.read("log"); got != "told\nbehind\n" {
		t.Errorf("log is %q", got)
	}
	d.do(run.MarkDone{})
	if s := d.closed(); s.Run.Closed != run.Done {
		t.Errorf("closed as %q", s.Run.Closed)
	}
	d.leave("closed")
	if v, err := w.store.Verify(t.Context(), w.id); err != nil || !v.OK() {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

func TestABackgroundProcessEndsWithItsStepAndItsRun(t *testing.T) {
	t.Parallel()
	holding := sh(".check until=20s every=50ms", "test -s pids")
	up := func(w *world) *driver {
		d := w.start()
		d.at(run.WaitGo, "beside/load")
		d.do(run.Go{})
		return d
	}
	t.Run("abort", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, besideBook("", load, holding))
		d := up(w)
		d.at(run.WaitManual, "beside/tick")
		d.do(run.Abort{Why: "test"})
		d.closed()
		if got := w.read("log"); got != "told\n" || lives(w.pids()[0]) {
			t.Errorf("log is %q", got)
		}
		if _, err := os.Stat(filepath.Join(w.dir, "attempts", w.id)); !os.IsNotExist(err) {
			t.Errorf("its attempts are kept: %v", err)
		}
	})
	t.Run("checks that never hold", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, besideBook("", load, sh(".check until=1s every=100ms", "test -e never")))
		d := up(w)
		s := d.at(run.WaitFailure, "beside/load")
		if c := loadCell(s); c.Status != run.Failed || c.Reason != run.CheckFailed || w.read("log") != "told\n" || lives(w.pids()[0]) {
			t.Errorf("cell %s (%s), log %q", c.Status, c.Reason, w.read("log"))
		}
		// Tried again it is another process.
		if err := os.WriteFile(filepath.Join(w.begin.Dir, "never"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		d.do(run.Retry{})
		s = d.until("an offer or the step behind", func(s *run.Snapshot) bool {
			return s.Busy == nil && (s.Wait == run.WaitManual || s.Wait == run.WaitFailure && s.Notice != "")
		})
		if s.Wait == run.WaitFailure { // its checks hold now, it says
			d.do(run.Retry{})
		}
		d.at(run.WaitManual, "beside/tick")
		if p := w.pids(); len(p) != 2 || !lives(p[1]) {
			t.Errorf("processes %v", p)
		}
	})
	t.Run("a rollback", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, front+"\n## Beside {#beside}\n\n"+step("load", sh(".background", script(load)), holding,
			sh(".rollback", script("! kill -0 $(cat pids) 2>/dev/null || echo alive >>log\necho undone >>log")))+step("bad", sh("", "false")))
		d := up(w)
		d.goes("beside/bad", run.WaitFailure, "beside/bad")
		d.do(run.RollBack{Scope: run.RollbackSection})
		d.at(run.WaitUndo, "beside/load")
		if !lives(w.pids()[0]) {
			t.Error("it was ended before anybody said so")
		}
		d.do(run.Go{})
		d.until("the rollback", func(s *run.Snapshot) bool { return loadCell(s).Status == run.RolledBack })
		if got := w.read("log"); got != "told\nundone\n" {
			t.Errorf("log is %q", got)
		}
	})
}

func TestABackgroundCommandThatEndsAtOnceHasFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", "echo oops >&2; exit 3"))
	d := w.start()
	s := d.goes("beside/load", run.WaitFailure, "beside/load")
	c := loadCell(s)
	if c.Status != run.Failed || c.Reason != run.ExitCode || c.Latest().Down == nil || *c.Latest().Down.Exit != 3 || len(c.Keeps) != 0 {
		t.Errorf("cell %s (%s), down %+v", c.Status, c.Reason, c.Latest().Down)
	}
	out, _, _, err := d.e.Output(t.Context(), c.Latest().Intent.Attempt, 1, 0, 100)
	if err != nil || string(out) != "oops\n" {
		t.Errorf("it printed %q, %v", out, err)
	}
}

func TestAProcessThatKeepsDyingIsStartedFurtherApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", "echo $$ >>pids; sleep 0.5; exit 4", sh(".check until=4s every=100ms", "test -e never")))
	d := w.start()
	d.at(run.WaitGo, "beside/load")
	d.do(run.Go{})
	d.until("a rest", func(s *run.Snapshot) bool {
		k := kept(s)
		return k.State == "down" && k.Starts == 2 && k.Why == "it ended with exit code 4" && k.Next.Sub(k.Since) > time.Second
	})
	s := d.at(run.WaitFailure, "beside/load")
	c := loadCell(s)
	if c.Status != run.Failed || c.Reason != run.CheckFailed || len(c.Keeps) != 1 || len(s.Keeping) != 0 {
		t.Errorf("cell %s (%s), %d more starts, keeping %+v", c.Status, c.Reason, len(c.Keeps), s.Keeping)
	}
}

func TestLeavingEndsABackgroundProcessAndResumeStartsAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", load, sh(".check until=20s every=50ms", "test -s pids")))
	d := w.start()
	d.goes("beside/load", run.WaitManual, "beside/tick")
	d.leave("detached")
	if got := w.read("log"); got != "told\n" || lives(w.pids()[0]) {
		t.Errorf("left: log %q", got)
	}
	w.reopen()
	d = w.resume()
	s := d.upAgain(2)
	if c := loadCell(s); c.Status != run.Succeeded || !c.Latest().Down.Ended || len(c.Keeps) != 1 {
		t.Errorf("cell %s, first %+v", c.Status, c.Latest().Down)
	}
	d.at(run.WaitManual, "beside/tick")
	if p := w.pids(); len(p) != 2 || !lives(p[1]) {
		t.Errorf("processes %v", p)
	}
}

func TestStoppingABackgroundCommandThatIsNotUpEndsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, besideBook("", load))
	l := &cable{}
	w.hosts = l.over(w.here)
	d := w.start()
	d.at(run.WaitGo, "beside/load")
	l.only.Store("Probe")
	l.cut.Store(true)
	d.do(run.Go{})
	d.until("its start", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.What == "starting" && len(w.pids()) == 1 })
	go func() {
		for !lives(w.pids()[0]) || d.e.Snapshot().Busy == nil {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		l.cut.Store(false)
	}()
	d.do(run.StopNow{})
	s := d.at(run.WaitFailure, "beside/load")
	if c := loadCell(s); c.Status != run.Failed || c.Latest().Down == nil || !c.Latest().Down.Ended || lives(w.pids()[0]) {
		t.Errorf("cell %s (%s), down %+v", c.Status, c.Reason, c.Latest().Down)
	}
}
