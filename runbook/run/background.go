package run

import (
	"slices"

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
// that can't be known.
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

// Background is a process that is to be kept alive beside the run: a background
// command whose step runs or has succeeded, or a monitor that is read line by line.
type Background struct {
	Cell    *Cell
	Fence   *runbook.Fence
	Monitor *Monitor // nil: the cell's command
	Where   string
	// Latest is its latest start; nil: none. It is up when Up and not Down is set.
	Latest *Attempt
}

// Up reports whether the process runs, as far as is known.
func (b Background) Up() bool {
	return b.Latest != nil && !b.Latest.Up.IsZero() && b.Latest.Down == nil
}

// Backgrounds are the processes that are to be kept alive now, in the plan's order:
// those of sections that are still open.
func (r *Run) Backgrounds() []Background {
	if r.Closed != "" {
		return nil
	}
	var out []Background
	for _, c := range r.Cells {
		cmd := c.Plan.Step.Book.Command
		if cmd == nil || !cmd.Background || !c.kept() || settled(r.under(parent(c.Key.Step))) {
			continue
		}
		out = append(out, Background{Cell: c, Fence: cmd, Where: c.Attempt(RoleCommand).Intent.Dispatch.Where, Latest: c.latestKeep("", "")})
	}
	for _, m := range r.Watched() {
		if m.Fence.Background {
			c := r.CellOf(m.Cell)
			out = append(out, Background{Cell: c, Fence: m.Fence, Monitor: m, Where: m.Where, Latest: c.latestKeep(m.Watch.Monitor, m.Where)})
		}
	}
	return out
}

// kept reports whether the process of the cell's background command is to run.
func (c *Cell) kept() bool {
	return c.Attempt(RoleCommand) != nil && (c.Status == Running || c.Status == Succeeded)
}

// latestKeep is the latest start of a monitor's process at a place, or of the cell's
// background command; nil: none.
func (c *Cell) latestKeep(monitor, where string) *Attempt {
	for _, a := range slices.Backward(c.Keeps) {
		if a.Intent.Monitor == monitor && (where == "" || a.Intent.Dispatch.Where == where) {
			return a
		}
	}
	if monitor == "" {
		return c.Attempt(RoleCommand)
	}
	return nil
}
