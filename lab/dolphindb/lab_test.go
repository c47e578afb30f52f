package dolphindb_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/lab"
	"stepgate/lab/site"
)

func TestMain(m *testing.M) {
	if args, ok := lab.Called(os.Args); ok {
		os.Exit(lab.Main(args, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// patient bounds everything that is awaited.
const patient = time.Minute

// cluster is a lab with the tree of its site.
type cluster struct {
	*site.Site
	t *testing.T
}

// begin makes and starts a lab.
func begin(t *testing.T, scene string, faults ...string) *cluster {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: the simulated DolphinDB needs Linux")
	}
	dir := t.TempDir()
	made, err := lab.Create(dir, scene, lab.Options{Speed: 60, Faults: faults})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	t.Cleanup(cancel)
	if _, err := lab.Start(ctx, made.Dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		down, cancel := context.WithTimeout(context.Background(), patient)
		defer cancel()
		if err := lab.Down(down, made.Dir); err != nil {
			t.Error(err)
		}
	})
	s, err := site.Load(made.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{s, t}
}

// result is how a command ended.
type result struct {
	out, err string
	exit     int
}

// run has a shell of a machine run a command in a directory of it.
func (c *cluster) run(host, dir, command string) result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, c.Environ(c.Host(host), "boot"), &stdout, &stderr
	if dir == "" {
		cmd.Dir = c.Root(host)
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatalf("%s: %v", command, err)
	}
	return result{c.plain(stdout.String()), c.plain(stderr.String()), cmd.ProcessState.ExitCode()}
}

// plain leaves the lab's own directory out.
func (c *cluster) plain(text string) string { return strings.ReplaceAll(text, c.Dir, "LAB") }

// place is a place's or a machine's variables.
func (c *cluster) place(name string) map[string]string {
	c.t.Helper()
	if h := c.Host(name); h != nil {
		return h.Vars
	}
	for _, p := range c.Places {
		if p.Name == name {
			return p.Vars
		}
	}
	c.t.Fatalf("no place %q", name)
	return nil
}

// demo is clusterDemo of a place.
func (c *cluster) demo(name string) string {
	return filepath.Join(c.place(name)["install"], "server", "clusterDemo")
}

// dos runs a script on a node of a place ("ctl" or "node") from the operator's machine.
func (c *cluster) dos(name, node, script string) result {
	c.t.Helper()
	p := c.place(name)
	file := filepath.Join(c.t.TempDir(), "script.dos")
	c.write(file, "login(\"admin\", \"123456\")\n"+script+"\n")
	return c.run("ddb-ops", "", strings.Join([]string{c.Host("ddb-ops").Vars["ddb"], "-remoteHost", p["ip"], "-remotePort", p[node+"_port"], "-run", file}, " "))
}

func (c *cluster) write(path, text string) {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) read(path string) string {
	c.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

// eventually waits for something that is to come by itself.
func (c *cluster) eventually(what string, holds func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(patient); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("never: %s", what)
		}
	}
}

// printed waits until a script prints just that.
func (c *cluster) printed(name, node, script, want string) {
	c.t.Helper()
	var r result
	defer func() {
		if c.t.Failed() {
			c.t.Logf("%s: %+v", script, r)
		}
	}()
	c.eventually(script+" gives "+want, func() bool {
		r = c.dos(name, node, script)
		return strings.TrimSpace(r.out) == want
	})
}

// processes are the command lines that run out of a place, as a listing has them.
func (c *cluster) processes(name string) []string {
	c.t.Helper()
	out := c.run(c.on(name), "", `ps -eo pid=,comm=,args= | while read -r pid comm args; do
  [ "$comm" = dolphindb ] && [ "$(readlink /proc/$pid/cwd)" = "`+c.demo(name)+`" ] && printf '%s\n' "$args"
done; true`).out
	lines := strings.Split(strings.TrimSpace(out), "\n")
	slices.Sort(lines)
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}

// on is the machine of a place.
func (c *cluster) on(name string) string {
	for _, p := range c.Places {
		if p.Name == name {
			return p.On
		}
	}
	return name
}

// row is one call of a program: what is true before, the call, and what the original
// does then. Patterns are for the whole output; "" is none.
type row struct {
	fact      string // and where it's told
	before    func(c *cluster)
	host, dir string
	command   string
	exit      int
	out, err  string
	effect    func(c *cluster)
}

const anything = `(?s).*`

// play runs rows in their order against one lab.
func (c *cluster) play(rows []row) {
	c.t.Helper()
	for _, r := range rows {
		if !c.t.Run(r.fact, func(t *testing.T) {
			c := &cluster{c.Site, t}
			if r.before != nil {
				r.before(c)
			}
			got := c.run(r.host, r.dir, r.command)
			if got.exit != r.exit || !matches(r.out, got.out) || !matches(r.err, got.err) {
				t.Errorf("exit %d, want %d\n%s\nwant %s\n%s\nwant %s", got.exit, r.exit, got.out, r.out, got.err, r.err)
			}
			if r.effect != nil {
				r.effect(c)
			}
		}) {
			return // what follows stands on it
		}
	}
}

func matches(pattern, text string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text)
}

// logged waits for a line of a place's log.
func (c *cluster) logged(name, log, pattern string) {
	c.t.Helper()
	line := regexp.MustCompile(pattern)
	path := filepath.Join(c.demo(name), "log", log)
	defer func() {
		if c.t.Failed() {
			data, _ := os.ReadFile(path) // shown if it is there
			c.t.Logf("%s:\n%s", log, data)
		}
	}()
	c.eventually(pattern+" in "+log, func() bool {
		data, err := os.ReadFile(path)
		return err == nil && line.Match(data)
	})
}

// fault switches a fault on or off.
func (c *cluster) fault(spec string) {
	c.t.Helper()
	if err := lab.Fault(c.Dir, spec); err != nil {
		c.t.Fatal(err)
	}
}
