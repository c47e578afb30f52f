package plain

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stepgate/runbook/run"
	"stepgate/tui"
)

// host is a run whose logins ask for something.
type host struct {
	*world
	mu    sync.Mutex
	asks  []*run.Prompt
	given []run.Respond
	busy  bool
}

func (h *host) Snapshot() *run.Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.world.Snapshot()
	if len(h.asks) > 0 {
		s.Prompt = h.asks[0]
	}
	if h.busy {
		s.Wait, s.Busy = run.WaitNothing, &run.Activity{What: "connect", Since: s.At}
	}
	return s
}

func (h *host) Do(ctx context.Context, k run.Key, seq uint64, a run.Action) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := a.(run.Respond)
	if !ok {
		return h.world.Do(ctx, k, seq, a)
	}
	h.given, h.asks = append(h.given, r), h.asks[1:]
	h.changed()
	return nil
}

func (h *host) changed() {
	select {
	case h.changes <- struct{}{}:
	default:
	}
}

func (h *host) ask(p *run.Prompt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asks = append(h.asks, p)
	h.changed()
}

// typist is a person whose password isn't shown.
type typist struct {
	lines
	hidden, shown int
	waits         func() // called when a line is read, before it is there
}

func (t *typist) Hide() (func() error, error) {
	t.hidden++
	return func() error { t.shown++; return nil }, nil
}

func (t *typist) ReadLine(ctx context.Context) (string, error) {
	if t.waits != nil {
		f := t.waits
		t.waits = nil
		f()
		<-ctx.Done()
		return "", ctx.Err()
	}
	return t.lines.ReadLine(ctx)
}

