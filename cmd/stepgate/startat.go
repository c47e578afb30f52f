package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// startAt is the step that a run begins at: its id, or the end of it.
type startAt string

func (at *startAt) register(c *cobra.Command) {
	c.Flags().StringVar((*string)(at), "start-at", "", "begin at this step, by its id or the end of it; what stands before it is left out")
}

// jump is the event by which a run begins there, and says what is left out. No step:
// it begins at the beginning.
func (at startAt) jump(st streams, p *plan.Plan) (run.Jumped, error) {
	if at == "" {
		return run.Jumped{}, nil
	}
	to, err := at.cell(p)
	if err != nil {
		return run.Jumped{}, err
	}
	r, err := run.Fold(p, []run.Record{{Seq: 1, Event: run.RunStarted{Digest: p.Digest}}})
	if err != nil {
		return run.Jumped{}, err
	}
	leap := r.LeapTo(to)
	switch {
	case leap.Why != "" && len(leap.Over) == 0 && r.Cells[0].Key == to:
		return run.Jumped{}, nil
	case leap.Why != "":
		return run.Jumped{}, usage("see its steps: stepgate plan …", "start at %q: %s", to, leap.Why)
	}
	_, _ = fmt.Fprintf(st.err, "left out, to begin at %s:\n", text.Line(text.Untrusted(to.String())))
	for _, c := range leap.Over {
		gate := ""
		if c.NeedsGate() {
			gate = "  (with its gate)"
		}
		_, _ = fmt.Fprintf(st.err, "  %s %s%s\n", text.Line(text.Untrusted(c.Key.String())), text.Line(text.Untrusted(r.Text(c, c.Plan.Step.Title))), gate)
	}
	return leap.Jumped(to, "--start-at "+string(at)), nil
}

// cell is the first cell of the step that is meant.
func (at startAt) cell(p *plan.Plan) (run.Key, error) {
	var found []run.Key
	exact := false
	for _, c := range p.Cells {
		k := run.Key{Step: c.Step.ID, Target: c.Target}
		id := k.StepID()
		whole := k.Step == string(at) || id == string(at)
		tail := strings.HasSuffix(k.Step, "/"+string(at)) || strings.HasSuffix(id, "/"+string(at))
		switch {
		case !whole && (!tail || exact):
			continue
		case whole && !exact:
			found, exact = nil, true
		}
		if len(found) == 0 || found[len(found)-1].Step != k.Step { // one for all its places
			found = append(found, k)
		}
	}
	switch len(found) {
	case 0:
		return run.Key{}, exitWith(exitNotFound, text.WithHint(fmt.Errorf("start at %q: the plan has no such step", string(at)), "see its steps: stepgate plan …"))
	case 1:
		return found[0], nil
	}
	names := make([]string, min(len(found), 3))
	for i := range names {
		names[i] = found[i].Step
	}
	return run.Key{}, usage("write more of it, such as "+strings.Join(names, ", "), "start at %q: that can be %d steps", string(at), len(found))
}
