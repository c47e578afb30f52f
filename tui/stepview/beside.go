package stepview

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/tui/monitor"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// background says how the process of a background command stands, and how often it was
// started.
func (b *body) background() {
	cmd := b.c.Plan.Step.Book.Command
	if cmd == nil || !cmd.Background {
		return
	}
	if mark, said := wording.Process(b.Snap, b.c, b.Now.Location()); said != "" {
		b.say(b.Theme.Style(mark), b.Theme.Glyph.Mark(mark)+" "+said)
	}
}

// starts tell of each start of a background command but the first, and how it ended.
func (b *body) starts() []entry {
	var out []entry
	for _, a := range b.c.Keeps {
		if a.Intent.Monitor == "" {
			out = append(out, entry{a.At, "started again, " + wording.Lived(a, b.Now.Location()), ""})
		}
	}
	return out
}

// monitors shows what each monitor of the step runs, how often, and how it stands at
// each of its places.
func (b *body) monitors() {
	for _, f := range b.c.Plan.Step.Book.Monitors {
		b.gap()
		b.monitor(f)
	}
}

func (b *body) monitor(f *runbook.Fence) {
	t, r := b.Theme, b.Snap.Run
	own := b.watched(f)
	name := wording.Line(f.ID)
	if name == "" {
		name = wording.Line(b.c.Plan.Step.Book.ID)
	}
	sep := " " + t.Glyph.Dot + " "
	b.say(t.Muted, "monitor "+name+sep+strings.Join(wording.Sampling(f), sep))
	if places := r.Plan.Places(b.c.Plan, f); len(places) > 0 {
		d, err := r.DispatchFence(b.c, f, places[0], map[string]any{"sample": "‹sample›"})
		if err != nil {
			b.unready(f, err)
		} else {
			wording.Meant(r, b.c, f, &d)
			d.TimeoutMS = 0 // it is told with the rest of how it is sampled
			if d.Where = strings.Join(places, ", "); len(places) == 1 && places[0] == plan.Local {
				d.Where = places[0]
			}
			b.add(Dispatch(t, &d, b.full)...)
		}
	}
	for _, l := range wording.Asserts(f, 0) {
		b.open("expect", "", l)
	}
	for _, s := range own {
		b.sampled(s)
	}
}

// watched are the places at which a monitor of the step is sampled, once it is.
func (b *body) watched(f *runbook.Fence) []*monitor.Series {
	if b.Monitors == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(b.Monitors.All()), func(s *monitor.Series) bool {
		return s.Fence != f || s.Cell.Step != b.c.Plan.Step
	})
}

// lately is how many samples of a monitor are drawn beside its state.
const lately = 20

// sampled is a monitor at a place.
func (b *body) sampled(s *monitor.Series) {
	t := b.Theme
	mark, state := b.Monitors.State(s, b.Now)
	sum := s.Sum()
	said := t.Style(mark).Render(t.Glyph.Mark(mark) + " " + state)
	if place := wording.Line(s.Watch.Place()); place != "" {
		said += t.Muted.Render(" " + place)
	}
	if spark := monitor.Spark(t, s.Latest(lately)); spark != "" {
		said += " " + spark
	}
	if last, ok := s.Last(); ok && last.Drawn {
		said += " " + t.Text.Render(text.Figure(last.Number))
	}
	b.add(t.Muted.Render(pane.Fit("now", labelWidth, "")) + " " + said)
	facts := []string{fmt.Sprintf("%d samples", sum.Samples)}
	if bad := sum.Failures + sum.Unknown; bad > 0 {
		facts = append(facts, fmt.Sprintf("%d not good", bad))
	}
	if sum.Longest.Length > 0 {
		facts = append(facts, "longest gap "+text.Duration(sum.Longest.Length)+" at "+sum.Longest.From.In(b.Now.Location()).Format(time.TimeOnly))
	}
	if sum.Unobserved > 0 {
		facts = append(facts, "unobserved "+text.Duration(sum.Unobserved))
	}
	for _, l := range pane.Flow(facts, " "+t.Glyph.Dot+" ", max(b.w-labelWidth-3, 1)) {
		b.add(strings.Repeat(" ", labelWidth+3) + t.Muted.Render(l))
	}
	for i := range s.Episodes {
		b.episode(&s.Episodes[i])
	}
}

// episode tells when a monitor was red, and who has acknowledged that.
func (b *body) episode(e *run.Episode) {
	zone := b.Now.Location()
	style, said := b.Theme.Muted, wording.Episode(e, zone)
	if ack := wording.Acknowledged(e, zone); ack != "" {
		said += ", " + ack
	} else {
		style, said = b.Theme.Style(theme.Failed), said+", not acknowledged"
	}
	for _, l := range pane.Wrap(said, max(b.w-labelWidth-3, 1)) {
		b.add(strings.Repeat(" ", labelWidth+3) + style.Render(l))
	}
}
