package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"stepgate/executor/executortest"
	"stepgate/lab/sshd"
)

// outage is a listener behind a network that can be down: who connects then is cut
// off at once.
type outage struct {
	net.Listener
	down atomic.Bool
}

func (o *outage) Accept() (net.Conn, error) {
	for {
		c, err := o.Listener.Accept()
		if err != nil || !o.down.Load() {
			return c, err
		}
		_ = c.Close()
	}
}

// serve is an SSH server whose commands work in home, and the way to it. A person with
// the configuration in dir knows its key and may log in.
func serve(t *testing.T, home, dir string) (*sshd.Server, *outage) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, client := executortest.NewIdentity(t), executortest.NewIdentity(t)
	known := filepath.Join(dir, "known_hosts")
	write(t, known, knownhosts.Line([]string{ln.Addr().String()}, host.Signer.PublicKey())+"\n")
	write(t, filepath.Join(dir, "ssh_config"), "Host *\n  IdentityFile "+client.File+"\n  IdentitiesOnly yes\n  UserKnownHostsFile "+known+"\n")
	server := &sshd.Server{Signer: host.Signer, User: "ops", Authorized: []ssh.PublicKey{client.Signer.PublicKey()}, Dir: home}
	way := &outage{Listener: ln}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, way) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server, way
}

// The link to a host is lost while a command runs there, stays away for a while, and
// comes back: the screen says each, and the command has run once.
func TestALostConnectionComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	work, home := filepath.Join(dir, "work"), filepath.Join(dir, "host")
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	server, way := serve(t, home, dir)
	write(t, filepath.Join(work, "book.md"), "+++\ntitle = \"T\"\n[groups.db]\n+++\n- [ ] Long {#long}\n\n  ```sh {on=db}\n"+
		"  echo ran >>ledger; echo begun\n  until test -e on; do sleep 0.05; done\n  echo through\n  ```\n"+
		"- [ ] Last {#last}\n\n  By hand.\n")
	write(t, filepath.Join(work, "inv.toml"), "[groups.db]\nhosts = [\"数据库-1\"]\n[hosts.\"数据库-1\"]\nssh = \"ops@"+way.Addr().String()+"\"\n")
	s := sit(t, dir, work, 100, 30, "run", "book.md", "-i", "inv.toml", "--no-preflight")
	s.begins("next: 1 Long")
	s.types("\r")
	// The command says "begun", too: it has to have said it itself.
	s.keepsTrying("the command runs", func() bool { return there(filepath.Join(home, "ledger")) })
	s.sees("begun", "running")
	way.down.Store(true)
	server.CloseConnections()
	s.sees("link lost, reconnecting")
	write(t, filepath.Join(home, "on"), "")
	way.down.Store(false)
	s.sees("through", "re-attached after", "to be done by hand: 2 Last")
	s.types("\r")
	s.sees("closed: done")
	s.types("\r")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	if ledger, err := os.ReadFile(filepath.Join(home, "ledger")); err != nil || string(ledger) != "ran\n" {
		t.Errorf("the command has run %q, %v", ledger, err)
	}
}
