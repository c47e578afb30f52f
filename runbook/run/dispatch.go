package run

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// Dispatch returns what would run now in a role, byte for byte, secrets by name.
func (r *Run) Dispatch(c *Cell, role Role) (Dispatch, error) {
	f := c.Fence(role)
	if f == nil {
		return Dispatch{}, fmt.Errorf("prepare %q: it has no %s", c.Key, role)
	}
	where := c.Key.Target
	places, err := r.Places(c, f)
	if err != nil {
		return Dispatch{}, fmt.Errorf("prepare %q: %w", c.Key, err)
	}
	if len(places) == 1 {
		where = places[0]
	}
	return r.DispatchFence(c, f, where, nil)
}

// Outdated reports whether the cell's gate shows something else than what would run
// now: a value that its command sees has come or changed since. The server that
// statements go to is not in the run, and not compared.
func (r *Run) Outdated(c *Cell) bool {
	if c.Gate == nil || c.Gate.Dispatch == nil {
		return false
	}
	shown := *c.Gate.Dispatch
	would, err := r.Dispatch(c, RoleCommand)
	if shown.Server != "" {
		would.Server, would.Via = shown.Server, shown.Via
	}
	return err != nil || would.Hash("") != shown.Hash("")
}

// Fence is what an attempt of a role runs; nil: nothing.
func (c *Cell) Fence(role Role) *runbook.Fence {
	if role != RoleRollback {
		return c.Plan.Step.Book.Command
	}
	if rb := c.Plan.Step.Book.Rollback; rb != nil {
		return rb.Command
	}
	return nil
}

// Places returns where a fence of a cell is taken or run now. A host to be
// picked is: that of the command, once it was sent, for what goes where the
// command goes; else the first for which the pick is true.
func (r *Run) Places(c *Cell, f *runbook.Fence) ([]string, error) {
	places := r.Plan.Places(c.Plan, f)
	if f.Form == runbook.Variables && f.Lang == "" || !slices.Equal(places, []string{""}) {
		return places, nil
	}
	cmd := c.Plan.Step.Book.Command
	with := cmd != nil && cmd.On == f.On
	if a := c.Attempt(RoleCommand); a != nil && with && c.Status != Pending && c.Status != Gated && c.Status != Authorised {
		return []string{a.Intent.Dispatch.Where}, nil
	}
	if with {
		f = cmd
	}
	host, _, err := r.Pick(c, f)
	return []string{host}, err
}

// Pick returns the first of the hosts a fence may run on for which its pick is
// true, and how each was judged. None, and one that isn't known, are errors.
func (r *Run) Pick(c *Cell, f *runbook.Fence) (host string, rows []checks.Row, err error) {
	hosts := r.Plan.Candidates(c.Plan, f)
	if f.Pick == nil || f.Pick.Value == nil {
		return "", nil, fmt.Errorf("pick a host of %q: nothing says which", f.On)
	}
	world := r.WorldAt(c)
	all, _ := world.Hosts(f.On) // without the group there are no candidates either
	for _, h := range hosts {
		names := checks.Values(r.Names(c, h))
		for _, it := range all {
			if it["host"] == h {
				names["it"] = it
			}
		}
		v, err := f.Pick.Value.Eval(names, world)
		if err != nil {
			return "", rows, fmt.Errorf("pick a host of %q: whether %s fits is not known: %w", f.On, h, err)
		}
		row := checks.Row{Text: f.Pick.Text, Label: h, Verdict: checks.Fail, Saw: f.Pick.Value.Explain(names, world)}
		if v == true {
			row.Verdict = checks.Pass
			return h, append(rows, row), nil
		}
		rows = append(rows, row)
	}
	return "", rows, fmt.Errorf("pick a host of %q: %s is true for none of %s", f.On, f.Pick.Text, strings.Join(hosts, ", "))
}

// forms are the names of forms in a dispatch.
var forms = map[runbook.Form]string{runbook.SQL: "sql", runbook.HTTP: "http", runbook.TCP: "tcp", runbook.Copy: "copy"}

// DispatchFence returns what a fence of the cell runs at a place, secrets by
// name. extra are names known beside the run's: what earlier checks of the same
// phase captured.
func (r *Run) DispatchFence(c *Cell, f *runbook.Fence, where string, extra map[string]any) (Dispatch, error) {
	d, err := r.dispatch(c, f, where, extra)
	for i := range d.Env {
		if d.Env[i].Secret {
			d.Env[i].Value = ""
		}
	}
	return d, err
}

// Reveal returns the environment of [Run.DispatchFence] with the values of its
// secrets, to be sent and neither shown nor kept.
func (r *Run) Reveal(c *Cell, f *runbook.Fence, where string, extra map[string]any) ([]Var, error) {
	d, err := r.dispatch(c, f, where, extra)
	return d.Env, err
}

