package engine_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// env is what a variable was set to for a host's latest command of a name.
func (st *stage) env(host, name, variable string) string {
	for _, c := range slices.Backward(st.fakes[host].Calls()) {
		if (c.Method == "Start" || c.Method == "Look") && word(c.Command) == name {
			for _, v := range c.Command.Env {
				if v.Name == variable {
					return v.Value
				}
			}
			return "(unset)"
		}
	}
	return "(not sent)"
}

func TestWhenIsDecidedOnce(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("look", sh(".check", "look"), capture("v = number(lines[0])"))+
		strings.Replace(step("yes", sh("", "yes")), "{#yes}", `{#yes when="v > 1"}`, 1)+
		strings.Replace(step("no", sh("", "no")), "{#no}", `{#no when="v > 2"}`, 1)+step("tick"))
	st.set("look", executortest.Script{Stdout: "2\n"})
	d := st.start()
	d.at(run.WaitGo, "look")
	d.do(run.Go{})
	d.at(run.WaitGo, "yes")
	d.do(run.Go{})
	s := d.at(run.WaitManual, "tick")
	if c := s.Run.Cell(run.Key{Step: "no", Target: plan.Local}); c.Status != run.NotApplicable || len(c.When.Rows) != 1 {
		t.Errorf("no is %s, %+v", c.Status, c.When)
	}
	st.wantRan("yes")
	if n := st.count("WhenDecided"); n != 2 {
		t.Errorf("%d decisions", n)
	}
}

func TestWhenThatIsNotKnownAsks(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("look", sh(".check", "look"), capture("v = number(lines[0])"))+
		strings.Replace(step("one", sh("", "one")), "{#one}", `{#one when="v > 1"}`, 1)+step("tick"))
	st.set("look", executortest.Script{Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "look")
	d.do(run.Go{})
	d.at(run.WaitFailure, "look")
	d.do(run.Skip{Reason: "it has none"})
	s := d.at(run.WaitFailure, "one") // v is not known
	if !strings.Contains(s.Notice, "decide whether") || at1(s).Status != run.Pending {
		t.Errorf("%s, notice %q", at1(s).Status, s.Notice)
	}
	before := st.events()
	d.do(run.Retry{})
	d.at(run.WaitFailure, "one")
	if after := st.events(); len(after) != len(before) {
		t.Errorf("a decision that can't be taken writes %d events", len(after)-len(before))
	}
	d.do(run.Skip{Reason: "not today"})
	d.at(run.WaitManual, "tick")
	st.wantRan()
}

// walked is the order in which the steps named hop have run.
func walked(s *run.Snapshot) string {
	var hosts []string
	cells := slices.Clone(s.Run.Cells)
	slices.SortFunc(cells, func(a, b *run.Cell) int { return int(a.Seq) - int(b.Seq) })
	for _, c := range cells {
		if strings.HasSuffix(c.Key.Step, "/hop") {
			hosts = append(hosts, c.Key.Target)
		}
	}
	return strings.Join(hosts, " ")
}

func TestAWalkIsOrderedOnce(t *testing.T) {
	t.Parallel()
	for by, want := range map[string]string{"host == 'a'": "b a", "host == 'b'": "a b", "1": "a b", "0 - number(n)": "b a", "lead == host": "b a"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, paired+step("look", sh(".check", "look"), capture("lead = lines[0]"))+
				"\n## Each {#each each=pair order_by=\""+by+"\"}\n\n"+step("hop", sh("", "hop"))+"\n## End {#end}\n\n"+step("tick"))
			st.set("look", executortest.Script{Stdout: "a\n"})
			d := st.start()
			d.until("the first", func(s *run.Snapshot) bool { return s.Busy == nil && s.Wait == run.WaitGo })
			d.do(run.Go{})
			d.until("the walk", func(s *run.Snapshot) bool { return s.Busy == nil && strings.HasSuffix(s.Current.Step, "/hop") })
			d.do(run.Go{})
			d.leave("detached") // the order stays
			st.set("look", executortest.Script{Stdout: "b\n"})
			d = st.resume()
			s := walk(t, d.e)
			if got := walked(s); got != want {
				t.Errorf("walked %q, want %q", got, want)
			}
			if n := st.count("WalkOrdered"); n != 1 {
				t.Errorf("ordered %d times", n)
			}
		})
	}
}

