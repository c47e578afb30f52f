package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/tui/diff"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/stepview"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// content builds what has to be read before the phrase.
type content struct {
	*theme.Theme
	d      *Dialog
	w      int
	lines  []string
	moving []moving
}

func build(t *theme.Theme, d *Dialog, w int) ([]string, []moving) {
	b := &content{Theme: t, d: d, w: w}
	st := d.cell.Plan.Step
	if caution := b.caution(); caution != "" {
		b.block(stepview.Alert(t, theme.Failed, "CAUTION", caution, w))
	}
	if st.Book.Judged != "" {
		b.block(stepview.Alert(t, theme.Gate, "GATE", "This looks destructive: "+st.Book.Judged, w))
	}
	b.strayed()
	b.undo(st)
	b.window()
	b.monitors()
	if c := d.shown.Dispatch; c != nil {
		b.block(append(stepview.Facts(t, wording.Reached(d.run, c), w), stepview.Body(t, c, w)...))
		b.prefix(c)
		b.values(c)
		b.degraded(c)
		b.unclaimed(c)
	}
	b.places()
	if st.Enter != nil {
		b.follows(st.Enter)
	}
	b.checks()
	return b.lines, b.moving
}

// strayed says that the runbook doesn't say what would run, and how it differs.
func (b *content) strayed() {
	switch c := b.d.cell; {
	case c.AdHoc != nil:
		b.block(b.say(b.Warning, "This command is not in the runbook."))
	case c.Edited != nil && c.Edited.Was == c.Edited.Body:
		b.block(b.say(b.Warning, "Its text was changed in this run, and is the runbook's again."))
	case c.Edited != nil:
		b.block(b.say(b.Warning, "This is not what the runbook says. What was changed in this run:"))
		b.add(diff.Lines(b.Theme, c.Edited.Was, c.Edited.Body, b.w)...)
	}
}

