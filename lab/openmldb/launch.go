package openmldb

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"stepgate/lab/userland"
)

// launch starts the component in the background: in the caller's process group with
// its output in the log, as a shell's & does, or under mon. gone is closed when
// the component's process ends; a pid of 0 is one that couldn't be started.
func (d *daemon) launch() (pid int, gone <-chan struct{}, err error) {
	dir, argv := d.dir, []string{"./bin/openmldb", "--flagfile=./conf/" + d.name + ".flags", "--enable_status_service=true"}
	mode := os.O_APPEND
	if d.java() {
		dir, argv = filepath.Join(d.dir, d.name, "bin"), []string{"./" + d.name + ".sh"}
		mode = os.O_TRUNC
		if err := d.rewrite(); err != nil {
			return 0, nil, err
		}
	}
	logs := d.logDir
	if !filepath.IsAbs(logs) {
		logs = filepath.Join(dir, logs)
	}
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return 0, nil, err
	}
	if d.mon {
		return d.launchMon(dir, argv, logs)
	}
	log, err := os.OpenFile(filepath.Join(logs, d.name+".log"), os.O_WRONLY|os.O_CREATE|mode, 0o644)
	if err != nil {
		return 0, nil, err
	}
	defer log.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, d.env, log, log
	if d.env != nil { // a boot: nobody's job
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	}
	if gone, err = userland.Start(cmd); err != nil {
		// A shell's background job fails in the background, into the log.
		fmt.Fprintf(log, "%s: %v\n", d.Path, err)
		never := make(chan struct{})
		close(never)
		return 0, never, nil
	}
	return cmd.Process.Pid, gone, nil
}

// rewrite puts the task manager's properties where it reads them.
func (d *daemon) rewrite() error {
	data, err := os.ReadFile(filepath.Join(d.dir, "conf", d.name+".properties"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, d.name, "conf", d.name+".properties"), data, 0o644)
}

// launchMon has bin/mon start the component, and takes both numbers from its files.
func (d *daemon) launchMon(dir string, argv []string, logs string) (pid int, gone <-chan struct{}, err error) {
	for _, stale := range []string{d.pidFile(), d.childFile()} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, nil, err
		}
	}
	line := argv[0]
	for _, a := range argv[1:] {
		line += " " + a
	}
	bin := "./bin/mon"
	if d.java() {
		bin = filepath.Join(d.dir, "bin", "mon")
	}
	cmd := exec.Command(bin, line, "-d", "-s", "10", "-l", filepath.Join(logs, d.name+"_mon.log"), "-m", d.pidFile(), "-p", d.childFile())
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, d.env, d.Stdout, d.Stderr
	if err := cmd.Run(); err != nil {
		return 0, nil, fmt.Errorf("bin/mon: %w", err)
	}
	d.Sleep(3 * time.Second)
	ok := false
	for range 400 { // three seconds are none in a fast lab
		if pid, ok = pidIn(d.childFile()); ok {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if !ok {
		return 0, nil, errors.New("bin/mon has started nothing")
	}
	ended := make(chan struct{})
	if d.env != nil { // init doesn't watch it
		return pid, ended, nil
	}
	go func() {
		for running(pid) {
			time.Sleep(20 * time.Millisecond)
		}
		close(ended)
	}()
	return pid, ended, nil
}
