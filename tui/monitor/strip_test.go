package monitor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/theme"
)

// crowd is a run with n monitors, of which the last is red.
func crowd(t *testing.T, n int) *run.Run {
	t.Helper()
	var text strings.Builder
	text.WriteString("+++\ntitle = \"Crowd\"\n+++\n# Crowd\n")
	for i := range n {
		fmt.Fprintf(&text, "\n```sh {#监控-%d .monitor every=1s}\nw\n```\n```capture\nrate = number(stdout)\n```\n", i+1)
	}
	text.WriteString("\n- [ ] One {#one}\n\n  ```sh\n  one\n  ```\n")
	b, ds := runbook.Parse("book.md", []byte(text.String()), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	p, ds := plan.New(b, nil, &inventory.Inventory{})
	if p == nil {
		t.Fatal(ds)
	}
	r := apply(t, p, nil, run.RunStarted{Title: p.Title})
	r = apply(t, p, r, run.LeaseTaken{Holder: "li"})
	var all []run.Samples
	for _, c := range r.Cells[:n] {
		r = apply(t, p, r, run.WatchBegun{Cell: c.Key})
		s := run.Samples{Watch: run.Watch{Monitor: c.Key.Step, Where: plan.Local}, From: epoch, Numbers: map[string][]*float64{}}
		for i := range 30 {
			v := float64(i * i % 23)
			s.After, s.Verdicts, s.Numbers["rate"] = append(s.After, 1000), s.Verdicts+"p", append(s.Numbers["rate"], &v)
		}
		all = append(all, s)
	}
	r = apply(t, p, r, run.SampleBatch{Reserved: 30, Samples: all})
	return apply(t, p, r, run.MonitorTurned{Watch: all[n-1].Watch, Red: true, Since: epoch})
}

// However many monitors there are, the strip has the lines that it may have, no wider
// than the screen; one that is red is always among them, and each can be clicked where
// it stands.
func TestStripFits(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 7, 30} {
		r := crowd(t, n)
		var b Board
		b.Set(&run.Snapshot{Run: r})
		red := b.list[n-1].Watch
		for w := 56; w <= 240; w += 7 {
			for h := 1; h <= 2; h++ {
				lines, spots := b.Strip(dark, w, h, epoch.Add(31*time.Second))
				if len(lines) > h || len(lines) == 0 {
					t.Fatalf("%d monitors in %d by %d: %d lines", n, w, h, len(lines))
				}
				for _, l := range lines {
					if width(l) > w {
						t.Errorf("%d monitors in %d by %d: %d cells: %q", n, w, h, width(l), l)
					}
				}
				all := strings.Join(lines, "\n")
				if !strings.Contains(all, dark.Glyph.Mark(theme.Failed)) || !strings.Contains(all, "red since 22:00:0") {
					t.Errorf("%d monitors in %d by %d: the red one isn't told: %q", n, w, h, all)
				}
				met := false
				for _, s := range spots {
					met = met || s.Watch == red
					if s.Line >= len(lines) || s.X+s.W > w+s.W {
						t.Errorf("%d monitors in %d by %d: %+v", n, w, h, s)
					}
				}
				if !met {
					t.Errorf("%d monitors in %d by %d: the red one can't be clicked", n, w, h)
				}
			}
		}
	}
}
