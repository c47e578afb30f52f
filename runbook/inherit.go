package runbook

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepgate/checks"
)

// context is what a thing inherits from what it stands in.
type context struct {
	on, dir, user string
	becomes       bool // user was said here or above, not in the front matter
	timeout       time.Duration
	timeoutFrom   string // a template of timeout
	login         bool
	env           map[string]EnvVar // never changed, only replaced
	when          *Expr
	required      bool
	irreversible  bool
	always        bool
	scope         *scope
	level, deeper int    // of headings; what an include adds to them
	path          string // of the section or step, without instances
	phrase        string // typed at gates that name none, a template
}

// whenText is the condition that holds inside.
func (c context) whenText() string {
	if c.when == nil {
		return ""
	}
	return c.when.Text
}

// from returns what an expression sees here that runs on on.
func (p *parser) from(ctx context, on string) compiled {
	return compiled{seen: p.sight(ctx.scope, on), sc: ctx.scope, when: ctx.whenText(), path: ctx.path}
}

// enter reads what a heading or a step says for everything in it.
func (p *parser) enter(m marks, ctx context, nodes []*outline) (context, *Each) {
	w, inner := p.each(m, ctx)
	if w != nil {
		inner.nodes = nodes
		ctx.scope = inner
		w.OrderBy = p.expr(m, "order_by", p.from(ctx, ctx.on), checks.Any)
	}
	ctx = p.inherit(m, ctx)
	ctx.required = ctx.required || m.has("required")
	ctx.irreversible = ctx.irreversible || m.has("irreversible")
	ctx.always = ctx.always || m.has("always")
	return ctx, w
}

// inherit reads the attributes that everything inside takes over.
func (p *parser) inherit(m marks, ctx context) context {
	if pair, ok := m.values["on"]; ok {
		ctx.on = pair.Value
		if !hostForm.MatchString(pair.Value) {
			p.errorAt(pair.ValueAt, "value", "on names "+quote(pair.Value)+", which is no group or host", "write the name of one group or one host")
		}
	}
	seen := p.sight(ctx.scope, ctx.on)
	if dir := p.templateValue(m, "cwd", seen); dir != "" {
		ctx.dir = dir
	}
	if user := p.templateValue(m, "user", seen); user != "" {
		ctx.user, ctx.becomes = user, true
	}
	if d, from := p.span(m, "timeout", seen); d > 0 || from != "" {
		ctx.timeout, ctx.timeoutFrom = d, from
	}
	ctx.when = p.when(m, ctx)
	for _, key := range slices.Sorted(maps.Keys(m.values)) {
		if name, ok := strings.CutPrefix(key, "env."); ok {
			ctx = p.environment(m, key, name, ctx)
		}
	}
	return ctx
}

// when reads a condition; it replaces the one that is inherited.
func (p *parser) when(m marks, ctx context) *Expr {
	from := p.from(ctx, ctx.on)
	from.when = ""
	if e := p.expr(m, "when", from, checks.Bool); e != nil {
		return e
	}
	return ctx.when
}

// environment adds a variable of commands' environments.
func (p *parser) environment(m marks, key, name string, ctx context) context {
	if why := badVariable(name); why != "" {
		p.errorAt(m.values[key].At, "value", "env."+name+" "+why, "choose another name, such as env.MY_VALUE")
		return ctx
	}
	e := p.expr(m, key, p.from(ctx, ctx.on), checks.Any)
	if e == nil {
		return ctx
	}
	return ctx.with(EnvVar{Name: name, Value: e})
}

func badVariable(name string) string {
	switch {
	case !nameForm.MatchString(name):
		return "is no name of an environment variable"
	case strings.HasPrefix(name, "STEPGATE_"):
		return "is Stepgate's own"
	}
	return ""
}

func (c context) with(v EnvVar) context {
	env := maps.Clone(c.env)
	if env == nil {
		env = map[string]EnvVar{}
	}
	env[v.Name] = v
	c.env = env
	return c
}

// variables are the environment in the order of names.
func (c context) variables() []EnvVar {
	var out []EnvVar
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		out = append(out, c.env[name])
	}
	return out
}

var walkForm = regexp.MustCompile(`^(\S+)\s+(of|in)\s+(\S+)$`)