func TestAnOrderThatIsNotKnownAsks(t *testing.T) {
	t.Parallel()
	st := newStage(t, paired+step("look", sh(".check on=pair", "look"), capture("rank = number(lines[0])"))+
		"\n## Each {#each each=pair order_by=rank}\n\n"+step("hop", sh("", "hop"))+"\n## End {#end}\n\n"+step("tick"))
	st.set("look", executortest.Script{Stdout: "1\n", Exit: 1})
	d := st.start()
	d.at(run.WaitGo, "look")
	d.do(run.Go{})
	d.at(run.WaitFailure, "look")
	d.do(run.Skip{Reason: "no rank yet"})
	s := d.at(run.WaitFailure, "each[a]/hop")
	if !strings.Contains(s.Notice, "order the hosts") {
		t.Errorf("notice %q", s.Notice)
	}
	seq := s.Run.Seq
	d.do(run.Retry{})
	s = d.at(run.WaitFailure, "each[a]/hop")
	if s.Run.Seq != seq || !strings.Contains(s.Notice, "order the hosts") {
		t.Errorf("%d events, notice %q", s.Run.Seq-seq, s.Notice)
	}
	d.do(run.Skip{Reason: "a is out"}) // leaves the question where it was, and its retry
	s = d.until("the question again", func(s *run.Snapshot) bool {
		return s.Busy == nil && s.Wait == run.WaitFailure && s.Run.Cell(run.Key{Step: "each[a]/hop", Target: "a"}).Status == run.Skipped
	})
	if a := s.Action(run.VerbRetry); !a.OK() {
		t.Errorf("retry: %s", a.Why)
	}
	st.wantRan()
}

func TestAPollTriesUntilItHolds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, poll string
		good       string // of each try, by letter; the last goes on
		tries      int
		status     run.Status
		cause      string
	}{
		{"at once", "until=100ms every=10ms", "g", 1, run.Succeeded, ""},
		{"at last", "until=100ms every=10ms", "bbbg", 4, run.Succeeded, ""},
		{"never", "until=100ms every=10ms", "b", 10, run.Failed, ""},
		{"for a while", "until=100ms every=10ms hold=30ms", "ggbg", 6, run.Succeeded, ""},
		{"not long enough", "until=100ms every=10ms hold=95ms", "bg", 10, run.Failed, "did not hold for 95ms"},
		{"nobody knows", "until=100ms every=10ms", "u", 10, run.Unknown, ""},
		{"unknown begins anew", "until=100ms every=10ms hold=30ms", "gugggg", 5, run.Succeeded, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, front+step("look", sh(".check "+tc.poll, "look"), expect(`number(lines[0]) == 1`), capture("v = stdout"))+step("tick"))
			var clock atomic.Int64 // a try takes as long as the pause between two
			st.now = func() time.Time { return time.Unix(1, clock.Load()) }
			n := 0
			st.fakes[plan.Local] = executortest.NewFake(func(executor.Command) executortest.Script {
				clock.Add(int64(10 * time.Millisecond))
				n++ // one look at a time
				says := map[byte]string{'g': "1\n", 'b': "0\n", 'u': "?\n"}
				return executortest.Script{Stdout: says[tc.good[min(n, len(tc.good))-1]]}
			})
			d := st.start()
			d.at(run.WaitGo, "look")
			d.do(run.Go{})
			key := run.Key{Step: "look", Target: plan.Local}
			s := d.until("its end", func(s *run.Snapshot) bool { return s.Busy == nil && s.Run.Cell(key).Status != run.Pending })
			c := s.Run.Cell(key)
			res := c.Checks[run.Before].Checks[0]
			if c.Status != tc.status || res.Tries != n || n != tc.tries || !strings.Contains(res.Cause, tc.cause) {
				t.Errorf("%s after %d tries (%d taken): %q", c.Status, n, res.Tries, res.Cause)
			}
			if (len(res.Values) > 0) != (tc.status == run.Succeeded) {
				t.Errorf("captured %v", res.Values)
			}
		})
	}
}

