package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/steplist"
	"stepgate/tui/theme"
)

func tree(l *steplist.List, s *story) string {
	var out []string
	for _, line := range l.Lines(theme.New(theme.Options{ASCII: true}), 44, 40, s.at, "") {
		out = append(out, strings.TrimRight(ansi.Strip(line), " "))
	}
	return strings.Join(out, "\n") + "\n"
}

func TestTreeFoldsAndFollows(t *testing.T) {
	t.Parallel()
	s := tablets(t)
	var l steplist.List
	l.Set(s.snap())
	is := func(what, want string) {
		t.Helper()
		if got := tree(&l, s); got != strings.TrimPrefix(want, "\n") {
			t.Errorf("%s: got:\n%s\nwant:%s", what, got, want)
		}
	}
	is("at the start", `
v 1 Preflight                            0/2
  > 1.1 All components are online       next
  o 1.2 Tell the channel that the change ...
o 2 Tablets                           #6 0/9
`)
	s.preflight()
	l.Set(s.snap())
	is("done sections fold, the current one opens", `
+ 1 Preflight                            2/2
v 2 Tablets                   tablet-1 - 1/3
  v tablet-1                             0/3
    > 2.1 Move the leaders off tablet-1 next
    # 2.2 Stop the tablet               gate
    # 2.3 Replace the binaries          gate
  o tablet-2                          #2 0/3
  o tablet-3                          #2 0/3
`)
	if l.Away() {
		t.Error("the cursor is away though nobody moved it")
	}
}

