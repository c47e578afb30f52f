package executortest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/executor"
)

func testSudoRefusals(t *testing.T, boot BootSudoer) {
	for name, c := range map[string]struct {
		sudoers, user string
		env           []string
		why, hint     string
	}{
		"requiretty":   {"Defaults requiretty\n" + allSudo, SudoOther, nil, "wants a terminal (requiretty)", "requiretty"},
		"no such user": {allSudo, "nosuch", nil, "there is no such user", "sudo -k -u nosuch true"},
		"not in it":    {"# nobody\n", SudoOther, nil, "doesn't let this login use sudo", "sudo -k -u " + SudoOther},
		"not sh":       {SudoLogin + " ALL=(ALL) /bin/true\n", SudoOther, nil, "doesn't let this login run sh", "/bin/sh"},
		"not as her":   {SudoLogin + " ALL=(root) ALL\n", SudoOther, nil, "doesn't let this login run sh", "/bin/sh"},
		"no sudo":      {allSudo, SudoOther, []string{"PATH=" + withoutSudo(t)}, "sudo isn't installed", "install sudo"},
		"bad name":     {allSudo, "-s", nil, "isn't the name of a user", ""},
	} {
		b := newSudoBench(t, boot, c.sudoers, &operator{answers: []string{SudoPassword}}, c.env...)
		cmd := b.become(c.user, `echo >"$meet/ran"`)
		err := b.x.Ready(b.ctx, cmd)
		var reach *executor.ReachError
		if !errors.As(err, &reach) || !strings.Contains(err.Error(), c.why) || !strings.Contains(reach.Hint, c.hint) {
			t.Errorf("%s: Ready = %v, want %q with a hint about %q", name, err, c.why, c.hint)
		}
		b.refusedAll(name, cmd)
	}
}

// refusedAll wants a command neither looked at nor started.
func (b *bench) refusedAll(name string, c executor.Command) {
	b.Helper()
	if _, err := b.x.Look(b.ctx, c, nil); err == nil {
		b.Errorf("%s: Look went through", name)
	}
	a := b.attempt(c)
	if claim, err := b.x.Start(b.ctx, a); claim != executor.Refused || err == nil {
		b.Errorf("%s: Start = %d, %v, want Refused", name, claim, err)
	}
	b.wantFate(a, executor.NeverStarted)
	if _, err := os.Stat(b.file("ran")); err == nil {
		b.Errorf("%s: it ran all the same", name)
	}
}

// withoutSudo is a PATH that lacks sudo.
func withoutSudo(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "nosudo-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // others search it
		t.Fatal(err)
	}
	for _, bin := range []string{"/usr/bin", "/bin"} {
		tools, err := os.ReadDir(bin)
		if err != nil {
			t.Fatal(err)
		}
		for _, tool := range tools {
			if tool.Name() != "sudo" {
				_ = os.Symlink(filepath.Join(bin, tool.Name()), filepath.Join(dir, tool.Name())) // or it's there
			}
		}
	}
	return dir
}

func testSudoNobody(t *testing.T, boot BootSudoer) {
	for name, c := range map[string]struct {
		ask  executor.Asker
		is   error
		hint string
	}{
		"nobody":   {nil, executor.ErrNobody, "NOPASSWD"},
		"declined": {&operator{}, executor.ErrDeclined, ""},
		"wrong":    {&operator{answers: []string{"a", "b", "c", SudoPassword}}, nil, "sudo -k"},
	} {
		b := newSudoBench(t, boot, allSudo, c.ask)
		cmd := b.become(SudoOther, `echo >"$meet/ran"`)
		err := b.x.Ready(b.ctx, cmd)
		var reach *executor.ReachError
		if !errors.As(err, &reach) || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(reach.Hint, c.hint) {
			t.Errorf("%s: Ready = %v", name, err)
		}
		if o, ok := c.ask.(*operator); !ok || len(o.answers) == 0 {
			b.refusedAll(name, cmd)
		} else if len(o.asked) != 3 {
			t.Errorf("%s: asked %d times", name, len(o.asked))
		}
	}
}
