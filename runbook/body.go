package runbook

import (
	"regexp"
	"strings"
)

// inside finds places in a fence's body.
type inside struct {
	p *parser
	b *block
}

func (in inside) at(offset int) Pos { return in.p.pos(in.p.inBody(in.b, offset)) }

// body checks what stands in a fence besides the language it is written in: its
// form's own lines, and the values in it.
func (p *parser) body(b *block, f *Fence, seen *sight) {
	at := inside{p, b}
	switch {
	case f.Form == Script && f.Language == nil:
		p.bracesInCommand(b, seen)
		return
	case f.Form == Script && f.Language.Literal == "":
		p.bracesWithoutLiteral(b, f, seen)
		return
	case f.Form == HTTP:
		p.request(b, at)
	case f.Form == TCP:
		p.ports(b, at)
	case f.Form == Copy:
		p.copying(b, at)
	}
	for _, m := range template.FindAllStringSubmatchIndex(b.body, -1) {
		content := strings.TrimSpace(b.body[m[2]:m[3]])
		name, filter, filtered := strings.Cut(content, "|")
		name = strings.TrimSpace(name)
		place := at.at(m[0])
		switch {
		case filtered && (f.Form != SQL || strings.TrimSpace(filter) != "ident"):
			p.report(place, Error, "template", "{{"+content+"}} has a filter that isn't known here", "write {{name}}; in sql also {{name|ident}} for a table or column")
			continue
		case !p.named(name, seen, place) || !p.secretly(name, seen):
			continue
		}
		if f.Language == nil {
			p.report(place, Error, "secret-in-body", "the secret {{"+name+"}} stands in a "+formName(f.Form)+" fence, whose text is shown and journaled",
				"secrets go into the fields of a connection, or into a language of [languages]")
		}
	}
}

func formName(form Form) string {
	for name, f := range forms {
		if f == form {
			return name
		}
	}
	return "script"
}

// bracesInCommand refuses {{name}} of a declared value in what would run: values
// never become code.
func (p *parser) bracesInCommand(b *block, seen *sight) {
	if !p.book.Annotated || !strings.Contains(b.body, "{{") {
		return
	}
	for _, m := range template.FindAllStringSubmatchIndex(b.body, -1) {
		name := strings.TrimSpace(b.body[m[2]:m[3]])
		head, field, dotted := strings.Cut(name, ".")
		part := seen.parts[strings.ReplaceAll(head, "-", "_")]
		_, known := seen.types[head]
		if part == nil && (!known || dotted && head != "on") && name != "host" && name != "sample" {
			continue
		}
		variable := "$" + name
		switch _, own := everywhere[name]; {
		case own || name == "sample":
			variable = "$STEPGATE_" + strings.ToUpper(name)
		case dotted:
			variable = "$" + strings.ReplaceAll(head, "-", "_") + "_" + field
		}
		p.errorAt(p.inBody(b, m[0]), "value-in-command", "{{"+name+"}} in a command: values never become code", `write "`+variable+`"`)
	}
}

// bracesWithoutLiteral refuses values in a language that has no literals.
func (p *parser) bracesWithoutLiteral(b *block, f *Fence, seen *sight) {
	for _, m := range template.FindAllStringSubmatchIndex(b.body, -1) {
		name := strings.TrimSpace(b.body[m[2]:m[3]])
		if _, known := seen.types[name]; known || name == "host" || name == "sample" {
			p.errorAt(p.inBody(b, m[0]), "value-in-command", "{{"+name+"}} in a fence of "+f.Lang+", which doesn't say how a value is written",
				`add literal = "sql", "c" or "json" to [languages.`+f.Lang+`], or use $`+name+" in its run line")
		}
	}
}

// claimed reports whether the fence leaves its output on a host.
func (b *block) claimed() bool { return b.command() || b.rollback && !b.check }

func wordByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

var (
	requestLine = regexp.MustCompile(`^([A-Z]+) +(\S+)( +HTTP/[0-9.]+)?$`)
	headerLine  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+:")
	portLine    = regexp.MustCompile(`^(closed +)?(\S+:([0-9]+|\{\{[^{}]+\}\})|\{\{[^{}]+\}\})$`)
)

// request checks the form of an http fence: a request line, headers, a blank
// line, the body.
func (p *parser) request(b *block, at places) {
	offset, first := 0, true
	for line := range strings.Lines(b.body) {
		text := strings.TrimRight(line, "\r\n")
		switch {
		case first && strings.TrimSpace(text) == "":
			p.report(at.at(offset), Error, "request", "the request begins with an empty line", "begin with METHOD URL, such as GET http://{{endpoint}}/status")
			return
		case first:
			p.requestLine(b, template.ReplaceAllString(text, "x"), text, at.at(offset))
		case strings.TrimSpace(text) == "":
			return
		case !headerLine.MatchString(template.ReplaceAllString(text, "x")):
			p.report(at.at(offset), Error, "request", quote(text)+" is no header", "write Name: value; the body follows an empty line")
		}
		first = false
		offset += len(line)
	}
}

func (p *parser) requestLine(b *block, plain, text string, at Pos) {
	m := requestLine.FindStringSubmatch(plain)
	switch {
	case m == nil:
		p.report(at, Error, "request", quote(text)+" is no request line", "write METHOD URL, such as GET http://{{endpoint}}/status")
	case !strings.HasPrefix(m[2], "http://") && !strings.HasPrefix(m[2], "https://") && !strings.HasPrefix(strings.Fields(text)[1], "{{"):
		p.report(at, Error, "request", quote(m[2])+" is no http or https address", "write the whole address, such as http://{{endpoint}}/status")
	case b.monitor && m[1] != "GET" && m[1] != "HEAD":
		p.report(at, Error, "check-writes", "the request of a monitor only reads, and "+m[1]+" may change something", "use GET or HEAD; what writes is a command, such as curl in a {.monitor} of sh")
	case b.check && m[1] != "GET" && m[1] != "HEAD":
		p.report(at, Error, "check-writes", "a check only reads, and "+m[1]+" may change something", "use GET or HEAD, or remove .check")
	}
}

// ports checks the lines of a tcp fence.
func (p *parser) ports(b *block, at places) {
	p.eachLine(b, func(text string, offset int) {
		if !portLine.MatchString(template.ReplaceAllStringFunc(text, squeeze)) {
			p.report(at.at(offset), Error, "tcp", quote(text)+" is no address", "write host:port, or closed host:port, one a line; IPv6 in brackets")
		}
	})
}

// squeeze removes blanks in braces, so that they don't end a word.
func squeeze(s string) string { return strings.ReplaceAll(s, " ", "") }

// eachLine calls f for the lines that aren't empty, trimmed.
func (p *parser) eachLine(b *block, f func(text string, offset int)) {
	offset := 0
	for line := range strings.Lines(b.body) {
		if text := strings.TrimSpace(line); text != "" {
			f(text, offset+len(line)-len(strings.TrimLeft(line, " \t")))
		}
		offset += len(line)
	}
}