func (r *Run) dispatch(c *Cell, f *runbook.Fence, where string, extra map[string]any) (Dispatch, error) {
	fail := func(err error) (Dispatch, error) { return Dispatch{}, fmt.Errorf("prepare %q: %w", c.Key, err) }
	names := r.Names(c, where)
	maps.Copy(names, extra)
	d := Dispatch{
		Where: where, SSH: r.Plan.Hosts[where].SSH, Form: forms[f.Form], Body: f.Body,
		TimeoutMS: f.Timeout.Milliseconds(), ReconnectMS: f.Reconnect.Milliseconds(), Reboot: f.Reboot, Login: f.Login, TTY: f.TTY,
	}
	var err error
	if d.Via, err = filled("via", f.Via, names); err != nil {
		return fail(err)
	}
	typed, edited := c.text(f)
	if f.Form != runbook.Script {
		if d.Body = typed; !edited {
			d.Body, err = plan.Render(f, names, dialect(f))
		}
		if err != nil {
			return fail(err)
		}
		if f.Form == runbook.Copy {
			t, err := r.Plan.Copy(d.Body, c.Plan.Step.Scope)
			if err != nil {
				return fail(err)
			}
			d.Body = t.String()
		}
		return d, nil
	}
	if d.Dir, err = filled("cwd", f.Dir, names); err != nil {
		return fail(err)
	}
	if d.User, err = filled("user", f.User, names); err != nil {
		return fail(err)
	}
	if edited {
		d.Body = typed
	}
	d.Interpreter, d.Prefix = f.Lang, r.Plan.Prefix(f)
	if f.Language != nil {
		d.Interpreter, d.Prefix, d.Body = "sh", languagePrefix, strings.TrimRight(f.Language.Run, "\n")+"\n"
	}
	if d.Env, err = r.environment(c, f, d, names); err != nil {
		return fail(err)
	}
	if f.Language != nil {
		if d.Text, err = r.maskedText(c, f, names); err != nil {
			return fail(err)
		}
		d.Language = f.Language.Name
	}
	return d, nil
}

// filled fills a template whose names must all have values.
func filled(what, tmpl string, names map[string]any) (string, error) {
	s, ok := plan.Fill(tmpl, names)
	if !ok {
		return "", fmt.Errorf("a name in %s=%q has no value yet", what, tmpl)
	}
	return s, nil
}

func dialect(f *runbook.Fence) string {
	if f.Connection == nil {
		return ""
	}
	return f.Connection.Driver
}

// environment is what a script sees: all values, of the secrets those its text
// names, and what its env attributes say.
func (r *Run) environment(c *Cell, f *runbook.Fence, d Dispatch, names map[string]any) ([]Var, error) {
	secret, named := r.Plan.Secrets(c.Plan.Step.Scope), namesIn(d.Prefix+d.Body)
	vars, err := plan.Env(names)
	if err != nil {
		return nil, err
	}
	env := map[string]Var{}
	for _, v := range vars {
		if !secret[v.Name] || named[v.Name] {
			env[v.Name] = Var{v.Name, v.Value, secret[v.Name]}
		}
	}
	values, world := checks.Values(names), r.WorldAt(c)
	for _, e := range f.Env {
		v, err := e.Value.Value.Eval(values, world)
		if err == nil {
			var text string
			if text, err = checks.EnvText(v); err == nil {
				hidden := slices.ContainsFunc(e.Value.Value.Uses(), func(name string) bool { return secret[name] })
				env[e.Name] = Var{e.Name, text, hidden}
				continue
			}
		}
		return nil, fmt.Errorf("env.%s=%q: %w", e.Name, e.Value.Text, err)
	}
	if f.Language != nil {
		v, err := languageBody(c, f, names, secret)
		if err != nil {
			return nil, err
		}
		env[v.Name] = v
	}
	for name, value := range map[string]string{"STEPGATE_HOST": d.Where, "STEPGATE_RUN": r.ID, "STEPGATE_STEP": c.Key.Step} {
		env[name] = Var{Name: name, Value: value}
	}
	return slices.SortedFunc(maps.Values(env), func(a, b Var) int { return cmp.Compare(a.Name, b.Name) }), nil
}

// namesIn are the words of a text that may be names.
func namesIn(text string) map[string]bool {
	named := map[string]bool{}
	for _, w := range word.FindAllString(text, -1) {
		named[w] = true
	}
	return named
}

// Secrets are the names of secrets that a fence of the cell may get: those its
// text names.
func (r *Run) Secrets(c *Cell, f *runbook.Fence) []string {
	text := f.Body + r.Plan.Prefix(f)
	if f.Language != nil {
		text += f.Language.Run
	}
	var names []string
	for name := range r.Plan.Secrets(c.Plan.Step.Scope) {
		if mentions(text, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// mentions reports whether a text has a name, of a part as id.NAME or id_NAME.
func mentions(text, name string) bool {
	if !strings.Contains(name, ".") {
		return namesIn(text)[name]
	}
	return strings.Contains(text, name)
}

// Knowing returns the run as one sees it who knows secrets that no journal has:
// what was captured under `.secret`, by owner (see [plan.Scope.Owner]) and name.
func (r *Run) Knowing(secrets map[string]map[string]jsonValue) *Run {
	n := *r
	n.known, n.shared = secrets, true
	return &n
}
