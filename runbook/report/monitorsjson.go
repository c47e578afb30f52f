package report

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// MonitorsJSON writes the same as [Monitors] as one object. The contract is additive;
// times are RFC 3339 in UTC, spans milliseconds.
//
//   - run: its id
//   - monitors: one for each place, in the plan's order, with how it is sampled, its
//     samples by verdict, its captures, its gaps, the times in which nobody sampled and
//     the episodes in which it was red
//   - gaps_by_step: of each cell that has any, in walking order, the longest gap of each
//     monitor; last, without a step, of those in which nothing went on
//   - background: processes kept beside the run, with each start
func MonitorsJSON(w io.Writer, r *run.Run, now time.Time) error {
	o := monitorsOf(r, now)
	if err := text.WriteJSON(w, struct {
		Run string `json:"run"`
		monitorsObject
	}{r.ID, o}); err != nil {
		return fmt.Errorf("show the monitors of run %q: %w", r.ID, err)
	}
	return nil
}

type monitorsObject struct {
	Monitors   []monitorObject `json:"monitors"`
	GapsByStep []stepGapObject `json:"gaps_by_step,omitempty"`
	Background []processObject `json:"background,omitempty"`
}

type monitorObject struct {
	Monitor      string                     `json:"monitor"` // its path, with instances
	Where        string                     `json:"where,omitempty"`
	Step         run.Key                    `json:"step"`           // at which it begins
	Form         string                     `json:"form,omitempty"` // sql, http, tcp; empty: a script
	Lang         string                     `json:"lang,omitempty"`
	Body         string                     `json:"body,omitempty"`
	Expect       string                     `json:"expect,omitempty"`
	EveryMS      int64                      `json:"every_ms,omitempty"` // missing: each line of a process is a sample
	TimeoutMS    int64                      `json:"timeout_ms"`
	GraceMS      int64                      `json:"grace_ms,omitempty"`
	On           bool                       `json:"on"`   // still to be sampled
	Red          bool                       `json:"red"`  // so when it was sampled last
	Held         bool                       `json:"held"` // it was red, and nobody has acknowledged that
	From         time.Time                  `json:"from,omitzero"`
	Until        time.Time                  `json:"until,omitzero"`
	Samples      int                        `json:"samples"`
	Good         int                        `json:"succeeded"`
	Failures     int                        `json:"failures"`
	Unknown      int                        `json:"unknown"`
	UnobservedMS int64                      `json:"unobserved_ms"`
	Unobserved   []spanObject               `json:"unobserved,omitempty"`
	Captures     map[string]numbersObject   `json:"captures,omitempty"` // numbers, of good samples
	Texts        map[string]json.RawMessage `json:"texts,omitempty"`    // other captures, of the latest good sample
	Drawn        string                     `json:"drawn,omitempty"`    // the capture that is drawn
	Gaps         []gapObject                `json:"gaps,omitempty"`
	Longest      *gapObject                 `json:"longest_gap,omitempty"`
	Episodes     []episodeObject            `json:"episodes,omitempty"`
}

type spanObject struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

type numbersObject struct {
	Count int     `json:"count"`
	Min   float64 `json:"min"`
	Avg   float64 `json:"avg"`
	Max   float64 `json:"max"`
	Last  float64 `json:"last"`
}

type gapObject struct {
	spanObject
	MS    int64     `json:"ms"`             // without what nobody observed
	Open  bool      `json:"open,omitempty"` // no good sample has come yet
	Steps []run.Key `json:"steps,omitempty"`
}

type episodeObject struct {
	Since        time.Time    `json:"since"` // of the last good sample before
	Red          time.Time    `json:"red"`
	Green        time.Time    `json:"green,omitzero"` // missing: it still is red
	Rows         []checks.Row `json:"rows,omitempty"`
	Cause        string       `json:"cause,omitempty"`
	Reason       string       `json:"reason,omitempty"` // with which it was acknowledged; missing: it wasn't
	By           string       `json:"by,omitempty"`
	Acknowledged time.Time    `json:"acknowledged,omitzero"`
}

