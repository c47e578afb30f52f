package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// A writer goes on while something is restarted, and misses some writes. The person
// before the run is told, can't go on without a reason, and finds the gap in the
// transcript.
func TestAMonitorIsAcknowledgedInLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	book, on := filepath.Join(dir, "book.md"), filepath.Join(dir, "on")
	write(t, book, "# 切换\n\n- [ ] Watch {#watch}\n\n  ```sh {#writes .monitor every=100ms}\n  test -e down && { touch red; exit 1; }\n  touch green\n  ```\n\n"+
		"- [ ] Restart {#restart}\n\n  ```sh\n  touch down; until test -e red; do sleep 0.05; done; rm -f green down; until test -e green; do sleep 0.05; done\n"+
		"  until test -e "+on+"; do sleep 0.05; done\n  ```\n\n- [ ] After {#after}\n\n  ```sh\n  true\n  ```\n")
	c := &crash{t: t, state: t.TempDir(), acked: map[string]string{}}
	p := c.person("run", book, "--plain", "--no-preflight")
	p.Reads(`number> `)
	p.Types("go")
	p.Reads(`watch - done Watch\r\n(?s:.*)go: 2 Restart local(?s:.*)monitor writes: green, no gap\r\n(?s:.*)number> `)
	p.Types("go")
	p.Reads(`writes local red not good since \S+\r\n +fail exit == 0   exit: 1\r\n(?s:.*)writes local green after `)
	p.Types("monitors") // also while something goes on
	p.Reads(`writes: was red, not acknowledged\r\n(?s:.*)longest gap by step`)
	write(t, on, "")
	p.Reads(`restart local done Restart(?s:.*)monitor: before 3 After local\r\n(?s:.*)red from \S+ to \S+, not good since(?s:.*)1 acknowledge: (?s:.*)number> `)
	p.Types("go")
	p.Reads(`type the number of an action`)
	p.Types("acknowledge")
	p.Reads(`reason> `)
	p.Types("")
	p.Reads(`nothing typed, nothing done(?s:.*)number> `)
	p.Types("acknowledge")
	p.Reads(`reason> `)
	p.Types("重启本身")
	p.Reads(`go: 3 After local(?s:.*)number> `)
	p.Types("go")
	p.Reads(`monitor writes: \d+ samples, longest gap \S+ \(2 Restart on this machine\)`)
	if code := p.Ends(); code != exitOK {
		t.Errorf("it ended with %d", code)
	}
	said := c.good("export")
	for _, want := range []string{"acknowledged ", "重启本身", "| 2 Restart on this machine | "} {
		if !strings.Contains(said, want) {
			t.Errorf("the transcript lacks %q:\n%s", want, said)
		}
	}
}
