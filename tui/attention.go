package tui

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/runbook/run"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Notify says how a person is called who is needed and isn't looking. The zero value
// calls nobody.
type Notify struct {
	Bell bool // BEL, which terminals and tmux make a sound or a mark of
	OSC9 bool // a notification of the desktop, in terminals that know it
	// After is how long something has to have run, for a person to be called behind it
	// where the terminal doesn't say whether anybody looks; and, with nothing but the next
	// step waiting, anywhere.
	After time.Duration
}

// gaze is whether the terminal has the person's attention, as far as it says so.
type gaze uint8

const (
	gazeUnknown gaze = iota
	gazeHere
	gazeAway
)

// attention is what is needed to call a person once for each wait.
type attention struct {
	looks gaze
	told  need      // the last wait that was dealt with
	since time.Time // when what is going on began; zero: nothing is
	ran   time.Duration
}

// need is something that waits for a person.
type need struct {
	at     offer
	prompt string
	soaked bool
	reds   int // monitors have turned red while something goes on: how often
}

// needed is what the run needs a person for; zero: nothing.
func (a *app) needed() need {
	s := a.snap
	switch {
	case s == nil || a.o.Watching:
		return need{}
	case s.Prompt != nil:
		return need{prompt: s.Prompt.ID}
	case s.Wait == run.WaitNothing || s.Busy != nil:
		return need{reds: a.board.Reds()}
	case s.Wait == run.WaitBatch:
		if wording.SoakLeft(s, a.now) > 0 {
			return need{}
		}
		return need{at: a.here(), soaked: true}
	case s.Wait == run.WaitGo && a.auto && !a.declined():
		return need{}
	}
	return need{at: a.here()}
}

// attend follows what goes on, and calls a person when the run begins to need one who
// isn't looking, once for each wait.
func (a *app) attend() tea.Cmd {
	if a.snap == nil {
		return nil
	}
	t := &a.calling
	switch {
	case a.snap.Busy != nil && t.since.IsZero():
		t.since = a.snap.Busy.Since
	case a.snap.Busy != nil:
	case !t.since.IsZero():
		t.ran, t.since = a.now.Sub(t.since), time.Time{}
	}
	n := a.needed()
	first := t.told == need{} && t.ran == 0 && t.since.IsZero()
	if n == t.told || n == (need{}) {
		return nil
	}
	t.told = n
	long := t.ran >= a.o.Notify.After && t.ran > 0 || n.reds > 0 && !t.since.IsZero() && a.now.Sub(t.since) >= a.o.Notify.After
	t.ran = 0
	switch {
	case first && t.looks != gazeAway: // whoever has just opened the screen looks at it
		return nil
	case t.looks == gazeHere:
		return nil
	case t.looks == gazeUnknown && !long:
		return nil
	case n.at.wait == run.WaitGo && !long:
		return nil
	}
	return a.ring()
}

// ring is what is sent to call a person.
func (a *app) ring() tea.Cmd {
	var seq strings.Builder
	if a.o.Notify.OSC9 {
		note := ansi.Notify(pane.Cut("stepgate: "+a.callFor(), 120, ""))
		if a.tmux {
			note = ansi.TmuxPassthrough(note)
		}
		seq.WriteString(note)
	}
	if a.o.Notify.Bell {
		seq.WriteString("\a")
	}
	if seq.Len() == 0 {
		return nil
	}
	return tea.Raw(seq.String())
}

// callFor says in a few words what a person is needed for.
func (a *app) callFor() string {
	if p := a.snap.Prompt; p != nil {
		return wording.Line(p.Host) + " asks for " + wording.Wants(p)
	}
	if said := wording.Waiting(a.snap, a.now); a.snap.Wait == run.WaitMonitor || a.board.Reds() == 0 {
		return said
	}
	return wording.Reds(a.snap.Run)
}

// inTmux reports whether the terminal is one of tmux.
func inTmux(env []string) bool {
	if env == nil {
		env = os.Environ()
	}
	return slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "TMUX=") && v != "TMUX=" })
}

// title says in the window's title where the run stands.
func (a *app) title() string {
	if a.snap == nil {
		return "stepgate"
	}
	settled, total, _ := a.snap.Run.Progress()
	mark, word := a.standing()
	dot := " " + a.theme.Glyph.Dot + " "
	return a.theme.Glyph.Mark(mark) + " " + word + dot + fmt.Sprintf("%d/%d", settled, total) + dot + wording.Line(a.snap.Run.Plan.Title)
}

// standing is what the run does or waits for, in a word.
func (a *app) standing() (theme.Mark, string) {
	s := a.snap
	switch {
	case s.ReadOnly != "":
		return theme.Failed, "not journaled"
	case s.Prompt != nil:
		return theme.Gate, "login"
	case s.Busy != nil && a.board.Reds() > 0:
		return theme.Failed, "monitor red, running"
	case s.Busy != nil:
		return theme.Running, "running"
	}
	switch s.Wait {
	case run.WaitGate:
		return theme.Gate, "gate"
	case run.WaitFailure, run.WaitUnknown:
		if c := s.Run.Cell(s.Current); c != nil {
			return wording.Mark(c.Status), wording.Status(c.Status)
		}
		return theme.Failed, "failed"
	case run.WaitAsk:
		return theme.Ready, "question"
	case run.WaitManual:
		return theme.Ready, "by hand"
	case run.WaitBatch:
		if wording.SoakLeft(s, a.now) > 0 {
			return theme.Running, "soaking"
		}
		return theme.Gate, "go on?"
	case run.WaitUndo:
		return theme.Undone, "roll back?"
	case run.WaitMonitor:
		return theme.Failed, "monitor red"
	case run.WaitPaused:
		return theme.Pending, "paused"
	case run.WaitClosed:
		if s.Run.Closed == run.Aborted {
			return theme.Failed, string(s.Run.Closed)
		}
		return theme.Done, string(s.Run.Closed)
	case run.WaitGo:
		return theme.Ready, "next"
	case run.WaitNothing:
	}
	return theme.Running, "at work"
}

// The window's title is put aside while the screen is shown, and given back.
var (
	keepTitle = ansi.WindowOp(22, 2)
	backTitle = ansi.WindowOp(23, 2)
)
