package stepview

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/diff"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// labelWidth is the room of "before", "expect" and the like.
const labelWidth = 7

// checks draws the checks of all phases: as they are being taken, as they were
// taken last, or as they will be taken.
func (b *body) checks() {
	b.gap()
	b.phase(run.Already)
	b.phase(run.Before)
	b.outcome()
	b.phase(run.After)
	if e, _ := wording.Looked(b.c); e != nil && b.c.Status != run.Succeeded || b.looking() {
		b.phase(run.Evidence)
	}
	if b.c.Status == run.RollingBack || b.c.Status == run.RolledBack || b.c.Status == run.RollbackFailed {
		b.phase(run.RollbackBefore)
		b.phase(run.RollbackAfter)
	}
}

// looking reports whether what holds now is being looked at.
func (b *body) looking() bool {
	a := b.busy()
	return a != nil && len(a.Looks) > 0 && a.Phase == run.Evidence
}

// outcome draws the command's own exit and expectations.
func (b *body) outcome() {
	f := b.c.Plan.Step.Book.Command
	if f == nil {
		return
	}
	a := b.c.Attempt(run.RoleCommand)
	switch {
	case a != nil && a.Outcome != nil && b.c.Status != run.Pending:
		rows := a.Outcome.Rows
		if len(rows) == 0 {
			rows = []checks.Row{{Text: fmt.Sprintf("exit %d", a.Outcome.Exit), Verdict: a.Outcome.Verdict}}
		}
		before := ""
		for _, r := range rows {
			b.row("expect", "", r)
			if r.Diff != before {
				b.add(Difference(b.Theme, r.Diff, b.w)...)
			}
			before = r.Diff
		}
	case f.Expect != nil:
		for _, l := range wording.Asserts(f, 0) {
			b.open("expect", "", l)
		}
	}
}

func (b *body) phase(p run.Phase) {
	fences := b.c.Fences(p)
	if len(fences) == 0 {
		return
	}
	if b.c.Plan.Step.Kind == plan.Check && b.Watch {
		defer b.commands(fences)
	} else if b.c.Plan.Step.Kind == plan.Check {
		b.commands(fences)
		b.gap()
	}
	if a := b.busy(); a != nil && len(a.Looks) > 0 && a.Phase == p {
		b.live(p, fences, a.Looks)
		return
	}
	if taken := b.c.Checks[p]; taken != nil {
		for _, res := range taken.Checks {
			where := ""
			if several(taken.Checks, res.Fence) {
				where = wording.Place(res.Where)
			}
			b.result(wording.Label(b.c.Plan.Step, p), where, fences, res)
			b.polled(res)
		}
		return
	}
	for i, f := range fences {
		b.looks(f)
		for _, l := range wording.Asserts(f, i) {
			b.open(wording.Label(b.c.Plan.Step, p), "", l)
		}
	}
}

// commands shows what a check step runs, and where.
func (b *body) commands(fences []*runbook.Fence) {
	r := b.Snap.Run
	b.gap()
	for _, f := range fences {
		places := r.Plan.Places(b.c.Plan, f)
		if f.Body == "" || len(places) == 0 {
			continue
		}
		d, err := r.DispatchFence(b.c, f, places[0], nil)
		if err != nil {
			b.unready(f, err)
			continue
		}
		wording.Meant(r, b.c, f, &d)
		d.Where = strings.Join(places, ", ")
		b.add(Dispatch(b.Theme, &d, b.full)...)
		if len(places) == 1 {
			b.values(&d)
		}
	}
}

// looks names in one line what a check of a command runs, where there is time
// to read it.
func (b *body) looks(f *runbook.Fence) {
	if b.Watch || f.Expect == nil || b.c.Plan.Step.Kind == plan.Check {
		return
	}
	if first, _, _ := strings.Cut(strings.TrimSpace(wording.Block(f.Body)), "\n"); first != "" {
		b.add(strings.Repeat(" ", labelWidth+3) + b.Theme.Faint.Render("$ "+first))
	}
}

func several(rs []run.CheckResult, fence int) bool {
	n := 0
	for _, r := range rs {
		if r.Fence == fence {
			n++
		}
	}
	return n > 1
}

// result draws what one check showed.
func (b *body) result(label, where string, fences []*runbook.Fence, res run.CheckResult) {
	b.add(Result(b.Theme, label, where, fences, res, b.w)...)
}

// Grid is the result of statements that a check printed, where it is one.
func Grid(fences []*runbook.Fence, res run.CheckResult) (text.Grid, bool) {
	if res.Fence >= len(fences) || fences[res.Fence].Form != runbook.SQL {
		return text.Grid{}, false
	}
	return text.ParseGrid(res.Stdout)
}

// Result draws what one check of a phase showed: a line for each assertion, and below
// it how what it compared differs.
func Result(t *theme.Theme, label, where string, fences []*runbook.Fence, res run.CheckResult, w int) []string {
	var out []string
	before := ""
	for _, r := range res.Rows {
		what, saw := wording.Row(r)
		if res.Fence < len(fences) && fences[res.Fence].Expect == nil {
			what = wording.Asserts(fences[res.Fence], res.Fence)[0] // its exit is all it says; name it
		}
		out = append(out, CheckLine(t, label, where, wording.Verdict(r.Verdict), "", what, saw, w)...)
		if r.Diff != before {
			out = append(out, Difference(t, r.Diff, w)...)
		}
		before = r.Diff
	}
	if len(out) > 0 {
		return out
	}
	what, saw := wording.ExitText(res), wording.ExitText(res)
	if res.Fence < len(fences) {
		what = wording.Asserts(fences[res.Fence], res.Fence)[0]
	}
	switch {
	case res.Cause != "":
		saw = wording.Line(res.Cause)
	case res.Verdict == checks.Pass:
		saw = "" // exit 0, as asserted
	}
	return CheckLine(t, label, where, wording.Verdict(res.Verdict), "", what, saw, w)
}

