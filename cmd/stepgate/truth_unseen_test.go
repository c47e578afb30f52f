package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// every is from sample to sample.
const every = 500 * time.Millisecond

// blind is something that keeps a monitor from seeing the service for a while, and isn't
// the service.
type blind struct {
	name   string
	lasts  time.Duration
	least  time.Duration // for which nobody at all can have looked
	out    bool          // it is worth seeing when the service is out as well
	begins func(p *play)
	ends   func(p *play)
}

// play is a run that goes through one after the other.
type play struct {
	*scene
	d *driver
}

var blinds = []blind{
	// First: what was seen in the seconds before goes with it.
	{"a kill", 2 * time.Second, 2 * time.Second, true, func(p *play) {
		p.d.signal(syscall.SIGKILL)
		<-p.d.over
	}, func(p *play) { p.d = p.resumes() }},
	{"links", 3 * time.Second, 0, true, func(p *play) {
		p.hosts["cut"].cut()
		p.hosts["silent"].hush()
		p.hosts["slow"].slow(p.t, true)
	}, func(p *play) {
		p.hosts["cut"].heal()
		p.hosts["silent"].heal()
		p.hosts["slow"].slow(p.t, false)
	}},
	// A link that is silent for about as long as a sample may take.
	{"a short silence", 1800 * time.Millisecond, 0, false, func(p *play) { p.hosts["silent"].hush() }, func(p *play) { p.hosts["silent"].heal() }},
	{"a short sleep", 1700 * time.Millisecond, 0, false, stops, continues},
	{"a sleep", 3200 * time.Millisecond, 2 * time.Second, true, stops, continues},
	{"leaving", 2 * time.Second, 2 * time.Second, false, func(p *play) {
		p.d.signal(syscall.SIGINT)
		if code := p.d.ends(); code == exitOK {
			p.t.Errorf("it ended with %d:\n%s", code, p.d.said.String())
		}
	}, func(p *play) { p.d = p.resumes() }},
}

// stops stops Stepgate while a request of its own is under way.
func stops(p *play) {
	p.t.Helper()
	limit := time.After(time.Minute)
	for n := len(p.service.under("/http/")); len(p.service.under("/http/")) == n; {
		select {
		case <-limit:
			p.t.Fatalf("nobody asks:\n%s", p.d.said.String())
		case <-time.After(time.Millisecond):
		}
	}
	p.d.signal(syscall.SIGSTOP)
}

func continues(p *play) { p.d.signal(syscall.SIGCONT) }

// seenAgain waits until each monitor that leaves word has asked the service twice more.
func (p *play) seenAgain() {
	p.t.Helper()
	want := map[string]int{}
	for _, host := range []string{"", "-cut", "-silent", "-slow"} {
		for _, path := range []string{"/http" + host + "/", "/shell" + host + "/"} {
			want[path] = len(p.service.under(path)) + 2
		}
	}
	limit := time.After(2 * time.Minute)
	for path, n := range want {
		for len(p.service.under(path)) < n {
			select {
			case <-limit:
				p.t.Fatalf("nobody asks for %s again:\n%s", path, p.d.said.String())
			case <-p.d.over:
				p.t.Fatalf("it ended with %d:\n%s", p.d.cmd.ProcessState.ExitCode(), p.d.said.String())
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

// goesThrough has everything happen once, while the service is well or out, and returns
// for how long nobody can have looked.
func (p *play) goesThrough(out bool) (away time.Duration) {
	p.t.Helper()
	for _, b := range blinds {
		if out && !b.out {
			continue
		}
		p.seenAgain()
		if out {
			p.service.is(failing)
			time.Sleep(time.Second)
		}
		b.begins(p)
		time.Sleep(b.lasts)
		b.ends(p)
		away += b.least
		if out {
			time.Sleep(time.Second)
			p.service.is(wellUp)
		}
		p.t.Log(b.name, "is over")
	}
	p.seenAgain()
	return away
}

// A closed laptop, a link that is lost, a slow host, a killed Stepgate and one that was
// left invent no outage; and one that there is in that time counts as far as it was seen.
//
// It isn't beside other tests of the package: an answer that a loaded machine brings late
// is an outage, as far as anybody can tell.
func TestOnlyWhatWasSeenCounts(t *testing.T) {
	for _, out := range []bool{false, true} {
		name, attrs := "well", "every="+every.String()+" timeout=1500ms"
		if out {
			name, attrs = "out", attrs+" grace=1h"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hosts := []string{"cut", "silent", "slow"}
			ids := []string{"http", "tcp", "shell"}
			for _, h := range hosts {
				ids = append(ids, "http-"+h, "tcp-"+h, "shell-"+h)
			}
			p := &play{scene: newScene(t, probes(attrs, hosts...)+waiting+afterwards(ids...), hosts...)}
			p.service.slow(200 * time.Millisecond) // something is often under way
			w := startWriter(t, p.service.asks)
			p.d = p.runs()
			p.d.begins("begun")
			away := p.goesThrough(out)
			write(t, filepath.Join(p.work, "over"), "")
			p.d.done()
			monitors, outages := p.monitors(), w.outages()
			for _, id := range ids {
				m := monitors[id]
				unobserved := time.Duration(m.UnobservedMS) * time.Millisecond
				t.Logf("%-12s %d samples, unobserved for %s", id, m.Samples, unobserved)
				least := away
				if strings.HasSuffix(id, "-cut") || strings.HasSuffix(id, "-silent") || id == "shell-slow" {
					least += 2 * time.Second // of the links
				}
				if unobserved < least {
					t.Errorf("%s was unobserved for %s, and nobody can have looked for %s", id, unobserved, least)
				}
				if !out || strings.HasPrefix(id, "tcp") {
					m.calm(t)
					continue
				}
				m.agreesWith(t, outages)
			}
			p.numbers(t)
			if t.Failed() {
				t.Log(p.d.said.String())
			}
		})
	}
}

// numbers makes sure that no number of a sample was used twice, whatever became of who
// gave it out.
func (p *play) numbers(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, path := range []string{"/http/", "/shell/", "/shell-cut/", "/shell-silent/", "/shell-slow/"} {
		for _, n := range p.service.under(path) {
			if seen[n] {
				t.Errorf("sample %s was taken twice", n)
			}
			seen[n] = true
		}
	}
	if len(seen) == 0 {
		t.Error("no sample has a number")
	}
}
