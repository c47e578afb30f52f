package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// Plan writes what would run: values, hosts, every section, step and place with
// its gate and the first line of its commands, and the digest.
func Plan(w io.Writer, p *plan.Plan) error {
	r, err := run.Fold(p, nil) // before its first event: for phrases and titles
	if err != nil {
		return fmt.Errorf("print plan of %q: %w", p.Book.File, err)
	}
	l := &listing{p: p, r: r}
	l.head()
	l.node(p.Root, 0)
	l.foot()
	if _, err := io.WriteString(w, l.b.String()); err != nil {
		return fmt.Errorf("print plan of %q: %w", p.Book.File, err)
	}
	return nil
}

type listing struct {
	b     strings.Builder
	p     *plan.Plan
	r     *run.Run
	gates []string // ids of gated steps without their hosts, each once
}

func (l *listing) say(depth int, format string, args ...any) {
	fmt.Fprintf(&l.b, "%s%s\n", strings.Repeat("  ", depth), fmt.Sprintf(format, args...))
}

// columns writes rows with their fields aligned, as wide as a terminal draws them.
func (l *listing) columns(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, field := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(field))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, field := range row {
			b.WriteString("  " + field + strings.Repeat(" ", widths[i]-ansi.StringWidth(field)))
		}
		l.say(0, "%s", strings.TrimRight(b.String(), " "))
	}
}

func (l *listing) head() {
	p := l.p
	l.say(0, "%s", line(p.Title))
	l.say(0, "runbook %s", line(p.Book.File))
	if len(p.Values) > 0 {
		l.say(0, "\nValues")
		var rows [][]string
		for _, v := range p.Values {
			given := "(not given)"
			if v.Set {
				given = line(v.Show())
			}
			rows = append(rows, []string{line(v.Param.Name), given})
		}
		l.columns(rows)
	}
	if len(p.Hosts) > 0 {
		l.say(0, "\nHosts")
		var rows [][]string
		for _, n := range slices.Sorted(maps.Keys(p.Hosts)) {
			rows = append(rows, []string{line(n), line(p.Hosts[n].SSH), strings.Join(l.groupsOf(n), ", "), variables(p.Hosts[n].Vars)})
		}
		l.columns(rows)
	}
	l.connections()
	l.tools()
	l.later()
	l.say(0, "\nSteps")
}

// tools lists the programs that must be there, and where.
func (l *listing) tools() {
	if len(l.p.Tools) == 0 {
		return
	}
	l.say(0, "\nTools")
	var rows [][]string
	for _, t := range l.p.Tools {
		least := "any version"
		if t.Min != "" {
			least = "at least " + line(t.Min)
		}
		on := t.On
		if on == "" {
			on = plan.Local
		}
		rows = append(rows, []string{line(t.Name), "on " + line(on), least, line(t.Help)})
	}
	l.columns(rows)
}

// connections lists what the plan's fences speak to.
func (l *listing) connections() {
	used := connectionsOf(l.p)
	if len(used) == 0 {
		return
	}
	l.say(0, "\nConnections")
	var rows [][]string
	for _, c := range used {
		known := func(tmpl string) string { return l.p.Text(tmpl, l.p.Root.Scope, nil) }
		to := line(known(c.Host) + suffix(":", known(c.Port)) + suffix("/", known(c.Database)))
		if c.Driver == "sqlite" {
			to = line(known(c.Database))
		}
		if c.Hosts != "" {
			to += suffix(", the first of "+line(c.Hosts), whose(c.Pick))
		}
		rows = append(rows, []string{line(c.Name), line(c.Driver), to + suffix("  through ", known(c.Via))})
	}
	l.columns(rows)
}

// whose words a choice among hosts.
func whose(pick *runbook.Expr) string {
	if pick == nil {
		return " that answers"
	}
	return " with " + line(pick.Text)
}

// later lists what can be planned and not run.
func (l *listing) later() {
	if len(l.p.Book.Later) == 0 {
		return
	}
	l.say(0, "\nNot yet: this version plans these and refuses to run them")
	var rows [][]string
	for _, d := range l.p.Book.Later {
		rows = append(rows, []string{line(fmt.Sprintf("%s:%d", d.Pos.File, d.Pos.Line)), line(d.Text)})
	}
	l.columns(rows)
}

// variables are a host's, by name.
func variables(vars map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, line(name+"="+vars[name]))
	}
	return strings.Join(out, " ")
}

func (l *listing) groupsOf(host string) (out []string) {
	for _, g := range slices.Sorted(maps.Keys(l.p.Groups)) {
		if slices.Contains(l.p.Groups[g], host) {
			out = append(out, line(g))
		}
	}
	return out
}

func (l *listing) foot() {
	gates := 0
	for _, c := range l.p.Cells {
		if c.Step.Gated {
			gates++
		}
	}
	l.say(0, "\n%s, %s (a step at a place), %s", count(len(l.p.Steps), "step"), count(len(l.p.Cells), "cell"), count(gates, "gate"))
	l.say(0, "digest %s", l.p.Digest)
	if len(l.gates) > 0 {
		flags := ""
		for _, id := range l.gates {
			flags += " --approve " + line(id)
		}
		l.say(0, "unattended: --auto --plan %s%s", l.p.Digest, flags)
	}
}
