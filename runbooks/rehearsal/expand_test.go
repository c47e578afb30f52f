package rehearsal_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepgate/runbooks"
)

// Three controllers become five, each with metadata of its own, and any two may be lost:
// two leaders in a row are, while a writer goes on.
func TestExpandToFive(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-three-to-five", []string{"ddb-4:start=port"})
	p.GoOn().Stopped("failure", "outage/up/controllers", `error code 98`)
	five := []string{"inst-1", "inst-2", "inst-3", "inst-4", "inst-5"}
	p.listed(five, five, five[:3], five[:3])
	for _, place := range five[3:] {
		controller := p.read(p.config(place, "controller.cfg"))
		for _, line := range []string{"localSite=" + p.siteOf(place, "ctl"), "dfsMetaDir=" + p.of(place, "data") + "/dfsMeta"} {
			if !strings.Contains(controller, line+"\n") {
				t.Errorf("H13, H14: controller.cfg of %s doesn't have %q:\n%s", place, line, controller)
			}
		}
		if _, err := os.Stat(p.clusterDemo(place, "data", "controller1")); err == nil {
			t.Errorf("H14: %s has controller1's metadata", place)
		}
		if _, err := os.Stat(p.config(place, "agent.cfg")); err == nil {
			t.Errorf("H27: %s has an agent.cfg, and no agent", place)
		}
	}
	p.Fault("ddb-4:start=")
	p.retryToGate()
	p.GoOn().Done()
	p.said(`Reads were not served for \d+`, `Stop the next leader's controller, too`, `none is missing`)
	for _, s := range p.Did("dolphindb") {
		if strings.Contains(s, "-mode agent") && (strings.HasPrefix(s, "ddb-4 ") || strings.HasPrefix(s, "ddb-5 ")) {
			t.Errorf("H27: an agent was started: %s", s)
		}
	}
}

// What was done to become five can be undone until the first write: three controllers
// serve with the list that they had, and what was prepared on the new servers stays.
func TestExpandIsUndone(t *testing.T) {
	t.Parallel()
	p := deploy(t, "dolphindb-three-to-five", []string{"ddb-4:start=port"})
	p.GoOn().Stopped("failure", "outage/up/controllers", `error code 98`)
	if got, want := p.wayBack(), 16; got != want {
		t.Errorf("%d steps were undone, not %d", got, want)
	}
	p.serves([]string{"inst-1", "inst-2", "inst-3"}, "inst-1", nil)
	three := []string{"inst-1", "inst-2", "inst-3"}
	for _, place := range three {
		if text := p.read(p.config(place, "cluster.nodes")); strings.Contains(text, "controller4") {
			t.Errorf("cluster.nodes of %s has controller4:\n%s", place, text)
		}
	}
	for _, host := range []string{"ddb-4", "ddb-5"} {
		if got := p.On(host, `ps -eo pid=,comm= | while read -r pid comm; do case $comm:$(readlink "/proc/$pid/cwd") in dolphindb:`+p.Root(host)+`/*) echo "$pid" ;; esac; done`); got != "" {
			t.Errorf("on %s a server still runs: %q", host, got)
		}
	}
}

// A new controller's metadata is put aside when its preparation is rolled back, also
// when it has run; what was put aside before stays.
func TestExpandPutsNewMetadataAside(t *testing.T) {
	t.Parallel()
	src, err := fs.ReadFile(runbooks.FS, "dolphindb-expand-to-five.md")
	if err != nil {
		t.Fatal(err)
	}
	program := regexp.MustCompile("(?s)\\{#own\\}.*?\n  ```sh \\{\\.rollback[^\n]*\n(.*?)\n  ```").FindSubmatch(src)
	if program == nil {
		t.Fatal("the preparation has no rollback")
	}
	data := filepath.Join(t.TempDir(), "dolphindb_4")
	if err := os.MkdirAll(filepath.Join(data, "dfsMeta"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "dfsMeta", "log"), []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a rollback may be repeated
		cmd := exec.Command("sh", "-euc", string(program[1]))
		cmd.Env = append(os.Environ(), "data="+data, "STEPGATE_RUN=r")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if exists(data) {
		t.Errorf("%s is in the way of another try", data)
	}
	aside, err := filepath.Glob(data + ".r.*.old/dfsMeta/log")
	if err != nil || len(aside) != 1 {
		t.Errorf("put aside are %q, %v", aside, err)
	}
}
