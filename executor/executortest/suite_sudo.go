package executortest

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stepgate/executor"
)

// Sudoer is a host whose login is no administrator and has a real sudo.
type Sudoer struct {
	// Open returns an executor of the host. env is added to the login environment.
	Open func(t *testing.T, ask executor.Asker, env ...string) executor.Executor
	Meet string // a directory that everybody on the host may write to
}

// The users of such a host.
const (
	SudoLogin    = "ops"
	SudoOther    = "deploy"
	SudoPassword = "hunter 2!'é"
)

// BootSudoer returns a new host with these lines in its sudoers.
type BootSudoer func(t *testing.T, sudoers string) Sudoer

// Sudo is what an executor must do about another user.
func Sudo(t *testing.T, boot BootSudoer) {
	for name, test := range map[string]func(*testing.T, BootSudoer){
		"password":       testSudoPassword,
		"no password":    testSudoNoPassword,
		"command":        testSudoCommand,
		"ticket":         testSudoTicket,
		"refusals":       testSudoRefusals,
		"nobody answers": testSudoNobody,
		"signals":        testSudoSignals,
		"orphan":         testSudoOrphan,
		"look ends":      testSudoLookEnds,
		"daemon":         testSudoDaemon,
		"masks":          testSudoMasks,
		"root":           testSudoRoot,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, boot)
		})
	}
}

// operator answers what is asked, in order, and keeps the questions.
type operator struct {
	mu      sync.Mutex
	answers []string
	asked   []executor.Prompt
}

// Ask implements [executor.Asker].
func (o *operator) Ask(_ context.Context, p executor.Prompt) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, p)
	if len(o.asked) > len(o.answers) {
		return "", executor.ErrDeclined
	}
	return o.answers[len(o.asked)-1], nil
}

const allSudo = "Defaults secure_path=/usr/bin:/bin\n" + SudoLogin + " ALL=(ALL) ALL\n"

func newSudoBench(t *testing.T, boot BootSudoer, sudoers string, ask executor.Asker, env ...string) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	s := boot(t, sudoers)
	b := &bench{T: t, ctx: ctx, dir: s.Meet, x: s.Open(t, ask, env...)}
	b.Open = func(t *testing.T, env ...string) executor.Executor { return s.Open(t, ask, env...) }
	host, err := b.x.Identify(ctx)
	if err != nil || host.Degraded != "" || host.User != SudoLogin {
		t.Fatalf("Identify = %+v, %v", host, err)
	}
	b.host = host
	return b
}

// become is a command of another user.
func (b *bench) become(user, body string) executor.Command {
	c := b.sh(body)
	c.User = user
	return c
}

// told fails when the password stands in a file of the host, or in what any process
// shows of itself.
func (b *bench) told() {
	b.Helper()
	holds(b.T, b.host.Dir, SudoPassword)
	holds(b.T, b.dir, SudoPassword)
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		b.Fatal(err)
	}
	me := "/proc/" + strconv.Itoa(os.Getpid())
	for _, p := range processes {
		for _, what := range []string{"cmdline", "environ"} {
			text, err := os.ReadFile(filepath.Join(p, what))
			if err == nil && p != me && strings.Contains(string(text), SudoPassword) {
				b.Errorf("%s/%s has the password", p, what)
			}
		}
	}
}

func testSudoPassword(t *testing.T, boot BootSudoer) {
	who := &operator{answers: []string{"wrong", "", SudoPassword}}
	b := newSudoBench(t, boot, "Defaults lecture=always\n"+allSudo, who)
	c := b.become(SudoOther, `echo "$(id -un)"; echo err >&2; exit 3`)
	for name, run := range map[string]func(executor.Command) (executor.Result, *Recorder){"Look": b.look, "attempt": b.run} {
		res, rec := run(c)
		if res.Exit != 3 || rec.Text(executor.Stdout) != SudoOther+"\n" || rec.Text(executor.Stderr) != "err\n" {
			t.Errorf("%s: exit %d, %q, %q", name, res.Exit, rec.Text(executor.Stdout), rec.Text(executor.Stderr))
		}
	}
	if len(who.asked) != 3 || who.asked[0].Kind != executor.PromptSudo || who.asked[0].Echo || who.asked[0].Again != "" || who.asked[1].Again == "" {
		t.Errorf("asked %+v", who.asked)
	}
	a := b.attempt(b.become(SudoOther, `echo up; `+untilFile("end")))
	b.start(a)
	f := b.following(a)
	f.awaitText(b, executor.Stdout, "up\n")
	b.told()
	b.touch("end")
	<-f.done
	if f.err != nil || f.res.Exit != 0 {
		t.Errorf("Follow = %+v, %v", f.res, f.err)
	}
	if res, rec := b.run(b.become("root", "id -un")); res.Exit != 0 || rec.Text(executor.Stdout) != "root\n" || len(who.asked) != 3 {
		t.Errorf("as root: exit %d, %q, asked %d times", res.Exit, rec.Text(executor.Stdout), len(who.asked))
	}
}

