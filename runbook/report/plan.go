package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

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

// columns writes aligned lines.
func (l *listing) columns(rows [][]string) {
	tw := tabwriter.NewWriter(&l.b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintf(tw, "  %s\n", strings.Join(row, "\t")) // into a strings.Builder
	}
	_ = tw.Flush() // likewise
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
				given = line(v.Text)
			}
			rows = append(rows, []string{line(v.Param.Name), given})
		}
		l.columns(rows)
	}
	if len(p.Hosts) > 0 {
		l.say(0, "\nHosts")
		var rows [][]string
		for _, n := range slices.Sorted(maps.Keys(p.Hosts)) {
			rows = append(rows, []string{line(n), line(p.Hosts[n].SSH), strings.Join(l.groupsOf(n), ", ")})
		}
		l.columns(rows)
	}
	l.say(0, "\nSteps")
}

func (l *listing) groupsOf(host string) (out []string) {
	for _, g := range slices.Sorted(maps.Keys(l.p.Groups)) {
		if slices.Contains(l.p.Groups[g], host) {
			out = append(out, line(g))
		}
	}
	return out
}

func (l *listing) node(n plan.Node, depth int) {
	switch n := n.(type) {
	case *plan.Section:
		if n.ID != "" {
			l.say(depth, "%s %s%s", n.Number, line(l.r.TextIn(n.Scope, n.Title)), line(instance(n.Scope, n.ID)))
		}
		for _, child := range n.Children {
			l.node(child, depth+1)
		}
	case *plan.Walk:
		how := "in the inventory's order"
		if n.Each.OrderBy != nil {
			how = "ordered on entry by " + line(n.Each.OrderBy.Text)
		}
		l.say(depth, "%s once per host of %s, %s: %s", n.Number, line(n.Each.Group), how, line(strings.Join(n.Keys, ", ")))
		for _, inst := range n.Instances {
			l.node(inst, depth+1)
		}
	case *plan.Step:
		l.step(n, depth)
	}
}

func (l *listing) step(s *plan.Step, depth int) {
	what := append([]string{kindWord(s.Kind)}, classes(s.Book)...)
	l.say(depth, "%s %s  [%s]%s", s.Number, line(l.r.TextIn(s.Scope, s.Title)), strings.Join(what, ", "), l.where(s))
	if s.Book.When != nil {
		l.say(depth+2, "when      %s", line(s.Book.When.Text))
	}
	l.fences(s, depth, "before", s.Book.Before)
	if s.Gated {
		id := run.Key{Step: s.ID}.StepID()
		if !slices.Contains(l.gates, id) {
			l.gates = append(l.gates, id)
		}
		l.say(depth+2, "gate      type %s%s", quoted(l.r.Phrase(l.r.Cells[s.Cells[0].Index])), suffix(": ", s.Book.Judged))
	}
	if s.Book.Command != nil {
		l.fences(s, depth, "command", []*runbook.Fence{s.Book.Command})
	}
	l.fences(s, depth, "after", s.Book.After)
	if rb := s.Book.Rollback; rb != nil {
		l.fences(s, depth, "rollback", []*runbook.Fence{rb.Command})
	}
}

// where lists the places of a step's cells.
func (l *listing) where(s *plan.Step) string {
	var out []string
	for _, c := range s.Cells {
		if c.Target != "" {
			out = append(out, place(c.Target))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "  on " + strings.Join(out, ", ")
}

func (l *listing) fences(s *plan.Step, depth int, what string, fs []*runbook.Fence) {
	for _, f := range fs {
		says := first(f.Body)
		if f.Body == "" {
			says = first(f.ExpectText)
		}
		elsewhere := ""
		if where := l.p.Places(s.Cells[0], f); what != "command" && !slices.Equal(where, []string{s.Cells[0].Target}) && !slices.Equal(where, []string{""}) {
			elsewhere = "  on " + line(strings.Join(where, ", "))
		}
		l.say(depth+2, "%-9s %s%s", what, says, elsewhere)
	}
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
