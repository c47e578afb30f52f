package run

import (
	"testing"
	"time"

	"stepgate/checks"
)

const leftBook = `+++
title = "left"
[groups.trio]
min = 3
+++
# One

- [ ] Copy {#copy}

  ` + "```sh {on=trio parallel=3}\n  true\n  ```" + `
- [ ] Look {#look}

  ` + "```sh {.check}\n  true\n  ```" + `

# Two {#two each=trio batch=2 canary=1 soak=10m}

- [ ] Do {#do}

  ` + "```sh\n  true\n  ```" + `
`

// What is left is what earlier runs took, cells that go together counted together,
// and the soak behind a canary; what is under way counts by what it has to go yet.
func TestLeft(t *testing.T) {
	w := parsed(t, leftBook, nil)
	usual := map[string]time.Duration{"one/copy": 3 * time.Minute, "one/look": time.Minute, "two/do": 2 * time.Minute}
	now := w.r.Last
	snap := func() *Snapshot { return &Snapshot{Run: w.r, Usual: usual} }
	is := func(what string, s *Snapshot, work time.Duration, known, unknown int) Rest {
		t.Helper()
		got := Left(s, now)
		if got.Work != work || got.Known != known || got.Unknown != unknown {
			t.Errorf("%s: %v of %d and %d cells, want %v of %d and %d", what, got.Work, got.Known, got.Unknown, work, known, unknown)
		}
		return got
	}
	if r := is("all of it", snap(), 3*time.Minute+time.Minute+3*time.Minute+10*time.Minute, 7, 0); !r.Whole() || !r.Telling() {
		t.Error("all is known, and nothing is told")
	}

	w.then(t, w.intent(w.cell(t, "one/copy@a"), RoleCommand))
	s := snap()
	s.Current = w.cell(t, "one/copy@a").Key
	s.Busy = &Activity{Cell: s.Current, What: "command", Since: w.r.Last}
	now = w.r.Last.Add(time.Minute)
	is("one of three under way", s, 17*time.Minute-20*time.Second, 7, 0)
	now = w.r.Last.Add(time.Hour)
	is("and overdue", s, 16*time.Minute, 7, 0)

	w.then(t, Outcome{Cell: s.Current, Attempt: attemptOf(w.cell(t, "one/copy@a")), Verdict: checks.Pass})
	w.runs(t, checks.Pass, "one/copy@b", "one/copy@c")
	delete(usual, "two/do")
	if r := is("three unknown", snap(), 11*time.Minute, 1, 3); r.Telling() || r.Whole() {
		t.Error("one of four is known, and that is told")
	}
	usual["two/do"] = 2 * time.Minute
	w.then(t, ChecksTaken{Cell: w.cell(t, "one/look").Key, Phase: Before, Checks: judged(checks.Pass)})
	w.runs(t, checks.Pass, "two[a]/do")
	s = snap()
	s.Wait, s.Soak = WaitBatch, now.Add(4*time.Minute)
	is("behind the canary", s, 4*time.Minute+2*time.Minute, 2, 0)

	for _, c := range []struct {
		until      time.Duration
		late, over bool
	}{{7 * time.Minute, false, false}, {5 * time.Minute, true, false}, {-time.Second, true, true}} {
		s.Until = now.Add(c.until)
		if r := Left(s, now); r.Late() != c.late || r.Over() != c.over || r.Window != c.until {
			t.Errorf("a window of %v: late %v, over %v", c.until, r.Late(), r.Over())
		}
	}
	s.Until = time.Time{}
	if r := Left(s, now); r.Late() || r.Over() {
		t.Error("late without a window")
	}
}
