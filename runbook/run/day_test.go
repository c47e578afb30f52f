package run

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

// watchedFor is a run of a plan of so many cells, with three monitors that have been
// sampled once a second for so long.
func watchedFor(t testing.TB, cells int, long time.Duration) *world {
	t.Helper()
	book := &runbook.Runbook{File: "r.md", Annotated: true, Root: &runbook.Section{}, Prelude: map[string]string{}}
	for i := range 3 {
		f := monitor(fmt.Sprintf("m%d", i))
		book.Root.Items = append(book.Root.Items, &runbook.Step{ID: f.ID, Kind: runbook.Watch, Monitors: []*runbook.Fence{f}})
	}
	for i := range cells - 3 {
		id := fmt.Sprintf("s%d", i)
		book.Root.Items = append(book.Root.Items, &runbook.Step{ID: id, Title: id, Kind: runbook.Run, Command: fence("do")})
	}
	p, ds := plan.New(book, nil, &inventory.Inventory{})
	if p == nil {
		t.Fatal(ds)
	}
	w := newWorld(t, p)
	for i := range 3 {
		if err := w.add(WatchBegun{Cell: w.r.Cells[i].Key}); err != nil {
			t.Fatal(err)
		}
	}
	for range int(long / (10 * time.Second)) {
		n, err := Apply(p, w.r, w.record(w.tenSeconds()))
		if err != nil {
			t.Fatal(err)
		}
		w.r, w.records = n, append(w.records, Record{})
	}
	return w
}

// tenSeconds is the batch that comes next.
func (w *world) tenSeconds() SampleBatch {
	e := SampleBatch{Reserved: w.r.SampleNumbers + 30}
	for _, m := range w.r.Watched() {
		s := w.samples(m, strings.Repeat("p", 10), 0)
		values := make([]*float64, 10)
		for i := range s.After {
			s.After[i], values[i] = 1000, new(float64(i))
		}
		s.Numbers = map[string][]*float64{"rate": values}
		e.Samples = append(e.Samples, s)
	}
	return e
}

// What a batch of samples costs doesn't depend on how many were there before, nor does a
// day of them cost much memory.
func TestABatchCostsTheSameAfterADay(t *testing.T) {
	cost := func(long time.Duration) uint64 {
		w := watchedFor(t, 50, long)
		rec := w.record(w.tenSeconds())
		least := ^uint64(0)
		for range 5 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := Apply(w.p, w.r, rec); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		if n := w.r.Monitors()[0].Sum(t0, endless).Samples; n != int(long/time.Second) {
			t.Fatalf("%d samples after %s", n, long)
		}
		return least
	}
	// Both have as many samples that are joined with the new ones.
	hour, day := cost(time.Hour), cost(time.Hour+40*5120/10*time.Second)
	if day > hour+20<<10 {
		t.Errorf("a batch costs %d bytes after an hour, and %d after a day", hour, day)
	}
}

func BenchmarkSampleBatchAfterADay(b *testing.B) {
	w := watchedFor(b, 5000, 24*time.Hour)
	rec := w.record(w.tenSeconds())
	for b.Loop() {
		if _, err := Apply(w.p, w.r, rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNextBesideMonitors(b *testing.B) {
	w := watchedFor(b, 5000, 24*time.Hour)
	for b.Loop() {
		Next(w.r)
	}
}

func BenchmarkWatched(b *testing.B) {
	w := watchedFor(b, 5000, 24*time.Hour)
	for b.Loop() {
		w.r.Watched()
	}
}

func BenchmarkSumOfADay(b *testing.B) {
	m := watchedFor(b, 10, 24*time.Hour).r.Monitors()[0]
	for b.Loop() {
		m.Sum(t0, endless)
	}
}
