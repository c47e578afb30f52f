package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"stepgate/lab/site"
	"stepgate/runbook/text"
)

// poll is how often Start and Down look again.
const poll = 20 * time.Millisecond

func lockPath(s *site.Site) string  { return filepath.Join(s.Dir, "lock") }
func readyPath(s *site.Site) string { return filepath.Join(s.Dir, "ready") }
func logPath(s *site.Site) string   { return filepath.Join(s.Dir, "lab.log") }

// holder looks at a lab's lock. It keeps the file open, so that it sees the lab
// process end even when the directory is gone by then.
type holder struct{ file *os.File }

// openLock returns nil without an error when the lab has never run.
func openLock(s *site.Site) (*holder, error) {
	f, err := os.Open(lockPath(s))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for lab %q: %w", s.Dir, err)
	}
	return &holder{f}, nil
}

// runs says whether a lab process holds the lab.
func (h *holder) runs() (bool, error) {
	err := unix.Flock(int(h.file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	if err == nil {
		err = unix.Flock(int(h.file.Fd()), unix.LOCK_UN)
	}
	if err != nil {
		return false, fmt.Errorf("look for the lab process: %w", err)
	}
	return false, nil
}

func runs(s *site.Site) (bool, error) {
	h, err := openLock(s)
	if h == nil {
		return false, err
	}
	defer h.file.Close()
	return h.runs()
}

// Start finds the lab of dir running, or starts it, and returns when all its SSH
// ports accept. The lab goes on when ctx ends.
func Start(ctx context.Context, dir string) (*Cluster, error) {
	s, err := site.Load(dir)
	if err != nil {
		return nil, err
	}
	var ended chan error
	for tries := 0; ; {
		running, err := runs(s)
		if err != nil {
			return nil, err
		}
		if running && ready(s) {
			return clusterOf(s), nil
		}
		if !running && ended == nil {
			if tries++; tries > 3 {
				return nil, startError(s, errors.New("it ended again and again"))
			}
			if ended, err = spawn(s); err != nil {
				return nil, err
			}
		}
		select {
		case err := <-ended:
			ended = nil
			if running, lookErr := runs(s); lookErr == nil && !running && err != nil {
				return nil, startError(s, err)
			}
		case <-ctx.Done():
			return nil, startError(s, ctx.Err())
		case <-time.After(poll):
		}
	}
}

func startError(s *site.Site, cause error) error {
	err := fmt.Errorf("start lab %q: %w", s.Dir, cause)
	if tail := lastLine(logPath(s)); tail != "" {
		err = fmt.Errorf("start lab %q: %w: %s", s.Dir, cause, tail)
	}
	return text.WithHint(err, "Its log is "+logPath(s)+". To begin anew: stepgate demo")
}

func lastLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return lines[len(lines)-1]
}

// spawn starts the lab process in a session of its own. ended gets how it ended,
// if it does so before the caller is gone.
func spawn(s *site.Site) (ended chan error, err error) {
	log, err := os.OpenFile(logPath(s), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start lab %q: %w", s.Dir, err)
	}
	defer log.Close()
	cmd := exec.Command(s.Binary(), "lab", "serve", s.Dir)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "/", processEnv(), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start lab %q: %w", s.Dir, err)
	}
	ended = make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if err == nil {
			err = errors.New("it ended")
		}
		ended <- err
	}()
	return ended, nil
}

// processEnv is the lab's and the watcher's environment. It must not carry the
// mark of processes on hosts.
func processEnv() []string {
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
	for _, name := range []string{"PATH", "TMPDIR", "TZ", "GOCOVERDIR", "GORACE"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// ready says whether the running lab answers on its ports. That a port accepts is
// not enough: those of a process that was just killed do, for a moment.
func ready(s *site.Site) bool {
	if _, err := os.Stat(readyPath(s)); err != nil {
		return false
	}
	for i := range s.Hosts {
		if s.Fault(s.Hosts[i].Name, linkFault) == "" && !greets(sshAddr(&s.Hosts[i])) {
			return false
		}
	}
	return true
}

// greets says whether an SSH server speaks at the address.
func greets(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	hello := make([]byte, len("SSH-"))
	_, err = io.ReadFull(conn, hello)
	return err == nil && string(hello) == "SSH-"
}

// Running says whether the process of the lab of dir is alive. The error of a
// directory without a lab is fs.ErrNotExist.
func Running(dir string) (bool, error) {
	s, err := site.Load(dir)
	if err != nil {
		return false, err
	}
	return runs(s)
}

// Down ends the lab of dir with every process it started, and removes dir. A lab
// that is gone is no error.
func Down(ctx context.Context, dir string) error {
	s, err := site.Load(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lock, err := openLock(s)
	if err != nil {
		return err
	}
	if lock == nil {
		return clean(s)
	}
	defer lock.file.Close()
	for asked := 0; ; {
		running, err := lock.runs()
		if err != nil {
			return err
		}
		if !running {
			return clean(s) // nothing to do, when the lab ended in order
		}
		if pid := labPID(s); pid > 1 && pid != asked {
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("end lab %q: %w", dir, err)
			}
			asked = pid
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("end lab %q: %w", dir, ctx.Err())
		case <-time.After(poll):
		}
	}
}

// labPID is the process that holds the lock; it writes its number when it does.
func labPID(s *site.Site) int {
	data, err := os.ReadFile(filepath.Join(s.Dir, "pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	return pid
}

// clean ends what is left on the hosts and removes the lab.
func clean(s *site.Site) error {
	if err := sweep(s.Dir); err != nil {
		return err
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		return fmt.Errorf("remove lab: %w", err)
	}
	return nil
}
