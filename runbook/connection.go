package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"stepgate/checks"
	"stepgate/runbook/attrs"
	"stepgate/runbook/conf"
)

var (
	drivers  = []string{"mysql", "postgres", "sqlite"}
	literals = []string{"sql", "c", "json"}
	langForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]*$`)
)

// languages are commands that another program reads.
func (f matter) languages(e conf.Entry) {
	p := f.p
	for _, one := range f.table(e) {
		_, taken := languages[one.Key]
		if _, form := forms[one.Key]; taken || form || one.Key == "expect" || one.Key == "capture" || !langForm.MatchString(one.Key) {
			f.errorAt(one.At, "value", "a language can't be called "+quote(one.Key), "choose a name that no fence has yet: letters, digits, + - and _")
			continue
		}
		l := &Language{Pos: f.pos(one.At), Name: one.Key}
		f.each(f.table(one), "[languages."+one.Key+"]", map[string]func(conf.Entry){
			"run": func(e conf.Entry) { l.Run = f.str(e) },
			"literal": func(e conf.Entry) {
				if l.Literal = f.str(e); !slices.Contains(literals, l.Literal) {
					f.errorAt(e.At, "value", "literal is "+quote(l.Literal), meant(l.Literal, literals))
				}
			},
		})
		if strings.TrimSpace(l.Run) == "" {
			f.errorAt(one.At, "value", "[languages."+one.Key+"] doesn't say what runs it", `add run = 'PROGRAM "$STEPGATE_BODY"'`)
		}
		before := p.book.Languages[l.Name]
		if p.define("the language "+l.Name, l.Pos, before != nil && before.Run == l.Run && before.Literal == l.Literal) {
			p.book.Languages[l.Name] = l
		}
	}
}

// connections are the databases of sql fences.
func (f matter) connections(e conf.Entry) {
	for _, one := range f.table(e) {
		if !hostForm.MatchString(one.Key) {
			f.errorAt(one.At, "value", "a connection can't be called "+quote(one.Key), "use letters, digits, . _ and -")
			continue
		}
		c := &Connection{Pos: f.pos(one.At), Name: one.Key}
		places := map[string]Pos{}
		text := func(into *string) func(conf.Entry) {
			return func(e conf.Entry) { *into, places[e.Key] = f.text(e), f.pos(e.At) }
		}
		var pick *conf.Entry
		f.each(f.table(one), "[connections."+one.Key+"]", map[string]func(conf.Entry){
			"driver": text(&c.Driver), "host": text(&c.Host), "port": text(&c.Port), "user": text(&c.User), "password": text(&c.Password),
			"database": text(&c.Database), "tls": f.tls(c, places), "via": text(&c.Via), "hosts": text(&c.Hosts), "help": func(e conf.Entry) { c.Help = f.str(e) },
			"pick": func(e conf.Entry) { pick = &e },
		})
		f.connection(one, c, pick, places)
	}
}

// tls is true or the name of a file, or a way to do without.
func (f matter) tls(c *Connection, places map[string]Pos) func(conf.Entry) {
	return func(e conf.Entry) {
		places["tls"] = f.pos(e.At)
		switch v := e.Value.(type) {
		case bool:
			if v {
				c.TLS = "true"
			}
		default:
			c.TLS = f.str(e)
		}
	}
}

func (f matter) connection(e conf.Entry, c *Connection, pick *conf.Entry, at map[string]Pos) {
	p := f.p
	switch {
	case c.Driver == "" && len(at) > 0:
		f.errorAt(e.At, "value", "the connection "+quote(c.Name)+" has no driver", "add driver = \"mysql\", \"postgres\" or \"sqlite\"; a part that only needs it writes a help and nothing else")
	case c.Driver != "" && !slices.Contains(drivers, c.Driver):
		p.report(at["driver"], Error, "value", "unknown driver "+quote(c.Driver), meant(c.Driver, drivers))
	case c.Driver == "sqlite" && c.Database == "":
		f.errorAt(e.At, "value", "the sqlite connection "+quote(c.Name)+" names no file", `add database = "/path/of/file.db"`)
	case c.Driver == "sqlite" && (c.Host != "" || c.Port != "" || c.Via != "" || c.Hosts != ""):
		f.errorAt(e.At, "value", "a sqlite connection opens a file on this machine", "remove host, port, via and hosts")
	case c.Driver != "" && c.Driver != "sqlite" && c.Host == "":
		f.errorAt(e.At, "value", "the connection "+quote(c.Name)+" names no host", `add host = "127.0.0.1", or host = "{{it.ip}}" with hosts = "GROUP"`)
	case pick != nil && c.Hosts == "":
		f.errorAt(pick.At, "value", "pick without hosts: there is nothing to choose from", `add hosts = "GROUP"`)
	}
	before := p.book.Connections[c.Name]
	what := "the connection " + c.Name
	switch {
	case c.Driver == "":
		if before == nil {
			p.book.Connections[c.Name] = c
		}
		return
	case before != nil && before.Driver == "": // needed by a part, defined here
		help := before.Help
		*before = *c
		if before.Help == "" {
			before.Help = help
		}
		c = before
		p.defined[what] = c.Pos
	case !p.define(what, c.Pos, before != nil && sameConnection(before, c)):
		return
	default:
		p.book.Connections[c.Name] = c
	}
	p.connect = append(p.connect, connecting{f, c, pick, at, p.head})
}

func sameConnection(a, b *Connection) bool {
	x, y := *a, *b
	x.Pos, y.Pos, x.Pick, y.Pick, x.Help, y.Help = Pos{}, Pos{}, nil, nil, "", ""
	return x == y
}

// connecting is a connection whose names are looked at when all of them are
// known: it is opened at its first use.
type connecting struct {
	f    matter
	c    *Connection
	pick *conf.Entry
	at   map[string]Pos
	head *header
}

// finishConnections checks the names that connections use, and compiles their picks.
func (p *parser) finishConnections() {
	for _, one := range p.connect {
		seen := newSight()
		for name, t := range p.names.ever {
			seen.add(name, t, false, "")
		}
		for name := range one.head.values {
			seen.add(name, one.head.values[name], one.head.secrets[name], "")
		}
		one.names(p, seen)
	}
	for _, name := range keys(p.book.Connections) {
		c := p.book.Connections[name]
		reported := slices.ContainsFunc(p.diags, func(d Diagnostic) bool { return d.Pos == c.Pos })
		if c.Driver == "" && !reported {
			p.report(c.Pos, Error, "unknown-connection", "the connection "+quote(name)+" is needed and nobody defines it",
				"define [connections."+name+"] with its driver in the runbook that includes this file")
		}
	}
}

func (one connecting) names(p *parser, seen *sight) {
	c := one.c
	if c.Hosts != "" {
		seen.add("it", checks.Any, false, "")
		if p.names.groups[c.Hosts] == nil {
			p.report(one.at["hosts"], Error, "unknown-group", "the front matter has no group "+quote(c.Hosts), p.groupRemedy(c.Hosts, nil))
		}
	}
	fields := map[string]string{"host": c.Host, "port": c.Port, "user": c.User, "password": c.Password, "database": c.Database, "tls": c.TLS, "via": c.Via}
	for _, key := range []string{"host", "port", "user", "password", "database", "tls", "via"} {
		for _, m := range template.FindAllStringSubmatch(fields[key], -1) {
			name := strings.TrimSpace(m[1])
			if field, ok := strings.CutPrefix(name, "it."); ok && c.Hosts != "" {
				one.itsField(p, field, one.at[key])
				continue
			}
			p.named(name, seen, one.at[key])
		}
	}
	if one.pick == nil {
		return
	}
	e := compiled{seen: seen, src: one.f.str(*one.pick), at: fixed(one.f.pos(one.pick.At))}
	c.Pick = p.value("pick", e, func(names checks.Names) (*checks.Value, []checks.Problem) {
		return checks.CompileValue(e.src, names, checks.Bool)
	})
}

// itsField checks a variable of the host that is being tried.
func (one connecting) itsField(p *parser, field string, at Pos) {
	if g := p.names.groups[one.c.Hosts]; g != nil && field != "host" && !slices.Contains(g.Vars, field) {
		p.report(at, Error, "unknown-name", fmt.Sprintf("group %s has no variable %s", quote(g.Name), quote(field)),
			meantOr(field, append(slices.Clone(g.Vars), "host"), "add "+quote(field)+" to vars of [groups."+g.Name+"]"))
	}
}

// connection finds what an sql fence speaks to.
func (d *drafting) connection(b *block, f *Fence, m marks, ctx context) {
	p := d.p
	pair, ok := m.values["db"]
	switch {
	case f.Form != SQL:
	case !ok:
		p.errorAt(b.at, "unknown-connection", "the sql fence doesn't say which database it speaks to", "add db=NAME of a [connections.NAME], or mark it {.ignore} if it is documentation")
	case p.book.Connections[pair.Value] == nil:
		p.errorAt(pair.ValueAt, "unknown-connection", "the front matter has no connection "+quote(pair.Value),
			meantOr(pair.Value, keys(p.book.Connections), "add [connections."+pair.Value+"]"))
	default:
		f.Connection = p.book.Connections[pair.Value]
		p.connectionSees(f.Connection, pair, ctx)
	}
}

// connectionSees checks that what a connection's fields name has a value where
// it is used.
func (p *parser) connectionSees(c *Connection, pair attrs.Pair, ctx context) {
	seen := p.sight(ctx.scope, ctx.on)
	for _, field := range []string{c.Host, c.Port, c.User, c.Password, c.Database, c.TLS, c.Via} {
		for _, m := range template.FindAllStringSubmatch(field, -1) {
			name, _, _ := strings.Cut(strings.TrimSpace(m[1]), ".")
			_, known := seen.types[name]
			_, given := chain(ctx.scope)[0].values[name]
			if !known && !given && name != "host" && !(name == "it" && c.Hosts != "") && seen.parts[name] == nil {
				p.errorAt(pair.At, "unknown-name", "the connection "+quote(c.Name)+" needs {{"+name+"}}, which has no value here", "capture it in an earlier step, or take another connection")
			}
		}
	}
}
