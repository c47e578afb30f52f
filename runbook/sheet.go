package runbook

import (
	"fmt"
	"strings"

	"stepgate/checks"
)

// sheet is what makes up one step: fences, and the prose and alerts that belong
// to them.
type sheet struct {
	notes   []*outline // prose and alerts
	fences  []*block
	lead    string // the paragraph right before the command, else before the first fence
	command *block
}

// split divides fences into steps: each command takes what follows it, up to
// the next command; checks ahead of the first command are the first step's. A
// monitor that stands alone, outside a task, is a step of its own. rest is what
// stands behind the last fence.
func split(nodes []*outline, alone bool) (sheets []*sheet, rest []*outline) {
	var waiting []*outline
	var current *sheet
	for _, o := range nodes {
		if o.kind != fenceNode {
			waiting = append(waiting, o)
			continue
		}
		if current == nil || current.ends(o.fence, alone) {
			current = &sheet{}
			sheets = append(sheets, current)
		}
		if n := len(waiting); n > 0 && (o.fence.command() || len(current.fences) == 0) && waiting[n-1].lead != "" {
			current.lead = waiting[n-1].lead
		}
		if o.fence.command() {
			current.command = o.fence
		}
		current.notes = append(current.notes, waiting...)
		current.fences = append(current.fences, o.fence)
		waiting = nil
	}
	return sheets, waiting
}

// ends reports whether the fence begins another step.
func (sh *sheet) ends(b *block, alone bool) bool {
	switch {
	case b.kind != runFence:
		return false
	case alone && (b.monitor || sh.fences[0].monitor):
		return true
	}
	return b.command() && sh.command != nil
}

// head is the fence whose group speaks for a step outside task lists: the
// command's, else the first one's.
func (sh *sheet) head() *block {
	if sh.command != nil {
		return sh.command
	}
	return sh.fences[0]
}

// looseStep builds a step outside task lists.
func (p *parser) looseStep(s *Section, sh *sheet, several bool, ctx context) *Step {
	head := sh.head()
	m := p.vocabulary(head.group, head.place()|onAlone)
	title := s.Title
	lead := ""
	if several || title == "" {
		lead = leadIn(sh.lead)
	}
	switch {
	case m.values["title"].Value != "":
		title = m.values["title"].Value
	case lead != "" && title == "":
		title = lead
	case head.monitor && m.id != "":
		title = m.id
	case lead != "" && several:
		title += ": " + lead
	case several:
		title = strings.TrimSpace(fmt.Sprintf("%s (%d)", title, len(s.Items)+1))
	}
	if title == "" {
		title = "Step"
	}
	st := &Step{Pos: p.pos(head.at), Title: title, ID: p.itemID(m, title, "step")}
	ctx.path = joinPath(ctx.path, st.ID)
	var inner *scope
	if st.Each, inner = p.each(m, ctx); st.Each != nil {
		ctx.scope = inner
		st.Each.OrderBy = p.expr(m, "order_by", p.from(ctx, ctx.on), checks.Any)
	}
	p.templateValue(m, "title", p.sight(ctx.scope, ctx.on))
	ctx.when = p.when(m, ctx)
	delete(m.values, "when") // the step's, not the fence's
	head.marks = &m
	ctx.required = ctx.required || m.has("required")
	ctx.always = ctx.always || m.has("always")
	p.step(st, sh, ctx, m)
	return st
}

// task builds a task-list item: a step, or a section of steps when it holds
// several commands or tasks, or stands for an include.
func (p *parser) task(o *outline, waiting []*outline, ctx context) Item {
	m := p.vocabulary(o.group, onTask)
	title := plainText(o.title)
	if title == "" {
		p.errorAt(o.at, "title", "the step has no title", "write what is done behind the box")
		title = "Step"
	}
	id := p.itemID(m, o.title, "step")
	ctx.path = joinPath(ctx.path, id)
	ctx, w := p.enter(m, ctx, o.nodes)
	if m.has("include") {
		s, inner := p.gather(o, id, title, m, w, ctx)
		p.included(s, o, waiting, m, inner)
		p.sectionGate(s, m, ctx)
		return s
	}
	p.withoutInclude(m)
	var nested bool
	for _, n := range o.nodes {
		nested = nested || n.kind == taskNode
	}
	if nested {
		return p.tasks(o, id, title, m, w, waiting, ctx)
	}
	sheets, rest := split(o.nodes, false)
	if len(sheets) > 1 {
		return p.commands(o, id, title, m, w, sheets, append(waiting, rest...), ctx)
	}
	st := &Step{Pos: p.pos(o.at), Title: title, ID: id, Each: w}
	sh := &sheet{}
	if len(sheets) == 1 {
		sh = sheets[0]
	}
	sh.notes = append(append(waiting, sh.notes...), rest...)
	p.step(st, sh, ctx, m)
	p.templates(o.spans, p.sight(ctx.scope, ctx.on))
	return st
}

// gather makes the section that a task-list item with several steps is.
func (p *parser) gather(o *outline, id, title string, m marks, w *Each, ctx context) (*Section, context) {
	ctx.level++
	ctx.deeper = ctx.level
	s := &Section{Pos: p.pos(o.at), ID: id, Title: title, Level: ctx.level, Each: w, Required: ctx.required}
	seen := p.sight(ctx.scope, ctx.on)
	p.templates(o.spans, seen)
	s.Confirm = p.templateValue(m, "confirm", seen)
	for _, class := range []string{"idempotent", "per-host"} {
		if at, ok := m.classes[class]; ok {
			p.errorAt(at, "misplaced", "the class ."+class+" can't stand on an item with several steps", "write it on the step that it is about")
		}
	}
	for _, key := range []string{"ask", "choices", "pick", "parallel", "approvers"} {
		if pair, ok := m.values[key]; ok {
			p.errorAt(pair.At, "misplaced", "the attribute "+key+" can't stand on an item with several steps", "write it on the step that it is about")
		}
	}
	return s, ctx
}

// tasks builds an item that holds items.
func (p *parser) tasks(o *outline, id, title string, m marks, w *Each, waiting []*outline, ctx context) *Section {
	s, inner := p.gather(o, id, title, m, w, ctx)
	if s.Level > MaxNesting {
		p.errorAt(o.at, "nesting", fmt.Sprintf("more than %d levels of steps", MaxNesting), "use headings")
		return s
	}
	p.fill(s, append(waiting, o.nodes...), inner)
	p.sectionGate(s, m, ctx)
	return s
}

// commands builds an item that holds several commands: steps id.1, id.2, ….
func (p *parser) commands(o *outline, id, title string, m marks, w *Each, sheets []*sheet, notes []*outline, ctx context) *Section {
	s, inner := p.gather(o, id, title, m, w, ctx)
	notes = p.gate(s, append(notes, sheets[0].notes...), inner)
	sheets[0].notes = notes
	for i, sh := range sheets {
		st := &Step{Pos: p.pos(sh.head().at), ID: fmt.Sprintf("%s.%d", s.ID, i+1), Title: fmt.Sprintf("%s (%d)", title, i+1)}
		if lead := leadIn(sh.lead); lead != "" {
			st.Title = lead
		}
		at := inner
		at.path = joinPath(inner.path, st.ID)
		p.step(st, sh, at, marks{})
		s.Items = append(s.Items, st)
	}
	p.sectionGate(s, m, ctx)
	return s
}
