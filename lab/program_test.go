package lab_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepgate/lab"
)

// call is one row of a program's table: what it is called with, and what the
// original does then. Patterns are regular expressions for the whole output, in
// which {HOST} is the endpoint of a host; "" is no output at all.
type call struct {
	fact           string
	host           string
	before         func(s *site)
	cmd            string
	exit           int
	stdout, stderr string
	effect         func(s *site) // what is true afterwards
}

const anything = `(?s).*`

// play runs the rows in their order against one lab.
func play(t *testing.T, s *site, calls []call) {
	t.Helper()
	for _, c := range calls {
		if !t.Run(c.fact, func(t *testing.T) {
			row := &site{s.Cluster, t, s.lines}
			if c.before != nil {
				c.before(row)
			}
			r := row.run(c.host, c.cmd)
			if r.exit != c.exit {
				t.Errorf("exit %d, want %d", r.exit, c.exit)
			}
			row.matches("stdout", r.stdout, c.stdout)
			row.matches("stderr", r.stderr, c.stderr)
			if t.Failed() {
				t.Logf("%s\n%s", r.stdout, r.stderr)
			}
			if c.effect != nil {
				c.effect(row)
			}
		}) {
			return // what follows stands on it
		}
	}
}

func (s *site) matches(what, got, pattern string) {
	s.t.Helper()
	for _, h := range s.Hosts {
		pattern = strings.ReplaceAll(pattern, "{"+h.Name+"}", regexp.QuoteMeta(h.Vars["endpoint"]))
	}
	if !regexp.MustCompile(`\A(?:` + pattern + `)\z`).MatchString(got) {
		s.t.Errorf("%s is\n%s\nwant\n%s", what, got, pattern)
	}
}

// home is the deploy directory of a host.
func (s *site) home(host string) string { return s.host(host).Vars["home"] }

func (s *site) endpoint(host string) string { return s.host(host).Vars["endpoint"] }

func (s *site) fault(spec string) {
	s.t.Helper()
	if err := lab.Fault(s.Dir, spec); err != nil {
		s.t.Fatal(err)
	}
}

// pid is the number in a component's pid file, 0 without one.
func (s *site) pid(host, component string) int {
	s.t.Helper()
	return s.number(host, component+".pid")
}

// child is the number in a component's .pid.child file, 0 without one.
func (s *site) child(host, component string) int {
	s.t.Helper()
	return s.number(host, component+".pid.child")
}

// number is what stands in a file of a deploy directory's bin, 0 without one.
func (s *site) number(host, file string) int {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.home(host), "bin", file))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		s.t.Fatal(err)
	}
	return pid
}

func alive(pid int) bool { return pid > 1 && syscall.Kill(pid, 0) == nil }

// says waits until what a command prints matches somewhere.
func (s *site) says(what, host, cmd, pattern string) {
	s.t.Helper()
	want := regexp.MustCompile(pattern)
	s.eventually(what, func() bool { return want.MatchString(s.run(host, cmd).stdout) })
}

func (s *site) listens(host string) bool {
	conn, err := net.DialTimeout("tcp", s.endpoint(host), time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// runsVersion asks the running process for its version.
func (s *site) runsVersion(host, want string) {
	s.t.Helper()
	r, err := http.Get("http://" + s.endpoint(host) + "/status")
	if err != nil {
		s.t.Error(err)
		return
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasPrefix(string(body), "version: "+want+"\n") {
		s.t.Errorf("/status says %q, %v", body, err)
	}
}

// autoFailover is the flag as confget shows it.
func (s *site) autoFailover(want string) {
	s.t.Helper()
	if out := s.run("ns-1", s.ns("confget auto_failover")).stdout; !strings.Contains(out, "auto_failover  "+want) {
		s.t.Errorf("auto_failover is not %s:\n%s", want, out)
	}
}

// leaders counts the partitions that a tablet leads, as it says itself.
func (s *site) leaders(host string) int {
	s.t.Helper()
	return strings.Count(s.run("ns-1", s.tablet(host, "gettablestatus")).stdout, "kTableLeader")
}

func (s *site) tablet(host, cmd string) string {
	return "cd '" + s.home("ns-1") + "' && ./bin/openmldb --role=client --interactive=false --endpoint=" + s.endpoint(host) + " --cmd='" + cmd + "'"
}

func (s *site) startSh(host, args string) string {
	return "cd '" + s.home(host) + "' && bash bin/start.sh " + args
}

// settled waits until no operation is open.
func (s *site) settled() {
	s.t.Helper()
	s.eventually("no operation is open", func() bool {
		out := s.run("ns-1", s.ns("showopstatus")).stdout
		return strings.Contains(out, "op_id") && !strings.Contains(out, "kDoing") && !strings.Contains(out, "kInited")
	})
}

// healthy waits until every replica serves.
func (s *site) healthy() {
	s.t.Helper()
	s.eventually("every replica is alive", func() bool {
		out := s.run("ns-1", s.ns("showtable")).stdout
		return strings.Contains(out, " yes ") && !strings.Contains(out, " no ")
	})
}
