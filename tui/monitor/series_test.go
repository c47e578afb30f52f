package monitor

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

var epoch = time.Date(2026, 3, 14, 22, 0, 0, 0, time.UTC)

// ages is before and behind everything.
var ages = [2]time.Time{{}, epoch.AddDate(100, 0, 0)}

const book = `+++
title = "Watched"
+++
# Watched

` + "```sh {#writes .monitor every=1s}\nw\n```\n```capture\nrate = number(stdout)\n```" + `

- [ ] One {#one}

  ` + "```sh\n  one\n  ```" + `
`

var watch = run.Watch{Monitor: "writes", Where: plan.Local}

// watched is a run whose monitor has begun.
func watched(t testing.TB) (*plan.Plan, *run.Run) {
	t.Helper()
	b, ds := runbook.Parse("book.md", []byte(book), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	p, ds := plan.New(b, nil, &inventory.Inventory{})
	if p == nil {
		t.Fatal(ds)
	}
	r := apply(t, p, nil, run.RunStarted{Title: p.Title})
	r = apply(t, p, r, run.LeaseTaken{Holder: "li"})
	return p, apply(t, p, r, run.WatchBegun{Cell: r.Cells[0].Key})
}

func apply(t testing.TB, p *plan.Plan, r *run.Run, ev run.Event) *run.Run {
	t.Helper()
	var seq uint64
	if r != nil {
		seq = r.Seq
	}
	n, err := run.Apply(p, r, run.Record{RunID: "7k2m", Seq: seq + 1, Epoch: 1, Wall: epoch, Actor: "li", Event: ev})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// batch draws samples that begin then, or after a time in which nobody watched.
func batch(t *rapid.T, from time.Time) run.Samples {
	s := run.Samples{Watch: watch, From: from, Numbers: map[string][]*float64{}}
	if rapid.IntRange(0, 5).Draw(t, "hole") == 0 {
		s.From = from.Add(time.Duration(rapid.IntRange(1, 90_000).Draw(t, "unwatched")) * time.Millisecond)
	}
	for range rapid.IntRange(0, 40).Draw(t, "samples") {
		s.After = append(s.After, int64(rapid.IntRange(1, 3000).Draw(t, "after")))
		s.Verdicts += rapid.SampledFrom([]string{"p", "p", "p", "f", "u"}).Draw(t, "verdict")
		var v *float64
		if n := rapid.IntRange(-3, 100).Draw(t, "number"); n >= 0 {
			f := float64(n)
			v = &f
		}
		s.Numbers["rate"] = append(s.Numbers["rate"], v)
	}
	s.Rest = int64(rapid.IntRange(0, 900).Draw(t, "rest"))
	return s
}

// What a series says is what the run's own sums say, whatever came into the journal
// when, and whatever was only seen before it did.
func TestSeriesIsTheRunsOwnSum(t *testing.T) {
	t.Parallel()
	p, begun := watched(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := begun
		var b Board
		var fresh []run.Samples
		end := epoch
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0: // into the journal
				r = apply(t, p, r, run.SampleBatch{Reserved: r.SampleNumbers, Samples: fresh})
				fresh = nil
			default:
				s := batch(rt, end)
				fresh, end = append(fresh, s), s.Until()
			}
			if rapid.Bool().Draw(rt, "looked at") {
				continue
			}
			seen := r.Sampled(fresh)
			b.Set(&run.Snapshot{Run: seen})
			agree(rt, b.Of(watch), seen.Monitor(watch), end)
		}
	})
}

// agree compares a series with the monitor that it is of.
func agree(t *rapid.T, s *Series, m *run.Monitor, end time.Time) {
	want, got := m.Sum(ages[0], ages[1]), s.Sum()
	numbers := want.Captures["rate"]
	want.Captures, got.Captures = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if got := s.Numbers(); m.Drawn() != "" && (got.Count != numbers.Count || got.Min != numbers.Min || got.Max != numbers.Max || got.Last != numbers.Last) {
		t.Fatalf("numbers: got %+v, want %+v", got, numbers)
	}
	if got, want := s.Gaps(ages[0], ages[1]), m.Gaps(ages[0], ages[1]); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("gaps: got %v, want %v", got, want)
	}
	var latest []run.Sample
	for one := range m.All(ages[0], ages[1]) {
		latest = append(latest, one)
	}
	n := rapid.IntRange(0, 50).Draw(t, "latest")
	var back []run.Sample
	for _, one := range s.Latest(n) {
		if !one.At.IsZero() {
			back = append(back, one)
		}
	}
	if want := latest[max(len(latest)-len(back), 0):]; len(back) > n || fmt.Sprint(back) != fmt.Sprint(want) {
		t.Fatalf("latest: got %v, want %v", back, want)
	}
	width := rapid.SampledFrom(widths[3:9]).Draw(t, "width")
	from := epoch.Add(time.Duration(rapid.Int64Range(-100, int64(end.Sub(epoch)/time.Second)).Draw(t, "from")) * time.Second).Truncate(width)
	cols := s.Columns(width, from, 40)
	for i := range cols {
		a := from.Add(time.Duration(i) * width)
		z := a.Add(width - 1)
		want := m.Sum(a, z)
		c := &cols[i]
		if c.Samples != want.Samples || c.Failed != want.Failures || c.Unknown != want.Unknown {
			t.Fatalf("column %d of %v from %v: got %+v, want %+v", i, width, a, *c, want)
		}
		if d := c.Unseen - want.Unobserved; d < 0 || d > 1 {
			t.Fatalf("column %d of %v from %v: nobody watched for %v, want %v", i, width, a, c.Unseen, want.Unobserved)
		}
		if n := want.Captures["rate"]; m.Drawn() != "" && (c.Good.Count != n.Count || c.Good.Min != n.Min || c.Good.Max != n.Max) {
			t.Fatalf("column %d of %v: got %+v, want %+v", i, width, c.Good, n)
		}
	}
}

// A chart has the size it was asked for, whatever was sampled and however long.
func TestChartsFit(t *testing.T) {
	t.Parallel()
	p, begun := watched(t)
	rapid.Check(t, func(rt *rapid.T) {
		r, end := begun, epoch
		for range rapid.IntRange(0, 6).Draw(rt, "batches") {
			s := batch(rt, end.Add(time.Duration(rapid.Int64Range(0, 1e6).Draw(rt, "later"))*time.Second))
			r, end = apply(t, p, r, run.SampleBatch{Reserved: r.SampleNumbers, Samples: []run.Samples{s}}), s.Until()
		}
		var b Board
		b.Set(&run.Snapshot{Run: r})
		var v View
		now := end.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "now")) * time.Second)
		for range rapid.IntRange(1, 5).Draw(rt, "keys") {
			switch rapid.IntRange(0, 3).Draw(rt, "key") {
			case 0:
				v.Zoom()
			case 1:
				v.Move(&b, rapid.IntRange(-20, 20).Draw(rt, "eighths"), now)
			case 2:
				v.First(&b, now)
			}
			w, h := rapid.IntRange(56, 220).Draw(rt, "w"), rapid.IntRange(11, 60).Draw(rt, "h")
			out := strings.Split(v.Render(&b, Look{Theme: dark, Now: now}, w, h), "\n")
			if len(out) != h {
				rt.Fatalf("%d lines of %d", len(out), h)
			}
			for _, l := range out {
				if got := width(l); got != w {
					rt.Fatalf("a line has %d cells of %d: %q", got, w, l)
				}
			}
		}
	})
}
