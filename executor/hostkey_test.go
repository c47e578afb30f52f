package executor_test

import (
	"crypto/rand"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// TestKeyIsTaken shows a key that isn't known, writes it down where ssh finds it, and
// doesn't ask again.
func TestKeyIsTaken(t *testing.T) {
	t.Parallel()
	for _, hashed := range []bool{false, true} {
		s := newSite(t)
		file := filepath.Join(t.TempDir(), "new", "known_hosts")
		p := types("yes")
		s.config.KnownHosts, s.config.NewKeys, s.config.HashNames, s.config.Ask = []string{file}, file, hashed, p
		s.config.DialTimeout = 0
		if _, err := open(t, s.config).Identify(t.Context()); err != nil {
			t.Fatal(err)
		}
		asked := p.questions()
		print := ssh.FingerprintSHA256(s.server.Signer.PublicKey())
		if len(asked) != 1 || asked[0].Kind != executor.PromptHostKey || asked[0].Must != "yes" {
			t.Fatalf("asked %+v", asked)
		}
		detail := strings.Join(asked[0].Detail, "\n")
		for _, want := range []string{"ssh-ed25519", print, file} {
			if !strings.Contains(detail, want) {
				t.Errorf("the question lacks %q:\n%s", want, detail)
			}
		}
		name := knownhosts.Normalize(s.addr)
		if want := "tablet-1|" + name + "|ssh-ed25519 " + print + "|" + file; len(p.accepted) != 1 || p.accepted[0] != want {
			t.Errorf("told %q, want %q", p.accepted, want)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "127.0.0.1") == hashed {
			t.Errorf("hashed %v, and the file says %q", hashed, text)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("its mode is %v, %v", info.Mode(), err)
		}
		if _, err := exec.LookPath("ssh-keygen"); err == nil {
			out, err := exec.Command("ssh-keygen", "-F", name, "-f", file).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "found: line 1") {
				t.Errorf("ssh-keygen doesn't find it: %v\n%s", err, out)
			}
		}
		s.config.Ask = nil
		if _, err := open(t, s.config).Identify(t.Context()); err != nil {
			t.Errorf("the next time: %v", err)
		}
	}
}

// TestKeyIsAppended leaves what was there as it was, also without an end of line.
func TestKeyIsAppended(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	before := knownhosts.Line([]string{"other.example"}, executortest.NewIdentity(t).Signer.PublicKey())
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	s.config.KnownHosts, s.config.NewKeys, s.config.Ask = []string{file}, file, types("yes")
	if _, err := open(t, s.config).Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if want := before + "\n" + knownhosts.Line([]string{s.addr}, s.server.Signer.PublicKey()) + "\n"; err != nil || string(text) != want {
		t.Errorf("%q, want %q", text, want)
	}
}

