package engine_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stepgate/runbook/plan"
	"stepgate/runbook/run"
)

// acceptor is a port of this machine that accepts connections.
type acceptor struct {
	t    *testing.T
	addr string
	ln   net.Listener
	done chan struct{}
}

func newAcceptor(t *testing.T) *acceptor {
	a := &acceptor{t: t, addr: "127.0.0.1:0"}
	a.listen()
	t.Cleanup(a.close)
	return a
}

func (a *acceptor) listen() {
	a.t.Helper()
	ln, err := net.Listen("tcp", a.addr)
	if err != nil {
		a.t.Fatal(err)
	}
	a.addr, a.ln, a.done = ln.Addr().String(), ln, make(chan struct{})
	go func() {
		defer close(a.done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
}

func (a *acceptor) close() {
	_ = a.ln.Close()
	<-a.done
}

// Through a host, what isn't there is an outage, and a host that isn't reached is none.
func TestAProbeThroughAHostTellsItsLinkFromWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	a := newAcceptor(t)
	w, r := onRemote(t, dbs+"## Change {#change}\n\n- [ ] Port {#port}\n\n  ```tcp {.monitor via=db every=100ms timeout=3s}\n  "+a.addr+"\n  ```\n"+step("tick"))
	port := run.Watch{Monitor: "change/port", Where: plan.Local}
	d := w.start()
	d.goes("change/port", run.WaitManual, "change/tick")
	d.samples(port, 3)
	for name, lose := range map[string]func(){"cut": r.cut, "silent": r.hush} {
		lose()
		d.until("the host to be lost", func(s *run.Snapshot) bool { return s.Hosts["db"].State == "lost" })
		r.heal()
		d.samples(port, 2)
		if sum := d.sum(port); sum.Good != sum.Samples || sum.Longest.Length != 0 || sum.Unobserved == 0 {
			t.Errorf("%s: %+v", name, sum)
		}
	}
	a.close()
	d.until("red", func(s *run.Snapshot) bool { return s.Run.Monitor(port).Red() })
	a.listen()
	d.until("green", func(s *run.Snapshot) bool { return !s.Run.Monitor(port).Red() })
	if sum := d.sum(port); sum.Failures == 0 || sum.Longest.Length == 0 || sum.Longest.Length > 10*time.Second {
		t.Errorf("%+v", sum)
	}
}

// A monitor may write what it measures with, each sample under its own number.
func TestAMonitorThatWritesToADatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "beat.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "+++\ntitle = \"T\"\n[connections.main]\ndriver = \"sqlite\"\ndatabase = \""+file+"\"\n+++\n"+
		"- [ ] Table {#table}\n\n  ```sql {db=main .idempotent}\n  create table if not exists beat (n integer primary key);\n  ```\n  ```sql {.check db=main}\n  select count(*) as n from beat\n  ```\n  ```expect\n  rows[0].n == 0\n  ```\n"+
		"- [ ] Beat {#beat}\n\n  ```sql {.monitor db=main every=100ms}\n  insert into beat (n) values ({{sample}}); select count(*) as n from beat;\n  ```\n"+expect("exit == 0")+capture("written = rows[0].n")+
		step("tick"))
	beat := run.Watch{Monitor: "beat", Where: plan.Local}
	d := w.start()
	d.goes("table", run.WaitGo, "beat")
	d.do(run.Go{})
	d.at(run.WaitManual, "tick")
	d.samples(beat, 5)
	d.do(run.MarkDone{})
	s := d.closed()
	sum := s.Run.Monitor(beat).Sum(time.Time{}, time.Now().Add(time.Hour))
	if n := sum.Captures["written"]; sum.Good != sum.Samples || n.Count != sum.Samples || int(n.Max) != n.Count {
		t.Errorf("%+v", sum)
	}
}
