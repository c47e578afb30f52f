package menu

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/theme"
)

func three() Menu {
	return Menu{Entries: []Entry{
		{Key: "r", Name: "retry", Says: "again"},
		{Key: "s", Name: "skip", Why: "the runbook requires this step"},
		{Key: "A", Name: "abort", Says: "close it"},
	}}
}

func TestMove(t *testing.T) {
	t.Parallel()
	m := three()
	if e, ok := m.Selected(); ok {
		t.Fatalf("before any move Enter would choose %q", e.Name)
	}
	for _, step := range []struct {
		by   int
		want string
	}{{1, "retry"}, {1, "abort"}, {1, "retry"}, {-1, "abort"}, {-1, "retry"}} {
		m.Move(step.by)
		if e, _ := m.Selected(); e.Name != step.want {
			t.Errorf("at %q, want %q", e.Name, step.want)
		}
	}
	m = three()
	m.Move(-1)
	if e, _ := m.Selected(); e.Name != "abort" {
		t.Errorf("up from nowhere leads to %q", e.Name)
	}
	none := Menu{Entries: []Entry{{Key: "s", Why: "no"}}}
	none.Move(1)
	if _, ok := none.Selected(); ok {
		t.Error("an entry that doesn't apply was chosen")
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	m := three()
	th := theme.New(theme.Options{})
	all := ansi.Strip(strings.Join(m.Lines(th, 60, 5), "\n"))
	if !strings.Contains(all, "skip   not now: the runbook requires this step") {
		t.Errorf("the reason is missing:\n%s", all)
	}
	short := m.Lines(th, 60, 2)
	if len(short) != 2 || !strings.Contains(ansi.Strip(short[1]), "abort") {
		t.Errorf("what applies gave way to what doesn't: %q", short)
	}
	m.Entries = m.Entries[:2]
	m.Entries = append(m.Entries, Entry{Key: "b", Name: "roll back", Why: "no rollback"})
	if got := ansi.Strip(strings.Join(m.Lines(th, 60, 2), "\n")); !strings.Contains(got, "not now: skip, roll back") {
		t.Errorf("got:\n%s", got)
	}
}
