package runbook

import (
	"fmt"
	"slices"
	"time"
)

// LeastEvery is how often a monitor may be sampled at most.
const LeastEvery = 100 * time.Millisecond

// besideForm refuses what makes no sense of what goes on beside the run. m is what is
// said on the fence itself.
func (d *drafting) besideForm(b *block, f *Fence, m marks) {
	refuse := func(key, what, remedy string) {
		if pair, ok := m.values[key]; ok {
			d.p.errorAt(pair.At, "misplaced", key+" "+what, remedy)
		}
		if at, ok := m.classes[key]; ok {
			d.p.errorAt(at, "misplaced", "."+key+" "+what, remedy)
		}
	}
	switch {
	case f.Monitor && f.Background:
		refuse("every", "on a background monitor, whose every line is a sample", "remove it")
	case f.Monitor:
		if f.Poll.Every > 0 && f.Poll.Every < LeastEvery {
			d.p.errorAt(m.values["every"].ValueAt, "value", fmt.Sprintf("a monitor can't be sampled more often than every %s", LeastEvery), "write every="+LeastEvery.String()+", or more")
		}
	case f.Background && b.command():
		refuse("timeout", "on a command that is kept alive to the end of its section", "bound the check behind it: {.check until=60s}")
		refuse("reconnect", "on a background command: it ends when its host goes away", "send the host away in a step of its own")
		refuse("reboot", "on a background command: it ends when its host goes away", "send the host away in a step of its own")
		if f.Timeout = 0; f.Spans["timeout"] != "" {
			delete(f.Spans, "timeout")
		}
	}
}

// ofSample is what the text of a fence sees: of a monitor also the number of its sample.
func (v *sight) ofSample(f *Fence) *sight {
	if !f.Monitor || f.Background {
		return v
	}
	s := *v
	s.sampled = true
	return &s
}

// besideStep refuses what a step can't be with what it has beside the run.
func (d *drafting) besideStep() {
	p, st := d.p, d.step
	cmd := st.Command
	if cmd != nil && cmd.Background && st.Irreversible {
		p.report(cmd.Pos, Error, "misplaced", "a background command can't be irreversible: it is started again whenever it ends",
			"do what can't be undone in a step of its own, or remove .irreversible")
	}
	ids := map[string]bool{}
	for _, f := range st.Monitors {
		if f.Pick != nil || cmd != nil && cmd.Pick != nil && f.On == cmd.On {
			p.report(f.Pos, Error, "misplaced", "a monitor on a host that is only picked in the run", "give the monitor a step of its own, on all hosts that may be picked")
		}
		if ids[f.ID] {
			p.report(f.Pos, Error, "duplicate-id", "two monitors of the step have the id "+quote(f.ID), "give the fence an id: {#NAME .monitor}")
		}
		ids[f.ID] = true
	}
}

// besideSection refuses monitors of a section that have one id: nobody could tell which
// of them is meant.
func (p *parser) besideSection(s *Section) {
	first := map[string]*Fence{}
	for _, item := range s.Items {
		st, ok := item.(*Step)
		if !ok {
			continue
		}
		for _, f := range st.Monitors {
			if o := first[f.ID]; o != nil && !slices.Contains(st.Monitors, o) {
				p.report(f.Pos, Error, "duplicate-id", fmt.Sprintf("the id %s is taken by the monitor in line %d of the same section", quote(f.ID), o.Pos.Line),
					"give one of them an id of its own, such as {#"+f.ID+"-2}")
			}
			first[f.ID] = f
		}
	}
}

// endless refuses an expect and a capture of a command that has no end to be judged
// by.
func (d *drafting) endless(b *block, f *Fence) bool {
	if !f.Background || f.Monitor {
		return false
	}
	d.p.errorAt(b.at, "misplaced", article(b.kind.String())+" on a background command, which has no end that it could speak of",
		"write a {.check} behind the command that says when it is ready")
	return true
}
