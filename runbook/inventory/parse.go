package inventory

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/conf"
	"stepgate/runbook/text"
)

// Limits of an inventory.
const (
	MaxSource = 5 << 20 // bytes
	MaxHosts  = 1000
	maxGroups = 1000
)

// Parse reads an inventory in TOML, or in Ansible's INI form. file names it in diagnostics. All findings
// are reported, in the order of the file; the Inventory is nil when any is an
// error.
func Parse(file string, src []byte) (*Inventory, []runbook.Diagnostic) {
	p := &parser{file: file, inv: &Inventory{}, hosts: map[string]runbook.Pos{}}
	p.parse(src)
	sort.SliceStable(p.diags, func(i, j int) bool {
		a, b := p.diags[i].Pos, p.diags[j].Pos
		return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
	})
	if runbook.Failed(p.diags) {
		return nil, p.diags
	}
	return p.inv, p.diags
}

type parser struct {
	file  string
	inv   *Inventory
	hosts map[string]runbook.Pos
	diags []runbook.Diagnostic
}

func (p *parser) errorAt(at conf.Place, rule, what, remedy string) {
	p.diags = append(p.diags, runbook.Diagnostic{
		Pos: p.pos(at), Severity: runbook.Error, Rule: rule, Text: what, Remedy: remedy,
	})
}

func (p *parser) pos(at conf.Place) runbook.Pos {
	return runbook.Pos{File: p.file, Line: at.Line, Col: at.Col}
}

func (p *parser) parse(src []byte) {
	if len(src) > MaxSource {
		p.errorAt(conf.Place{Line: 1, Col: 1}, "too-large", fmt.Sprintf("the inventory has %d bytes, more than %d", len(src), MaxSource), "leave out hosts that aren't needed")
		return
	}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if ext := path.Ext(p.file); ext == ".ini" || ext != ".toml" && looksINI(string(src)) {
		p.readINI(string(src))
		return
	}
	table, problem := conf.Read(string(src))
	if problem != nil {
		p.errorAt(problem.At, "inventory", "the inventory is not TOML: "+problem.Text, "see the TOML line named here")
		return
	}
	if hosts, ok := table.Get("hosts"); ok {
		p.readHosts(hosts)
	}
	if groups, ok := table.Get("groups"); ok {
		p.readGroups(groups)
	}
	if vars, ok := table.Get("vars"); ok {
		p.readVars(p.table(vars, "[vars]"))
	}
	for _, e := range table {
		if known := []string{"groups", "hosts", "vars"}; !slices.Contains(known, e.Key) {
			p.errorAt(e.At, "unknown-key", "an inventory has no key "+quote(e.Key), meant(e.Key, known))
		}
	}
}

// readVars reads values for parameters.
func (p *parser) readVars(entries []conf.Entry) {
	for _, e := range entries {
		if p.inv.Vars == nil {
			p.inv.Vars = map[string]string{}
		}
		p.variable("[vars]", p.inv.Vars, e)
	}
}

func quote(s string) string { return `"` + text.Line(text.Untrusted(s)) + `"` }

func meant(word string, known []string) string {
	if len(word) <= 64 {
		if did := checks.Did(word, known); did != "" {
			return "did you mean " + did + "?"
		}
	}
	if len(known) > 12 {
		return ""
	}
	return "known here: " + strings.Join(known, ", ")
}

// table returns the tables in e, or reports that it holds something else.
func (p *parser) table(e conf.Entry, example string) conf.Table {
	t, ok := e.Value.(conf.Table)
	if !ok {
		p.errorAt(e.At, "value", e.Key+" is not a table", "write "+example)
	}
	return t
}

var nameForm = regexp.MustCompile(`^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$`)

// name refuses names that a step's id or a command line could not carry.
func (p *parser) name(e conf.Entry, what string) bool {
	switch {
	case e.Key == "local":
		p.errorAt(e.At, "reserved", "a "+what+` can't be called "local"`, "local is this machine; choose another name")
	case !nameForm.MatchString(e.Key) || len(e.Key) > 200:
		p.errorAt(e.At, "value", "a "+what+" can't be called "+quote(e.Key), "use letters, digits, . _ and -")
	default:
		return true
	}
	return false
}

func (p *parser) readHosts(e conf.Entry) {
	for _, one := range p.table(e, `[hosts.NAME]`) {
		p.hosts[one.Key] = p.pos(one.At)
		if !p.name(one, "host") {
			continue
		}
		host := Host{Name: one.Key, Vars: map[string]string{}}
		for _, v := range p.table(one, `[hosts.`+one.Key+`]`) {
			if v.Key == "ssh" {
				host.SSH = p.destination(v)
				continue
			}
			p.variable("host "+quote(host.Name), host.Vars, v)
		}
		p.inv.Hosts = append(p.inv.Hosts, host)
	}
	if len(p.inv.Hosts) > MaxHosts {
		p.errorAt(e.At, "too-large", fmt.Sprintf("the inventory has %d hosts, more than %d", len(p.inv.Hosts), MaxHosts), "leave out hosts that aren't needed")
	}
}

