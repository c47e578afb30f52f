package openmldb

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
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
		fmt.Fprintln(p.stdout, "Usage: start.sh start/stop/restart <component> [mon]")
		fmt.Fprintln(p.stdout, "component:", strings.Join(components, " "))
		fmt.Fprintln(p.stdout, "start flag 'mon': if use mon flag, we'll use mon to start the component")
		fmt.Fprintln(p.stdout, "    stop will kill both the mon and component automatically, don't need to use mon")
		return 1
	}
	if !slices.Contains(components, args[1]) {
		fmt.Fprintf(p.stdout, "No component named %s in [%s]\n", args[1], strings.Join(components, " "))
		return 1
	}
	path, err := filepath.Abs(p.path)
	if err != nil {
		fmt.Fprintln(p.stderr, err)
		return 1
	}
	d := &daemon{program: p, name: args[1], dir: filepath.Dir(filepath.Dir(path))}
	flags, err := readFlagFile(filepath.Join(d.dir, "conf", d.name+".flags"))
	if err != nil || flags["openmldb_log_dir"] == "" {
		fmt.Fprintln(p.stdout, "Invalid log dir")
		return 1
	}
	d.flags = flags
	if slices.Contains([]string{"start", "stop", "restart"}, args[0]) && !p.record("start.sh", args) {
		return 1
	}
	switch args[0] {
	case "start":
		err = d.start()
	case "stop":
		err = d.stop()
	case "restart":
		if err = d.stop(); err == nil {
			p.sleep(15 * time.Second)
			err = d.start()
		}
	default:
		fmt.Fprintln(p.stderr, "Only support {start|stop|restart}")
	}
	if err != nil {
		fmt.Fprintln(p.stderr, "start.sh:", err)
		return 1
	}
	return 0
}

// daemon is a component of a deploy directory.
type daemon struct {
	*program
	name  string
	dir   string
	flags flagFile
}

func (d *daemon) pidFile() string { return filepath.Join(d.dir, "bin", d.name+".pid") }

// pid is the number in the pid file; ok says whether there is such a file.
func (d *daemon) pid() (pid int, ok bool) {
	data, err := os.ReadFile(d.pidFile())
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
	fmt.Fprintf(d.stdout, "Starting %s ... \n", d.name)
	if pid, ok := d.pid(); ok && running(pid) {
		fmt.Fprintf(d.stdout, "%s%s already running as process %d %s\n", red, d.name, pid, plain)
		return nil
	}
	cmd, gone, err := d.launch()
	if err != nil {
		return err
	}
	fmt.Fprintf(d.stdout, "process pid is %d\n", cmd)
	d.sleep(3 * time.Second)
	for range 11 {
		if !d.answers(cmd, gone) {
			fmt.Fprintln(d.stdout, "curl server status failed, retry later")
			d.retry(gone)
			continue
		}
		select {
		case <-gone: // somebody else answered
		default:
			if err := os.WriteFile(d.pidFile(), []byte(strconv.Itoa(cmd)+"\n"), 0o644); err != nil {
				return err
			}
			fmt.Fprintf(d.stdout, "Start %s success\n", d.name)
			return nil
		}
		break
	}
	logs := d.flags["openmldb_log_dir"]
	fmt.Fprintf(d.stdout, "%sStart %s failed! Please check log in %s/%s[_mon].log and %s/%s.INFO %s\n", red, d.name, logs, d.name, logs, d.name, plain)
	return nil
}

// realStart is what starting a real process may take, whatever the lab's speed:
// a fast lab must not find it dead that is only slow.
const realStart = 100 * time.Millisecond

func (d *daemon) retry(gone <-chan struct{}) {
	d.sleep(time.Second)
	if d.site.Fault(d.host.Name, "start") != "" {
		return
	}
	select {
	case <-gone:
	case <-time.After(realStart - d.site.Scaled(time.Second)):
	}
}

// launch starts the component in the background, in the caller's process group,
// with its output in the log, as a shell's & does. gone is closed when it ends.
func (d *daemon) launch() (pid int, gone <-chan struct{}, err error) {
	dir := filepath.Join(d.dir, d.flags["openmldb_log_dir"])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, d.name+".log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return 0, nil, err
	}
	defer log.Close()
	cmd := exec.Command("./bin/openmldb", "--flagfile=./conf/"+d.name+".flags", "--enable_status_service=true")
	cmd.Dir, cmd.Stdout, cmd.Stderr = d.dir, log, log
	ended := make(chan struct{})
	if err := cmd.Start(); err != nil {
		// A shell's background job fails in the background, into the log.
		fmt.Fprintf(log, "%s: %v\n", d.path, err)
		close(ended)
		return os.Getpid(), ended, nil
	}
	go func() {
		_ = cmd.Wait() // only its end matters
		close(ended)
	}()
	return cmd.Process.Pid, ended, nil
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
	fmt.Fprintf(d.stdout, "Stopping %s ... \n", d.name)
	pid, ok := d.pid()
	if !ok {
		fmt.Fprintf(d.stdout, "no %s to stop (could not find file ./bin/%s.pid)\n", d.name, d.name)
	} else {
		if running(pid) {
			if err := unix.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
			d.sleep(3 * time.Second)
			d.settle(pid)
		}
		if err := os.Remove(d.pidFile()); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.stdout, "Stop %s success\n", d.name)
	return nil
}

// settle gives a process that was asked to end the real time that it needs in a
// fast lab, where three seconds are none. One that is to survive gets none.
func (d *daemon) settle(pid int) {
	if d.site.Fault(d.host.Name, "stop") != "" {
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
