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

// Of more entries than lines, those around the cursor are drawn, and how many more
// there are.
func TestMoreEntriesThanLines(t *testing.T) {
	t.Parallel()
	m, th := Menu{}, theme.New(theme.Options{})
	for _, k := range "abcdefgh" {
		m.Entries = append(m.Entries, Entry{Key: string(k), Name: "do " + string(k)})
	}
	m.Entries = append(m.Entries, Entry{Key: "x", Name: "never", Why: "no"})
	shown := func() string { return ansi.Strip(strings.Join(m.Lines(th, 40, 5), "\n")) }
	if got := shown(); !strings.Contains(got, "do a") || !strings.Contains(got, "5 more") || !strings.Contains(got, "not now: never") {
		t.Errorf("at the top:\n%s", got)
	}
	for i, k := range "abcdefgh" {
		m.Move(1)
		got := shown()
		if !strings.Contains(got, "› "+string(k)) || strings.Count(got, "\n") > 4 {
			t.Errorf("the cursor on entry %d isn't drawn:\n%s", i, got)
		}
	}
	if got := shown(); strings.Contains(got, "more") {
		t.Errorf("at the end there is more:\n%s", got)
	}
}

// Where there is room, entries stand under headings; a click selects, and one more
// chooses.
func TestGroupsAndClicks(t *testing.T) {
	t.Parallel()
	m, th := three(), theme.New(theme.Options{})
	m.Entries[0].Group, m.Entries[2].Group = "This step", "The run"
	lines := m.Lines(th, 60, 9)
	for i, want := range []string{"This step", "r  retry", "", "The run", "A  abort", "", "s  skip   not now"} {
		if got := ansi.Strip(lines[i]); !strings.Contains(got, want) || want == "" && strings.TrimSpace(got) != "" {
			t.Errorf("line %d is %q, want %q", i, got, want)
		}
	}
	for _, c := range []struct {
		line  int
		key   string
		again bool
	}{{0, "", false}, {4, "A", false}, {1, "r", false}, {1, "r", true}, {6, "", false}, {99, "", false}, {-1, "", false}} {
		if e, again := m.Click(c.line); e.Key != c.key || again != c.again {
			t.Errorf("a click on line %d gives %q, %v", c.line, e.Key, again)
		}
	}
}