func TestLogin(t *testing.T) {
	t.Parallel()
	password := &run.Prompt{ID: "p", Kind: "password", Host: "db-1", Text: "ops@db-1's password: ", Again: "wrong\x1b]52;c;eA==\x07"}
	key := &run.Prompt{ID: "k", Kind: "host key", Host: "db-1", Must: "yes", Detail: []string{"SHA256:uNiV"}}
	code := &run.Prompt{ID: "c", Kind: "interactive", Host: "db-1", Text: "Code or enter for a push: ", Echo: true}
	tests := []struct {
		name   string
		asks   *run.Prompt
		typed  []string
		want   run.Respond
		hidden int
	}{
		{"a password, blanks and all", password, []string{" p w "}, run.Respond{Prompt: "p", Text: " p w "}, 1},
		{"an empty one declines", password, []string{""}, run.Respond{Prompt: "p", Decline: true}, 1},
		{"a key", key, []string{"yes"}, run.Respond{Prompt: "k", Text: "yes"}, 0},
		{"anything else declines", key, []string{"y"}, run.Respond{Prompt: "k", Decline: true}, 0},
		{"so does a blank more", key, []string{"yes "}, run.Respond{Prompt: "k", Decline: true}, 0},
		{"a code", code, []string{"123"}, run.Respond{Prompt: "c", Text: "123"}, 0},
		{"enter alone may be one", code, []string{""}, run.Respond{Prompt: "c"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, in := &host{world: newWorld(t), asks: []*run.Prompt{tt.asks}}, &typist{lines: lines{left: append(tt.typed, "q")}}
			var out bytes.Buffer
			if _, err := Run(t.Context(), h, h, in, Options{Out: &out, Err: io.Discard}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(h.given, []run.Respond{tt.want}) || in.hidden != tt.hidden || in.shown != tt.hidden || in.flushed < 2 {
				t.Errorf("given %+v, hidden %d, shown again %d, flushed %d", h.given, in.hidden, in.shown, in.flushed)
			}
			if s := out.String(); !strings.Contains(s, "LOGIN db-1\n") || strings.Contains(s, "\x1b") || strings.Contains(s, "p w") ||
				tt.asks.Again != "" && !strings.Contains(s, "! wrong⟨OSC 52⟩") || len(tt.asks.Detail) > 0 && !strings.Contains(s, tt.asks.Detail[0]) {
				t.Errorf("printed %q", s)
			}
		})
	}
}

// Where a password would be shown, it isn't asked for.
func TestLoginNeedsAHiddenLine(t *testing.T) {
	t.Parallel()
	h := &host{world: newWorld(t), asks: []*run.Prompt{{ID: "p", Kind: "password", Host: "db-1"}}}
	var out bytes.Buffer
	if _, err := Run(t.Context(), h, h, &lines{left: []string{"q"}}, Options{Out: &out, Err: io.Discard}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(h.given, []run.Respond{{Prompt: "p", Decline: true}}) || !strings.Contains(out.String(), "without being shown") {
		t.Errorf("given %+v\n%s", h.given, out.String())
	}
}

// A login that comes up while a question is open goes first, and the question is
// asked again; a login that gives up takes its question with it.
func TestLoginInterruptsAQuestion(t *testing.T) {
	t.Parallel()
	h := &host{world: newWorld(t)}
	in := &typist{lines: lines{left: []string{"pw", "q"}}}
	in.waits = func() { h.ask(&run.Prompt{ID: "p", Kind: "password", Host: "db-1"}) }
	var out bytes.Buffer
	if _, err := Run(t.Context(), h, h, in, Options{Out: &out, Err: io.Discard}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(h.given, []run.Respond{{Prompt: "p", Text: "pw"}}) || strings.Count(out.String(), "number> ") != 2 {
		t.Errorf("given %+v\n%s", h.given, out.String())
	}

	h = &host{world: newWorld(t), asks: []*run.Prompt{{ID: "p", Kind: "password", Host: "db-1"}}}
	in = &typist{lines: lines{left: []string{"q"}}}
	in.waits = func() {
		h.mu.Lock()
		h.asks = nil
		h.changed()
		h.mu.Unlock()
	}
	out.Reset()
	if _, err := Run(t.Context(), h, h, in, Options{Out: &out, Err: io.Discard}); err != nil || len(h.given) != 0 || in.shown != 1 {
		t.Errorf("given %+v, %v\n%s", h.given, err, out.String())
	}
}

// Unattended, a login ends the driving.
func TestLoginUnattended(t *testing.T) {
	t.Parallel()
	h := &host{world: newWorld(t), busy: true, asks: []*run.Prompt{{ID: "p", Kind: "password", Host: "db-1"}}}
	var errs bytes.Buffer
	res, err := Auto(t.Context(), h, h, Options{Out: io.Discard, Err: &errs, Resume: "stepgate resume 7k2m"}, Grants{})
	if err != nil || res.Waiting == nil || errs.String() != "waiting: login look db-1 – do: stepgate resume 7k2m\n" {
		t.Errorf("result %+v, %v, %q", res, err, errs.String())
	}
}

// The terminal is lent between lines, and only one that is there.
func TestLend(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		h := &host{world: newWorld(t), busy: true}
		l := tui.NewLender()
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		over := make(chan error, 1)
		var in Answers = &lines{}
		if on {
			in = &onTerminal{}
		}
		go func() {
			_, err := Run(ctx, h, h, in, Options{Out: &out, Err: io.Discard, Lend: l})
			over <- err
		}()
		used := false
		err := l.Lend(t.Context(), func(in, out *os.File) error {
			used = true
			return nil
		})
		cancel()
		if err := <-over; err != nil {
			t.Fatal(err)
		}
		// Without a terminal's modes to keep, nothing is lent either.
		if used || err == nil || on != strings.Contains(out.String(), "lent to") {
			t.Errorf("on a terminal %v: used %v, %v, %s", on, used, err, out.String())
		}
	}
}

type onTerminal struct{ lines }

func (*onTerminal) Terminal() (in, out *os.File, err error) {
	in, out, err = os.Pipe()
	return in, out, errors.Join(err)
}

// Wishes of guests, and what is tried while a link is lost, are told once.
func TestNews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.then(run.PauseRequested{Why: "磁盘\x1b[2J"})
	var out bytes.Buffer
	p := newPrinter(&out, w)
	s := w.Snapshot()
	for _, what := range []string{"command", "link lost, reconnecting, try 1", "link lost, reconnecting, try 1", "link lost, reconnecting, try 2", "reconnect", "command"} {
		s.Busy = &run.Activity{What: what, Since: s.At.Add(-time.Second)}
		if err := p.tell(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	for line, n := range map[string]int{
		"note: li asks to pause the run: 磁盘\n": 1, "link lost, reconnecting, try 1": 1, "link lost, reconnecting, try 2": 1,
		"waiting for the host to come back": 1, "command": 0,
	} {
		if got := strings.Count(out.String(), line); got != n {
			t.Errorf("%q is told %d times\n%s", line, got, out.String())
		}
	}
}
