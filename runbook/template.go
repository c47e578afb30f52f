package runbook

import (
	"regexp"
	"slices"
	"strings"
)

var (
	template = regexp.MustCompile(`\{\{([^{}\n]*)\}\}`)
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// textNames are the names that {{…}} knows: those of expressions, and its own.
func (v *sight) textNames() []string {
	names := append(keys(v.types), "host")
	if v.sampled {
		names = append(names, "sample")
	}
	return names
}

// ownNames are the names of Stepgate's own values, which commands have as
// $STEPGATE_NAME.
var ownNames = []string{"run", "step", "host", "attempt", "sample"}

// templates checks every {{name}} of source text that is shown to people.
// Plain documents may mean anything by their braces.
func (p *parser) templates(spans []span, seen *sight) {
	if !p.book.Annotated {
		return
	}
	for _, s := range spans {
		at := s.start
		eachComment(string(p.src[s.start:s.stop]), func(text string, comment bool) {
			if !comment {
				p.templatesIn(text, seen, placer{p, at})
			}
			at += len(text)
		})
	}
}

// placer finds places in the file of offsets in a text that begins at start.
type placer struct {
	p     *parser
	start int
}

func (l placer) at(offset int) Pos { return l.p.pos(l.start + offset) }

// places finds places of offsets in a text.
type places interface{ at(offset int) Pos }

// fixed is the one place of a text whose parts have none of their own.
type fixed Pos

func (f fixed) at(int) Pos { return Pos(f) }

// templatesIn checks the names of a text that people read. Secrets never stand
// there.
func (p *parser) templatesIn(text string, seen *sight, at places) {
	for _, m := range template.FindAllStringSubmatchIndex(text, -1) {
		content := strings.TrimSpace(text[m[2]:m[3]])
		if strings.HasPrefix(content, ".") { // another tool's
			continue
		}
		if p.named(content, seen, at.at(m[0])) && p.secretly(content, seen) {
			p.report(at.at(m[0]), Error, "secret-in-text", "{{"+content+"}} is a secret, and this text is shown and kept",
				"leave it out; secrets go into the fields of a connection or into a check")
		}
	}
}

// named checks a name, or name.field, between braces; false: it was reported.
func (p *parser) named(content string, seen *sight, at Pos) bool {
	name, field, dotted := strings.Cut(content, ".")
	part := seen.parts[strings.ReplaceAll(name, "-", "_")]
	_, known := seen.types[name]
	switch {
	case part != nil && dotted:
		if _, ok := part.captures[field]; !ok && !part.captured(field) {
			p.report(at, Error, "unknown-name", "{{"+content+"}} has no value: the part "+quote(name)+" captures no "+quote(field),
				meant(field, part.capturedNames()))
			return false
		}
	case name == "each" && known && dotted:
		return p.eachField(field, at)
	case name == "on" && known && dotted:
		return p.machineField(field, seen, at)
	case known || name == "host":
	case name == "sample" && seen.sampled:
	case name == "sample":
		p.report(at, Error, "unknown-name", "{{sample}} has no value here: only the text of a monitor has it", "write {{sample}} in a {.monitor} fence")
		return false
	case strings.HasPrefix(name, "STEPGATE_") && slices.Contains(ownNames, strings.ToLower(name[len("STEPGATE_"):])):
		p.report(at, Error, "unknown-name", "{{"+name+"}} is a variable of commands", "write {{"+strings.ToLower(name[len("STEPGATE_"):])+"}}")
		return false
	case !nameForm.MatchString(name):
		p.report(at, Error, "template", "{{"+content+"}} is no name", "write {{name}} or {{name.field}}; there are no expressions in text")
		return false
	case name == "each":
		p.report(at, Error, "unknown-name", "{{"+content+"}} has no value outside a walk", "use it inside each=")
		return false
	default:
		p.report(at, Error, "unknown-name", "{{"+name+"}} has no value here", meant(name, seen.textNames()))
		return false
	}
	return true
}

var eachFields = []string{"index", "count", "last"}

func (p *parser) eachField(field string, at Pos) bool {
	if !slices.Contains(eachFields, field) {
		p.report(at, Error, "unknown-name", "each has no "+quote(field), meant(field, eachFields))
		return false
	}
	return true
}

// machineField checks a variable of the host that something runs on.
func (p *parser) machineField(field string, seen *sight, at Pos) bool {
	g := seen.machine
	if g == nil || field == "host" || slices.Contains(g.Vars, field) {
		return true
	}
	p.report(at, Error, "unknown-name", "group "+quote(g.Name)+" has no variable "+quote(field),
		meantOr(field, append(slices.Clone(g.Vars), "host"), "add "+quote(field)+" to vars of [groups."+g.Name+"]"))
	return false
}

func (p *parser) secretly(content string, seen *sight) bool {
	name, field, _ := strings.Cut(content, ".")
	if part := seen.parts[strings.ReplaceAll(name, "-", "_")]; part != nil {
		return part.secretCapture(field)
	}
	return seen.secret[name]
}