func testSudoNoPassword(t *testing.T, boot BootSudoer) {
	for _, defaults := range []string{"", "Defaults use_pty\n", "Defaults !env_reset\n"} {
		who := &operator{}
		b := newSudoBench(t, boot, defaults+SudoLogin+" ALL=(ALL) NOPASSWD: ALL\n", who)
		for name, run := range map[string]func(executor.Command) (executor.Result, *Recorder){"Look": b.look, "attempt": b.run} {
			res, rec := run(b.become(SudoOther, "id -un; kill -TERM $$"))
			if res.Exit != 143 || rec.Text(executor.Stdout) != SudoOther+"\n" || rec.Text(executor.Stderr) != "" {
				t.Errorf("%s: exit %d, %q, %q", name, res.Exit, rec.Text(executor.Stdout), rec.Text(executor.Stderr))
			}
		}
		if len(who.asked) > 0 {
			t.Errorf("asked %+v", who.asked)
		}
	}
}

// testSudoCommand wants of another user's command what any command gets.
func testSudoCommand(t *testing.T, boot BootSudoer) {
	b := newSudoBench(t, boot, allSudo, &operator{answers: []string{SudoPassword}}, "LD_STRAY=1", "STEPGATE_STRAY=1", "sg_password=exported")
	value := everyByte() + "$(touch " + b.file("canary") + ")"
	c := b.become(SudoOther, `printf '%s|' "$value" "$PWD"; cat | wc -c | tr -d ' '; umask; echo "$HOME"; `+
		`env | grep -c -e '^LD_STRAY' -e '^STEPGATE_STRAY' -e '^sg_'; cat "$0" | wc -c | tr -d ' '; : >"$meet/mine"`)
	c.Env = append(c.Env, executor.Var{Name: "value", Value: value})
	c.Dir = b.file("")
	want := value + "|" + strings.TrimSuffix(c.Dir, "/") + "|0\n"
	for name, run := range map[string]func(executor.Command) (executor.Result, *Recorder){"Look": b.look, "attempt": b.run} {
		res, rec := run(c)
		rest, found := strings.CutPrefix(rec.Text(executor.Stdout), want)
		if !found || res.Exit != 0 || rec.Text(executor.Stderr) != "" {
			t.Fatalf("%s: exit %d, %q, %q", name, res.Exit, rec.Text(executor.Stdout), rec.Text(executor.Stderr))
		}
		f := strings.Fields(rest)
		if len(f) != 4 || f[0] != "0022" || !strings.HasSuffix(f[1], "/"+SudoOther) || f[2] != "0" || f[3] != strconv.Itoa(len(c.Body)) {
			t.Errorf("%s: umask, home, strays and body are %q", name, f)
		}
	}
	if _, err := os.Stat(b.file("canary")); err == nil {
		t.Error("a value was run as code")
	}
	if res, rec := b.run(b.become(SudoOther, "pwd")); res.Exit != 0 || rec.Text(executor.Stdout) == "" {
		t.Errorf("without a directory: exit %d, %q", res.Exit, rec.Text(executor.Stdout))
	}
	if res, rec := b.run(executor.Command{Interpreter: "no-such-interpreter", User: SudoOther}); res.Exit != 127 {
		t.Errorf("a missing interpreter: exit %d, %q", res.Exit, rec.Text(executor.Stderr))
	}
	if _, rec := b.run(b.become(SudoLogin, "id -un")); rec.Text(executor.Stdout) != SudoLogin+"\n" {
		t.Errorf("as the login itself: %q", rec.Text(executor.Stdout))
	}
	left, err := filepath.Glob("/tmp/.look-*")
	for _, dir := range left {
		if text, err := os.ReadFile(filepath.Join(dir, "body")); err == nil && string(text) == c.Body {
			t.Errorf("%s was left behind", dir)
		}
	}
	if err != nil {
		t.Error(err)
	}
}

