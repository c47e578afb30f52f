package openmldb

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var components = strings.Fields("tablet tablet2 nameserver apiserver taskmanager standalone_tablet standalone_nameserver standalone_apiserver data_collector synctool")

// runStart is bin/start.sh. It exits 0 after almost every failure.
func runStart(p *program, args []string) int {
	if len(args) < 2 {
		fmt.Fprintln(p.Stdout, "Usage: start.sh start/stop/restart <component> [mon]")
		fmt.Fprintln(p.Stdout, "component:", strings.Join(components, " "))
		fmt.Fprintln(p.Stdout, "start flag 'mon': if use mon flag, we'll use mon to start the component")
		fmt.Fprintln(p.Stdout, "    stop will kill both the mon and component automatically, don't need to use mon")
		return 1
	}
	if !slices.Contains(components, args[1]) {
		fmt.Fprintf(p.Stdout, "No component named %s in [%s]\n", args[1], strings.Join(components, " "))
		return 1
	}
	path, err := filepath.Abs(p.Path)
	if err != nil {
		fmt.Fprintln(p.Stderr, err)
		return 1
	}
	d := &daemon{program: p, name: args[1], dir: filepath.Dir(filepath.Dir(path)), mon: len(args) > 2 && args[2] == "mon"}
	if err := d.configure(); err != nil {
		fmt.Fprintln(p.Stdout, "Invalid log dir")
		return 1
	}
	if slices.Contains([]string{"start", "stop", "restart"}, args[0]) && !p.Record("start.sh", args) {
		return 1
	}
	switch args[0] {
	case "start":
		err = d.start()
	case "stop":
		err = d.stop()
	case "restart":
		if err = d.stop(); err == nil {
			p.Sleep(15 * time.Second)
			err = d.start()
		}
	default:
		fmt.Fprintln(p.Stderr, "Only support {start|stop|restart}")
	}
	if err != nil {
		fmt.Fprintln(p.Stderr, "start.sh:", err)
		return 1
	}
	return 0
}

// daemon is a component of a deploy directory.
type daemon struct {
	*program
	name   string
	dir    string
	mon    bool     // it is started under bin/mon
	env    []string // of what init starts at a boot; nil: this is start.sh
	flags  map[string]string
	logDir string // as the configuration has it
}

// java says whether the component is one that start.sh starts as a JVM.
func (d *daemon) java() bool { return d.name == taskmanagerRole }

// configure reads what start.sh needs from the component's configuration.
func (d *daemon) configure() error {
	key, path, read := "openmldb_log_dir", d.name+".flags", readFlagFile
	if d.java() {
		key, path, read = "job.log.path", d.name+".properties", readProperties
	}
	values, err := read(filepath.Join(d.dir, "conf", path))
	if err != nil {
		return err
	}
	if d.flags, d.logDir = values, values[key]; d.logDir == "" {
		return errors.New("no log directory")
	}
	return nil
}

func (d *daemon) pidFile() string { return filepath.Join(d.dir, "bin", d.name+".pid") }

func (d *daemon) childFile() string { return d.pidFile() + ".child" }

// pidIn is the number in a pid file; ok says whether there is such a file.
func pidIn(path string) (pid int, ok bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(strings.Trim(string(data), "\x00")))
	if err != nil || pid <= 1 {
		return 0, true
	}
	return pid, true
}

func running(pid int) bool { return pid > 1 && unix.Kill(pid, 0) == nil && !zombie(pid) }

const red, plain = "\x1b[1;31m", "\x1b[0m"

