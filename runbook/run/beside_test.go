package run

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"stepgate/runbook"
)

func monitor(id string) *runbook.Fence {
	f := fence("beat")
	f.Monitor, f.ID = true, id
	return f
}

// drawBeside gives a step monitors, or makes its command one that is kept alive.
func drawBeside(t *rapid.T, s *runbook.Step) {
	if s.Kind == runbook.Watch || oneIn(t, 4, "monitor") {
		f := monitor(s.ID)
		f.Background = oneIn(t, 3, "line by line")
		if oneIn(t, 4, "at a pair") {
			f.On = "pair"
		}
		s.Monitors = append(s.Monitors, f)
		if oneIn(t, 4, "another monitor") {
			s.Monitors = append(s.Monitors, monitor("m"+s.ID))
		}
	}
	if s.Command != nil && !s.Irreversible && s.Command.Reconnect == 0 && oneIn(t, 4, "background") {
		s.Command.Background, s.Command.Parallel = true, 0
	}
}

// keep is the next start of a process that is to be kept alive.
func (w *world) keep(b Background) Intent {
	e := Intent{Cell: b.Cell.Key, Role: RoleKeep, No: w.r.Cell(b.Cell.Key).NextNo(), Host: Identity{MachineID: "m", BootID: "b1"}}
	if b.Monitor != nil {
		e.Monitor = b.Monitor.Watch.Monitor
		d, err := w.r.DispatchFence(b.Cell, b.Fence, b.Where, nil)
		if err != nil {
			panic(err)
		}
		e.Dispatch = d
	} else {
		e.Dispatch = b.Cell.Attempt(RoleCommand).Intent.Dispatch
	}
	e.Attempt = AttemptID(w.r.ID, b.Cell.Key, e.No, e.Dispatch.Hash("m"))
	return e
}

// downOf is that a start of a background process has ended, of the cell if it has one.
func (w *world) downOf(c *Cell, ended bool) BackgroundDown {
	for _, b := range slices.Concat(w.r.Strays(), w.r.Backgrounds()) {
		if b.Cell.Key == c.Key && b.Latest != nil && b.Latest.Down == nil {
			return BackgroundDown{Cell: c.Key, Attempt: b.Latest.Intent.Attempt, Ended: ended}
		}
	}
	return BackgroundDown{Cell: c.Key, Attempt: attemptOf(c), Ended: ended}
}

// samples are some of a monitor's, from when it was watched last on.
func (w *world) samples(m *Monitor, verdicts string, hole int) Samples {
	s := Samples{Watch: m.Watch, From: w.now, Verdicts: verdicts}
	if n := len(m.Samples); n > 0 {
		s.From = m.Samples[n-1].Until()
	}
	s.From = s.From.Add(time.Duration(hole) * time.Millisecond)
	for range verdicts {
		s.After = append(s.After, 10)
	}
	return s
}

// ack acknowledges all that hold the run.
func (w *world) ack() MonitorAcknowledged {
	e := MonitorAcknowledged{Reason: "seen"}
	for _, m := range w.r.Held() {
		e.Watches = append(e.Watches, m.Watch)
	}
	return e
}

// anyWatch is a monitor of the plan at one of its places, begun or not.
func (d drawn) anyWatch() *Monitor {
	if n := len(d.w.r.posts.list); n > 0 {
		return d.w.r.monitorAt((len(d.why) + int(d.w.r.Seq)) % n)
	}
	return &Monitor{Watch: Watch{"nothing", "a"}}
}

