package run

import (
	"cmp"
	"slices"
	"time"

	"stepgate/runbook"
)

// RoleKeep is the role of a process that is kept alive beside the run, but for the
// first start of a background command, which is [RoleCommand]'s: a later start of it,
// and each of a monitor that is read line by line.
const RoleKeep Role = "background"

// BackgroundUp says that a background process runs.
type BackgroundUp struct {
	Cell    Key    `json:"cell"`
	Attempt string `json:"attempt"`
}

// BackgroundDown says that a background process has ended, or what is left of it when
// that can't be known. It is always the last word about a start.
type BackgroundDown struct {
	Cell    Key    `json:"cell"`
	Attempt string `json:"attempt"`
	Exit    *int   `json:"exit,omitempty"` // nil: its host can't tell
	// Ended: it was ended from here, as its section was over, the run was left, or it
	// was to be started anew.
	Ended bool   `json:"ended,omitempty"`
	Why   string `json:"why,omitempty"`
}

func (BackgroundUp) event()   {}
func (BackgroundDown) event() {}

// Background is a process beside the run: a background command, or a monitor that is
// read line by line.
type Background struct {
	Cell    *Cell
	Fence   *runbook.Fence
	Monitor *Monitor // nil: the cell's command
	Where   string
	// Latest is its latest start; nil: none.
	Latest *Attempt
}

// Up reports whether the process runs, as far as is known.
func (b Background) Up() bool {
	return b.Latest != nil && b.Latest.alive() && !b.Latest.Up.IsZero() && !b.Latest.Stray
}

// alive reports whether a start of a background process may be running.
func (a *Attempt) alive() bool { return a.Down == nil }

// Backgrounds are the processes that are to be kept alive now, in the plan's order:
// background commands whose step runs or has succeeded, and monitors that are read
// line by line, of sections that are still open.
func (r *Run) Backgrounds() []Background {
	if r.Closed != "" {
		return nil
	}
	var out []Background
	for _, i := range r.posts.commands {
		if b := r.commandOf(r.Cells[i]); r.keeping(b.Cell) {
			out = append(out, b)
		}
	}
	for i := range r.posts.list {
		if p := &r.posts.list[i]; p.fence.Background && r.sampling(p) {
			out = append(out, r.readBy(i))
		}
	}
	return out
}

// Strays are the background processes that may be running and are not to: nobody wants
// them any longer, or whoever started them is gone. They are to be ended.
func (r *Run) Strays() []Background {
	var out []Background
	for _, i := range r.posts.commands {
		c := r.Cells[i]
		if len(c.Attempts) == 0 {
			continue
		}
		if b := r.commandOf(c); b.Latest != nil && b.Latest.alive() && (b.Latest.Stray || r.Closed != "" || !r.keeping(c)) {
			out = append(out, b)
		}
	}
	for i := range r.posts.list {
		p := &r.posts.list[i]
		if !p.fence.Background {
			continue
		}
		if b := r.readBy(i); b.Latest != nil && b.Latest.alive() && (b.Latest.Stray || r.Closed != "" || !r.sampling(p)) {
			out = append(out, b)
		}
	}
	return out
}

// commandOf is the process of a cell's background command.
func (r *Run) commandOf(c *Cell) Background {
	b := Background{Cell: c, Fence: c.Plan.Step.Book.Command, Where: c.Key.Target, Latest: c.LatestStart("", "")}
	if b.Latest != nil {
		b.Where = b.Latest.Intent.Dispatch.Where
	}
	return b
}

// readBy is the process of the monitor at an index of the plan's.
func (r *Run) readBy(i int) Background {
	m := r.monitorAt(i)
	c := r.CellOf(m.Cell)
	return Background{Cell: c, Fence: m.Fence, Monitor: m, Where: m.Where, Latest: c.LatestStart(m.Watch.Monitor, m.Where)}
}

// keeping reports whether the process of a cell's background command is to run.
func (r *Run) keeping(c *Cell) bool {
	return c.keeps && (c.Status == Running || c.Status == Succeeded) && r.notEntered(c) == "" && !r.settledAround(c.Plan.Step)
}

// LatestStart is the latest start of a monitor's process at a place, or with "" of the
// cell's background command; nil: none.
func (c *Cell) LatestStart(monitor, where string) *Attempt {
	var latest *Attempt
	if monitor == "" && c.background() {
		latest = c.Attempt(RoleCommand)
	}
	for _, a := range slices.Backward(c.Keeps) {
		if a.Intent.Monitor == monitor && (monitor == "" || a.Intent.Dispatch.Where == where) {
			if latest == nil || a.Intent.No > latest.Intent.No {
				latest = a
			}
			break
		}
	}
	return latest
}

