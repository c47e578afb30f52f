package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// fence writes a command or check as a person runs it, once per place.
func (m *remaining) fence(d *document, c *run.Cell, what string, f *runbook.Fence) {
	places, err := m.r.Places(c, f)
	if err != nil {
		places = nil
	}
	if f.Body != "" {
		for _, where := range places {
			m.at(d, c, what, f, where)
		}
		if len(places) == 0 {
			hosts := m.r.Plan.Candidates(c.Plan, f)
			d.line("%s on the first of %s%s:\n", what, inline(strings.Join(hosts, ", ")), inline(whose(f.Pick)))
			d.exact(f.Lang, f.Body)
		}
	}
	m.expects(d, c, what, f)
}

// expects writes what has to hold of it.
func (m *remaining) expects(d *document, c *run.Cell, what string, f *runbook.Fence) {
	if f.ExpectText == "" && f.Poll.Until == 0 {
		return
	}
	says := "It must hold that"
	if f.Body == "" {
		says = what + ", it must hold that"
	}
	if f.Poll.Until > 0 {
		says += " (look again for up to " + text.Duration(f.Poll.Until) + ")"
	}
	if f.ExpectText == "" {
		d.line("%s it ends with exit 0.\n", says)
		return
	}
	d.line("%s:\n", says)
	d.exact("expect", f.ExpectText)
	known := m.known(c, f.ExpectText)
	if len(known) > 0 {
		d.line("where %s.\n", strings.Join(known, ", "))
	}
}

// known are the values of the names that an expression mentions.
func (m *remaining) known(c *run.Cell, expr string) (out []string) {
	names := m.r.Names(c, c.Key.Target)
	for secret := range m.r.Plan.Secrets(c.Plan.Step.Scope) {
		delete(names, secret)
	}
	for _, own := range []string{"run", "step", "attempt"} { // of Stepgate's, not of the runbook's
		delete(names, own)
	}
	for _, n := range strings.FieldsFunc(expr, func(r rune) bool { return !wordy(r) && r != '_' }) {
		said := code(n) + " is "
		if v, ok := names[n]; ok && !slices.ContainsFunc(out, func(s string) bool { return strings.HasPrefix(s, said) }) {
			out = append(out, said+code(fmt.Sprint(v)))
		}
	}
	return out
}

// at writes a fence at one place.
func (m *remaining) at(d *document, c *run.Cell, what string, f *runbook.Fence, where string) {
	disp, err := m.r.DispatchFence(c, f, where, nil)
	if err != nil {
		d.line("%s%s. Not all it needs is known yet (%s); as the runbook has it:\n", what, m.way(c, f, disp, where), inline(err.Error()))
		d.exact(f.Lang, m.asWritten(c, f, where))
		return
	}
	d.line("%s%s:\n", what, m.way(c, f, disp, where))
	switch {
	case disp.Form != "":
		d.exact(disp.Form, disp.Body)
	case f.Language != nil:
		d.exact(f.Lang, m.asWritten(c, f, where))
		d.line("It is run by %s, where `$STEPGATE_BODY` is a file with this text.\n", code(strings.TrimSpace(f.Language.Run)))
	default:
		d.exact(disp.Interpreter, m.script(f, disp))
	}
}

// asWritten is a fence's text with the values that are known and are no secrets.
func (m *remaining) asWritten(c *run.Cell, f *runbook.Fence, where string) string {
	if c.Edited != nil && f == c.Plan.Step.Book.Command {
		return c.Edited.Body
	}
	names := m.r.Names(c, where)
	for secret := range m.r.Plan.Secrets(c.Plan.Step.Scope) {
		delete(names, secret)
	}
	driver := ""
	if f.Connection != nil {
		driver = f.Connection.Driver
	}
	return plan.Preview(f, names, driver)
}

// way says where and how a fence is run.
func (m *remaining) way(c *run.Cell, f *runbook.Fence, disp run.Dispatch, where string) string {
	said := ""
	switch h := m.r.Plan.Hosts[where]; {
	case where == plan.Local || where != "" && h.SSH == "":
		said = " on this machine"
	case where != "":
		said = " on " + code(where) + " (" + code(login(h.SSH)) + ")"
	}
	if f.User != "" {
		user, _ := plan.Fill(f.User, m.r.Names(c, where))
		said += ", as " + code(user) + " (" + code("sudo -u "+shellWord(user)+" sh") + ")"
	}
	if x := f.Connection; x != nil {
		fill := func(tmpl string) string { return m.r.Text(c, tmpl) }
		said += ", over " + code(x.Name) + " (" + inline(x.Driver+" "+fill(x.User)+"@"+fill(x.Host)+suffix(":", fill(x.Port))+suffix("/", fill(x.Database))) + ")"
		if x.Hosts != "" {
			said += ", the first of " + inline(x.Hosts+whose(x.Pick))
		}
	}
	if disp.Via != "" {
		said += ", through " + code(disp.Via)
	}
	if f.Login {
		said += ", in a login shell"
	}
	if f.TTY {
		said += ", on a terminal"
	}
	if disp.TimeoutMS > 0 {
		said += ", expected to take at most " + text.Duration(time.Duration(disp.TimeoutMS)*time.Millisecond)
	}
	return said
}

