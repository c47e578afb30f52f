package report

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// PlanJSON writes a plan as one object. The contract is additive; docs/plan.md
// says what each field means. Spans are milliseconds.
func PlanJSON(w io.Writer, p *plan.Plan) error {
	r, err := run.Fold(p, nil) // before its first event: for phrases and titles
	if err != nil {
		return fmt.Errorf("print plan of %q: %w", p.Book.File, err)
	}
	o := planObject{
		Format: "stepgate-plan", Version: 1, Title: p.Title, Runbook: p.Book.File, Digest: p.Digest,
		Values: p.Values.Given(), Groups: p.Groups, Hosts: []planHost{}, Walks: []walkObject{}, Parts: partsOf(p, p.Root),
		Steps: []stepObject{},
	}
	for _, v := range p.Values {
		if v.Param.Secret {
			o.Secrets = append(o.Secrets, v.Param.Name)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(p.Hosts)) {
		o.Hosts = append(o.Hosts, planHost{n, p.Hosts[n].SSH, p.Hosts[n].Vars})
	}
	for _, c := range connectionsOf(p) {
		o.Connections = append(o.Connections, planConnection{
			c.Name, c.Driver, c.Host, c.Port, c.User, c.Database, c.TLS, c.Via, c.Hosts, expression(c.Pick),
		})
	}
	for _, t := range p.Tools {
		o.Tools = append(o.Tools, planTool{t.Name, t.On, t.Hosts, t.Min, t.Version, t.Help})
	}
	for _, d := range p.Book.Later {
		o.Later = append(o.Later, laterObject{d.Pos.File, d.Pos.Line, d.Pos.Col, d.Text})
	}
	for _, wk := range p.Walks {
		o.Walks = append(o.Walks, walkOf(wk))
	}
	for _, s := range p.Steps {
		o.Steps = append(o.Steps, stepOf(r, s))
	}
	if err := text.WriteJSON(w, o); err != nil {
		return fmt.Errorf("print plan of %q: %w", p.Book.File, err)
	}
	return nil
}

type planObject struct {
	Format      string              `json:"format"`
	Version     int                 `json:"version"`
	Title       string              `json:"title"`
	Runbook     string              `json:"runbook"`
	Digest      string              `json:"digest"`
	Values      map[string]string   `json:"values"`
	Secrets     []string            `json:"secrets,omitempty"`
	Groups      map[string][]string `json:"groups"`
	Hosts       []planHost          `json:"hosts"`
	Connections []planConnection    `json:"connections,omitempty"`
	Tools       []planTool          `json:"tools,omitempty"`
	Later       []laterObject       `json:"later,omitempty"`
	Walks       []walkObject        `json:"walks"`
	Parts       []partObject        `json:"parts,omitempty"`
	Steps       []stepObject        `json:"steps"`
}

type planHost struct {
	Name string            `json:"name"`
	SSH  string            `json:"ssh,omitempty"`
	Vars map[string]string `json:"vars,omitempty"`
}

type planConnection struct {
	Name     string `json:"name"`
	Driver   string `json:"driver"`
	Host     string `json:"host,omitempty"`
	Port     string `json:"port,omitempty"`
	User     string `json:"user,omitempty"`
	Database string `json:"database,omitempty"`
	TLS      string `json:"tls,omitempty"`
	Via      string `json:"via,omitempty"`
	Hosts    string `json:"hosts,omitempty"`
	Pick     string `json:"pick,omitempty"`
}

type planTool struct {
	Name    string   `json:"name"`
	On      string   `json:"on,omitempty"`
	Hosts   []string `json:"hosts"`
	Min     string   `json:"min,omitempty"`
	Version string   `json:"version,omitempty"`
	Help    string   `json:"help,omitempty"`
}

type laterObject struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"col"`
	Text string `json:"text"`
}

type walkObject struct {
	ID          string   `json:"id"`
	Number      string   `json:"number"`
	Title       string   `json:"title"` // a template
	Group       string   `json:"group,omitempty"`
	Name        string   `json:"name,omitempty"`
	List        string   `json:"list,omitempty"`
	OrderBy     string   `json:"order_by,omitempty"`
	Hosts       []string `json:"hosts,omitempty"`
	Keys        []string `json:"keys"`
	Batch       int      `json:"batch"`
	Canary      int      `json:"canary,omitempty"`
	Soak        int64    `json:"soak_ms,omitempty"`
	MaxFailures int      `json:"max_failures,omitempty"`
}

func walkOf(w *plan.Walk) walkObject {
	e := w.Each
	o := walkObject{
		ID: w.ID, Number: w.Number, Title: w.Title, Group: e.Group, Name: e.Name, List: e.List, OrderBy: expression(e.OrderBy),
		Keys: w.Keys, Batch: w.Batch, Canary: e.Canary, Soak: e.Soak.Milliseconds(), MaxFailures: e.MaxFailures,
	}
	if o.Keys == nil {
		o.Keys = []string{}
	}
	if e.Name == "" {
		o.Hosts = w.Keys
	}
	return o
}

type partObject struct {
	ID   string            `json:"id"`
	File string            `json:"file,omitempty"`
	With map[string]string `json:"with,omitempty"`
}

// partsOf lists the included parts below a node.
func partsOf(p *plan.Plan, n plan.Node) (out []partObject) {
	switch n := n.(type) {
	case *plan.Section:
		if part := n.Book.Part; part != nil {
			o := partObject{ID: n.ID, File: part.File, With: map[string]string{}}
			for name, tmpl := range part.With {
				o.With[name] = p.Text(tmpl, n.Scope, nil)
			}
			out = append(out, o)
		}
		for _, c := range n.Children {
			out = append(out, partsOf(p, c)...)
		}
	case *plan.Walk:
		for _, c := range n.Instances {
			out = append(out, partsOf(p, c)...)
		}
	case *plan.Step:
	}
	return out
}

func expression(e *runbook.Expr) string {
	if e == nil {
		return ""
	}
	return e.Text
}