// caution is the warning of every cell that the gate opens, each text once.
func (b *content) caution() string {
	var texts []string
	for _, c := range append([]*run.Cell{b.d.cell}, b.d.with...) {
		st := c.Plan.Step
		source := st.Book.Caution
		if st.Enter != nil && source == "" {
			source = st.Enter.Book.Caution
		}
		if text := b.d.run.Text(c, source); text != "" && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n\n")
}

func (b *content) block(lines []string) {
	if len(lines) == 0 {
		return
	}
	if len(b.lines) > 0 {
		b.lines = append(b.lines, "")
	}
	b.add(lines...)
}

func (b *content) add(lines ...string) {
	for _, l := range lines {
		b.lines = append(b.lines, pane.Cut(l, b.w, b.Glyph.Ellipsis))
	}
}

func (b *content) undo(st *plan.Step) {
	style := b.Warning
	if b.d.shown.Reversible {
		style = b.Good
	}
	if st.Book.Irreversible {
		style = b.Caution
	}
	var lines []string
	for _, sentence := range wording.Undoing(b.d.run, b.d.cell) {
		lines = append(lines, b.say(style, sentence)...)
	}
	if b.d.cell.Rerun {
		lines = append(lines, b.say(b.Caution, "Its command has been sent before: this runs it once more.")...)
	}
	if st.Book.Irreversible {
		for _, sentence := range wording.Elsewhere(b.d.run) {
			lines = append(lines, b.say(b.Caution, sentence)...)
		}
	}
	b.block(lines)
}

// say wraps a sentence.
func (b *content) say(style lipgloss.Style, s string) []string {
	var out []string
	for _, l := range pane.Wrap(s, b.w) {
		out = append(out, style.Render(l))
	}
	return out
}

// window says whether what follows fits in the change window. The clock moves it, in
// as many lines as the longest sentence needs.
func (b *content) window() {
	if b.d.snap.Until.IsZero() {
		return
	}
	room := 1
	if b.w < 100 {
		room = 2
	}
	b.block(make([]string, 1))
	for i := range room {
		if i > 0 {
			b.lines = append(b.lines, "")
		}
		b.moving = append(b.moving, moving{len(b.lines) - 1, func(now time.Time) string {
			rest := run.Left(b.d.snap, now)
			style, s := b.Caution, wording.Late(rest)
			if s == "" {
				style, s = b.Muted, strings.TrimSuffix(wording.Window(rest)+"; "+wording.Left(rest), "; ")
			}
			if lines := b.say(style, s); i < len(lines) {
				return lines[i]
			}
			return ""
		}})
	}
}

// degraded says that the host keeps no record of what runs there.
func (b *content) degraded(d *run.Dispatch) {
	if why := b.d.run.Hosts[d.Where].Degraded; why != "" && d.Form == "" {
		b.block(b.say(b.Caution, wording.Place(d.Where)+" keeps no record of what runs there ("+wording.Line(why)+
			"). If the connection is lost meanwhile, nothing tells whether it has run."))
	}
}

// prefix shows what stands before the command's own text, folded to a line
// unless it is short or the operator asked.
func (b *content) prefix(d *run.Dispatch) {
	lines, says := wording.Prefix(d)
	if len(lines) == 0 {
		return
	}
	if len(lines) > 1 && !b.d.unfolded {
		if _, n := b.named(d); n > 0 {
			says += fmt.Sprintf(", values they name: %d", n)
		}
		for _, l := range pane.Wrap(says+" ("+b.d.name(keys.Unfold)+" shows them)", max(b.w-2, 1)) {
			b.add("  " + b.Faint.Render(l))
		}
		return
	}
	b.add(b.Faint.Render("  " + strings.TrimSuffix(says, ": options") + ":"))
	for _, l := range wording.Exact(d.Around()) {
		for part := range strings.SplitSeq(ansi.Hardwrap(l, max(b.w-4, 1), true), "\n") {
			b.add("    " + b.Exact(b.Muted, part))
		}
	}
}

// named returns the variables whose values are listed, and how many are folded
// away because only what runs before the command names them. Those that the runbook
// sets for the command stand there whether or not it names them: other programs read
// them.
func (b *content) named(d *run.Dispatch) (vars []run.Var, folded int) {
	all := d.Named()
	own := run.Dispatch{Body: d.Body, Env: d.Env}
	named := own.Named()
	if b.d.unfolded {
		named = all
	}
	folded = len(all) - len(named)
	return b.withSet(named, d), folded
}

// withSet adds the variables that the runbook sets for the command.
func (b *content) withSet(vars []run.Var, d *run.Dispatch) []run.Var {
	f := b.d.cell.Plan.Step.Book.Command
	if f == nil {
		return vars
	}
	for _, e := range f.Env {
		is := func(v run.Var) bool { return v.Name == e.Name }
		if i := slices.IndexFunc(d.Env, is); i >= 0 && !slices.ContainsFunc(vars, is) {
			vars = append(vars, d.Env[i])
		}
	}
	return vars
}

// nameRoom is how wide the names beside their values may be; a longer one has a line
// of its own.
const nameRoom = 24

// values lists the variables that the text names, or that are set for it.
func (b *content) values(d *run.Dispatch) {
	vars, _ := b.named(d)
	var lines []string
	wide := 0
	for _, v := range vars {
		wide = max(wide, ansi.StringWidth(v.Name))
	}
	room := min(wide, nameRoom) + 3
	for _, v := range vars {
		lead := "$" + wording.Line(v.Name)
		if ansi.StringWidth(lead)+2 > room {
			for l := range strings.SplitSeq(ansi.Hardwrap(lead, max(b.w, 1), true), "\n") {
				lines = append(lines, b.Muted.Render(l))
			}
			lead = ""
		}
		for _, l := range wording.Exact(wording.Value(v) + "\n") {
			for part := range strings.SplitSeq(ansi.Hardwrap(l, max(b.w-room, 8), true), "\n") {
				lines = append(lines, b.Muted.Render(pane.Fit(lead, room, ""))+b.Exact(b.Strong.UnsetBold(), part))
				lead = ""
			}
		}
	}
	b.block(lines)
}

// follows lists the steps of the section that is entered.
func (b *content) follows(s *plan.Section) {
	lines := []string{b.Muted.Render("What follows:")}
	for n := range b.d.run.StepsIn(s) {
		if n == b.d.cell.Plan.Step {
			continue
		}
		mark := b.Draw(theme.Pending)
		if n.Gated {
			mark = b.Draw(theme.Gate)
		}
		for i, l := range pane.Wrap(wording.Name(b.d.run, n), max(b.w-2, 8)) {
			if i > 0 {
				mark = " "
			}
			lines = append(lines, mark+" "+l)
		}
	}
	b.block(lines)
}

// unclaimed says what it means that statements and requests leave no trace on a
// host.
func (b *content) unclaimed(d *run.Dispatch) {
	if d.Form == "" {
		return
	}
	for _, l := range pane.Wrap("If this is cut off while it runs, nothing tells whether it has run: then its checks decide, or you do.", b.w) {
		b.add(b.Warning.Render(l))
	}
}
