package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sort"
	"strings"

	"stepgate/runbook"
)

// The digest is taken over these, in the plan's order. Titles, prose, numbers
// and the texts of cautions are left out: they change nothing that runs.
type digestCell struct {
	ID, Target, SSH                                string
	Kind                                           Kind
	Gated, Required, Irreversible, Idempotent      bool
	Confirm, When                                  string
	Before, Command, After                         []digestFence
	RollbackBefore, RollbackCommand, RollbackAfter []digestFence
}

type digestFence struct {
	Lang, Prefix, Body, On, Dir string
	Places                      []string
	Timeout, Until, Every, Hold int64
	Expect, Capture             string
}

type digestPlan struct {
	Values []digestValue
	Groups map[string][]string // when an expression asks for groups
	Walks  []digestWalk
	Cells  []digestCell
	Hosts  []digestHost
}

type digestValue struct {
	Name  string
	Type  runbook.ParamType
	Value string
}

type digestWalk struct {
	ID, OrderBy string
	Hosts       []string
}

type digestHost struct {
	Name, SSH string
	Vars      map[string]string
}

func (p *Plan) digest() string {
	var d digestPlan
	for _, v := range p.Values {
		if v.Set {
			d.Values = append(d.Values, digestValue{v.Param.Name, v.Param.Type, v.Text})
		}
	}
	for _, w := range p.Walks {
		dw := digestWalk{ID: w.ID, Hosts: w.Keys}
		if w.Each.OrderBy != nil {
			dw.OrderBy = w.Each.OrderBy.Text
		}
		d.Walks = append(d.Walks, dw)
	}
	used := map[string]bool{}
	for _, c := range p.Cells {
		d.Cells = append(d.Cells, p.digestCell(c, used))
	}
	if d.asksForGroups() {
		d.Groups = p.Groups
		for _, hosts := range p.Groups {
			for _, h := range hosts {
				used[h] = true
			}
		}
	}
	for name := range used {
		if h, ok := p.Hosts[name]; ok {
			d.Hosts = append(d.Hosts, digestHost{h.Name, h.SSH, h.Vars})
		}
	}
	sort.Slice(d.Hosts, func(i, j int) bool { return d.Hosts[i].Name < d.Hosts[j].Name })
	b, err := json.Marshal(d)
	if err != nil {
		panic("plan digest: " + err.Error()) // plain strings and numbers only
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// asksForGroups reports whether an expression may look at hosts that no step
// runs on. Which ones is known only when it is evaluated.
func (d *digestPlan) asksForGroups() bool {
	asks := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "hosts") })
	}
	for _, w := range d.Walks {
		if asks(w.OrderBy) {
			return true
		}
	}
	for _, c := range d.Cells {
		for _, f := range slices.Concat(c.Before, c.Command, c.After, c.RollbackBefore, c.RollbackCommand, c.RollbackAfter) {
			if asks(f.Expect, f.Capture) {
				return true
			}
		}
		if asks(c.When) {
			return true
		}
	}
	return false
}

func (p *Plan) digestCell(c *Cell, used map[string]bool) digestCell {
	s := c.Step.Book
	used[c.Target] = true
	for sc := c.Step.Scope; sc != nil; sc = sc.Up {
		used[sc.Host] = true
	}
	fences := func(fs ...*runbook.Fence) (out []digestFence) {
		for _, f := range fs {
			if f == nil {
				continue
			}
			places := p.Places(c, f)
			for _, h := range places {
				used[h] = true
			}
			out = append(out, digestFence{
				Lang: f.Lang, Prefix: p.Prefix(f), Body: f.Body, On: f.On, Dir: f.Dir, Places: places,
				Timeout: int64(f.Timeout), Until: int64(f.Poll.Until), Every: int64(f.Poll.Every), Hold: int64(f.Poll.Hold),
				Expect: f.ExpectText, Capture: f.CaptureText,
			})
		}
		return out
	}
	d := digestCell{
		ID: c.Step.ID, Target: c.Target, SSH: p.Hosts[c.Target].SSH, Kind: c.Step.Kind,
		Gated: c.Step.Gated, Required: s.Required, Irreversible: s.Irreversible, Idempotent: s.Idempotent, Confirm: s.Confirm,
		Before: fences(s.Before...), Command: fences(s.Command), After: fences(s.After...),
	}
	if s.When != nil {
		d.When = s.When.Text
	}
	if rb := s.Rollback; rb != nil {
		d.RollbackBefore, d.RollbackCommand, d.RollbackAfter = fences(rb.Before...), fences(rb.Command), fences(rb.After...)
	}
	return d
}