// NextNo is the number of the cell's next attempt: starts in the background have
// numbers of the same row.
func (c *Cell) NextNo() int { return len(c.Attempts) + len(c.Keeps) + 1 }

// background reports whether the cell's command is a background process.
func (c *Cell) background() bool {
	cmd := c.Plan.Step.Book.Command
	return cmd != nil && cmd.Background && c.AdHoc == nil
}

// Beside reports whether an attempt of the cell is a start of a background process,
// which has no outcome: it is up, and then down.
func (c *Cell) Beside(a *Attempt) bool {
	return a != nil && (a.Intent.Role == RoleKeep || a.Intent.Role == RoleCommand && c.background())
}

// Starting reports whether the cell's background command has been sent and wasn't seen
// to run yet.
func (c *Cell) Starting() bool {
	a := c.inFlight()
	return c.Status == Running && c.background() && a != nil && a.Up.IsZero()
}

// lingers reports whether a process of the cell's background command may be alive that
// is to have ended before the command, or its rollback, is sent.
func (c *Cell) lingers() bool {
	if !c.background() || c.Status == Running || c.Status == Succeeded {
		return false
	}
	a := c.LatestStart("", "")
	return a != nil && a.alive()
}

// keepsUp says why a start in the background isn't allowed, or "".
func (r *Run) keepsUp(c *Cell, e Intent) string {
	var b Background
	if e.Monitor == "" {
		if !r.keeping(c) || !c.background() {
			return "its process is not to run"
		}
		b = r.commandOf(c)
		if b.Latest.Intent.Dispatch.Hash("") != e.Dispatch.Hash("") {
			return "what would run is not what was started before"
		}
	} else {
		i, ok := r.posts.byWatch[Watch{e.Monitor, e.Dispatch.Where}]
		if !ok {
			return "the plan has no such monitor there"
		}
		p := &r.posts.list[i]
		if !p.fence.Background || !r.sampling(p) {
			return "its process is not to run"
		}
		if b = r.readBy(i); b.Cell.Key != c.Key {
			return "the monitor is another step's"
		}
	}
	if b.Latest != nil && b.Latest.alive() {
		return "the start before it has not ended"
	}
	return ""
}

// besideEvent is what becomes of a background process.
func (c *Cell) besideEvent(ev Event, at time.Time) string {
	_, id := KeyOf(ev)
	a := c.ownStart(id)
	switch {
	case a == nil:
		return "it is not about a start of a background process"
	case a.Down != nil:
		return "that has ended"
	}
	first := c.Status == Running && c.Latest() == a
	switch e := ev.(type) {
	case BackgroundUp:
		if !a.Up.IsZero() {
			return "it is up already"
		}
		a.Up = at
		if first && !c.hasAfter() {
			c.Status = Succeeded
		}
	case BackgroundDown:
		a.Down, a.Ended = &e, at
		c.down(a, e, first)
	}
	return ""
}

// down is what the end of a process is to a cell whose checks aren't through: it is
// started again if it ran once.
func (c *Cell) down(a *Attempt, e BackgroundDown, first bool) {
	switch {
	case c.Status != Running || !c.background() || a.Intent.Monitor != "":
		return
	case e.Ended:
		c.Status, c.Reason = Failed, EndedHere
	case first && a.Up.IsZero() && e.Exit == nil:
		c.Status, c.Reason = Failed, HostDied
	case first && a.Up.IsZero():
		c.Status, c.Reason = Failed, ExitCode
	default:
		return
	}
	c.Detail = cmp.Or(e.Why, c.Detail)
}

// ownStart is a start of a background process, to be changed; nil: the cell has no
// such.
func (c *Cell) ownStart(id string) *Attempt {
	for _, of := range []*[]*Attempt{&c.Attempts, &c.Keeps} {
		for i, a := range slices.Backward(*of) {
			if a.Intent.Attempt == id && c.Beside(a) {
				n := *a
				*of = slices.Clone(*of)
				(*of)[i] = &n
				return &n
			}
		}
	}
	return nil
}

// strays is what a new driver finds of the cell's background processes: whoever
// started them is gone, so they are to be ended.
func (c *Cell) strays() {
	for _, of := range [][]*Attempt{c.Attempts, c.Keeps} {
		for _, a := range of {
			if c.Beside(a) && a.alive() && !a.Stray {
				c.ownStart(a.Intent.Attempt).Stray = true
			}
		}
	}
}
