package sshd_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"stepgate/lab/sshd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// host is a served server with a key that is let in.
type host struct {
	*sshd.Server
	addr string
	key  ssh.Signer
	stop func() // ends the server and waits for Serve
	open chan int
	// pids of commands, as the server told them
	started chan int
}

func serve(t *testing.T) *host {
	t.Helper()
	h := &host{key: newKey(t), open: make(chan int, 100), started: make(chan int, 100)}
	h.Server = &sshd.Server{
		Signer: newKey(t), User: "ops", Authorized: []ssh.PublicKey{h.key.PublicKey()},
		Dir: t.TempDir(), Env: []string{"PLACE=lab 实验"},
		Activity: func(open int) { h.open <- open },
		Started:  func(pid int) { h.started <- pid },
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, ln) }()
	stopped := false
	h.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	t.Cleanup(h.stop)
	return h
}

func (h *host) dial(user string, key ssh.Signer) (*ssh.Client, error) {
	return ssh.Dial("tcp", h.addr, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.FixedHostKey(h.Signer.PublicKey()), Timeout: 10 * time.Second,
	})
}

func (h *host) client(t *testing.T) *ssh.Client {
	t.Helper()
	c, err := h.dial("ops", h.key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func session(t *testing.T, c *ssh.Client) *ssh.Session {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestCommands(t *testing.T) {
	t.Parallel()
	h := serve(t)
	c := h.client(t)
	for _, tc := range []struct{ name, cmd, stdin, stdout, stderr, exit string }{
		{"streams apart", "echo out; echo err >&2", "", "out\n", "err\n", ""},
		{"exit status", "exit 7", "", "", "", "Process exited with status 7"},
		{"death by signal", "kill -9 $$", "", "", "", "Process exited with status 137 from signal KILL"},
		{"stdin to its end", "cat", "a\x00b\n实", "a\x00b\n实", "", ""},
		{"unread stdin", "exit 3", strings.Repeat("x", 1<<20), "", "", "Process exited with status 3"},
		{"own session", `[ "$(ps -o sid= -p $$ | tr -d ' ')" = $$ ] && [ "$(ps -o pgid= -p $$ | tr -d ' ')" = $$ ] && echo own`, "", "own\n", "", ""},
		{"working directory is home", `[ "$PWD" = "$HOME" ] && echo home`, "", "home\n", "", ""},
		{"environment", `echo "$USER $LOGNAME $PLACE ${GOPATH-none} $SHELL"`, "", "ops ops lab 实验 none /bin/sh\n", "", ""},
		{"output closed early", "exec >&- 2>&-; exit 4", "", "", "", "Process exited with status 4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := session(t, c)
			var stdout, stderr bytes.Buffer
			s.Stdin, s.Stdout, s.Stderr = strings.NewReader(tc.stdin), &stdout, &stderr
			err := s.Run(tc.cmd)
			exit := ""
			if err != nil {
				exit = err.Error()
			}
			if stdout.String() != tc.stdout || stderr.String() != tc.stderr || !strings.HasPrefix(exit, tc.exit) || (tc.exit == "") != (err == nil) {
				t.Errorf("got stdout %q stderr %q exit %q", stdout.String(), stderr.String(), exit)
			}
		})
	}
}

func TestShellReadsStdin(t *testing.T) {
	t.Parallel()
	s := session(t, serve(t).client(t))
	var out bytes.Buffer
	s.Stdin, s.Stdout = strings.NewReader("echo one\nexit 9\necho two\n"), &out
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 9 || out.String() != "one\n" {
		t.Errorf("got %v, output %q", err, out.String())
	}
}

func TestDaemonHoldsSession(t *testing.T) {
	t.Parallel()
	h := serve(t)
	s := session(t, h.client(t))
	fifo := filepath.Join(h.Dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("(cat fifo; echo late) & echo soon"); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 5)
	if _, err := io.ReadFull(r, first); err != nil || string(first) != "soon\n" {
		t.Fatalf("got %q, %v", first, err)
	}
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	rest, err := io.ReadAll(r)
	if err != nil || string(rest) != "late\n" {
		t.Errorf("got %q, %v", rest, err)
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	h := serve(t)
	if _, err := h.dial("ops", newKey(t)); err == nil {
		t.Error("a wrong key was let in")
	}
	if _, err := h.dial("root", h.key); err == nil {
		t.Error("a wrong user was let in")
	}
	c := h.client(t)
	s := session(t, c)
	if err := s.Setenv("A", "b"); err == nil {
		t.Error("an environment request was accepted")
	}
	if err := s.RequestPty("xterm", 24, 80, nil); err == nil {
		t.Error("a terminal was given")
	}
	if err := s.RequestSubsystem("nonesuch"); err == nil {
		t.Error("a subsystem was given")
	}
	if err := s.Run("true"); err != nil {
		t.Errorf("the session is of no use after refusals: %v", err)
	}
	if _, err := c.Dial("tcp", "192.0.2.1:80"); err == nil || !strings.Contains(err.Error(), "only loopback") {
		t.Errorf("forwarding elsewhere: %v", err)
	}
	ok, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
	if err != nil || ok {
		t.Errorf("keepalive answered %v, %v", ok, err)
	}
}

func TestTooManySessions(t *testing.T) {
	t.Parallel()
	c := serve(t).client(t)
	var held []*ssh.Session
	for range 10 {
		held = append(held, session(t, c))
	}
	var refused *ssh.OpenChannelError
	if _, err := c.NewSession(); !errors.As(err, &refused) {
		t.Errorf("the eleventh session: %v", err)
	}
	if err := held[0].Run("true"); err != nil {
		t.Error(err)
	}
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd.Server{Signer: newKey(t), User: "ops", Dir: t.TempDir()}
	if err := s.Serve(context.Background(), ln); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("served on all addresses: %v", err)
	}
}

func TestForwarding(t *testing.T) {
	t.Parallel()
	c := serve(t).client(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		all, err := io.ReadAll(conn) // until the client's half-close
		if err == nil {
			fmt.Fprintf(conn, "got %s", all)
		}
	}()
	conn, err := c.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	reply, err := io.ReadAll(conn)
	if err != nil || string(reply) != "got hello" {
		t.Errorf("got %q, %v", reply, err)
	}
	conn.Close()
}

// startWaiting starts a command that writes its pid, waits until its fifo is
// opened, and then writes the file "after".
func startWaiting(t *testing.T, h *host) (pid int, fifo string) {
	t.Helper()
	fifo = filepath.Join(h.Dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	s := session(t, h.client(t))
	r, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("trap '' PIPE; echo $$; read x <fifo; echo broken 2>/dev/null; echo done >fifo2"); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscan(r, &pid); err != nil {
		t.Fatal(err)
	}
	if told := <-h.started; told != pid {
		t.Errorf("process %d was told as %d", pid, told)
	}
	return pid, fifo
}

func TestCommandsOutliveConnections(t *testing.T) {
	t.Parallel()
	h := serve(t)
	fifo2 := filepath.Join(h.Dir, "fifo2")
	if err := syscall.Mkfifo(fifo2, 0o600); err != nil {
		t.Fatal(err)
	}
	_, fifo := startWaiting(t, h)
	if open := <-h.open; open != 1 {
		t.Fatalf("%d connections open", open)
	}
	h.CloseConnections()
	if open := <-h.open; open != 0 {
		t.Fatalf("%d connections open after the cut", open)
	}
	if err := os.WriteFile(fifo, []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(fifo2)
	if err != nil || string(after) != "done\n" {
		t.Errorf("the command did not go on: %q, %v", after, err)
	}
	if err := session(t, h.client(t)).Run("true"); err != nil {
		t.Errorf("no new connection after the cut: %v", err)
	}
}

func TestEndOfServeKillsCommands(t *testing.T) {
	t.Parallel()
	h := serve(t)
	pid, _ := startWaiting(t, h)
	h.stop()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there: %v", pid, err)
	}
	if _, err := h.dial("ops", h.key); err == nil {
		t.Error("still accepting connections")
	}
}
