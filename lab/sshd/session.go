package sshd

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// session serves one session channel. It ends with its command, or when the
// connection is gone; ctx is the server's life, gone the connection's.
func (s *Server) session(ctx, gone context.Context, conn net.Conn, ch ssh.NewChannel) {
	channel, requests, err := ch.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer channel.Close() // ends the request loop
	for req := range requests {
		var args []string
		switch req.Type {
		case "shell":
		case "exec":
			var cmd struct{ Line string }
			if err := ssh.Unmarshal(req.Payload, &cmd); err != nil {
				answer(req, false)
				continue
			}
			args = []string{"-c", cmd.Line}
		case "subsystem":
			var sub struct{ Name string }
			if err := ssh.Unmarshal(req.Payload, &sub); err != nil || sub.Name != "sftp" || s.NoFiles {
				answer(req, false)
				continue
			}
			answer(req, true)
			wg.Go(func() { refuseAll(requests) })
			s.files(gone, channel)
			return
		default: // env, pty-req, signal, …
			answer(req, false)
			continue
		}
		c, err := s.start(ctx, conn, args)
		answer(req, err == nil)
		if err != nil {
			return
		}
		wg.Go(func() { refuseAll(requests) })
		c.attach(gone, channel)
		return
	}
}

func answer(req *ssh.Request, ok bool) {
	if req.WantReply {
		_ = req.Reply(ok, nil) // fails only with the connection
	}
}

func refuseAll(requests <-chan *ssh.Request) {
	for req := range requests {
		answer(req, false)
	}
}

// command is a running command with the server's ends of its pipes.
type command struct {
	stdin          *os.File
	stdout, stderr *os.File
	exited         chan struct{} // closed when it has been reaped
	status         syscall.WaitStatus
}

// start runs the login shell with args in a session of its own. The command
// lives until it ends by itself, or ctx ends and its process group is killed.
func (s *Server) start(ctx context.Context, conn net.Conn, args []string) (*command, error) {
	shell := s.Shell
	if shell == "" {
		shell = "/bin/sh"
	}
	var opened []*os.File
	closeAll := func() {
		for _, f := range opened {
			f.Close()
		}
	}
	var ends [3][2]*os.File
	for i := range ends {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll()
			return nil, err
		}
		ends[i] = [2]*os.File{r, w}
		opened = append(opened, r, w)
	}
	cmd := exec.Command(shell, args...)
	cmd.Dir = s.Dir
	cmd.Env = append(s.environment(conn, shell), s.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = ends[0][0], ends[1][1], ends[2][1]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		closeAll()
		return nil, err
	}
	for _, f := range []*os.File{ends[0][0], ends[1][1], ends[2][1]} {
		f.Close()
	}
	if s.Started != nil {
		s.Started(cmd.Process.Pid)
	}
	c := &command{stdin: ends[0][1], stdout: ends[1][0], stderr: ends[2][0], exited: make(chan struct{})}
	s.wg.Go(func() {
		kill := context.AfterFunc(ctx, func() { _ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
		defer kill() // disarms it
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			c.status = syscall.WaitStatus(255 << 8)
		} else if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok {
			c.status = status
		}
		close(c.exited)
	})
	return c, nil
}

func (s *Server) environment(conn net.Conn, shell string) []string {
	return []string{
		"HOME=" + s.Dir,
		"USER=" + s.User,
		"LOGNAME=" + s.User,
		"SHELL=" + shell,
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"SSH_CONNECTION=" + connection(conn),
	}
}

// connection is the value of SSH_CONNECTION: client address and port, server
// address and port.
func connection(conn net.Conn) string {
	var text string
	for _, a := range []net.Addr{conn.RemoteAddr(), conn.LocalAddr()} {
		host, port, err := net.SplitHostPort(a.String())
		if err != nil {
			continue
		}
		if text != "" {
			text += " "
		}
		text += host + " " + port
	}
	return text
}

// attach couples the command to its channel until it has exited and its output
// pipes are closed, or the connection is gone; then its pipes are closed.
func (c *command) attach(gone context.Context, channel ssh.Channel) {
	closePipes := func() {
		c.stdin.Close()
		c.stdout.Close()
		c.stderr.Close()
	}
	stop := context.AfterFunc(gone, closePipes)
	defer stop()
	defer closePipes()
	var in, out sync.WaitGroup
	in.Go(func() {
		// An error is a command that doesn't read or a client that is gone.
		_, _ = io.Copy(c.stdin, channel)
		c.stdin.Close()
	})
	out.Go(func() { _, _ = io.Copy(channel, c.stdout); c.stdout.Close() })
	out.Go(func() { _, _ = io.Copy(channel.Stderr(), c.stderr); c.stderr.Close() })
	out.Wait()
	select {
	case <-c.exited:
		_ = channel.CloseWrite()
		c.report(channel)
	case <-gone.Done():
	}
	closePipes()
	channel.Close()
	in.Wait()
}

// report sends how the command ended. It can only fail with the connection.
func (c *command) report(channel ssh.Channel) {
	if c.status.Signaled() {
		name := unix.SignalName(c.status.Signal())
		if len(name) > 3 {
			name = name[3:]
		}
		_, _ = channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal   string
			Core     bool
			Message  string
			Language string
		}{name, c.status.CoreDump(), "", ""}))
		return
	}
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(c.status.ExitStatus())}))
}
