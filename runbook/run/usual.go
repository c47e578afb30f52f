package run

import (
	"slices"
	"time"

	"stepgate/checks"
)

// Usual says how long steps took in earlier runs: the median over all their places of
// the time from a command's intent, or from the first taking of a step made of checks,
// to what settled it. Keys are [Key.StepID]. What failed, was retried or was settled by
// a person doesn't count, nor does the time in which a person was waited for.
func Usual(runs [][]Record) map[string]time.Duration {
	took := map[string][]time.Duration{}
	for _, records := range runs {
		for k, d := range spans(records) {
			took[k.StepID()] = append(took[k.StepID()], d)
		}
	}
	usual := make(map[string]time.Duration, len(took))
	for id, all := range took {
		slices.Sort(all)
		usual[id] = all[len(all)/2]
	}
	return usual
}

// span is a cell of a past run while its events are read.
type span struct {
	begun time.Time
	took  time.Duration
	tries int
	bad   bool
}

// spans is how long each cell of a run took that succeeded at its first attempt.
func spans(records []Record) map[Key]time.Duration {
	cells := map[Key]*span{}
	at := func(k Key) *span {
		if cells[k] == nil {
			cells[k] = &span{}
		}
		return cells[k]
	}
	for _, rec := range records {
		switch e := rec.Event.(type) {
		case LeaseTaken: // what was under way may have been waited for by nobody
			for _, s := range cells {
				s.bad = s.bad || s.took == 0
			}
		case Interrupted:
			at(e.Cell).bad = true
		case Intent:
			if e.Role == RoleCommand {
				s := at(e.Cell)
				s.begun, s.took = rec.Wall, 0
				s.tries++
			}
		case Outcome:
			if s := cells[e.Cell]; s != nil && s.tries > 0 {
				s.took = rec.Wall.Sub(s.begun)
				s.bad = s.bad || e.Verdict != checks.Pass
			}
		case ChecksTaken:
			s := at(e.Cell)
			switch {
			case e.Phase == After && s.tries > 0:
				s.took = rec.Wall.Sub(s.begun)
				s.bad = s.bad || e.Verdict() != checks.Pass
			case e.Phase == Before && s.tries == 0:
				s.took = longest(e)
				s.bad = e.Verdict() != checks.Pass
			}
		default:
		}
	}
	out := map[Key]time.Duration{}
	for k, s := range cells {
		if !s.bad && s.tries <= 1 && s.took > 0 {
			out[k] = s.took
		}
	}
	return out
}

// longest is how long checks took that were taken side by side.
func longest(e ChecksTaken) (d time.Duration) {
	for _, c := range e.Checks {
		d = max(d, time.Duration(c.TookMS)*time.Millisecond)
	}
	return d
}