// TestKeyIsAskedOnceForTwoNames reaches one server under two names at the same time.
func TestKeyIsAskedOnceForTwoNames(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	p := types("yes")
	s.config.KnownHosts, s.config.NewKeys, s.config.Ask, s.config.Logins = []string{file}, file, p, executor.NewLogins()
	errs := make(chan error, 3)
	for _, name := range []string{"a", "b", "c"} {
		c := s.config
		c.Name = name
		x := open(t, c)
		go func() { _, err := x.Identify(t.Context()); errs <- err }()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := len(p.questions()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// notTaken are cases in which a key doesn't become known.
var notTaken = map[string]struct {
	change func(t *testing.T, s *site, file string)
	person *person
	asked  int
	want   []string
}{
	"declined":     {person: types(), asked: 1, want: []string{"declined"}},
	"another word": {person: types("y"), asked: 1, want: []string{"isn't known", "ssh-keyscan"}},
	"nobody": {
		person: &person{answer: func(executor.Prompt) (string, error) { return "", executor.ErrNobody }}, asked: 1,
		want: []string{"isn't known", "ssh-keyscan"},
	},
	"nowhere to write it": {
		change: func(_ *testing.T, s *site, _ string) { s.config.NewKeys = "" }, person: types("yes"),
		want: []string{"isn't known", "ssh-keyscan"},
	},
	"silent": {
		change: func(_ *testing.T, s *site, _ string) { s.config.Silent = true }, person: types("yes"),
		want: []string{"isn't known", "ssh-keyscan"},
	},
	"not writable": {
		change: func(t *testing.T, s *site, file string) {
			s.config.NewKeys = filepath.Join(file, "below", "a-file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		person: types("yes"), asked: 1, want: []string{"write the host key", "nothing was connected to"},
	},
	"changed": {
		change: func(t *testing.T, s *site, file string) {
			rewrite(t, file, knownhosts.Line([]string{s.addr}, executortest.NewIdentity(t).Signer.PublicKey()))
		},
		person: types("yes"), want: []string{"has changed", ":1 has SHA256:", "ssh-keygen -R"},
	},
	"changed type": {
		change: func(t *testing.T, s *site, file string) {
			k, err := ssh.NewPublicKey(ecdsaKey(t).Public())
			if err != nil {
				t.Fatal(err)
			}
			rewrite(t, file, knownhosts.Line([]string{s.addr}, k))
		},
		person: types("yes"), want: []string{"has changed"},
	},
	"revoked": {
		change: func(t *testing.T, s *site, file string) {
			rewrite(t, file, "# bad\n@revoked * "+strings.SplitN(knownhosts.Line([]string{"x"}, s.server.Signer.PublicKey()), " ", 2)[1])
		},
		person: types("yes"), want: []string{"is revoked at", ":2", "don't connect"},
	},
}

func rewrite(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeyIsNotTaken(t *testing.T) {
	t.Parallel()
	for name, c := range notTaken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			file := filepath.Join(t.TempDir(), "known_hosts")
			s.config.KnownHosts, s.config.NewKeys, s.config.Ask = []string{file}, file, c.person
			if c.change != nil {
				c.change(t, s, file)
			}
			before, _ := os.ReadFile(file)
			_, err := open(t, s.config).Identify(t.Context())
			refused(t, err, c.want...)
			after, _ := os.ReadFile(file)
			if string(after) != string(before) || len(c.person.accepted) != 0 {
				t.Errorf("the file was written: %q; told %q", after, c.person.accepted)
			}
			if n := len(c.person.questions()); n != c.asked {
				t.Errorf("asked %d times, want %d", n, c.asked)
			}
		})
	}
}

// certifiedHost gives a site's server a certificate of an authority for names.
func certifiedHost(t *testing.T, s *site, authority executortest.Identity, names ...string) {
	t.Helper()
	cert := &ssh.Certificate{
		Key: s.server.Signer.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: names, ValidBefore: ssh.CertTimeInfinity,
	}
	if err := cert.SignCert(rand.Reader, authority.Signer); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, s.server.Signer)
	if err != nil {
		t.Fatal(err)
	}
	s.renew()
	s.server.Configure = func(c *ssh.ServerConfig) { c.AddHostKey(signer) }
	s.restart(t)
}

// authorityLine is a line of known_hosts that trusts an authority.
func authorityLine(pattern string, authority executortest.Identity) string {
	return "@cert-authority " + pattern + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(authority.Signer.PublicKey())))
}

