package runbook

import (
	"regexp"
	"slices"
	"strings"

	"stepgate/checks"
	"stepgate/runbook/conf"
)

// Tool is a program that the runbook needs, of [tools].
type Tool struct {
	Pos     Pos
	Name    string
	On      string // group or host; empty: this machine
	Min     string // the least version; empty: any
	Version string // shell line that prints the version; empty: NAME --version
	Help    string
}

var toolForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)

// tools are the programs that must be there before the run begins.
func (f matter) tools(e conf.Entry) {
	p := f.p
	for _, one := range f.table(e) {
		if !toolForm.MatchString(one.Key) {
			f.errorAt(one.At, "value", "a tool can't be called "+quote(one.Key), "write the name of the program: letters, digits, . _ + and -")
			continue
		}
		t := &Tool{Pos: f.pos(one.At), Name: one.Key}
		f.each(f.table(one), "[tools."+one.Key+"]", map[string]func(conf.Entry){
			"on":      func(e conf.Entry) { t.On = f.toolPlace(e) },
			"min":     func(e conf.Entry) { t.Min = f.version(e) },
			"version": func(e conf.Entry) { t.Version = strings.TrimSpace(f.str(e)) },
			"help":    func(e conf.Entry) { t.Help = f.str(e) },
		})
		at := slices.IndexFunc(p.book.Tools, func(b *Tool) bool { return b.Name == t.Name })
		same := at >= 0 && sameTool(p.book.Tools[at], t)
		if p.define("the tool "+t.Name, t.Pos, same) {
			p.book.Tools = append(p.book.Tools, t)
		}
	}
}

func sameTool(a, b *Tool) bool {
	x, y := *a, *b
	x.Pos, y.Pos, x.Help, y.Help = Pos{}, Pos{}, "", ""
	return x == y
}

// toolPlace is a group or a host. What no group of the front matter is called may be
// a host of the inventory, unless it is almost the name of a group.
func (f matter) toolPlace(e conf.Entry) string {
	on := f.str(e)
	if on == "local" {
		return ""
	}
	if !hostForm.MatchString(on) {
		f.errorAt(e.At, "value", "on names "+quote(on)+", which is no group or host", "write the name of a group, of a host, or local")
		return ""
	}
	f.p.placed = append(f.p.placed, placed{on, f.pos(e.At)})
	return on
}

// placed is where the front matter names a group or a host, before all groups are
// known.
type placed struct {
	on string
	at Pos
}

func (p *parser) finishTools() {
	for _, one := range p.placed {
		if p.names.groups[one.on] != nil {
			continue
		}
		if did := near(one.on, p.groupNames(nil)); did != "" {
			p.report(one.at, Error, "unknown-group", "the front matter has no group "+quote(one.on), "did you mean "+did+"?")
		}
	}
}

// version reads the least version.
func (f matter) version(e conf.Entry) string {
	v := f.text(e)
	if _, err := checks.ParseVersion(v); v != "" && err != nil {
		f.errorAt(e.At, "value", "min is "+quote(v)+", which is no version", `write numbers between dots: min = "1.28"`)
		return ""
	}
	return v
}
