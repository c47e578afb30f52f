package runbook

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"stepgate/checks"
)

// Bounds of inclusion, beside those of a runbook as a whole.
const (
	MaxIncludes  = 8    // files and sections in each other
	maxInclusion = 1000 // inclusions in all
)

var linkForm = regexp.MustCompile(`^\[(.+)\]\(\s*(?:<([^<>]*)>|([^()\s<>]+))\s*\)$`)

// included lets s stand for the file or section that its title links to.
func (p *parser) included(s *Section, o *outline, waiting []*outline, m marks, ctx context) {
	p.notes(s, append(waiting, o.nodes...), ctx)
	for _, word := range []string{"idempotent"} {
		if at, ok := m.classes[word]; ok {
			p.errorAt(at, "misplaced", "the class ."+word+" can't stand on an include", "write it in the part")
		}
	}
	link := linkForm.FindStringSubmatch(strings.TrimSpace(o.title))
	if link == nil {
		p.errorAt(o.at, "include", "the title of an include is no link", "write [Title](part.md), or [Title](#section) for a section of this file")
		return
	}
	target, err := url.PathUnescape(link[2] + link[3])
	if p.parts++; err != nil || p.parts > maxInclusion || p.tooMany {
		p.errorAt(o.at, "include", "the link "+quote(link[2]+link[3])+" can't be followed", fmt.Sprintf("a runbook includes at most %d parts, each by a relative path", maxInclusion))
		return
	}
	if section, here := strings.CutPrefix(target, "#"); here {
		p.includeSection(s, section, o, m, ctx)
		return
	}
	p.includeFile(s, target, o, m, ctx)
}

// notes takes what stands in an include beside its link: nothing that runs.
func (p *parser) notes(s *Section, nodes []*outline, ctx context) {
	for _, n := range nodes {
		switch n.kind {
		case headingNode, taskNode, fenceNode:
			p.errorAt(n.at, "include", "an include holds no steps of its own", "put them before or behind it")
			return
		case proseNode, cautionNode, warningNode:
		}
	}
	seen := p.sight(ctx.scope, ctx.on)
	said := []string{s.Prose}
	for _, n := range p.gate(s, nodes, ctx) {
		p.templates(n.spans, seen)
		said = append(said, n.text)
	}
	s.Prose = join(said...)
}

// nested begins something included, unless it includes itself or lies too deep.
func (p *parser) nested(key string, at int) ([]string, bool) {
	stack := p.stack
	if len(stack) == 0 {
		stack = []string{path.Base(p.file)}
	}
	switch {
	case slices.Contains(stack, key):
		p.errorAt(at, "include-cycle", "the include leads back to itself: "+strings.Join(append(stack, key), " → "), "take one of these includes out")
		return nil, false
	case len(stack) > MaxIncludes:
		p.errorAt(at, "include-depth", fmt.Sprintf("more than %d includes in each other", MaxIncludes), "include it further out")
		return nil, false
	}
	return append(slices.Clone(stack), key), true
}

// includeFile includes another file.
func (p *parser) includeFile(s *Section, target string, o *outline, m marks, ctx context) {
	name, ok := p.partName(target, o.at)
	if !ok {
		return
	}
	stack, ok := p.nested(name, o.at)
	if !ok {
		return
	}
	src, ok := p.source(name, o.at)
	if !ok {
		return
	}
	sub := p.closure.parser(name, src)
	sub.stack, sub.part = stack, true
	if !sub.readable() {
		return
	}
	doc := sub.outline()
	sub.asks(doc.nodes, sub.head)
	inner := newScope(ctx.scope)
	inner.part, inner.nodes = true, doc.nodes
	s.Part = &Part{File: name, Params: sub.head.params}
	p.with(s.Part, sub.head, inner, o.at, m, ctx)
	ctx.scope, ctx.deeper = inner, s.Level
	if sub.head.confirm != "" {
		ctx.phrase = sub.head.confirm
	}
	if sub.head.defaults != nil {
		ctx = sub.head.defaults(ctx)
	}
	sub.fill(s, whole(doc.nodes), ctx)
	p.done(s, inner)
}

