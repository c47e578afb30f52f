package engine_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepgate/engine"
	"stepgate/executor/executortest"
	"stepgate/runbook/run"
	"stepgate/state"
)

// guest writes an event into the run as somebody who doesn't drive it.
func (w *world) guest(e run.Event) {
	w.t.Helper()
	if _, err := w.store.AppendGuest(w.t.Context(), w.id, "ben", time.Now(), e); err != nil {
		w.t.Fatal(err)
	}
}

func TestANoteOfAGuestIsSeenWhereTheRunWaits(t *testing.T) {
	t.Parallel()
	st := newStage(t, oneStep)
	d := st.start()
	d.at(run.WaitGo, "one")
	st.guest(run.Note{Text: "I can see you"})
	d.until("the note", func(s *run.Snapshot) bool { return len(s.Run.Notes) == 1 && s.Run.Notes[0].Actor == "ben" })
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	d.at(run.WaitManual, "tick")
	st.wantRan("one")
}

func TestAGuestsWishPausesTheRunBeforeItsNextStep(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wish run.Event
		says string
		open bool // still to be answered once it is paused
	}{
		"to pause": {run.PauseRequested{Why: "the load is high"}, "ben asks to pause the run: the load is high", false},
		"to abort": {run.AbortRequested{}, "ben asks to abort the run", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, front+step("one", sh("", "one"))+step("two", sh("", "two"))+step("tick"))
			s, end := hold(t, executortest.Script{})
			st.set("one", s)
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			st.await("one")
			st.guest(tc.wish)
			d.until("the wish", func(s *run.Snapshot) bool { return len(s.Run.Wishes) == 1 && s.Busy != nil })
			end() // the command is let finish
			sn := d.at(run.WaitPaused, "two")
			if !strings.Contains(sn.Notice, tc.says) || tc.open != (len(sn.Run.Wishes) == 1) {
				t.Errorf("notice %q, wishes %+v", sn.Notice, sn.Run.Wishes)
			}
			d.leave("killed") // whoever resumes decides about an abort, too
			d = st.resume()
			if tc.open {
				sn = d.at(run.WaitPaused, "two")
				if !sn.Action(run.VerbAbort).OK() {
					t.Errorf("abort: %+v", sn.Action(run.VerbAbort))
				}
				d.do(run.Continue{})
			}
			if sn = d.at(run.WaitGo, "two"); len(sn.Run.Wishes) != 0 {
				t.Errorf("wishes %+v", sn.Run.Wishes)
			}
			st.wantRan("one")
		})
	}
}

// Who lost the run to another driver sends nothing more and watches on.
func TestARunThatIsTakenOverIsOnlyWatched(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh("", "one"))+step("tick"))
	s, end := hold(t, executortest.Script{})
	st.set("one", s)
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	st.await("one")
	other := st.elsewhere()
	o := st.options()
	o.Journal, o.Holder, o.TakeOver = other, "cy@bastion", true
	e, err := engine.Resume(t.Context(), o, st.plan, st.id)
	if err != nil {
		t.Fatal(err)
	}
	d2 := st.drive(e)
	sn := d.until("the loss", func(s *run.Snapshot) bool { return s.TakenOver != "" && s.Busy == nil })
	if sn.TakenOver != "cy@bastion" || !strings.Contains(sn.ReadOnly, "cy@bastion drives this run now") {
		t.Errorf("taken over by %q, read only: %q", sn.TakenOver, sn.ReadOnly)
	}
	d.refused(run.AddNote{Text: "x"}, "cy@bastion")
	d.refused(run.Go{}, "cy@bastion")
	end()
	d2.at(run.WaitManual, "tick")
	d2.do(run.MarkDone{})
	d2.closed()
	if sn = d.closed(); sn.Run.Closed != run.Done { // it has seen all of it
		t.Errorf("closed as %q", sn.Run.Closed)
	}
	st.wantRan("one")
	forced := false
	for _, r := range st.events() {
		if l, ok := r.Event.(run.LeaseTaken); ok {
			forced = l.Forced
		}
	}
	if !forced {
		t.Error("that it was taken by force is not recorded")
	}
}

// elsewhere is the journal as another process has it.
func (w *world) elsewhere() *state.Store {
	w.t.Helper()
	s, err := state.Open(w.t.Context(), filepath.Join(w.dir, "state", "stepgate.db"), state.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	return s
}
