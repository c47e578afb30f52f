package executor_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"pgregory.net/rapid"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/lab/sshd"
)

// place is somewhere that files are copied from and to: real directories of this
// machine, reached in some way.
type place struct {
	open func(t testing.TB) executor.Files
	way  string // that it is reached in
}

// files opens a host's files until the test ends.
func files(t testing.TB, x executor.Executor) executor.Files {
	t.Helper()
	f, err := x.Files(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// closing closes an executor when the test ends.
func closing(t *testing.T, x executor.Executor) executor.Executor {
	t.Helper()
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// served is a host of the lab's server.
func served(t *testing.T, s *sshd.Server) (executor.Executor, *sshd.Server) {
	t.Helper()
	host, user := executortest.NewIdentity(t), executortest.NewIdentity(t)
	s.Signer, s.User, s.Authorized = host.Signer, "ops", []ssh.PublicKey{user.Signer.PublicKey()}
	s.Env = append(s.Env, "LANG=C.UTF-8")
	if s.Dir == "" {
		s.Dir = t.TempDir()
	}
	addr := serve(t, s)
	return closing(t, executor.NewSSH(executor.SSHConfig{
		Name: "tablet-1", Addr: addr, User: "ops",
		KnownHosts: []string{knownHost(t, addr, host.Signer.PublicKey())}, Identities: []string{user.File},
	})), s
}

// places are all ways to reach files.
func places(t *testing.T) map[string]place {
	t.Helper()
	of := func(x executor.Executor, way string) place {
		return place{func(t testing.TB) executor.Files { return files(t, x) }, way}
	}
	all := map[string]place{"local": of(closing(t, executor.NewLocal(executor.LocalOptions{})), "on this machine")}
	x, _ := served(t, &sshd.Server{})
	all["sftp"] = of(x, "by sftp")
	for _, shell := range []string{"dash", "busybox", "mksh", "zsh"} {
		if sh, path := asSh(t, shell); sh != "" {
			x, _ := served(t, &sshd.Server{NoFiles: true, Shell: sh, Env: []string{"PATH=" + path}})
			all["shell/"+shell] = of(x, "by shell commands")
		}
	}
	if program, err := exec.LookPath("/usr/sbin/sshd"); err == nil {
		host, login := executortest.NewIdentity(t), executortest.NewIdentity(t)
		s := serveOpenSSH(t, program, host, login, []string{"LC_ALL=C.UTF-8"})
		me := os.Getenv("USER")
		if os.Geteuid() == 0 {
			me = "root"
		}
		all["openssh"] = of(closing(t, executor.NewSSH(executor.SSHConfig{
			Name: "tablet-1", Addr: s.addr, User: me,
			KnownHosts: []string{knownHost(t, s.addr, host.Signer.PublicKey())}, Identities: []string{login.File},
		})), "by sftp")
	}
	return all
}

// plant makes a directory with everything that a copy has to carry.
func plant(t testing.TB, dir string) {
	t.Helper()
	big := make([]byte, 3<<20+17)
	_, _ = rand.Read(big) // never fails
	for name, data := range map[string]string{
		"bin/start.sh": "#!/bin/sh\n", "conf/empty": "", "-rf": "a dash\n", "a b\tc": "blanks\n", "zwei\nzeilen": "newline\n",
		"größe-数据": "utf8\n", "conf/.hidden": "dot\n", "conf/..odd": "dots\n", "conf/$(touch x)'\"`": "quotes\n",
		strings.Repeat("long", 50): "long\n", "big": string(big), "bytes-\xff": "no utf8\n", "conf/a -> b": "arrow\n",
	} {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(data), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	ok(t, os.Chmod(filepath.Join(dir, "bin/start.sh"), 0o755))
	ok(t, os.Mkdir(filepath.Join(dir, "nothing"), 0o750))
	ok(t, os.Symlink(".", filepath.Join(dir, "loop")))
	ok(t, os.Symlink("/nowhere/at\nall", filepath.Join(dir, "dangling")))
	ok(t, os.Symlink("big", filepath.Join(dir, "conf/-link")))
	ok(t, os.Chtimes(filepath.Join(dir, "big"), time.Unix(1e9, 0), time.Unix(1e9, 0)))
	ok(t, os.Chmod(filepath.Join(dir, "conf"), 0o555))
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "conf"), 0o755) }) // to be removed
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree is what is in a directory, to be compared: kinds, modes, times of files,
// contents and links.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	ok(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		fmt.Fprintf(&b, "%q ", rel)
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(p)
			fmt.Fprintf(&b, "-> %q", to)
			ok(t, err)
		case d.IsDir():
			fmt.Fprintf(&b, "%v %d", info.Mode(), info.ModTime().Unix())
		default:
			data, err := os.ReadFile(p)
			ok(t, err)
			fmt.Fprintf(&b, "%v %d %d %x", info.Mode(), info.ModTime().Unix(), len(data), data[:min(len(data), 40)])
		}
		b.WriteString("\n")
		return nil
	}))
	return b.String()
}

