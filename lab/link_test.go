package lab_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepgate/lab"
)

// A cut link ends connections and takes none; what runs on the host goes on.
func TestLinkCut(t *testing.T) {
	t.Parallel()
	s := running(t)
	session := s.session("tablet-1")
	defer session.Close()
	gate, mark := filepath.Join(t.TempDir(), "gate"), filepath.Join(t.TempDir(), "mark")
	if err := session.Start("while [ ! -e '" + gate + "' ]; do sleep 0.05; done; echo on >'" + mark + "'"); err != nil {
		t.Fatal(err)
	}
	s.fault("tablet-1:link=cut")
	if err := session.Wait(); err == nil {
		t.Error("the command ended in order")
	}
	if _, err := s.dial("tablet-1"); err == nil {
		t.Error("a new connection was made")
	}
	if r := s.run("tablet-2", "echo here"); r.stdout != "here\n" {
		t.Errorf("another host: %+v", r)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.eventually("the command goes on", func() bool { _, err := os.Stat(mark); return err == nil })
	s.fault("tablet-1:link=")
	s.eventually("the link is mended", func() bool {
		c, err := s.dial("tablet-1")
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}

// Over a silent link nothing comes and nothing breaks; what was sent arrives later.
func TestLinkSilent(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.run("tablet-1", "true")
	s.fault("tablet-1:link=silent")
	mark := filepath.Join(t.TempDir(), "mark")
	got := make(chan result, 1)
	s.eventually("the link is silent", func() bool {
		conn, err := net.Dial("tcp", s.host("tablet-1").Addr)
		if err != nil {
			return false
		}
		defer conn.Close()
		if err := conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			return false
		}
		_, err = conn.Read(make([]byte, 1)) // a server greets first
		return errors.Is(err, os.ErrDeadlineExceeded)
	})
	if r := s.run("tablet-2", "echo here"); r.stdout != "here\n" {
		t.Errorf("another host: %+v", r)
	}
	go func() { got <- s.run("tablet-1", "echo late >'"+mark+"'; echo heard") }()
	select {
	case r := <-got:
		t.Errorf("over a silent link: %+v", r)
	default:
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a command came over a silent link")
	}
	s.fault("tablet-1:link=")
	if r := <-got; r.stdout != "heard\n" {
		t.Errorf("later: %+v", r)
	}
}

// A lab that begins with a link down is there all the same.
func TestLinkDownFromTheBeginning(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{Faults: []string{"tablet-3:link=cut"}})
	s.start()
	if _, err := s.dial("tablet-3"); err == nil {
		t.Error("the link isn't cut")
	}
	if r := s.run("ns-1", s.ns("showtablet")); strings.Count(r.stdout, "kHealthy") != 3 {
		t.Errorf("the host doesn't run: %+v", r)
	}
}
