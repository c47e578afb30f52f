package runbook

import (
	"fmt"
	"regexp"
	"strings"

	"stepgate/checks"
)

// naming knows which names have values, and where.
type naming struct {
	params map[string]checks.Type
	groups map[string]*Group
	// byHost are captures of steps on a group, outside any walk: they belong to
	// its hosts.
	byHost  map[string]map[string]captured
	total   int
	version int // grows with every name
	cache   map[visibility]checks.Names
}

type visibility struct {
	scope   *scope
	on      string
	version int
}

// captured is a name that a step gives a value.
type captured struct {
	typ checks.Type
	at  int
}

// scope is the run, or one walk over a group: captures made inside are each
// instance's own.
type scope struct {
	parent   *scope
	group    string // "" for the run
	captures map[string]captured
}

func (s *scope) inner(group string) *scope {
	return &scope{parent: s, group: group, captures: map[string]captured{}}
}

// walks reports whether s stands inside a walk.
func (s *scope) walks() bool {
	for ; s != nil; s = s.parent {
		if s.group != "" {
			return true
		}
	}
	return false
}

// everywhere are names that always have a value.
var everywhere = checks.Names{"run": checks.String, "step": checks.String, "attempt": checks.Int}

// visible returns the names that have values for a fence in ctx that runs on on.
func (p *parser) visible(s *scope, on string) checks.Names {
	key := visibility{s, on, p.names.version}
	if names, ok := p.names.cache[key]; ok {
		return names
	}
	names := checks.Names{}
	add := func(from checks.Names) {
		for name, typ := range from {
			names[name] = typ
		}
	}
	add(everywhere)
	add(p.names.params)
	if !s.walks() {
		p.hostNames(on, names)
	}
	p.scopeNames(s, names)
	if len(p.names.cache) > 64 {
		clear(p.names.cache)
	}
	p.names.cache[key] = names
	return names
}

// scopeNames adds what the scopes around hold, the outermost first.
func (p *parser) scopeNames(s *scope, names checks.Names) {
	if s == nil {
		return
	}
	p.scopeNames(s.parent, names)
	if s.group != "" {
		p.hostNames(s.group, names)
	}
	for name, c := range s.captures {
		names[name] = c.typ
	}
}

// hostNames adds the variables and captures of a group's hosts.
func (p *parser) hostNames(group string, names checks.Names) {
	if g := p.names.groups[group]; g != nil {
		for _, name := range g.Vars {
			names[name] = checks.String
		}
	}
	for name, c := range p.names.byHost[group] {
		names[name] = c.typ
	}
}

// declare records a capture and reports a name that is taken.
func (p *parser) declare(s *scope, on, name string, typ checks.Type, at int) {
	if why, bad := checks.Reserved(name); bad {
		p.errorAt(at, "reserved", "the capture can't be called "+quote(name)+": "+why, "choose another name")
		return
	}
	if _, ok := p.names.params[name]; ok {
		p.errorAt(at, "name-taken", quote(name)+" is a parameter already", "choose another name for the capture")
		return
	}
	if p.names.total++; p.names.total > maxNames {
		p.tooMany = true
		return
	}
	into := s.captures
	if g := p.names.groups[on]; g != nil && !s.walks() && g.Max != 1 {
		if p.names.byHost[on] == nil {
			p.names.byHost[on] = map[string]captured{}
		}
		into = p.names.byHost[on]
	}
	if first, ok := into[name]; ok {
		p.errorAt(at, "captured-twice", fmt.Sprintf("%s is captured on line %d already", quote(name), p.pos(first.at).Line), "choose another name")
		return
	}
	into[name] = captured{typ, at}
	p.names.version++
}

var (
	template = regexp.MustCompile(`\{\{([^{}\n]*)\}\}`)
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// textNames are names that {{…}} knows besides those of expressions.
var textNames = []string{"host", "sample"}

// templates checks every {{name}} of source text that is shown to people.
// Plain documents may mean anything by their braces.
func (p *parser) templates(spans []span, names checks.Names) {
	if !p.book.Annotated {
		return
	}
	for _, s := range spans {
		at := s.start
		eachComment(string(p.src[s.start:s.stop]), func(text string, comment bool) {
			if !comment {
				p.templatesIn(text, at, names)
			}
			at += len(text)
		})
	}
}

func (p *parser) templatesIn(text string, start int, names checks.Names) {
	for _, m := range template.FindAllStringSubmatchIndex(text, -1) {
		content := strings.TrimSpace(text[m[2]:m[3]])
		name, _, _ := strings.Cut(content, ".")
		_, known := names[name]
		switch {
		case name == "on" || name == "each":
			p.notYet(start+m[0], "{{"+content+"}}: names of the machine and of the walk")
		case known || name == "host" || name == "sample" || strings.HasPrefix(content, "."):
		case !nameForm.MatchString(name):
			p.errorAt(start+m[0], "template", "{{"+content+"}} is no name", "write {{name}} or {{name.field}}; there are no expressions in text")
		default:
			p.errorAt(start+m[0], "unknown-name", "{{"+name+"}} has no value here", meant(name, append(keys(names), textNames...)))
		}
	}
}

// bracesInCommand refuses {{name}} of a declared value in what would run: values
// never become code.
func (p *parser) bracesInCommand(b *block, names checks.Names) {
	if !p.book.Annotated {
		return
	}
	for _, m := range template.FindAllStringSubmatchIndex(b.body, -1) {
		name := strings.TrimSpace(b.body[m[2]:m[3]])
		if _, known := names[name]; !known && name != "host" {
			continue
		}
		variable := "$" + name
		if _, own := everywhere[name]; own {
			variable = "$STEPGATE_" + strings.ToUpper(name)
		}
		p.errorAt(p.inBody(b, m[0]), "value-in-command", "{{"+name+"}} in a command: values never become code", `write "`+variable+`"`)
	}
}
