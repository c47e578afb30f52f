package report_test

import (
	"fmt"
	"testing"

	"stepgate/checks"
	"stepgate/runbook/run"
)

// upgrade tells the whole story. at is called at points worth a look.
func upgrade(t *testing.T, at func(point string, s *story)) *story {
	t.Helper()
	s := newStory(t)
	s.preflight()
	at("ready", s)
	s.first()
	s.second(at)
	s.third(at)
	s.event(run.RunClosed{How: run.DoneExceptions})
	s.event(run.LeaseReleased{Why: "closed"})
	return s
}

func (s *story) preflight() {
	s.seen("ops-1", 9)
	leader := s.cell("preflight/leader", "ops-1")
	down := run.CheckResult{Where: "ops-1", Verdict: checks.Unknown, Cause: "no answer within 30s", Tries: 1, TookMS: 30000}
	s.check(leader, run.Before, down)
	s.event(run.Retried{Cell: leader.Key})
	res := pass("ops-1", "exit == 0", "", "exit: 0")
	res.Rows = append(res.Rows, checks.Row{Text: `stdout contains "leader"`, Label: "one leads", Verdict: checks.Pass})
	res.Stdout, res.Values = "leader 10.0.0.1:10921 version 0.9.0\n", raw(`"10.0.0.1:10921"`)
	s.check(leader, run.Before, res)
	tell := s.cell("preflight/tell", "")
	s.event(run.Note{Cell: tell.Key, Text: "李 answers for the owners; *not* the `dba`"})
	s.event(run.ManualDone{Cell: tell.Key, Evidence: "电话已通知 at 03:14, ticket #4711 <ok>"})
	s.event(run.WalkOrdered{Walk: "tablets", Hosts: []string{"tablet-2", "tablet-3", "tablet-1"}})
}

// moved takes a host through the steps up to the stop.
func (s *story) moved(host string, n int) {
	s.seen(host, n)
	pre := s.cell("tablets["+host+"]/pre", "ops-1")
	s.ends(pre, s.send(pre, run.RoleCommand, "", "leaders moved\n", ""), 0, checks.Row{Text: "exit == 0", Verdict: checks.Pass, Saw: "exit: 0"})
}

func (s *story) noLeader(c *run.Cell) {
	s.check(c, run.Before, pass("ops-1", `none(table(stdout, "tid"), .mode == "kTableLeader")`, "no leader left", "0 of 8"))
}

// manyTables is a passing check with a long output.
func (s *story) manyTables(c *run.Cell) {
	res := pass("ops-1", `none(table(stdout, "tid"), .mode == "kTableLeader")`, "no leader left", "0 of 99")
	for i := range 99 {
		res.Stdout += fmt.Sprintf("table %d kTableFollower\n", i)
	}
	s.check(c, run.Before, res)
}

func (s *story) closedPort(c *run.Cell, host string) {
	res := pass(host, "len(lines) == 0", "port closed", "len(lines): 0")
	res.Tries, res.TookMS = 4, 6200
	s.check(c, run.After, res)
}

func (s *story) openPort(c *run.Cell, p run.Phase, host string) {
	s.check(c, p, pass(host, "len(lines) == 1", "port open", "len(lines): 1"))
}

// first is tablet-2: a failure that is retried, a gate declined and then
// opened, an unknown that its host settles, another that checks settle.
func (s *story) first() {
	s.seen("tablet-2", 2)
	pre := s.cell("tablets[tablet-2]/pre", "ops-1")
	a := s.send(pre, run.RoleCommand, "", hostile, "ERROR: 没有副本\n")
	s.left[a] = 1_234_567
	s.ends(pre, a, 1, checks.Row{Text: "exit == 0", Verdict: checks.Fail, Saw: "exit: 1"})
	s.event(run.Retried{Cell: pre.Key, Why: "the replica is there now"})
	s.ends(pre, s.send(pre, run.RoleCommand, "", "leaders moved\n", ""), 0)

	stop := s.cell("tablets[tablet-2]/stop", "tablet-2")
	s.noLeader(stop)
	s.gate(stop, "")
	s.event(run.GateClosed{Cell: stop.Key, Gate: "gate-1", Void: true, Why: "what would run is no longer what was shown"})
	s.noLeader(stop)
	s.ends(stop, s.send(stop, run.RoleCommand, s.gate(stop, ""), "Stopping tablet ...\n", ""), 0)
	s.closedPort(stop, "tablet-2")

	replace := s.cell("tablets[tablet-2]/replace", "tablet-2")
	a = s.send(replace, run.RoleCommand, s.gate(replace, ""), "", "")
	s.lease("ops@bastion-1, pid 5022") // the first driver died
	s.event(run.Probed{Cell: replace.Key, Attempt: a, Fate: "never started"})
	s.event(run.OutcomeResolved{Cell: replace.Key, Attempt: a, Method: run.ByProbe, Reason: "the host says it never started"})
	s.event(run.Retried{Cell: replace.Key, Why: "nothing had been started"})
	s.ends(replace, s.send(replace, run.RoleCommand, s.gate(replace, ""), "", ""), 0)

	start := s.cell("tablets[tablet-2]/start", "tablet-2")
	a = s.send(start, run.RoleCommand, "", "", "")
	s.event(run.Interrupted{Cell: start.Key, Attempt: a, Why: "link lost"})
	s.event(run.Probed{Cell: start.Key, Attempt: a, Fate: "died", Detail: "started, no result", Processes: []string{"4242 ./bin/openmldb `tablet`"}})
	s.openPort(start, run.Evidence, "tablet-2")
	s.event(run.OutcomeResolved{Cell: start.Key, Attempt: a, Succeeded: true, Method: run.ByCheck, Reason: "its postconditions hold (died)"})
}

