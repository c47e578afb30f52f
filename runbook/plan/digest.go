package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"stepgate/runbook"
)

// The digest is taken over these, in the plan's order. Titles, prose, numbers
// and the texts of cautions are left out: they change nothing that runs. What
// isn't known yet stands in it as its expression or template; a secret by name.
type digestPlan struct {
	Values      []digestValue
	Groups      map[string][]string // when an expression asks for groups
	Parts       []digestPart        `json:",omitempty"`
	Walks       []digestWalk
	Cells       []digestCell
	Hosts       []digestHost
	Places      [][]string         `json:",omitempty"` // lists of several hosts, in the order met
	Connections []digestConnection `json:",omitempty"`
}

type digestValue struct {
	Name   string
	Type   runbook.ParamType
	Value  string
	Secret bool `json:",omitempty"`
}

type digestPart struct {
	Path   string
	Own    bool
	Params []digestParam
}

// digestParam is a value that is found later: what it may be, and where it comes
// from.
type digestParam struct {
	Name          string
	Type          runbook.ParamType
	Choices       []string
	Pattern       string
	Required      bool
	Secret        bool
	With, Default string
	Given, HasDef bool
}

type digestWalk struct {
	ID, OrderBy       string
	Hosts             []string
	Batch, Canary     int
	Soak              time.Duration
	MaxFailures       int
	Group, Name, List string
}

type digestCell struct {
	ID, Target, SSH                                string
	Kind                                           Kind
	Gated, Required, Irreversible, Idempotent      bool
	Always, PerHost                                bool
	Approvers                                      int
	Confirm, When                                  string
	Question                                       *digestParam
	Done, Before, Command, After, Monitors         []digestFence
	RollbackBefore, RollbackCommand, RollbackAfter []digestFence
}

type digestFence struct {
	Form                        runbook.Form
	Lang, Prefix, Body, On, Dir string
	Run, Literal                string // of a language
	Connection, Via, User, Pick string
	Parallel                    int
	Login, Secret, TTY, Direct  bool
	Background, Monitor, Reboot bool
	ID                          string
	Env                         [][2]string
	Places                      []string // at most one
	Several                     int      `json:",omitempty"` // else which of digestPlan.Places, from 1
	Timeout, Until, Every, Hold time.Duration
	Grace, Reconnect            time.Duration
	FailIf, Expect, Capture     string
}

type digestConnection struct {
	Name, Driver, Host, Port, User, Password, Database, TLS, Via, Hosts, Pick string
}

type digestHost struct {
	Name, SSH string
	Vars      map[string]string
}

// digester collects what the digest is taken over.
type digester struct {
	p           *Plan
	hosts       map[string]bool // used
	connections map[string]*runbook.Connection
	groups      bool // an expression asks for groups
	places      [][]string
	met         map[*string]int // list by its first element → its number in places, from 1
}

