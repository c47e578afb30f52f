package tui

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"stepgate/runbook/run"
)

// long is a run of n steps, sections of ten, that stands in the middle.
func long(t testing.TB, n int) *story {
	t.Helper()
	var b strings.Builder
	b.WriteString("+++\ntitle = \"A long change\"\n+++\n# Change\n")
	for i := range n {
		if i%10 == 0 {
			fmt.Fprintf(&b, "\n## Part %d {#p%d}\n\nWhat this part does, in a line or two.\n", i/10+1, i/10)
		}
		fmt.Fprintf(&b, "\n- [ ] Step %d of many {#s%d .idempotent}\n\n  Look at **this** first.\n\n  ```sh\n  echo %d\n  ```\n", i, i, i)
	}
	s := tell(t, b.String(), nil)
	for i := range n / 2 {
		s.did(s.cell(fmt.Sprintf("/s%d@local", i)).Key, 0, time.Second)
	}
	return s
}

// framesOf draws a frame for each newer view of a run: every other one after an
// event, the rest while something is going on.
func framesOf(s *story) func() {
	st := pose(s, 120, 40)
	views := []*run.Snapshot{s.snap()}
	s.then(run.Note{Text: "a remark"})
	views = append(views, s.snap())
	n := 0
	return func() {
		n++
		st.now = st.now.Add(time.Second)
		st.Update(snapMsg{views[n%2]})
		_ = st.View()
	}
}

// BenchmarkFrame is what it costs to take a newer view and to draw it.
func BenchmarkFrame(b *testing.B) {
	for _, n := range []int{20, 1000} {
		b.Run(fmt.Sprintf("steps=%d", n), func(b *testing.B) {
			draw := framesOf(long(b, n))
			b.ReportAllocs()
			for b.Loop() {
				draw()
			}
		})
	}
	for name, n := range map[string]int{"hour": 3600, "day": 86_400} {
		for _, keys := range []string{"", "M", "Mzz"} {
			b.Run("samples="+name+keys, func(b *testing.B) {
				draw := sampledFrames(b, n, keys)
				b.ReportAllocs()
				for b.Loop() {
					draw()
				}
			})
		}
	}
	for name, size := range map[string]int64{"10kB": 10e3, "100MB": 100e6} {
		b.Run("output="+name, func(b *testing.B) {
			draw := printingFrames(command(b), size)
			b.ReportAllocs()
			for b.Loop() {
				draw()
			}
		})
	}
}

// A frame of a run of 1,000 steps, with 100 MB of output behind it, or a day of three
// monitors' samples, allocates at most half as much again as one of 20, with 10 kB, or an
// hour.
func TestAFrameCostsWhatIsSeen(t *testing.T) {
	for _, c := range []struct {
		few, many string
		draw      [2]func()
	}{
		{"20 steps", "1,000 steps", [2]func(){framesOf(long(t, 20)), framesOf(long(t, 1000))}},
		{"10 kB printed", "100 MB printed", [2]func(){printingFrames(command(t), 10e3), printingFrames(command(t), 100e6)}},
		{"an hour of samples", "a day of samples", [2]func(){sampledFrames(t, 3600, ""), sampledFrames(t, 86_400, "")}},
		{"an hour's chart", "a day's chart", [2]func(){sampledFrames(t, 3600, "M"), sampledFrames(t, 86_400, "M")}},
		{"all of an hour's chart", "all of a day's chart", [2]func(){sampledFrames(t, 3600, "Mzz"), sampledFrames(t, 86_400, "Mzz")}},
		{"pages of 10 kB", "pages of 100 MB", [2]func(){scrollingFrames(command(t), 10e3), scrollingFrames(command(t), 100e6)}},
	} {
		fa, fb := costOf(c.draw[0])
		ma, mb := costOf(c.draw[1])
		if ma > 1.5*fa || mb > 1.5*fb {
			t.Errorf("%s: %.0f allocations, %.0f bytes; %s: %.0f allocations, %.0f bytes", c.few, fa, fb, c.many, ma, mb)
		}
	}
}

// sampledFrames draws a frame for each sample of one of four monitors that were sampled
// for n seconds, once a second, on the screen that some keys lead to.
func sampledFrames(t testing.TB, n int, keys string) func() {
	t.Helper()
	s := watchedFrom(t, watchedBook)
	on := []run.Watch{writes}
	for _, h := range []string{"tablet-1", "tablet-2", "tablet-3"} {
		on = append(on, run.Watch{Monitor: "health", Where: h})
	}
	const hour = 3600
	for left := n; left > 0; left -= hour {
		var all []run.Samples
		for _, w := range on {
			all = append(all, s.samples(w, strings.Repeat("p", min(left, hour)-1)+"f", wave))
		}
		s.apply(run.SampleBatch{Reserved: s.run.SampleNumbers, Samples: all})
		s.at = s.at.Add(time.Duration(min(left, hour)) * time.Second)
	}
	st := pose(s, 120, 40, press(strings.Split(keys, "")[:len(keys)]...)...)
	var fresh []run.Samples
	return func() {
		if len(fresh) == 10 { // as often as they are journaled
			s.apply(run.SampleBatch{Reserved: s.run.SampleNumbers, Samples: fresh})
			fresh = nil
		}
		fresh = append(fresh, s.samples(writes, "p", wave))
		s.at = s.at.Add(time.Second)
		snap := s.snap()
		snap.Run = s.run.Sampled(fresh)
		st.now = s.at
		st.Update(snapMsg{snap})
		_ = st.View()
	}
}

// costOf is what a frame allocates.
func costOf(draw func()) (allocs, bytes float64) {
	draw()
	draw()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	allocs = testing.AllocsPerRun(20, draw)
	runtime.ReadMemStats(&after)
	return allocs, float64(after.TotalAlloc-before.TotalAlloc) / 21
}
