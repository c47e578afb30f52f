package openmldb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"stepgate/lab/site"
	"stepgate/lab/userland"
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
	var started []*startup
	for i := range s.site.Hosts {
		b := &startup{host: &s.site.Hosts[i], role: componentOf(&s.site.Hosts[i]), environ: environ(&s.site.Hosts[i])}
		if err := s.start(b); err != nil {
			return err
		}
		if b.role == nameserverRole { // the first one leads
			s.joined(ctx, b)
			continue
		}
		started = append(started, b)
	}
	for _, b := range started {
		s.joined(ctx, b)
	}
	s.cluster.byInit(func(h *site.Host) {
		s.wg.Go(func() {
			b := &startup{host: h, role: componentOf(h), environ: environ(h)}
			if err := s.start(b); err == nil {
				s.joined(ctx, b)
			}
		})
	})
	return nil
}

// startup is a host's component that init starts.
type startup struct {
	host    *site.Host
	role    string
	environ []string
	gone    <-chan struct{} // closed when it ended; nil: it couldn't be started
}

func (s *Life) start(b *startup) error {
	h := b.host
	d := &daemon{
		program: &program{userland.Call{Site: s.site, Host: h, Path: "init", Stdout: io.Discard, Stderr: io.Discard}},
		name:    b.role, dir: h.Vars["home"], env: b.environ, mon: s.site.Fault(h.Name, "mode") == "mon",
	}
	if b.role == taskmanagerRole {
		d.env = append(slices.Clone(d.env), "SPARK_HOME="+h.Vars["spark_home"])
	}
	// What was in the pid files before the boot is another process now, if any.
	for _, path := range []string{d.pidFile(), d.childFile()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("boot %q: %w", h.Name, err)
		}
	}
	if err := d.configure(); err != nil {
		return nil //nolint:nilerr // its files may be away, in the middle of an upgrade
	}
	pid, gone, err := d.launch()
	if err != nil || pid == 0 {
		return nil //nolint:nilerr // as above
	}
	b.gone = gone
	if d.mon {
		return nil
	}
	s.wg.Go(func() { <-gone })
	if err := os.WriteFile(d.pidFile(), []byte(strconv.Itoa(pid)+"\n"), 0o644); err != nil {
		return fmt.Errorf("boot %q: %w", h.Name, err)
	}
	return nil
}

// joined waits until the component is there or has ended, or hangs: the operator
// will see.
func (s *Life) joined(ctx context.Context, b *startup) {
	if b.gone == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	userland.Await(ctx, b.gone, func() bool { return s.there(b) })
}

// there says whether the component is connected or, if it registers nowhere, serves.
func (s *Life) there(b *startup) bool {
	if b.role != apiserverRole {
		return s.cluster.Joined(b.role, b.host.Vars["endpoint"])
	}
	conn, err := net.DialTimeout("tcp", b.host.Vars["endpoint"], time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// Wait returns when all processes that Boot started have ended.
func (s *Life) Wait() { s.wg.Wait() }