// testSudoTicket: that somebody has just used sudo changes nothing.
func testSudoTicket(t *testing.T, boot BootSudoer) {
	who := &operator{answers: []string{SudoPassword}}
	b := newSudoBench(t, boot, "Defaults timestamp_type=global\n"+allSudo, who)
	ticket := b.sh(`printf '%s\n' "$password" | sudo -S -p '' true && sudo -n true && echo cached`)
	ticket.Env = append(ticket.Env, executor.Var{Name: "password", Value: SudoPassword})
	if _, rec := b.look(ticket); rec.Text(executor.Stdout) != "cached\n" {
		t.Fatalf("no ticket: %q", rec.Text(executor.Stderr))
	}
	c := b.become(SudoOther, "id -un")
	if _, rec := b.run(c); rec.Text(executor.Stdout) != SudoOther+"\n" || len(who.asked) != 1 {
		t.Errorf("beside a ticket: %q, asked %d times", rec.Text(executor.Stdout), len(who.asked))
	}
	if _, rec := b.look(b.sh("sudo -n true && echo cached")); rec.Text(executor.Stdout) != "cached\n" {
		t.Errorf("the ticket is gone: %q", rec.Text(executor.Stderr))
	}
}

func testSudoSignals(t *testing.T, boot BootSudoer) {
	for _, defaults := range []string{"", "Defaults use_pty\n"} {
		b := newSudoBench(t, boot, defaults+allSudo, &operator{answers: []string{SudoPassword, SudoPassword}})
		a := b.attempt(b.become(SudoOther, `trap 'echo caught; exit 41' TERM; echo up; sleep 300 & echo $! >"$meet/pid"; wait`))
		b.start(a)
		child := b.awaitPID("pid")
		if rep := b.wantFate(a, executor.Running); !strings.Contains(strings.Join(rep.Processes, "\n"), "sleep 300") {
			t.Errorf("what runs is %q", rep.Processes)
		}
		b.x = b.Open(t) // a later Stepgate, which must ask anew
		rep, err := b.x.Signal(b.ctx, a, executor.Term)
		if err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 41 || alive(child) {
			t.Errorf("Signal(Term) = %s, exit %d, %v, child alive: %v", rep.Fate, rep.Result.Exit, err, alive(child))
		}
		if _, rec := b.follow(a); rec.Text(executor.Stdout) != "up\ncaught\n" {
			t.Errorf("it printed %q", rec.Text(executor.Stdout))
		}
		a = b.attempt(b.become(SudoOther, `trap '' TERM; echo $$ >"$meet/stubborn"; while :; do sleep 0.05; done`))
		b.start(a)
		pid := b.awaitPID("stubborn")
		if rep, err := b.x.Signal(b.ctx, a, executor.Term); err != nil || rep.Fate != executor.Running {
			t.Errorf("Signal(Term) to one that ignores it = %s, %v", rep.Fate, err)
		}
		rep, err = b.x.Signal(b.ctx, a, executor.Kill)
		if err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 137 || alive(pid) {
			t.Errorf("Signal(Kill) = %s, exit %d, %v, alive: %v", rep.Fate, rep.Result.Exit, err, alive(pid))
		}
	}
}

func testSudoOrphan(t *testing.T, boot BootSudoer) {
	b := newSudoBench(t, boot, allSudo, &operator{answers: []string{SudoPassword}})
	a := b.attempt(b.become(SudoOther, `echo $$ >"$meet/pid"; exec sleep 312`))
	b.start(a)
	child := b.awaitPID("pid")
	b.killLater(child)
	b.kill(b.runner(a))
	if rep := b.wantFate(a, executor.Orphan); !strings.Contains(strings.Join(rep.Processes, "\n"), "sleep 312") {
		t.Errorf("an orphan's processes are %q", rep.Processes)
	}
	if rep, err := b.x.Signal(b.ctx, a, executor.Kill); err != nil || rep.Fate != executor.Died || alive(child) {
		t.Errorf("Signal(Kill) = %s, %v, alive: %v", rep.Fate, err, alive(child))
	}
}