func TestCapturesReachLaterStepsAndChangeOnlyBySuccess(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("one", sh(".check", "may"), capture("p = lines[0]"), sh("", "one"), expect(`lines[0] != "never"`), capture("v = lines[0]"),
		sh(".check", "holds"), expect(`v != "bad"`), capture("w = lines[0]"))+step("two", sh("", "two"))+step("tick"))
	st.set("may", executortest.Script{Stdout: "p1\n"})
	st.set("one", executortest.Script{Stdout: "bad\n"})
	st.set("holds", executortest.Script{Stdout: "w1\n"})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "one") // the postcondition has seen what the command captured
	if got := st.env(plan.Local, "one", "p"); got != "p1" {
		t.Errorf("the command sees p = %q", got)
	}
	if names := s.Run.NamesIn(nil, plan.Local); names["v"] != nil || names["p"] != nil || names["w"] != nil {
		t.Errorf("a step that failed leaves %v %v %v", names["p"], names["v"], names["w"])
	}
	st.set("may", executortest.Script{Stdout: "p2\n"})
	st.set("one", executortest.Script{Stdout: "good\n"})
	st.set("holds", executortest.Script{Stdout: "w2\n"})
	d.do(run.Retry{})
	d.at(run.WaitGo, "two")
	d.leave("detached")
	d = st.resume()
	d.at(run.WaitGo, "two")
	d.do(run.Go{})
	d.at(run.WaitManual, "tick")
	got := st.env(plan.Local, "two", "p") + " " + st.env(plan.Local, "two", "v") + " " + st.env(plan.Local, "two", "w")
	if got != "p2 good w2" {
		t.Errorf("a later command sees %q", got)
	}
}

func TestACommandOnAGroupStopsAtTheFirstThatFails(t *testing.T) {
	t.Parallel()
	st := newStage(t, paired+step("one", sh(".check on=pair", "may"), capture("m = lines[0]"), sh(".check on=pair", "mine"), expect("m == host + '!'"), sh("on=pair", "one"))+step("tick"))
	for _, h := range []string{"a", "b"} {
		st.set("may@"+h, executortest.Script{Stdout: h + "!\n"})
	}
	st.set("one@a", executortest.Script{Exit: 3})
	d := st.start()
	d.at(run.WaitGo, "one")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "one")
	if s.Current.Target != "a" || at1(s).Latest().Outcome.Exit != 3 {
		t.Errorf("stands at %s", s.Current)
	}
	st.wantRan("one@a")
	st.set("one@a", executortest.Script{})
	d.do(run.Retry{})
	d.until("b", func(s *run.Snapshot) bool { return s.Wait == run.WaitGo && s.Current.Target == "b" })
	st.wantRan("one@a", "one@a")
	d.do(run.Go{})
	d.at(run.WaitManual, "tick")
	st.wantRan("one@a", "one@a", "one@b")
}

func TestChecksOnAGroupAreTakenAtOnce(t *testing.T) {
	t.Parallel()
	st := newStage(t, paired+step("look", sh(".check on=pair", "look"), capture("v = lines[0]"), sh(".check on=pair", "same"), expect("v == host"))+
		step("two", sh("on=pair", "two"))+step("tick"))
	a, endA := hold(t, executortest.Script{Stdout: "a\n"})
	b, endB := hold(t, executortest.Script{Stdout: "b\n"})
	st.set("look@a", a)
	st.set("look@b", b)
	d := st.start()
	d.at(run.WaitGo, "look")
	d.do(run.Go{})
	s := d.until("both looks", func(s *run.Snapshot) bool {
		return s.Busy != nil && len(s.Busy.Looks) == 4 && s.Busy.Looks[0].Try == 1 && s.Busy.Looks[1].Try == 1
	})
	if s.Busy.Looks[2].Try != 0 {
		t.Error("the second check is taken before the first has ended")
	}
	endB()
	d.until("b", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.Looks[1].Done })
	endA()
	walk(t, d.e)
	for _, h := range []string{"a", "b"} {
		if got := st.env(h, "two", "v"); got != h {
			t.Errorf("%s sees v = %q", h, got)
		}
	}
}

