package wording

import (
	"testing"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

func TestRoughly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "1 min", 59 * time.Second: "1 min", 89 * time.Second: "1 min", 91 * time.Second: "2 min", 99 * time.Minute: "99 min",
		100 * time.Minute: "1 h 40 min", 3 * time.Hour: "3 h", 25*time.Hour + 29*time.Second: "25 h", -time.Hour: "1 min",
	} {
		if got := Roughly(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// What is left and when the window ends, in words: only what is known, and what is
// late as a sentence for a gate.
func TestLeftInWords(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 3, 15, 2, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name                      string
		rest                      run.Rest
		left, window, short, late string
	}{
		{"nothing known", run.Rest{Unknown: 3}, "", "", "", ""},
		{"too little", run.Rest{Work: time.Hour, Known: 1, Unknown: 2}, "", "", "", ""},
		{"some", run.Rest{Work: 18 * time.Minute, Known: 2, Unknown: 1}, "at least 18 min left", "", "", ""},
		{"all, in time", run.Rest{Work: 18 * time.Minute, Known: 3, Until: until, Window: 41 * time.Minute}, "~18 min left", "window ends 02:00, in 41 min", "window 41 min", ""},
		{
			"all, too much",
			run.Rest{Work: 40 * time.Minute, Known: 3, Until: until, Window: 25 * time.Minute},
			"~40 min left", "window ends 02:00, in 25 min", "window 25 min",
			"What follows won't fit in the change window: about 40 min left, and it ends at 02:00, in 25 min.",
		},
		{
			"the least is too much",
			run.Rest{Work: 40 * time.Minute, Known: 1, Unknown: 9, Until: until, Window: 25 * time.Minute},
			"", "window ends 02:00, in 25 min", "window 25 min",
			"What follows won't fit in the change window: at least 40 min left, and it ends at 02:00, in 25 min.",
		},
		{
			"over",
			run.Rest{Unknown: 1, Until: until, Window: -5 * time.Minute},
			"", "window ended 02:00, 5 min ago", "window over for 5 min",
			"The change window ended at 02:00, 5 min ago.",
		},
		{"over, with nothing left", run.Rest{Until: until, Window: -5 * time.Minute}, "", "window ended 02:00, 5 min ago", "window over for 5 min", ""},
	} {
		if got := Left(tt.rest); got != tt.left {
			t.Errorf("%s: left %q, want %q", tt.name, got, tt.left)
		}
		if got := Window(tt.rest); got != tt.window {
			t.Errorf("%s: window %q, want %q", tt.name, got, tt.window)
		}
		if got := ShortWindow(tt.rest); got != tt.short {
			t.Errorf("%s: short %q, want %q", tt.name, got, tt.short)
		}
		if got := Late(tt.rest); got != tt.late {
			t.Errorf("%s: late %q, want %q", tt.name, got, tt.late)
		}
	}
}

// How far a step is beside what it usually takes; of what is over in a moment nothing
// is said.
func TestGoing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 22, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		usual, spent time.Duration
		a            run.Activity
		want         string
	}{
		{0, 12 * time.Second, run.Activity{What: "command"}, "running, 12s"},
		{42 * time.Second, 12 * time.Second, run.Activity{What: "command"}, "running, 12s of about 42s"},
		{42 * time.Second, 55 * time.Second, run.Activity{What: "command"}, "running, 55s (usually 42s)"},
		{90 * time.Millisecond, time.Second, run.Activity{What: "command"}, "running, 1s"},
		{90 * time.Millisecond, 9 * time.Second, run.Activity{What: "command"}, "running, 9s (usually 90ms)"},
		{42 * time.Second, 12 * time.Second, run.Activity{What: "command", Stopping: true}, "stopping, 12s"},
		{42 * time.Second, 12 * time.Second, run.Activity{What: run.Returning, Detail: "rebooting"}, "rebooting, 12s"},
	} {
		k := run.Key{Step: "a[h-1]/b", Target: "h-1"}
		c := &run.Cell{Key: k, Plan: &plan.Cell{Step: &plan.Step{Kind: plan.Run}}}
		tt.a.Since = now.Add(-tt.spent)
		s := &run.Snapshot{Current: k, Busy: &tt.a, Usual: map[string]time.Duration{"a/b": tt.usual}}
		if got := Going(s, c, &tt.a, now); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt, got, tt.want)
		}
	}
}
