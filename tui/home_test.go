package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"stepgate/runbook/run"
)

// shelf is a Shelf made by hand.
type shelf struct {
	runs   []ShelfRun
	books  []ShelfBook
	stands map[string]*run.Snapshot
	err    error
	looked *[]string
}

func (s shelf) Runs(context.Context) ([]ShelfRun, error) { return s.runs, s.err }
func (s shelf) Books(context.Context) ([]ShelfBook, error) {
	return s.books, nil
}

func (s shelf) Stand(_ context.Context, id string) (*run.Snapshot, error) {
	if s.looked != nil {
		*s.looked = append(*s.looked, id)
	}
	if snap := s.stands[id]; snap != nil {
		return snap, nil
	}
	return nil, errors.New("its events can't be folded")
}

// evening is when somebody looks at the home screen.
var evening = epoch.Add(26 * time.Hour)

func books() []ShelfBook {
	return []ShelfBook{
		{Name: "openmldb-upgrade", Title: "OpenMLDB: rolling upgrade of nameservers and tablets", Summary: "Nameservers (the leader last), then tablets strictly one at a time.", Needs: []string{"ZooKeeper", "group tablet"}, Shipped: true},
		{Name: "轮换日志.md", Title: "轮换所有网站服务器的日志", Summary: "每台服务器一次，先检查磁盘空间。"},
		{Name: "README.md", Title: "README", Plain: true},
		{Name: "broken.md", Title: "broken.md", Problem: "it has errors; see: stepgate lint broken.md"},
	}
}

func aShelf(t *testing.T) shelf {
	t.Helper()
	lab := tablets(t).atStop().snap()
	lab.Run.Start.Lab = "/home/li/lab"
	return shelf{
		books: books(),
		runs: []ShelfRun{
			{ID: "1ng20dgwkk", Title: "OpenMLDB: upgrade the tablets", Started: evening.Add(-3 * time.Hour), Last: evening.Add(-2 * time.Hour)},
			{ID: "1ng1zzzzzz", Title: "数据库集群滚动升级：所有计算节点逐个替换", Started: evening.Add(-50 * time.Hour), Last: evening.Add(-25 * time.Hour)},
			{ID: "1ng20aaaaa", Title: strings.Repeat("A very long title of a run ", 6), Started: evening.Add(-time.Hour), Last: evening.Add(-30 * time.Second), Holder: "li@bastion-2, pid 4711"},
			{ID: "1ng1xxxxxx", Title: "?", Started: evening.Add(-400 * time.Hour), Last: evening.Add(-400 * time.Hour), Problem: "its first event is Note"},
			{ID: "1ng1yyyyyy", Title: "Rotate the logs", Started: evening.Add(-80 * time.Hour), Last: evening.Add(-79 * time.Hour), Closed: run.Done},
			{ID: "1ng1wwwwww", Title: "Upgrade, given up", Started: evening.Add(-800 * time.Hour), Last: evening.Add(-799 * time.Hour), Closed: run.Aborted},
		},
		stands: map[string]*run.Snapshot{
			"1ng20dgwkk": lab, "1ng1zzzzzz": chinese(t).snap(), "1ng20aaaaa": busy(t).snap(),
		},
	}
}

// poseHome is the home screen without a program around it, once it has read all.
func poseHome(s shelf, w, h int, msgs ...tea.Msg) *home {
	m := blankHome(Home{Shelf: s, Doctor: "stepgate doctor"}, w, h)
	r, err := s.Runs(context.Background())
	b, _ := s.Books(context.Background())
	for _, msg := range append([]tea.Msg{runsMsg{r, err}, booksMsg{b, nil}}, msgs...) {
		_, cmd := m.Update(msg)
		settle(m, cmd)
		m.View()
	}
	return m
}

func blankHome(h Home, w, height int) *home {
	m := newHome(context.Background(), h, Options{Now: func() time.Time { return evening }})
	m.Update(tea.WindowSizeMsg{Width: w, Height: height})
	return m
}

func many(t *testing.T, n int) shelf {
	s := aShelf(t)
	s.runs = nil
	for i := range n {
		r := ShelfRun{ID: fmt.Sprintf("1nf%07d", i), Title: fmt.Sprintf("Upgrade of cluster %d", i), Started: evening.Add(-time.Duration(i) * time.Hour), Last: evening.Add(-time.Duration(i) * 20 * time.Minute)}
		if i%4 == 3 {
			r.Closed = run.Done
		}
		s.runs = append(s.runs, r)
	}
	s.stands = map[string]*run.Snapshot{}
	for i := range 40 {
		s.stands[fmt.Sprintf("1nf%07d", i)] = tablets(t).preflight().snap()
	}
	return s
}

