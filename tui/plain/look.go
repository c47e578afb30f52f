package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui"
	"stepgate/tui/matrix"
	"stepgate/tui/wording"
)

// looks are the words that show something and change nothing.
var looks = []struct{ word, args, says string }{
	{"status", "", "where the run stands, and what is left of it"},
	{"steps", " [WORDS]", "every step and how it stands; with words, those that have them"},
	{"show", " STEP", "a step, ahead or behind: its text, command, checks and attempts"},
	{"output", " [STEP]", "all that is kept of what a step has printed"},
	{"timeline", " [WORDS]", "what has happened; with words, what has them"},
	{"matrix", "", "hosts by steps"},
	{"monitors", "", "what the monitors show, the longest gap by step, and background processes"},
	{"hosts", "", "the hosts, and how they are connected"},
}

// look shows what a line asks for. false: it asks for nothing that can be shown.
func (w *walk) look(ctx context.Context, s *run.Snapshot, line string) (bool, error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	pages := func(write func(*walk)) error {
		return w.pages(ctx, word, func(out io.Writer) error {
			v := *w
			v.p = newPrinter(out, w.src)
			write(&v)
			return v.p.err
		})
	}
	switch strings.ToLower(word) {
	case "?", "help":
		w.help(s)
		return true, w.p.err
	case "status":
		return true, pages(func(v *walk) { v.status(s) })
	case "steps":
		return true, pages(func(v *walk) { v.steps(s, strings.Fields(rest)) })
	case "hosts":
		return true, pages(func(v *walk) { v.hosts(s) })
	case "matrix":
		return true, w.pages(ctx, word, func(out io.Writer) error { return matrix.Table(out, s, s.At) })
	case "monitors":
		return true, w.pages(ctx, word, func(out io.Writer) error { return report.Monitors(out, s.Run, s.At, s.At.Location()) })
	case "timeline":
		return true, w.timeline(ctx, s, strings.Fields(rest))
	case "show", "output":
		c := s.Run.Cell(s.Current)
		if rest != "" || c == nil {
			var err error
			if c, err = w.find(ctx, s, rest); err != nil || c == nil {
				return true, err
			}
		}
		if strings.EqualFold(word, "output") {
			return true, w.printed(ctx, s, c)
		}
		return true, pages(func(v *walk) { v.show(s, c) })
	}
	return false, nil
}

// help lists all that can be done now, the numbers as the question has them, and
// what can be looked at.
func (w *walk) help(s *run.Snapshot) {
	asked := s.Busy == nil && s.Wait != run.WaitNothing && s.Wait != run.WaitGate
	offered := offers(s)
	w.p.printf("  what can be done, by its name%s:\n", map[bool]string{true: " or number"}[asked])
	for _, a := range s.Actions {
		if a.Verb == run.VerbAnswer || a.Verb == run.VerbRespond {
			continue
		}
		no := ""
		if i := slices.IndexFunc(offered, func(o run.Availability) bool { return o.Verb == a.Verb }); asked && a.OK() && i >= 0 {
			no = fmt.Sprint(i + 1)
		}
		says := says(s, a)
		if !a.OK() {
			says = "not now, " + a.Why
		}
		w.p.printf("    %2s %s: %s\n", no, a.Verb, wording.Line(says))
	}
	w.p.printf("       note TEXT: put that on the timeline\n")
	if s.Action(run.VerbAdHoc).OK() {
		w.p.printf("       shell: a shell on this terminal, on a host of the run; recorded as off-book\n")
	}
	w.p.printf("       q: leave; the run stays and can be resumed\n")
	w.p.printf("  what can be looked at:\n")
	for _, l := range looks {
		w.p.printf("       %s%s: %s\n", l.word, l.args, l.says)
	}
}

// status says where the run stands.
func (w *walk) status(s *run.Snapshot) {
	settled, total, gates := s.Run.Progress()
	w.p.printf("%s, run %s, %s\n", wording.Line(s.Run.Plan.Title), wording.Line(s.Run.ID), wording.Clock(s.At.Sub(s.Run.Started)))
	w.p.printf("  %s\n", wording.Waiting(s, s.At))
	for _, a := range s.Beside {
		if c := s.Run.Cell(a.Cell); c != nil && a.Cell != s.Current {
			w.p.printf("  %s: %s\n", wording.Going(s, c, &a, s.At), wording.At(s.Run, c))
		}
	}
	facts := []string{fmt.Sprintf("%d of %d settled", settled, total)}
	rest := run.Left(s, s.At)
	facts = append(facts, fmt.Sprintf("gates ahead: %d", gates))
	for _, f := range []string{wording.Left(rest), wording.Window(rest), wording.Stopping(s)} {
		if f != "" {
			facts = append(facts, f)
		}
	}
	w.p.printf("  %s\n", strings.Join(facts, ", "))
	w.p.printf("  %s\n", wording.Counts(s.Run))
	if late := wording.Late(rest); late != "" {
		w.p.printf("  %s\n", late)
	}
	for _, why := range []string{s.ReadOnly, s.Notice} {
		if why != "" {
			w.p.printf("  %s\n", wording.Line(why))
		}
	}
}

