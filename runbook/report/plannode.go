package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func (l *listing) node(n plan.Node, depth int) {
	switch n := n.(type) {
	case *plan.Section:
		if n.ID != "" {
			l.say(depth, "%s %s%s", n.Number, line(l.p.Text(n.Title, n.Scope, nil)), line(instance(n.Scope, n.ID)))
		}
		l.part(n, depth)
		for _, child := range n.Children {
			l.node(child, depth+1)
		}
	case *plan.Walk:
		l.say(depth, "%s once per %s: %s", n.Number, walkWords(n), line(strings.Join(n.Keys, ", ")))
		for _, inst := range n.Instances {
			l.node(inst, depth+1)
		}
	case *plan.Step:
		l.step(n, depth)
	}
}

// part says where a section's steps come from, and with which values.
func (l *listing) part(n *plan.Section, depth int) {
	part := n.Book.Part
	if part == nil {
		return
	}
	from := "another section of this file"
	if part.File != "" {
		from = line(part.File)
	}
	l.say(depth+2, "%-9s %s", "part", from)
	for _, name := range slices.Sorted(maps.Keys(part.With)) {
		l.say(depth+2, "%-9s %s = %s", "with", line(name), line(l.p.Text(part.With[name], n.Scope, nil)))
	}
}

// walkWords says what a walk goes over, and how.
func walkWords(w *plan.Walk) string {
	e := w.Each
	var how []string
	what, order := "host of "+line(e.Group), "in the inventory's order"
	switch {
	case e.List != "":
		what, order = line(e.Name)+" of "+line(e.List), "in the list's order"
	case e.Name != "":
		what = line(e.Name) + " of " + line(e.Group)
	}
	if e.OrderBy != nil {
		order = "ordered on entry by " + line(e.OrderBy.Text)
	}
	how = append(how, what, order)
	if e.Canary > 0 {
		first := fmt.Sprintf("the first %d as a canary", e.Canary)
		if e.Soak > 0 {
			first += " and " + text.Duration(e.Soak) + " of soak"
		}
		how = append(how, first+", then a person's word")
	}
	if w.Batch > 1 {
		how = append(how, fmt.Sprintf("%d at a time", w.Batch))
	}
	if e.MaxFailures > 0 {
		how = append(how, fmt.Sprintf("%d may fail", e.MaxFailures))
	}
	return strings.Join(how, ", ")
}

func (l *listing) step(s *plan.Step, depth int) {
	b := s.Book
	what := append([]string{kindWord(s.Kind)}, classes(b)...)
	if b.Always {
		what = append(what, "offered whenever its section is open")
	}
	l.say(depth, "%s %s  [%s]%s", s.Number, line(l.p.Text(s.Title, s.Scope, nil)), strings.Join(what, ", "), l.where(s))
	say := func(name, format string, args ...any) { l.say(depth+2, "%-9s %s", name, fmt.Sprintf(format, args...)) }
	if b.When != nil {
		say("when", "%s", line(b.When.Text))
	}
	if q := b.Question; q != nil {
		say("asks", "%s", question(q))
	}
	l.fences(s, depth, "done if", b.Done)
	l.fences(s, depth, "before", b.Before)
	if s.Gated {
		l.gate(s, say)
	}
	if b.Command != nil {
		l.fences(s, depth, "command", []*runbook.Fence{b.Command})
	}
	l.fences(s, depth, "after", b.After)
	if rb := b.Rollback; rb != nil {
		l.fences(s, depth, "rollback", []*runbook.Fence{rb.Command})
	}
	l.fences(s, depth, "monitor", b.Monitors)
}

// gate says what opens the step: one answer for all its places.
func (l *listing) gate(s *plan.Step, say func(name, format string, args ...any)) {
	people := ""
	if s.Book.Approvers > 1 {
		people = fmt.Sprintf(", by %d people", s.Book.Approvers)
	} else if id := (run.Key{Step: s.ID}).StepID(); !slices.Contains(l.gates, id) {
		l.gates = append(l.gates, id)
	}
	say("gate", "type %s%s%s", quoted(l.r.Phrase(l.r.Cells[s.Cells[0].Index])), people, suffix(": ", s.Book.Judged))
}

func question(q *runbook.Question) string {
	p := q.Param
	out := line(p.Name)
	switch {
	case len(p.Choices) > 0:
		out += ", one of " + line(strings.Join(p.Choices, ", "))
	case p.Type != "" && p.Type != runbook.TypeString:
		out += ", " + line(string(p.Type))
	}
	if q.PerHost {
		return out + ", in every instance"
	}
	return out + ", once in the run"
}