func testSudoLookEnds(t *testing.T, boot BootSudoer) {
	b := newSudoBench(t, boot, allSudo, &operator{answers: []string{SudoPassword}})
	begun := time.Now()
	err := lookUntil(b, b.become(SudoOther, `sleep 300 & echo $! >"$meet/child"; echo "$0" >"$meet/body"; echo $$ >"$meet/pid"; wait`), "pid")
	wantEnded(t, err)
	for _, name := range []string{"pid", "child"} {
		if pid := b.awaitPID(name); alive(pid) {
			t.Errorf("%s %d is alive after the look has ended (%s)", name, pid, time.Since(begun))
		}
	}
	if _, err := os.Stat(b.awaitFile("body")); err == nil {
		t.Error("the look's text was left behind")
	}
}

func testSudoDaemon(t *testing.T, boot BootSudoer) {
	b := newSudoBench(t, boot, allSudo, &operator{answers: []string{SudoPassword}})
	a := b.attempt(b.become(SudoOther, `(`+untilFile("end")+`echo late) & echo $! >"$meet/pid"; echo up; exit 5`))
	b.start(a)
	b.killLater(b.awaitPID("pid"))
	if res, rec := b.follow(a); res.Exit != 5 || rec.Text(executor.Stdout) != "up\n" {
		t.Errorf("Follow = %d, %q", res.Exit, rec.Text(executor.Stdout))
	}
	b.touch("end")
	b.await("what the daemon prints", func() bool {
		text, err := os.ReadFile(filepath.Join(b.host.Dir, a.RunID, a.ID, "out"))
		return err == nil && string(text) == "up\nlate\n"
	})
}

func testSudoMasks(t *testing.T, boot BootSudoer) {
	b := newSudoBench(t, boot, "Defaults lecture=always\n"+allSudo, &operator{answers: []string{SudoPassword}})
	c := b.become(SudoOther, `echo "$(id -un) has $secret"; printf %s "$secret" >&2; exit 6`)
	c.Env = append(c.Env, executor.Var{Name: "secret", Value: "tiger-Lily"})
	c.Masks = masks("tiger-Lily")
	res, rec := b.run(c)
	if res.Exit != 6 || rec.Text(executor.Stdout) != SudoOther+" has "+masked+"\n" || rec.Text(executor.Stderr) != masked {
		t.Errorf("exit %d, kept %q and %q", res.Exit, rec.Text(executor.Stdout), rec.Text(executor.Stderr))
	}
	holds(t, b.host.Dir, "tiger-Lily", SudoPassword)
}

func testSudoRoot(t *testing.T, boot BootSudoer) {
	b := newSudoBench(t, boot, allSudo, &operator{answers: []string{SudoPassword}})
	a := b.attempt(b.become("root", `trap 'exit 42' TERM; id -un; echo $$ >"$meet/pid"; while :; do sleep 0.05; done`))
	b.start(a)
	pid := b.awaitPID("pid")
	rep, err := b.x.Signal(b.ctx, a, executor.Term)
	if err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 42 || alive(pid) {
		t.Errorf("Signal(Term) = %s, exit %d, %v, alive: %v", rep.Fate, rep.Result.Exit, err, alive(pid))
	}
}

// SudoTerminal is what an executor that lends terminals must do about another user:
// sudo asks on the terminal that it is handed, and nobody else.
func SudoTerminal(t *testing.T, boot BootSudoer) {
	who := &operator{}
	b := newSudoBench(t, boot, allSudo, who)
	c := b.become(SudoOther, `echo "I am $(id -un) with $value"; read -r line; echo "got $line"; exit 4`)
	c.Env = append(c.Env, executor.Var{Name: "value", Value: "tiger-Lily"})
	s := newScreen(b, 80, 24)
	h := s.hand(b.attempt(c))
	s.await("password for " + SudoLogin)
	s.types(SudoPassword + "\r")
	s.await("I am " + SudoOther + " with tiger-Lily")
	s.types("something\r")
	s.await("got something")
	h.wantExit(b, 4)
	if len(who.asked) > 0 || strings.Contains(s.text(), SudoPassword) || strings.Contains(s.text(), "SG1") {
		t.Errorf("asked %+v, shown %q", who.asked, s.text())
	}
	b.told()
	holds(t, b.host.Dir, "tiger-Lily")
}