// each reads what is walked, and the scope inside an instance of it.
func (p *parser) each(m marks, ctx context) (*Each, *scope) {
	pair, ok := m.values["each"]
	for _, key := range []string{"batch", "canary", "soak", "order_by", "max_failures"} {
		if with, alone := m.values[key]; alone && !ok {
			p.errorAt(with.At, "misplaced", key+" stands without each", "name what is walked: each=GROUP")
		}
	}
	if !ok {
		return nil, nil
	}
	e := &Each{Pos: p.pos(pair.ValueAt)}
	s := newScope(ctx.scope)
	form := walkForm.FindStringSubmatch(pair.Value)
	switch {
	case form == nil && !hostForm.MatchString(pair.Value):
		p.errorAt(pair.ValueAt, "value", "each names "+quote(pair.Value)+", which is no group", `write each=GROUP, each="NAME of GROUP" or each="NAME in LIST"`)
		return nil, nil
	case form == nil:
		e.Group, s.group = pair.Value, pair.Value
		if !p.walkedGroup(pair.Value, ctx.scope, e.Pos) {
			return nil, nil
		}
	case !p.walkedName(form[1], ctx, e.Pos):
		return nil, nil
	case form[2] == "of":
		e.Name, e.Group, s.name, s.of = form[1], form[3], form[1], form[3]
		if !p.walkedGroup(form[3], ctx.scope, e.Pos) {
			return nil, nil
		}
		if g := p.group(form[3], ctx.scope); g != nil && !slices.Contains(g.Vars, form[1]) {
			p.report(e.Pos, Error, "unknown-name", fmt.Sprintf("group %s has no variable %s", quote(form[3]), quote(form[1])),
				meantOr(form[1], g.Vars, "add "+quote(form[1])+" to vars of [groups."+g.Name+"]"))
		}
	default:
		e.Name, e.List, s.name = form[1], form[3], form[1]
		p.walkedList(form[3], ctx, e.Pos)
	}
	if e.Name != "" {
		p.known(e.Name, checks.String)
	}
	p.batches(m, e)
	return e, s
}

func (p *parser) walkedGroup(name string, s *scope, at Pos) bool {
	if p.book.Annotated && p.group(name, s) == nil {
		p.report(at, Error, "unknown-group", "the front matter has no group "+quote(name), p.groupRemedy(name, s))
		return false
	}
	return true
}

func (p *parser) groupRemedy(name string, s *scope) string {
	return meantOr(name, p.groupNames(s), "add [groups."+name+"] to the front matter")
}

// meantOr is a did-you-mean, or else another remedy.
func meantOr(word string, known []string, otherwise string) string {
	if did := near(word, known); did != "" {
		return "did you mean " + did + "?"
	}
	return otherwise
}

// walkedName checks what a walk calls its values.
func (p *parser) walkedName(name string, ctx context, at Pos) bool {
	why, bad := checks.Reserved(name)
	_, param := ctx.scope.owner().values[name]
	switch {
	case bad:
		p.report(at, Error, "reserved", "a value can't be called "+quote(name)+": "+why, "choose another name")
	case param:
		p.report(at, Error, "name-taken", quote(name)+" is a parameter already", "choose another name for the value that is walked")
	case p.names.groups[name] != nil:
		p.report(at, Error, "name-taken", quote(name)+" is a group already: inside, it would be the hosts that have the value", "rename one of them")
	default:
		return true
	}
	return false
}

func (p *parser) walkedList(name string, ctx context, at Pos) {
	seen := p.sight(ctx.scope, ctx.on)
	t, known := seen.types[name]
	switch {
	case !known:
		p.report(at, Error, "unknown-name", "there is no list "+quote(name), meantOr(name, keys(seen.types), `declare [params.`+name+`] with type = "list"`))
	case seen.captured[name]:
		p.report(at, Error, "walk-of-capture", quote(name)+" is found in the run, and nothing found there adds steps",
			"walk a list parameter or a group, and compare it with what was found in a check")
	case t != checks.List:
		p.report(at, Error, "value", quote(name)+" is "+article(t.String())+", no list", `declare it with type = "list"`)
	case seen.secret[name]:
		p.report(at, Error, "secret-in-text", "the secret "+quote(name)+" would become part of steps' ids", "walk a list that isn't secret")
	}
}

// batches reads how many instances go at a time.
func (p *parser) batches(m marks, e *Each) {
	e.Batch = 1
	if pair, ok := m.values["batch"]; ok {
		share, percent := strings.CutSuffix(pair.Value, "%")
		n, err := strconv.Atoi(share)
		switch {
		case pair.Value == "all":
			e.Batch = 0
		case err != nil || n < 1 || n > 1000 || percent && n > 100:
			p.errorAt(pair.ValueAt, "value", "batch is "+quote(pair.Value), "write how many go at a time: 2, 25% or all")
		default:
			e.Batch, e.Percent = n, percent
		}
	}
	for _, key := range []string{"canary", "soak", "max_failures"} {
		if pair, ok := m.values[key]; ok && e.Name != "" {
			p.errorAt(pair.At, "misplaced", key+" only goes with hosts, each=GROUP", "remove it")
		}
	}
	if e.Name != "" {
		return
	}
	e.Canary = p.number(m, "canary", 1)
	e.MaxFailures = p.number(m, "max_failures", 0)
	e.Soak = p.duration(m, "soak")
	if pair, ok := m.values["soak"]; ok && e.Canary == 0 {
		if _, canary := m.values["canary"]; !canary {
			p.errorAt(pair.At, "misplaced", "soak without canary: there is nothing to wait behind", "add canary=1")
		}
	}
}
