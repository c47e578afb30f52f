package plain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"sort"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui"
	"stepgate/tui/diff"
	"stepgate/tui/wording"
)

// printer writes what happens in a run, line by line, as snapshots show it.
type printer struct {
	out    io.Writer
	src    tui.Source
	seen   map[run.Key]uint64                  // number of the last event told, by cell
	phases map[run.Key]map[run.Phase]time.Time // checks told
	copied map[string]int                      // of attempts that copy: what was told last, in steps
	status map[run.Key]run.Status              // told last
	read   map[string]*[2]stream               // attempts' output told
	ended  map[string]bool                     // attempts whose end was told
	notice string
	doing  string    // what goes on where a link was lost, or a host is away
	polled time.Time // when a poll was told last
	wished uint64    // number of the latest guest's wish told
	hosts  map[string]run.HostState
	besides
	err error // of writing
}

// stream is how far an attempt's output has been told.
type stream struct {
	at   int64
	rest []byte // an unfinished line
}

func newPrinter(out io.Writer, src tui.Source) *printer {
	return &printer{
		out: out, src: src, seen: map[run.Key]uint64{}, phases: map[run.Key]map[run.Phase]time.Time{}, copied: map[string]int{},
		status: map[run.Key]run.Status{}, read: map[string]*[2]stream{}, ended: map[string]bool{}, hosts: map[string]run.HostState{}, besides: newBesides(),
	}
}

// known takes what a resumed run has behind it as told.
func (p *printer) known(s *run.Snapshot) {
	for c := range s.Run.All() {
		p.seen[c.Key], p.status[c.Key], p.phases[c.Key] = c.Seq, c.Status, c.CheckedAt
	}
	p.knownBeside(s.Run)
}

