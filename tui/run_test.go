package tui

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/gate"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// runFrames are the looks of the run screen itself: what it says of time, of polls, of
// what was done before and beside the book, and of hosts and journals that are away.
var runFrames = []shot{
	{"time-left", func(t *testing.T) *story { return timed(busy(t), 12*time.Second, 3*time.Hour) }, nil},
	{"time-overdue", func(t *testing.T) *story { return timed(busy(t), time.Minute, 10*time.Minute) }, nil},
	{"time-over", func(t *testing.T) *story { return timed(tablets(t).preflight(), 0, -4*time.Minute) }, nil},
	{"time-some", someTimes, nil},
	{"trend", trending, nil},
	{"holds", holding, nil},
	{"trend-back", trended, press("up")},
	{"history", again, nil},
	{"missing-values", searching, press("down", "down")},
	{"depends", searching, press("down", "down", "down")},
	{"off-book", offBook, nil},
	{"off-book-back", offBook, press("up")},
	{"edited", editedStep, nil},
	{"lost", lost, nil},
	{"degraded", degraded, nil},
	{"read-only", func(t *testing.T) *story {
		s := busy(t)
		s.lost = "write event 12: database or disk is full (/var/lib/stepgate has 0 bytes free)"
		return s
	}, nil},
	{"taken-over", func(t *testing.T) *story {
		s := busy(t)
		s.lost, s.taker = "zhang@bastion-2 drives this run now; from here it is only watched", "zhang@bastion-2"
		return s
	}, nil},
	{"chinese-time", func(t *testing.T) *story {
		s := chinese(t)
		s.begin(s.cell("[tablet-1]/pre@tablet-1").Key)
		s.busy = &run.Activity{What: "command", Since: s.at}
		s.usual = map[string]time.Duration{"升级/节点/pre": 90 * time.Second}
		for _, c := range s.run.Cells {
			s.usual[c.Key.StepID()] = 90 * time.Second
		}
		s.until = s.at.Add(20 * time.Minute)
		return s
	}, nil},
}

// timed has a story's steps take what they usually do, and gives it a change window.
func timed(s *story, spent, window time.Duration) *story {
	s.usual = map[string]time.Duration{}
	for _, c := range s.run.Cells {
		s.usual[c.Key.StepID()] = 4 * time.Minute
	}
	if c := s.run.Cell(s.snap().Current); c != nil {
		s.usual[c.Key.StepID()] = 42 * time.Second
	}
	s.later(spent)
	s.until = s.at.Add(window)
	return s
}

// someTimes knows how long some steps take.
func someTimes(t *testing.T) *story {
	s := busy(t)
	s.usual = map[string]time.Duration{"upgrade/tablets/pre": 42 * time.Second, "upgrade/tablets/stop": 3 * time.Second}
	for _, c := range s.run.Cells {
		if strings.HasSuffix(c.Key.StepID(), "/pre") || strings.HasSuffix(c.Key.StepID(), "/stop") {
			s.usual[c.Key.StepID()] = 20 * time.Minute
		}
	}
	return s
}

// trending is in a poll whose number falls.
func trending(t *testing.T) *story {
	s := polling(t)
	l := &s.busy.Looks[0]
	l.Trends = []run.Trend{{Name: "behind", Values: []float64{912, 870, 640, 655, 420, 210, 88, 12}}, {Name: "数量", Values: []float64{3, 3}}}
	l.Try = 8
	return s
}

// holding is in a poll that holds, and not for long enough.
func holding(t *testing.T) *story {
	s := polling(t)
	l := &s.busy.Looks[0]
	l.Hold, l.Held = 10*time.Second, s.at.Add(-3*time.Second)
	l.Last.Verdict = checks.Pass
	l.Last.Rows[0].Verdict = checks.Pass
	return s
}

// trended is behind such a poll.
func trended(t *testing.T) *story {
	s := tablets(t).atStop()
	k := s.cell("tablets[tablet-1]/stop@tablet-1").Key
	s.grant(k).did(k, 0, 3*time.Second)
	ev := verdict(run.After, k, checks.Pass, "lines: 0", "")
	ev.Checks[0].Tries, ev.Checks[0].TookMS = 9, 18_200
	for i, n := range []int{900, 420, 88, 0} {
		ev.Checks[0].Tried = append(ev.Checks[0].Tried, run.Try{No: i + 1, Values: map[string]json.RawMessage{"behind": json.RawMessage(strconv.Itoa(n))}})
	}
	return s.then(ev)
}

// again has a step on its second attempt, with a note.
func again(t *testing.T) *story {
	s := tablets(t).preflight()
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	s.did(k, 3, 7*time.Second)
	s.then(run.Note{Text: "运维组 says: the meta server was restarted meanwhile"}, run.Retried{Cell: k})
	s.begin(k)
	s.busy = &run.Activity{What: "command", Since: s.at, Attempt: s.run.Cell(k).Latest().Intent.Attempt, Timeout: 20 * time.Minute}
	return s
}

const searchBook = `+++
title = "Move the primary"
+++
# Move

- [ ] Find the primary {#find}

  ` + "```sh {.check}\n  cluster primary\n  ```\n  ```capture\n  primary = lines[0]\n  ```" + `
- [ ] Tell {#tell}
- [ ] Take it down {#down cwd="/srv/{{primary}}"}

  ` + "```sh\n  systemctl stop \"db@$primary\"\n  ```" + `
- [ ] Warn its clients {#warn when="primary != 'none'"}

  ` + "```sh\n  echo \"$primary goes\" | wall\n  ```" + `
`