func (p *Plan) digest() string {
	d := &digester{p: p, hosts: map[string]bool{}, connections: map[string]*runbook.Connection{}, met: map[*string]int{}}
	var out digestPlan
	for _, v := range p.Values {
		switch {
		case p.Root.Scope.asked[v.Param.Name]: // only proposed
		case v.Set && v.Param.Secret:
			out.Values = append(out.Values, digestValue{Name: v.Param.Name, Type: v.Param.Type, Secret: true})
		case v.Set:
			out.Values = append(out.Values, digestValue{Name: v.Param.Name, Type: v.Param.Type, Value: v.Text})
		}
	}
	out.Parts = d.parts(p.Root)
	for _, w := range p.Walks {
		out.Walks = append(out.Walks, digestWalk{
			ID: w.ID, OrderBy: d.expr(w.Each.OrderBy), Hosts: w.Keys, Batch: w.Batch, Canary: w.Each.Canary, Soak: w.Each.Soak,
			MaxFailures: w.Each.MaxFailures, Group: w.Each.Group, Name: w.Each.Name, List: w.Each.List,
		})
	}
	for _, c := range p.Cells {
		out.Cells = append(out.Cells, d.cell(c))
	}
	for _, name := range slices.Sorted(maps.Keys(d.connections)) {
		out.Connections = append(out.Connections, d.connection(d.connections[name]))
	}
	out.Places = d.places
	if d.groups {
		out.Groups = p.Groups
		for _, hosts := range p.Groups {
			d.use(hosts...)
		}
	}
	for name := range d.hosts {
		if h, ok := p.Hosts[name]; ok {
			out.Hosts = append(out.Hosts, digestHost{h.Name, h.SSH, h.Vars})
		}
	}
	sort.Slice(out.Hosts, func(i, j int) bool { return out.Hosts[i].Name < out.Hosts[j].Name })
	b, err := json.Marshal(out)
	if err != nil {
		panic("plan digest: " + err.Error()) // plain strings and numbers only
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// several writes a list of several hosts once: a check on a large group stands in
// many cells. Lists are the plan's own, and don't change.
func (d *digester) several(hosts []string) ([]string, int) {
	if len(hosts) < 2 {
		d.use(hosts...)
		return hosts, 0
	}
	n := d.met[&hosts[0]]
	if n == 0 || !slices.Equal(d.places[n-1], hosts) {
		d.use(hosts...)
		d.places = append(d.places, hosts)
		n = len(d.places)
		d.met[&hosts[0]] = n
	}
	return nil, n
}

func (d *digester) use(hosts ...string) {
	for _, h := range hosts {
		d.hosts[h] = true
	}
}

// expr is an expression's text. One that asks for groups may look at hosts that
// no step runs on; which ones is known only when it is evaluated.
func (d *digester) expr(e *runbook.Expr) string {
	if e == nil {
		return ""
	}
	return d.text(e.Text)
}

func (d *digester) text(s string) string {
	d.groups = d.groups || strings.Contains(s, "hosts")
	return s
}

// parts are the included parts below a node, each once.
func (d *digester) parts(n Node) (out []digestPart) {
	switch n := n.(type) {
	case *Section:
		if n.Book.Part != nil {
			out = append(out, partOf(n.ID, n.Book.Part))
		}
		for _, c := range n.Children {
			out = append(out, d.parts(c)...)
		}
	case *Walk:
		for _, c := range n.Instances {
			out = append(out, d.parts(c)...)
		}
	case *Step:
	}
	return out
}

func partOf(path string, part *runbook.Part) digestPart {
	out := digestPart{Path: path, Own: part.Own}
	for _, p := range part.Params {
		dp := paramOf(p)
		dp.With, dp.Given = part.With[p.Name]
		if !dp.Given {
			dp.Default, dp.HasDef = p.Default, p.HasDef
		}
		out.Params = append(out.Params, dp)
	}
	return out
}

func paramOf(p runbook.Param) digestParam {
	return digestParam{Name: p.Name, Type: p.Type, Choices: p.Choices, Pattern: p.Pattern, Required: p.Required, Secret: p.Secret}
}

func (d *digester) cell(c *Cell) digestCell {
	s := c.Step.Book
	d.use(c.Target)
	for sc := c.Step.Scope; sc != nil; sc = sc.Up {
		d.use(sc.Host)
	}
	out := digestCell{
		ID: c.Step.ID, Target: c.Target, SSH: d.p.Hosts[c.Target].SSH, Kind: c.Step.Kind,
		Gated: c.Step.Gated, Required: s.Required, Irreversible: s.Irreversible, Idempotent: s.Idempotent, Always: s.Always,
		Approvers: s.Approvers, Confirm: s.Confirm, When: d.expr(s.When),
		Done: d.fences(c, s.Done), Before: d.fences(c, s.Before), After: d.fences(c, s.After), Monitors: d.fences(c, s.Monitors),
	}
	if s.Command != nil {
		out.Command = d.fences(c, []*runbook.Fence{s.Command})
	}
	if q := s.Question; q != nil {
		param := paramOf(q.Param)
		out.Question, out.PerHost = &param, q.PerHost
	}
	if rb := s.Rollback; rb != nil {
		out.RollbackBefore, out.RollbackAfter = d.fences(c, rb.Before), d.fences(c, rb.After)
		out.RollbackCommand = d.fences(c, []*runbook.Fence{rb.Command})
	}
	return out
}

func (d *digester) fences(c *Cell, fs []*runbook.Fence) (out []digestFence) {
	for _, f := range fs {
		places, several := d.several(d.p.Candidates(c, f))
		o := digestFence{
			Form: f.Form, Lang: f.Lang, Prefix: d.p.Prefix(f), Body: f.Body, On: f.On, Dir: f.Dir,
			Via: f.Via, User: f.User, Pick: d.expr(f.Pick), Parallel: f.Parallel,
			Login: f.Login, Secret: f.Secret, TTY: f.TTY, Direct: f.Direct, Background: f.Background, Monitor: f.Monitor, Reboot: f.Reboot, ID: f.ID,
			Places: places, Several: several, Timeout: f.Timeout, Until: f.Poll.Until, Every: f.Poll.Every, Hold: f.Poll.Hold,
			Grace: f.Grace, Reconnect: f.Reconnect,
			FailIf: d.expr(f.Poll.FailIf), Expect: d.text(f.ExpectText), Capture: d.text(f.CaptureText),
		}
		if l := f.Language; l != nil {
			o.Run, o.Literal = l.Run, l.Literal
		}
		for _, e := range f.Env {
			o.Env = append(o.Env, [2]string{e.Name, d.expr(e.Value)})
		}
		d.through(c, f.Via)
		for _, name := range d.p.ends(f, c.Step.Scope, c.Target) {
			d.through(c, name)
		}
		if f.Connection != nil {
			o.Connection = f.Connection.Name
			d.connections[f.Connection.Name] = f.Connection
			d.through(c, f.Connection.Via)
			hosts, _ := d.p.Group(f.Connection.Hosts, c.Step.Scope)
			d.use(hosts...)
		}
		out = append(out, o)
	}
	return out
}

// through marks the host that a way goes through as used.
func (d *digester) through(c *Cell, via string) {
	if via == "" {
		return
	}
	if name, known := Fill(via, d.p.Names(c.Step.Scope, c.Target, nil)); known {
		hosts, _ := d.p.On(name, c.Step.Scope)
		d.use(hosts...)
	}
}

func (d *digester) connection(c *runbook.Connection) digestConnection {
	return digestConnection{
		Name: c.Name, Driver: c.Driver, Host: c.Host, Port: c.Port, User: c.User, Password: c.Password,
		Database: c.Database, TLS: c.TLS, Via: c.Via, Hosts: c.Hosts, Pick: d.expr(c.Pick),
	}
}