func TestHomeFrames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		make func(t *testing.T, w, h int) *home
	}{
		{"home", func(t *testing.T, w, h int) *home { return poseHome(aShelf(t), w, h) }},
		{"home-books", func(t *testing.T, w, h int) *home { return poseHome(aShelf(t), w, h, press("tab", "down")...) }},
		{"home-filter", func(t *testing.T, w, h int) *home {
			return poseHome(aShelf(t), w, h, then("/", "tablets gate")...)
		}},
		{"home-none", func(_ *testing.T, w, h int) *home { return poseHome(shelf{books: books()}, w, h) }},
		{"home-many", func(t *testing.T, w, h int) *home { return poseHome(many(t, 500), w, h, press("pgdown", "pgdown")...) }},
		{"home-unreadable", func(_ *testing.T, w, h int) *home {
			return poseHome(shelf{books: books(), err: errors.New("open journal \"/home/li/.local/state/stepgate/stepgate.db\": file is not a database")}, w, h)
		}},
		{"home-first", func(_ *testing.T, w, h int) *home { return blankHome(Home{Shelf: shelf{}}, w, h) }},
		{"home-reading", func(_ *testing.T, w, h int) *home {
			m := blankHome(Home{Shelf: shelf{}}, w, h)
			m.Update(slowMsg{})
			return m
		}},
		{"home-trouble", func(t *testing.T, w, h int) *home {
			m := poseHome(aShelf(t), w, h)
			m.Trouble = "bind value \"count\": \"x\" is not a whole number\n\nDo this: give it as -e count=VALUE"
			return m
		}},
		{"home-keys", func(t *testing.T, w, h int) *home { return poseHome(aShelf(t), w, h, press("?")...) }},
	} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			name := fmt.Sprintf("%s-%dx%d", c.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				golden(t, name, plainText(c.make(t, size[0], size[1]).View().Content))
			})
		}
	}
}

// What a key on the home screen leads to.
func TestHomeChoices(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		msgs []tea.Msg
		want Chosen
		ends bool
		says string
	}{
		{"enter resumes what was touched last", press("enter"), Chosen{ToResume, "1ng20dgwkk"}, true, ""},
		{"what somebody drives is only looked at", press("down", "down", "enter"), Chosen{ToWatch, "1ng20aaaaa"}, true, ""},
		{"w watches", press("w"), Chosen{ToWatch, "1ng20dgwkk"}, true, ""},
		{"a closed run is looked at", press("down", "down", "down", "down", "enter"), Chosen{ToWatch, "1ng1yyyyyy"}, true, ""},
		{"one that can't be read isn't", press("down", "down", "down", "enter"), Chosen{}, false, "stepgate verify 1ng1xxxxxx"},
		{"a runbook is begun", press("tab", "enter"), Chosen{ToBegin, "openmldb-upgrade"}, true, ""},
		{"one with errors isn't", press("tab", "G", "enter"), Chosen{}, false, "stepgate lint broken.md"},
		{"the demo", press("d"), Chosen{Do: ToDemo}, true, ""},
		{"quit", press("q"), Chosen{}, true, ""},
		{"ctrl+c", press("ctrl+c"), Chosen{}, true, ""},
		{"filtered to one", then("/", "轮换", press("enter", "enter")), Chosen{ToBegin, "轮换日志.md"}, true, ""},
		{"letters go to the filter", then("/", "wdq"), Chosen{}, false, "nothing here has these words"},
		{"esc takes the filter back first", then("/", "gate", press("enter", "esc")), Chosen{}, false, "Rotate the logs"},
		{"watching needs a run", press("tab", "w"), Chosen{}, false, "choose a run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := poseHome(aShelf(t), 100, 40)
			ended := false
			for _, msg := range c.msgs {
				_, cmd := m.Update(msg)
				if quits(cmd) {
					ended = true
					break
				}
			}
			if ended != c.ends || m.chosen != c.want {
				t.Fatalf("ended: %v with %+v, want %v with %+v", ended, m.chosen, c.ends, c.want)
			}
			if s := plainText(m.View().Content); !strings.Contains(s, c.says) {
				t.Errorf("it doesn't say %q:\n%s", c.says, s)
			}
		})
	}
}

// Only runs near the cursor are looked at, one after the other.
func TestHomeLooksAtWhatIsShown(t *testing.T) {
	t.Parallel()
	var looked []string
	s := many(t, 500)
	s.looked = &looked
	m := poseHome(s, 100, 30)
	if n := len(looked); n == 0 || n > 30 {
		t.Errorf("%d runs were looked at before anybody moved", n)
	}
	before := len(looked)
	_, cmd := m.Update(stroke("G"))
	settle(m, cmd)
	if n := len(looked) - before; n > 30 {
		t.Errorf("at the end %d more were looked at", n)
	}
}

// Looked at again, the screen has what others have done meanwhile, and the cursor is on
// the run it was on.
func TestHomeReadsAgain(t *testing.T) {
	t.Parallel()
	s := aShelf(t)
	m := poseHome(s, 100, 40, press("down")...)
	was, _ := m.run()
	s.runs = append([]ShelfRun{{ID: "1ng2newnew", Title: "Begun by somebody", Started: evening, Last: evening}}, s.runs...)
	m.Shelf = s
	_, cmd := m.Update(tea.FocusMsg{})
	settle(m, cmd)
	if here, ok := m.run(); !ok || here.ID != was.ID {
		t.Errorf("the cursor went from %q to %q", was.ID, here.ID)
	}
	if screen := plainText(m.View().Content); !strings.Contains(screen, "Begun by somebody") {
		t.Errorf("the new run isn't there:\n%s", screen)
	}
}

