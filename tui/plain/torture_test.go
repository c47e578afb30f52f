package plain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"stepgate/checks"
	"stepgate/cmd/torture/tally"
	"stepgate/runbook/run"
	"stepgate/runbook/text/hostile"
)

// printing is a run whose command printed something.
type printing struct {
	*world
	out string
}

func (p *printing) Events(context.Context, uint64, int) ([]run.Record, error) {
	return nil, nil
}

func (p *printing) Output(_ context.Context, _ string, stream int, from int64, size int) ([]byte, int64, int64, error) {
	end := int64(len(p.out))
	if stream == 1 || from >= end {
		return nil, from, end, nil
	}
	return []byte(p.out[from:min(from+int64(size), end)]), from, end, nil
}

// Whatever a command prints, a host says, a login asks or a guest wishes: lines
// hold nothing but text, each in its place.
func TestTortureT13Lines(t *testing.T) {
	t.Parallel()
	cases, err := hostile.Corpus()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		said := c.Text[:min(len(c.Text), 4096)]
		w := &printing{newWorld(t), c.Text}
		w.then(run.Note{Text: said})
		h := &host{world: w.world, asks: []*run.Prompt{{ID: "p", Kind: "interactive", Host: said, Text: said, Detail: []string{said}, Again: said, Echo: true}}}
		var out bytes.Buffer
		if _, err := Run(t.Context(), h, h, &typist{lines: lines{left: []string{"x", "q"}}}, Options{Out: &out, Err: &out, Resume: "stepgate resume 7k2m"}); err != nil {
			t.Fatal(err)
		}
		p := newPrinter(&out, w)
		s := w.Snapshot()
		s.Notice, s.Hosts = said, map[string]run.HostState{said: {State: "lost", Error: said, Hint: said}}
		s.Busy = &run.Activity{What: said, Attempt: "a1", Since: s.At}
		if err := p.tell(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := p.output(t.Context(), "a1", true); err != nil {
			t.Fatal(err)
		}
		if why := hostile.Harm(out.String()); why != "" {
			t.Fatalf("%s: %s is printed", c.Name, why)
		}
		for l := range strings.Lines(out.String()) {
			for _, forged := range []string{"waiting: gate", "12:00:00 ", "> rm", "number> x"} {
				if strings.HasPrefix(l, forged) {
					t.Errorf("%s: a line of its own: %q", c.Name, l)
				}
			}
		}
	}
	tally.Add(t, tally.Cases, len(cases))
}

// jumble is a person, or a thing, that types anything.
type jumble struct {
	r     *rand.Rand
	typed []string
	left  int
	quiet bool // the end has come
}

func (j *jumble) ReadLine(ctx context.Context) (string, error) {
	if j.left--; j.left < 0 || j.quiet {
		return "", io.EOF
	}
	choice := []string{"really", "really ", " really", "Really", "REALLY", "reall", "really\x00", "really\u200b", "", "y", "yes", "1", "2", "3", "4", "5", "q1", "n", "\x1b[200~really\x1b[201~", "rеally", "  "}
	s := choice[j.r.IntN(len(choice))]
	switch j.r.IntN(12) {
	case 0:
		return "", context.DeadlineExceeded
	case 1:
		j.quiet = true
		return s, io.EOF
	case 2:
		s = string(rune(j.r.IntN(utf8.MaxRune))) + s
	}
	j.typed = append(j.typed, s)
	return s, nil
}

func (j *jumble) Flush() error {
	if j.r.IntN(40) == 0 {
		return fmt.Errorf("flush: input/output error")
	}
	return nil
}

// Whatever is typed at a gate in lines, and however the terminal ends: it opens
// only for its exact phrase.
func TestTortureT16Lines(t *testing.T) {
	t.Parallel()
	n := tally.Size(t, 500)
	opened, granted := 0, 0
	for i := range n {
		r := rand.New(rand.NewPCG(16, uint64(i)))
		w, in := newWorld(t), &jumble{r: r, left: 4 + r.IntN(24)}
		// Most get to the gate first.
		if r.IntN(10) > 0 {
			w.then(run.ChecksTaken{Cell: w.Snapshot().Current, Phase: run.Before, Checks: passed()})
			w.then(run.ManualDone{Cell: w.Snapshot().Current})
			_ = w.Do(t.Context(), w.Snapshot().Current, 0, run.Go{})
		}
		_, _ = Run(t.Context(), w, w, in, Options{Out: io.Discard, Err: io.Discard})
		for _, a := range w.got {
			ans, ok := a.(run.Answer)
			if !ok || ans.Typed != "really" {
				continue
			}
			granted++
			if !slices.Contains(in.typed, "really") {
				opened++
				t.Errorf("seed %d: it opened though only %q was typed", i, in.typed)
			}
		}
	}
	if granted == 0 {
		t.Error("no gate was ever opened: nothing was tested")
	}
	tally.Add(t, tally.Cases, n)
	tally.Add(t, tally.OpenedGates, opened)
}

func passed() []run.CheckResult {
	return []run.CheckResult{{Verdict: checks.Pass, Ran: true, Tries: 1}}
}
