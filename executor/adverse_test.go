package executor_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// needRoot says loudly what isn't tested without root.
func needRoot(t *testing.T, what string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skipf("NOT TESTED without root: %s", what)
	}
}

// TestUnprivileged runs the protocol as a user who may do nothing.
func TestUnprivileged(t *testing.T) {
	t.Parallel()
	needRoot(t, "the protocol as a user without rights, started by root")
	const nobody = 65534
	dir := memoryDir(t)
	binary := filepath.Join(dir, "executor.test")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, self, binary)
	if err := errors.Join(os.Chmod(dir, 0o700), os.Chown(dir, nobody, nobody), os.Chown(binary, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run", "^TestLocal$/^protocol$", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "TMPDIR=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "--- PASS: TestLocal/protocol/orphan") {
		t.Errorf("as user %d: %v\n%s", nobody, err, text)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// room is a machine in namespaces of its own.
type room struct {
	*testing.T
	x    executor.Executor
	home string // a directory of this machine, too
	in   []string
}

// newRoom makes namespaces as unshare's options say, lets sh prepare them, and opens
// an executor in them. Nobody there waits for dead children.
func newRoom(t *testing.T, prepare string, options ...string) *room {
	t.Helper()
	needRoot(t, "hosts with namespaces of their own")
	home := memoryDir(t)
	holder := exec.Command("unshare", append(append(options, "--mount", "--fork", "--kill-child", "--"), "sleep", "infinity")...)
	// The first process of the namespaces is the only child.
	if err := holder.Start(); err != nil {
		t.Skipf("NOT TESTED: namespaces can't be made here: %v", err)
	}
	t.Cleanup(func() {
		_ = holder.Process.Kill()
		_ = holder.Wait() // killed
	})
	r := &room{T: t, home: home}
	r.in = append([]string{"nsenter", "--target", childOf(t, holder.Process.Pid), "--mount"}, enter(options)...)
	env := append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8"}, executortest.LoginEnv...)
	setUp := exec.Command(r.in[0], append(r.in[1:], "sh", "-ec", prepare)...)
	setUp.Env = env
	if out, err := setUp.CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: %s: %v: %s", prepare, err, out)
	}
	// A session of its own inside, or its process group has no number there.
	sh := filepath.Join(t.TempDir(), "sh")
	script := "#!/bin/sh\nexec " + strings.Join(r.in, " ") + " setsid --wait sh \"$@\"\n"
	if err := os.WriteFile(sh, []byte(script), 0o700); err != nil { //nolint:gosec // it's to be run
		t.Fatal(err)
	}
	r.x = executor.NewLocal(executor.LocalOptions{Dir: home, Shell: sh, Env: env})
	t.Cleanup(func() {
		if err := r.x.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func enter(options []string) []string {
	var in []string
	for _, o := range options {
		if o == "--pid" {
			in = append(in, o)
		}
	}
	return in
}

// childOf waits for a process to have its first child in namespaces of its own.
func childOf(t *testing.T, pid int) string {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "task", strconv.Itoa(pid), "children"))
		if child := strings.TrimSpace(string(text)); child != "" {
			ns, err := os.Readlink(filepath.Join("/proc", child, "ns/mnt"))
			name, _ := os.ReadFile(filepath.Join("/proc", child, "comm"))
			if err == nil && ns != own && string(name) == "sleep\n" {
				return child
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Skip("NOT TESTED: unshare made no process in namespaces of its own")
	return ""
}

// do runs a look in the room and wants it to end well.
func (r *room) do(body string) string {
	r.Helper()
	var out output
	res, err := r.x.Look(r.Context(), executor.Command{Interpreter: "sh", Body: body}, &out)
	if err != nil || res.Exit != 0 {
		r.Fatalf("%s: exit %d, %v", body, res.Exit, err)
	}
	return out.String()
}

func (r *room) identify() executor.Host {
	r.Helper()
	host, err := r.x.Identify(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return host
}

func (r *room) attempt(id string, host executor.Host, body string) executor.Attempt {
	return executor.Attempt{
		ID: strings.Repeat(id, 16), RunID: "room", IntentHash: "ab", Host: host,
		Command: executor.Command{Interpreter: "sh", Body: body},
	}
}

func (r *room) start(a executor.Attempt) {
	r.Helper()
	if claim, err := r.x.Start(r.Context(), a); claim != executor.Started || err != nil {
		r.Fatalf("Start = %d, %v", claim, err)
	}
}

// wantExit follows an attempt to its end.
func (r *room) wantExit(a executor.Attempt, want int) {
	r.Helper()
	if res, err := r.x.Follow(r.Context(), a, executor.Offsets{}, nil); err != nil || res.Exit != want {
		r.Errorf("Follow = exit %d, %v, want %d", res.Exit, err, want)
	}
}

func (r *room) wantFate(a executor.Attempt, want executor.Fate) executor.Report {
	r.Helper()
	rep, err := r.x.Probe(r.Context(), a, true)
	if err != nil || rep.Fate != want {
		r.Errorf("Probe = %s (%s), %v, want %s", rep.Fate, rep.Detail, err, want)
	}
	return rep
}

// TestNobodyReaps runs where the dead stay zombies for ever.
func TestNobodyReaps(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "true", "--pid", "--mount-proc")
	host := r.identify()
	if host.Degraded != "" {
		t.Fatalf("Identify: %s", host.Degraded)
	}
	done := r.attempt("0a", host, "exit 3")
	r.start(done)
	r.wantExit(done, 3)
	r.wantFate(done, executor.Finished)

	dead := r.attempt("0b", host, "echo $$ >\"$HOME/pid\"; exec sleep 300")
	r.start(dead)
	r.do(`until [ -s "$HOME/pid" ]; do sleep 0.02; done; read -r runner start <"` + host.Dir + "/room/" + dead.ID + `/go/runner"; kill -9 "$runner"`)
	if rep := r.wantFate(dead, executor.Orphan); !strings.Contains(strings.Join(rep.Processes, "\n"), "sleep 300") {
		t.Errorf("what is alive is %q", rep.Processes)
	}
	if rep, err := r.x.Signal(t.Context(), dead, executor.Kill); err != nil || rep.Fate != executor.Died {
		t.Errorf("Signal = %s, %v", rep.Fate, err)
	}
	// kill -0 says that they live.
	zombies := r.do(`read -r pid <"$HOME/pid"; read -r runner start <"` + host.Dir + "/room/" + dead.ID + `/go/runner"
kill -0 "$pid" "$runner" && grep -h State "/proc/$pid/status" "/proc/$runner/status"`)
	if strings.Count(zombies, "Z (zombie)") != 2 {
		t.Fatalf("the dead are %q, so nothing was tested", zombies)
	}
	r.wantFate(dead, executor.Died)
	if err := r.x.Discard(t.Context(), host, "room"); err != nil {
		t.Errorf("Discard among zombies: %v", err)
	}
}

// TestHomesThatDoNotServe has homes that can't hold attempts, and what is taken
// instead.
func TestHomesThatDoNotServe(t *testing.T) {
	const other = "mount -t tmpfs -o mode=1777 other /var/tmp\n"
	const elsewhere = "/var/tmp/stepgate-0"
	for name, c := range map[string]struct {
		prepare, dir, degraded string
	}{
		"read-only":            {other + `mount --bind "$HOME" "$HOME"; mount -o remount,bind,ro "$HOME"`, elsewhere, ""},
		"no space":             {other + `mount -t tmpfs -o size=32k home "$HOME"; ! head -c 100000 /dev/zero >"$HOME/big" 2>/dev/null`, elsewhere, ""},
		"no inodes":            {other + `mount -t tmpfs -o nr_inodes=3 home "$HOME"; touch "$HOME/1" "$HOME/2"`, elsewhere, ""},
		"noexec":               {other + `mount -t tmpfs -o noexec,mode=700 home "$HOME"`, "home", ""},
		"somebody's in /var":   {other + `mkdir "` + elsewhere + `"; chown 65534 "` + elsewhere + `"; mount --bind "$HOME" "$HOME"; mount -o remount,bind,ro "$HOME"`, "", "Read-only file system"},
		"everything read-only": {`mount --bind /var/tmp /var/tmp; mount -o remount,bind,ro /var/tmp; mount --bind "$HOME" "$HOME"; mount -o remount,bind,ro "$HOME"`, "", "Read-only file system"},
		"no home":              {other + `rmdir "$HOME"/* 2>/dev/null || true; mount -t tmpfs -o mode=755,ro home "$HOME"`, elsewhere, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, c.prepare)
			host := r.identify()
			want := c.dir
			if want == "home" {
				want = r.home + "/.local/state/stepgate"
			}
			if host.Dir != want || (host.Degraded == "") != (c.degraded == "") || !strings.Contains(host.Degraded, c.degraded) {
				t.Fatalf("Identify = dir %q, degraded %q, want %q and %q", host.Dir, host.Degraded, want, c.degraded)
			}
			if c.degraded != "" {
				if strings.Contains(host.Degraded, "\n") || !strings.Contains(host.Degraded, "no directory for attempts") {
					t.Errorf("degraded: %q", host.Degraded)
				}
				return
			}
			a := r.attempt("0c", host, "exit 5")
			r.start(a)
			r.wantExit(a, 5)
		})
	}
}

// TestDiskFillsUp fills the attempts' disk while a command runs, and before others.
func TestDiskFillsUp(t *testing.T) {
	for name, fill := range map[string]string{
		"space":  `head -c 100000000 /dev/zero >"$HOME/big" 2>/dev/null; [ "$(df -Pk "$HOME" | tail -n 1 | tr -s ' ' | cut -d' ' -f4)" = 0 ]`,
		"inodes": `i=0; while touch "$HOME/small-$i" 2>/dev/null; do i=$((i + 1)); done; [ "$i" -gt 1 ]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, `mount -t tmpfs -o size=1m,nr_inodes=100,mode=700 home "$HOME"`)
			host := r.identify()
			running := r.attempt("0d", host, `echo begun; until [ -e /dev/shm/`+filepath.Base(r.home)+`.go ]; do sleep 0.05; done; echo lost; exit 9`)
			flag := "/dev/shm/" + filepath.Base(r.home) + ".go"
			t.Cleanup(func() { _ = os.Remove(flag) })
			r.start(running)
			r.do(`until [ -s "` + host.Dir + "/room/" + running.ID + `/out" ]; do sleep 0.02; done`)
			r.do(fill)

			late := r.attempt("0e", host, "exit 1")
			if claim, err := r.x.Start(t.Context(), late); claim != 0 || err == nil {
				t.Errorf("Start on a full disk = %d, %v, want an error", claim, err)
			}
			if err := os.WriteFile(flag, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			r.wantExit(running, 9)
			r.wantFate(running, executor.Finished)
			// A fence may find no room either; then nothing is said.
			if rep, err := r.x.Probe(t.Context(), late, true); err == nil && rep.Fate != executor.NeverStarted {
				t.Errorf("Probe on a full disk = %s (%s)", rep.Fate, rep.Detail)
			}
			r.do(`rm -f "$HOME"/big "$HOME"/small-*`)
			r.wantFate(late, executor.NeverStarted)
			r.wantFate(running, executor.Finished)
		})
	}
}
