package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"

	"stepgate/lab/site"
	"stepgate/lab/sshd"
)

// errIdle and errDown are the orderly ends of a lab; the directory goes too.
var (
	errIdle = errors.New("nobody connected any more")
	errDown = errors.New("asked to end")
)

// serve is the lab process. It returns when the lab has ended.
func serve(dir string) error {
	s, err := site.Load(dir)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	go func() {
		select {
		case <-signals:
			end(errDown)
		case <-ctx.Done():
		}
	}()
	if err := hold(ctx, s); err != nil {
		return err
	}
	watcher, err := startWatcher(s)
	if err != nil {
		return err
	}
	defer watcher.stop()
	if err := sweep(s.Dir); err != nil { // of a former life
		return err
	}
	if err := os.Remove(groupsPath(s.Dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	err = runHosts(ctx, end, s)
	if sweepErr := sweep(s.Dir); sweepErr != nil {
		return errors.Join(err, sweepErr)
	}
	if cause := context.Cause(ctx); err == nil && (errors.Is(cause, errIdle) || errors.Is(cause, errDown)) {
		return clean(s)
	}
	return err
}

// hold takes the lab's lock. Others hold it for moments only, to look. The end of
// the process releases it, not before, so that who waits for the lock knows the
// process to be gone: the descriptor is not a file that could be collected.
func hold(ctx context.Context, s *site.Site) error {
	fd, err := unix.Open(lockPath(s), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("lock lab %q: %w", s.Dir, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("lock lab %q: %w", s.Dir, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("lab %q is running already", s.Dir)
		case <-time.After(poll):
		}
	}
	if err := os.Remove(readyPath(s)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return site.Replace(filepath.Join(s.Dir, "pid"), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
}

// runHosts boots the hosts and serves them until ctx ends. It returns nil then.
func runHosts(ctx context.Context, end context.CancelCauseFunc, s *site.Site) error {
	system, err := systemOf(s.System)
	if err != nil {
		return err
	}
	life, err := system.Open(s)
	if err != nil {
		return err
	}
	// Whatever ends first ends all; the simulated processes are swept before
	// they are waited for.
	inner, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
		if err := sweep(s.Dir); err == nil {
			life.Wait()
		}
	}()
	fail := func(err error) {
		if err != nil {
			end(err)
		}
	}
	wg.Go(func() { fail(life.Serve(inner)) })
	bootID := randomHex()
	if err := life.Boot(inner, func(h *site.Host) []string { return s.Environ(h, bootID) }); err != nil {
		return err
	}
	idle := newIdleClock(s.Idle, func() { end(errIdle) })
	defer idle.stop()
	links := map[string]*link{}
	for i := range s.Hosts {
		server, ln, err := hostServer(s, &s.Hosts[i], bootID, idle)
		if err != nil {
			return err
		}
		l := newLink(ln, server)
		links[s.Hosts[i].Name] = l
		wg.Go(func() { fail(server.Serve(inner, l)) })
	}
	wg.Go(func() { watchLinks(inner, s, links) })
	if err := site.Replace(readyPath(s), nil, 0o600); err != nil {
		return err
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errIdle) && !errors.Is(cause, errDown) {
		return cause
	}
	return nil
}

func listen(port int) (net.Listener, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("open the lab's ports: %w", err)
	}
	return ln, nil
}

func hostServer(s *site.Site, h *site.Host, bootID string, idle *idleClock) (*sshd.Server, net.Listener, error) {
	pemBytes, err := os.ReadFile(filepath.Join(s.Dir, "keys", "host_"+h.Name))
	if err != nil {
		return nil, nil, fmt.Errorf("read host key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(pemBytes)
	if err != nil {
		return nil, nil, fmt.Errorf("read host key of %q: %w", h.Name, err)
	}
	line, err := os.ReadFile(filepath.Join(s.Dir, "keys", "id_ed25519.pub"))
	if err != nil {
		return nil, nil, fmt.Errorf("read client key: %w", err)
	}
	client, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return nil, nil, fmt.Errorf("read client key: %w", err)
	}
	ln, err := listen(h.Port)
	if err != nil {
		return nil, nil, err
	}
	return &sshd.Server{
		Signer: signer, User: h.User, Authorized: []ssh.PublicKey{client},
		Dir: s.Home(h), Env: s.Environ(h, bootID),
		Activity: func(open int) { idle.set(h.Name, open) },
		Started:  func(pid int) { noteGroup(s.Dir, pid) },
	}, ln, nil
}

// groupsPath is where the process groups of SSH sessions are noted, for systems
// that don't show other processes' environments.
func groupsPath(dir string) string { return filepath.Join(dir, "groups") }

// noteGroup is best effort: what it misses is found by the lab's mark.
func noteGroup(dir string, pid int) {
	f, err := os.OpenFile(groupsPath(dir), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = fmt.Fprintln(f, pid)
}

// idleClock calls expired when no host has had a connection for a while.
type idleClock struct {
	mu    sync.Mutex
	after time.Duration
	open  map[string]int
	timer *time.Timer
}

func newIdleClock(after time.Duration, expired func()) *idleClock {
	c := &idleClock{after: after, open: map[string]int{}}
	c.timer = time.AfterFunc(after, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.total() == 0 {
			expired()
		}
	})
	return c
}

func (c *idleClock) total() int {
	n := 0
	for _, open := range c.open {
		n += open
	}
	return n
}

func (c *idleClock) set(host string, open int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[host] = open
	if c.total() == 0 {
		c.timer.Reset(c.after)
	} else {
		c.timer.Stop()
	}
}

func (c *idleClock) stop() { c.timer.Stop() }

// watcher is the process that outlives the lab process.
type watcher struct {
	cmd  *exec.Cmd
	pipe *os.File
}

// startWatcher starts a process that sweeps the hosts when the lab process, and
// with it the other end of its stdin, is gone.
func startWatcher(s *site.Site) (*watcher, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start watcher: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(s.Binary(), "lab", "watch", s.Dir)
	cmd.Dir, cmd.Env, cmd.Stdin = "/", processEnv(), r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start watcher: %w", err)
	}
	return &watcher{cmd, w}, nil
}

func (w *watcher) stop() {
	w.pipe.Close()
	_ = w.cmd.Wait() // only its end matters
}

// watch is the watcher process.
func watch(dir string, stdin io.Reader) error {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	if _, err := io.Copy(io.Discard, stdin); err != nil {
		return err
	}
	return sweep(dir)
}
