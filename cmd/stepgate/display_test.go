package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/cmd/torture/tally"
	"stepgate/engine"
	"stepgate/executor"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
	"stepgate/tui/gate"
	"stepgate/tui/keys"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// T14: the bytes that a gate shows and hashes are the bytes that the host's shell
// reads, or the runbook is refused.
func TestTortureT14DisplayIsRun(t *testing.T) {
	t.Parallel()
	n := tally.Size(t, 200)
	const together = 25
	refused := 0
	var bodies []string
	for i := range n {
		body := anyBody(rand.New(rand.NewPCG(14, uint64(i))))
		_, ds := runbook.Parse("one.md", []byte(displayBook(body)), nil)
		switch at, _ := text.FindHidden(strings.ReplaceAll(body, "\r\n", "\n")); {
		case runbook.Failed(ds):
			if refused++; at < 0 {
				t.Fatalf("%q is refused: %v", body, ds)
			}
			continue
		case at >= 0:
			t.Fatalf("%q isn't refused", body)
		}
		bodies = append(bodies, body)
	}
	if refused < n/10 || len(bodies) < n/4 {
		t.Errorf("of %d commands %d were refused: nothing was tested", n, refused)
	}
	lies := 0
	for len(bodies) > 0 {
		some := bodies[:min(together, len(bodies))]
		bodies = bodies[len(some):]
		lies += showAndRun(t, displayBook(some...))
	}
	tally.Add(t, tally.Cases, n)
	tally.Add(t, tally.Lies, lies)
}

// displayBook has a gated step for each body, which ends by printing itself as the
// shell got it.
func displayBook(bodies ...string) string {
	var b strings.Builder
	b.WriteString("+++\ntitle = \"T\"\nconfirm = \"go on\"\n+++\n# T\n\n")
	for i, body := range bodies {
		fmt.Fprintf(&b, "- [ ] S%d {#s%d}\n\n  > [!CAUTION]\n  > c\n\n  ~~~~~~sh\n", i, i)
		for line := range strings.Lines(": <<'END-OF-BODY'\n" + body + "\nEND-OF-BODY\ncat \"$0\"\n") {
			b.WriteString("  " + line)
		}
		b.WriteString("  ~~~~~~\n\n")
	}
	return b.String()
}

// anyBody is text that is hard to show.
func anyBody(r *rand.Rand) string {
	seldom := []string{"\u202e", "\u200b", "\u00a0", "\u2066", "\x1b[2J", "\x00", "\u009b31m", "\ufe0f", "\U000e0041", "\ufeff", "\u115f", "\x7f", "\a", "\b"}
	often := []string{
		"rm -rf /", " ", "  ", "\t", "\\", "\\ ", "停止节点", "宽", "é", "e\u0301", "$x", "`id`", "'", "\"", "é̂̃̄̅", "한국", "ไทย", "→", "·",
		"␛[31m", "⟨U+202E⟩", "😀", strings.Repeat("x", 300), strings.Repeat(" ", 200) + "; rm -rf /", "\n", "\n\n", " \n", "\t\n", "<!-- -->", "```", "{}",
	}
	var b strings.Builder
	for range 1 + r.IntN(12) {
		b.WriteString(often[r.IntN(len(often))])
	}
	switch r.IntN(10) {
	case 0, 1, 2:
		b.WriteString(seldom[r.IntN(len(seldom))] + "z")
	case 3:
		b.WriteString(strings.Repeat("\n", 500) + "payload")
	}
	return b.String()
}

// showAndRun walks through a book at its gates and returns how often what was shown
// isn't what ran.
func showAndRun(t *testing.T, book string) (lies int) {
	t.Helper()
	e, d := displayWorld(t, book)
	defer func() { _ = e.Close(context.Background(), "over") }()
	th := theme.New(theme.Options{NoColor: true})
	shown := map[run.Key]string{}
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); {
		s := e.Snapshot()
		c := s.Run.Cell(s.Current)
		switch {
		case s.Busy != nil || s.Wait == run.WaitNothing:
			<-e.Changes()
			continue
		case s.Wait == run.WaitGo:
			d(s, run.Go{})
		case s.Wait == run.WaitGate && c.Gate != nil:
			g := gate.New(s, c, keys.Default(), s.At)
			g.Layout(th, 120, 40, s.At)
			frame := ansi.Strip(g.Render(th, 120, 40, s.At))
			if print := wording.Fingerprint(c.Gate.Dispatch); !strings.Contains(frame, print) {
				t.Errorf("the gate doesn't show %q:\n%s", print, frame)
			}
			shown[c.Key] = wording.Fingerprint(c.Gate.Dispatch)
			d(s, run.Answer{Gate: c.Gate.Gate, Typed: c.Gate.Phrase})
		default:
			for _, c := range s.Run.Cells {
				if c.Status != run.Succeeded {
					t.Fatalf("%s is %s: %s %s", c.Key, c.Status, c.Reason, c.Detail)
				}
				got, _, _, err := e.Output(t.Context(), c.Latest().Intent.Attempt, 0, 0, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				if ran := wording.Fingerprint(&run.Dispatch{Body: string(got)}); ran != shown[c.Key] {
					lies++
					t.Errorf("%s: shown as %s, ran as %s", c.Key, shown[c.Key], ran)
				}
			}
			return lies
		}
	}
	t.Fatal("it never ended")
	return lies
}

// displayWorld is a run of a book on this machine.
func displayWorld(t *testing.T, book string) (*engine.Engine, func(*run.Snapshot, run.Action)) {
	t.Helper()
	rb, ds := runbook.Parse("t.md", []byte(book), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	p, problems := plan.New(rb, nil, nil)
	if p == nil {
		t.Fatal(problems)
	}
	dir := t.TempDir()
	store, err := state.Open(t.Context(), filepath.Join(dir, "state", "stepgate.db"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	begin := run.RunStarted{Title: "T", Digest: p.Digest, Dir: dir, Closure: strings.Repeat("0", 64)}
	if begin.Source, err = store.PutBlob(t.Context(), []byte(book)); err != nil {
		t.Fatal(err)
	}
	var gates atomic.Int64
	e, err := engine.Start(t.Context(), engine.Options{
		Journal: store, Operator: "li", Holder: "li@test", Now: time.Now,
		GateID: func() string { return "g" + strconv.FormatInt(gates.Add(1), 10) },
		Hosts: func(string, executor.Asker) (executor.Executor, error) {
			return executor.NewLocal(executor.LocalOptions{Dir: dir, Env: append(os.Environ(), "STEPGATE_DIR="+filepath.Join(dir, "attempts"))}), nil
		},
	}, p, state.NewRunID(time.Now(), strings.NewReader(strings.Repeat("x", 64))), begin)
	if err != nil {
		t.Fatal(err)
	}
	return e, func(s *run.Snapshot, a run.Action) {
		if err := e.Do(t.Context(), s.Current, s.Seq, a); err != nil {
			t.Fatalf("%T: %v", a, err)
		}
	}
}