// searching stands before a step that finds a value for later ones.
func searching(t *testing.T) *story { return tell(t, searchBook, nil) }

// offBook has run a command that the runbook doesn't have.
func offBook(t *testing.T) *story {
	s := tablets(t).preflight()
	s.did(s.cell("tablets[tablet-1]/pre@ops-1").Key, 0, 42*time.Second)
	ev, err := s.run.AdHocAsked(run.AdHoc{Where: "tablet-1", Body: "uptime"})
	if err != nil {
		t.Fatal(err)
	}
	return s.then(ev).did(ev.Cell, 0, 80*time.Millisecond)
}

// editedStep stands before a command that was given another text.
func editedStep(t *testing.T) *story {
	s := tablets(t).preflight()
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	s.did(k, 3, 7*time.Second)
	ev, err := s.run.Edited(s.run.Cell(k), "ops pre-upgrade --force --endpoints=\"$endpoint\"\n")
	if err != nil {
		t.Fatal(err)
	}
	return s.then(ev, run.Retried{Cell: k})
}

// lost has a command under way on a host that is out of reach.
func lost(t *testing.T) *story {
	s := busy(t)
	s.hosts["ops-1"] = run.HostState{State: "lost", Error: "read tcp 10.0.0.9:51344->10.0.0.1:22: connection reset by peer"}
	s.busy = &run.Activity{What: run.Reconnecting, Since: s.at, Timeout: 10 * time.Minute, Try: 3, Detail: "link lost, reconnecting, try 3; the command may still be running"}
	return s
}

// degraded stands before a step on a host that can't keep attempts.
func degraded(t *testing.T) *story {
	s := tablets(t).preflight()
	return s.then(run.HostSeen{Host: "ops-1", Identity: run.Identity{MachineID: "m", Degraded: "its home directory is on NFS"}})
}

// What comes up behind what the operator has in front is said, with the key that leads
// there; once it is in front it isn't any more.
func TestWhatComesUpBehindIsSaid(t *testing.T) {
	t.Parallel()
	s := busy(t)
	st := pose(s, 100, 30, press("n")...)
	st.Update(stroke("x"))
	k := s.busy.Cell
	if k == (run.Key{}) {
		k = s.cell("tablets[tablet-1]/pre@ops-1").Key
	}
	s.busy = nil
	s.then(run.Outcome{Cell: k, Attempt: s.run.Cell(k).Latest().Intent.Attempt, Exit: 3, Verdict: checks.Fail})
	st.Update(snapMsg{s.snap()})
	if got := st.text(); !strings.Contains(got, "the run has stopped behind this: esc leads there") {
		t.Errorf("not said:\n%s", got)
	}
	st.Update(stroke("esc"))
	st.now = st.now.Add(gate.Grace)
	if got := st.text(); strings.Contains(got, "behind this") || !strings.Contains(got, "failed") {
		t.Errorf("still said:\n%s", got)
	}
}

// The place that is read is kept through any size, and so is the cursor.
func TestResizeKeepsThePlace(t *testing.T) {
	t.Parallel()
	var prose strings.Builder
	for i := range 60 {
		prose.WriteString("  Sentence " + strconv.Itoa(i) + " says what to mind, at such a length that a line of a narrow screen can't hold it whole, so that it wraps.\n\n")
	}
	s := tell(t, "+++\ntitle = \"T\"\n+++\n# One\n\n- [ ] First {#a}\n\n"+prose.String()+"- [ ] Second {#b}\n", nil)
	st := pose(s, 80, 30, press("tab")...)
	for range 40 {
		st.Update(stroke("down"))
	}
	first := func() string {
		for l := range strings.Lines(st.text()) {
			if _, rest, ok := strings.Cut(l, "Sentence "); ok {
				n, _, _ := strings.Cut(rest, " ")
				return n
			}
		}
		return ""
	}
	before := st.text()
	at, _ := strconv.Atoi(first())
	for _, size := range [][2]int{{200, 60}, {1, 1}, {100, 20}, {60, 15}, {30, 4}, {120, 40}} {
		st.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		_ = st.View()
		if st.layout.small || size[1] > 50 {
			continue
		}
		if now, _ := strconv.Atoi(first()); now < at-4 || now > at+4 {
			t.Errorf("at %dx%d sentence %d is read, not %d or so:\n%s", size[0], size[1], now, at, st.text())
		}
	}
	st.Update(tea.WindowSizeMsg{Width: 80, Height: 30})
	if after := st.text(); after != before {
		t.Errorf("back at the size it was, before:\n%s\nafter:\n%s", before, after)
	}
}

// The same screen with more room, and with just enough for two columns.
func TestRoomyFrames(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{100, 30}, {200, 60}} {
		name := fmt.Sprintf("roomy-%dx%d", size[0], size[1])
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := timed(trending(t), 0, 50*time.Minute)
			golden(t, name, pose(s, size[0], size[1]).text())
		})
	}
}

// What the manual says of marks is what the screen draws.
func TestTheManualKnowsEveryMark(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../docs/screen.md")
	if err != nil {
		t.Fatal(err)
	}
	u, a := theme.New(theme.Options{}).Glyph, theme.New(theme.Options{ASCII: true}).Glyph
	for s := run.Pending; s <= run.Excluded; s++ {
		m := wording.Mark(s)
		want := "| `" + u.Mark(m) + "` `" + a.Mark(m) + "` |"
		found := false
		for l := range strings.Lines(string(manual)) {
			found = found || strings.HasPrefix(l, want) && strings.Contains(l, wording.Status(s))
		}
		if !found {
			t.Errorf("docs/screen.md has no line %q about %q", want, wording.Status(s))
		}
	}
}
