package plain

import (
	"fmt"
	"slices"
	"time"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/wording"
)

// besides is what has been told of monitors and background processes.
type besides struct {
	seq    uint64            // the run's, when it was looked at last
	turned map[run.Watch]int // how often a monitor had become red or green
	lives  map[string]life   // starts of processes, by attempt
	summed bool              // the sum of a closed run
}

// life is how far the life of a process has been told.
type life uint8

const (
	starting life = iota
	up
	down
)

func newBesides() besides {
	return besides{turned: map[run.Watch]int{}, lives: map[string]life{}}
}

// turns is how often a monitor has become red or green.
func turns(m *run.Monitor) int {
	n := 2 * len(m.Episodes)
	if m.Red() {
		n--
	}
	return n
}

// lived is how far the life of a process has come.
func lived(a *run.Attempt) life {
	switch {
	case a.Down != nil:
		return down
	case !a.Up.IsZero():
		return up
	}
	return starting
}

// starts gives the starts of the background processes that a cell has.
func starts(c *run.Cell) []*run.Attempt {
	all := slices.Concat(c.Attempts, c.Keeps)
	return slices.DeleteFunc(all, func(a *run.Attempt) bool { return !c.Beside(a) })
}

// knownBeside takes what monitors and processes have behind them as told.
func (p *printer) knownBeside(r *run.Run) {
	for _, m := range r.Monitors() {
		p.besides.turned[m.Watch] = turns(m)
	}
	for _, c := range r.Cells {
		for _, a := range starts(c) {
			p.besides.lives[a.Intent.Attempt] = lived(a)
			p.read[a.Intent.Attempt] = &[2]stream{} // what it runs isn't told again when it ends
		}
	}
}

// beside tells which monitors have turned, and what became of background processes;
// at the end of a run, what its monitors showed.
func (p *printer) beside(s *run.Snapshot) {
	if p.besides.seq == s.Run.Seq {
		return
	}
	p.besides.seq = s.Run.Seq
	zone := s.At.Location()
	var all []happening
	for _, m := range s.Run.Monitors() {
		for i := p.besides.turned[m.Watch]; i < turns(m); i++ {
			all = append(all, p.turn(m, m.Episodes[i/2], i%2 == 0, zone))
		}
		p.besides.turned[m.Watch] = turns(m)
	}
	for _, c := range s.Run.Cells {
		for _, a := range starts(c) {
			all = append(all, p.life(s.Run, c, a, zone)...)
		}
	}
	slices.SortStableFunc(all, func(a, z happening) int { return a.at.Compare(z.at) })
	for _, h := range all {
		h.tell()
	}
	if s.Run.Closed != "" && !p.besides.summed {
		p.besides.summed = true
		for _, m := range s.Run.Monitors() {
			p.printf("%s monitor %s\n", s.At.Format(time.TimeOnly), report.WatchLine(s.Run, m, s.At))
		}
	}
}

// happening is something to be told of a moment.
type happening struct {
	at   time.Time
	tell func()
}

// turn is that a monitor has become red, with what the sample that decided saw, or
// green again.
func (p *printer) turn(m *run.Monitor, e run.Episode, red bool, zone *time.Location) happening {
	k := run.Key{Step: m.Watch.Monitor, Target: m.Where}
	if !red {
		return happening{e.Green, func() { p.line(e.Green.In(zone), k, "green", "after "+text.Duration(e.Green.Sub(e.At))) }}
	}
	return happening{e.At, func() {
		p.line(e.At.In(zone), k, "red", "not good since "+e.Turned.Since.In(zone).Format(time.TimeOnly))
		p.decided(e.Turned)
	}}
}

// decided prints what the sample saw that turned a monitor red.
func (p *printer) decided(e run.MonitorTurned) {
	p.rows(e.Rows)
	if e.Cause != "" {
		p.indent("→", e.Cause)
	}
}

// life is that a background process is up, and that it has ended, as far as that
// wasn't told.
func (p *printer) life(r *run.Run, c *run.Cell, a *run.Attempt, zone *time.Location) (out []happening) {
	id := a.Intent.Attempt
	told, is := p.besides.lives[id], lived(a)
	p.besides.lives[id] = is
	k := c.Key
	if a.Intent.Monitor != "" {
		k = run.Key{Step: a.Intent.Monitor, Target: a.Intent.Dispatch.Where}
	}
	if told < up && !a.Up.IsZero() {
		out = append(out, happening{a.Up, func() { p.line(a.Up.In(zone), k, "up", wording.Title(r, c.Plan.Step)) }})
	}
	if told == down || is != down {
		return out
	}
	word, why := "down", ""
	switch d := a.Down; {
	case d.Ended:
		word = "ended"
	case d.Exit != nil:
		why = fmt.Sprintf(" (exit %d)", *d.Exit)
	}
	return append(out, happening{a.Ended, func() {
		p.line(a.Ended.In(zone), k, word, wording.Title(r, c.Plan.Step)+why)
		if a.Down.Why != "" {
			p.indent("→", a.Down.Why)
		}
	}})
}

// mostMonitors is how many monitors a question names that aren't red.
const mostMonitors = 4

// watching tells in a line each how the monitors stand: all that are red or hold the
// run, and some of the others.
func (w *walk) watching(s *run.Snapshot) {
	left, others := 0, 0
	for _, m := range s.Run.Watched() {
		if !m.Red() && !m.Held() {
			if others++; others > mostMonitors {
				left++
				continue
			}
		}
		w.p.printf("    monitor %s\n", report.WatchLine(s.Run, m, s.At))
	}
	if left > 0 {
		w.p.printf("    and %s more, green: monitors\n", wording.Counted(left, "monitor"))
	}
}

// held tells which monitors hold the run, since when they were red, and what the
// samples that decided saw.
func (w *walk) held(s *run.Snapshot) {
	zone := s.At.Location()
	for _, m := range s.Run.Held() {
		w.p.printf("    monitor %s\n", report.WatchLine(s.Run, m, s.At))
		for _, e := range m.Episodes {
			if e.Reason != "" {
				continue
			}
			w.p.printf("      %s, not good since %s\n", wording.Episode(&e, zone), e.Turned.Since.In(zone).Format(time.TimeOnly))
			w.p.decided(e.Turned)
		}
	}
	w.p.printf("    nothing of the runbook goes on until somebody has acknowledged that; `monitors` shows all of it\n")
}

// holding are the monitors that hold the run.
func holding(r *run.Run) (out []run.Watch) {
	for _, m := range r.Held() {
		out = append(out, m.Watch)
	}
	return out
}

// redNow is a monitor that is red; nil: none is.
func redNow(r *run.Run) *run.Monitor {
	all := r.Watched()
	if i := slices.IndexFunc(all, (*run.Monitor).Red); i >= 0 {
		return all[i]
	}
	return nil
}

// monitor is what an unattended run waits for that a monitor holds.
func (a *auto) monitor(s *run.Snapshot) *Waiting {
	w := a.waiting(s, string(run.WaitMonitor), "a monitor was red; a person acknowledges it with a reason")
	if held := s.Run.Held(); len(held) > 0 {
		m := held[0]
		w.Step, w.Host = m.Watch.Monitor, m.Where
		w.Why = wording.Line(report.WatchLine(s.Run, m, s.At)) + "; a person acknowledges it with a reason"
	}
	return w
}
