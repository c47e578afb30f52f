package openmldb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"stepgate/lab/site"
)

// Life is a running simulated cluster, as the lab process holds it.
type Life struct {
	cluster *Cluster
	site    *site.Site
	zk      net.Listener
	wg      sync.WaitGroup
}

// Open loads the cluster of a lab and opens its ZooKeeper's port.
func (System) Open(s *site.Site) (site.Life, error) {
	c, err := Open(s)
	if err != nil {
		return nil, err
	}
	zk, err := net.Listen("tcp", s.Params["zk"])
	if err != nil {
		return nil, fmt.Errorf("open the lab's ports: %w", err)
	}
	return &Life{cluster: c, site: s, zk: zk}, nil
}

// Serve is the cluster's truth, until ctx ends.
func (s *Life) Serve(ctx context.Context) error { return s.cluster.Serve(ctx, s.zk, zkRoot) }

// Boot does what the hosts' init does: it starts each host's component with the
// binary that is on disk, nameservers first, and waits until each has joined or
// ended. environ gives a host's environment. A component that doesn't start is
// no error.
func (s *Life) Boot(ctx context.Context, environ func(*site.Host) []string) error {
	defer s.cluster.Booted()
	for _, role := range []string{"nameserver", "tablet"} {
		for i := range s.site.Hosts {
			h := &s.site.Hosts[i]
			if componentOf(h) != role {
				continue
			}
			if err := s.bootHost(ctx, h, role, environ(h)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Life) bootHost(ctx context.Context, h *site.Host, role string, environ []string) error {
	dir := h.Vars["home"]
	// What was in the pid file before the boot is another process now, if any.
	pidFile := filepath.Join(dir, "bin", role+".pid")
	if err := os.Remove(pidFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("boot %q: %w", h.Name, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return fmt.Errorf("boot %q: %w", h.Name, err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "logs", role+".log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("boot %q: %w", h.Name, err)
	}
	defer log.Close()
	cmd := exec.Command("./bin/openmldb", "--flagfile=./conf/"+role+".flags", "--enable_status_service=true")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, environ, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		// Its bin may be away, in the middle of an upgrade.
		if _, err := fmt.Fprintf(log, "init: %v\n", err); err != nil {
			return fmt.Errorf("boot %q: %w", h.Name, err)
		}
		return nil
	}
	gone := make(chan struct{})
	s.wg.Go(func() {
		_ = cmd.Wait() // only its end matters
		close(gone)
	})
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o644); err != nil {
		return fmt.Errorf("boot %q: %w", h.Name, err)
	}
	return s.joined(ctx, h, role, gone)
}

func (s *Life) joined(ctx context.Context, h *site.Host, role string, gone <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !s.cluster.Joined(role, h.Vars["endpoint"]) {
		select {
		case <-gone:
			return nil
		case <-ctx.Done():
			return nil // it hangs; the operator will see
		case <-poll.C:
		}
	}
	return nil
}

// Wait returns when all processes that Boot started have ended.
func (s *Life) Wait() { s.wg.Wait() }