// shells read options and a parenthesis as sh does.
var shells = []string{"sh", "bash", "dash", "ksh", "mksh", "zsh"}

// script is a command with what it needs around it. In a shell it stands in
// parentheses, so that its options and its directory end with it.
func (m *remaining) script(f *runbook.Fence, disp run.Dispatch) string {
	var b strings.Builder
	shell := slices.Contains(shells, disp.Interpreter)
	if !shell {
		fmt.Fprintf(&b, "# environment, in a shell, before %s:\n", disp.Interpreter)
	} else {
		b.WriteString("(\n")
	}
	own := map[string]bool{}
	for _, e := range f.Env {
		own[e.Name] = true
	}
	for _, v := range disp.Env {
		if !own[v.Name] && !slices.ContainsFunc(disp.Named(), func(n run.Var) bool { return n.Name == v.Name }) {
			continue
		}
		value := "'" + strings.ReplaceAll(v.Value, "'", `'\''`) + "'"
		if v.Secret {
			value = "'" + text.Masked + "' # put it in"
		}
		fmt.Fprintf(&b, "export %s=%s\n", v.Name, value)
	}
	dir := disp.Dir
	if dir == "" && disp.Where == plan.Local {
		dir = m.r.Start.Dir
	}
	if dir != "" {
		fmt.Fprintf(&b, "cd %s\n", shellWord(dir))
	}
	if !shell {
		b.WriteString("# the program:\n")
	}
	if p := disp.Prefix; strings.Count(p, "\n") <= 3 {
		b.WriteString(p)
	} else {
		fmt.Fprintf(&b, "# prelude %d belongs here\n", m.prelude(p))
	}
	b.WriteString(disp.Body)
	if !strings.HasSuffix(disp.Body, "\n") {
		b.WriteString("\n")
	}
	if shell {
		b.WriteString(")\n")
	}
	return b.String()
}

func (m *remaining) prelude(p string) int {
	n, ok := m.prefixes[p]
	if !ok {
		m.order = append(m.order, p)
		n = len(m.order)
		m.prefixes[p] = n
	}
	return n
}

// meanwhile writes what goes on beside the steps while their section is open, and ends
// with Stepgate: the background processes, and the monitors.
func (m *remaining) meanwhile(d *document) {
	background, watched := m.r.Backgrounds(), m.r.Watched()
	background = slices.DeleteFunc(background, func(b run.Background) bool { return b.Monitor != nil })
	if len(background)+len(watched) == 0 {
		return
	}
	d.heading(2, "To be kept going meanwhile")
	d.line("Stepgate ends these when it is left. Start them in terminals of their own before you go on, and keep each going until its section is through.\n")
	for _, b := range background {
		d.line("**%s**, to be started again whenever it ends, until %s is through.\n", inline(name(m.r, b.Cell.Key)), m.section(b.Cell.Plan.Step))
		m.fence(d, b.Cell, "Keep running", b.Fence)
	}
	for i, w := range watched {
		if slices.ContainsFunc(watched[:i], func(o *run.Monitor) bool { return o.Fence == w.Fence && o.Cell == w.Cell }) {
			continue // all its places are told with the first
		}
		d.line("**Monitor %s**, %s, until %s is through.\n", code(monitorID(w.Watch)), way(w.Fence), m.section(w.Cell.Step))
		m.fence(d, m.r.CellOf(w.Cell), "Watch", w.Fence)
		if strings.Contains(w.Fence.Body, "STEPGATE_SAMPLE") || strings.Contains(w.Fence.Body, "{{sample}}") {
			d.line("The number of a sample is never used again: count on from %d.\n", m.r.SampleNumbers+1)
		}
	}
}

// section names the section that directly holds a step.
func (m *remaining) section(s *plan.Step) string {
	if i := strings.LastIndexByte(s.ID, '/'); i > 0 {
		return code(s.ID[:i])
	}
	return "the run"
}
