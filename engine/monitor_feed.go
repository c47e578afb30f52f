package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// reading is what a monitor showed once.
type reading struct {
	verdict checks.Verdict
	rows    []checks.Row
	cause   string // why it has no verdict
	numbers map[string]float64
	texts   map[string]json.RawMessage // of one that passed
}

// feed takes in what one watch shows, for the journal and the screen, and says when it
// turns red. Not for concurrent use.
type feed struct {
	e    *Engine
	w    run.Watch
	f    *runbook.Fence
	axis *axis
	cell *plan.Cell
	away string // the host for which the last sample couldn't be taken; empty: it could

	watched bool      // somebody watches now
	end     time.Time // up to when that is written down; of times in ms
	entry   *run.Samples
	take    uint64                     // in which entry can still be changed
	texts   map[string]json.RawMessage // written down so far

	red   bool
	good  time.Time     // the end of the last good sample, or since when it is watched
	bad   bool          // the last sample wasn't good
	badly time.Duration // for how long all were so, as far as it was watched
}

// feed takes up what a watch has shown so far; nil: the run has no such monitor.
func (e *Engine) feed(w run.Watch) *feed {
	m := e.state().Monitor(w)
	if m == nil {
		return nil
	}
	f := &feed{e: e, w: w, f: m.Fence, cell: m.Cell, red: m.Red(), texts: map[string]json.RawMessage{}}
	for _, s := range m.Samples {
		maps.Copy(f.texts, s.Texts)
		if f.good.IsZero() {
			f.good = s.From
		}
		f.end = s.From
		for i, ms := range s.After {
			at := f.end.Add(time.Duration(ms) * time.Millisecond)
			f.weigh(s.Verdicts[i] == 'p', at)
			f.end = at
		}
		f.end = s.Until()
	}
	f.axis = newAxis(e.o.Now, steady, f.end)
	return f
}

// weigh notes whether a sample that ended at a time was good. f.end is up to when it was
// watched before.
func (f *feed) weigh(good bool, at time.Time) {
	switch {
	case good:
		f.good, f.bad, f.badly = at, false, 0
	case f.bad:
		f.badly += at.Sub(f.end)
	default:
		f.bad, f.badly = true, 0
	}
}

// look gives the time. When more passed than was expected since the last look, or the
// machine slept, nobody watched in between, which the feed takes note of; missed says so.
func (f *feed) look(expected time.Duration) (at time.Time, missed bool) {
	at, gone := f.axis.look(expected)
	if gone > 0 {
		f.leave(at.Add(-gone))
	}
	return at, gone > 0
}

// begin says that the monitor is watched from a time on, if it isn't yet.
func (f *feed) begin(from time.Time) {
	if f.watched {
		return
	}
	f.watched, f.entry = true, nil
	if from = from.Truncate(time.Millisecond).UTC(); from.After(f.end) {
		f.end = from
	}
	if f.good.IsZero() {
		f.good = f.end
	}
}

// leave says that the monitor is watched up to a time, and not from then on. It may be
// said again.
func (f *feed) leave(until time.Time) {
	if !f.watched {
		return
	}
	f.watched = false
	rest := until.Sub(f.end).Milliseconds()
	if rest <= 0 {
		return
	}
	c := f.e.samples
	c.mu.Lock()
	f.open()
	f.entry.Rest, f.entry = rest, nil
	c.version++
	c.mu.Unlock()
	f.end = f.end.Add(time.Duration(rest) * time.Millisecond)
	signal(c.came)
}

// open makes sure that there is an entry that can be changed. Called with the
// collector's lock held.
func (f *feed) open() {
	c := f.e.samples
	if f.entry == nil || f.take != c.takes {
		f.entry, f.take = &run.Samples{Watch: f.w, From: f.end}, c.takes
		c.fresh = append(c.fresh, f.entry)
	}
}

// add takes in a sample that ended at a time. The monitor is watched.
func (f *feed) add(at time.Time, s reading) {
	ms := max(0, at.Sub(f.end).Round(time.Millisecond).Milliseconds())
	at = f.end.Add(time.Duration(ms) * time.Millisecond)
	since := f.good
	f.weigh(s.verdict == checks.Pass, at)
	c := f.e.samples
	c.mu.Lock()
	f.open()
	f.end = at
	f.entry.After = append(f.entry.After, ms)
	f.entry.Verdicts += string(letterOf(s.verdict))
	f.number(s.numbers)
	f.text(s.texts)
	c.counts[f.w]++
	first := c.counts[f.w] == 1 // since when it is watched survives a crash
	c.version++
	turned := f.turn(since, s)
	if turned != nil {
		c.turns = append(c.turns, *turned)
	}
	c.mu.Unlock()
	signal(c.came)
	signal(c.show)
	if turned != nil || first {
		signal(c.urgent)
	}
}

func letterOf(v checks.Verdict) byte {
	switch v {
	case checks.Pass:
		return 'p'
	case checks.Fail:
		return 'f'
	case checks.Unknown:
	}
	return 'u'
}

// number adds the captures of the entry's last sample.
func (f *feed) number(numbers map[string]float64) {
	before := len(f.entry.After) - 1
	for name := range numbers {
		if _, ok := f.entry.Numbers[name]; !ok {
			if f.entry.Numbers == nil {
				f.entry.Numbers = map[string][]*float64{}
			}
			f.entry.Numbers[name] = make([]*float64, before, before+1)
		}
	}
	for name, list := range f.entry.Numbers {
		var v *float64
		if n, ok := numbers[name]; ok {
			v = &n
		}
		f.entry.Numbers[name] = append(list, v)
	}
}

// text notes the captures that have other values than before.
func (f *feed) text(texts map[string]json.RawMessage) {
	for name, raw := range texts {
		if bytes.Equal(f.texts[name], raw) {
			continue
		}
		f.texts[name] = raw
		f.entry.Texts = maps.Clone(f.entry.Texts)
		if f.entry.Texts == nil {
			f.entry.Texts = map[string]json.RawMessage{}
		}
		f.entry.Texts[name] = raw
	}
}

// turn says whether a sample has turned the monitor red, or green again. since is the
// end of the last good one before it.
func (f *feed) turn(since time.Time, s reading) *run.MonitorTurned {
	switch {
	case f.red && !f.bad:
		f.red = false
		return &run.MonitorTurned{Watch: f.w, Since: f.good}
	case !f.red && f.bad && f.badly >= f.f.Grace:
		f.red = true
		return &run.MonitorTurned{Watch: f.w, Red: true, Since: since, Rows: s.rows, Cause: s.cause}
	}
	return nil
}

// full reports whether there is no more room for what it shows, as the journal is slow.
func (f *feed) full() bool {
	c := f.e.samples
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, s := range slices.Concat(c.flying, c.fresh) {
		if s.Watch == f.w {
			n += len(s.After)
		}
	}
	return n >= mostFresh
}

// close ends the watching at a time, and makes what was seen durable.
func (f *feed) close(ctx context.Context, until time.Time) {
	f.leave(until)
	_ = f.e.journalSamples(ctx) // what stands in the way latches, or is said by the next
}

// turnedRed says that a monitor is red, on a line.
func turnedRed(t run.MonitorTurned) string {
	why := t.Cause
	for _, r := range t.Rows {
		if r.Verdict != checks.Pass {
			why = strings.TrimSpace(r.Text + "   " + strings.TrimSpace(r.Saw+"   "+r.Cause))
			break
		}
	}
	return fmt.Sprintf("the monitor %s is red: %s", t.Watch, why)
}
