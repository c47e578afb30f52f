package rehearsal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"stepgate/lab"
)

// Exit codes of the command line that a rehearsal meets.
const (
	Done    = 0
	Failed  = 2 // stopped on a failed cell
	Waiting = 3 // for a person
)

// Speed is how much faster than its original a cluster is in a rehearsal.
const Speed = "60"

// Rehearsal is a run of a shipped runbook on a cluster of its own.
type Rehearsal struct {
	t      testing.TB
	state  string // XDG_STATE_HOME
	ledger string // a link that outlives the lab

	Cluster *lab.Cluster
}

// Ended is how a call of the program ended.
type Ended struct {
	t              testing.TB
	Code           int
	Stdout, Stderr string
}

// Begin starts a scene with these faults, begins the run of its runbook and leaves it
// where it first needs a person. A story that runs under the race detector as well
// would tell nothing more, so it's left out there.
func Begin(t testing.TB, scene string, faults ...string) *Rehearsal {
	t.Helper()
	sc, err := lab.FindScene(scene, "")
	if err != nil {
		t.Fatal(err)
	}
	return BeginWith(t, sc.Runbook, scene, faults)
}

// BeginWith is [Begin] with another runbook, a path or a shipped one's name, and more
// arguments of `stepgate run`.
func BeginWith(t testing.TB, book, scene string, faults []string, args ...string) *Rehearsal {
	t.Helper()
	if raceEnabled {
		t.Skip("NOT TESTED here: the program that is rehearsed is built without the race detector")
	}
	r := &Rehearsal{t: t, state: t.TempDir()}
	line := append([]string{"run", book, "--lab", scene, "--speed", Speed, "--auto"}, args...)
	for _, f := range faults {
		line = append(line, "--fault", f)
	}
	e := r.Stepgate(line...)
	t.Cleanup(func() { r.Stepgate("lab", "down", "last") })
	if e.Code != Waiting && e.Code != Failed {
		t.Fatalf("the run of %s begins with exit code %d, and doesn't wait:\n%s\n%s", book, e.Code, e.Stderr, tail(e.Stdout))
	}
	labs, err := filepath.Glob(filepath.Join(r.state, "stepgate", "labs", "*", "lab.json"))
	if err != nil || len(labs) != 1 {
		t.Fatalf("the run has the labs %v, %v:\n%s", labs, err, e.Stderr)
	}
	dir := filepath.Dir(labs[0])
	if r.Cluster, err = lab.Open(dir); err != nil {
		t.Fatal(err)
	}
	ledger := filepath.Join(dir, "ledger")
	f, err := os.OpenFile(ledger, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	r.ledger = filepath.Join(r.state, "ledger")
	if err := errors.Join(err, os.Link(ledger, r.ledger)); err != nil {
		t.Fatal(err)
	}
	return r
}

// Stepgate calls the program.
func (r *Rehearsal) Stepgate(args ...string) Ended {
	r.t.Helper()
	var out, errs strings.Builder
	cmd := exec.Command(Program(r.t), args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+r.state)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return Ended{r.t, cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// Good is what a call prints that has to succeed.
func (r *Rehearsal) Good(args ...string) string {
	r.t.Helper()
	e := r.Stepgate(args...)
	if e.Code != 0 {
		r.t.Fatalf("stepgate %s: exit code %d\n%s", strings.Join(args, " "), e.Code, e.Stderr)
	}
	return e.Stdout
}

// GoOn resumes the run: by itself, all gates opened, manual steps done, until
// something else needs a person.
func (r *Rehearsal) GoOn(args ...string) Ended {
	r.t.Helper()
	return r.Stepgate(append([]string{"resume", "--auto", "--approve", "*"}, args...)...)
}

// Fault switches a fault on, or off with an empty value.
func (r *Rehearsal) Fault(spec string) {
	r.t.Helper()
	r.Good("lab", "fault", "last", spec)
}

// Remedy has a person answer the question that the run stands at with this action
// (retry, probe, "skip" …), and what is asked for then, and leave at the next
// question. It returns what stood on the terminal meanwhile.
func (r *Rehearsal) Remedy(action string, answers ...string) string {
	r.t.Helper()
	p := Sit(r.t, r.state, "resume", "--plain")
	n := p.Reads(`(?s)\n *(\d+) ` + regexp.QuoteMeta(action) + `: .*number> `)
	p.Types(n[1])
	for _, a := range answers {
		p.Reads(`> $`)
		p.Types(a)
	}
	p.Reads(`(?s)\n(go|gate|manual|failure|unknown|monitor): .*number> |GATE `)
	p.Types("q")
	if code := p.Ends(); code != Waiting && code != Failed {
		r.t.Fatalf("leaving after %s ends with %d", action, code)
	}
	return p.Saw()
}

// Sit has a person call the program at a terminal.
func (r *Rehearsal) Sit(args ...string) *Person {
	r.t.Helper()
	return Sit(r.t, r.state, args...)
}

// Done expects the run to be over, with every cell well.
func (e Ended) Done() {
	e.t.Helper()
	if e.Code != Done {
		e.t.Fatalf("it ended with %d:\n%s\n%s", e.Code, e.Stderr, tail(e.Stdout))
	}
}

// Stopped expects the run to stand at a step, "walk[host]/step", waiting for that
// kind of answer (failure, unknown, gate, manual, monitor), and to have said all of
// says, which are regular expressions, on the way there.
func (e Ended) Stopped(kind, step string, says ...string) {
	e.t.Helper()
	want := "waiting: " + kind + " " + step + " "
	if !strings.Contains(e.Stderr, want) {
		e.t.Fatalf("no %q, it ended with %d:\n%s\n%s", want, e.Code, e.Stderr, tail(e.Stdout))
	}
	for _, s := range says {
		if !regexp.MustCompile(`(?m)` + s).MatchString(e.Stdout + "\n" + e.Stderr) {
			e.t.Errorf("at %s: nobody says %q in:\n%s\n%s", step, s, e.Stderr, tail(e.Stdout))
		}
	}
}

func tail(s string) string { return s[max(0, len(s)-6000):] }

// Ledger is what was done on the hosts so far, also when the run is over.
func (r *Rehearsal) Ledger() []lab.Entry {
	r.t.Helper()
	entries, err := lab.ReadLedger(r.ledger)
	if err != nil {
		r.t.Fatal(err)
	}
	return entries
}

// Did are the ledger's entries of a program, as "HOST ARGS…".
func (r *Rehearsal) Did(program string) (out []string) {
	r.t.Helper()
	for _, e := range r.Ledger() {
		if e.Program == program {
			out = append(out, strings.Join(append([]string{e.Host}, e.Args...), " "))
		}
	}
	return out
}

// Host is a simulated host.
func (r *Rehearsal) Host(name string) lab.Host {
	r.t.Helper()
	i := slices.IndexFunc(r.Cluster.Hosts, func(h lab.Host) bool { return h.Name == name })
	if i < 0 {
		r.t.Fatalf("there is no host %q", name)
	}
	return r.Cluster.Hosts[i]
}

// Root is the directory that stands for a host's file system.
func (r *Rehearsal) Root(host string) string { return filepath.Join(r.Cluster.Dir, "hosts", host) }

// On runs a command on a host, as somebody beside the run would, and returns what it
// printed. It has to succeed.
func (r *Rehearsal) On(host, command string) string {
	r.t.Helper()
	out, err := r.ssh(r.Host(host), command)
	if err != nil {
		r.t.Fatalf("on %s: %s: %v\n%s", host, command, err, out)
	}
	return out
}

func (r *Rehearsal) ssh(h lab.Host, command string) (string, error) {
	key, err := os.ReadFile(r.Cluster.Identity)
	if err != nil {
		return "", err
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		return "", err
	}
	known, err := knownhosts.New(r.Cluster.KnownHosts)
	if err != nil {
		return "", err
	}
	client, err := ssh.Dial("tcp", h.Addr, &ssh.ClientConfig{
		User: h.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: known,
	})
	if err != nil {
		return "", fmt.Errorf("reach %q: %w", h.Name, err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	out, err := session.CombinedOutput(command)
	return string(out), err
}
