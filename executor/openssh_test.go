package executor_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// openSSH is a real sshd on loopback.
type openSSH struct {
	addr string
	pid  int
}

// freePort is a port of loopback that was free a moment ago: sshd can't be given a
// listening socket.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

// serveOpenSSH starts an sshd that lets the present user in. What is set first in its
// configuration holds.
func serveOpenSSH(t *testing.T, program string, host, login executortest.Identity, env []string, first ...string) openSSH {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	authorized := filepath.Join(dir, "authorized_keys")
	if err := os.WriteFile(authorized, ssh.MarshalAuthorizedKey(login.Signer.PublicKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	var quoted []string
	for _, v := range env {
		quoted = append(quoted, strconv.Quote(v))
	}
	config := filepath.Join(dir, "sshd_config")
	text := strings.Join(first, "\n") + "\n" + fmt.Sprintf("Subsystem sftp internal-sftp\nListenAddress 127.0.0.1\nPort %s\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\n"+
		"PermitRootLogin prohibit-password\nPidFile none\nSetEnv %s\n", port, host.File, authorized, strings.Join(quoted, " "))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-D", "-e", "-f", config)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening, drained := make(chan bool, 1), make(chan struct{})
	var said bytes.Buffer
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if strings.Contains(lines.Text(), "Server listening") {
				listening <- true
			}
		}
		close(listening)
	}()
	s := openSSH{addr: "127.0.0.1:" + port, pid: cmd.Process.Pid}
	t.Cleanup(func() {
		s.cut()
		_ = cmd.Process.Kill()
		<-drained
		_ = cmd.Wait() // killed
	})
	if !<-listening {
		t.Fatalf("sshd doesn't listen:\n%s", said.String())
	}
	return s
}

// cut kills the processes that serve connections, and not the commands.
func (s openSSH) cut() {
	var sessions func(pid int)
	sessions = func(pid int) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if err != nil {
			return // it's gone
		}
		for child := range strings.FieldsSeq(string(text)) {
			n, err := strconv.Atoi(child)
			if err != nil {
				continue
			}
			if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", n)); err != nil || !strings.HasPrefix(string(name), "sshd") {
				continue
			}
			sessions(n)
			_ = syscall.Kill(n, syscall.SIGKILL) // or it's gone
		}
	}
	sessions(s.pid)
}

// needOpenSSH is the path of OpenSSH's server.
func needOpenSSH(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		t.Skip("NOT TESTED: OpenSSH's server isn't installed, so SSH was only tried against the lab's own")
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd's own, for root
			t.Skipf("NOT TESTED against OpenSSH: %v", err)
		}
	}
	return program
}

// openSSHMachine boots a host whose server is OpenSSH's.
func openSSHMachine(t *testing.T, program string) executortest.BootMachine {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) executortest.Machine {
		host, login, home := executortest.NewIdentity(t), executortest.NewIdentity(t), memoryDir(t)
		var servers []openSSH
		m := executortest.Machine{}
		m.Open = func(t *testing.T, env ...string) executor.Executor {
			env = append(append([]string{"HOME=" + home}, executortest.LoginEnv...), env...)
			s := serveOpenSSH(t, program, host, login, env)
			servers = append(servers, s)
			return open(t, executor.SSHConfig{
				Name: "real", Addr: s.addr, User: me.Username, Identities: []string{login.File},
				KnownHosts: []string{knownHost(t, s.addr, host.Signer.PublicKey())},
			})
		}
		m.Cut = func() {
			for _, s := range servers {
				s.cut()
			}
		}
		return m
	}
}

// TestOpenSSH runs against the server that users have.
func TestOpenSSH(t *testing.T) {
	t.Parallel()
	executortest.Server(t, openSSHMachine(t, needOpenSSH(t)))
}