// whole leaves out the heading that is nothing but a file's title.
func whole(nodes []*outline) []*outline {
	if len(nodes) == 1 && nodes[0].kind == headingNode && nodes[0].group == nil {
		return nodes[0].nodes
	}
	return nodes
}

// done makes what a part captured visible around it.
func (p *parser) done(s *Section, inner *scope) {
	id := strings.ReplaceAll(s.ID, "-", "_")
	if nameForm.MatchString(id) {
		inner.parent.parts[id] = inner
		p.known(id, checks.Any)
		p.names.version++
	}
}

// partName resolves a link's target against the including file.
func (p *parser) partName(target string, at int) (string, bool) {
	dir := ""
	if p.part {
		dir = path.Dir(p.file)
	}
	name := path.Join(dir, target)
	switch {
	case strings.Contains(target, "#"):
		p.errorAt(at, "include", "the link "+quote(target)+" names a section of another file", "include the whole file, or put the section into a file of its own")
	case strings.Contains(target, "://") || strings.HasPrefix(target, "/") || strings.ContainsAny(target, "\\\x00") || !local(name):
		p.errorAt(at, "include-outside", "the include "+quote(target)+" leads out of the runbook's directory", "use a relative path to a file in the runbook's directory or below")
	case target == "" || strings.HasSuffix(target, "/"):
		p.errorAt(at, "include", "the link names no file", "write [Title](part.md)")
	default:
		return name, true
	}
	return "", false
}

func local(name string) bool {
	return name != ".." && !strings.HasPrefix(name, "../") && !path.IsAbs(name)
}

// source returns the text of an included file, which is opened once.
func (p *parser) source(name string, at int) ([]byte, bool) {
	src, read := p.files[name]
	if !read {
		var err error
		if p.open == nil {
			p.errorAt(at, "include-unread", "the file "+quote(name)+" can't be read: includes aren't possible here", "give the runbook as a file in a directory")
		} else if src, err = p.open(name); err != nil {
			p.errorAt(at, "include-unread", "the file "+quote(name)+" can't be read: "+quoteError(err), "correct the link, or create the file")
			src = nil
		} else {
			src = append([]byte{}, src...) // never nil
			p.book.Sources = append(p.book.Sources, Source{Name: name, Text: src})
		}
		p.files[name] = src
	} else if src == nil {
		p.errorAt(at, "include-unread", "the file "+quote(name)+" can't be read", "correct the link, or create the file")
	}
	if p.bytes += len(src); p.bytes > 4*MaxSource {
		p.tooMany = true
		p.errorAt(at, "too-large", fmt.Sprintf("the included files have more than %d bytes together, each time counted", 4*MaxSource), "include less")
		return nil, false
	}
	return src, src != nil
}

// quoteError is an error's text in one line, without quotes.
func quoteError(err error) string { return strings.Trim(quote(err.Error()), `"`) }

// with gives a part its values: those written, those of the same name around it,
// defaults.
func (p *parser) with(part *Part, h *header, inner *scope, at int, m marks, ctx context) {
	seen := p.sight(ctx.scope, ctx.on)
	inner.values, inner.secrets = maps.Clone(h.values), maps.Clone(h.secrets)
	for _, key := range slices.Sorted(maps.Keys(m.values)) {
		name, ok := strings.CutPrefix(key, "with.")
		if !ok {
			continue
		}
		pair := m.values[key]
		if !slices.ContainsFunc(part.Params, func(param Param) bool { return param.Name == name }) {
			p.errorAt(pair.At, "unknown-name", "the part declares no parameter "+quote(name), meantOr(name, paramNames(part.Params), "add [params."+name+"] to it, or leave the value out"))
			continue
		}
		if part.With == nil {
			part.With = map[string]string{}
		}
		part.With[name] = pair.Value
		p.withNames(pair.Value, name, inner, seen, bounded{p, pair.ValueAt})
	}
	for _, param := range part.Params {
		_, written := part.With[param.Name]
		_, around := seen.types[param.Name]
		switch {
		case written:
		case around:
			if seen.secret[param.Name] {
				inner.secrets[param.Name] = true
			}
		case param.Required && h.asked[param.Name] == nil:
			p.errorAt(at, "part-value", "the part needs a value for "+quote(param.Name), "write with."+param.Name+`="…", or declare a parameter of that name`)
		}
	}
}

