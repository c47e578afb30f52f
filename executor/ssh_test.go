package executor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/lab/sshd"
)

// serve serves a host on loopback until the test ends, and returns its address.
func serve(t *testing.T, s *sshd.Server) string {
	t.Helper()
	return executortest.Serve(t, s.Serve)
}

// knownHost writes a known_hosts file.
func knownHost(t *testing.T, addr string, key ssh.PublicKey) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte(knownhosts.Line([]string{addr}, key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// sshMachine boots a host with an SSH server; login is its user's login shell.
func sshMachine(login string) executortest.BootMachine {
	return func(t *testing.T) executortest.Machine {
		host, user, home := executortest.NewIdentity(t), executortest.NewIdentity(t), memoryDir(t)
		var mu sync.Mutex
		var servers []*sshd.Server
		m := executortest.Machine{}
		m.Open = func(t *testing.T, env ...string) executor.Executor {
			s := &sshd.Server{
				Signer: host.Signer, User: "ops", Authorized: []ssh.PublicKey{user.Signer.PublicKey()}, Dir: home, Shell: login,
				Env: append(append([]string{"LANG=C.UTF-8"}, executortest.LoginEnv...), env...),
			}
			mu.Lock()
			servers = append(servers, s)
			mu.Unlock()
			addr := serve(t, s)
			x := executor.NewSSH(executor.SSHConfig{
				Name: "tablet-1", Addr: addr, User: "ops",
				KnownHosts: []string{knownHost(t, addr, host.Signer.PublicKey())}, Identities: []string{user.File},
			})
			t.Cleanup(func() {
				if err := x.Close(); err != nil {
					t.Error(err)
				}
			})
			return x
		}
		m.Cut = func() {
			mu.Lock()
			defer mu.Unlock()
			for _, s := range servers {
				s.CloseConnections()
			}
		}
		return m
	}
}

func TestSSH(t *testing.T) {
	executortest.Suite(t, sshMachine("/bin/sh"))
}

// ecdsaKey is a key of another type than [newIdentity]'s.
func ecdsaKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
