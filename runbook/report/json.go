package report

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// JSON writes a transcript for programs: one object. The contract is additive:
// fields may come, none changes its meaning or goes. Times are RFC 3339 in UTC,
// spans milliseconds, hashes lower-case hex.
//
//   - format, version: "stepgate-transcript", 1
//   - exported: when it was written
//   - problem: why the end of the journal couldn't be read; missing: it could
//   - run: id, title, runbook, dir, inventory, lab, stepgate, digest (of the
//     plan), closure (of the sources), started, last (event), finished, closed
//     and why (once finished), standing (until then), cells by status
//   - drivers: every lease, in order
//   - values: parameters as given; a parameter that is not set is missing, and so
//     is a secret, which secrets names
//   - hosts: those reached, with what they said of themselves
//   - orders: walk → instance keys, for walks that were ordered
//   - batches: walk → batches that were entered, each its instance keys
//   - excluded: walk → instance taken out → why
//   - undoing: cells that are still to be rolled back, in this order
//   - stop: the path after which the run was asked to pause
//   - exceptions: what did not go as the runbook is written
//   - cells: in walking order, each with its attempts (and their output; the starts of
//     what is kept beside the run are among them, with the role "background"), every
//     taking of its checks (whose rows have diff, where what was compared differs: a
//     unified difference), its gates, and edited: the text that its command was given
//     last
//   - off_book: commands that are not in the runbook, as cells, each with ad_hoc:
//     how it was asked for
//   - monitors, gaps_by_step, background: as [MonitorsJSON] has them
//   - events: everything, as journaled
//   - journal: count of events and hash of the last
func JSON(w io.Writer, t Transcript) error {
	o, err := t.object()
	if err == nil {
		err = text.WriteJSON(w, o)
	}
	if err != nil {
		return fmt.Errorf("write transcript of run %q: %w", t.Run.ID, err)
	}
	return nil
}

type transcriptObject struct {
	Format     string                       `json:"format"`
	Version    int                          `json:"version"`
	Exported   time.Time                    `json:"exported"`
	Problem    string                       `json:"problem,omitempty"`
	Run        runObject                    `json:"run"`
	Drivers    []driver                     `json:"drivers"`
	Values     map[string]string            `json:"values"`
	Hosts      []hostObject                 `json:"hosts"`
	Secrets    []string                     `json:"secrets,omitempty"`
	Orders     map[string][]string          `json:"orders"`
	Batches    map[string][][]string        `json:"batches,omitempty"`
	Excluded   map[string]map[string]string `json:"excluded,omitempty"`
	Undoing    []run.Key                    `json:"undoing,omitempty"`
	Stop       string                       `json:"stop,omitempty"`
	Exceptions []exception                  `json:"exceptions"`
	Cells      []cellObject                 `json:"cells"`
	OffBook    []cellObject                 `json:"off_book,omitempty"`
	Monitors   []monitorObject              `json:"monitors,omitempty"`
	GapsByStep []stepGapObject              `json:"gaps_by_step,omitempty"`
	Background []processObject              `json:"background,omitempty"`
	Events     []eventObject                `json:"events"`
	Journal    journalObject                `json:"journal"`
}

type runObject struct {
	ID        string          `json:"id"`
	Title     string          `json:"title"`
	Runbook   string          `json:"runbook"`
	Dir       string          `json:"dir"`
	Inventory string          `json:"inventory,omitempty"`
	Lab       string          `json:"lab,omitempty"`
	Stepgate  string          `json:"stepgate"`
	Digest    string          `json:"digest"`
	Closure   string          `json:"closure"`
	Started   time.Time       `json:"started"`
	Last      time.Time       `json:"last"`
	Finished  bool            `json:"finished"`
	Closed    run.Closing     `json:"closed,omitempty"`
	ClosedWhy string          `json:"closed_why,omitempty"`
	Standing  *standingObject `json:"standing,omitempty"`
	Cells     []statusCount   `json:"cells"`
}

type standingObject struct {
	Step   string   `json:"step,omitempty"`
	Target string   `json:"target,omitempty"`
	Wait   run.Wait `json:"wait"` // empty: at work
	Says   string   `json:"says"`
}

type hostObject struct {
	Name string `json:"name"`
	SSH  string `json:"ssh,omitempty"`
	run.Identity
}

type journalObject struct {
	Events int    `json:"events"`
	Head   string `json:"head"`
}

