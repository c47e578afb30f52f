package report

import (
	"fmt"
	"slices"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// process is a background command, or a monitor that is read line by line, with its
// starts.
type process struct {
	run.Watch // whose Monitor is empty for a command
	cell      *run.Cell
	name      string
	starts    []*run.Attempt
}

// background reports whether the cell's command is kept alive beside the run.
func background(c *run.Cell) bool {
	cmd := c.Plan.Step.Book.Command
	return cmd != nil && cmd.Background
}

// processesOf are the background processes of a run, in walking order.
func processesOf(r *run.Run) (out []process) {
	for _, c := range walked(r, r.Plan.Root) {
		out = append(out, processesAt(r, c)...)
	}
	return out
}

// processesAt are the background processes that a cell has started.
func processesAt(r *run.Run, c *run.Cell) (own []process) {
	add := func(a *run.Attempt) {
		of := run.Watch{Monitor: a.Intent.Monitor, Where: a.Intent.Dispatch.Where}
		i := slices.IndexFunc(own, func(p process) bool { return p.Watch == of })
		if i < 0 {
			p := process{Watch: of, cell: c, name: name(r, c.Key)}
			if of.Monitor != "" {
				p.name = watchName(of)
			}
			own, i = append(own, p), len(own)
		}
		own[i].starts = append(own[i].starts, a)
	}
	for _, a := range c.Attempts {
		if background(c) && a.Intent.Role == run.RoleCommand {
			add(a)
		}
	}
	for _, a := range c.Keeps {
		add(a)
	}
	return own
}

// Starts of a process that are told: of many the first and the last.
const firstStarts, lastStarts = 10, 10

// shortened leaves out starts in the middle of many; nil stands for them.
func shortened(starts []*run.Attempt) []*run.Attempt {
	if len(starts) <= firstStarts+lastStarts+1 {
		return starts
	}
	return slices.Concat(starts[:firstStarts], []*run.Attempt{nil}, starts[len(starts)-lastStarts:])
}

// lived says from when to when a process ran, and why it ended.
func lived(a *run.Attempt, zone *time.Location) string {
	clock := func(t time.Time) string { return t.In(zone).Format(time.TimeOnly) }
	switch {
	case a.Down == nil && a.Up.IsZero():
		return "not seen to run"
	case a.Down == nil:
		return "up since " + clock(a.Up)
	case a.Up.IsZero():
		return "not seen to run, " + downed(*a.Down)
	}
	return fmt.Sprintf("up %s – %s, %s, %s", clock(a.Up), clock(a.Ended), text.Duration(a.Ended.Sub(a.Up)), downed(*a.Down))
}

// downed says how a background process ended.
func downed(e run.BackgroundDown) string {
	said := "ended by itself"
	if e.Ended {
		said = "ended by Stepgate"
	}
	switch {
	case e.Exit != nil && !e.Ended:
		said += fmt.Sprintf(", exit %d", *e.Exit)
	case e.Exit == nil && !e.Ended:
		said = "gone, its host doesn't know how it ended"
	}
	return said + suffix(": ", e.Why)
}
