package lab_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stepgate/lab"
)

// processes lists what belongs to a lab: pid and argv of processes that have its
// directory in their environment or argv. Zombies have neither.
func processes(t *testing.T, dir string) map[int]string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]string{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "environ")) // gone: empty
		argv, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if bytes.Contains(env, []byte(dir)) || bytes.Contains(argv, []byte(dir)) {
			out[pid] = strings.ReplaceAll(string(argv), "\x00", " ")
		}
	}
	return out
}

func (s *site) noProcesses(but ...int) {
	s.t.Helper()
	var left map[int]string
	deadline := time.Now().Add(patient)
	for {
		left = processes(s.t, s.Dir)
		for _, pid := range but {
			delete(left, pid)
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("processes are left: %v", left)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// pids of the lab process and its watcher.
func (s *site) pids() (serve, watch int) {
	s.t.Helper()
	for pid, argv := range processes(s.t, s.Dir) {
		if strings.Contains(argv, " lab serve ") {
			serve = pid
		}
		if strings.Contains(argv, " lab watch ") {
			watch = pid
		}
	}
	if serve == 0 || watch == 0 {
		s.t.Fatalf("no lab process or no watcher: %v", processes(s.t, s.Dir))
	}
	return serve, watch
}

// leave starts processes on a host that outlive their session: one in the
// background, one in a session of its own.
func (s *site) leave(host string) {
	s.t.Helper()
	r := s.run(host, "(trap '' HUP TERM; sleep 600) </dev/null >/dev/null 2>&1 & setsid sleep 601 </dev/null >/dev/null 2>&1 & echo left")
	if r.stdout != "left\n" {
		s.t.Fatalf("got %+v", r)
	}
	s.eventually("what was left runs", func() bool {
		var all strings.Builder
		for _, argv := range processes(s.t, s.Dir) {
			all.WriteString(argv)
		}
		return strings.Contains(all.String(), "sleep 600") && strings.Contains(all.String(), "sleep 601")
	})
}

func (s *site) gone() {
	s.t.Helper()
	if _, err := os.Stat(s.Dir); !errors.Is(err, fs.ErrNotExist) {
		s.t.Errorf("the directory is left: %v", err)
	}
	for _, h := range s.Hosts {
		if conn, err := net.Dial("tcp", h.Addr); err == nil {
			conn.Close()
			s.t.Errorf("%s still listens on %s", h.Name, h.Addr)
		}
	}
}

func TestDownLeavesNothing(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.leave("tablet-3")
	s.eventually("lab, watcher, five components and what was left run", func() bool { return len(processes(t, s.Dir)) >= 9 })
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	if err := lab.Down(ctx, s.Dir); err != nil {
		t.Fatal(err)
	}
	if left := processes(t, s.Dir); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	s.gone()
	if err := lab.Down(ctx, s.Dir); err != nil {
		t.Errorf("a lab that is gone: %v", err)
	}
	if _, err := lab.Start(ctx, s.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("starting a lab that is gone: %v", err)
	}
}

func TestIdleLabEnds(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{Idle: 700 * time.Millisecond})
	s.start()
	client, err := s.dial("tablet-1")
	if err != nil {
		t.Fatal(err)
	}
	s.leave("tablet-1")
	client.Close()
	s.lines.hangUp()
	s.noProcesses()
	s.gone()
}

func TestConnectionKeepsLabAlive(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{Idle: 300 * time.Millisecond})
	s.start()
	client, err := s.dial("tablet-1")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	// Three times the idle time, by the host's clock.
	if out, err := session.Output("sleep 0.9; echo alive"); err != nil || string(out) != "alive\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestKilledLabComesBackAsRebootedHosts(t *testing.T) {
	t.Parallel()
	s := running(t)
	identity := "echo $STEPGATE_MACHINE_ID; echo $STEPGATE_BOOT_ID"
	before := strings.Fields(s.run("tablet-2", identity).stdout)
	home := s.host("tablet-2").Vars["home"]
	s.run("tablet-2", "echo kept >~/note")
	// In the middle of an upgrade: the new binary is in place, nothing restarted.
	s.run("tablet-1", "cd "+s.host("tablet-1").Vars["home"]+" && mv bin bin.old && cp -r "+s.Params["new_package_dir"]+"/bin .")
	s.run("tablet-3", "cd "+s.host("tablet-3").Vars["home"]+" && mv bin bin.old")
	s.leave("tablet-2")
	oldPID := s.run("tablet-2", "cat "+home+"/bin/tablet.pid").stdout
	serve, _ := s.pids()
	if err := syscall.Kill(serve, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.noProcesses()

	s.start() // on the same ports: clients find them through the same Cluster
	after := strings.Fields(s.run("tablet-2", identity).stdout)
	if len(before) != 2 || len(after) != 2 || before[0] != after[0] || before[1] == after[1] {
		t.Errorf("identity before %q, after %q", before, after)
	}
	if note := s.run("tablet-2", "cat ~/note").stdout; note != "kept\n" {
		t.Errorf("files are lost: %q", note)
	}
	if newPID := s.run("tablet-2", "cat "+home+"/bin/tablet.pid").stdout; newPID == oldPID || newPID == "" {
		t.Errorf("pid file before %q, after %q", oldPID, newPID)
	}
	if v := s.run("tablet-1", "tail -n 1 "+s.host("tablet-1").Vars["home"]+"/logs/tablet.log").stdout; !strings.Contains(v, "with version 0.9.2") {
		t.Errorf("tablet-1 was not started with the binary on disk: %q", v)
	}
	s.eventually("tablet-3, whose bin is away, is offline", func() bool {
		return strings.Count(s.run("ns-1", s.ns("showtablet")).stdout, "kHealthy") == 2
	})
}

func TestStartSweepsWhenTheWatcherDiedToo(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.leave("tablet-1")
	s.eventually("lab, watcher, five components and what was left run", func() bool { return len(processes(t, s.Dir)) >= 9 })
	old := processes(t, s.Dir)
	serve, watch := s.pids()
	for _, pid := range []int{watch, serve} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	s.eventually("the lab process is gone", func() bool { return processes(t, s.Dir)[serve] == "" })
	if len(processes(t, s.Dir)) < 7 {
		t.Fatalf("there is nothing to sweep: %v", processes(t, s.Dir))
	}
	s.start()
	now := processes(t, s.Dir)
	for pid, argv := range old {
		if now[pid] == argv {
			t.Errorf("process %d of the former life is left: %s", pid, argv)
		}
	}
	s.run("tablet-1", "true")
}

func TestConcurrentStartsMakeOneLab(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := lab.Start(ctx, s.Dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.eventually("one lab process is left", func() bool {
		n := 0
		for _, argv := range processes(t, s.Dir) {
			if strings.Contains(argv, " lab serve ") {
				n++
			}
		}
		return n == 1
	})
	serve, _ := s.pids()
	s.start()
	if again, _ := s.pids(); again != serve {
		t.Errorf("a running lab was replaced: %d, %d", serve, again)
	}
}

func TestKilledLabCanBeTakenDown(t *testing.T) {
	t.Parallel()
	s := running(t)
	s.leave("ns-2")
	serve, watch := s.pids()
	for _, pid := range []int{watch, serve} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	s.eventually("the lab process is gone", func() bool { return processes(t, s.Dir)[serve] == "" })
	if err := lab.Down(ctx, s.Dir); err != nil {
		t.Fatal(err)
	}
	s.noProcesses()
	s.gone()
}
