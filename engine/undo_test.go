package engine_test

import (
	"strings"
	"testing"

	"stepgate/executor/executortest"
	"stepgate/runbook/run"
)

// An instance is rolled back newest first, each step asked for, down to what
// can't be undone.
func TestAnInstanceIsRolledBackToItsWall(t *testing.T) {
	t.Parallel()
	two := func(id string) string { return step(id, sh("", id), sh(".rollback", "un"+id)) }
	st := newStage(t, paired+"## Each {#each each=pair}\n\n"+two("one")+
		step("wall", caution, sh(".irreversible", "wall"))+two("two")+two("three")+step("four", sh("", "four")))
	st.set("four@a", executortest.Script{Exit: 1})
	d := st.start()
	for {
		s := d.until("a question", func(s *run.Snapshot) bool { return s.Busy == nil && s.Wait != run.WaitNothing })
		if s.Wait == run.WaitGate {
			d.answer()
		} else if s.Wait == run.WaitGo {
			d.do(run.Go{})
		} else {
			break
		}
	}
	s := d.at(run.WaitFailure, "each[a]/four")
	reaches := map[run.RollbackScope]run.Reach{}
	for _, r := range s.Run.RollBacks(at1(s)) {
		reaches[r.Scope] = r
	}
	if r := reaches[run.RollbackInstance]; len(r.Cells) != 2 || r.Cells[0].Step != "each[a]/three" || !strings.Contains(r.Says, "Mind it") {
		t.Errorf("the instance: %+v", r)
	}
	d.do(run.RollBack{Scope: run.RollbackInstance})
	d.at(run.WaitUndo, "each[a]/three")
	d.do(run.Go{})
	d.at(run.WaitUndo, "each[a]/two")
	st.wantRan("one@a", "wall@a", "two@a", "three@a", "four@a", "unthree@a")
	d.do(run.Skip{Reason: "it stays"})
	s = d.until("the queue to be empty", func(s *run.Snapshot) bool {
		return s.Wait != run.WaitUndo && s.Busy == nil && s.Wait != run.WaitNothing
	})
	if len(s.Run.Undoing) > 0 {
		t.Errorf("still to be undone: %v", s.Run.Undoing)
	}
	st.wantRan("one@a", "wall@a", "two@a", "three@a", "four@a", "unthree@a")
	if got := status(s, "each[a]/two", "a"); got != run.Succeeded {
		t.Errorf("two is %s", got)
	}
}

func TestAQueueOfRollbacksIsKeptOverACrash(t *testing.T) {
	t.Parallel()
	two := func(id string) string { return step(id, sh("", id), sh(".rollback", "un"+id)) }
	st := newStage(t, front+"## S {#s}\n\n"+two("one")+two("two")+step("bad", sh("", "bad")))
	st.set("bad", executortest.Script{Exit: 1})
	held, end := hold(t, executortest.Script{})
	st.set("untwo", held)
	d := st.start()
	for _, id := range []string{"s/one", "s/two", "s/bad"} {
		d.at(run.WaitGo, id)
		d.do(run.Go{})
	}
	d.at(run.WaitFailure, "s/bad")
	d.do(run.RollBack{Scope: run.RollbackSection})
	d.at(run.WaitUndo, "s/two")
	d.do(run.Go{})
	st.await("untwo")
	d.leave("crash")
	st.reopen()
	end()
	d = st.resume()
	d.at(run.WaitUndo, "s/one")
	d.do(run.Go{})
	d.until("all to be undone", func(s *run.Snapshot) bool { return status(s, "s/one", "local") == run.RolledBack })
	st.wantRan("one", "two", "bad", "untwo", "unone")
}