// Difference draws a row's difference below its line.
func Difference(t *theme.Theme, d string, w int) []string {
	return pane.Indent(diff.Text(t, d, max(w-labelWidth-3, 8)), strings.Repeat(" ", labelWidth+3))
}

// live draws checks that are being taken.
func (b *body) live(p run.Phase, fences []*runbook.Fence, looks []run.Look) {
	for _, l := range looks {
		where := ""
		if len(looks) > len(fences) {
			where = wording.Place(l.Where)
		}
		if l.Done && l.Last.Tries > 0 {
			b.result(wording.Label(b.c.Plan.Step, p), where, fences, l.Last)
			b.polled(l.Last)
			continue
		}
		what, saw := name(fences, l.Fence), ""
		if l.Since.IsZero() { // those before it are taken first
			b.line(wording.Label(b.c.Plan.Step, p), where, theme.Pending, "", what, "")
			continue
		}
		for _, r := range l.Last.Rows {
			if r.Verdict != checks.Pass {
				what, saw = wording.Row(r)
				break
			}
		}
		b.line(wording.Label(b.c.Plan.Step, p), where, theme.Running, b.Spin, what, join(saw, progress(l, b.Now), b.Theme))
		b.trends(l.Trends)
	}
}

func join(a, z string, t *theme.Theme) string {
	if a == "" || z == "" {
		return a + z
	}
	return a + " " + t.Glyph.Dot + " " + z
}

// progress tells how far a poll is.
func progress(l run.Look, now time.Time) string {
	if l.Since.IsZero() {
		return ""
	}
	spent := text.Duration(now.Sub(l.Since).Truncate(time.Second))
	if l.Until == 0 {
		return spent
	}
	tries := fmt.Sprintf("try %d", max(l.Try, 1))
	if l.Every > 0 {
		tries += fmt.Sprintf("/%d", int(l.Until/l.Every))
	}
	if l.Hold > 0 && !l.Held.IsZero() {
		tries = "has held " + text.Duration(now.Sub(l.Held).Truncate(time.Second)) + " of " + text.Duration(l.Hold) + ", " + tries
	}
	return tries + ", " + spent + " of " + text.Duration(l.Until)
}

func name(fences []*runbook.Fence, i int) string {
	if i >= len(fences) {
		return "check"
	}
	lines := wording.Asserts(fences[i], i)
	if len(lines) > 1 {
		return fmt.Sprintf("%s (and %d more)", lines[0], len(lines)-1)
	}
	return lines[0]
}

func (b *body) row(label, where string, r checks.Row) {
	what, saw := wording.Row(r)
	b.line(label, where, wording.Verdict(r.Verdict), "", what, saw)
}

// open draws an assertion that hasn't been looked at.
func (b *body) open(label, where, what string) { b.line(label, where, theme.Pending, "", what, "") }

// line draws `label glyph what   saw`; what it saw goes below when there is no
// room beside.
func (b *body) line(label, where string, m theme.Mark, glyph, what, saw string) {
	b.add(CheckLine(b.Theme, label, where, m, glyph, what, saw, b.w)...)
}

// CheckLine draws an assertion with its verdict and what it saw. glyph replaces
// the mark's own where it isn't empty.
func CheckLine(t *theme.Theme, label, where string, m theme.Mark, glyph, what, saw string, w int) []string {
	if glyph == "" {
		glyph = t.Glyph.Mark(m)
	}
	style := t.Style(m)
	head := t.Muted.Render(pane.Fit(label, labelWidth, "")) + " " + style.Render(glyph) + " "
	if where != "" {
		head += t.Muted.Render(where + ": ")
	}
	text := t.Text
	if m == theme.Pending {
		text = t.Muted
	}
	if saw == "" {
		return hang(head, pane.WrapSpans([]pane.Span{{Text: what, Style: text}}, max(w-ansi.StringWidth(head), 8)))
	}
	seen := t.Muted
	if m == theme.Failed || m == theme.Unknown {
		seen = style.UnsetBold()
	}
	if ansi.StringWidth(head)+ansi.StringWidth(what)+ansi.StringWidth(saw)+3 <= w {
		return []string{pane.Row(head+text.Render(what), seen.Render(saw), w, t.Glyph.Ellipsis)}
	}
	out := hang(head, pane.WrapSpans([]pane.Span{{Text: what, Style: text}}, max(w-ansi.StringWidth(head), 8)))
	pad := strings.Repeat(" ", labelWidth+3)
	return append(out, pane.Indent(pane.WrapSpans([]pane.Span{{Text: saw, Style: seen}}, max(w-labelWidth-3, 8)), pad)...)
}

// hang puts head before the first line and blanks before the others.
func hang(head string, lines []string) []string {
	pad := strings.Repeat(" ", ansi.StringWidth(head))
	for i, l := range lines {
		if i == 0 {
			lines[i] = head + l
		} else {
			lines[i] = pad + l
		}
	}
	return lines
}
