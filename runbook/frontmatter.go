package runbook

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"stepgate/checks"
	"stepgate/runbook/conf"
	"stepgate/runbook/text"
)

// frontMatter reads what stands before the document and returns the offset at
// which the document begins.
func (p *parser) frontMatter() int {
	switch first := string(bytes.TrimRight(p.src[:p.lineEnd(0)], " \t")); first {
	case "+++":
		if p.book.Annotated = p.book.Annotated || !p.part; !p.book.Annotated {
			p.errorAt(0, "front-matter", "a part with front matter in a document without", "begin "+quote(p.book.File)+" with front matter too: +++ and +++")
		}
		start, stop, after, ok := p.enclosed("+++")
		if !ok {
			p.errorAt(0, "front-matter", "the front matter is never closed", "close it with a line +++")
			return len(p.src)
		}
		p.tomlMatter(start, stop)
		return after
	case "---":
		start, stop, after, ok := p.enclosed("---")
		if !ok {
			return 0 // a rule
		}
		p.yamlMatter(start, stop)
		return after
	}
	return 0
}

// enclosed finds the line that closes the front matter.
func (p *parser) enclosed(mark string) (start, stop, after int, ok bool) {
	if len(p.lines) < 2 {
		return 0, 0, 0, false
	}
	start = p.lines[1]
	for _, at := range p.lines[1:] {
		end := p.lineEnd(at)
		if strings.TrimRight(string(p.src[at:end]), " \t") == mark {
			return start, at, min(end+1, len(p.src)), true
		}
	}
	return 0, 0, 0, false
}

var yamlTitle = regexp.MustCompile(`(?m)^title:[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\n#]*))`)

// yamlMatter skips the front matter of another tool; only its title is used.
func (p *parser) yamlMatter(start, stop int) {
	p.report(p.pos(0), Notice, "yaml-front-matter", "the YAML front matter is skipped; only its title is used", "front matter for Stepgate is TOML between lines of +++")
	if m := yamlTitle.FindSubmatch(p.src[start:stop]); m != nil {
		p.head.title = strings.TrimSpace(string(bytes.Join(m[1:], nil)))
	}
}

// matter reads one table of the front matter.
type matter struct {
	p    *parser
	line int // lines before the TOML
}

func (f matter) errorAt(at conf.Place, rule, what, remedy string) {
	f.p.report(f.pos(at), Error, rule, what, remedy)
}

func (f matter) pos(at conf.Place) Pos { return Pos{f.p.file, at.Line + f.line, at.Col} }

func (p *parser) tomlMatter(start, stop int) {
	f := matter{p, p.line(start)}
	table, problem := conf.Read(string(p.src[start:stop]))
	if problem != nil {
		f.errorAt(problem.At, "front-matter", "the front matter is not TOML: "+problem.Text, "see the TOML line named here")
		return
	}
	h := p.head
	known := map[string]func(conf.Entry){
		"title":       func(e conf.Entry) { h.title = f.str(e) },
		"summary":     func(e conf.Entry) { h.summary = f.str(e) },
		"confirm":     func(e conf.Entry) { h.confirm = f.str(e) },
		"prelude":     f.prelude,
		"params":      f.params,
		"groups":      f.groups,
		"defaults":    f.defaults,
		"languages":   f.languages,
		"connections": f.connections,
		"tools":       f.tools,
	}
	f.each(table, "the front matter", known)
}

// each hands every entry to its reader and refuses the rest.
func (f matter) each(t conf.Table, where string, known map[string]func(conf.Entry)) {
	for _, e := range t {
		if read := known[e.Key]; read != nil {
			read(e)
			continue
		}
		f.errorAt(e.At, "unknown-key", where+" has no key "+quote(e.Key), meant(e.Key, keys(known)))
	}
}

func (f matter) wrong(e conf.Entry, want string) {
	f.errorAt(e.At, "value", e.Key+" is not "+want, "write "+want)
}

func (f matter) str(e conf.Entry) string {
	s, ok := e.Value.(string)
	if !ok {
		f.wrong(e, "a text in quotes")
	}
	f.visible(e, s)
	return s
}

// visible refuses characters that nobody sees in what is typed or exported.
func (f matter) visible(e conf.Entry, s string) {
	if i, r := text.FindHidden(s); i >= 0 {
		f.errorAt(e.At, "invisible", "invisible character "+text.Token(r)+" in "+e.Key, "remove it")
	}
}

// text reads a value that is kept as text, however it was written.
func (f matter) text(e conf.Entry) string {
	switch v := e.Value.(type) {
	case string:
		f.visible(e, v)
		return v
	case int64, float64, bool:
		return fmt.Sprint(v)
	}
	f.wrong(e, "a text, a number, true or false")
	return ""
}

