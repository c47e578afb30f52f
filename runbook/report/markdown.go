package report

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Markdown writes a transcript for people: what the run was, what did not go as
// written, then every step in the order it was walked, with everything that was
// sent, seen, typed and decided. It can be written of an unfinished run, too,
// and says so on top.
func Markdown(w io.Writer, t Transcript) error {
	m := &markdown{t: t, r: t.Run, events: history(t.Records), prefixes: map[string]int{}, queries: map[string]bool{}, kept: map[run.Watch]string{}}
	if err := m.write(); err != nil {
		return fmt.Errorf("write transcript of run %q: %w", t.Run.ID, err)
	}
	if _, err := io.WriteString(w, m.b.String()); err != nil {
		return fmt.Errorf("write transcript of run %q: %w", t.Run.ID, err)
	}
	return nil
}

type markdown struct {
	document
	t        Transcript
	r        *run.Run
	events   map[run.Key][]run.Record
	prefixes map[string]int  // text put in front of commands → its number
	order    []string        // of the prefixes
	queries  map[string]bool // attempts that sent statements
	// kept is what a cell's background processes were started with last, by where;
	// without a monitor it is the cell's command.
	kept map[run.Watch]string
}

func (m *markdown) write() error {
	r := m.r
	if m.t.Problem != "" {
		m.line("> **The journal could be read in part only.** This is the run up to event %d, %s: %s\n", r.Seq, Moment(r.Last), inline(m.t.Problem))
	}
	m.heading(1, inline(title(r)))
	m.unfinished()
	m.facts()
	m.exceptions()
	m.drivers()
	m.values()
	m.hosts()
	m.heading(2, "Steps")
	if err := m.node(r.Plan.Root, 3); err != nil {
		return err
	}
	if err := m.beside(); err != nil {
		return err
	}
	m.monitors()
	m.timeline()
	m.preludes()
	m.heading(2, "Journal")
	m.line("%s; the head of their chain is `%s`.", count(len(m.t.Records), "event"), hex.EncodeToString(r.Head[:]))
	m.line("%s checks them against it.", code("stepgate verify "+r.ID))
	return nil
}

// title is the run's title: the one it was started under.
func title(r *run.Run) string {
	if r.Start.Title != "" {
		return r.Start.Title
	}
	return r.Plan.Title
}

func (m *markdown) unfinished() {
	r := m.r
	if r.Closed != "" {
		return
	}
	c, w := standing(r)
	where := ""
	if c != nil {
		where = " It stands at " + inline(name(r, c.Key)) + ":"
	}
	m.line("> **Not finished.** Written %s, while the run is open.%s %s.\n", Moment(m.t.Now), where, inline(waits(r, c, w)))
}

func (m *markdown) facts() {
	r := m.r
	m.line("- Run: %s", code(r.ID))
	m.line("- Started: %s", Moment(r.Started))
	if r.Closed == "" {
		m.line("- Ended: not yet; latest event %s", Moment(r.Last))
	} else {
		closed := r.Last
		for _, rec := range m.t.Records {
			if _, ok := rec.Event.(run.RunClosed); ok {
				closed = rec.Wall
			}
		}
		why := ""
		if r.ClosedWhy != "" {
			why = ": " + inline(r.ClosedWhy)
		}
		m.line("- Ended: **%s**%s, %s, after %s", r.Closed, why, Moment(closed), text.Duration(closed.Sub(r.Started)))
	}
	var parts []string
	for _, s := range tally(r) {
		parts = append(parts, fmt.Sprintf("%d %s", s.Cells, word(s.Status)))
	}
	m.line("- Cells (a step at a place): %s", strings.Join(parts, ", "))
	if said := strays(r); said != "" {
		m.line("- **Off-book**: %s", said)
	}
	m.line("- Runbook: %s, SHA-256 %s", code(r.Start.Runbook), code(r.Start.Closure))
	m.line("- Plan digest: %s", code(r.Start.Digest))
	if r.Start.InventoryFile != "" {
		m.line("- Inventory: %s", code(r.Start.InventoryFile))
	}
	if r.Start.Lab != "" {
		m.line("- **Simulated**: every host of this run is one of the lab %s", code(r.Start.Lab))
	}
	m.line("- Stepgate: %s\n", inline(r.Start.Version))
}

