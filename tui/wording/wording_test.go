package wording

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/theme"
)

func TestClock(t *testing.T) {
	t.Parallel()
	if got := Clock(14*time.Minute + 31*time.Second); got != "00:14:31" {
		t.Errorf("Clock = %q", got)
	}
}

func TestChop(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "a": "", "ab中": "ab", "e\u0301x": "e\u0301", "xe\u0301": "x"} {
		if got := Chop(in); got != want {
			t.Errorf("Chop(%q) = %q, want %q", in, got, want)
		}
	}
}

// Every status has a glyph and a word of its own, and a look: in colours, without, and
// in ASCII.
func TestEveryStatusHasGlyphColourAndWord(t *testing.T) {
	t.Parallel()
	for _, o := range []theme.Options{{}, {Light: true}, {Basic: true}, {Basic: true, Light: true}, {NoColor: true}, {ASCII: true}} {
		th := theme.New(o)
		words := map[string]run.Status{}
		for s := run.Pending; s <= run.Excluded; s++ {
			word, mark := Status(s), Mark(s)
			if other, twice := words[word]; word == "" || twice {
				t.Errorf("%s is called %q, as %s is", s, word, other)
			}
			words[word] = s
			if glyph := th.Glyph.Mark(mark); strings.TrimSpace(glyph) == "" || ansi.Strip(th.Draw(mark)) != glyph {
				t.Errorf("%s has the glyph %q, drawn as %q", s, glyph, th.Draw(mark))
			}
			needs := s == run.Failed || s == run.Unknown || s == run.Gated || s == run.RollbackFailed
			if drawn := th.Draw(mark); needs && drawn == ansi.Strip(drawn) {
				t.Errorf("with %+v %s looks like ordinary text", o, s)
			}
		}
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		book runbook.Step
		kind plan.Kind
		want string
	}{
		{runbook.Step{Irreversible: true, Required: true}, plan.Run, "irreversible, not safe to repeat, required"},
		{runbook.Step{Rollback: &runbook.Rollback{}, Idempotent: true}, plan.Run, "reversible, safe to repeat"},
		{runbook.Step{}, plan.Run, "not safe to repeat"},
		{runbook.Step{}, plan.Check, ""},
	}
	for _, tt := range tests {
		got := ""
		for i, c := range Classes(&plan.Step{Book: &tt.book, Kind: tt.kind}) {
			if i > 0 {
				got += ", "
			}
			got += c
		}
		if got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.book, got, tt.want)
		}
	}
}

// Unknown is never told as done or failed, and every reason has words.
func TestStopped(t *testing.T) {
	t.Parallel()
	step := &plan.Cell{Step: &plan.Step{Book: &runbook.Step{}, Kind: plan.Run}}
	reasons := []run.Reason{
		run.Precondition, run.CheckFailed, run.ExitCode, run.NotStarted, run.DecidedFailed, run.Crashed, run.LinkLost,
		run.TimedOut, run.HostRebooted, run.HostDied, run.HostOrphan, run.HostForeign, run.HostKnows,
	}
	for _, st := range []run.Status{run.Failed, run.Unknown, run.RolledBack, run.RollbackFailed} {
		for _, r := range reasons {
			c := &run.Cell{Plan: step, Status: st, Reason: r, Detail: "because \x1b[31m of this"}
			if s := Stopped(c); s == "" || Line(s) != s {
				t.Errorf("%s, %s: %q", st, r, s)
			}
		}
	}
	for _, st := range []run.Status{run.Pending, run.Gated, run.Running, run.Succeeded, run.Skipped, run.NotApplicable} {
		if s := Stopped(&run.Cell{Plan: step, Status: st}); s != "" {
			t.Errorf("%s is told as stopped: %q", st, s)
		}
	}
}

// What was seen before something else was sent says nothing about now.
func TestLooked(t *testing.T) {
	t.Parallel()
	seen := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	cell := func(sent ...time.Time) *run.Cell {
		c := &run.Cell{
			Checks:    map[run.Phase]*run.ChecksTaken{run.Evidence: {}},
			CheckedAt: map[run.Phase]time.Time{run.Evidence: seen},
		}
		for _, at := range sent {
			c.Attempts = append(c.Attempts, &run.Attempt{At: at})
		}
		return c
	}
	if e, at := Looked(cell(seen.Add(-time.Minute))); e == nil || !at.Equal(seen) {
		t.Errorf("seen after the command: %v at %v", e, at)
	}
	if e, _ := Looked(cell(seen.Add(-time.Minute), seen.Add(time.Second))); e != nil {
		t.Error("what was seen before a rollback is shown as holding now")
	}
	if e, _ := Looked(&run.Cell{}); e != nil {
		t.Error("something was seen of a cell that nobody looked at")
	}
}

func TestFactsSayWhomACommandBecomesAndWhereItIsSeen(t *testing.T) {
	t.Parallel()
	d := &run.Dispatch{Where: "db-1", Interpreter: "sh", User: "postgres", Dir: "/srv", TTY: true, TimeoutMS: 60000}
	want := []string{"on db-1", "as postgres (sudo)", "in /srv", "on your terminal", "sh", "time limit 1m"}
	if got := Facts(d); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