func (f matter) strings(e conf.Entry) []string {
	list, ok := e.Value.([]any)
	if !ok {
		f.wrong(e, "a list of texts")
		return nil
	}
	var out []string
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			f.wrong(e, "a list of texts")
			return nil
		}
		f.visible(e, s)
		out = append(out, s)
	}
	return out
}

func (f matter) table(e conf.Entry) conf.Table {
	t, ok := e.Value.(conf.Table)
	if !ok {
		f.wrong(e, "a table ["+e.Key+"]")
	}
	return t
}

func (f matter) count(e conf.Entry) int {
	n, ok := e.Value.(int64)
	if !ok || n < 0 || n > 1000 {
		f.wrong(e, "a number from 0 to 1000")
		return 0
	}
	return int(n)
}

func (f matter) prelude(e conf.Entry) {
	p := f.p
	for _, one := range f.table(e) {
		if _, ok := languages[one.Key]; !ok || languages[one.Key] != one.Key {
			f.errorAt(one.At, "unknown-key", "no interpreter "+quote(one.Key)+" for a prelude", meant(one.Key, interpreters()))
			continue
		}
		text := f.str(one)
		if p.define("the prelude of "+one.Key, f.pos(one.At), p.book.Prelude[one.Key] == text) {
			p.book.Prelude[one.Key] = text
		}
	}
}

// define notes where something of the whole runbook is defined, and reports
// another definition of it that isn't the same.
func (p *parser) define(what string, at Pos, same bool) bool {
	other, twice := p.defined[what]
	if !twice {
		p.defined[what] = at
		return true
	}
	if !same {
		p.conflict(at, what, other)
	}
	return false
}

func interpreters() []string {
	seen := map[string]bool{}
	for _, interpreter := range languages {
		seen[interpreter] = true
	}
	return keys(seen)
}

func (f matter) groups(e conf.Entry) {
	for _, one := range f.table(e) {
		g := Group{Pos: f.pos(one.At), Name: one.Key, Min: 1}
		if !hostForm.MatchString(one.Key) || one.Key == "local" {
			f.errorAt(one.At, "value", "a group can't be called "+quote(one.Key), "letters, digits, . _ and -; local is this machine")
			continue
		}
		f.each(f.table(one), "[groups."+one.Key+"]", map[string]func(conf.Entry){
			"help": func(e conf.Entry) { g.Help = f.str(e) },
			"vars": func(e conf.Entry) { g.Vars = f.vars(e) },
			"min":  func(e conf.Entry) { g.Min = f.count(e) },
			"max":  func(e conf.Entry) { g.Max = f.count(e) },
		})
		if g.Max > 0 && g.Min > g.Max {
			f.errorAt(one.At, "value", fmt.Sprintf("[groups.%s] wants at least %d hosts and at most %d", g.Name, g.Min, g.Max), "make max larger or min smaller")
		}
		f.p.addGroup(g)
	}
}

// addGroup takes what a file needs of a group together with what others need.
func (p *parser) addGroup(g Group) {
	for _, name := range g.Vars {
		p.known(name, checks.String)
	}
	p.names.version++
	before := p.names.groups[g.Name]
	if before == nil {
		p.book.Groups = append(p.book.Groups, g)
		p.names.groups[g.Name] = &g
		return
	}
	for _, name := range g.Vars {
		if !slices.Contains(before.Vars, name) {
			before.Vars = append(before.Vars, name)
		}
	}
	before.Min = max(before.Min, g.Min)
	if g.Max > 0 && (before.Max == 0 || g.Max < before.Max) {
		before.Max = g.Max
	}
	if before.Help == "" {
		before.Help = g.Help
	}
	if before.Max > 0 && before.Min > before.Max {
		p.conflict(g.Pos, "how many hosts the group "+g.Name+" has", before.Pos)
	}
	for i := range p.book.Groups {
		if p.book.Groups[i].Name == g.Name {
			p.book.Groups[i] = *before
		}
	}
}

// vars reads the names of host variables.
func (f matter) vars(e conf.Entry) []string {
	names := f.strings(e)
	for _, name := range names {
		if why, bad := checks.Reserved(name); bad {
			f.errorAt(e.At, "reserved", "a host variable can't be called "+quote(name)+": "+why, "choose another name")
		}
	}
	if f.p.names.total += len(names); f.p.names.total > maxNames {
		f.p.excess(f.pos(e.At), fmt.Sprintf("%d names", maxNames))
	}
	return names
}
