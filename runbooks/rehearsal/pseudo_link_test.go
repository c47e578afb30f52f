package rehearsal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stepgate/runbooks/rehearsal"
)

// paused is a program of a host that notes its calls, and waits at the first one that
// has this option until it's told to go on.
type paused struct{ calls, mark, gate string }

func (p *pseudo) pause(host, program, option string) paused {
	p.t.Helper()
	dir := p.t.TempDir()
	x := paused{filepath.Join(dir, "calls"), filepath.Join(dir, "mark"), filepath.Join(dir, "gate")}
	path := filepath.Join(p.Root(host), "usr", "bin", program)
	p.write(path, fmt.Sprintf(`#!/bin/sh
case $1 in %s)
  echo "$*" >>'%s'
  : >'%s'
  while [ ! -e '%s' ]; do sleep 0.05; done ;;
esac
exec /usr/bin/%s "$@"
`, option, x.calls, x.mark, x.gate, program))
	if err := os.Chmod(path, 0o755); err != nil {
		p.t.Fatal(err)
	}
	return x
}

// A link that falls silent while the package is unpacked, and one that is cut while it
// is copied, stop nothing: what runs on the server ends there, its end is found, and
// nothing is done twice.
func TestPseudoLinksBreakInTheMiddle(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-one-server", nil, "-e", "start_wait=15s")
	unpack, copies := p.pause("ddb-1", "unzip", "-q"), p.pause("ddb-1", "cp", "-rp")
	went := make(chan rehearsal.Ended, 1)
	go func() { went <- p.GoOn() }()
	for _, x := range []struct {
		how, place string
		program    paused
	}{{"silent", "inst-1", unpack}, {"cut", "inst-2", copies}} {
		p.await(x.place+" is being made", func() bool { return exists(x.program.mark) })
		p.Fault("ddb-1:link=" + x.how)
		if exists(p.of(x.place, "install")) {
			t.Errorf("%s has its name before it is complete", x.place)
		}
		p.write(x.program.gate, "")
		p.await(x.place+" is made although nobody hears of it", func() bool { return exists(p.of(x.place, "install")) })
		p.Fault("ddb-1:link=")
	}
	(<-went).Done()
	if calls := p.read(unpack.calls); strings.Count(calls, "\n") != 1 {
		t.Errorf("the package was unpacked more than once:\n%s", calls)
	}
	for _, place := range []string{"inst-2", "inst-3"} {
		if calls := p.read(copies.calls); strings.Count(calls, p.of(place, "install")+".") != 1 {
			t.Errorf("%s was not copied once:\n%s", place, calls)
		}
	}
	var started []string
	for _, call := range p.Did("dolphindb") {
		if f := strings.Fields(call); len(f) > 2 && f[1] == "-mode" {
			started = append(started, f[2])
		}
	}
	// The last one is what the drill had stopped.
	if want := strings.Fields("controller controller controller agent datanode datanode datanode controller"); !slices.Equal(started, want) {
		t.Errorf("started were %q, not %q", started, want)
	}
}
