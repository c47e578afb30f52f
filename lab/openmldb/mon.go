package openmldb

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"stepgate/lab/userland"
)

// monitor is one run of bin/mon, which starts a command again when it ends.
type monitor struct {
	*program
	command                 string
	pause                   int // seconds between an end and the next start
	log, pidFile, childFile string
	daemon                  bool
}

// runMon is `mon COMMAND [-d] -s SECONDS -l LOG -m PIDFILE -p PIDFILE`.
func runMon(p *program, args []string) int {
	m := &monitor{program: p}
	if len(args) == 0 {
		fmt.Fprintln(p.Stderr, "error: <cmd> required")
		return 1
	}
	m.command = args[0]
	set := flag.NewFlagSet("mon", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.BoolVar(&m.daemon, "d", false, "")
	set.IntVar(&m.pause, "s", 1, "")
	set.StringVar(&m.log, "l", "mon.log", "")
	set.StringVar(&m.pidFile, "m", "", "")
	set.StringVar(&m.childFile, "p", "", "")
	if err := set.Parse(args[1:]); err != nil {
		fmt.Fprintln(p.Stderr, "error:", err)
		return 1
	}
	var err error
	if m.daemon {
		err = m.fork(args)
	} else {
		err = m.watch()
	}
	if err != nil {
		fmt.Fprintln(p.Stderr, "mon:", err)
		return 1
	}
	return 0
}

// fork goes on in the background, in a session of its own.
func (m *monitor) fork(args []string) error {
	log, err := os.OpenFile(m.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	rest := []string{args[0]}
	for _, a := range args[1:] {
		if a != "-d" {
			rest = append(rest, a)
		}
	}
	cmd := exec.Command(m.Path, rest...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// watch starts the command again and again, until it is asked to end: then it
// ends the command first.
func (m *monitor) watch() error {
	stop := askedToEnd()
	if err := writePID(m.pidFile, os.Getpid()); err != nil {
		return err
	}
	for {
		cmd := exec.Command("/bin/sh", "-c", "exec "+m.command)
		cmd.Stdout, cmd.Stderr = m.Stdout, m.Stderr
		gone, err := userland.Start(cmd)
		if err != nil {
			return err
		}
		if err := writePID(m.childFile, cmd.Process.Pid); err != nil {
			return err
		}
		fmt.Fprintf(m.Stdout, "mon : pid %d\nmon : child %d\n", os.Getpid(), cmd.Process.Pid)
		select {
		case <-gone:
		case <-stop:
			_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended just now
			<-gone
			return nil
		}
		fmt.Fprintf(m.Stdout, "mon : child %d ended, again in %ds\n", cmd.Process.Pid, m.pause)
		select {
		case <-time.After(m.Site.Scaled(time.Duration(m.pause) * time.Second)):
		case <-stop:
			return nil
		}
	}
}

// writePID writes a process's number where a reader finds it whole.
func writePID(path string, pid int) error {
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	if err := os.WriteFile(part, []byte(strconv.Itoa(pid)+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}
