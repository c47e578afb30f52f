package runbook

import (
	"fmt"
	"slices"
	"strings"
)

// section builds a heading and what stands under it.
func (p *parser) section(o *outline, ctx context) *Section {
	if o.level == 1 {
		p.carried = carry{}
	}
	m := p.vocabulary(o.group, onHeading)
	s := &Section{Pos: p.pos(o.at), Level: ctx.deeper + o.level, Title: plainText(o.title), ID: p.itemID(m, o.title, "section")}
	ctx.level = s.Level
	if s.Level >= MaxNesting {
		p.errorAt(o.at, "nesting", fmt.Sprintf("more than %d levels of sections", MaxNesting), "use fewer")
		return s
	}
	ctx.path = joinPath(ctx.path, s.ID)
	ctx, s.Each = p.enter(m, ctx, o.nodes)
	s.Required = ctx.required
	seen := p.sight(ctx.scope, ctx.on)
	p.templates(o.spans, seen)
	s.Confirm = p.templateValue(m, "confirm", seen)
	if m.has("include") {
		p.included(s, o, nil, m, ctx)
	} else {
		p.withoutInclude(m)
		p.fill(s, o.nodes, ctx)
	}
	p.sectionGate(s, m, ctx)
	return s
}

// sectionGate settles the phrase of the gate before a section.
func (p *parser) sectionGate(s *Section, m marks, ctx context) {
	pair, ok := m.values["confirm"]
	switch {
	case s.Caution == "" && ok:
		p.errorAt(pair.At, "confirm-without-gate", "confirm on a section that has no gate", "write > [!CAUTION] right under the heading, or put confirm on the step")
	case s.Caution != "" && !ok:
		s.Confirm = ctx.phrase
	}
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
	p.besideSection(s)
}

// loose builds the steps of fences outside task lists, and returns what waits
// for the item that follows.
func (p *parser) loose(s *Section, nodes []*outline, ctx context) []*outline {
	if len(s.Items) == 0 && s.Level > 0 {
		nodes = p.gate(s, nodes, ctx)
	}
	sheets, rest := split(nodes, true)
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
	seen := p.sight(ctx.scope, ctx.on)
	for i, o := range nodes {
		if o.kind == fenceNode {
			return append(p.gate(s, nodes[:i:i], ctx), nodes[i:]...)
		}
	}
	var rest []*outline
	cautions := []string{s.Caution}
	for _, o := range nodes {
		switch o.kind {
		case cautionNode:
			cautions = append(cautions, o.text)
			p.templates(o.spans, seen)
		case warningNode:
			s.Warnings = append(s.Warnings, o.text)
			p.templates(o.spans, seen)
		default:
			rest = append(rest, o)
		}
	}
	s.Caution = join(cautions...)
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
	seen := p.sight(ctx.scope, ctx.on)
	var prose, cautions, warnings []string
	for _, o := range waiting {
		p.templates(o.spans, seen)
		switch {
		case o.kind == proseNode:
			prose = append(prose, o.text)
		case o.kind == cautionNode && next != nil:
			cautions = append(cautions, o.text)
		case o.kind == cautionNode:
			p.report(p.pos(o.at), p.severity(), "caution-without-step", "no step follows this alert, so it gates nothing", "put it into the step, or before it")
		default:
			warnings = append(warnings, o.text)
		}
	}
	if len(cautions) > 0 {
		next.Caution = join(append(cautions, next.Caution)...)
		if next.Confirm == "" {
			next.Confirm = ctx.phrase
		}
	}
	said := join(prose...)
	switch {
	case last != nil:
		last.Prose = join(last.Prose, said)
	default:
		s.Prose = join(s.Prose, said)
	}
	switch {
	case next != nil:
		next.Warnings = append(warnings, next.Warnings...)
	case last != nil:
		last.Warnings = append(last.Warnings, warnings...)
	default:
		s.Warnings = append(s.Warnings, warnings...)
	}
}

// join puts pieces of Markdown behind each other.
func join(pieces ...string) string {
	return strings.Join(slices.DeleteFunc(pieces, func(s string) bool { return s == "" }), "\n\n")
}