// A key costs what is on the screen, not what is in the journal.
func BenchmarkHome(b *testing.B) {
	for _, n := range []int{20, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var s shelf
			for i := range n {
				s.runs = append(s.runs, ShelfRun{ID: fmt.Sprintf("1nf%07d", i), Title: "Upgrade", Last: evening, Closed: run.Done})
			}
			m := blankHome(Home{Shelf: s}, 120, 40)
			m.Update(runsMsg{s.runs, nil})
			m.list = ofRuns
			for b.Loop() {
				m.Update(stroke("j"))
				m.View()
			}
		})
	}
}

// A key that was typed before the lists were there chooses nothing: nothing was seen.
func TestHomeBeforeItHasRead(t *testing.T) {
	t.Parallel()
	m := blankHome(Home{Shelf: aShelf(t)}, 100, 30)
	for _, msg := range press("enter", "down", "enter", "w") {
		if _, cmd := m.Update(msg); quits(cmd) {
			t.Fatalf("%v chose %+v", msg, m.chosen)
		}
	}
}

func TestHomeTakesTheMouse(t *testing.T) {
	t.Parallel()
	m := poseHome(aShelf(t), 120, 40)
	find := func(what string) tea.Mouse {
		for y, l := range strings.Split(plainText(m.View().Content), "\n") {
			if strings.Contains(l, what) {
				return tea.Mouse{X: 8, Y: y, Button: tea.MouseLeft}
			}
		}
		t.Fatalf("%q isn't on the screen", what)
		return tea.Mouse{}
	}
	at := find("轮换日志")
	if _, cmd := m.Update(tea.MouseClickMsg(at)); quits(cmd) {
		t.Fatal("one click begins a runbook")
	}
	if b, ok := m.book(); !ok || b.Name != "轮换日志.md" {
		t.Fatalf("the click chose %+v", b)
	}
	if _, cmd := m.Update(tea.MouseClickMsg(at)); !quits(cmd) || m.chosen.Name != "轮换日志.md" {
		t.Errorf("a second click doesn't begin it: %+v", m.chosen)
	}
	m = poseHome(aShelf(t), 120, 40)
	w := find("Rotate the logs")
	w.Button = tea.MouseWheelDown
	m.Update(tea.MouseWheelMsg(w))
	if r, _ := m.run(); r.ID != "1ng1zzzzzz" {
		t.Errorf("the wheel went to %q", r.ID)
	}
}

func TestHomeFits(t *testing.T) {
	t.Parallel()
	s := aShelf(t)
	keys := []string{"tab", "down", "up", "pgdown", "pgup", "?", "/", "中", "a", "esc", "backspace", "G", "g"}
	rapid.Check(t, func(rt *rapid.T) {
		w, h := rapid.IntRange(1, 200).Draw(rt, "w"), rapid.IntRange(1, 60).Draw(rt, "h")
		m := poseHome(s, w, h)
		for range rapid.IntRange(0, 12).Draw(rt, "n") {
			m.Update(stroke(rapid.SampledFrom(keys).Draw(rt, "key")))
			lines := strings.Split(m.View().Content, "\n")
			if len(lines) != h {
				rt.Fatalf("at %dx%d the screen has %d lines", w, h, len(lines))
			}
			for i, l := range lines {
				if n := ansi.StringWidth(l); n != w {
					rt.Fatalf("at %dx%d line %d is %d cells wide: %q", w, h, i, n, ansi.Strip(l))
				}
			}
		}
	})
}

// The whole program: it is chosen from, and leaves the terminal as it was.
func TestHomeProgram(t *testing.T) {
	term := newTerminal(t, 80, 24)
	o := Options{In: term.in, Out: term, Env: xterm(), Size: [2]int{80, 24}, Now: func() time.Time { return evening }}
	type end struct {
		chosen Chosen
		err    error
	}
	begin := func(ctx context.Context) <-chan end {
		over := make(chan end, 1)
		go func() {
			c, err := Home{Shelf: aShelf(t)}.Show(ctx, o)
			over <- end{c, err}
		}()
		term.until(t, "at the gate: 2.2 Stop the tablet")
		return over
	}
	over := begin(t.Context())
	term.press(t, "\r")
	if e := <-over; e.err != nil || e.chosen != (Chosen{ToResume, "1ng20dgwkk"}) {
		t.Errorf("chosen %+v, %v", e.chosen, e.err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over = begin(ctx)
	cancel()
	if e := <-over; !errors.Is(e.err, context.Canceled) {
		t.Errorf("told to leave, it ended with %+v, %v", e.chosen, e.err)
	}
	if term.IsAltScreen() {
		t.Error("the terminal was left on the alternate screen")
	}
}