func (m *markdown) exceptions() {
	m.heading(2, "Exceptions")
	list := exceptions(m.t.Records)
	if len(list) == 0 {
		m.line("None: every step that was run was run as written, and ended by its own result.\n")
		return
	}
	for _, x := range list {
		about := ""
		if x.Step != "" {
			about = ": " + inline(name(m.r, run.Key{Step: x.Step, Target: x.Target}))
		}
		detail := ""
		switch {
		case x.What == preGranted || x.What == rerun || x.What == beside || x.What == textChanged:
			detail = " – " + code(x.Detail)
		case x.Detail != "":
			detail = " – " + inline(x.Detail)
		}
		m.line("- %s **%s**%s%s (%s)", Moment(x.At), x.What, about, detail, inline(x.Actor))
	}
	m.gap()
}

func (m *markdown) drivers() {
	m.heading(2, "Who drove it")
	for _, d := range drivers(m.t.Records) {
		until := "until " + Moment(d.Until) + " (" + inline(d.How) + ")"
		switch d.How {
		case drives:
			until = "and still does, latest event " + Moment(d.Last)
		case silent:
			until = "until some time after " + Moment(d.Last) + " (" + silent + ")"
		}
		m.line("- %s at %s, from %s %s", inline(d.Actor), code(d.Holder), Moment(d.From), until)
	}
	m.gap()
}

func (m *markdown) values() {
	m.heading(2, "Values")
	if len(m.r.Plan.Values) == 0 {
		m.line("The runbook has no parameters.\n")
		return
	}
	for _, v := range m.r.Plan.Values {
		switch {
		case !v.Set:
			m.line("- %s: not given", code(v.Param.Name))
		case v.Param.Secret:
			m.line("- %s: a secret, given and not written down", code(v.Param.Name))
		default:
			m.line("- %s = %s", code(v.Param.Name), code(v.Show()))
		}
	}
	m.gap()
}

func (m *markdown) hosts() {
	names := slices.Sorted(maps.Keys(m.r.Hosts))
	m.heading(2, "Hosts")
	if len(names) == 0 {
		m.line("No host was reached.\n")
		return
	}
	for _, n := range names {
		id := m.r.Hosts[n]
		who := code(n)
		if n == plan.Local {
			who = "this machine"
		} else if ssh := m.r.Plan.Hosts[n].SSH; ssh != "" {
			who += " at " + code(ssh)
		}
		m.line("- %s: %s", who, identity(id))
	}
	m.gap()
}

// identity is a host's account of itself, marked up.
func identity(id run.Identity) string {
	var parts []string
	add := func(what, v string) {
		if v != "" {
			parts = append(parts, what+" "+code(v))
		}
	}
	add("machine", id.MachineID)
	add("boot", id.BootID)
	add("host key", id.HostKey)
	add("user", id.User)
	add("called", id.Hostname)
	add("system", id.System)
	add("attempts in", id.Dir)
	if id.Degraded != "" {
		parts = append(parts, "**degraded**: "+inline(id.Degraded))
	}
	if len(parts) == 0 {
		return "it said nothing of itself"
	}
	return strings.Join(parts, ", ")
}

// node writes a section, a walk or a step in walking order.
func (m *markdown) node(n plan.Node, depth int) error {
	switch n := n.(type) {
	case *plan.Section:
		below := depth
		if n.ID != "" {
			title := m.r.TextIn(n.Scope, n.Title)
			m.heading(depth, inline(n.Number+" "+title+instanceName(n.Scope, n.ID, title)))
			m.part(n.Book.Part)
			below++
		}
		for _, child := range n.Children {
			if err := m.node(child, below); err != nil {
				return err
			}
		}
	case *plan.Walk:
		m.walk(n)
		for _, i := range m.r.Order(n) {
			if err := m.node(n.Instances[i], depth); err != nil {
				return err
			}
		}
	case *plan.Step:
		return m.step(n, depth)
	}
	return nil
}

// instance names the host of a section that a walk has made.
func instance(s *plan.Scope, id string) string {
	if s.Path == id && s.Host != "" {
		return " – " + s.Host
	}
	return ""
}

// instanceName names the instance of a walk that a section is, where its title
// doesn't.
func instanceName(s *plan.Scope, id, title string) string {
	if s.Path == id && s.Host == "" && s.Name != "" && !strings.Contains(title, s.Value) {
		return " – " + s.Name + " " + s.Value
	}
	return instance(s, id)
}

// preludes writes what stood in front of the commands.
func (m *markdown) preludes() {
	if len(m.order) == 0 {
		return
	}
	m.heading(2, "Preludes")
	m.line("What ran is the prelude that a command names, and behind it the command. Checks run behind the prelude of their interpreter, too.\n")
	for i, p := range m.order {
		m.line("Prelude %d:\n", i+1)
		m.exact("", p)
	}
}
