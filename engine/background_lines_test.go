package engine_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// rates is a monitor that one process prints: a number a line, and one that isn't good.
const rates = `echo $$ >>pids
n=0
while :; do n=$((n + 1)); echo "rate $n"; test -e fast || sleep 0.05; test ! -e odd || { rm odd; echo odd; }; done`

var ratesBook = front + "\n## Beside {#beside}\n\n" + step("rates", sh(".background.monitor timeout=20s", script(rates)),
	capture(`rate = number(regex(line, "[0-9]+"))`), expect(`line startsWith "rate " and rate >= 1`)) +
	step("tick") + "\n## Behind {#behind}\n\n" + step("last")

var ratesWatch = run.Watch{Monitor: "beside/rates", Where: plan.Local}

// sum is what the one monitor has shown in all.
func sum(s *run.Snapshot) run.Sum {
	m := s.Run.Monitor(ratesWatch)
	if m == nil {
		return run.Sum{}
	}
	return m.Sum(time.Time{}, time.Now().Add(time.Hour))
}

func TestEveryLineOfABackgroundMonitorIsASample(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ratesBook)
	d := w.start()
	d.at(run.WaitGo, "beside/rates")
	d.do(run.Go{})
	s := d.until("samples", func(s *run.Snapshot) bool { return sum(s).Good >= 10 })
	if k := kept(s); k.Monitor != "beside/rates" || k.State != "up" || k.Starts != 1 {
		t.Errorf("keeping %+v", k)
	}
	if got := sum(s); got.Failures+got.Unknown != 0 || got.Captures["rate"].Min != 1 || int(got.Captures["rate"].Last) != got.Good {
		t.Errorf("sum %+v", got)
	}
	// Its process is killed: a failed sample, which turns it red; it is started again.
	if err := syscall.Kill(w.pids()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.until("red, and another start", func(s *run.Snapshot) bool { k := kept(s); return k.Starts == 2 && k.State == "up" })
	s = d.until("good samples", func(s *run.Snapshot) bool {
		all := slices.Collect(s.Run.Monitor(ratesWatch).All(time.Time{}, time.Now().Add(time.Hour)))
		return sum(s).Failures == 1 && all[len(all)-1].Verdict.String() == "pass"
	})
	if c := s.Run.CellOf(s.Run.Monitor(ratesWatch).Cell); len(c.Keeps) != 2 || c.Keeps[0].Down == nil || c.Keeps[0].Down.Ended {
		t.Errorf("starts %+v", c.Keeps)
	}
	// The time without a process was not watched, and is no gap.
	if got := sum(s); got.Unobserved < 500*time.Millisecond || got.Longest.Length != got.Longest.To.Sub(got.Longest.From)-got.Unobserved {
		t.Errorf("unobserved %s, longest gap %+v", got.Unobserved, got.Longest)
	}
	d.until("the hold", func(s *run.Snapshot) bool { return s.Wait == run.WaitMonitor })
	d.acknowledge("it was killed by a test")
	d.at(run.WaitManual, "beside/tick")
	d.do(run.MarkDone{})
	s = d.at(run.WaitManual, "behind/last")
	c := s.Run.CellOf(s.Run.Monitor(ratesWatch).Cell)
	if last := c.Keeps[1].Down; last == nil || !last.Ended || lives(w.pids()[1]) || len(s.Keeping) != 0 {
		t.Errorf("behind its section: %+v, keeping %+v", last, s.Keeping)
	}
	if out, _, _, err := d.e.Output(t.Context(), c.Keeps[0].Intent.Attempt, 0, 0, 100); err != nil || len(out) != 0 {
		t.Errorf("its output is kept, too: %q, %v", out, err)
	}
	before := sum(s).Samples
	d.leave("detached")
	w.reopen()
	d = w.resume()
	if got := sum(d.at(run.WaitManual, "behind/last")).Samples; got != before || len(w.pids()) != 2 {
		t.Errorf("%d samples journaled of %d, processes %v", got, before, w.pids())
	}
}

func TestLinesThatWereMissedCountFromWhenTheyCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ratesBook)
	l := &cable{}
	w.hosts = l.over(w.here)
	d := w.leashed(30*time.Second, false)
	d.at(run.WaitGo, "beside/rates")
	d.do(run.Go{})
	d.until("samples", func(s *run.Snapshot) bool { return sum(s).Good >= 5 })
	l.cut.Store(true)
	s := d.until("the loss", func(s *run.Snapshot) bool { return kept(s).State == "lost" })
	missed := sum(s).Samples
	time.Sleep(1500 * time.Millisecond) // the workload goes on meanwhile, and nobody sees it
	l.cut.Store(false)
	s = d.until("samples again", func(s *run.Snapshot) bool { return kept(s).State == "up" && sum(s).Samples > missed+40 })
	got := sum(s)
	if got.Failures+got.Unknown != 0 || got.Longest.Length != 0 || got.Unobserved < time.Second {
		t.Errorf("sum %+v", got)
	}
	if int(got.Captures["rate"].Last) != got.Good || len(w.pids()) != 1 {
		t.Errorf("lines were lost: the last is %v of %d; processes %v", got.Captures["rate"].Last, got.Good, w.pids())
	}
	if strings.Contains(d.e.Snapshot().Notice, "red") {
		t.Errorf("notice %q", d.e.Snapshot().Notice)
	}
}

// A link that is away for longer than the leash ends the process on its host: that is no
// failure of the workload.
func TestAProcessThatItsHostHasEndedIsNoFailedSample(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ratesBook)
	l := &cable{}
	w.hosts = l.over(w.here)
	d := w.leashed(2*time.Second, false)
	d.at(run.WaitGo, "beside/rates")
	d.do(run.Go{})
	d.until("samples", func(s *run.Snapshot) bool { return sum(s).Good >= 5 })
	l.cut.Store(true)
	w.nobodyLives(30 * time.Second)
	l.cut.Store(false)
	s := d.upAgain(2)
	c := s.Run.CellOf(s.Run.Monitor(ratesWatch).Cell)
	if down := c.Keeps[0].Down; down == nil || down.Ended || !strings.Contains(down.Why, "no word from here for longer than 2s") {
		t.Errorf("the first: %+v", down)
	}
	before := sum(s).Good
	s = d.until("samples again", func(s *run.Snapshot) bool { return sum(s).Good > before+5 })
	if got := sum(s); got.Failures+got.Unknown != 0 || got.Longest.Length != 0 || got.Unobserved < time.Second || s.Wait != run.WaitManual {
		t.Errorf("sum %+v, waits %q", got, s.Wait)
	}
}
