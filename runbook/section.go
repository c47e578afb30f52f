package runbook

import (
	"fmt"
	"strings"
	"time"
)

// context is what a thing inherits from what it stands in.
type context struct {
	on, dir      string
	timeout      time.Duration
	when         *Expr
	required     bool
	irreversible bool
	scope        *scope
	level        int
}

// enter reads what a heading or a task says for everything in it.
func (p *parser) enter(m marks, ctx context) (context, *Each) {
	var w *Each
	if group := p.each(m); group != "" {
		w = &Each{Pos: p.pos(m.values["each"].ValueAt), Group: group, Batch: 1}
		ctx.scope = ctx.scope.inner(group)
		w.OrderBy = p.orderBy(m, ctx)
	}
	ctx = p.inherit(m, ctx)
	ctx.required = ctx.required || m.has("required")
	ctx.irreversible = ctx.irreversible || m.has("irreversible")
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
	names := p.visible(ctx.scope, ctx.on)
	if dir := p.templateValue(m, "cwd", names); dir != "" {
		ctx.dir = dir
	}
	if d := p.duration(m, "timeout"); d > 0 {
		ctx.timeout = d
	}
	if e := p.expr(m, "when", names, wantBool); e != nil {
		ctx.when = e
	}
	return ctx
}

// each reads the group that is walked.
func (p *parser) each(m marks) string {
	pair, ok := m.values["each"]
	for _, key := range []string{"batch", "order_by"} {
		if with, alone := m.values[key]; alone && !ok {
			p.errorAt(with.At, "misplaced", key+" stands without each", "name the group that is walked: each=GROUP")
		}
	}
	if !ok {
		return ""
	}
	if batch, set := m.values["batch"]; set && batch.Value != "1" {
		p.notYet(batch.ValueAt, "batch="+batch.Value+": several hosts at a time")
	}
	switch fields := strings.Fields(pair.Value); {
	case len(fields) == 3 && fields[1] == "of":
		p.notYet(pair.ValueAt, "each=\"NAME of GROUP\": one walk per value of a host variable")
	case len(fields) == 3 && fields[1] == "in":
		p.notYet(pair.ValueAt, "each=\"NAME in LIST\": one walk per element of a list")
	case !hostForm.MatchString(pair.Value):
		p.errorAt(pair.ValueAt, "value", "each names "+quote(pair.Value)+", which is no group", "write the name of one group")
	case p.book.Annotated && p.names.groups[pair.Value] == nil:
		remedy := meant(pair.Value, keys(p.names.groups))
		if near(pair.Value, keys(p.names.groups)) == "" {
			remedy = "add [groups." + pair.Value + "] to the front matter"
		}
		p.errorAt(pair.ValueAt, "unknown-group", "the front matter has no group "+quote(pair.Value), remedy)
	default:
		return pair.Value
	}
	return ""
}

// orderBy compiles the order of a walk, which sees each host's variables.
func (p *parser) orderBy(m marks, ctx context) *Expr {
	return p.expr(m, "order_by", p.visible(ctx.scope, ctx.on), wantAny)
}

// section builds a heading and what stands under it.
func (p *parser) section(o *outline, ctx context) *Section {
	if o.level == 1 {
		p.carried = carry{}
	}
	m := p.vocabulary(o.group, onHeading)
	s := &Section{Pos: p.pos(o.at), Level: o.level, Title: plainText(o.title), ID: p.itemID(m, o.title, "section")}
	ctx.level = o.level
	if o.level >= MaxNesting {
		p.errorAt(o.at, "nesting", fmt.Sprintf("more than %d levels of sections", MaxNesting), "use fewer")
		return s
	}
	ctx, w := p.enter(m, ctx)
	s.Each, s.Required = w, ctx.required
	names := p.visible(ctx.scope, ctx.on)
	p.templates(o.spans, names)
	s.Confirm = p.templateValue(m, "confirm", names)
	p.fill(s, o.nodes, ctx)
	p.sectionGate(s, m)
	return s
}

// sectionGate settles the phrase of the gate before a section.
func (p *parser) sectionGate(s *Section, m marks) {
	pair, ok := m.values["confirm"]
	switch {
	case s.Caution == "" && ok:
		p.errorAt(pair.At, "confirm-without-gate", "confirm on a section that has no gate", "write > [!CAUTION] right under the heading, or put confirm on the step")
	case s.Caution != "" && !ok:
		s.Confirm = p.phrase()
	}
}