type cellObject struct {
	Step     string           `json:"step"`
	Target   string           `json:"target,omitempty"`
	Number   string           `json:"number"`
	Title    string           `json:"title"`
	Kind     string           `json:"kind"` // command, check, by hand, enter, question, watch
	Gated    bool             `json:"gated"`
	Classes  []string         `json:"classes,omitempty"`
	Status   run.Status       `json:"status"`
	Reason   run.Reason       `json:"reason,omitempty"`
	Detail   string           `json:"detail,omitempty"`
	Skip     string           `json:"skip,omitempty"`
	Excluded string           `json:"excluded,omitempty"` // why its instance was taken out
	Evidence string           `json:"evidence,omitempty"`
	Asked    *run.Asked       `json:"asked,omitempty"`
	Instance string           `json:"instance,omitempty"` // key of the innermost walk's
	Begun    time.Time        `json:"begun,omitzero"`
	Ended    time.Time        `json:"ended,omitzero"`
	By       string           `json:"by,omitempty"`
	TookMS   int64            `json:"took_ms"`
	When     *run.WhenDecided `json:"when,omitempty"`
	Attempts []attemptObject  `json:"attempts,omitempty"`
	Checks   []checksObject   `json:"checks,omitempty"`
	Gates    []gateObject     `json:"gates,omitempty"`
	Resolved []resolvedObject `json:"resolved,omitempty"`
	Probes   []probedObject   `json:"probes,omitempty"`
	Reruns   []exception      `json:"reruns,omitempty"`
	Edited   *run.Edited      `json:"edited,omitempty"`
	AdHoc    *run.AdHocAsked  `json:"ad_hoc,omitempty"`
}

type attemptObject struct {
	At      time.Time    `json:"at"`
	Actor   string       `json:"actor"`
	Intent  run.Intent   `json:"intent"`
	Outcome *run.Outcome `json:"outcome,omitempty"`
	Ended   time.Time    `json:"ended,omitzero"`
	Fate    string       `json:"fate,omitempty"`
	Broken  string       `json:"interrupted,omitempty"`
	// Of a background process: when it was seen to run, and how it ended.
	Up     time.Time           `json:"up,omitzero"`
	Down   *run.BackgroundDown `json:"down,omitempty"`
	Stdout *outputObject       `json:"stdout,omitempty"`
	Stderr *outputObject       `json:"stderr,omitempty"`
}

// outputObject is one stream: Text, or Base64 when it isn't UTF-8.
type outputObject struct {
	Text    string `json:"text,omitempty"`
	Base64  string `json:"base64,omitempty"`
	Omitted int64  `json:"omitted"` // bytes left out
}

type checksObject struct {
	Event uint64    `json:"event"`
	At    time.Time `json:"at"`
	run.ChecksTaken
	Verdict string `json:"verdict"`
}

type gateObject struct {
	run.GateShown
	Shown   time.Time        `json:"shown"`
	Opened  time.Time        `json:"opened,omitzero"`
	By      string           `json:"by,omitempty"`
	Grant   *run.GateGranted `json:"grant,omitempty"`
	Closed  *run.GateClosed  `json:"closed,omitempty"`
	UsedFor string           `json:"used_for,omitempty"` // attempt, or "manual"
}

type resolvedObject struct {
	At    time.Time `json:"at"`
	Actor string    `json:"actor"`
	run.OutcomeResolved
}

type probedObject struct {
	At time.Time `json:"at"`
	run.Probed
}

type eventObject struct {
	Seq   uint64          `json:"seq"`
	Epoch uint64          `json:"epoch"`
	At    time.Time       `json:"at"`
	Actor string          `json:"actor"`
	Kind  string          `json:"kind"`
	Data  json.RawMessage `json:"data"`
	Prev  string          `json:"prev"`
	Hash  string          `json:"hash"`
}

func (t Transcript) object() (*transcriptObject, error) {
	r := t.Run
	o := &transcriptObject{
		Format: "stepgate-transcript", Version: 1, Exported: t.Now.UTC(), Problem: t.Problem, Run: runOf(r),
		Drivers: drivers(t.Records), Values: r.Plan.Values.Given(), Hosts: hostsOf(r), Orders: r.Orders,
		Secrets: r.Start.Secrets, Batches: r.Batches, Excluded: r.Excluded, Undoing: r.Undoing, Stop: r.Stop,
		Exceptions: exceptions(t.Records),
		Journal:    journalObject{len(t.Records), hex.EncodeToString(r.Head[:])},
	}
	if o.Exceptions == nil {
		o.Exceptions = []exception{}
	}
	events := history(t.Records)
	for _, c := range walked(r, r.Plan.Root) {
		cell, err := t.cell(c, events[c.Key])
		if err != nil {
			return nil, err
		}
		o.Cells = append(o.Cells, cell)
	}
	for _, c := range r.OffBook {
		cell, err := t.cell(c, events[c.Key])
		if err != nil {
			return nil, err
		}
		o.OffBook = append(o.OffBook, cell)
	}
	watched := monitorsOf(r, t.Now)
	o.Monitors, o.GapsByStep, o.Background = watched.Monitors, watched.GapsByStep, watched.Background
	for _, rec := range t.Records {
		event, err := eventOf(rec)
		if err != nil {
			return nil, err
		}
		o.Events = append(o.Events, event)
	}
	return o, nil
}

func runOf(r *run.Run) runObject {
	o := runObject{
		ID: r.ID, Title: title(r), Runbook: r.Start.Runbook, Dir: r.Start.Dir, Inventory: r.Start.InventoryFile,
		Lab: r.Start.Lab, Stepgate: r.Start.Version, Digest: r.Start.Digest, Closure: r.Start.Closure,
		Started: r.Started.UTC(), Last: r.Last.UTC(), Finished: r.Closed != "", Closed: r.Closed, ClosedWhy: r.ClosedWhy,
		Cells: tally(r),
	}
	if !o.Finished {
		o.Standing = standingOf(r)
	}
	return o
}

