package sshconfig_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"stepgate/executor/sshconfig"
)

// prepare copies testdata to a place of its own, with that place's name in it.
func prepare(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"corpus/*", "included/*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(f, []byte(strings.ReplaceAll(string(text), "@DIR@", dir)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// header reads "# name: value" from the top of a file of the corpus.
func header(text, name string) string {
	for l := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(l, "# "+name+": "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// TestCorpus reads each configuration of the corpus with the library and compares
// what comes out with what ssh says, for each destination; or has it refused with
// the line named.
func TestCorpus(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("NOT TESTED: ssh isn't installed, so that there is nothing to compare with")
	}
	t.Setenv("SSH_AUTH_SOCK", "/run/agent")
	t.Setenv("TEST_AGENT", "/run/other")
	dir := prepare(t)
	files, err := filepath.Glob(filepath.Join(dir, "corpus", "*.conf"))
	if err != nil || len(files) < 40 {
		t.Fatalf("the corpus has %d files: %v", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".conf"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			hosts := strings.Fields(header(string(text), "hosts"))
			if len(hosts) == 0 {
				t.Fatal("it names no hosts")
			}
			for _, h := range hosts {
				d, err := sshconfig.Parse(h)
				if err != nil {
					t.Fatal(err)
				}
				got, err := sshconfig.Resolve(t.Context(), d, sshconfig.Options{File: f, SSH: "none"})
				if want := header(string(text), "refused"); want != "" {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: Resolve = %+v, %v, want an error that names %q", h, got, err, want)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s: refused: %v", h, err)
					continue
				}
				same(t, f, d, got)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("a ProxyCommand was run")
	}
}

// same compares with what ssh itself says.
func same(t *testing.T, file string, d sshconfig.Destination, got sshconfig.Settings) {
	t.Helper()
	want, err := sshconfig.Resolve(t.Context(), d, sshconfig.Options{File: file})
	if err != nil {
		t.Fatalf("%s: ssh: %v", d.Host, err)
	}
	// What nobody wrote: ssh prints its own list of algorithms.
	forget := func(s *sshconfig.Settings) {
		if len(s.HostKeyAlgorithms) > 5 || len(got.HostKeyAlgorithms) == 0 {
			s.HostKeyAlgorithms = nil
		}
		for i := range s.Jumps {
			s.Jumps[i].HostKeyAlgorithms = nil
		}
	}
	forget(&want)
	forget(&got)
	if diff := differences(want, got); diff != "" {
		t.Errorf("%s: ssh (-) and the library (+) differ:\n%s", d.Host, diff)
	}
}

// TestSSHDecides has ssh read what the library refuses.
func TestSSHDecides(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("NOT TESTED: ssh isn't installed")
	}
	dir := prepare(t)
	for _, c := range []struct {
		file, host, port, user, err string
	}{
		{file: "match-user", host: "root@db1", port: "99", user: "root"},
		{file: "match-exec", host: "db1", port: "99"},
		{file: "match-host-user", host: "root@db1", port: "99", user: "root"},
		{file: "question-mark", host: "db1", port: "7"},
		{file: "question-mark", host: "db12", port: "22"},
		{file: "quoted-host", host: "db1", port: "7"},
		{file: "tabs", host: "db2", port: "7"},
		{file: "match-host-hostname", host: "x", port: "22", user: "ops"},
		{file: "jump-loop", host: "db1", err: "loop via bastion"},
		{file: "jump-circle", host: "db1", err: "circle"},
		{file: "command", host: "db1", err: "command.conf:4: ProxyCommand"},
		{file: "revoked", host: "db1", err: "RevokedHostKeys"},
		{file: "unknown-word", host: "db1", err: "line 4: Bad configuration option"},
	} {
		d, err := sshconfig.Parse(c.host)
		if err != nil {
			t.Fatal(err)
		}
		s, err := sshconfig.Resolve(t.Context(), d, sshconfig.Options{File: filepath.Join(dir, "corpus", c.file+".conf")})
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s of %s = %v, want an error with %q", c.host, c.file, err, c.err)
		case c.err == "" && (err != nil || s.Port != c.port || c.user != "" && s.User != c.user):
			t.Errorf("%s of %s = %s@%s:%s, %v", c.host, c.file, s.User, s.Hostname, s.Port, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("a ProxyCommand was run")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]sshconfig.Destination{
		"db1":               {Host: "db1"},
		"ops@db1":           {Host: "db1", User: "ops"},
		"ops@db1:2222":      {Host: "db1", User: "ops", Port: "2222"},
		"[::1]:22":          {Host: "::1", Port: "22"},
		"::1":               {Host: "::1"},
		"fe80::1%eth0":      {Host: "fe80::1%eth0"},
		"ssh://ops@db1:22":  {Host: "db1", User: "ops", Port: "22"},
		"a@corp.example@db": {Host: "db", User: "a@corp.example"},
	} {
		if got, err := sshconfig.Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "@db1", "-oProxyCommand=x", "db1:0", "db1:x", "a b", "x;y", "-l@db1", "$(x)", "db1\n"} {
		if got, err := sshconfig.Parse(in); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", in, got)
		}
	}
}

func TestMethod(t *testing.T) {
	t.Parallel()
	if m := (sshconfig.Options{SSH: "none"}).Method(); !strings.Contains(m, "isn't installed") {
		t.Error(m)
	}
	if m := (sshconfig.Options{SSH: "/usr/bin/ssh", File: "/x"}).Method(); !strings.Contains(m, "/usr/bin/ssh -G") || !strings.Contains(m, "/x") {
		t.Error(m)
	}
}

// differences lists the fields in which settings differ.
func differences(want, got sshconfig.Settings) string {
	var out strings.Builder
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	for i := range w.NumField() {
		if a, b := fmt.Sprintf("%+v", w.Field(i)), fmt.Sprintf("%+v", g.Field(i)); a != b {
			fmt.Fprintf(&out, "%s\n- %s\n+ %s\n", w.Type().Field(i).Name, a, b)
		}
	}
	return out.String()
}
