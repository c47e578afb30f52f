package lab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"stepgate/lab"
)

// TestMain lets the test binary be the program that a lab runs.
func TestMain(m *testing.M) {
	if args, ok := lab.Called(os.Args); ok {
		os.Exit(lab.Main(args, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(runTests(m))
}

// program is what labs run: this test binary, but for race tests the same built
// without the race detector, whose programs take ten times as long to start. The
// cluster's own concurrency is raced in lab/openmldb, the SSH server's in
// lab/sshd.
var program string

func runTests(m *testing.M) int {
	if raceEnabled {
		dir, err := os.MkdirTemp("", "lab-program")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "lab.test")
		build := exec.Command("go", "test", "-c", "-race=false", "-o", program, ".")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the lab's program: %v\n%s", err, out)
			return 1
		}
	}
	return m.Run()
}

// site is a running lab, as one test sees it.
type site struct {
	*lab.Cluster
	t     *testing.T
	lines *lines
}

// lines are the open connections to a lab's hosts.
type lines struct {
	mu   sync.Mutex
	open map[string]*ssh.Client
}

func (l *lines) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		c.Close()
	}
	clear(l.open)
}

const speed = 80

func create(t *testing.T, o lab.Options) *site {
	t.Helper()
	if o.Speed == 0 {
		o.Speed = speed
	}
	o.Program = program
	c, err := lab.Create(filepath.Join(t.TempDir(), "lab"), "openmldb", o)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{c, t, &lines{open: map[string]*ssh.Client{}}}
	t.Cleanup(func() {
		s.lines.hangUp()
		ctx, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if t.Failed() {
			if log, err := os.ReadFile(filepath.Join(c.Dir, "lab.log")); err == nil && len(log) > 0 {
				t.Logf("lab.log:\n%s", log)
			}
		}
		if err := lab.Down(ctx, c.Dir); err != nil {
			t.Errorf("Down: %v", err)
		}
	})
	return s
}

func (s *site) start() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if _, err := lab.Start(ctx, s.Dir); err != nil {
		s.t.Fatal(err)
	}
}

func running(t *testing.T) *site {
	t.Helper()
	s := create(t, lab.Options{})
	s.start()
	return s
}

func (s *site) host(name string) lab.Host {
	s.t.Helper()
	for _, h := range s.Hosts {
		if h.Name == name {
			return h
		}
	}
	s.t.Fatalf("no host %q", name)
	return lab.Host{}
}

// dial logs in on a host, with the key and the host keys that the lab names.
func (s *site) dial(host string) (*ssh.Client, error) {
	h := s.host(host)
	data, err := os.ReadFile(s.Identity)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(data)
	if err != nil {
		return nil, err
	}
	known, err := knownhosts.New(s.KnownHosts)
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", h.Addr, &ssh.ClientConfig{
		User: h.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: known, Timeout: 10 * time.Second,
	})
}

// session opens a session over the open connection, or over a new one when the
// lab was restarted.
func (s *site) session(host string) *ssh.Session {
	s.t.Helper()
	s.lines.mu.Lock()
	defer s.lines.mu.Unlock()
	if c := s.lines.open[host]; c != nil {
		if session, err := c.NewSession(); err == nil {
			return session
		}
		c.Close()
	}
	c, err := s.dial(host)
	if err != nil {
		s.t.Fatal(err)
	}
	s.lines.open[host] = c
	session, err := c.NewSession()
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

type result struct {
	exit           int
	stdout, stderr string
}

// run runs a command in the shell of a host.
func (s *site) run(host, cmd string) result {
	s.t.Helper()
	session := s.session(host)
	defer session.Close()
	var out, stderr bytes.Buffer
	session.Stdout, session.Stderr = &out, &stderr
	err := session.Run(cmd)
	r := result{stdout: out.String(), stderr: stderr.String()}
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		r.exit = exit.ExitStatus()
	} else if err != nil {
		s.t.Fatalf("%s: %s: %v", host, cmd, err)
	}
	return r
}

// ops is a command line of tools/openmldb_ops.py, on the operations host.
func (s *site) ops(args string) string {
	return "cd '" + s.Params["ops_dir"] + "' && python tools/openmldb_ops.py --openmldb_bin_path=./bin/openmldb --zk_cluster=" +
		s.Params["zk"] + " --zk_root_path=" + s.Params["zk_root"] + " " + args
}

func (s *site) ns(cmd string) string {
	return "cd '" + s.Params["ops_dir"] + "' && ./bin/openmldb --zk_cluster=" + s.Params["zk"] + " --zk_root_path=" + s.Params["zk_root"] +
		" --role=ns_client --interactive=false --cmd='" + cmd + "'"
}

func (s *site) sql(statement string) string {
	return "cd '" + s.Params["ops_dir"] + "' && echo \"" + statement + "\" | ./bin/openmldb --zk_cluster=" + s.Params["zk"] +
		" --zk_root_path=" + s.Params["zk_root"] + " --role=sql_client --interactive=false"
}

// patient is how long something is waited for that must happen.
const patient = 2 * time.Minute

// eventually waits until a look at the lab satisfies.
func (s *site) eventually(what string, look func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(patient)
	for !look() {
		if time.Now().After(deadline) {
			s.t.Fatalf("never: %s", what)
		}
		time.Sleep(25 * time.Millisecond)
	}
}

func TestFirstLook(t *testing.T) {
	s := running(t)
	for _, c := range []struct{ host, cmd, want string }{
		{"ns-2", "echo $USER $LAB_HOST", "mldb-ns2 ns-2\n"},
		{"ns-1", "cd \"" + s.Params["ops_dir"] + "\" && ./bin/openmldb --version", "openmldb version 0.8.4\n"},
		{"tablet-1", "\"" + s.Params["new_package_dir"] + "/bin/openmldb\" --version", "openmldb version 0.9.2\n"},
	} {
		if r := s.run(c.host, c.cmd); r.exit != 0 || r.stdout != c.want {
			t.Errorf("%s: %s: got %+v", c.host, c.cmd, r)
		}
	}
}
