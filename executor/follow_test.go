package executor_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// door is an address that can be shut and opened; what is open when it shuts is cut.
type door struct {
	t       *testing.T
	target  string
	address string
	mu      sync.Mutex
	ln      net.Listener
	open    []net.Conn
	tasks   sync.WaitGroup
}

func newDoor(t *testing.T, target string) *door {
	t.Helper()
	d := &door{t: t, target: target, address: "127.0.0.1:0"}
	d.unlock()
	t.Cleanup(func() { d.shut(); d.tasks.Wait() })
	return d
}

// unlock listens, from the second time on at the same address.
func (d *door) unlock() {
	d.t.Helper()
	ln, err := net.Listen("tcp", d.address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ln, d.address = ln, ln.Addr().String()
	d.tasks.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", d.target)
			if err != nil {
				_ = in.Close()
				return
			}
			d.mu.Lock()
			d.open = append(d.open, in, out)
			d.mu.Unlock()
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				d.tasks.Go(func() {
					defer way[0].Close()
					buf := make([]byte, 32<<10)
					for {
						n, err := way[1].Read(buf)
						if n > 0 {
							if _, err := way[0].Write(buf[:n]); err != nil {
								return
							}
						}
						if err != nil {
							return
						}
					}
				})
			}
		}
	})
}

func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.ln.Close()
	for _, c := range d.open {
		_ = c.Close()
	}
	d.open = nil
}

// TestFollowGivesUp loses the host while a command runs: Follow says so soon, and the
// next calls find the command as it was.
func TestFollowGivesUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	d := newDoor(t, s.addr)
	s.config.KnownHosts = []string{knownHost(t, d.address, s.server.Signer.PublicKey())}
	s.config.Addr = d.address
	x := open(t, s.config)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	host, err := x.Identify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	flag := memoryDir(t) + "/go"
	a := executor.Attempt{
		ID: "0123456789abcdef0123456789abcdef", RunID: "lost", IntentHash: "ab", Host: host,
		Command: executor.Command{Interpreter: "sh", Body: "echo one; until [ -e " + flag + " ]; do sleep 0.05; done; echo two; exit 6"},
	}
	if claim, err := x.Start(ctx, a); claim != executor.Started || err != nil {
		t.Fatalf("Start = %d, %v", claim, err)
	}
	rec, ended := executortest.NewRecorder(executor.Offsets{}), make(chan struct{})
	go func() {
		defer close(ended)
		_, err = x.Follow(ctx, a, executor.Offsets{}, rec)
	}()
	if !rec.Await(ended, executor.Stdout, "one\n") {
		t.Fatalf("Follow = %v", err)
	}
	d.shut()
	<-ended
	var reach *executor.ReachError
	if !errors.As(err, &reach) || ctx.Err() != nil {
		t.Errorf("Follow of a lost host = %v, want a *ReachError", err)
	}
	d.unlock()
	if rep, err := x.Probe(ctx, a, true); err != nil || rep.Fate != executor.Running {
		t.Errorf("Probe = %s, %v, want running", rep.Fate, err)
	}
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rest := executortest.NewRecorder(executor.Offsets{4, 0})
	if res, err := x.Follow(ctx, a, executor.Offsets{4, 0}, rest); err != nil || res.Exit != 6 || rest.Text(executor.Stdout) != "two\n" {
		t.Errorf("Follow = %+v, %v, with %q", res, err, rest.Text(executor.Stdout))
	}
}
