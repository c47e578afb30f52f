package gate

import (
	"slices"
	"time"

	"stepgate/runbook/run"
	"stepgate/tui/wording"
)

// mostReds is of how many monitors a gate tells that they were red.
const mostReds = 4

// monitors says which monitors are or were red in this run, and who has acknowledged
// that: the latest first. That one has become good since is nothing to be read anew.
func (b *content) monitors() {
	var reds []*run.Monitor
	for _, m := range b.d.run.Monitors() {
		if len(m.Episodes) > 0 {
			reds = append(reds, m)
		}
	}
	slices.SortStableFunc(reds, func(x, y *run.Monitor) int { return latest(y).At.Compare(latest(x).At) })
	zone := b.d.appeared.Location()
	for i, m := range reds[:min(len(reds), mostReds)] {
		e := latest(m)
		said := wording.Monitor(m.Watch) + " turned red at " + e.At.In(zone).Format(time.TimeOnly)
		if ack := wording.Acknowledged(e, zone); ack != "" {
			said += "; " + ack
		}
		lines := b.say(b.Warning, said)
		if i == 0 {
			b.block(lines)
		} else {
			b.add(lines...)
		}
		watch := m.Watch
		b.add("")
		b.moving = append(b.moving, moving{len(b.lines) - 1, func(now time.Time) string {
			m := b.d.snap.Run.Monitor(watch)
			if m == nil || m.Red() {
				return b.Bad.Render("  it is red still")
			}
			return b.Muted.Render("  good again since " + latest(m).Green.In(now.Location()).Format(time.TimeOnly))
		}})
	}
}

// latest is the last time in which a monitor was red.
func latest(m *run.Monitor) *run.Episode { return &m.Episodes[len(m.Episodes)-1] }
