package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
)

// Tone says how much an event of a timeline wants to be seen.
type Tone uint8

const (
	Routine  Tone = iota
	Decision      // a person's word, or what stands in for it
	Trouble       // something failed, or isn't known
	Remark        // a note
	Sampled       // what monitors showed, of which there is a lot
)

// Entry is an event as a timeline tells it. All its texts are single lines that
// are fit for a terminal.
type Entry struct {
	Seq   uint64
	At    time.Time
	Actor string
	Key   run.Key // the cell it is about; of a walk or an instance its path; zero: the run
	About string  // Key for people; empty: the run
	Text  string
	Tone  Tone
	// Beside: it is about what goes on beside the steps, a monitor or a background process.
	Beside bool
}

// Teller tells the events of a run. It isn't for several goroutines.
type Teller struct {
	r     *run.Run
	names map[run.Key]string
}

// NewTeller tells events of a run, whose state names the steps. It may be ahead of
// the events.
func NewTeller(r *run.Run) *Teller { return &Teller{r, map[run.Key]string{}} }

// Tell tells an event.
func (t *Teller) Tell(rec run.Record) Entry {
	k := subject(rec.Event)
	return Entry{
		Seq: rec.Seq, At: rec.Wall, Actor: line(rec.Actor), Key: k, About: t.about(k), Text: told(t.r, rec.Event), Tone: toneOf(rec.Event),
		Beside: goesOnBeside(rec.Event),
	}
}

// about names what an event is about: a cell, an instance of a walk, a walk.
func (t *Teller) about(k run.Key) string {
	if k.Step == "" {
		return ""
	}
	s, known := t.names[k]
	if !known {
		s = t.nameOf(k)
		t.names[k] = s
	}
	return s
}

func (t *Teller) nameOf(k run.Key) string {
	if t.r.Cell(k) != nil {
		return name(t.r, k)
	}
	for _, w := range t.r.Plan.Walks {
		inst, ok := strings.CutPrefix(k.Step, w.ID)
		if !ok || inst != "" && inst[0] != '[' {
			continue
		}
		title := w.Number + " " + line(t.r.Plan.Text(w.Title, w.Scope, func(string) (any, bool) { return "…", true }))
		if inst == "" {
			return title
		}
		for _, key := range w.Keys {
			if inst == "["+key+"]" {
				return title + " for " + line(key)
			}
		}
	}
	return line(k.String())
}

func toneOf(e run.Event) Tone {
	switch e := e.(type) {
	case run.Note:
		return Remark
	case run.ChecksTaken:
		// That a step isn't done yet is what its probe is expected to say.
		if e.Phase != run.Already && e.Verdict() != checks.Pass {
			return Trouble
		}
	case run.Outcome:
		if e.Verdict != checks.Pass {
			return Trouble
		}
	case run.LeaseTaken:
		if e.Forced {
			return Trouble
		}
	case run.WalkOrdered:
		if e.Why != "" {
			return Decision
		}
	case run.Asked:
		if !e.Repeated {
			return Decision
		}
	case run.SampleBatch:
		return Sampled
	case run.MonitorTurned:
		if e.Red {
			return Trouble
		}
	case run.BackgroundDown:
		if !e.Ended {
			return Trouble
		}
	case run.NotDispatched, run.Interrupted, run.Probed, run.NotReturned:
		return Trouble
	case run.GateGranted, run.GateClosed, run.OutcomeResolved, run.ManualDone, run.CellSkipped, run.Retried, run.RerunOverride,
		run.RollbackRequested, run.RollbackPlanned, run.Called, run.InstanceExcluded, run.InstanceIncluded, run.StopRequested,
		run.Paused, run.Continued, run.AbortRequested, run.PauseRequested, run.Adopted, run.HostKeyAccepted, run.RunClosed,
		run.Edited, run.AdHocAsked, run.Jumped, run.MonitorAcknowledged:
		return Decision
	}
	return Routine
}

// Choice picks entries of a timeline.
type Choice struct {
	Tones  []Tone   // none: all but [Sampled]
	Beside bool     // only what is about monitors and background processes
	Words  []string // each has to occur in who, where or what, whatever its case
}

// Takes reports whether an entry is picked.
func (c Choice) Takes(e *Entry) bool {
	if len(c.Tones) > 0 && !slices.Contains(c.Tones, e.Tone) || len(c.Tones) == 0 && e.Tone == Sampled {
		return false
	}
	if c.Beside && !e.Beside {
		return false
	}
	if len(c.Words) == 0 {
		return true
	}
	all := strings.ToLower(strings.Join([]string{e.Actor, e.About, e.Key.String(), e.Text}, "\n"))
	return !slices.ContainsFunc(c.Words, func(w string) bool { return !strings.Contains(all, strings.ToLower(w)) })
}

// Pick returns the records that are picked.
func Pick(r *run.Run, records []run.Record, c Choice) []run.Record {
	t := NewTeller(r)
	var out []run.Record
	for _, rec := range records {
		if e := t.Tell(rec); c.Takes(&e) {
			out = append(out, rec)
		}
	}
	return out
}

// Kinds are what a timeline may be cut down to; the first is all of it but samples.
func Kinds() []Kind {
	return []Kind{
		{Name: "all", Says: "everything"},
		{Name: "decisions", Says: "decisions and trouble", tones: []Tone{Decision, Trouble}},
		{Name: "trouble", Says: "trouble", tones: []Tone{Trouble}},
		{Name: "notes", Says: "notes", tones: []Tone{Remark}},
		{Name: "monitors", Says: "monitors and processes", beside: true},
		{Name: "samples", Says: "samples", tones: []Tone{Sampled}},
	}
}

// Kind is a part of a timeline.
type Kind struct {
	Name   string
	Says   string
	tones  []Tone
	beside bool
}

// Choice picks what is of the kind and has the words.
func (k Kind) Choice(words []string) Choice {
	return Choice{Tones: k.tones, Beside: k.beside, Words: words}
}

// goesOnBeside reports whether an event is about a monitor or a background process.
func goesOnBeside(e run.Event) bool {
	switch e := e.(type) {
	case run.MonitorTurned, run.MonitorAcknowledged, run.WatchBegun, run.BackgroundUp, run.BackgroundDown:
		return true
	case run.Intent:
		return e.Role == run.RoleKeep
	}
	return false
}

// Line is the entry as `stepgate timeline` writes it.
func (e *Entry) Line(zone *time.Location) string {
	about := ""
	if e.Key.Step != "" {
		about = line(e.Key.String()) + ": "
	}
	return fmt.Sprintf("%s %4d %s  %s%s", e.At.In(zone).Format("2006-01-02 15:04:05"), e.Seq, e.Actor, about, e.Text)
}