// variable reads one value into vars, which are owner's.
func (p *parser) variable(owner string, vars map[string]string, v conf.Entry) {
	if why, bad := checks.Reserved(v.Key); bad {
		p.errorAt(v.At, "reserved", fmt.Sprintf("%s: a variable can't be called %s: %s", owner, quote(v.Key), why), "choose another name")
		return
	}
	switch value := v.Value.(type) {
	case string:
		if i, r := text.FindHidden(value); i >= 0 {
			p.errorAt(v.At, "invisible", fmt.Sprintf("%s: invisible character %s in %s", owner, text.Token(r), v.Key), "remove it")
			return
		}
		vars[v.Key] = value
	case int64, bool:
		vars[v.Key] = fmt.Sprint(value)
	case float64:
		vars[v.Key] = strconv.FormatFloat(value, 'f', -1, 64)
	default:
		p.errorAt(v.At, "value", fmt.Sprintf("%s: %s is not a text or a number", owner, v.Key), "a variable is one value")
	}
}

// destination checks the form of an SSH destination: [user@]address[:port].
func (p *parser) destination(e conf.Entry) string {
	const form = `write "user@address:port", "address", "[::1]:22", or a name that SSH's configuration knows`
	s, ok := e.Value.(string)
	if !ok {
		p.errorAt(e.At, "value", "ssh is not a text", form)
		return ""
	}
	if why := badDestination(s); why != "" {
		p.errorAt(e.At, "ssh", "the SSH destination "+quote(s)+" "+why, form)
	}
	return s
}

func badDestination(s string) string {
	user, address, hasUser := strings.Cut(s, "@")
	if !hasUser {
		user, address = "", s
	}
	if i, _ := text.FindHidden(s); i >= 0 || strings.ContainsAny(s, " \t\n\"'\\$`;&|<>()/") {
		return "holds a character that no destination has"
	}
	port := ""
	switch {
	case strings.HasPrefix(address, "["):
		inner, rest, closed := strings.Cut(address[1:], "]")
		if !closed || inner == "" || rest != "" && rest[0] != ':' {
			return "has brackets that don't hold an address"
		}
		address, port = inner, strings.TrimPrefix(rest, ":")
		if rest == ":" {
			return "has no port behind the colon"
		}
	case strings.Count(address, ":") == 1:
		address, port, _ = strings.Cut(address, ":")
		if port == "" {
			return "has no port behind the colon"
		}
	case strings.Count(address, ":") > 1:
		return "is an IPv6 address without brackets"
	}
	switch {
	case hasUser && user == "":
		return "has no user before the @"
	case address == "":
		return "has no address"
	case strings.HasPrefix(user, "-") || strings.HasPrefix(address, "-"):
		return "begins with -"
	case strings.Contains(address, "@"):
		return "has more than one @"
	}
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return "has the port " + quote(port) + ", which is not from 1 to 65535"
	}
	return ""
}

func (p *parser) readGroups(e conf.Entry) {
	for _, one := range p.table(e, `[groups.NAME]`) {
		if !p.name(one, "group") {
			continue
		}
		if at, taken := p.hosts[one.Key]; taken {
			p.errorAt(one.At, "both", fmt.Sprintf("%s is a group and, on line %d, a host", quote(one.Key), at.Line), "rename one of them: on= and each= could mean either")
		}
		g := Group{Name: one.Key}
		found := false
		for _, v := range p.table(one, `[groups.`+one.Key+`]`) {
			if v.Key != "hosts" {
				p.errorAt(v.At, "unknown-key", fmt.Sprintf("group %s has no key %s", quote(one.Key), quote(v.Key)), meant(v.Key, []string{"hosts"}))
				continue
			}
			found, g.Hosts = true, p.members(one.Key, v)
		}
		if !found {
			p.errorAt(one.At, "value", fmt.Sprintf("group %s has no hosts", quote(one.Key)), `add hosts = ["host-1"]`)
		}
		p.inv.Groups = append(p.inv.Groups, g)
	}
}

// members reads the hosts of a group.
func (p *parser) members(group string, e conf.Entry) []string {
	list, ok := e.Value.([]any)
	if !ok {
		p.errorAt(e.At, "value", fmt.Sprintf("group %s: hosts is not a list", quote(group)), `write hosts = ["host-1", "host-2"]`)
		return nil
	}
	var names, known []string
	for name := range p.hosts {
		known = append(known, name)
	}
	sort.Strings(known)
	seen := map[string]bool{}
	for _, v := range list {
		name, isText := v.(string)
		switch _, exists := p.hosts[name]; {
		case !isText:
			p.errorAt(e.At, "value", fmt.Sprintf("group %s: a host is not a text", quote(group)), `write hosts = ["host-1", "host-2"]`)
		case seen[name]:
			p.errorAt(e.At, "twice", fmt.Sprintf("group %s names the host %s twice", quote(group), quote(name)), "remove one of them")
		case !exists:
			remedy := meant(name, known)
			if !strings.HasPrefix(remedy, "did you mean") {
				remedy = "add [hosts." + name + "]"
			}
			p.errorAt(e.At, "unknown-host", fmt.Sprintf("group %s names the host %s, which the inventory doesn't have", quote(group), quote(name)), remedy)
		default:
			names = append(names, name)
		}
		seen[name] = true
	}
	return names
}