func TestEnteringASectionIsGatedOncePerInstance(t *testing.T) {
	t.Parallel()
	st := newStage(t, paired+"\n## Each {#each each=pair confirm=\"enter {{host}}\"}\n\n> [!CAUTION]\n> Mind it.\n\n"+step("hop", sh("", "hop")))
	d := st.start()
	for _, h := range []string{"a", "b"} {
		s := d.until("the gate of "+h, func(s *run.Snapshot) bool {
			return s.Busy == nil && s.Wait == run.WaitGo && strings.HasPrefix(s.Current.Step, "each["+h+"]")
		})
		if at1(s).Plan.Step.Kind != plan.Enter {
			t.Fatalf("stands at %s", s.Current)
		}
		d.do(run.Go{})
		s = d.until("gate", func(s *run.Snapshot) bool { return s.Wait == run.WaitGate })
		if g := at1(s).Gate; g.Phrase != "enter "+h || g.Dispatch != nil {
			t.Errorf("gate %+v", g)
		}
		d.do(run.Answer{Gate: at1(s).Gate.Gate, Typed: "enter"})
		d.until("declined", func(s *run.Snapshot) bool { return s.Busy == nil && s.Wait == run.WaitGo })
		d.do(run.Go{})
		d.until("gate", func(s *run.Snapshot) bool { return s.Wait == run.WaitGate })
		d.answer()
		d.at(run.WaitGo, "each["+h+"]/hop")
		d.do(run.Go{})
	}
	d.closed()
	st.wantRan("hop@a", "hop@b")
}

func TestOutputLargerThanAnExpectCanJudge(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 9<<20)
	for _, tc := range []struct {
		name   string
		parts  []string
		exit   int
		status run.Status
	}{
		{"no expect", nil, 0, run.Succeeded},
		{"an expect that would pass", []string{expect(`lines[0] startsWith "x"`)}, 0, run.Unknown},
		{"an expect that would fail", []string{expect(`stdout contains "y"`)}, 0, run.Unknown},
		{"a capture", []string{capture("v = len(stdout)")}, 0, run.Unknown},
		{"a failure that needs no output", []string{expect(`stdout contains "y"`)}, 2, run.Failed},
		{"a failure that speaks of the exit", []string{expect(`exit == 2 && stdout contains "y"`)}, 2, run.Unknown},
		{"no expect, failed", nil, 2, run.Failed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, front+step("one", append([]string{sh("", "one")}, tc.parts...)...)+step("tick"))
			st.set("one", executortest.Script{Stdout: big, Exit: tc.exit})
			d := st.start()
			d.at(run.WaitGo, "one")
			d.do(run.Go{})
			s := d.until("its end", func(s *run.Snapshot) bool { return s.Busy == nil && st.count("Outcome") == 1 })
			c := s.Run.Cell(run.Key{Step: "one", Target: plan.Local})
			if c.Status != tc.status {
				b, _ := json.Marshal(c.Latest().Outcome)
				t.Errorf("%s: %s", c.Status, b[:min(len(b), 500)])
			}
			o := c.Latest().Outcome
			if kept := strconv.Itoa(int(o.Bytes[0] - o.Omitted[0])); o.Bytes[0] != int64(len(big)) || len(o.Values) > 0 {
				t.Errorf("%d bytes, %s kept, values %v", o.Bytes[0], kept, o.Values)
			}
		})
	}
}
