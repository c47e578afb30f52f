package wording

import (
	"fmt"
	"strings"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Batch names a batch of a walk, by its index: canary, batch 2 of 5.
func Batch(ro run.Rolling, i int) string {
	first := 0
	if ro.Canary {
		first = 1
	}
	if i < first {
		return "canary"
	}
	return fmt.Sprintf("batch %d of %d", i-first+1, len(ro.Batches)-first)
}

// Batched says where a walk stands that goes by batches: its batch, and which
// instances that is; "" where one instance follows the other.
func Batched(n *plan.Walk, ro run.Rolling) string {
	at := ro.At()
	if at < 0 || n.Batch <= 1 && !ro.Canary {
		return ""
	}
	if ro.Entered == len(ro.Batches) && len(ro.Settled) == len(n.Keys) {
		return "all batches are through"
	}
	keys := ro.Batches[at]
	said := make([]string, 0, len(keys))
	for _, k := range keys[:min(len(keys), batchNames)] {
		said = append(said, Line(k))
	}
	if more := len(keys) - len(said); more > 0 {
		said = append(said, More(more))
	}
	where := ""
	if at >= ro.Entered {
		where = "next, "
	}
	return where + Batch(ro, at) + ": " + strings.Join(said, ", ")
}

// batchNames is how many instances of a batch are named.
const batchNames = 3

// Soaks says how long the canary of a walk soaks yet, at a time; "" when it
// doesn't.
func Soaks(ro run.Rolling, now time.Time) string {
	left := ro.Soaked.Sub(now)
	if ro.Soaked.IsZero() || left <= 0 {
		return ""
	}
	return "the canary soaks, " + text.Duration((left + time.Second - 1).Truncate(time.Second)) + " left"
}

// Failures says how many of the instances that may fail have failed or were
// taken out; "" when none may and none has.
func Failures(n *plan.Walk, ro run.Rolling) string {
	switch most := n.Each.MaxFailures; {
	case most > 0:
		return fmt.Sprintf("%d of %d failures used", ro.Failures, most)
	case ro.Failures == 1:
		return "1 failure, none is allowed"
	case ro.Failures > 1:
		return fmt.Sprintf("%d failures, none is allowed", ro.Failures)
	}
	return ""
}

// Ordered says in which order a walk takes its instances; "" where it is the
// order in which the inventory, or the list, has them.
func Ordered(r *run.Run, n *plan.Walk) string {
	switch {
	case n.Each.OrderBy == nil:
		return ""
	case r.Orders[n.ID] == nil:
		return "to be ordered by " + Line(n.Each.OrderBy.Text)
	}
	return "ordered by " + Line(n.Each.OrderBy.Text)
}

// Stopping says what is finished before the run pauses, when that was asked for.
func Stopping(s *run.Snapshot) string {
	if s.Stop == "" || s.Wait == run.WaitClosed {
		return ""
	}
	what, name := Open(s.Run, s.Stop)
	return "pauses after " + strings.TrimSpace(what+" "+name)
}
