package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"stepgate/executor/executortest"
	"stepgate/lab/sshd"
)

// scene is a person's directory, hosts with SSH servers, and a service that each of them
// sees as this machine does.
type scene struct {
	t         *testing.T
	dir, work string
	hosts     map[string]*farHost
	service   *service
}

// farHost is a host behind a link.
type farHost struct {
	*link
	home string
}

// newScene writes down a book for groups of one host each, in which PORT is the service's.
func newScene(t *testing.T, book string, hosts ...string) *scene {
	t.Helper()
	dir := t.TempDir()
	s := &scene{t: t, dir: dir, work: filepath.Join(dir, "work"), service: newService(t), hosts: map[string]*farHost{}}
	client, known := executortest.NewIdentity(t), filepath.Join(dir, "known_hosts")
	write(t, filepath.Join(dir, "ssh_config"), "Host *\n  IdentityFile "+client.File+"\n  IdentitiesOnly yes\n  UserKnownHostsFile "+known+"\n")
	head, inventory, keys := "+++\ntitle = \"T\"\n", "", ""
	for _, name := range hosts {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		host := executortest.NewIdentity(t)
		h := &farHost{link: newLink(ln), home: filepath.Join(dir, name)}
		s.hosts[name] = h
		shell := filepath.Join(h.home, "shell")
		write(t, shell, "#!/bin/sh\ntest -e "+h.home+"/slow && sleep 1.5\nexec /bin/sh \"$@\"\n")
		if err := os.Chmod(shell, 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		h.serve(t, &sshd.Server{Signer: host.Signer, User: "ops", Authorized: []ssh.PublicKey{client.Signer.PublicKey()}, Dir: h.home, Shell: shell})
		keys += knownhosts.Line([]string{ln.Addr().String()}, host.Signer.PublicKey()) + "\n"
		head += "[groups." + name + "]\nmax = 1\n"
		inventory += "[groups." + name + "]\nhosts = [\"" + name + "-1\"]\n[hosts." + name + "-1]\nssh = \"ops@" + ln.Addr().String() + "\"\n"
	}
	write(t, known, keys)
	write(t, filepath.Join(s.work, "inv.toml"), inventory)
	write(t, filepath.Join(s.work, "book.md"), head+"+++\n"+strings.ReplaceAll(book, "PORT", s.service.port()))
	return s
}

func (h *farHost) serve(t *testing.T, server *sshd.Server) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, h.link) }()
	t.Cleanup(func() {
		h.heal()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// slow makes each session wait before its shell begins.
func (h *farHost) slow(t *testing.T, on bool) {
	t.Helper()
	file := filepath.Join(h.home, "slow")
	if on {
		write(t, file, "")
	} else if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

// probes are monitors that ask the service on each way there is, from here and through hosts,
// with the attributes.
func probes(attrs string, hosts ...string) string {
	var b strings.Builder
	b.WriteString("- [ ] Watch {#watch}\n")
	for _, host := range append([]string{""}, hosts...) {
		id, place := "", [2]string{}
		if host != "" {
			id, place = "-"+host, [2]string{" via=" + host, " on=" + host}
		}
		fmt.Fprintf(&b, "\n  ```http {#http%s .monitor%s %s}\n  GET http://127.0.0.1:PORT/http%s/{{sample}}\n  ```\n", id, place[0], attrs, id)
		fmt.Fprintf(&b, "\n  ```tcp {#tcp%s .monitor%s %s}\n  127.0.0.1:PORT\n  ```\n", id, place[0], attrs)
		fmt.Fprintf(&b, "\n  ```bash {#shell%s .monitor%s %s}\n%s  ```\n", id, place[1], attrs, asking("shell"+id))
	}
	return b.String()
}

// asking is a script that asks the service for a path with the number of the sample.
func asking(path string) string {
	return "  exec 3<>/dev/tcp/127.0.0.1/PORT\n  printf 'GET /" + path + "/%s HTTP/1.0\\r\\n\\r\\n' \"$STEPGATE_SAMPLE\" >&3\n" +
		"  read -r _ status _ <&3\n  test \"$status\" = 200\n"
}

// waiting is a step that says that it has begun, and waits for a file.
const waiting = "- [ ] Outage {#outage}\n\n  ```sh\n  touch begun; until test -e over || test ! -e begun; do sleep 0.1; done\n  ```\n"

// afterwards is a step that waits until each monitor has seen the service again.
func afterwards(ids ...string) string {
	var b strings.Builder
	b.WriteString("- [ ] Again {#again}\n\n  ```expect {until=2m every=300ms}\n")
	for _, id := range ids {
		fmt.Fprintf(&b, "  monitor(%q, \"step\").succeeded > 1\n", id)
	}
	return b.String() + "  ```\n"
}

func (s *scene) env() []string {
	return append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(s.dir, "state"), "XDG_CONFIG_HOME="+filepath.Join(s.dir, "config"),
		"HOME="+s.dir, "STEPGATE_OPERATOR=ann", "STEPGATE_SSH_CONFIG="+filepath.Join(s.dir, "ssh_config"), "TZ=UTC")
}

// driver is a Stepgate that drives the run by itself.
type driver struct {
	s    *scene
	cmd  *exec.Cmd
	said strings.Builder
	over chan struct{}
}

// drives starts the program, in a process group of its own.
func (s *scene) drives(args ...string) *driver {
	s.t.Helper()
	d := &driver{s: s, cmd: exec.Command(program(s.t), args...), over: make(chan struct{})}
	d.cmd.Dir, d.cmd.Env = s.work, s.env()
	d.cmd.Stdout, d.cmd.Stderr = &d.said, &d.said
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		defer close(d.over)
		_ = d.cmd.Wait()
	}()
	s.t.Cleanup(func() {
		write(s.t, filepath.Join(s.work, "over"), "")
		select {
		case <-d.over:
		default:
			_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
			<-d.over
		}
	})
	return d
}

func (s *scene) runs() *driver {
	return s.drives("run", "book.md", "-i", "inv.toml", "--no-preflight", "--auto")
}

func (s *scene) resumes() *driver { return s.drives("resume", "--auto") }

func (d *driver) signal(sig syscall.Signal) {
	d.s.t.Helper()
	if err := syscall.Kill(-d.cmd.Process.Pid, sig); err != nil {
		d.s.t.Fatal(err)
	}
}

// begins waits for a file of the run's.
func (d *driver) begins(file string) {
	d.s.t.Helper()
	limit := time.After(2 * time.Minute)
	for !there(filepath.Join(d.s.work, file)) {
		select {
		case <-d.over:
			d.s.t.Fatalf("it ended before %s:\n%s", file, d.said.String())
		case <-limit:
			d.s.t.Fatalf("it never came to %s", file)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// ends waits for its own end, and returns its exit code.
func (d *driver) ends() int {
	d.s.t.Helper()
	select {
	case <-d.over:
	case <-time.After(3 * time.Minute):
		d.signal(syscall.SIGQUIT)
		<-d.over
		d.s.t.Fatalf("it did not end:\n%s", d.said.String())
	}
	return d.cmd.ProcessState.ExitCode()
}

func (d *driver) done() {
	d.s.t.Helper()
	if code := d.ends(); code != exitOK {
		d.s.t.Fatalf("it ended with %d:\n%s", code, d.said.String())
	}
}

// says runs the program beside the run.
func (s *scene) says(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(program(s.t), args...)
	cmd.Dir, cmd.Env = s.work, s.env()
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("stepgate %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// toldOf is what `show --monitors --json` tells of a monitor, as far as it matters here.
type toldOf struct {
	Monitor                               string
	Samples, Succeeded, Failures, Unknown int
	UnobservedMS                          int64 `json:"unobserved_ms"`
	Unobserved                            []toldSpan
	Gaps                                  []toldGap
	Longest                               *toldGap `json:"longest_gap"`
	Episodes                              []struct{ Reason, By string }

	taken []toldSample // by `show --samples`
}

type toldSpan struct{ From, To time.Time }

type toldGap struct {
	toldSpan
	MS int64
}

type toldSample struct {
	Monitor, Verdict string
	At               time.Time
}

// monitors is what is told of each monitor.
func (s *scene) monitors() map[string]*toldOf {
	s.t.Helper()
	var all struct{ Monitors []*toldOf }
	if err := json.Unmarshal([]byte(s.says("show", "--monitors", "--json")), &all); err != nil {
		s.t.Fatal(err)
	}
	out := map[string]*toldOf{}
	for _, m := range all.Monitors {
		out[m.Monitor] = m
	}
	for line := range strings.Lines(s.says("show", "--samples")) {
		var one toldSample
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			s.t.Fatal(err)
		}
		if one.Verdict != "" {
			out[one.Monitor].taken = append(out[one.Monitor].taken, one)
		}
	}
	return out
}

// intervals are the two between samples that bound a gap: an outage began in the first,
// and was over in the second.
func (m *toldOf) intervals(g *toldGap) time.Duration {
	first := slices.IndexFunc(m.taken, func(s toldSample) bool { return s.At.After(g.From) })
	last := slices.IndexFunc(m.taken, func(s toldSample) bool { return !s.At.Before(g.To) })
	if first < 0 || last < 1 {
		return 0
	}
	sum := time.Duration(0)
	for _, in := range []span{{g.From, m.taken[first].At}, {m.taken[last-1].At, g.To}} {
		sum += in.long() - m.unseen(in)
	}
	return sum
}

// unseen is for how long of a time nobody watched.
func (m *toldOf) unseen(in span) (sum time.Duration) {
	for _, u := range m.Unobserved {
		sum += in.both(span{u.From, u.To})
	}
	return sum
}

// agrees compares a monitor's gap with the outages that the writer has measured in it:
// the part of them that was watched, to within the two sample intervals that bound it.
// There is more than one when nobody saw the time between them.
func (m *toldOf) agrees(t *testing.T, g *toldGap, outages []measured) {
	t.Helper()
	gap, between := time.Duration(g.MS)*time.Millisecond, m.intervals(g)
	var out, unseen, off time.Duration
	for i, o := range outages {
		out, unseen, off = out+o.long(), unseen+m.unseen(o.span), off+o.off
		if i > 0 { // it ended and began again between a sample and a time that nobody saw
			off += 2 * every
		}
	}
	wrong := gap - (out - unseen)
	t.Logf("%-12s outage %s, %s of it unobserved, gap %s: off by %s of %s+%s", m.Monitor, out.Round(time.Millisecond),
		unseen.Round(time.Millisecond), gap, wrong.Round(time.Millisecond), between, off.Round(time.Millisecond))
	if wrong.Abs() > between+off {
		t.Errorf("%s: an outage of %s, %s of it unobserved, is a gap of %s; its intervals were %s, the writer's may be off by %s\n%+v",
			m.Monitor, out, unseen, gap, between, off, *m)
	}
}

// agreesWith compares all gaps with all outages.
func (m *toldOf) agreesWith(t *testing.T, outages []measured) {
	t.Helper()
	for _, g := range m.Gaps {
		in := slices.DeleteFunc(slices.Clone(outages), func(o measured) bool { return o.both(span{g.From, g.To}) == 0 })
		if len(in) == 0 {
			t.Errorf("%s: nothing was out in %+v", m.Monitor, g)
			continue
		}
		m.agrees(t, &g, in)
	}
	for _, o := range outages {
		seen := o.long() - m.unseen(o.span)
		if seen > 2*time.Second && !slices.ContainsFunc(m.Gaps, func(g toldGap) bool { return o.both(span{g.From, g.To}) > 0 }) {
			t.Errorf("%s: an outage of %s, %s of it seen, is no gap", m.Monitor, o.long(), seen)
		}
	}
}

// calm says that a monitor has seen nothing but a service that is well.
func (m *toldOf) calm(t *testing.T) {
	t.Helper()
	if m.Longest != nil || len(m.Episodes) != 0 || m.Succeeded == 0 || m.Succeeded != m.Samples {
		t.Errorf("%s: an outage is invented: %+v", m.Monitor, *m)
	}
}