// known are lines of known_hosts, and whether the host is known by them; want is empty
// when it is.
var known = map[string]struct {
	alias string
	lines func(t *testing.T, s *site, authority executortest.Identity) string
	want  string
}{
	"its authority": {lines: func(_ *testing.T, _ *site, a executortest.Identity) string { return authorityLine("*", a) }},
	"its authority, exact": {lines: func(_ *testing.T, s *site, a executortest.Identity) string {
		return authorityLine(knownhosts.Normalize(s.addr), a)
	}},
	"another authority": {
		lines: func(t *testing.T, _ *site, _ executortest.Identity) string {
			return authorityLine("*", executortest.NewIdentity(t))
		}, want: "isn't known",
	},
	"an authority for others": {
		lines: func(_ *testing.T, _ *site, a executortest.Identity) string { return authorityLine("*.example.com", a) }, want: "isn't known",
	},
	"its authority revoked": {
		lines: func(_ *testing.T, _ *site, a executortest.Identity) string {
			return authorityLine("*", a) + "\n" + strings.Replace(authorityLine("*", a), "@cert-authority", "@revoked", 1)
		},
		want: "revoked",
	},
	"the authority as a plain key": {
		lines: func(_ *testing.T, _ *site, a executortest.Identity) string {
			return strings.TrimPrefix(authorityLine("*", a), "@cert-authority ")
		},
		want: "has changed",
	},
	"alias": {
		alias: "cluster",
		lines: func(_ *testing.T, s *site, _ executortest.Identity) string {
			return knownhosts.Line([]string{"cluster"}, s.server.Signer.PublicKey())
		},
	},
	"alias, and only the address is known": {
		alias: "cluster",
		lines: func(_ *testing.T, s *site, _ executortest.Identity) string {
			return knownhosts.Line([]string{s.addr}, s.server.Signer.PublicKey())
		},
		want: "of cluster isn't known",
	},
	"a certificate for an alias it isn't for": {
		alias: "cluster", lines: func(_ *testing.T, _ *site, a executortest.Identity) string { return authorityLine("*", a) }, want: "cluster",
	},
	"without its port": {
		lines: func(_ *testing.T, s *site, _ executortest.Identity) string {
			return knownhosts.Line([]string{"127.0.0.1"}, s.server.Signer.PublicKey())
		},
	},
	"another key without its port": {
		lines: func(t *testing.T, _ *site, _ executortest.Identity) string {
			return knownhosts.Line([]string{"127.0.0.1"}, executortest.NewIdentity(t).Signer.PublicKey())
		},
		want: "isn't known",
	},
	"duplicates": {
		lines: func(t *testing.T, s *site, _ executortest.Identity) string {
			l := knownhosts.Line([]string{s.addr}, s.server.Signer.PublicKey())
			return knownhosts.Line([]string{s.addr}, executortest.NewIdentity(t).Signer.PublicKey()) + "\n" + l + "\n" + l
		},
	},
	"negated": {
		lines: func(_ *testing.T, s *site, _ executortest.Identity) string {
			return knownhosts.Line([]string{"*", "!127.0.0.1"}, s.server.Signer.PublicKey())
		},
		want: "isn't known",
	},
	"unknown marker": {
		lines: func(_ *testing.T, s *site, _ executortest.Identity) string {
			return "# c\n@trust " + knownhosts.Line([]string{s.addr}, s.server.Signer.PublicKey())
		},
		want: ":2: ",
	},
}

func TestKnown(t *testing.T) {
	t.Parallel()
	for name, c := range known {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, authority := newSite(t), executortest.NewIdentity(t)
			certifiedHost(t, s, authority, "127.0.0.1")
			file := filepath.Join(t.TempDir(), "known_hosts")
			rewrite(t, file, c.lines(t, s, authority))
			s.config.KnownHosts, s.config.HostKeyAlias = []string{file}, c.alias
			_, err := open(t, s.config).Identify(t.Context())
			if c.want == "" && err != nil {
				t.Error(err)
			}
			if c.want != "" {
				refused(t, err, c.want)
			}
		})
	}
}

// TestPlainKeyUnderAnAuthority has an authority for the host's name, and a host without
// a certificate: its key isn't known, and may be taken.
func TestPlainKeyUnderAnAuthority(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	rewrite(t, file, authorityLine("*", executortest.NewIdentity(t)))
	s.config.KnownHosts = []string{file}
	_, err := open(t, s.config).Identify(t.Context())
	refused(t, err, "isn't known")
	s.config.NewKeys, s.config.Ask = file, types("yes")
	if _, err := open(t, s.config).Identify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestKnownKeyIsAskedFor has a server with two keys of which one is known: that one is
// negotiated, and nothing looks changed.
func TestKnownKeyIsAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	second, err := ssh.NewSignerFromKey(ecdsaKey(t))
	if err != nil {
		t.Fatal(err)
	}
	s.renew()
	s.server.Configure = func(c *ssh.ServerConfig) { c.AddHostKey(second) }
	for _, k := range []ssh.PublicKey{s.server.Signer.PublicKey(), second.PublicKey()} {
		s.restart(t)
		s.config.KnownHosts = []string{knownHost(t, s.addr, k)}
		h, err := open(t, s.config).Identify(t.Context())
		if err != nil || h.HostKey != ssh.FingerprintSHA256(k) {
			t.Errorf("%s: %s, %v", k.Type(), h.HostKey, err)
		}
	}
	s.config.HostKeyAlgorithms = []string{ssh.KeyAlgoED25519}
	_, err = open(t, s.config).Identify(t.Context())
	refused(t, err, "has changed")
	var op *net.OpError
	if errors.As(err, &op) {
		t.Errorf("it isn't the network's fault: %v", err)
	}
}