func end(f executor.Files, path string) executor.End {
	return executor.End{Files: f, Path: path, Name: "at:" + path}
}

func absent(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there (%v)", path, err)
	}
}

// TestCopies copies a directory from and to every place, again, and with what an
// earlier try has left.
func TestCopies(t *testing.T) {
	t.Parallel()
	all := places(t)
	dir := t.TempDir()
	from := filepath.Join(dir, "package")
	plant(t, from)
	want := tree(t, from)
	here := all["local"]
	for name, p := range all {
		for _, way := range []string{"to", "from"} {
			if way == "from" && (name == "shell/mksh" || name == "shell/zsh") {
				continue // what reads is the same as in others
			}
			t.Run(way+" "+name, func(t *testing.T) {
				t.Parallel()
				to := filepath.Join(t.TempDir(), "it's new")
				transfer := executor.Transfer{From: end(here.open(t), from), To: end(p.open(t), to)}
				if way == "from" {
					transfer.From.Files, transfer.To.Files = transfer.To.Files, transfer.From.Files
				}
				if w := p.open(t).Way(); !strings.HasPrefix(w, p.way) {
					t.Errorf("it goes %q, want %q", w, p.way)
				}
				copies(t, transfer, to, want)
			})
		}
	}
}

func copies(t *testing.T, transfer executor.Transfer, to, want string) {
	var last executor.Progress
	transfer.Progress = func(p executor.Progress) { last = p }
	out, err := transfer.Run(t.Context())
	ok(t, err)
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(to, "conf"), 0o755) })
	if got := tree(t, to); got != want {
		t.Errorf("copied:\n%s\nwant:\n%s", got, want)
	}
	absent(t, to+".part")
	if out.Files != 13 || out.Sent != out.Bytes || last.Done != out.Bytes || last.Total != out.Bytes {
		t.Errorf("%d files, sent %d of %d, progress %+v", out.Files, out.Sent, out.Bytes, last)
	}
	again, err := transfer.Run(t.Context())
	ok(t, err)
	if again.Sent != 0 || again.Manifest.Sum() != out.Manifest.Sum() {
		t.Errorf("again: sent %d, manifest\n%s\nwas\n%s", again.Sent, again.Manifest, out.Manifest)
	}
	// As it would be had the copy been interrupted in the middle of the big file.
	ok(t, os.Rename(to, to+".part"))
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(to+".part", "conf"), 0o755) })
	ok(t, os.Truncate(filepath.Join(to+".part", "big"), 1<<20))
	rest, err := transfer.Run(t.Context())
	ok(t, err)
	if want := out.Bytes; rest.Sent != 2<<20+17 {
		t.Errorf("the rest: sent %d of %d: %q", rest.Sent, want, rest.Lines)
	}
	if got := tree(t, to); got != want {
		t.Errorf("continued:\n%s\nwant:\n%s", got, want)
	}
	// A beginning that is another one is sent anew, and that is said.
	ok(t, os.Rename(to, to+".part"))
	ok(t, os.WriteFile(filepath.Join(to+".part", "big"), bytes.Repeat([]byte("x"), 1000), 0o600))
	anew, err := transfer.Run(t.Context())
	ok(t, err)
	if anew.Sent != 3<<20+17 || !strings.Contains(strings.Join(anew.Lines, "\n"), `"big" is sent anew`) {
		t.Errorf("anew: sent %d, %q", anew.Sent, anew.Lines)
	}
	if got := tree(t, to); got != want {
		t.Errorf("anew:\n%s\nwant:\n%s", got, want)
	}
	differs(t, transfer, to)
}

// differs wants a target that isn't equal to be left alone.
func differs(t *testing.T, transfer executor.Transfer, to string) {
	ok(t, os.WriteFile(filepath.Join(to, "bin/start.sh"), []byte("#!/bin/zz\n"), 0o755))
	before := tree(t, to)
	if _, err := transfer.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "differs") || !strings.Contains(err.Error(), "start.sh") {
		t.Errorf("another target: %v", err)
	}
	if got := tree(t, to); got != before {
		t.Error("another target was changed")
	}
	absent(t, to+".part")
}

