package report

import (
	"slices"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

type stepObject struct {
	ID        string        `json:"id"`
	Approve   string        `json:"approve,omitempty"` // of a gated step
	Number    string        `json:"number"`
	Title     string        `json:"title"`
	Kind      string        `json:"kind"` // command, check, by hand, enter, question, watch
	Gated     bool          `json:"gated"`
	Judged    string        `json:"judged,omitempty"` // why it is gated without its author's word
	Caution   string        `json:"caution,omitempty"`
	Approvers int           `json:"approvers,omitempty"`
	Classes   []string      `json:"classes,omitempty"`
	Always    bool          `json:"always,omitempty"`
	When      string        `json:"when,omitempty"`
	Question  *askObject    `json:"question,omitempty"`
	Cells     []placeObject `json:"cells"`
	Done      []fenceObject `json:"done,omitempty"`
	Before    []fenceObject `json:"before,omitempty"`
	Command   *fenceObject  `json:"command,omitempty"`
	After     []fenceObject `json:"after,omitempty"`
	Rollback  *rollback     `json:"rollback,omitempty"`
	Monitors  []fenceObject `json:"monitors,omitempty"`
}

type askObject struct {
	Name    string   `json:"name"`
	Type    string   `json:"type,omitempty"`
	Choices []string `json:"choices,omitempty"`
	Pattern string   `json:"pattern,omitempty"`
	Secret  bool     `json:"secret,omitempty"`
	PerHost bool     `json:"per_host,omitempty"`
}

type placeObject struct {
	Target string `json:"target"`           // empty: a person, checks of several places, or a host that is picked
	Phrase string `json:"phrase,omitempty"` // of its gate
}

type rollback struct {
	Before  []fenceObject `json:"before,omitempty"`
	Command fenceObject   `json:"command"`
	After   []fenceObject `json:"after,omitempty"`
}

type fenceObject struct {
	Form       string      `json:"form,omitempty"` // sql, http, tcp, copy; empty: a script, or variables alone
	Lang       string      `json:"lang,omitempty"`
	Language   string      `json:"language,omitempty"`
	Prefix     string      `json:"prefix,omitempty"`
	Body       string      `json:"body,omitempty"`
	Rendered   string      `json:"rendered,omitempty"`
	Places     []string    `json:"places"`
	Pick       string      `json:"pick,omitempty"`
	Candidates []string    `json:"candidates,omitempty"`
	Parallel   int         `json:"parallel,omitempty"`
	Direct     bool        `json:"direct,omitempty"` // of copy
	Connection string      `json:"connection,omitempty"`
	Via        string      `json:"via,omitempty"`  // a template
	Dir        string      `json:"dir,omitempty"`  // a template
	User       string      `json:"user,omitempty"` // a template
	Login      bool        `json:"login,omitempty"`
	Env        []envObject `json:"env,omitempty"`
	Timeout    int64       `json:"timeout_ms,omitempty"`
	Until      int64       `json:"until_ms,omitempty"`
	Every      int64       `json:"every_ms,omitempty"`
	Hold       int64       `json:"hold_ms,omitempty"`
	FailIf     string      `json:"fail_if,omitempty"`
	Grace      int64       `json:"grace_ms,omitempty"`
	Reconnect  int64       `json:"reconnect_ms,omitempty"`
	Reboot     bool        `json:"reboot,omitempty"`
	Monitor    string      `json:"monitor,omitempty"` // its id
	Background bool        `json:"background,omitempty"`
	TTY        bool        `json:"tty,omitempty"`
	Secret     bool        `json:"secret,omitempty"`
	Expect     string      `json:"expect,omitempty"`
	Capture    string      `json:"capture,omitempty"`
}

type envObject struct {
	Name  string `json:"name"`
	Value string `json:"value"` // an expression
}

func stepOf(r *run.Run, s *plan.Step) stepObject {
	b := s.Book
	o := stepObject{
		ID: s.ID, Number: s.Number, Title: r.Plan.Text(s.Title, s.Scope, nil), Kind: kindWord(s.Kind), Gated: s.Gated,
		Judged: b.Judged, Caution: r.Plan.Text(b.Caution, s.Scope, nil), Approvers: b.Approvers, Classes: classes(b), Always: b.Always,
		When: expression(b.When),
		Done: fenceObjects(r.Plan, s, b.Done...), Before: fenceObjects(r.Plan, s, b.Before...),
		After: fenceObjects(r.Plan, s, b.After...), Monitors: fenceObjects(r.Plan, s, b.Monitors...),
	}
	if s.Gated {
		o.Approve = run.Key{Step: s.ID}.StepID()
	}
	if q := b.Question; q != nil {
		o.Question = &askObject{q.Param.Name, string(q.Param.Type), q.Param.Choices, q.Param.Pattern, q.Param.Secret, q.PerHost}
	}
	for _, c := range s.Cells {
		po := placeObject{Target: c.Target}
		if s.Gated {
			po.Phrase = r.Phrase(r.Cells[c.Index])
		}
		o.Cells = append(o.Cells, po)
	}
	if b.Command != nil {
		o.Command = &fenceObjects(r.Plan, s, b.Command)[0]
	}
	if rb := b.Rollback; rb != nil {
		o.Rollback = &rollback{
			fenceObjects(r.Plan, s, rb.Before...), fenceObjects(r.Plan, s, rb.Command)[0], fenceObjects(r.Plan, s, rb.After...),
		}
	}
	return o
}

// formWords name the forms that aren't scripts.
var formWords = map[runbook.Form]string{runbook.SQL: "sql", runbook.HTTP: "http", runbook.TCP: "tcp", runbook.Copy: "copy"}

func fenceObjects(p *plan.Plan, s *plan.Step, fs ...*runbook.Fence) []fenceObject {
	out := make([]fenceObject, 0, len(fs))
	for _, f := range fs {
		o := fenceObject{
			Form: formWords[f.Form], Lang: f.Lang, Body: f.Body, Places: p.Places(s.Cells[0], f), Pick: expression(f.Pick), Parallel: f.Parallel, Direct: f.Direct,
			Via: f.Via, Dir: f.Dir, User: f.User, Login: f.Login,
			Timeout: f.Timeout.Milliseconds(), Until: f.Poll.Until.Milliseconds(), Every: f.Poll.Every.Milliseconds(),
			Hold: f.Poll.Hold.Milliseconds(), FailIf: expression(f.Poll.FailIf), Grace: f.Grace.Milliseconds(),
			Reconnect: f.Reconnect.Milliseconds(), Reboot: f.Reboot, Background: f.Background, TTY: f.TTY, Secret: f.Secret,
			Expect: f.ExpectText, Capture: f.CaptureText,
		}
		if f.Lang != "" {
			o.Prefix = p.Prefix(f)
		}
		if f.Monitor {
			o.Monitor = f.ID
		}
		if f.Language != nil {
			o.Language = f.Language.Name
		}
		if f.Connection != nil {
			o.Connection = f.Connection.Name
		}
		if body := rendered(p, s, f); body != f.Body {
			o.Rendered = body
		}
		if all := p.Candidates(s.Cells[0], f); !slices.Equal(all, o.Places) {
			o.Candidates = all
		}
		for _, e := range f.Env {
			o.Env = append(o.Env, envObject{e.Name, expression(e.Value)})
		}
		out = append(out, o)
	}
	return out
}
