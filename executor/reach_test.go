package executor_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/lab/sshd"
)

// site is a served host, and what a user needs to reach it.
type site struct {
	server *sshd.Server
	addr   string
	user   executortest.Identity
	config executor.SSHConfig
}

func newSite(t *testing.T) *site {
	t.Helper()
	host, user := executortest.NewIdentity(t), executortest.NewIdentity(t)
	s := &site{user: user, server: &sshd.Server{
		Signer: host.Signer, User: "ops", Authorized: []ssh.PublicKey{user.Signer.PublicKey()}, Dir: t.TempDir(), Env: executortest.LoginEnv,
	}}
	s.addr = serve(t, s.server)
	s.config = executor.SSHConfig{
		Name: "tablet-1", Addr: s.addr, User: "ops",
		KnownHosts: []string{knownHost(t, s.addr, host.Signer.PublicKey())}, Identities: []string{user.File},
	}
	return s
}

// open opens an executor of the site.
func open(t *testing.T, c executor.SSHConfig) executor.Executor {
	t.Helper()
	x := executor.NewSSH(c)
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// unreachable are ways not to reach a site, and what the user is told.
var unreachable = map[string]struct {
	change     func(t *testing.T, s *site)
	text, hint []string // with PORT and FILE for the site's
}{
	"unknown key": {
		change: func(t *testing.T, s *site) {
			s.config.KnownHosts = []string{filepath.Join(t.TempDir(), "none"), knownHost(t, "other.example:22", executortest.NewIdentity(t).Signer.PublicKey())}
		},
		text: []string{`reach host "tablet-1": the host key ssh-ed25519 SHA256:`, "isn't known"},
		hint: []string{"compare the fingerprint", "ssh-keyscan -p PORT 127.0.0.1 >> FILE"},
	},
	"changed key": {
		change: func(t *testing.T, s *site) {
			s.config.KnownHosts = []string{knownHost(t, s.addr, executortest.NewIdentity(t).Signer.PublicKey())}
		},
		text: []string{"the host key of [127.0.0.1]:PORT has changed", "FILE:1 has SHA256:"},
		hint: []string{"ssh-keygen -R '[127.0.0.1]:PORT' -f FILE"},
	},
	"revoked key": {
		change: func(t *testing.T, s *site) {
			file := s.config.KnownHosts[0]
			line, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, key, _ := strings.Cut(string(line), " ")
			if err := os.WriteFile(file, []byte("@revoked * "+key), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		text: []string{"is revoked at FILE:1"},
		hint: []string{"don't connect"},
	},
	"malformed known_hosts": {
		change: func(t *testing.T, s *site) {
			if err := os.WriteFile(s.config.KnownHosts[0], []byte("# fine\nhost ssh-ed25519 notbase64!\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		text: []string{"read known hosts", "FILE:2"},
		hint: []string{"the line"},
	},
	"refused connection": {
		change: func(t *testing.T, s *site) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s.config.Addr = ln.Addr().String()
			if err := ln.Close(); err != nil {
				t.Fatal(err)
			}
		},
		text: []string{"connection refused by 127.0.0.1:PORT"},
		hint: []string{"ssh -p PORT ops@127.0.0.1 true"},
	},
	"key not let in": {
		change: func(t *testing.T, s *site) { s.config.Identities = []string{executortest.NewIdentity(t).File} },
		text:   []string{`the server refused every key for user "ops"`},
		hint:   []string{"ssh-copy-id -p PORT ops@127.0.0.1"},
	},
	"no key at all": {
		change: func(_ *testing.T, s *site) { s.config.Identities = []string{"/nonexistent/id"} },
		text:   []string{`there is no usable key for user "ops"`},
		hint:   []string{"ssh-keygen -t ed25519"},
	},
	"locked key": {
		change: func(t *testing.T, s *site) { s.config.Identities = []string{lockedKey(t)} },
		text:   []string{"needs a passphrase"},
		hint:   []string{"ssh-add "},
	},
	"agent gone": {
		change: func(_ *testing.T, s *site) { s.config.Identities, s.config.AgentSocket = nil, "/nonexistent/agent" },
		text:   []string{"ask the ssh agent"},
		hint:   []string{"ssh-keygen"},
	},
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	for name, c := range unreachable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			c.change(t, s)
			_, err := open(t, s.config).Identify(t.Context())
			var reach *executor.ReachError
			if !errors.As(err, &reach) {
				t.Fatalf("Identify = %v, want a ReachError", err)
			}
			_, port, _ := net.SplitHostPort(s.config.Addr)
			place := strings.NewReplacer("PORT", port, "FILE", s.config.KnownHosts[0])
			for _, want := range c.text {
				if want = place.Replace(want); !strings.Contains(reach.Error(), want) {
					t.Errorf("the error lacks %q:\n%s", want, reach.Error())
				}
			}
			for _, want := range c.hint {
				if want = place.Replace(want); !strings.Contains(reach.Hint, want) {
					t.Errorf("the hint lacks %q:\n%s", want, reach.Hint)
				}
			}
		})
	}
}

// lockedKey is a key file with a passphrase.
func lockedKey(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "locked")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHostKeyIsCause lets callers tell an unknown key from a changed one.
func TestHostKeyIsCause(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.config.KnownHosts = nil
	_, err := open(t, s.config).Identify(t.Context())
	var key *xknownhosts.KeyError
	if !errors.As(err, &key) || !knownhosts.IsHostUnknown(err) && len(key.Want) > 0 {
		t.Errorf("Identify = %v, want an unknown key as its cause", err)
	}
}

// TestPutRight connects once the user has done what the hint says.
func TestPutRight(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	good := s.config.KnownHosts[0]
	s.config.KnownHosts = []string{filepath.Join(t.TempDir(), "known_hosts")}
	x := open(t, s.config)
	if _, err := x.Identify(t.Context()); err == nil {
		t.Fatal("an unknown key was taken")
	}
	if err := os.Rename(good, s.config.KnownHosts[0]); err != nil {
		t.Fatal(err)
	}
	host, err := x.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if host.HostKey != ssh.FingerprintSHA256(s.server.Signer.PublicKey()) {
		t.Errorf("HostKey = %q", host.HostKey)
	}
}

func TestAgent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	text, err := os.ReadFile(s.user.File)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	keyring := agent.NewKeyring()
	if err := keyring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "agent") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ln, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { _ = agent.ServeAgent(keyring, c) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); serving.Wait() })
	s.config.Identities, s.config.AgentSocket = nil, ln.Addr().String()
	if _, err := open(t, s.config).Identify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestLoginNoise has a login shell that talks on both streams before each command.