// besideMakers are the events of what goes on beside a run.
var besideMakers = map[string]func(d drawn) Event{
	"watch": func(d drawn) Event { return WatchBegun{Cell: d.c.Key, Gate: d.w.grant(d.c).Gate} },
	"sample": func(d drawn) Event {
		m := d.anyWatch()
		e := SampleBatch{Reserved: d.w.r.SampleNumbers + uint64(len(d.why))}
		verdicts := d.pick("verdicts", "p", "pf", "", "u", "ppp")
		for range 1 + len(d.why)%2 {
			e.Samples = append(e.Samples, d.w.samples(m, verdicts, 0))
			if !d.yes {
				break
			}
			e.Samples[0].Rest = 5
		}
		if d.odd {
			e.Samples[0].From = e.Samples[0].From.Add(-time.Millisecond)
		}
		return e
	},
	"turn": func(d drawn) Event {
		m := d.anyWatch()
		return MonitorTurned{Watch: m.Watch, Red: m.Red() == d.odd, Since: d.w.now}
	},
	"ack": func(d drawn) Event {
		e := d.w.ack()
		if d.odd {
			e.Reason = ""
		}
		return e
	},
	"up": func(d drawn) Event {
		for _, b := range d.w.r.Backgrounds() {
			if b.Latest != nil && b.Latest.Up.IsZero() && b.Latest.Down == nil && !d.odd {
				return BackgroundUp{Cell: b.Cell.Key, Attempt: b.Latest.Intent.Attempt}
			}
		}
		return BackgroundUp{Cell: d.c.Key, Attempt: d.attempt}
	},
	"down": func(d drawn) Event {
		e := d.w.downOf(d.c, d.yes)
		if d.odd {
			e.Exit = new(1)
		}
		return e
	},
	"keep": func(d drawn) Event {
		all := d.w.r.Backgrounds()
		if len(all) == 0 {
			return Intent{Cell: d.c.Key, Role: RoleKeep, No: d.c.NextNo(), Monitor: d.why}
		}
		e := d.w.keep(all[len(d.why)%len(all)])
		if d.odd {
			e.Dispatch.Body += " --force"
		}
		return e
	},
}

// heldUp checks against the journal alone that nothing of the plan began while a
// monitor was red, or had been, and nobody had acknowledged that.
func heldUp(t *rapid.T, w *world, before *Run, rec Record) {
	var k Key
	switch e := rec.Event.(type) {
	case Intent:
		if k = e.Cell; e.Role != RoleCommand {
			return
		}
	case GateGranted:
		k = e.Cell
	case ManualDone:
		k = e.Cell
	case Asked:
		k = e.Cell
	case WatchBegun:
		k = e.Cell
	case BatchEntered:
	case RunClosed:
		if e.How == Aborted {
			return
		}
	default:
		return
	}
	if c := before.Cell(k); c != nil && (c.AdHoc != nil || before.Called != nil && before.Called.Step == k.Step) {
		return
	}
	for w, red := range unacknowledged(w.records) {
		if red {
			t.Fatalf("%s of %s, and nobody has acknowledged that %s was red", Kind(rec.Event), k, w)
		}
	}
}

// unacknowledged are the monitors that were red since a person spoke of them last.
func unacknowledged(records []Record) map[Watch]bool {
	red := map[Watch]bool{}
	for _, rec := range records {
		switch e := rec.Event.(type) {
		case MonitorTurned:
			if e.Red {
				red[e.Watch] = true
			}
		case MonitorAcknowledged:
			for _, w := range e.Watches {
				delete(red, w)
			}
		}
	}
	return red
}

// oneProcess checks against the journal alone that a process is started when the one
// before it has ended, and that neither a command nor a rollback is sent beside it.
func oneProcess(t *rapid.T, w *world, rec Record) {
	e, ok := rec.Event.(Intent)
	if !ok {
		return
	}
	type name struct {
		k       Key
		monitor string
		where   string
	}
	of := func(e Intent) name {
		if e.Monitor == "" {
			return name{k: e.Cell}
		}
		return name{e.Cell, e.Monitor, e.Dispatch.Where}
	}
	alive := map[name]string{}
	for _, old := range w.records[:len(w.records)-1] {
		switch x := old.Event.(type) {
		case Intent:
			if w.r.Cell(x.Cell).Beside(&Attempt{Intent: x}) {
				alive[of(x)] = x.Attempt
			}
		case BackgroundDown:
			for n, id := range alive {
				if id == x.Attempt {
					delete(alive, n)
				}
			}
		}
	}
	if id := alive[of(e)]; id != "" {
		t.Fatalf("%s of %s is sent, and %s has not ended", e.Role, e.Cell, id)
	}
	if c := w.r.Cell(e.Cell); e.Role == RoleKeep && e.Monitor == "" && c.Status != Running && c.Status != Succeeded {
		t.Fatalf("%s is kept alive, and its step is %s", e.Cell, c.Status)
	}
}

