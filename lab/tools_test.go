package lab_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/lab"
)

// Programs that a machine may have itself are called here as the lab would call
// them on one that hasn't.
func TestToolsOfTheHost(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(s.Dir, "hosts", "ns-1", "usr", "bin")
	for _, tc := range []struct {
		name, program  string
		args           []string
		exit           int
		stdout, stderr string // what they contain; "" is nothing at all
	}{
		{name: "an open port", program: "ss", args: []string{"-Hltn", "sport = :" + port}, stdout: "LISTEN 0      4096   127.0.0.1:" + port + " "},
		{name: "a closed port", program: "ss", args: []string{"-Hltn", "sport = :1"}},
		{name: "with a header", program: "ss", args: []string{"-ltn", "sport = :1"}, stdout: "Local Address:Port"},
		{name: "another question", program: "ss", args: []string{"-s"}, exit: 255, stderr: "only knows"},
		{name: "prettytable", program: "python", args: []string{"-c", "import prettytable"}},
		{name: "no such script", program: "python", args: []string{"/nowhere/openmldb_ops.py", "--cmd=showopstatus"}, exit: 2, stderr: "can't open file"},
		{name: "no such program", program: "mysqld", exit: 127, stderr: "no such program"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			args := append([]string{"program", tc.program, filepath.Join(bin, tc.program)}, tc.args...)
			exit := lab.Main(args, strings.NewReader(""), &stdout, &stderr)
			for what, p := range map[string][2]string{"stdout": {stdout.String(), tc.stdout}, "stderr": {stderr.String(), tc.stderr}} {
				if !strings.Contains(p[0], p[1]) || (p[1] == "") != (p[0] == "") {
					t.Errorf("%s is %q, want %q", what, p[0], p[1])
				}
			}
			if exit != tc.exit {
				t.Errorf("exit %d, want %d", exit, tc.exit)
			}
		})
	}
}

func TestMainRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"serve"}, {"watch"}, {"program", "ss"}, {"fly", "away"}} {
		var stderr strings.Builder
		if exit := lab.Main(args, strings.NewReader(""), &stderr, &stderr); exit != 5 || !strings.HasPrefix(stderr.String(), "usage: ") {
			t.Errorf("%q: exit %d, %q", args, exit, stderr.String())
		}
	}
	var stderr strings.Builder
	path := filepath.Join(t.TempDir(), "bin", "ledger")
	if exit := lab.Main([]string{"program", "ledger", path}, os.Stdin, &stderr, &stderr); exit != 1 || !strings.Contains(stderr.String(), "not on a lab's host") {
		t.Errorf("a program outside of a lab: exit %d, %q", exit, stderr.String())
	}
}

func TestComponentsStayOnLoopback(t *testing.T) {
	t.Parallel()
	s := running(t)
	conf := filepath.Join(s.home("tablet-1"), "conf", "tablet.flags")
	s.run("tablet-1", s.startSh("tablet-1", "stop tablet")+"; sed -i.bak 's/--endpoint=127.0.0.1/--endpoint=0.0.0.0/' "+conf)
	if r := s.run("tablet-1", s.startSh("tablet-1", "start tablet")); !strings.Contains(r.stdout, "Start tablet failed!") {
		t.Errorf("got %+v", r)
	}
	if r := s.run("tablet-1", "tail -n 1 "+s.home("tablet-1")+"/logs/tablet.log"); !strings.Contains(r.stdout, "only loopback addresses are served") {
		t.Errorf("the log says %q", r.stdout)
	}
}