func TestLoginNoise(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	shell := filepath.Join(t.TempDir(), "noisy")
	if err := os.WriteFile(shell, []byte("#!/bin/sh\necho 'Welcome! N begin'\nprintf 'no newline' >&2\nexec /bin/sh \"$@\"\n"), 0o700); err != nil { //nolint:gosec // it's to be run
		t.Fatal(err)
	}
	s.server.Shell = shell
	x := open(t, s.config)
	host, err := x.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	command := executor.Command{Interpreter: "sh", Body: "echo out; echo err >&2; exit 3"}
	rec := executortest.NewRecorder(executor.Offsets{})
	if res, err := x.Look(t.Context(), command, rec); err != nil || res.Exit != 3 {
		t.Errorf("Look = %+v, %v", res, err)
	}
	a := executor.Attempt{ID: strings.Repeat("0", 32), RunID: "r", IntentHash: "a", Host: host, Command: command}
	if claim, err := x.Start(t.Context(), a); claim != executor.Started {
		t.Fatalf("Start = %d, %v", claim, err)
	}
	follow := executortest.NewRecorder(executor.Offsets{})
	if res, err := x.Follow(t.Context(), a, executor.Offsets{}, follow); err != nil || res.Exit != 3 {
		t.Errorf("Follow = %+v, %v", res, err)
	}
	for _, r := range []*executortest.Recorder{rec, follow} {
		if r.Text(executor.Stdout) != "out\n" || r.Text(executor.Stderr) != "err\n" {
			t.Errorf("output %q and %q has noise in it", r.Text(executor.Stdout), r.Text(executor.Stderr))
		}
	}
}