// TestWhatCannotBeCopied is refused with its place, and nothing is under the name.
func TestWhatCannotBeCopied(t *testing.T) {
	t.Parallel()
	all := places(t)
	for name, p := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := p.open(t)
			for what, row := range map[string]struct {
				make func(dir string) error
				want string
			}{
				"nothing":    {func(string) error { return nil }, "isn't there"},
				"a pipe":     {func(d string) error { return errors.Join(os.Mkdir(d+"/a", 0o755), syscall.Mkfifo(d+"/a/pipe", 0o600)) }, `"pipe" is a named pipe`},
				"a link":     {func(d string) error { return os.Symlink("b", d+"/a") }, "symbolic link"},
				"no parent":  {func(d string) error { return errors.Join(os.WriteFile(d+"/a", nil, 0o600), os.Remove(d+"/to")) }, "the directory of"},
				"in the way": {func(d string) error { return errors.Join(os.WriteFile(d+"/a", nil, 0o600), os.Mkdir(d+"/to/b", 0o700)) }, "is there already"},
				"not of ours": {func(d string) error {
					return errors.Join(os.Mkdir(d+"/a", 0o700), os.Mkdir(d+"/to/b.part", 0o700), os.WriteFile(d+"/to/b.part/mine", nil, 0o600))
				}, `holds "mine", which is no part`},
				"a link in the part": {func(d string) error {
					return errors.Join(os.WriteFile(d+"/a", []byte("x"), 0o600), os.Symlink(d+"/victim", d+"/to/b.part"))
				}, "no part of this copy"},
			} {
				d := t.TempDir()
				ok(t, os.Mkdir(d+"/to", 0o700))
				ok(t, row.make(d))
				_, err := executor.Transfer{From: end(f, d+"/a"), To: end(f, d+"/to/b")}.Run(t.Context())
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("%s: %v, want %q", what, err, row.want)
				}
				absent(t, d+"/victim")
				if what != "in the way" {
					absent(t, d+"/to/b")
				}
			}
		})
	}
}

func TestExcludedFilesStayAway(t *testing.T) {
	t.Parallel()
	f := files(t, closing(t, executor.NewLocal(executor.LocalOptions{})))
	d := t.TempDir()
	for _, p := range []string{"logs/a.log", "data/logs/b.txt", "bin/run", "bin/run.log"} {
		ok(t, os.MkdirAll(filepath.Join(d, "a", filepath.Dir(p)), 0o755))
		ok(t, os.WriteFile(filepath.Join(d, "a", p), []byte(p), 0o644))
	}
	out, err := executor.Transfer{From: end(f, d+"/a"), To: end(f, d+"/b"), Exclude: []string{"*.log", "data/logs"}}.Run(t.Context())
	ok(t, err)
	var got []string
	for _, it := range out.Manifest {
		got = append(got, it.Path)
	}
	if want := ". bin bin/run data logs"; strings.Join(got, " ") != want {
		t.Errorf("copied %q, want %q", got, want)
	}
}

// TestASourceThatChangesIsNoCopy changes a file while another is sent.
func TestASourceThatChangesIsNoCopy(t *testing.T) {
	t.Parallel()
	f := files(t, closing(t, executor.NewLocal(executor.LocalOptions{})))
	d := t.TempDir()
	ok(t, os.Mkdir(d+"/a", 0o755))
	ok(t, os.WriteFile(d+"/a/1", []byte("one"), 0o644))
	ok(t, os.WriteFile(d+"/a/2", []byte("two"), 0o644))
	once := false
	tr := executor.Transfer{From: end(f, d+"/a"), To: end(f, d+"/b"), Progress: func(p executor.Progress) {
		if p.File == "2" && !once {
			once = true
			ok(t, os.WriteFile(d+"/a/1", []byte("ONE"), 0o644))
			ok(t, os.Chtimes(d+"/a/1", time.Unix(1, 0), time.Unix(1, 0)))
		}
	}}
	if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "changed while it was copied") {
		t.Errorf("err %v", err)
	}
	absent(t, d+"/b")
	_, err := tr.Run(t.Context())
	ok(t, err)
	if got, want := tree(t, d+"/b"), tree(t, d+"/a"); got != want {
		t.Errorf("copied\n%s\nwant\n%s", got, want)
	}
}

// TestCopiesOfAnyTree is a property: what is copied is equal, whatever it is.
func TestCopiesOfAnyTree(t *testing.T) {
	t.Parallel()
	local := files(t, closing(t, executor.NewLocal(executor.LocalOptions{})))
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		from, to := fmt.Sprintf("%s/%d", root, n), fmt.Sprintf("%s/%d.copy", root, n)
		ok(t, os.Mkdir(from, 0o755))
		name := rapid.StringMatching("[^/\x00]{1,40}").Filter(func(s string) bool { return s != "." && s != ".." && len(s) < 200 })
		for range rapid.IntRange(0, 8).Draw(rt, "files") {
			at := from
			for range rapid.IntRange(0, 2).Draw(rt, "depth") {
				at += "/" + name.Draw(rt, "dir")
			}
			if os.MkdirAll(at, 0o755) != nil {
				continue // a file has the name
			}
			at += "/" + name.Draw(rt, "name")
			data := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(rt, "data")
			mode := fs.FileMode(rapid.IntRange(0o400, 0o777).Draw(rt, "mode")) | 0o400
			if os.WriteFile(at, data, 0o600) == nil {
				ok(t, os.Chmod(at, mode))
			}
		}
		_, err := executor.Transfer{From: end(local, from), To: end(local, to)}.Run(context.Background())
		if err != nil {
			rt.Fatal(err)
		}
		if got, want := tree(t, to), tree(t, from); got != want {
			rt.Fatalf("copied\n%s\nwant\n%s", got, want)
		}
	})
}
