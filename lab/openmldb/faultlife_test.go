package openmldb

import (
	"strings"
	"testing"
	"time"
)

func TestAFaultThatActsOnceDoesNotActAgainAfterAReboot(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	now := time.Now()
	if err := s.SetFault(faults, "ns-1:failover=off"); err != nil {
		t.Fatal(err)
	}
	boot(c, s, now)
	failover := func(c *Cluster) string { return c.nsCommand([]string{"confget"}, "", now).Rows[0][1] }
	if got := failover(c); got != "false" {
		t.Fatalf("auto_failover is %s", got)
	}
	c.nsCommand([]string{"confset", "auto_failover", "true"}, "", now)
	if err := c.Advance(now); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	boot(again, s, now)
	if got := failover(again); got != "true" {
		t.Errorf("after the reboot auto_failover is %s", got)
	}
	if err := s.SetFault(faults, "ns-1:failover="); err != nil {
		t.Fatal(err)
	}
	again.nsCommand([]string{"confset", "auto_failover", "false"}, "", now)
	if got := failover(again); got != "false" {
		t.Errorf("cleared before, auto_failover is %s after it was set", got)
	}
}

func TestFaultsThatChangeWithinAMomentAreSeen(t *testing.T) {
	t.Parallel()
	_, s := newCluster(t)
	w := faultWatch{site: s}
	for range 50 {
		for _, value := range []string{"fail", "hang", ""} {
			if err := s.SetFault(faults, "tablet-1:start="+value); err != nil {
				t.Fatal(err)
			}
			w.refresh()
			if got := w.at("tablet-1", "start"); got != value {
				t.Fatalf("set to %q, seen as %q", value, got)
			}
		}
	}
}

func TestJobsAreLostWithTheirTaskManager(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	now := time.Now()
	sessions := boot(c, s, now)
	ep := s.Host("task-1").Vars["endpoint"]
	for range 2 {
		if _, ok := c.jobCommand(ep, []string{"new", "RunBatchAndShow", "/tmp/sql-1", "local[*]"}, now); !ok {
			t.Fatal("no job")
		}
	}
	if _, ok := c.jobCommand(ep, []string{"is", "2", jobFinished, ""}, now); !ok {
		t.Fatal("job 2 can't finish")
	}
	c.leave(sessions["task-1"], true, now)
	if _, ok := c.jobCommand(ep, []string{"is", "3", jobFinished, ""}, now); ok {
		t.Error("a lost job finished")
	}
	if a := c.sql("show jobs", now); !strings.HasSuffix(a.Text, "Fail to get TaskManager client") {
		t.Errorf("got %+v", a)
	}
	c.join(request{Role: taskmanagerRole, Endpoint: ep}, now)
	var states []string
	for _, r := range c.sql("SHOW JOBS", now).Rows {
		states = append(states, r[2])
	}
	if got := strings.Join(states, " "); got != "FINISHED FINISHED LOST" {
		t.Errorf("the jobs are %s", got)
	}
	if a := c.sql("stop job 3", now); a.Rows[0][2] != jobLost {
		t.Errorf("a job that is over was stopped: %+v", a)
	}
}

func TestQualified(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ sql, want string }{
		{"select * from users limit 1;", "select * from features.users limit 1"},
		{"SELECT count(*) FROM users", "SELECT count(*) FROM features.users"},
		{"select * from risk.profiles", "select * from risk.profiles"},
		{"insert into users values (1, 2.0)", "insert into features.users values (1, 2.0)"},
		{"show components;", "show components"},
	} {
		if got := qualified(tc.sql, "features"); got != tc.want {
			t.Errorf("%s: got %s", tc.sql, got)
		}
	}
}