func (d *daemon) start() error {
	fmt.Fprintf(d.Stdout, "Starting %s ... \n", d.name)
	if pid, ok := pidIn(d.pidFile()); ok && running(pid) {
		fmt.Fprintf(d.Stdout, "%s%s already running as process %d %s\n", red, d.name, pid, plain)
		return nil
	}
	if d.java() {
		fmt.Fprintf(d.Stdout, "SPARK_HOME: %s\n", os.Getenv("SPARK_HOME"))
		fmt.Fprintf(d.Stdout, "Rewrite properties by ./conf/%s.properties\n", d.name)
	}
	pid, gone, err := d.launch()
	if err != nil {
		return err
	}
	switch {
	case d.mon:
		own, _ := pidIn(d.pidFile())
		fmt.Fprintf(d.Stdout, "mon pid is %d, process pid is %d, check %d status\n", own, pid, pid)
	case pid == 0: // the subshell that couldn't start it
		fmt.Fprintf(d.Stdout, "process pid is %d\n", os.Getpid())
	default:
		fmt.Fprintf(d.Stdout, "process pid is %d\n", pid)
	}
	up, elsewhere := false, fmt.Sprintf("%s/%s.INFO", d.logDir, d.name)
	if d.java() {
		elsewhere = fmt.Sprintf("./%s/bin/logs/%s.log", d.name, d.name)
		up = d.lives(gone)
	} else {
		up = d.serves(pid, gone)
	}
	if !up {
		fmt.Fprintf(d.Stdout, "%sStart %s failed! Please check log in %s/%s[_mon].log and %s %s\n", red, d.name, d.logDir, d.name, elsewhere, plain)
		return nil
	}
	if !d.mon {
		if err := os.WriteFile(d.pidFile(), []byte(strconv.Itoa(pid)+"\n"), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.Stdout, "Start %s success\n", d.name)
	return nil
}

// serves asks for /status until it is answered, and says whether the process that
// was started is there then.
func (d *daemon) serves(pid int, gone <-chan struct{}) bool {
	d.Sleep(3 * time.Second)
	for range 11 {
		if !d.answers(pid, gone) {
			fmt.Fprintln(d.Stdout, "curl server status failed, retry later")
			d.retry(gone)
			continue
		}
		select {
		case <-gone: // somebody else answered
			return false
		default:
			return true
		}
	}
	return false
}

// lives says whether a JVM is still there after ten seconds. It is asked for
// nothing.
func (d *daemon) lives(gone <-chan struct{}) bool {
	d.Sleep(10 * time.Second)
	select {
	case <-gone:
		return false
	case <-time.After(10*realStart - d.Site.Scaled(10*time.Second)):
		return true
	}
}

// realStart is what starting a real process may take, whatever the lab's speed:
// a fast lab must not find it dead that is only slow.
const realStart = 100 * time.Millisecond

func (d *daemon) retry(gone <-chan struct{}) {
	d.Sleep(time.Second)
	if d.Site.Fault(d.Host.Name, "start") != "" {
		return
	}
	select {
	case <-gone:
	case <-time.After(realStart - d.Site.Scaled(time.Second)):
	}
}

// answers asks for /status as `curl --silent` does: any HTTP answer counts. When
// another process than the one just started holds the port, the new one is given
// the real time it needs to find that out, which in the original it has.
func (d *daemon) answers(pid int, gone <-chan struct{}) bool {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + d.flags["endpoint"] + "/status")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return false
	}
	if r.Header.Get(pidHeader) != strconv.Itoa(pid) {
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
		}
	}
	return true
}

func (d *daemon) stop() error {
	fmt.Fprintf(d.Stdout, "Stopping %s ... \n", d.name)
	pid, ok := pidIn(d.pidFile())
	if !ok {
		fmt.Fprintf(d.Stdout, "no %s to stop (could not find file ./bin/%s.pid)\n", d.name, d.name)
	} else {
		if running(pid) {
			if err := end(pid); err != nil {
				return err
			}
			d.Sleep(3 * time.Second)
			d.settle(pid)
		}
		if err := os.Remove(d.pidFile()); err != nil {
			return err
		}
	}
	child, ok := pidIn(d.childFile())
	if !ok {
		fmt.Fprintf(d.Stdout, "Stop %s success\n", d.name)
		return nil
	}
	if running(child) {
		fmt.Fprintln(d.Stdout, "After mon stopped, component is still alive, kill it")
		if err := end(child); err != nil {
			return err
		}
	}
	if err := os.Remove(d.childFile()); err != nil {
		return err
	}
	fmt.Fprintf(d.Stdout, "Stop %s success(mon mode)\n", d.name)
	return nil
}

// end asks a process to end.
func end(pid int) error {
	if err := unix.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// settle gives a process that was asked to end the real time that it needs in a
// fast lab, where three seconds are none. One that is to survive gets none.
func (d *daemon) settle(pid int) {
	if d.Site.Fault(d.Host.Name, "stop") != "" {
		return
	}
	for range 500 {
		if !running(pid) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// zombie says whether a process has ended but is kept by its parent, which can't
// be told from a running one by a signal. Elsewhere than on Linux it's unknown.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(after, "Z")
}
