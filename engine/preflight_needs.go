package engine

import (
	"slices"

	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// need is what a plan needs of one host.
type need struct {
	acts   bool      // commands are sent there, whose attempts it has to keep
	runs   []account // who runs scripts there, and what reads them
	tools  []plan.Tool
	groups []string // of the inventory that it is in
}

// account is who runs scripts, and how.
type account struct {
	user   string // to be become; empty: the login
	login  bool   // by a login shell
	shells []string
}

// needsOf is what a plan needs of its hosts, and their names: this machine first, then
// in the order in which the plan comes to them.
func needsOf(p *plan.Plan) (map[string]*need, []string) {
	needs, order := map[string]*need{}, []string{}
	of := func(host string) *need {
		n := needs[host]
		if n == nil {
			n = &need{}
			needs[host] = n
			order = append(order, host)
		}
		return n
	}
	for _, c := range p.Cells {
		for _, f := range c.Fences() {
			for _, host := range p.Reaches(c, f) {
				of(host).fence(p, c, f, host)
			}
		}
	}
	for _, t := range p.Tools {
		for _, host := range t.Hosts {
			n := of(host)
			n.tools = append(n.tools, t)
		}
	}
	for group, hosts := range p.Groups {
		for _, host := range hosts {
			if n := needs[host]; n != nil {
				n.groups = append(n.groups, group)
			}
		}
	}
	if i := slices.Index(order, plan.Local); i > 0 {
		order = slices.Insert(slices.Delete(order, i, i+1), 0, plan.Local)
	}
	return needs, order
}

// fence adds what a fence needs of a host that it reaches.
func (n *need) fence(p *plan.Plan, c *plan.Cell, f *runbook.Fence, host string) {
	if f.Form != runbook.Script {
		return
	}
	s := c.Step.Book
	if f == s.Command || s.Rollback != nil && f == s.Rollback.Command {
		n.acts = true
	}
	shell := f.Lang
	if f.Language != nil {
		shell = "sh"
	}
	user, known := f.User, true
	if user != "" {
		user, known = plan.Fill(user, p.Names(c.Step.Scope, host, nil))
	}
	if !known || f.TTY { // captured by then; asked for on the terminal itself
		return
	}
	i := slices.IndexFunc(n.runs, func(a account) bool { return a.user == user && a.login == f.Login })
	if i < 0 {
		i = len(n.runs)
		n.runs = append(n.runs, account{user: user, login: f.Login})
	}
	if a := &n.runs[i]; !slices.Contains(a.shells, shell) {
		a.shells = append(a.shells, shell)
	}
}
