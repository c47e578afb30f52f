package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Remaining writes what is left of a run, as a Markdown checklist to go on by
// hand with: settled steps ticked; of the others cautions, checks, commands with
// their values and places, and rollbacks. A secret stands in it as ‹secret›.
func Remaining(w io.Writer, t Transcript) error {
	m := &remaining{r: t.Run, prefixes: map[string]int{}}
	steps := &document{}
	m.beside(steps)
	m.meanwhile(steps)
	steps.heading(2, "Steps")
	m.node(steps, m.r.Plan.Root, 3)
	m.head(t)
	m.values()
	m.hosts()
	m.preludes()
	m.b.WriteString(steps.b.String())
	if _, err := io.WriteString(w, strings.TrimRight(m.b.String(), "\n")+"\n"); err != nil {
		return fmt.Errorf("write what is left of run %q: %w", t.Run.ID, err)
	}
	return nil
}

type remaining struct {
	document
	r        *run.Run
	prefixes map[string]int // text put in front of commands → its number
	order    []string       // of the prefixes
}

func (m *remaining) head(t Transcript) {
	r := m.r
	m.heading(1, inline(title(r))+": what is left")
	if t.Problem != "" {
		m.line("> **The journal could be read in part only.** This is how the run stood at event %d, %s. What came after isn't told here, "+
			"so look on the hosts before you repeat a step: %s\n", r.Seq, Moment(r.Last), inline(t.Problem))
	}
	settled, total, gates := r.Progress()
	m.line("- Run: %s of %s, started %s", code(r.ID), code(r.Start.Runbook), Moment(r.Started))
	m.line("- Written: %s, from events up to %s", Moment(t.Now), Moment(r.Last))
	m.line("- Settled: %d of %s; %s ahead", settled, count(total, "cell"), count(gates, "gate"))
	switch {
	case r.Closed != "":
		m.line("- The run is closed: %s%s", inline(string(r.Closed)), because(r.ClosedWhy))
	case r.Holder != "":
		m.line("- **Driven by %s.** Don't work beside it: ask there first.", inline(r.Holder))
	default:
		m.line("- Nobody drives it. Don't do by hand what Stepgate is to go on with: one or the other.")
	}
	if c, w := standing(r); c != nil && r.Closed == "" {
		m.line("- It stands at %s: %s", inline(name(r, c.Key)), inline(waits(r, c, w)))
	}
	for _, k := range r.Undoing {
		m.line("- Still to be rolled back: %s", inline(name(r, k)))
	}
	m.gap()
}

func (m *remaining) values() {
	if len(m.r.Plan.Values) == 0 {
		return
	}
	m.heading(2, "Values")
	for _, v := range m.r.Plan.Values {
		switch {
		case !v.Set:
			m.line("- %s: not given", code(v.Param.Name))
		case v.Param.Secret:
			m.line("- %s = %s: not written down, ask whoever knows it", code(v.Param.Name), text.Masked)
		default:
			m.line("- %s = %s", code(v.Param.Name), code(v.Show()))
		}
	}
	m.gap()
}

func (m *remaining) hosts() {
	if len(m.r.Plan.Hosts) == 0 {
		return
	}
	m.heading(2, "Hosts")
	for _, n := range slices.Sorted(maps.Keys(m.r.Plan.Hosts)) {
		h := m.r.Plan.Hosts[n]
		said := "this machine"
		if h.SSH != "" {
			said = code(login(h.SSH))
		}
		if id, ok := m.r.Hosts[n]; ok && id.Dir != "" {
			said += ", attempts in " + code(id.Dir+"/"+m.r.ID)
		}
		m.line("- %s: %s", code(n), said)
	}
	m.gap()
}

// login is the command line that reaches an inventory's user@host:port.
func login(dest string) string {
	at, port := dest, ""
	if i := strings.LastIndexByte(dest, ':'); i >= 0 && !strings.HasSuffix(dest, "]") && strings.Count(dest[i:], "]") == 0 {
		if rest := dest[:i]; strings.Count(rest, ":") == 0 || strings.HasSuffix(rest, "]") {
			at, port = rest, dest[i+1:]
		}
	}
	at = strings.NewReplacer("[", "", "]", "").Replace(at)
	if port == "" || port == "22" {
		return "ssh " + shellWord(at)
	}
	return "ssh -p " + shellWord(port) + " " + shellWord(at)
}

// shellWord quotes what a shell would take for more than a word.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return wordy(r) || strings.ContainsRune("@%_-+=:,./", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (m *remaining) preludes() {
	if len(m.order) == 0 {
		return
	}
	m.heading(2, "Preludes")
	m.line("Commands that name a prelude need it in front of them, in the same shell.\n")
	for i, p := range m.order {
		m.line("Prelude %d:\n", i+1)
		m.exact("sh", p)
	}
}

func (m *remaining) node(d *document, n plan.Node, depth int) {
	switch n := n.(type) {
	case *plan.Section:
		below := depth
		if n.ID != "" {
			title := m.r.TextIn(n.Scope, n.Title)
			d.heading(depth, inline(n.Number+" "+title+instanceName(n.Scope, n.ID, title)))
			below++
		}
		for _, child := range n.Children {
			m.node(d, child, below)
		}
	case *plan.Walk:
		m.walk(d, n)
		for _, i := range m.r.Order(n) {
			m.node(d, n.Instances[i], depth)
		}
	case *plan.Step:
		for _, pc := range n.Cells {
			m.cell(d, m.r.Cells[pc.Index])
		}
	}
}

