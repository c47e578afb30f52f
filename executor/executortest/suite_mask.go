package executortest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/executor"
)

const masked = "‹secret›"

// masks masks texts, those that begin with \b as words.
func masks(texts ...string) []executor.Mask {
	out := make([]executor.Mask, len(texts))
	for i, s := range texts {
		word, isWord := strings.CutPrefix(s, "\b")
		out[i] = executor.Mask{Text: word, With: masked, Word: isWord}
	}
	return out
}

// Masks is what a host must mask, by whatever awk it has.
func Masks(t *testing.T, boot BootMachine) {
	for name, test := range map[string]func(*testing.T, BootMachine){
		"output":    testMasked,
		"as it was": testUnmasked,
		"daemon":    testMaskDaemon,
		"signals":   testMaskSignals,
		"streamed":  testMaskStreams,
		"many":      testMaskMany,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, boot)
		})
	}
}

// holds fails when a file below dir has any of the texts.
func holds(t testing.TB, dir string, texts ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, s := range texts {
			if bytes.Contains(b, []byte(s)) {
				t.Errorf("%s holds %q", path, s)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func testMasked(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	const key = "-----BEGIN-----\nabc\\def'ghi\n-----END-----"
	for _, c := range []struct{ prints, want string }{
		{"", ""},
		{"plain", "plain"},
		{"plain\n", "plain\n"},
		{"\n\n", "\n\n"},
		{"tiger-Lily", masked},
		{"a tiger-Lily b\n", "a " + masked + " b\n"},
		{"tiger-Lilytiger-Lily", masked},
		{"tiger-tiger-Lily\n", "tiger-" + masked + "\n"},
		{"tiger-LilyLily-x-tiger", masked + "Lily-x-tiger"},
		{"x" + key + "y", "x" + masked + "y"},
		{key + "\n", masked + "\n"},
		{key + "\n" + key, masked + "\n" + masked},
		{"-----BEGIN-----\nabc\\def'ghi\nother\n", "-----BEGIN-----\nabc\\def'ghi\nother\n"},
		{"-----BEGIN-----\n", "-----BEGIN-----\n"},
		{"-----BEGIN-----\n" + key + "\n-----BEGIN-----", "-----BEGIN-----\n" + masked + "\n-----BEGIN-----"},
		{"overlap-lapping", masked},
		{"pin 123 x123 123x 1234 (123)\n123", "pin " + masked + " x123 123x 1234 (" + masked + ")\n" + masked},
		{"a\\nb *.[x] &\n", masked + " " + masked + " &\n"},
		{"\xff\xfe tiger-Lily 平板\r\n", "\xff\xfe " + masked + " 平板\r\n"},
	} {
		cmd := b.sh(`printf %s "$text"; printf %s "$text" >&2`)
		cmd.Env = append(cmd.Env, executor.Var{Name: "text", Value: c.prints})
		cmd.Masks = masks("tiger-Lily", key, "overlap", "lap-lapping", "\b123", `a\nb`, "*.[x]")
		a := b.attempt(cmd)
		b.start(a)
		res, rec := b.follow(a)
		if rec.Text(executor.Stdout) != c.want || rec.Text(executor.Stderr) != c.want {
			t.Errorf("%q: kept %q and %q, want %q", c.prints, rec.Text(executor.Stdout), rec.Text(executor.Stderr), c.want)
		}
		if n := int64(len(c.want)); res.Bytes != (executor.Offsets{n, n}) {
			t.Errorf("%q: %v bytes are kept, want %d", c.prints, res.Bytes, n)
		}
		holds(t, b.host.Dir, "tiger-Lily", key)
	}
}

// testUnmasked: what is no secret comes through as it is, with the exit code.
func testUnmasked(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	text := strings.Repeat(strings.ReplaceAll(everyByte(), "\n", "")+"\n", 40)
	c := b.sh(`cat "$meet/text"; exit 7`)
	if err := os.WriteFile(b.file("text"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Masks = masks("tiger-Lily", "\bab")
	if res, rec := b.run(c); res.Exit != 7 || rec.Text(executor.Stdout) != text {
		t.Errorf("exit %d, %d bytes of %d, or others", res.Exit, len(rec.Text(executor.Stdout)), len(text))
	}
	c = b.sh(`kill -TERM $$`)
	c.Masks = masks("tiger-Lily")
	if res, _ := b.run(c); res.Exit != 143 {
		t.Errorf("exit %d after TERM", res.Exit)
	}
}

// testMaskDaemon: the step ends when its command does, and what a daemon of it prints
// later is masked, too.
func testMaskDaemon(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	c := b.sh(`(` + untilFile("more") + `echo "$secret again"; ` + untilFile("end") + `) & echo $! >"$meet/pid"; echo "up $secret"; exit 5`)
	c.Env = append(c.Env, executor.Var{Name: "secret", Value: "tiger-Lily"})
	c.Masks = masks("tiger-Lily")
	a := b.attempt(c)
	b.start(a)
	b.killLater(b.awaitPID("pid"))
	res, rec := b.follow(a)
	if res.Exit != 5 || rec.Text(executor.Stdout) != "up "+masked+"\n" {
		t.Errorf("Follow = %d, %q", res.Exit, rec.Text(executor.Stdout))
	}
	b.touch("more")
	out := filepath.Join(b.host.Dir, a.RunID, a.ID, "out")
	b.await("what the daemon prints", func() bool {
		text, err := os.ReadFile(out)
		return err == nil && strings.Contains(string(text), " again")
	})
	holds(t, b.host.Dir, "tiger-Lily")
	if !alive(b.awaitPID("pid")) {
		t.Error("the daemon has ended")
	}
	b.touch("end")
}

func testMaskSignals(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	c := b.sh(`trap 'echo caught tiger-Lily; exit 41' TERM; echo up; echo $$ >"$meet/pid"; while :; do sleep 0.05; done`)
	c.Masks = masks("tiger-Lily")
	a := b.attempt(c)
	b.start(a)
	b.awaitPID("pid")
	rep, err := b.x.Signal(b.ctx, a, executor.Term)
	if err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 41 {
		t.Errorf("Signal(Term) = %s, exit %d, %v, want finished with 41", rep.Fate, rep.Result.Exit, err)
	}
	if _, rec := b.follow(a); rec.Text(executor.Stdout) != "up\ncaught "+masked+"\n" {
		t.Errorf("kept %q", rec.Text(executor.Stdout))
	}
	c = b.sh(`trap '' TERM; printf 'up tiger-Lily'; echo $$ >"$meet/stubborn"; while :; do sleep 0.05; done`)
	c.Masks = masks("tiger-Lily")
	a = b.attempt(c)
	b.start(a)
	b.awaitPID("stubborn")
	rep, err = b.x.Signal(b.ctx, a, executor.Kill)
	if err != nil || rep.Fate != executor.Finished || rep.Result.Exit != 137 {
		t.Errorf("Signal(Kill) = %s, exit %d, %v, want finished with 137", rep.Fate, rep.Result.Exit, err)
	}
	if _, rec := b.follow(a); rec.Text(executor.Stdout) != "up "+masked {
		t.Errorf("kept %q", rec.Text(executor.Stdout))
	}
}

// testMaskStreams: a line is told while the command goes on.
func testMaskStreams(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	c := b.sh(`echo one tiger-Lily; ` + untilFile("1") + `echo two; exit 3`)
	c.Masks = masks("tiger-Lily", "two\nlines")
	a := b.attempt(c)
	b.start(a)
	f := b.following(a)
	f.awaitText(b, executor.Stdout, "one "+masked)
	b.touch("1")
	<-f.done
	if f.err != nil || f.res.Exit != 3 || f.rec.Text(executor.Stdout) != "one "+masked+"\ntwo\n" {
		t.Errorf("Follow = %+v, %v, %q", f.res, f.err, f.rec.Text(executor.Stdout))
	}
}

// testMaskMany: more masks than a pipe holds, and more output.
func testMaskMany(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	var texts []string
	for i := range 150 {
		texts = append(texts, strings.Repeat(string(rune('a'+i%26)), 400)+strings.Repeat("-", i+1)+"!")
	}
	c := b.sh(`i=0; while [ $i -lt 50 ]; do echo "$secret 0123456789 $i"; i=$((i + 1)); done`)
	c.Env = append(c.Env, executor.Var{Name: "secret", Value: texts[100]})
	c.Masks = masks(texts...)
	_, rec := b.run(c)
	out := rec.Text(executor.Stdout)
	if strings.Count(out, masked) != 50 || strings.Contains(out, "-!") || !strings.HasSuffix(out, " 49\n") {
		t.Errorf("%d of 50 lines are masked, and the last one ends %q", strings.Count(out, masked), out[max(0, len(out)-20):])
	}
}

// NoMasks is a host that can't mask: it refuses before anything begins.
func NoMasks(t *testing.T, boot BootMachine) {
	b := newBench(t, boot)
	c := b.sh(`echo >"$meet/ran"`)
	c.Masks = masks("tiger-Lily")
	a := b.attempt(c)
	claim, err := b.x.Start(b.ctx, a)
	if claim != executor.Refused || err == nil || !strings.Contains(err.Error(), "awk") {
		t.Errorf("Start without awk = %d, %v, want Refused", claim, err)
	}
	b.wantFate(a, executor.NeverStarted)
	if _, err := os.Stat(b.file("ran")); err == nil {
		t.Error("it ran all the same")
	}
}