type stepGapObject struct {
	Step    string          `json:"step,omitempty"`
	Target  string          `json:"target,omitempty"`
	Number  string          `json:"number,omitempty"`
	Title   string          `json:"title,omitempty"`
	Longest []watchedObject `json:"longest_gaps"`
}

type watchedObject struct {
	run.Watch
	gapObject
}

type processObject struct {
	Step    string        `json:"step"`
	Target  string        `json:"target,omitempty"`
	Monitor string        `json:"monitor,omitempty"` // which it is read for; missing: the step's command
	Where   string        `json:"where"`
	Starts  []startObject `json:"starts"`
}

type startObject struct {
	Attempt string     `json:"attempt"`
	No      int        `json:"no"`
	At      time.Time  `json:"at"`
	Up      time.Time  `json:"up,omitzero"`    // when it was seen to run
	Ended   time.Time  `json:"ended,omitzero"` // missing: it hasn't, as far as is known
	Down    *downState `json:"down,omitempty"`
}

type downState struct {
	Exit    *int   `json:"exit,omitempty"` // missing: its host can't tell
	ByUs    bool   `json:"ended_by_stepgate"`
	Because string `json:"why,omitempty"`
}

func monitorsOf(r *run.Run, now time.Time) monitorsObject {
	list, all := watchedOf(r), activities(r, now)
	o := monitorsObject{Monitors: []monitorObject{}}
	for i := range list {
		o.Monitors = append(o.Monitors, monitorOf(&list[i], all))
	}
	for _, g := range gapsByStep(all, list) {
		so := stepGapObject{}
		if c := g.cell; c != nil {
			so = stepGapObject{Step: c.Key.Step, Target: c.Key.Target, Number: c.Plan.Step.Number, Title: r.Text(c, c.Plan.Step.Title)}
		}
		for i, gap := range g.gaps {
			if gap.Length > 0 {
				so.Longest = append(so.Longest, watchedObject{list[i].Watch, gapOf(nil, gap)})
			}
		}
		o.GapsByStep = append(o.GapsByStep, so)
	}
	for _, p := range processesOf(r) {
		po := processObject{Step: p.cell.Key.Step, Target: p.cell.Key.Target, Monitor: p.Monitor, Where: p.Where}
		for _, a := range p.starts {
			so := startObject{Attempt: a.Intent.Attempt, No: a.Intent.No, At: a.At.UTC(), Up: a.Up.UTC(), Ended: a.Ended.UTC()}
			if d := a.Down; d != nil {
				so.Down = &downState{d.Exit, d.Ended, d.Why}
			}
			po.Starts = append(po.Starts, so)
		}
		o.Background = append(o.Background, po)
	}
	return o
}