func (p *printer) line(at time.Time, k run.Key, word, rest string) {
	p.printf("%s %s %s %s %s\n", at.Format("15:04:05"), wording.Line(k.Step), dash(wording.Line(k.Target)), word, rest)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

func (p *printer) indent(mark, block string) {
	for l := range strings.Lines(wording.Block(block)) {
		p.printf("    %s %s\n", mark, strings.TrimRight(l, "\n"))
	}
}

// tell writes what is new in a snapshot.
func (p *printer) tell(ctx context.Context, s *run.Snapshot) error {
	var news []*run.Cell
	for c := range s.Run.All() {
		if c.Seq > p.seen[c.Key] {
			news = append(news, c)
		}
	}
	sort.Slice(news, func(i, j int) bool { return news[i].Seq < news[j].Seq })
	for _, c := range news {
		if err := p.cell(ctx, s, c); err != nil {
			return err
		}
	}
	if err := p.live(ctx, s); err != nil {
		return err
	}
	p.beside(s)
	if s.Notice != p.notice && s.Notice != "" {
		p.printf("%s note: %s\n", s.At.Format("15:04:05"), wording.Line(s.Notice))
	}
	p.notice = s.Notice
	p.away(s)
	p.copying(s)
	p.polling(s)
	p.wishes(s)
	p.connections(s)
	return p.err
}

// live tells what the command that is under way has printed. Of several at a time
// the lines would be taken for one's: each is told when it has ended.
func (p *printer) live(ctx context.Context, s *run.Snapshot) error {
	if s.Busy == nil || s.Busy.Attempt == "" || len(s.Beside) > 0 {
		return nil
	}
	return p.output(ctx, s.Busy.Attempt, false)
}

// away tells what is tried while a link is lost or a host doesn't answer.
func (p *printer) away(s *run.Snapshot) {
	doing := ""
	if s.Busy != nil {
		doing = wording.Away(s.Busy)
	}
	if doing != p.doing && doing != "" {
		p.line(s.At, s.Current, doing, "")
	}
	p.doing = doing
}

// wishes tells what guests ask for.
func (p *printer) wishes(s *run.Snapshot) {
	for i := range s.Run.Wishes {
		if rec := &s.Run.Wishes[i]; rec.Seq > p.wished {
			p.wished = rec.Seq
			p.printf("%s note: %s\n", s.At.Format("15:04:05"), wording.Wish(rec))
		}
	}
}

func (p *printer) connections(s *run.Snapshot) {
	var names []string
	for name := range s.Hosts {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		h := s.Hosts[name]
		if h == p.hosts[name] {
			continue
		}
		p.hosts[name] = h
		if h.State == "lost" {
			p.printf("%s - %s lost %s\n", s.At.Format("15:04:05"), wording.Line(name), wording.Line(h.Error))
			if h.Hint != "" {
				p.indent("→", h.Hint)
			}
		}
	}
}

// cell tells a cell's checks, the end of its attempt, and its status, in the
// order in which they came about.
func (p *printer) cell(ctx context.Context, s *run.Snapshot, c *run.Cell) error {
	p.seen[c.Key] = c.Seq
	told := p.phases[c.Key]
	p.phases[c.Key] = c.CheckedAt
	if last, ok := p.status[c.Key]; !ok || last != c.Status || news(c, told) {
		p.line(s.Run.Last, c.Key, wording.Status(c.Status), wording.Title(s.Run, c.Plan.Step)+reason(c))
	}
	p.status[c.Key] = c.Status
	for _, ph := range []run.Phase{run.Already, run.Before, run.RollbackBefore} {
		p.checks(c, ph, told)
	}
	if a := c.Latest(); a != nil {
		if id := a.Intent.Attempt; p.read[id] == nil {
			p.read[id] = &[2]stream{}
			p.indent(sign(a.Intent.Dispatch.Form), strings.TrimRight(a.Intent.Dispatch.Shown(), "\n"))
		}
		if len(s.Beside) == 0 || a.Outcome != nil {
			if err := p.output(ctx, a.Intent.Attempt, a.Outcome != nil); err != nil {
				return err
			}
		}
		if o := a.Outcome; o != nil && o.Verdict != checks.Pass && !p.ended[a.Intent.Attempt] {
			p.ended[a.Intent.Attempt] = true
			p.printf("    exit %d\n", o.Exit)
			p.rows(o.Rows)
		}
	}
	for _, ph := range []run.Phase{run.After, run.Evidence, run.RollbackAfter} {
		p.checks(c, ph, told)
	}
	return nil
}

// news reports whether checks were taken since.
func news(c *run.Cell, told map[run.Phase]time.Time) bool {
	for ph, at := range c.CheckedAt {
		if !at.Equal(told[ph]) {
			return true
		}
	}
	return false
}

func reason(c *run.Cell) string {
	var parts []string
	if c.Reason != run.NoReason {
		parts = append(parts, string(c.Reason))
	}
	for _, d := range []string{c.Detail, c.Skip, c.Excluded, c.Evidence, answer(c)} {
		if d != "" {
			parts = append(parts, wording.Line(d))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

// answer is how the question of a step was answered.
func answer(c *run.Cell) string {
	if c.Asked == nil {
		return ""
	}
	s := c.Asked.Name + " = " + c.Asked.Value
	if q := c.Plan.Step.Book.Question; q != nil && q.Param.Secret {
		s = c.Asked.Name + " = " + text.Masked
	}
	if c.Asked.Repeated {
		s += ", as before"
	}
	return s
}

func (p *printer) checks(c *run.Cell, ph run.Phase, told map[run.Phase]time.Time) {
	t := c.Checks[ph]
	if t == nil || c.CheckedAt[ph].Equal(told[ph]) {
		return
	}
	for _, r := range t.Checks {
		tries := ""
		if r.Tries > 1 {
			tries = fmt.Sprintf(", try %d", r.Tries)
		}
		p.printf("    %s check %s%s: %s\n", ph, dash(wording.Line(r.Where)), tries, r.Verdict)
		p.rows(r.Rows)
		if r.Verdict != checks.Pass {
			p.indent("|", r.Stdout)
			p.indent("!", r.Stderr)
			if r.Cause != "" {
				p.indent("→", r.Cause)
			}
		}
	}
}

// command prints exactly what would run, and the values it names.
func (p *printer) command(d *run.Dispatch) {
	p.exact(d)
	for _, v := range d.Named() {
		p.printf("      %s=%s\n", wording.Line(v.Name), wording.Line(wording.Value(v)))
	}
}

// exact prints what would run so that each byte of it can be seen.
func (p *printer) exact(d *run.Dispatch) {
	for _, l := range wording.Exact(d.Prefix + d.Body) {
		p.printf("    %s %s\n", sign(d.Form), l)
	}
	if d.Language != "" {
		p.printf("    with this text in %s:\n", wording.Line(d.Language))
		for _, l := range wording.Exact(d.Text) {
			p.printf("    > %s\n", l)
		}
	}
	p.printf("      %s\n", wording.Fingerprint(d))
}

// expects tells what will be checked, before anything is.
func (p *printer) expects(c *run.Cell) {
	say := func(label string, f *runbook.Fence, i int) {
		for _, l := range wording.Asserts(f, i) {
			p.printf("    %s: %s\n", label, l)
		}
	}
	for i, f := range c.Fences(run.Before) {
		say(wording.Label(c.Plan.Step, run.Before), f, i)
	}
	if f := c.Plan.Step.Book.Command; f != nil && f.Expect != nil {
		say("expect", f, 0)
	}
	for i, f := range c.Fences(run.After) {
		say(wording.Label(c.Plan.Step, run.After), f, i)
	}
}

func (p *printer) rows(rows []checks.Row) {
	before := ""
	for _, r := range rows {
		s := r.Label
		if s == "" {
			s = r.Text
		}
		if r.Saw != "" {
			s += "   " + r.Saw
		}
		if r.Cause != "" {
			s += "   " + r.Cause
		}
		p.printf("      %s %s\n", r.Verdict, wording.Line(s))
		if r.Diff != before {
			p.differs(r.Diff, math.MaxInt)
		}
		before = r.Diff
	}
}

// differs prints the first lines of a difference.
func (p *printer) differs(d string, most int) {
	lines := diff.Plain(d)
	for _, l := range lines[:min(len(lines), most)] {
		p.printf("        %s\n", l)
	}
	if left := len(lines) - most; left > 0 {
		p.printf("        (%d lines left out here; `stepgate show` has them)\n", left)
	}
}

// chunk is how much output is read at once, in bytes.
const chunk = 64 << 10

// output tells what is new of an attempt's output, whole lines only until it
// has ended.
func (p *printer) output(ctx context.Context, attempt string, ended bool) error {
	st := p.read[attempt]
	if st == nil {
		st = &[2]stream{}
		p.read[attempt] = st
	}
	for i, mark := range []string{"|", "!"} {
		for {
			data, at, end, err := p.src.Output(ctx, attempt, i, st[i].at, chunk)
			if err != nil {
				return err
			}
			if at > st[i].at && len(data) > 0 {
				p.printf("    %s … %d bytes not kept …\n", mark, at-st[i].at)
			}
			if len(data) > 0 {
				st[i].at = at + int64(len(data))
			}
			st[i].rest = append(st[i].rest, data...)
			if n := bytes.LastIndexByte(st[i].rest, '\n'); n >= 0 {
				p.indent(mark, string(st[i].rest[:n+1]))
				st[i].rest = st[i].rest[n+1:]
			}
			if len(data) == 0 || st[i].at >= end || p.err != nil {
				break
			}
		}
		if ended && len(st[i].rest) > 0 {
			p.indent(mark, string(st[i].rest))
			st[i].rest = nil
		}
	}
	return p.err
}
