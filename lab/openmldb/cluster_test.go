package openmldb

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stepgate/lab/site"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newCluster is a cluster of a lab whose time is moved by hand: the tests give
// each question its time.
func newCluster(t *testing.T) (*Cluster, *site.Site) {
	t.Helper()
	s := &site.Site{Dir: t.TempDir(), System: "openmldb", Speed: 1}
	port := 1000
	if err := (System{}).Plan(s, func() (int, error) { port++; return port, nil }); err != nil {
		t.Fatal(err)
	}
	c, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// boot lets every component of the lab join at now.
func boot(c *Cluster, s *site.Site, now time.Time) map[string]*session {
	sessions := map[string]*session{}
	for _, h := range s.Hosts {
		sessions[h.Name] = c.join(request{Role: componentOf(&h), Endpoint: h.Vars["endpoint"], Version: oldVersion}, now)
	}
	c.Booted()
	return sessions
}

// statuses are the operations but for the one that failed before the lab was made.
func (c *Cluster) statuses(now time.Time) string {
	var out []string
	for _, r := range c.nsCommand([]string{"showopstatus"}, "", now).Rows[1:] {
		out = append(out, r[1]+" "+r[4])
	}
	return strings.Join(out, "\n")
}

func TestElectionWaitsForTheSessionTimeout(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	now := time.Now()
	sessions := boot(c, s, now)
	first, second := s.Hosts[0].Vars["endpoint"], s.Hosts[1].Vars["endpoint"]
	c.leave(sessions["ns-1"], true, now)
	for _, tc := range []struct {
		after  time.Duration
		leader string
		leads  bool
	}{
		{0, first, false},
		{sessionTimeout - time.Millisecond, first, false},
		{sessionTimeout, second, true},
	} {
		at := now.Add(tc.after)
		if got := c.leaderEndpoint(at); got != tc.leader {
			t.Errorf("after %v %s leads", tc.after, got)
		}
		if got := c.leads(tc.leader, at); got != tc.leads {
			t.Errorf("after %v %s answers as the leader: %v", tc.after, tc.leader, got)
		}
	}
	at := now.Add(sessionTimeout + time.Second)
	c.join(request{Role: nameserverRole, Endpoint: first, Version: newVersion}, at)
	if got := c.leaderEndpoint(at); got != second {
		t.Errorf("the old leader took over again: %s", got)
	}
}

func TestWithoutALeaderNothingMoves(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	now := time.Now()
	sessions := boot(c, s, now)
	c.leave(sessions["ns-1"], false, now)
	c.leave(sessions["ns-2"], false, now)
	c.leave(sessions["tablet-1"], true, now)
	if err := c.Advance(now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := c.statuses(now.Add(time.Minute)); got != "" {
		t.Errorf("operations without a nameserver:\n%s", got)
	}
	c.join(request{Role: nameserverRole, Endpoint: s.Hosts[1].Vars["endpoint"], Version: oldVersion}, now.Add(time.Minute))
	if got := c.statuses(now.Add(time.Minute)); !strings.Contains(got, changeLeaderOp) || !strings.Contains(got, offlineReplicaOp) {
		t.Errorf("the new leader did not notice the tablet:\n%s", got)
	}
}

func TestOperationsRunTwoAtATimeAndInOrder(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	now := time.Now()
	sessions := boot(c, s, now)
	c.leave(sessions["tablet-1"], true, now)
	for range 400 {
		now = now.Add(50 * time.Millisecond)
		running := 0
		open := map[string]string{}
		for _, r := range c.nsCommand([]string{"showopstatus"}, "", now).Rows {
			key := r[2] + " " + r[3]
			switch r[4] {
			case doing:
				running++
				if open[key] != "" {
					t.Fatalf("%s of %s runs before %s", r[1], key, open[key])
				}
				open[key] = r[1]
			case inited:
				open[key] = r[1]
			}
		}
		if running > taskConcurrency {
			t.Fatalf("%d operations at once", running)
		}
	}
	if got := c.statuses(now); strings.Contains(got, inited) || strings.Contains(got, doing) || strings.Contains(got, failed) {
		t.Errorf("not all is done:\n%s", got)
	}
}

func TestWithoutAutoFailoverATabletStaysEmpty(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	now := time.Now()
	sessions := boot(c, s, now)
	c.nsCommand([]string{"confset", "auto_failover", "false"}, "", now)
	c.leave(sessions["tablet-1"], true, now)
	now = now.Add(time.Minute)
	ep := s.Host("tablet-1").Vars["endpoint"]
	c.join(request{Role: tabletRole, Endpoint: ep, Version: newVersion}, now)
	now = now.Add(time.Minute)
	if got := c.statuses(now); got != "" {
		t.Errorf("it was recovered:\n%s", got)
	}
	if rows := c.tabletCommand(ep, []string{"gettablestatus"}, now).Rows; len(rows) != 0 {
		t.Errorf("it holds %v", rows)
	}
	for _, r := range c.nsCommand([]string{"showtable"}, "", now).Rows {
		if alive := r[5] == "yes"; alive == (r[3] == ep) {
			t.Errorf("got %v", r)
		}
	}
}

func TestClusterSurvivesItsProcess(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	now := time.Now()
	boot(c, s, now)
	c.nsCommand([]string{"confset", "auto_failover", "false"}, "", now)
	ep := s.Host("tablet-1").Vars["endpoint"]
	if a := c.nsCommand([]string{"changeleader", "profiles", "0", ep}, "risk", now); !strings.HasPrefix(a.Text, "change leader ok") {
		t.Fatalf("got %+v", a)
	}
	if err := c.Advance(now.Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}

	again, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	now = time.Now()
	boot(again, s, now)
	if r := again.nsCommand([]string{"confget"}, "", now).Rows[0]; r[1] != "false" {
		t.Errorf("auto_failover is %v", r)
	}
	for _, r := range again.nsCommand([]string{"showtable", "profiles"}, "risk", now).Rows {
		if r[2] == "0" && (r[4] == "leader") != (r[3] == ep) {
			t.Errorf("got %v", r)
		}
		if r[5] != "yes" {
			t.Errorf("after a boot of the whole site %v is not alive", r)
		}
	}
	if got := again.statuses(now); got != changeLeaderOp+" "+done {
		t.Errorf("history is %q", got)
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	t.Parallel()
	c, s := newCluster(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- c.Serve(ctx, ln, zkRoot) }()
	addr := ln.Addr().String()
	var members []*link
	for _, h := range s.Hosts {
		l, err := dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.conn.Close()
		if _, err := l.ask(request{Kind: "join", Role: componentOf(&h), Endpoint: h.Vars["endpoint"]}); err != nil {
			t.Fatal(err)
		}
		members = append(members, l)
	}
	c.Booted()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				req := request{Kind: "ns", Endpoint: s.Hosts[0].Vars["endpoint"], Words: []string{"addreplica", "profiles", "0", s.Host("tablet-2").Vars["endpoint"]}}
				switch (i + j) % 3 {
				case 0:
					req = request{Kind: "sql", SQL: "show table status like '%'"}
				case 1:
					req = request{Kind: "tablet", Endpoint: s.Host("tablet-1").Vars["endpoint"], Words: []string{"gettablestatus"}}
				}
				if _, err := askOnce(addr, req); err != nil {
					t.Error(fmt.Errorf("%v: %w", req, err))
				}
			}
		})
	}
	wg.Wait()
	if _, err := members[0].ask(request{Kind: "join", Role: "nameserver"}); err == nil {
		t.Error("one connection joined twice")
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestFewest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fact  string
		order []string
		count map[string]int
		want  string
	}{
		{"H18: the endpoint with the fewest partitions", []string{"a", "b", "c"}, map[string]int{"a": 1, "b": 4, "c": 2}, "c"},
		{"H18: no other tablet, no target", []string{"a"}, map[string]int{"a": 5}, ""},
		{"H18: an empty tablet is never chosen", []string{"a", "b"}, map[string]int{"a": 1, "b": 4, "c": 0}, "b"},
		{"the first of equals", []string{"a", "b", "c"}, map[string]int{"a": 1, "b": 2, "c": 2}, "b"},
	} {
		if got := fewest(tc.order, tc.count, "a"); got != tc.want {
			t.Errorf("%s: got %q", tc.fact, got)
		}
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	a := answer{Header: []string{"id", "name"}, Rows: [][]string{{"1", "odd"}, {"1234", "even"}, {"3", ""}}}
	for _, tc := range []struct {
		name, want string
		write      func(*strings.Builder)
	}{
		{"dashed", "  id    name\n------------\n  1     odd\n  1234  even\n  3     \n", func(b *strings.Builder) { writeDashed(b, a) }},
		{
			"groups", " ------ ------\n  id     name \n ------ ------\n  1      odd  \n  1234   even \n  3           \n ------ ------\n\n3 rows in set\n",
			func(b *strings.Builder) { writeGroups(b, a) },
		},
		{
			"framed", "+------+------+\n|  id  | name |\n+------+------+\n|  1   | odd  |\n| 1234 | even |\n|  3   |      |\n+------+------+\n",
			func(b *strings.Builder) { writeFramed(b, a) },
		},
	} {
		var b strings.Builder
		tc.write(&b)
		if b.String() != tc.want {
			t.Errorf("%s:\n%q\nwant\n%q", tc.name, b.String(), tc.want)
		}
	}
}