func monitorOf(w *watched, all []activity) monitorObject {
	f := w.Fence
	o := monitorObject{
		Monitor: w.Watch.Monitor, Where: w.Where, Step: run.Key{Step: w.Cell.Step.ID, Target: w.Cell.Target},
		Lang: f.Lang, Body: f.Body, Expect: f.ExpectText, TimeoutMS: f.LookTimeout().Milliseconds(),
		GraceMS: f.Grace.Milliseconds(), On: w.on, Red: w.Red(), Held: w.Held(), From: w.from.UTC(), Until: w.until.UTC(),
		Samples: w.sum.Samples, Good: w.sum.Good, Failures: w.sum.Failures, Unknown: w.sum.Unknown,
		UnobservedMS: w.sum.Unobserved.Milliseconds(), Drawn: w.Drawn(),
	}
	if f.Form != runbook.Script {
		o.Form = language(f)
	}
	if !f.Background {
		o.EveryMS = f.Interval().Milliseconds()
	}
	for _, u := range w.unwatched {
		o.Unobserved = append(o.Unobserved, spanObject{u.From.UTC(), u.To.UTC()})
	}
	for name, n := range w.sum.Captures {
		if o.Captures == nil {
			o.Captures = map[string]numbersObject{}
		}
		if n.Count > 0 {
			n.Avg = text.Significant(n.Avg, 12) // beyond that it tells how it was added up
			o.Captures[name] = numbersObject(n)
		}
	}
	for _, s := range w.Samples {
		if o.Texts == nil && len(s.Texts) > 0 {
			o.Texts = map[string]json.RawMessage{}
		}
		maps.Copy(o.Texts, s.Texts)
	}
	for _, g := range w.gaps {
		o.Gaps = append(o.Gaps, gapOf(all, g))
	}
	if g := w.sum.Longest; g.Length > 0 {
		longest := gapOf(all, g)
		o.Longest = &longest
	}
	for _, e := range w.Episodes {
		o.Episodes = append(o.Episodes, episodeObject{
			Since: e.Turned.Since.UTC(), Red: e.At.UTC(), Green: e.Green.UTC(), Rows: e.Turned.Rows, Cause: e.Turned.Cause,
			Reason: e.Reason, By: e.By, Acknowledged: e.Acked.UTC(),
		})
	}
	return o
}

// gapOf is a gap with those of the cells that it touches.
func gapOf(all []activity, g run.Gap) gapObject {
	o := gapObject{spanObject: spanObject{g.From.UTC(), g.To.UTC()}, MS: g.Length.Milliseconds(), Open: g.Open}
	for _, c := range touched(all, g) {
		o.Steps = append(o.Steps, c.Key)
	}
	return o
}

// Samples writes what monitors showed for programs: a JSON object a line, monitor by
// monitor in the plan's order, and of each in the order of time. It is a sample
// (monitor, where, at: its end, verdict: pass, fail, unknown; values: captures that are
// numbers), or a time in which nobody sampled (monitor, where, unobserved: from, to).
func Samples(w io.Writer, r *run.Run) error {
	for _, m := range r.Monitors() {
		var end time.Time
		for _, s := range m.Samples {
			if !end.IsZero() && s.From.After(end) {
				hole := sampleObject{Watch: m.Watch, Unobserved: &spanObject{end.UTC(), s.From.UTC()}}
				if err := writeSample(w, r, hole); err != nil {
					return err
				}
			}
			end = s.Until()
			if err := samplesOf(w, r, m.Watch, s); err != nil {
				return err
			}
		}
	}
	return nil
}

type sampleObject struct {
	run.Watch
	At         time.Time          `json:"at,omitzero"`
	Verdict    string             `json:"verdict,omitempty"`
	Values     map[string]float64 `json:"values,omitempty"`
	Unobserved *spanObject        `json:"unobserved,omitempty"`
}

func samplesOf(w io.Writer, r *run.Run, watch run.Watch, s *run.Samples) error {
	verdicts := map[byte]checks.Verdict{'p': checks.Pass, 'f': checks.Fail, 'u': checks.Unknown}
	at := s.From
	for i, ms := range s.After {
		at = at.Add(time.Duration(ms) * time.Millisecond)
		o := sampleObject{Watch: watch, At: at.UTC(), Verdict: verdicts[s.Verdicts[i]].String()}
		for name, numbers := range s.Numbers {
			if n := numbers[i]; n != nil {
				if o.Values == nil {
					o.Values = map[string]float64{}
				}
				o.Values[name] = *n
			}
		}
		if err := writeSample(w, r, o); err != nil {
			return err
		}
	}
	return nil
}

func writeSample(w io.Writer, r *run.Run, o sampleObject) error {
	b, err := json.Marshal(o)
	if err == nil {
		_, err = w.Write(append(text.VisibleJSON(b), '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the samples of run %q: %w", r.ID, err)
	}
	return nil
}
