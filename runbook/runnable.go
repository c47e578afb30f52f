package runbook

import (
	"strings"

	"stepgate/checks"
)

// runnable makes the fence itself.
func (d *drafting) runnable(b *block, m marks) *Fence {
	p := d.p
	ctx := p.inherit(m, d.ctx)
	f := &Fence{
		Pos: p.pos(b.at), Form: b.form, Lang: b.lang, Language: b.language, Body: b.body, On: ctx.on, Timeout: ctx.timeout,
		Monitor: b.monitor, Background: b.background, Secret: m.has("secret"), Lines: make([]Pos, len(b.lines)),
	}
	for i, at := range b.lines {
		f.Lines[i] = p.pos(at)
	}
	if ctx.timeoutFrom != "" {
		f.from("timeout", ctx.timeoutFrom)
	}
	if f.Form == Script {
		f.Dir, f.User, f.Login, f.Env = ctx.dir, ctx.user, ctx.login, ctx.variables()
		f.TTY, f.Reboot = m.has("tty"), m.has("reboot")
	}
	seen := p.sight(ctx.scope, ctx.on)
	p.poll(f, m, seen)
	f.Via = p.templateValue(m, "via", seen)
	d.connection(b, f, m, ctx)
	p.body(b, f, seen.ofSample(f))
	d.lengths(f, m, seen)
	d.besideForm(b, f, m)
	d.places(b, f, m, ctx)
	p.together(b, f, m)
	if f.Form == Copy && ctx.becomes && m.values["user"].Value == "" {
		p.errorAt(b.at, "misplaced", "a copy under user="+ctx.user+": files are copied as the login user", "write user= on the steps that need it, and give the files to their owner by a command")
	}
	if m.has("monitor") && m.id != "" {
		f.ID = m.id
	} else if m.has("monitor") {
		f.ID = d.step.ID
	}
	if e, ok := m.values["fail_if"]; ok {
		at := p.from(d.ctx, f.On)
		at.src, at.at = e.Value, bounded{p, e.ValueAt}
		f.Poll.FailIf = p.value("fail_if", at, func(names checks.Names) (*checks.Value, []checks.Problem) {
			return checks.CompileTest(e.Value, names, f.observed())
		})
	}
	p.shell(b, f)
	return f
}

// lengths reads how long a host or a monitor may be away.
func (d *drafting) lengths(f *Fence, m marks, seen *sight) {
	p := d.p
	p.length(f, m, "reconnect", seen, &f.Reconnect)
	p.length(f, m, "grace", seen, &f.Grace)
	if _, ok := m.values["reconnect"]; f.Reboot && !ok {
		p.errorAt(m.classes["reboot"], "value", "a .reboot without reconnect: nobody knows how long to wait", "add reconnect=10m")
	}
}

// places reads which of a group's hosts, and how many at a time. What a task
// says counts for its fences that run where the task says.
func (d *drafting) places(b *block, f *Fence, m marks, ctx context) {
	p := d.p
	said := func(key string) (marks, bool) {
		if _, ok := m.values[key]; ok {
			return m, true
		}
		_, ok := d.m.values[key]
		return d.m, ok && !d.alone && f.On == d.ctx.on
	}
	if from, ok := said("pick"); ok {
		p.onGroup(from, "pick", f.On, ctx.scope)
		e := p.from(ctx, f.On)
		e.seen = e.seen.clone()
		e.seen.add("it", checks.Any, false, "")
		f.Pick = p.expr(from, "pick", e, checks.Bool)
	}
	if from, ok := said("parallel"); ok && b.command() {
		p.onGroup(from, "parallel", f.On, ctx.scope)
		f.Parallel = p.number(from, "parallel", 1)
	}
	if f.Pick != nil && f.Parallel > 0 {
		p.report(f.Pos, Error, "misplaced", "pick and parallel on one command: a picked host is one", "remove one of them")
	}
}

// onGroup wants on=GROUP beside an attribute.
func (p *parser) onGroup(m marks, key, on string, s *scope) {
	if p.book.Annotated && p.group(on, s) == nil {
		what := "without on=GROUP"
		if on != "" {
			what = "with on=" + on + ", which is no group of the front matter"
		}
		p.errorAt(m.values[key].At, "misplaced", key+" "+what, "name the group whose hosts it chooses from: on=GROUP")
	}
}

// scriptOnly are attributes that only what runs on a host can have.
var scriptOnly = []string{"cwd", "user", "reconnect"}

// together refuses what makes no sense on a fence of this form.
func (p *parser) together(b *block, f *Fence, m marks) {
	if f.Form == Script && len(m.values) == 0 && len(m.classes) == 0 {
		return
	}
	refuse := func(key, what, remedy string) {
		if pair, ok := m.values[key]; ok {
			p.errorAt(pair.At, "misplaced", key+" "+what, remedy)
		}
		if at, ok := m.classes[key]; ok {
			p.errorAt(at, "misplaced", "."+key+" "+what, remedy)
		}
	}
	if f.Form != Script {
		for _, key := range append(scriptOnly, "tty", "reboot", "background") {
			refuse(key, "on a "+formName(f.Form)+" fence, which runs on no host", "remove it")
		}
		for key, pair := range m.values {
			if strings.HasPrefix(key, "env.") {
				p.errorAt(pair.At, "misplaced", key+" on a "+formName(f.Form)+" fence, which has no environment", "write {{name}} in the fence")
			}
		}
	}
	if f.Form != SQL {
		refuse("db", "on a fence that isn't sql", "remove it")
	}
	if f.Form == Script || f.Form == Copy {
		refuse("via", "on a fence that speaks to no server: it runs where on= says", "write on=HOST")
	}
	if f.Form != Copy {
		refuse("direct", "on a fence that copies nothing", "remove it")
	}
	if f.Form == TCP && b.rollback || f.Form == Copy && (b.check || b.monitor || b.rollback) {
		p.errorAt(b.at, "misplaced", "a "+formName(f.Form)+" fence can't be that", "use a command for it")
	}
	if f.Background && b.rollback || f.TTY && f.Background {
		p.errorAt(b.at, "misplaced", "the classes of this fence don't go together", "keep .background, .tty and .rollback apart")
	}
	if f.Secret && b.claimed() {
		p.laterAt(p.pos(m.classes["secret"]), ".secret: a command whose output on the host must not stay there")
	}
	if f.Form == Copy {
		if f.Direct = direct(p, m); f.Direct {
			p.laterAt(p.pos(m.values["direct"].At), "direct=yes: a copy from host to host that doesn't go through this machine")
		}
	}
}

func direct(p *parser, m marks) bool {
	pair, ok := m.values["direct"]
	if ok && pair.Value != "yes" && pair.Value != "no" {
		p.errorAt(pair.ValueAt, "value", "direct is "+quote(pair.Value), "write direct=yes, or leave it out")
	}
	return pair.Value == "yes"
}
