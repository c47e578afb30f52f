package engine_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// TestHelperThatListens takes connections, as a port forward does, until it is killed.
func TestHelperThatListens(t *testing.T) {
	address := os.Getenv("STEPGATE_TEST_LISTEN")
	if address == "" {
		t.Skip("it is run by another test")
	}
	time.Sleep(300 * time.Millisecond) // logging in takes a while
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}

// accepting takes connections at an address until it is closed.
func accepting(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return l
}

func total(s *run.Snapshot, monitor string) run.Sum {
	m := s.Run.Monitor(run.Watch{Monitor: monitor, Where: plan.Local})
	if m == nil {
		return run.Sum{}
	}
	return m.Sum(time.Time{}, time.Now().Add(time.Hour))
}

func TestWhatGoesOverAProcessThatIsDownIsNotTheWorkloadsFault(t *testing.T) {
	t.Parallel()
	free := accepting(t, "127.0.0.1:0")
	forward := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	server := accepting(t, "127.0.0.1:0")
	tcp := func(attrs, address string) string { return strings.Replace(sh(attrs, address), "```sh", "```tcp", 1) }
	body := fmt.Sprintf("echo $$ >>pids\nSTEPGATE_TEST_LISTEN=%s exec %s -test.run='^TestHelperThatListens$' -test.timeout=5m", forward, os.Args[0])
	w := newWorld(t, front+"\n## Beside {#beside}\n\n"+
		step("load", sh(".background", script(body)), tcp(".check until=20s every=50ms", forward))+
		step("over", tcp(".monitor every=100ms grace=1h", forward))+
		step("direct", tcp(".monitor every=100ms grace=1h", server.Addr().String()))+
		step("look", tcp(".check", forward))+step("tick")+"\n## Behind {#behind}\n\n"+step("last"))
	d := w.start()
	for _, at := range []string{"load", "over", "direct"} {
		d.at(run.WaitGo, "beside/"+at)
		d.do(run.Go{})
	}
	d.at(run.WaitGo, "beside/look")
	d.until("samples", func(s *run.Snapshot) bool {
		return total(s, "beside/over").Good >= 20 && total(s, "beside/direct").Good >= 20 // it was seen to listen
	})
	// The forward breaks, and the server too: that one is seen through nothing else.
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(w.pids()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.until("its end", func(s *run.Snapshot) bool { return kept(s).State == "down" })
	d.do(run.Go{})
	s := d.until("the check", func(s *run.Snapshot) bool { return s.Wait == run.WaitUnknown || s.Wait == run.WaitFailure })
	c := s.Run.Cell(run.Key{Step: "beside/look", Target: plan.Local})
	if c.Status != run.Unknown || !strings.Contains(c.Checks[run.Before].Checks[0].Cause, "the background process beside/load@local, which it may go over, is down: it ended with exit code 137") {
		t.Errorf("cell %s: %+v", c.Status, c.Checks[run.Before])
	}
	d.upAgain(2)
	before := total(d.e.Snapshot(), "beside/over").Good
	s = d.until("samples again", func(s *run.Snapshot) bool {
		return total(s, "beside/over").Good > before+20 && total(s, "beside/direct").Failures > 5
	})
	over, direct := total(s, "beside/over"), total(s, "beside/direct")
	if over.Failures+over.Unknown != 0 || over.Longest.Length != 0 || over.Unobserved < time.Second {
		t.Errorf("over it: %+v", over)
	}
	if direct.Longest.Length < time.Second {
		t.Errorf("not over it: %+v", direct)
	}
}