func TestTreeUnderTheOperatorsHand(t *testing.T) {
	t.Parallel()
	s := tablets(t).preflight()
	var l steplist.List
	l.Set(s.snap())
	l.Move(-3)
	if row, _ := l.Selected(); !l.Away() || row.Title != "Preflight" {
		t.Fatalf("the cursor is at %q", row.Title)
	}
	l.Toggle()
	l.Move(2)
	if row, _ := l.Selected(); row.Title != "Tell the channel that the change begins" {
		t.Errorf("in the unfolded section the cursor is at %q", row.Title)
	}
	s.did(s.cell("tablets[tablet-1]/pre@ops-1").Key, 0, 1)
	l.Set(s.snap())
	if row, _ := l.Selected(); row.Title != "Tell the channel that the change begins" {
		t.Errorf("a newer view moved the operator's cursor to %q", row.Title)
	}
	l.Return()
	if row, _ := l.Selected(); row.Title != "Stop the tablet" || l.Away() {
		t.Errorf("back at %q", row.Title)
	}
	l.Fold(false)
	if row, _ := l.Selected(); row.Title != "tablet-1" {
		t.Errorf("folding what the step is in leads to %q", row.Title)
	}
	want := strings.TrimPrefix(`
v 1 Preflight                            2/2
  + 1.1 All components are online      420ms
  + 1.2 Tell the channel that the ch... done
v 2 Tablets                   tablet-1 - 1/3
  > tablet-1                          #2 1/3
  o tablet-2                          #2 0/3
  o tablet-3                          #2 0/3
`, "\n")
	if got := tree(&l, s); got != want {
		t.Errorf("folded by hand: got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTreeShowsTheWorst(t *testing.T) {
	t.Parallel()
	s := tablets(t).stopFails()
	var l steplist.List
	l.Set(s.snap())
	if got := tree(&l, s); !strings.Contains(got, "    x 2.2 Stop the tablet             failed") {
		t.Errorf("got:\n%s", got)
	}
	l.Fold(false)
	if got := tree(&l, s); !strings.Contains(got, "x tablet-1") {
		t.Errorf("a folded host doesn't show its failure:\n%s", got)
	}
}

// A walk is shown in the order in which it is walked.
func TestTreeInWalkingOrder(t *testing.T) {
	t.Parallel()
	book := strings.Replace(tabletsBook, "{each=tablet cwd", `{each=tablet order_by="host" cwd`, 1)
	s := tell(t, book, map[string]string{"cluster": "c", "ops_dir": "/o"})
	s.preflight()
	s.then(run.WalkOrdered{Walk: s.plan.Walks[0].ID, Hosts: []string{"tablet-3", "tablet-1", "tablet-2"}})
	var l steplist.List
	l.Set(s.snap())
	got := tree(&l, s)
	a, b, c := strings.Index(got, "v tablet-3"), strings.Index(got, "o tablet-1"), strings.Index(got, "o tablet-2")
	if a < 0 || b < a || c < b {
		t.Errorf("got:\n%s", got)
	}
}

// The mouse moves the tree's cursor, and scrolls what it is over.
func TestMouse(t *testing.T) {
	t.Parallel()
	st := pose(tablets(t).preflight(), 120, 40)
	st.Update(tea.MouseClickMsg{X: 5, Y: 7, Button: tea.MouseLeft}) // the third row below the frame's top is 2.1
	if row, _ := st.tree.Selected(); row.Title != "Stop the tablet" {
		t.Errorf("the click selected %q", row.Title)
	}
	st.Update(tea.MouseWheelMsg{X: 5, Y: 7, Button: tea.MouseWheelUp})
	if row, _ := st.tree.Selected(); row.Title != "Tablets" {
		t.Errorf("the wheel moved to %q", row.Title)
	}
}

// advance takes a story's run on by what is next, which succeeds. It reports whether
// there was anything.
func (s *story) advance() bool {
	s.t.Helper()
	switch d := run.Next(s.run).(type) {
	case run.Ask:
		c := d.Cell
		_, looked := c.Checks[run.Before]
		switch {
		case d.Wait == run.WaitGate && c.Grant == nil:
			s.grant(c.Key)
		case d.Wait == run.WaitManual:
			s.then(run.ManualDone{Cell: c.Key})
		case d.Wait != run.WaitGo && d.Wait != run.WaitGate:
			return false
		case len(c.Fences(run.Before)) > 0 && !looked:
			s.then(verdict(run.Before, c.Key, checks.Pass, "", ""))
		case c.Plan.Step.Gated && c.Status != run.Authorised:
			s.gate(c.Key)
		default:
			s.did(c.Key, 0, time.Second)
		}
	case run.Verify:
		s.then(verdict(run.After, d.Cell.Key, checks.Pass, "", ""))
	default:
		return false
	}
	return true
}

// While the operator looks at something else, the line under the cursor stays where
// it is on the screen, however far the run goes; what was folded by hand stays so.
func TestTheTreeNeverJumpsUnderTheCursor(t *testing.T) {
	t.Parallel()
	th := theme.New(theme.Options{ASCII: true})
	rapid.Check(t, func(rt *rapid.T) {
		s := tablets(t)
		var l steplist.List
		l.Set(s.snap())
		h := rapid.IntRange(1, 14).Draw(rt, "h")
		draw := func() []string { return l.Lines(th, 50, h, s.at, "") }
		draw()
		for range 40 {
			row, _ := l.Selected()
			before, away := draw(), l.Away()
			switch rapid.IntRange(0, 6).Draw(rt, "what") {
			case 0:
				l.Move(rapid.IntRange(-6, 6).Draw(rt, "n"))
			case 1:
				l.Toggle()
				if now, _ := l.Selected(); now.Foldable && now.ID == row.ID && now.Open == row.Open {
					rt.Fatalf("%q doesn't fold", row.ID)
				}
			case 2:
				h = rapid.IntRange(1, 14).Draw(rt, "h")
			case 3:
				if rapid.IntRange(0, 3).Draw(rt, "return") == 0 {
					l.Return()
				}
			default:
				if ev, err := s.run.AdHocAsked(run.AdHoc{Where: "tablet-1", Body: "uptime"}); err == nil && rapid.IntRange(0, 4).Draw(rt, "aside") == 0 {
					s.then(ev).did(ev.Cell, 0, time.Second)
				} else {
					s.advance()
				}
				l.Set(s.snap())
				if !away {
					break
				}
				if now, _ := l.Selected(); l.Away() && now.ID != row.ID {
					rt.Fatalf("the cursor went from %q to %q", row.ID, now.ID)
				}
				at := func(lines []string) int {
					return slices.IndexFunc(lines, func(s string) bool { return strings.Contains(s, "\x1b[7m") })
				}
				if was, is := at(before), at(draw()); l.Away() && was != is {
					rt.Fatalf("the line under the cursor went from %d to %d:\n%s\n\n%s", was, is, strings.Join(before, "\n"), strings.Join(draw(), "\n"))
				}
			}
			if row, _ := l.Selected(); l.Away() && !slices.ContainsFunc(draw(), func(s string) bool { return strings.Contains(s, "\x1b[7m") }) {
				rt.Fatalf("the cursor at %q can't be seen", row.ID)
			}
		}
	})
}

// What isn't in the runbook stands where it was run: behind the step that had begun
// and wasn't over, else before the one that came next.
func TestTreeShowsWhatIsNotInTheBook(t *testing.T) {
	t.Parallel()
	aside := func(s *story, body string) {
		t.Helper()
		ev, err := s.run.AdHocAsked(run.AdHoc{Where: "tablet-1", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		s.then(ev).did(ev.Cell, 0, time.Second)
	}
	s := tablets(t)
	aside(s, "one")
	s.preflight()
	aside(s, "two")
	k := s.cell("tablets[tablet-1]/pre@ops-1").Key
	s.did(k, 3, time.Second)
	aside(s, "three")
	var l steplist.List
	l.Set(s.snap())
	is := func(what, want string) {
		t.Helper()
		if got := tree(&l, s); got != strings.TrimPrefix(want, "\n") {
			t.Errorf("%s: got:\n%s\nwant:%s", what, got, want)
		}
	}
	is("at a failure", `
+ 1 Preflight                            2/2
v 2 Tablets                   tablet-1 - 1/3
  v tablet-1                      failed 0/3
    + adhoc/2 two              off-book - 1s
    x 2.1 Move the leaders off tab... failed
    + adhoc/3 three            off-book - 1s
    # 2.2 Stop the tablet               gate
    # 2.3 Replace the binaries          gate
  o tablet-2                          #2 0/3
  o tablet-3                          #2 0/3
`)
	l.Visit(s.run.OffBook[0].Key)
	if row, _ := l.Selected(); row.Key != s.run.OffBook[0].Key || !l.Away() {
		t.Errorf("the cursor is at %q", row.Title)
	}
	if got := tree(&l, s); !strings.Contains(got, "v 1 Preflight                            2/2\n  + adhoc/1 one                off-book - 1s\n  + 1.1") {
		t.Errorf("the first of all isn't where it was run:\n%s", got)
	}
	l.Fold(false)
	if row, _ := l.Selected(); row.Title != "Preflight" {
		t.Errorf("folding what it is in leads to %q", row.Title)
	}
	l.Return()
	if row, _ := l.Selected(); row.Key != k {
		t.Errorf("the run stands at %q", row.Title)
	}
}