// stands is how a cell stands, in words.
func stands(s *run.Snapshot, c *run.Cell) string {
	if a := wording.Busy(s, c.Key); a != nil {
		return wording.Going(s, c, a, s.At)
	}
	if c.Status == run.Pending && c.NeedsGate() {
		return "gate ahead"
	}
	return wording.Status(c.Status)
}

func (w *walk) steps(s *run.Snapshot, words []string) {
	for c := range s.Run.All() {
		name := wording.Among(s.Run, c)
		if !hasAll(name+" "+c.Key.Step, words) {
			continue
		}
		here := ""
		if c.Key == s.Current {
			here = "  <- here"
		}
		w.p.printf("  %s: %s%s%s\n", name, stands(s, c), reason(c), here)
	}
}

// hasAll reports whether each of the words occurs, whatever its case.
func hasAll(in string, words []string) bool {
	in = strings.ToLower(in)
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(in, strings.ToLower(word)) })
}

func (w *walk) hosts(s *run.Snapshot) {
	if len(s.Run.Plan.Hosts) == 0 {
		w.p.printf("  the run has no hosts: everything runs on this machine\n")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Run.Plan.Hosts)) {
		h := s.Hosts[name]
		state := h.State
		if state == "" {
			state = "not connected"
		}
		w.p.printf("  %s: %s\n", wording.Line(name), wording.Line(strings.TrimSpace(state+" "+h.Error)))
		if h.Hint != "" {
			w.p.indent("→", h.Hint)
		}
		if why := s.Run.Hosts[name].Degraded; why != "" {
			w.p.printf("    it keeps no record of what runs there: %s\n", wording.Line(why))
		}
	}
}

// eventPage is how many events are read at a time, and lastEvents how many are told
// without being asked for by words.
const (
	eventPage  = 2000
	lastEvents = 40
)

// timeline tells what has happened: what has the words, else the latest. The word
// "all" alone has everything.
func (w *walk) timeline(ctx context.Context, s *run.Snapshot, words []string) error {
	all := len(words) == 1 && strings.EqualFold(words[0], "all")
	if all {
		words = nil
	}
	return w.pages(ctx, "timeline", func(out io.Writer) error {
		if len(words) == 0 && !all {
			return w.latest(ctx, s, out)
		}
		after := uint64(0)
		for {
			records, err := w.src.Events(ctx, after, eventPage)
			if err != nil || len(records) == 0 {
				return err
			}
			after = records[len(records)-1].Seq
			picked := report.Pick(s.Run, records, report.Choice{Words: words})
			if err := report.Timeline(out, s.Run, picked, time.Local); err != nil {
				return err
			}
		}
	})
}

// latest tells the last events, as far back as it takes to have enough that aren't
// samples.
func (w *walk) latest(ctx context.Context, s *run.Snapshot, out io.Writer) error {
	var picked []run.Record
	after := s.Run.Seq
	for most := uint64(lastEvents); after > 0 && len(picked) < lastEvents; most = min(2*most, eventPage) {
		n := min(after, most)
		records, err := w.src.Events(ctx, after-n, int(n)) //nolint:gosec // eventPage at most
		if err != nil {
			return err
		}
		after -= n
		picked = append(report.Pick(s.Run, records, report.Choice{}), picked...)
	}
	picked = picked[max(0, len(picked)-lastEvents):]
	if len(picked) > 0 && picked[0].Seq > 1 {
		if _, err := fmt.Fprintf(out, "(%d before these: timeline all)\n", picked[0].Seq-1); err != nil {
			return err
		}
	}
	return report.Timeline(out, s.Run, picked, time.Local)
}

// show tells a step wherever the run stands.
func (w *walk) show(s *run.Snapshot, c *run.Cell) {
	w.p.printf("%s: %s%s\n", wording.At(s.Run, c), stands(s, c), reason(c))
	facts := append([]string{wording.Kind(c.Plan.Step.Kind)}, wording.Classes(c.Plan.Step)...)
	if usual := s.UsualOf(c); usual > 0 {
		facts = append(facts, "usually "+text.Duration(usual.Round(time.Second/10)))
	}
	w.p.printf("  %s\n", strings.Join(facts, ", "))
	if d, err := s.Run.Dispatch(c, run.RoleCommand); err == nil {
		w.p.printf("  %s\n", strings.Join(wording.Reached(s.Run, &d), ", "))
	}
	if caution := s.Run.Text(c, c.Plan.Step.Book.Caution); caution != "" {
		w.p.indent("!", caution)
	}
	v := *s
	v.With = nil
	w.step(&v, c)
	if c.Edited != nil {
		w.strayed(c)
	}
	for _, ph := range []run.Phase{run.Already, run.Before, run.After, run.Evidence, run.RollbackBefore, run.RollbackAfter} {
		w.p.checks(c, ph, nil)
	}
	for _, a := range c.Attempts {
		w.p.printf("    attempt %s\n", wording.Attempt(a))
	}
}

