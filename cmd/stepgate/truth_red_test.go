package main

import (
	"strings"
	"testing"
	"time"
)

// An outage shorter than grace holds nobody; a longer one holds the next step until a
// person before the screen says why the run goes on, and the transcript has the words.
func TestAMonitorIsRedBehindItsGraceAndAcknowledgedOnTheScreen(t *testing.T) {
	t.Parallel()
	const tick = "- [ ] Tick %d {#tick-%d}\n\n  By hand.\n\n"
	book := "- [ ] Watch {#watch}\n\n  ```http {#web .monitor every=200ms grace=3s}\n  GET http://127.0.0.1:PORT/web/{{sample}}\n  ```\n\n"
	for _, n := range []string{"1", "2", "3"} {
		book += strings.ReplaceAll(tick, "%d", n)
	}
	p := newScene(t, book)
	w := startWriter(t, p.service.asks)
	s := sit(t, p.dir, p.work, 110, 34, "run", "book.md", "-i", "inv.toml", "--no-preflight")
	s.begins("next: 1 Watch")
	s.types("\r")
	s.sees("to be done by hand: 2 Tick 1")
	asked := func(more int) {
		t.Helper()
		want := len(p.service.under("/web/")) + more
		s.keepsTrying("samples", func() bool { return len(p.service.under("/web/")) >= want })
	}
	asked(2)
	p.service.is(failing)
	asked(2)
	p.service.is(wellUp)
	asked(2)
	s.types("\r")
	s.sees("to be done by hand: 3 Tick 2") // nothing holds it
	p.service.is(failing)
	s.sees("is red")
	p.service.is(wellUp)
	w.succeeds(t)
	asked(2)
	s.sees("to be acknowledged; next: 3 Tick 2") // although it has passed
	s.until("the question", 2*time.Minute, func(screen string) bool {
		if strings.Contains(screen, "acknowledge  ") {
			s.types("K") // swallowed while the dialog is fresh
		}
		return strings.Contains(screen, "Why does the run go on all the same?")
	})
	s.types("\x7f\x7f\x7f负载均衡器重启") // a K may have come too late
	s.sees("负载均衡器重启")
	s.types("\r")
	s.sees("to be done by hand: 3 Tick 2")
	s.types("\r")
	s.sees("to be done by hand: 4 Tick 3")
	s.types("\r")
	s.sees("closed: done")
	s.types("\r")
	if code := s.leaves(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	m, outages := p.monitors()["web"], w.outages()
	if len(m.Episodes) != 1 || m.Episodes[0].Reason != "负载均衡器重启" || m.Episodes[0].By == "" || len(m.Gaps) != 2 {
		t.Errorf("%+v", *m)
	}
	if n := len(outages); m.Longest == nil || n == 0 {
		t.Errorf("longest gap %v, outages %v", m.Longest, outages)
	} else {
		m.agrees(t, m.Longest, outages[n-1:])
	}
	if said := p.says("export"); !strings.Contains(said, "**acknowledged**") || !strings.Contains(said, "负载均衡器重启") {
		t.Errorf("the transcript lacks the words:\n%s", said)
	}
}