// walk says what order and pace are still to be kept.
func (m *remaining) walk(d *document, w *plan.Walk) {
	open := 0
	for _, n := range w.Instances {
		if slices.ContainsFunc(walked(m.r, n), func(c *run.Cell) bool { return !c.Status.Settled() }) {
			open++
		}
	}
	if open == 0 {
		return
	}
	order := ""
	if _, known := m.r.Orders[w.ID]; !known && w.Each.OrderBy != nil {
		order = " The order isn't fixed yet; it goes by " + code(w.Each.OrderBy.Text) + ", false before true, small before large."
	}
	d.line("_Once per %s; %d of %d to do._%s\n", inline(walkWords(w)), open, len(w.Keys), order)
}

// cell writes a step at one place: a ticked line, or all it takes.
func (m *remaining) cell(d *document, c *run.Cell) {
	tick := " "
	if c.Status.Settled() {
		tick = "x"
	}
	said := append([]string{"**" + inline(name(m.r, c.Key)) + "**"}, classes(c.Plan.Step.Book)...)
	d.line("- [%s] %s – %s%s", tick, strings.Join(said, ", "), word(c.Status), m.because(c))
	if c.Status.Settled() {
		d.gap()
		return
	}
	inner := &document{}
	inner.gap()
	m.doubt(inner, c)
	m.step(inner, c)
	for l := range strings.SplitSeq(strings.TrimRight(inner.b.String(), "\n"), "\n") {
		d.line("%s", strings.TrimRight("  "+l, " "))
	}
	d.gap()
}

func (m *remaining) because(c *run.Cell) string {
	switch {
	case c.Status == run.Skipped:
		return because(c.Skip)
	case c.Status == run.Excluded:
		return because(c.Excluded)
	case c.Status == run.Failed || c.Status == run.Unknown || c.Status == run.RollbackFailed:
		return because(reasons(c.Reason)) + because(c.Detail)
	}
	return ""
}

// doubt tells of an attempt whose outcome isn't known where its record is.
func (m *remaining) doubt(d *document, c *run.Cell) {
	a := c.Latest()
	if a == nil || c.Beside(a) {
		return
	}
	what := "command"
	if a.Intent.Role == run.RoleRollback {
		what = "rollback"
	}
	where := a.Intent.Dispatch.Where
	switch {
	case a.Outcome != nil:
		d.line("Its %s was sent %s to %s and ended with exit %d.\n", what, Moment(a.At), inline(place(where)), a.Outcome.Exit)
	case a.Intent.Host.Dir == "" || a.Intent.Dispatch.Form != "":
		d.line("**Its %s was sent %s to %s. Whether it was carried out is not known: look before you repeat it.**\n", what, Moment(a.At), inline(place(where)))
	default:
		d.line("**Its %s was sent %s to %s. What became of it is not known here: look before you repeat it.** "+
			"Its record there is %s: `rc` holds its exit code once it has ended, `out` and `err` what it printed.\n",
			what, Moment(a.At), inline(place(where)), code(a.Intent.Host.Dir+"/"+m.r.ID+"/"+a.Intent.Attempt))
	}
}

// step writes all that an open step takes, in the order it is taken.
func (m *remaining) step(d *document, c *run.Cell) {
	s := c.Plan.Step
	b := s.Book
	for _, warning := range b.Warnings {
		d.quote(m.r.TextIn(s.Scope, warning))
	}
	if b.Caution != "" {
		d.quote("**CAUTION** " + m.r.TextIn(s.Scope, b.Caution))
	}
	d.quote(m.r.TextIn(s.Scope, b.Prose))
	if b.When != nil && c.When == nil {
		d.line("Only if %s.\n", code(b.When.Text))
	}
	if q := b.Question; q != nil {
		d.line("To be answered: %s.\n", inline(question(q)))
	}
	m.fences(d, c, "Done already if", b.Done)
	m.fences(d, c, "Before", b.Before)
	if c.NeedsGate() {
		back := "Its runbook knows no way back."
		if c.Reversible() {
			back = "It can be rolled back."
		}
		d.line("**Gate**: the phrase is %s. %s%s\n", code(m.r.Phrase(c)), back, suffix(" Gated by itself: ", b.Judged))
	}
	if c.Edited != nil {
		d.line("**Its text was changed in the run.** The runbook has:\n")
		d.exact("", c.Edited.Was)
	}
	if b.Command != nil {
		m.fence(d, c, "Run", b.Command)
	}
	m.fences(d, c, "After", b.After)
	m.fences(d, c, "Watch meanwhile", b.Monitors)
	if rb := b.Rollback; rb != nil {
		m.fences(d, c, "Before undoing it", rb.Before)
		m.fence(d, c, "To undo it", rb.Command)
		m.fences(d, c, "After undoing it", rb.After)
	}
}

func (m *remaining) fences(d *document, c *run.Cell, what string, fs []*runbook.Fence) {
	for _, f := range fs {
		m.fence(d, c, what, f)
	}
}