// printed shows all that is kept of the output of a cell's latest attempt.
func (w *walk) printed(ctx context.Context, s *run.Snapshot, c *run.Cell) error {
	a := c.Latest()
	if a == nil {
		w.p.printf("%s has run nothing yet\n", wording.At(s.Run, c))
		return w.p.err
	}
	return w.pages(ctx, "output", func(out io.Writer) error {
		p := newPrinter(out, w.src)
		p.printf("%s, attempt %s\n", wording.At(s.Run, c), wording.Attempt(a))
		return p.output(ctx, a.Intent.Attempt, true)
	})
}

// matches is how many steps are offered to choose from.
const matches = 30

// find asks for a step by its number, its id or words of its name; nil: there is
// none, or none was chosen.
func (w *walk) find(ctx context.Context, s *run.Snapshot, words string) (*run.Cell, error) {
	if words == "" {
		var err error
		if words, err = w.read(ctx, "which step (its number, id, or words of its name)> "); err != nil || words == "" {
			return nil, err
		}
	}
	var exact, some []*run.Cell
	for c := range s.Run.All() {
		switch {
		case c.Plan.Step.Number == words, c.Key.Step == words, c.Key.StepID() == words, strings.HasSuffix(c.Key.StepID(), "/"+words):
			exact = append(exact, c)
		case hasAll(wording.Among(s.Run, c)+" "+c.Key.Step, strings.Fields(words)):
			some = append(some, c)
		}
	}
	if len(exact) > 0 {
		some = exact
	}
	switch {
	case len(some) == 0:
		w.p.printf("no step is called that; `steps` lists them\n")
		return nil, w.p.err
	case len(some) == 1:
		return some[0], nil
	case len(some) > matches:
		w.p.printf("%d steps are called that; type more words of its name, or of its host\n", len(some))
		return nil, w.p.err
	}
	var lines []string
	for _, c := range some {
		lines = append(lines, wording.Among(s.Run, c)+": "+stands(s, c))
	}
	n, err := w.pick(ctx, "which", lines, nil)
	if err != nil || n < 0 {
		return nil, err
	}
	return some[n], nil
}

// pages shows a text in the operator's pager, or by screenfuls.
func (w *walk) pages(ctx context.Context, name string, write func(io.Writer) error) error {
	if w.o.Pager && w.o.Outside != nil {
		err := w.withTerminal(func(t tui.Streams) error { return w.o.Outside.Page(ctx, t, name, write) })
		if err == nil || ctx.Err() != nil {
			return err
		}
		w.p.printf("%s\n", wording.Line(err.Error()))
	}
	err := write(&screenfuls{ctx: ctx, w: w})
	if errors.Is(err, errEnough) {
		return w.p.err
	}
	return errors.Join(err, w.p.err)
}

// screenful is how many lines are shown at once: a terminal has 24 or more.
const screenful = 22

// errEnough is the person's word that no more is to be shown.
var errEnough = errors.New("enough")

// screenfuls passes lines on, and asks after each screenful whether to go on.
type screenfuls struct {
	ctx   context.Context
	w     *walk
	lines int
}

func (s *screenfuls) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if s.lines == screenful {
			s.lines = 0
			typed, err := s.w.read(s.ctx, "more: Enter goes on, q ends it> ")
			if err != nil {
				return 0, err
			}
			if typed != "" {
				return 0, errEnough
			}
		}
		s.w.p.printf("%s", line)
		if strings.HasSuffix(line, "\n") {
			s.lines++
		}
	}
	return len(b), s.w.p.err
}

// errNoTerminal keeps the operator's own programs from being started.
var errNoTerminal = errors.New("there is no terminal here for another program")

// withTerminal gives the terminal to a program of the operator's own.
func (w *walk) withTerminal(use func(tui.Streams) error) error {
	t, ok := w.in.(Terminal)
	if !ok {
		return errNoTerminal
	}
	in, out, err := t.Terminal()
	if err != nil {
		return err
	}
	return errors.Join(use(tui.Streams{In: in, Out: out, Err: out}), out.Close())
}