// withNames checks the template of a part's value. A secret may be handed on
// whole.
func (p *parser) withNames(text, name string, inner *scope, seen *sight, at places) {
	for _, m := range template.FindAllStringSubmatchIndex(text, -1) {
		content := strings.TrimSpace(text[m[2]:m[3]])
		if p.named(content, seen, at.at(m[0])) && p.secretly(content, seen) {
			inner.secrets[name] = true
		}
	}
}

func paramNames(params []Param) []string {
	var names []string
	for _, param := range params {
		names = append(names, param.Name)
	}
	return names
}

// includeSection includes a section of the same file. It sees the names around
// it; with.NAME gives a parameter of the runbook another value in it.
func (p *parser) includeSection(s *Section, id string, o *outline, m marks, ctx context) {
	stack, ok := p.nested(path.Base(p.file)+"#"+id, o.at)
	if !ok {
		return
	}
	section := p.find(id)
	if section == nil {
		p.errorAt(o.at, "include", "this file has no section "+quote("#"+id), meantOr(id, p.sectionIDs(), "give the section the id {#"+slug(id)+"}"))
		return
	}
	if section.at <= o.at && o.at < section.end() {
		p.errorAt(o.at, "include-cycle", "the section "+quote("#"+id)+" includes itself", "take the include out of it")
		return
	}
	inner := newScope(ctx.scope)
	inner.part, inner.own, inner.nodes = true, true, section.nodes
	s.Part = &Part{Own: true}
	h := newHeader()
	for _, param := range p.head.params {
		if _, ok := m.values["with."+param.Name]; ok {
			h.params, h.values[param.Name] = append(h.params, param), paramTypes[param.Type]
			if param.Secret {
				h.secrets[param.Name] = true
			}
		}
	}
	s.Part.Params = h.params
	p.with(s.Part, h, inner, o.at, m, ctx)
	ctx.scope, ctx.deeper = inner, s.Level
	before := p.stack
	p.stack = stack
	p.fill(s, section.nodes, ctx)
	p.stack = before
	p.done(s, inner)
}

// find returns the first section of the file with an id.
func (p *parser) find(id string) *outline {
	var found *outline
	p.eachSection(func(o *outline, its string) {
		if found == nil && its == id {
			found = o
		}
	})
	return found
}

func (p *parser) sectionIDs() []string {
	var ids []string
	p.eachSection(func(_ *outline, id string) { ids = append(ids, id) })
	return ids
}

func (p *parser) eachSection(f func(o *outline, id string)) {
	var walk func(nodes []*outline)
	walk = func(nodes []*outline) {
		for _, o := range nodes {
			if o.kind != headingNode {
				continue
			}
			id := slug(plainText(o.title))
			if o.group != nil && len(o.group.IDs) > 0 {
				id = o.group.IDs[0].Text
			}
			f(o, id)
			walk(o.nodes)
		}
	}
	walk(p.doc.nodes)
}

// end is an offset behind the last thing in an outline.
func (o *outline) end() int {
	end := o.at + 1
	for _, n := range o.nodes {
		end = max(end, n.end())
	}
	return end
}

// withoutInclude refuses with.NAME where nothing is included.
func (p *parser) withoutInclude(m marks) {
	for key, pair := range m.values {
		if strings.HasPrefix(key, "with.") {
			p.errorAt(pair.At, "misplaced", key+" stands without .include", "add .include, or remove it")
		}
	}
}
