package report

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// PlanJSON writes a plan as one object. The contract is additive.
//
//   - format, version: "stepgate-plan", 1
//   - title, runbook, digest
//   - values: parameters that are set, as given
//   - groups, hosts: the inventory's
//   - walks: what is done once per host, in the inventory's order
//   - steps: in the runbook's order; approve is the id that --approve takes,
//     cells are the places, one per element. Of fences, what runs is prefix and
//     body; places names the hosts for the first cell. Spans are milliseconds.
func PlanJSON(w io.Writer, p *plan.Plan) error {
	r, err := run.Fold(p, nil) // before its first event: for phrases and titles
	if err != nil {
		return fmt.Errorf("print plan of %q: %w", p.Book.File, err)
	}
	o := planObject{
		Format: "stepgate-plan", Version: 1, Title: p.Title, Runbook: p.Book.File, Digest: p.Digest,
		Values: p.Values.Given(), Groups: p.Groups, Hosts: []planHost{}, Walks: []walkObject{},
	}
	for _, n := range slices.Sorted(maps.Keys(p.Hosts)) {
		o.Hosts = append(o.Hosts, planHost{n, p.Hosts[n].SSH, p.Hosts[n].Vars})
	}
	for _, wk := range p.Walks {
		wo := walkObject{ID: wk.ID, Number: wk.Number, Title: wk.Title, Group: wk.Each.Group, Hosts: wk.Keys}
		if wk.Each.OrderBy != nil {
			wo.OrderBy = wk.Each.OrderBy.Text
		}
		o.Walks = append(o.Walks, wo)
	}
	for _, s := range p.Steps {
		o.Steps = append(o.Steps, stepOf(r, s))
	}
	if err := encode(w, o); err != nil {
		return fmt.Errorf("print plan of %q: %w", p.Book.File, err)
	}
	return nil
}

type planObject struct {
	Format  string              `json:"format"`
	Version int                 `json:"version"`
	Title   string              `json:"title"`
	Runbook string              `json:"runbook"`
	Digest  string              `json:"digest"`
	Values  map[string]string   `json:"values"`
	Groups  map[string][]string `json:"groups"`
	Hosts   []planHost          `json:"hosts"`
	Walks   []walkObject        `json:"walks"`
	Steps   []stepObject        `json:"steps"`
}

type planHost struct {
	Name string            `json:"name"`
	SSH  string            `json:"ssh,omitempty"`
	Vars map[string]string `json:"vars,omitempty"`
}

type walkObject struct {
	ID      string   `json:"id"`
	Number  string   `json:"number"`
	Title   string   `json:"title"` // a template
	Group   string   `json:"group"`
	OrderBy string   `json:"order_by,omitempty"`
	Hosts   []string `json:"hosts"`
}

type stepObject struct {
	ID       string        `json:"id"`
	Approve  string        `json:"approve,omitempty"` // of a gated step
	Number   string        `json:"number"`
	Title    string        `json:"title"`
	Kind     string        `json:"kind"` // command, check, by hand, enter
	Gated    bool          `json:"gated"`
	Judged   string        `json:"judged,omitempty"` // why it is gated without its author's word
	Caution  string        `json:"caution,omitempty"`
	Classes  []string      `json:"classes,omitempty"`
	When     string        `json:"when,omitempty"`
	Cells    []placeObject `json:"cells"`
	Before   []fenceObject `json:"before,omitempty"`
	Command  *fenceObject  `json:"command,omitempty"`
	After    []fenceObject `json:"after,omitempty"`
	Rollback *rollback     `json:"rollback,omitempty"`
}

type placeObject struct {
	Target string `json:"target"`           // empty: a person, or checks of several places
	Phrase string `json:"phrase,omitempty"` // of its gate
}

type rollback struct {
	Before  []fenceObject `json:"before,omitempty"`
	Command fenceObject   `json:"command"`
	After   []fenceObject `json:"after,omitempty"`
}

type fenceObject struct {
	Lang    string   `json:"lang,omitempty"`
	Prefix  string   `json:"prefix,omitempty"`
	Body    string   `json:"body,omitempty"`
	Places  []string `json:"places"`
	Dir     string   `json:"dir,omitempty"` // a template
	Timeout int64    `json:"timeout_ms,omitempty"`
	Until   int64    `json:"until_ms,omitempty"`
	Every   int64    `json:"every_ms,omitempty"`
	Hold    int64    `json:"hold_ms,omitempty"`
	Expect  string   `json:"expect,omitempty"`
	Capture string   `json:"capture,omitempty"`
}

func stepOf(r *run.Run, s *plan.Step) stepObject {
	b := s.Book
	o := stepObject{
		ID: s.ID, Number: s.Number, Title: r.TextIn(s.Scope, s.Title), Kind: kindWord(s.Kind), Gated: s.Gated,
		Judged: b.Judged, Caution: r.TextIn(s.Scope, b.Caution), Classes: classes(b),
		Before: fencesOf(r.Plan, s, b.Before...), After: fencesOf(r.Plan, s, b.After...),
	}
	if s.Gated {
		o.Approve = run.Key{Step: s.ID}.StepID()
	}
	if b.When != nil {
		o.When = b.When.Text
	}
	for _, c := range s.Cells {
		po := placeObject{Target: c.Target}
		if s.Gated {
			po.Phrase = r.Phrase(r.Cells[c.Index])
		}
		o.Cells = append(o.Cells, po)
	}
	if b.Command != nil {
		o.Command = &fencesOf(r.Plan, s, b.Command)[0]
	}
	if rb := b.Rollback; rb != nil {
		o.Rollback = &rollback{
			fencesOf(r.Plan, s, rb.Before...), fencesOf(r.Plan, s, rb.Command)[0], fencesOf(r.Plan, s, rb.After...),
		}
	}
	return o
}

func fencesOf(p *plan.Plan, s *plan.Step, fs ...*runbook.Fence) []fenceObject {
	out := make([]fenceObject, 0, len(fs))
	for _, f := range fs {
		o := fenceObject{
			Lang: f.Lang, Body: f.Body, Places: p.Places(s.Cells[0], f), Dir: f.Dir,
			Timeout: f.Timeout.Milliseconds(), Until: f.Poll.Until.Milliseconds(), Every: f.Poll.Every.Milliseconds(),
			Hold: f.Poll.Hold.Milliseconds(), Expect: f.ExpectText, Capture: f.CaptureText,
		}
		if f.Lang != "" {
			o.Prefix = p.Prefix(f)
		}
		out = append(out, o)
	}
	return out
}