// tended: what is to be kept alive or sampled is in an open section, and what may be
// alive is one or the other, kept or to be ended.
func tended(t *rapid.T, r *Run) {
	wanted := map[*Attempt]bool{}
	for _, b := range r.Backgrounds() {
		if settled(r.under(parent(b.Cell.Key.Step))) || r.Closed != "" {
			t.Fatalf("the process of %s is kept, and its section is settled", b.Cell.Key)
		}
		if b.Latest != nil && !b.Latest.Stray {
			wanted[b.Latest] = true
		}
	}
	for _, b := range r.Strays() {
		if wanted[b.Latest] {
			t.Fatalf("a process of %s is kept and to be ended", b.Cell.Key)
		}
		wanted[b.Latest] = true
	}
	for _, c := range r.Cells {
		for _, a := range slices.Concat(c.Attempts, c.Keeps) {
			if c.Beside(a) && a.Down == nil && !wanted[a] {
				t.Fatalf("attempt %d of %s may be alive, and nobody cares", a.Intent.No, c.Key)
			}
		}
	}
	for _, m := range r.Watched() {
		if settled(r.under(parent(m.Cell.Step.ID))) {
			t.Fatalf("%s is sampled, and its section is settled", m.Watch)
		}
		if r.Monitor(m.Watch) == nil {
			t.Fatalf("%s is sampled and not there", m.Watch)
		}
	}
	if r.Closed == Done && len(r.Held()) > 0 {
		t.Fatalf("the run is closed, and %s holds it", r.Held()[0].Watch)
	}
}

// beside lets go on what goes on beside the run: processes come up and end, monitors
// turn red and green.
func (d *driver) beside() {
	for _, b := range d.r.Backgrounds() {
		switch a := b.Latest; {
		case a != nil && a.Stray, b.Cell.Starting() && b.Monitor == nil:
		case a == nil || a.Down != nil:
			d.must(d.keep(b))
			d.must(BackgroundUp{Cell: b.Cell.Key, Attempt: d.r.Cell(b.Cell.Key).LatestStart(b.path(), b.Where).Intent.Attempt})
		case oneIn(d.t, 12, "ends"):
			d.must(BackgroundDown{Cell: b.Cell.Key, Attempt: a.Intent.Attempt, Exit: new(0)})
		}
	}
	watched := d.r.Watched()
	if len(watched) == 0 || !oneIn(d.t, 3, "samples") {
		return
	}
	m := rapid.SampledFrom(watched).Draw(d.t, "watch")
	red := d.bad("red")
	s := d.samples(m, map[bool]string{true: "pff", false: "up"}[red], 7)
	d.must(SampleBatch{Reserved: d.r.SampleNumbers + 3, Samples: []Samples{s}})
	if red != m.Red() {
		d.must(MonitorTurned{Watch: m.Watch, Red: red, Since: s.From})
	}
}

// path is the path of the monitor that the process is read for, or "".
func (b Background) path() string {
	if b.Monitor == nil {
		return ""
	}
	return b.Monitor.Watch.Monitor
}

// flightBeside is [driver.flight] of a background command that is being started.
func (d *driver) flightBeside(c *Cell) {
	if d.bad("start") {
		d.must(BackgroundDown{Cell: c.Key, Attempt: attemptOf(c), Exit: new(1)})
		return
	}
	d.must(BackgroundUp{Cell: c.Key, Attempt: attemptOf(c)})
}