// second is tablet-3: an unknown that a person settles, a skip.
func (s *story) second(at func(string, *story)) {
	s.moved("tablet-3", 3)
	stop := s.cell("tablets[tablet-3]/stop", "tablet-3")
	s.manyTables(stop)
	s.ends(stop, s.send(stop, run.RoleCommand, s.gate(stop, ""), "", ""), 0)
	s.closedPort(stop, "tablet-3")

	replace := s.cell("tablets[tablet-3]/replace", "tablet-3")
	a := s.send(replace, run.RoleCommand, s.gate(replace, ""), "half of it", "")
	s.event(run.Interrupted{Cell: replace.Key, Attempt: a, Why: "timeout"})
	s.event(run.Probed{Cell: replace.Key, Attempt: a, Fate: "orphan", Processes: []string{"77 cp -r /opt/new/0.9.2 bin"}})
	at("unknown", s)
	s.event(run.OutcomeResolved{Cell: replace.Key, Attempt: a, Succeeded: true, Method: run.ByOperator, Reason: "bin is whole, 校验和一致"})
	s.event(run.CellSkipped{Cell: run.Key{Step: "tablets[tablet-3]/start", Target: "tablet-3"}, Reason: "the host stays out until 明天"})
}

// third is tablet-1, by another driver: pre-grants, a rollback and a RERUN, a
// failure marked done.
func (s *story) third(at func(string, *story)) {
	s.event(run.Paused{Why: "shift ends"})
	s.event(run.LeaseReleased{Why: "paused"})
	at("paused", s)
	s.actor = "陈"
	s.lease("chen@bastion-2, pid 99")
	s.event(run.Continued{})
	s.moved("tablet-1", 1)
	stop := s.cell("tablets[tablet-1]/stop", "tablet-1")
	s.noLeader(stop)
	argv := "stepgate resume --auto --approve tablets/stop --plan " + s.p.Digest[:12]
	a := s.send(stop, run.RoleCommand, s.gate(stop, argv), "", "")
	s.ends(stop, a, 0)
	res := pass("tablet-1", "len(lines) == 0", "port closed", "len(lines): 1")
	res.Verdict, res.Rows[0].Verdict, res.Tries, res.TookMS = checks.Fail, checks.Fail, 30, 61000
	res.Stdout = "LISTEN 0 128 10.0.0.1:10921\n"
	s.check(stop, run.After, res)
	at("failed", s)
	s.event(run.RollbackRequested{Cell: stop.Key})
	s.ends(stop, s.send(stop, run.RoleRollback, "", "started\n", ""), 0)
	s.check(stop, run.RollbackAfter, run.CheckResult{Where: "tablet-1", Verdict: checks.Pass, Ran: true, Tries: 1, TookMS: 90})
	s.event(run.RerunOverride{Cell: stop.Key, Typed: stop.RerunPhrase()})
	s.noLeader(stop)
	s.ends(stop, s.send(stop, run.RoleCommand, s.gate(stop, ""), "", ""), 0)
	s.closedPort(stop, "tablet-1")

	replace := s.cell("tablets[tablet-1]/replace", "tablet-1")
	s.event(run.NotDispatched{Cell: replace.Key, Why: "open host \"tablet-1\": connection refused"})
	s.event(run.Retried{Cell: replace.Key})
	s.ends(replace, s.send(replace, run.RoleCommand, s.gate(replace, ""), "", ""), 0)
	start := s.cell("tablets[tablet-1]/start", "tablet-1")
	s.ends(start, s.send(start, run.RoleCommand, "", "", "\xff\xfenot UTF-8"), 1)
	s.event(run.OutcomeResolved{Cell: start.Key, Attempt: s.r.Cell(start.Key).Latest().Intent.Attempt, Succeeded: true, Method: run.ByOperator, Reason: "started it by hand"})
	s.event(run.Note{Text: "全部完成"})
}