// phrase is what is typed at a gate that names no phrase of its own.
func (p *parser) phrase() string {
	if p.book.Confirm != "" {
		return p.book.Confirm
	}
	return "{{step}}"
}

func (p *parser) itemID(m marks, title, fallback string) string {
	if m.id != "" {
		return m.id
	}
	if id := slug(plainText(title)); id != "" {
		return id
	}
	return fallback
}

// fill gives a section its items. Prose and alerts wait until it is known whose
// they are.
func (p *parser) fill(s *Section, nodes []*outline, ctx context) {
	var waiting []*outline
	for i := 0; i < len(nodes) && !p.tooMany; {
		o := nodes[i]
		switch o.kind {
		case headingNode:
			sub := p.section(o, ctx)
			p.settle(s, waiting, sub, ctx)
			waiting = nil
			s.Items = append(s.Items, sub)
			i++
		case taskNode:
			if len(s.Items) == 0 && s.Level > 0 {
				waiting = p.gate(s, waiting, ctx)
			}
			s.Items = append(s.Items, p.task(o, waiting, ctx))
			waiting = nil
			i++
		case proseNode, cautionNode, warningNode, fenceNode:
			end := i
			for end < len(nodes) && nodes[end].kind < taskNode {
				end++
			}
			waiting = p.loose(s, append(waiting, nodes[i:end]...), ctx)
			i = end
		}
	}
	p.settle(s, waiting, nil, ctx)
	p.unique(s.Items)
}

// loose builds the steps of fences outside task lists, and returns what waits
// for the item that follows.
func (p *parser) loose(s *Section, nodes []*outline, ctx context) []*outline {
	if len(s.Items) == 0 && s.Level > 0 {
		nodes = p.gate(s, nodes, ctx)
	}
	sheets, rest := split(nodes)
	if len(sheets) == 0 {
		return rest
	}
	several := len(sheets) > 1 || len(s.Items) > 0
	for _, sh := range sheets {
		s.Items = append(s.Items, p.looseStep(s, sh, several, ctx))
	}
	return rest
}

// gate takes the alerts before a section's first item: they are the section's.
func (p *parser) gate(s *Section, nodes []*outline, ctx context) []*outline {
	names := p.visible(ctx.scope, ctx.on)
	for i, o := range nodes {
		if o.kind == fenceNode {
			return append(p.gate(s, nodes[:i:i], ctx), nodes[i:]...)
		}
	}
	var rest []*outline
	for _, o := range nodes {
		switch o.kind {
		case cautionNode:
			s.Caution = join(s.Caution, o.text)
			p.templates(o.spans, names)
		case warningNode:
			s.Warnings = append(s.Warnings, o.text)
			p.templates(o.spans, names)
		default:
			rest = append(rest, o)
		}
	}
	return rest
}

// settle finds an owner for prose and alerts that no step follows: the last
// step before them, else the section. An alert may also gate the section below.
func (p *parser) settle(s *Section, waiting []*outline, next *Section, ctx context) {
	if len(waiting) == 0 {
		return
	}
	var last *Step
	if n := len(s.Items); n > 0 {
		last, _ = s.Items[n-1].(*Step)
	}
	if len(s.Items) == 0 && s.Level > 0 {
		waiting = p.gate(s, waiting, ctx)
	}
	names := p.visible(ctx.scope, ctx.on)
	for _, o := range waiting {
		p.templates(o.spans, names)
		switch {
		case o.kind == proseNode && last != nil:
			last.Prose = join(last.Prose, o.text)
		case o.kind == proseNode:
			s.Prose = join(s.Prose, o.text)
		case o.kind == cautionNode && next != nil:
			next.Caution = join(o.text, next.Caution)
			if next.Confirm == "" {
				next.Confirm = p.phrase()
			}
		case o.kind == cautionNode:
			p.report(p.pos(o.at), p.severity(), "caution-without-step", "no step follows this alert, so it gates nothing", "put it into the step, or before it")
		case o.kind == warningNode && next != nil:
			next.Warnings = append([]string{o.text}, next.Warnings...)
		case last != nil:
			last.Warnings = append(last.Warnings, o.text)
		default:
			s.Warnings = append(s.Warnings, o.text)
		}
	}
}

// join puts two pieces of Markdown behind each other.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}