func standingOf(r *run.Run) *standingObject {
	c, w := standing(r)
	o := &standingObject{Wait: w, Says: waits(r, c, w)}
	if c != nil {
		o.Step, o.Target = c.Key.Step, c.Key.Target
	}
	return o
}

func hostsOf(r *run.Run) []hostObject {
	out := []hostObject{}
	for _, n := range slices.Sorted(maps.Keys(r.Hosts)) {
		out = append(out, hostObject{n, r.Plan.Hosts[n].SSH, r.Hosts[n]})
	}
	return out
}

// walked is the cells below a node in walking order.
func walked(r *run.Run, n plan.Node) (out []*run.Cell) {
	switch n := n.(type) {
	case *plan.Section:
		for _, child := range n.Children {
			out = append(out, walked(r, child)...)
		}
	case *plan.Walk:
		for _, i := range r.Order(n) {
			out = append(out, walked(r, n.Instances[i])...)
		}
	case *plan.Step:
		for _, pc := range n.Cells {
			out = append(out, r.CellOf(pc))
		}
	}
	return out
}

// instanceKey is the key of the innermost instance a cell stands in.
func instanceKey(r *run.Run, c *run.Cell) string {
	_, key := r.Instance(c)
	return key
}

func (t Transcript) cell(c *run.Cell, events []run.Record) (cellObject, error) {
	s := c.Plan.Step
	o := cellObject{
		Step: c.Key.Step, Target: c.Key.Target, Number: s.Number, Title: t.Run.Text(c, s.Title), Kind: kindWord(s.Kind),
		Gated: s.Gated, Classes: classes(s.Book), Status: c.Status, Reason: c.Reason, Detail: c.Detail, Skip: c.Skip,
		Excluded: c.Excluded, Evidence: c.Evidence, Asked: c.Asked, Instance: instanceKey(t.Run, c), Begun: c.Begun.UTC(), Ended: c.Ended.UTC(), By: c.By, TookMS: c.Took().Milliseconds(), When: c.When, Edited: c.Edited, AdHoc: c.AdHoc,
	}
	for _, a := range slices.Concat(c.Attempts, c.Keeps) {
		ao := attemptObject{
			At: a.At.UTC(), Actor: a.Record.Actor, Intent: a.Intent, Outcome: a.Outcome, Ended: a.Ended.UTC(), Fate: a.Fate, Broken: a.Why,
			Up: a.Up.UTC(), Down: a.Down,
		}
		for stream, to := range []**outputObject{&ao.Stdout, &ao.Stderr} {
			data, omitted, err := t.output(a.Intent.Attempt, stream)
			if err != nil {
				return o, err
			}
			*to = outputOf(data, omitted)
		}
		o.Attempts = append(o.Attempts, ao)
	}
	for _, rec := range events {
		o.event(rec)
	}
	return o, nil
}

// event adds what an event says of the cell's checks, gates and doubts.
func (o *cellObject) event(rec run.Record) {
	when := rec.Wall.UTC()
	switch e := rec.Event.(type) {
	case run.ChecksTaken:
		o.Checks = append(o.Checks, checksObject{rec.Seq, when, e, e.Verdict().String()})
	case run.GateShown:
		o.Gates = append(o.Gates, gateObject{GateShown: e, Shown: when})
	case run.GateGranted:
		if g := o.gate(e.Gate); g != nil {
			g.Opened, g.By, g.Grant = when, rec.Actor, &e
		}
	case run.GateClosed:
		if g := o.gate(e.Gate); g != nil {
			g.Closed = &e
		}
	case run.Intent:
		if g := o.gate(e.Gate); g != nil {
			g.UsedFor = e.Attempt
		}
	case run.ManualDone:
		if g := o.gate(e.Gate); g != nil {
			g.UsedFor = "manual"
		}
	case run.OutcomeResolved:
		o.Resolved = append(o.Resolved, resolvedObject{when, rec.Actor, e})
	case run.Probed:
		o.Probes = append(o.Probes, probedObject{when, e})
	case run.RerunOverride:
		o.Reruns = append(o.Reruns, exception{rec.Seq, when, rec.Actor, rerun, e.Cell.Step, e.Cell.Target, e.Typed})
	}
}

func (o *cellObject) gate(id string) *gateObject {
	for i := len(o.Gates) - 1; i >= 0 && id != ""; i-- {
		if o.Gates[i].Gate == id {
			return &o.Gates[i]
		}
	}
	return nil
}

func outputOf(data []byte, omitted int64) *outputObject {
	switch {
	case len(data) == 0 && omitted == 0:
		return nil
	case utf8.Valid(data):
		return &outputObject{Text: string(data), Omitted: omitted}
	}
	return &outputObject{Base64: base64.StdEncoding.EncodeToString(data), Omitted: omitted}
}
