package executortest

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"stepgate/executor"
)

func testIdentify(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	h := b.host
	if h.MachineID != "machine-1" || h.BootID != "boot-1" {
		t.Errorf("Identify = machine %q, boot %q", h.MachineID, h.BootID)
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if h.User == "" || h.Hostname != name || h.System != "Linux" {
		t.Errorf("Identify = user %q, host %q, system %q, want host %q on Linux", h.User, h.Hostname, h.System, name)
	}
	info, err := os.Stat(h.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("%s has mode %v", h.Dir, info.Mode())
	}
	if h.FreeBytes < 1<<20 {
		t.Errorf("Identify = %d free bytes", h.FreeBytes)
	}
}

func testExitCodes(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	for _, c := range []struct {
		interpreter, body string
		exit              int
	}{
		{"sh", "", 0},
		{"sh", "exit 1", 1},
		{"sh", "exit 75", 75},
		{"sh", "exit 76", 76},
		{"sh", "exit 255", 255},
		{"/bin/sh", "kill -TERM $$", 143},
		{"/bin/sh", "kill -KILL $$", 137},
		{"/bin/sh", "kill -HUP $$", 129},
		{"sh", "set -eu; false; exit 3", 1},
		{"no-such-interpreter", "exit 0", 127},
		{"/etc/passwd", "exit 0", 126},
	} {
		res, rec := b.look(executor.Command{Interpreter: c.interpreter, Body: c.body})
		if res.Exit != c.exit {
			t.Errorf("Look(%s %q) = %d, want %d (%s)", c.interpreter, c.body, res.Exit, c.exit, rec.Text(executor.Stderr))
		}
		if c.interpreter == "/bin/sh" && rec.Text(executor.Stderr) != "" {
			t.Errorf("the host's shell added %q to the output", rec.Text(executor.Stderr))
		}
		a := b.attempt(executor.Command{Interpreter: c.interpreter, Body: c.body})
		b.start(a)
		res, rec = b.follow(a)
		if res.Exit != c.exit {
			t.Errorf("attempt(%s %q) = %d, want %d (%s)", c.interpreter, c.body, res.Exit, c.exit, rec.Text(executor.Stderr))
		}
		if rep := b.wantFate(a, executor.Finished); rep.Result.Exit != c.exit || rep.Result.Bytes != res.Bytes {
			t.Errorf("Probe(%s %q) = %+v, Follow said %+v", c.interpreter, c.body, rep.Result, res)
		}
		if c.interpreter == "/bin/sh" && rec.Text(executor.Stderr) != "" {
			t.Errorf("the host's shell added %q to the output", rec.Text(executor.Stderr))
		}
		if c.exit >= 126 && c.exit <= 127 && !strings.Contains(rec.Text(executor.Stderr), c.interpreter) {
			t.Errorf("stderr %q doesn't name %s", rec.Text(executor.Stderr), c.interpreter)
		}
	}
}

// everyByte is every byte that a variable can hold.
func everyByte() string {
	var s strings.Builder
	for i := 1; i < 256; i++ {
		s.WriteByte(byte(i))
	}
	return s.String()
}

func testBytes(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	values := []string{
		"", " ", "-n", "--help", "it's", `"double"`, "a'b'c''", "line\nline", "\n", "trailing\n\n", "tab\there", `back\slash\n`,
		"$HOME `id` $(touch " + b.file("canary") + ")", "; touch " + b.file("canary"), "*", "~", "!!", "#x", "%s%n", "平板服务器 🚀",
		everyByte(), strings.Repeat("长", 20000),
	}
	c := b.sh(`for i in $names; do eval 'printf "%s\0" "$'"$i"'"'; done`)
	var names []string
	for i, v := range values {
		names = append(names, "v"+strconv.Itoa(i))
		c.Env = append(c.Env, executor.Var{Name: names[i], Value: v})
	}
	c.Env = append(c.Env, executor.Var{Name: "names", Value: strings.Join(names, " ")})
	for name, run := range map[string]func(executor.Command) (executor.Result, *Recorder){"Look": b.look, "attempt": b.run} {
		res, rec := run(c)
		got := strings.Split(rec.Text(executor.Stdout), "\x00")
		if len(got) != len(values)+1 || res.Bytes[executor.Stdout] != int64(len(rec.Text(executor.Stdout))) {
			t.Fatalf("%s: %d values arrived of %d, in %v bytes", name, len(got)-1, len(values), res.Bytes)
		}
		for i, v := range values {
			if got[i] != v {
				t.Errorf("%s: value %.60q arrived as %.60q", name, v, got[i])
			}
		}
	}
	if _, err := os.Stat(b.file("canary")); err == nil {
		t.Error("a value was run as code")
	}
}

func testBody(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	for _, body := range []string{
		"cat \"$0\"", "cat \"$0\"\n", "cat \"$0\"\n\n\n", "cat \"$0\"; exit\r\n\t'\"\\", "cat \"$0\"; exit\n" + everyByte(),
		"cat \"$0\"; exit\nEOF\n" + strings.Repeat("命令 ' \\\n", 20000),
	} {
		_, rec := b.look(b.sh(body))
		if rec.Text(executor.Stdout) != body {
			t.Errorf("Look ran other bytes than %.60q", body)
		}
		_, rec = b.run(b.sh(body))
		if rec.Text(executor.Stdout) != body {
			t.Errorf("an attempt ran other bytes than %.60q", body)
		}
	}
}

func testDirectory(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	dir := b.file("a dir with 'quotes' 目录")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := b.sh("pwd -P; cat | wc -c | tr -d ' '")
	c.Dir = dir
	for _, run := range []func(executor.Command) (executor.Result, *Recorder){b.look, b.run} {
		run(b.sh(`rm -f "$meet/theirs"; : >"$meet/theirs"`))
		if err := os.WriteFile(b.file("ours"), nil, 0o666); err != nil { //nolint:gosec // as a command makes a file
			t.Fatal(err)
		}
		if ours, theirs := fileMode(t, b.file("ours")), fileMode(t, b.file("theirs")); ours != theirs {
			t.Errorf("a command makes files with mode %v, the login has %v", theirs, ours)
		}
		_, rec := run(c)
		if got := rec.Text(executor.Stdout); got != dir+"\n0\n" {
			t.Errorf("in %q: %q", dir, got)
		}
		missing := c
		missing.Dir = b.file("missing")
		res, rec := run(missing)
		if res.Exit != 126 || !strings.Contains(rec.Text(executor.Stderr), "missing") {
			t.Errorf("in a missing directory: exit %d, %q", res.Exit, rec.Text(executor.Stderr))
		}
		missing.Dir = "-"
		if res, _ := run(missing); res.Exit != 126 {
			t.Errorf("in a directory called -: exit %d", res.Exit)
		}
	}
}

func fileMode(t *testing.T, file string) os.FileMode {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func testLoginEnvironment(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	rc := b.file("rc")
	if err := os.WriteFile(rc, []byte("echo rc was read\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.x = b.Open(t, "LD_STEPGATE_TEST=x", "STEPGATE_SECRET=x", "ENV="+rc, "BASH_ENV="+rc, "PS4=x", "PROMPT_COMMAND=x",
		"IFS=x", "KEPT=kept", "sg_body=stray", "LINES_IN=one\nLD_FAKE=1\nSTEPGATE_FAKE x=2")
	c := executor.Command{Interpreter: "bash", Body: "env", Env: []executor.Var{{Name: "STEPGATE_STEP", Value: "a/b"}}}
	_, look := b.look(c)
	_, run := b.run(c)
	for _, rec := range []*Recorder{look, run} {
		out := rec.Text(executor.Stdout)
		for _, gone := range []string{"LD_STEPGATE_TEST", "STEPGATE_SECRET", "STEPGATE_MACHINE_ID", "\nENV=", "BASH_ENV", "PS4", "PROMPT_COMMAND", "\nIFS=", "rc was read"} {
			if strings.Contains("\n"+out, gone) {
				t.Errorf("the environment has %q: %q", gone, out)
			}
		}
		for _, kept := range []string{"\nKEPT=kept\n", "\nSTEPGATE_STEP=a/b\n", "\nLINES_IN=one\n"} {
			if !strings.Contains("\n"+out, kept) {
				t.Errorf("the environment lacks %q: %q", kept, out)
			}
		}
	}
}

// testSignals wants a command to ignore no signal that the login doesn't ignore:
// its daemons would inherit that.
func testSignals(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	c := b.sh("grep SigIgn /proc/self/status")
	_, look := b.look(c)
	_, run := b.run(c)
	if got, want := run.Text(executor.Stdout), look.Text(executor.Stdout); got != want || got == "" {
		t.Errorf("an attempt's command has %q, a look's has %q", got, want)
	}
}

// weigher counts output and the most that the heap has held meanwhile.
type weigher struct {
	bytes [2]int64
	calls int
	heap  uint64
}

// Output implements [executor.Sink].
func (w *weigher) Output(s executor.Stream, _ int64, p []byte) {
	w.bytes[s] += int64(len(p))
	w.calls++
	if w.calls%64 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.heap = max(w.heap, m.HeapInuse)
	}
}

func testMemory(t *testing.T, boot BootMachine) {
	const size = 48 << 20
	b := newBench(t, boot)
	c := b.sh("head -c 50331648 /dev/zero; echo end >&2")
	a := b.attempt(c)
	b.start(a)
	b.await("the whole output", func() bool { return b.probe(a, false).Fate == executor.Finished })
	for name, read := range map[string]func(executor.Sink) (executor.Result, error){
		"Follow": func(s executor.Sink) (executor.Result, error) {
			return b.x.Follow(b.ctx, a, executor.Offsets{}, s)
		},
		"Look": func(s executor.Sink) (executor.Result, error) { return b.x.Look(b.ctx, c, s) },
	} {
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		w := &weigher{}
		res, err := read(w)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w.bytes != [2]int64{size, 4} || res.Bytes != (executor.Offsets{size, 4}) {
			t.Errorf("%s: %v bytes came, %v were said, want %d and 4", name, w.bytes, res.Bytes, size)
		}
		if grown := int64(w.heap) - int64(before.HeapInuse); grown > 24<<20 {
			t.Errorf("%s: the heap grew by %d MiB for %d MiB of output", name, grown>>20, size>>20)
		}
	}
}