// where lists the places of a step's cells.
func (l *listing) where(s *plan.Step) string {
	var out []string
	for _, c := range s.Cells {
		if c.Target != "" {
			out = append(out, place(c.Target))
		}
	}
	if f := s.Book.Command; f != nil && f.Pick != nil {
		return "  on the first of " + line(strings.Join(l.p.Candidates(s.Cells[0], f), ", ")) + whose(f.Pick)
	}
	if len(out) == 0 {
		return ""
	}
	at := strings.Join(out, ", ")
	if f := s.Book.Command; f != nil && len(out) > 1 {
		at += fmt.Sprintf(", %d at a time", max(1, f.Parallel))
	}
	return "  on " + at
}

func (l *listing) fences(s *plan.Step, depth int, what string, fs []*runbook.Fence) {
	for _, f := range fs {
		says := first(rendered(l.p, s, f))
		if f.Body == "" {
			says = first(f.ExpectText)
		}
		l.say(depth+2, "%-9s %s%s%s", what, says, l.elsewhere(s, f), l.how(s, f))
	}
}

// elsewhere names the places of a fence that doesn't run where its step does.
func (l *listing) elsewhere(s *plan.Step, f *runbook.Fence) string {
	c := s.Cells[0]
	if f == s.Book.Command {
		return ""
	}
	where := l.p.Places(c, f)
	switch {
	case f.Body != "" && slices.Equal(where, []string{""}) && f.Pick != nil:
		return "  on the first of " + line(strings.Join(l.p.Candidates(c, f), ", ")) + whose(f.Pick)
	case slices.Equal(where, []string{c.Target}) || slices.Equal(where, []string{""}):
		return ""
	}
	var out []string
	for _, h := range where {
		out = append(out, place(h))
	}
	return "  on " + strings.Join(out, ", ")
}

// how says what else decides over a fence: as whom, over what, for how long.
func (l *listing) how(s *plan.Step, f *runbook.Fence) string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if f.Connection != nil {
		add("over %s", line(f.Connection.Name))
	}
	if f.Via != "" {
		via, _ := plan.Fill(f.Via, open(l.p, s, f))
		add("through %s", line(via))
	}
	if f.User != "" {
		user, _ := plan.Fill(f.User, open(l.p, s, f))
		add("as %s", line(user))
	}
	if f.Poll.Until > 0 {
		add("every %s for up to %s", text.Duration(f.Interval()), text.Duration(f.Poll.Until))
	}
	if f.Poll.Hold > 0 {
		add("must hold for %s", text.Duration(f.Poll.Hold))
	}
	if f.Timeout > 0 {
		add("timeout %s", text.Duration(f.Timeout))
	}
	if f.Secret {
		add("its output is a secret")
	}
	if f.TTY {
		add("takes over the terminal")
	}
	if f.Background {
		add("kept alive to the end of its section")
	}
	if f.Reconnect > 0 {
		add("its host may be away for %s", text.Duration(f.Reconnect))
	}
	if len(out) == 0 {
		return ""
	}
	return "  (" + strings.Join(out, ", ") + ")"
}

// open are the names that a fence sees before the run, without secrets; of several
// places, only what all of them see.
func open(p *plan.Plan, s *plan.Step, f *runbook.Fence) map[string]any {
	where := ""
	if places := p.Places(s.Cells[0], f); len(s.Cells) == 1 && len(places) == 1 {
		where = places[0]
	}
	names := p.Names(s.Scope, where, nil)
	for secret := range p.Secrets(s.Scope) {
		delete(names, secret)
	}
	return names
}

// rendered is a fence's body with the values that are known before the run and
// are no secrets; the other names stay.
func rendered(p *plan.Plan, s *plan.Step, f *runbook.Fence) string {
	driver := ""
	if f.Connection != nil {
		driver = f.Connection.Driver
	}
	return plan.Preview(f, open(p, s, f), driver)
}

// connectionsOf lists the connections that the plan's fences use, by name.
func connectionsOf(p *plan.Plan) []*runbook.Connection {
	used := map[string]*runbook.Connection{}
	for _, s := range p.Steps {
		for _, f := range fencesOf(s.Book) {
			if f.Connection != nil {
				used[f.Connection.Name] = f.Connection
			}
		}
	}
	var out []*runbook.Connection
	for _, name := range slices.Sorted(maps.Keys(used)) {
		out = append(out, used[name])
	}
	return out
}

func fencesOf(b *runbook.Step) []*runbook.Fence {
	fs := slices.Concat(b.Done, b.Before, b.After, b.Monitors)
	if b.Command != nil {
		fs = append(fs, b.Command)
	}
	if rb := b.Rollback; rb != nil {
		fs = append(append(append(fs, rb.Before...), rb.After...), rb.Command)
	}
	return fs
}
