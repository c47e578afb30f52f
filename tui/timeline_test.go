package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
)

// journal is a source that has a story's events.
type journal struct {
	silence
	told  func() []run.Record
	reads atomic.Int64
	most  atomic.Int64 // the most events that were read at a time
	fails atomic.Bool
}

func (j *journal) Events(_ context.Context, after uint64, most int) ([]run.Record, error) {
	if j.fails.Load() {
		return nil, errors.New("disk gone")
	}
	j.reads.Add(1)
	recs := j.told()
	recs = recs[min(int(after), len(recs)):]
	recs = recs[:min(len(recs), most)]
	j.most.Store(max(j.most.Load(), int64(len(recs))))
	return recs, nil
}

// leafer is a still screen that carries out what reads the journal.
type leafer struct {
	*still
	j *journal
}

func leafing(s *story, w, h int, msgs ...tea.Msg) *leafer {
	r := &leafer{pose(s, w, h), &journal{told: func() []run.Record { return s.told }}}
	r.src = r.j
	r.does(msgs...)
	return r
}

func (r *leafer) does(msgs ...tea.Msg) *leafer {
	for _, m := range msgs {
		_, cmd := r.Update(m)
		r.carry(cmd)
	}
	return r
}

func (r *leafer) carry(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range m {
			r.carry(c)
		}
	case eventsMsg:
		r.does(m)
	}
}

func overnight(t *testing.T) *story {
	s := tablets(t).stopFails()
	s.at = s.at.Add(2*time.Hour + 4*time.Minute)
	return s.then(run.Note{Text: "等值班 DBA 上线再继续；先不动其他节点"}, run.LeaseReleased{Why: "left"}, run.LeaseTaken{Holder: "wang@bastion-2"})
}

func TestTimelineFrames(t *testing.T) {
	t.Parallel()
	for _, f := range []shot{
		{"timeline", overnight, press("esc", "T")},
		{"timeline-decisions", overnight, press("esc", "T", "space", "up")},
		{"timeline-filter", overnight, append(press("esc", "T", "/"), typed("stop gate")...)},
		{"timeline-nothing", overnight, append(press("esc", "T", "/"), append(typed("nowhere"), press("enter")...)...)},
	} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			name := fmt.Sprintf("%s-%dx%d", f.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				golden(t, name, leafing(f.tell(t), size[0], size[1], f.msgs...).text())
			})
		}
	}
}

// The newest event is in sight as it comes, unless the operator reads elsewhere.
func TestTimelineFollows(t *testing.T) {
	t.Parallel()
	s := overnight(t)
	r := leafing(s, 80, 24, press("esc", "T")...)
	note := func(text string) string {
		s.then(run.Note{Text: text})
		return r.does(snapMsg{s.snap()}).text()
	}
	if got := note("first of all"); !strings.Contains(got, "note: first of all") {
		t.Errorf("the newest isn't in sight:\n%s", got)
	}
	r.does(press("up", "up", "pgup")...)
	for i := range 30 {
		note(fmt.Sprint("more ", i))
	}
	if got := r.text(); strings.Contains(got, "more 29") {
		t.Errorf("it has run away from the operator:\n%s", got)
	}
	if got := r.does(press("G")...).text(); !strings.Contains(got, "more 29") {
		t.Errorf("the end isn't the end:\n%s", got)
	}
}

// Of a long run only what is looked at is read, from the end backwards; a filter
// goes back until it has found enough.
func TestTimelineReadsWhatIsLookedAt(t *testing.T) {
	t.Parallel()
	s := tablets(t)
	long := *s.run
	for i := range 9000 {
		long.Seq++
		s.told = append(s.told, run.Record{Seq: long.Seq, Wall: s.at.Add(time.Duration(i) * time.Second), Actor: "li", Event: run.Note{Text: fmt.Sprint("remark ", i)}})
	}
	s.run = &long
	r := leafing(s, 80, 24, press("T")...)
	if n := r.j.reads.Load(); n != 1 || r.j.most.Load() > eventPage {
		t.Errorf("%d reads of up to %d events to show the end", n, r.j.most.Load())
	}
	if got := r.text(); !strings.Contains(got, "remark 8999") || !strings.Contains(got, "2000 of the latest 20") {
		t.Errorf("got:\n%s", got)
	}
	r.does(append(press("/"), append(typed("started"), press("enter")...)...)...)
	if got := r.text(); !strings.Contains(got, "run of ") || r.j.reads.Load() != 5 {
		t.Errorf("the first event isn't found, after %d reads:\n%s", r.j.reads.Load(), got)
	}
	r.does(press("esc", "g")...)
	if got := r.text(); !strings.Contains(got, "event 1,") || !strings.Contains(got, "9002 of 9002") {
		t.Errorf("the first line isn't the first event:\n%s", got)
	}
	// From the end to the first line, over what wasn't read.
	r = leafing(s, 80, 24, press("T", "g")...)
	if got := r.text(); !strings.Contains(got, "event 1,") {
		t.Errorf("the first line isn't the first event:\n%s", got)
	}
}

// What reads fails is told, and tried again.
func TestTimelineThatCantBeRead(t *testing.T) {
	t.Parallel()
	s := tablets(t)
	r := leafing(s, 80, 24)
	r.j.fails.Store(true)
	if got := r.does(press("T")...).text(); !strings.Contains(got, "disk gone") {
		t.Errorf("got:\n%s", got)
	}
	r.j.fails.Store(false)
	if got := r.does(snapMsg{s.snap()}).text(); !strings.Contains(got, "driven by li@bastion") {
		t.Errorf("got:\n%s", got)
	}
}

// Enter leads to what an event is about; y copies its line; a click selects.
func TestTimelineActs(t *testing.T) {
	t.Parallel()
	r := leafing(overnight(t), 120, 40, append(press("esc", "T", "/"), append(typed("phrase"), press("enter")...)...)...)
	_, cmd := r.Update(stroke("y"))
	if cmd == nil || !strings.Contains(r.text(), "the line was copied") {
		t.Errorf("nothing was copied:\n%s", r.text())
	}
	r.does(press("enter")...)
	if row, _ := r.tree.Selected(); r.top() != nil || row.Key.String() != "tablets[tablet-1]/stop@tablet-1" {
		t.Errorf("it leads to %s, dialog %T", row.Key, r.top())
	}
	r.does(press("T", "g")...)
	if got := r.does(press("enter")...).text(); !strings.Contains(got, "about the run as a whole") {
		t.Errorf("got:\n%s", got)
	}
	y := 0
	for i, l := range strings.Split(r.text(), "\n") {
		if strings.Contains(l, "ticked") {
			y = i
		}
	}
	r.does(tea.MouseClickMsg{X: 20, Y: y, Button: tea.MouseLeft}, stroke("enter"))
	if row, _ := r.tree.Selected(); row.Key.Step != "preflight/tell" {
		t.Errorf("the click leads to %s", row.Key)
	}
}
