package dolphindb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"stepgate/lab/dolphindb/cluster"
	"stepgate/lab/wire"
)

// bootVariable marks, in the environment of a server process, that a machine's init
// starts it: it's there at once and not in the ledger.
const bootVariable = "LAB_BOOT"

// configVariable holds, in the environment of a data node, cluster.cfg as the leader
// has it, in JSON.
const configVariable = "LAB_CONFIG"

// server is a server process: controller, agent or data node.
type server struct {
	*program
	mode  string
	dir   string // clusterDemo: its working directory
	flags map[string]string
	boot  bool
	log   *os.File

	self   address
	member cluster.Member
	ln     net.Listener
	link   *cluster.Link

	mu    sync.Mutex
	conns map[*wire.Conn]bool
}

// runServer is dolphindb -mode …: it runs until SIGTERM, and then for as long as it
// takes to flush. Whatever is wrong is in its log alone.
func runServer(p *program, flags map[string]string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGHUP)
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(p.Stderr, err)
		return 1
	}
	v := &server{program: p, mode: flags["mode"], dir: dir, flags: flags, conns: map[*wire.Conn]bool{}}
	v.boot = os.Getenv(bootVariable) != ""
	if err := os.Unsetenv(bootVariable); err != nil {
		fmt.Fprintln(p.Stderr, err)
		return 1
	}
	if !v.boot && !p.Record("dolphindb", []string{"-mode", v.mode, "-logFile", flags["logFile"]}) {
		return 1
	}
	if err := v.openLog(); err != nil {
		fmt.Fprintln(p.Stderr, err)
		return 1
	}
	defer v.log.Close()
	v.logf("INFO", "DolphinDB %s starts as %s", v.fullVersion(), v.mode)
	if err := v.prepare(); err != nil {
		v.logf("ERROR", "%v", err)
		return 1
	}
	return v.live(stop)
}

func (v *server) fullVersion() string {
	if date := built[v.Version]; date != "" {
		return v.Version + " " + date
	}
	return v.Version
}

func (v *server) openLog() error {
	path := filepath.Join(v.dir, v.flags["logFile"])
	if v.flags["logFile"] == "" {
		path = filepath.Join(v.dir, "dolphindb.log")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	v.log = f
	return err
}

func (v *server) logf(level, format string, args ...any) {
	// A log that can't be written is no reason to end.
	_, _ = fmt.Fprintf(v.log, "%s <%s> :%s\n", time.Now().Format("2006-01-02 15:04:05.000000"), level, fmt.Sprintf(format, args...))
}

// live binds the port, joins the cluster and serves until it's stopped.
func (v *server) live(stop <-chan os.Signal) int {
	if err := v.bind(); err != nil {
		return 1
	}
	defer v.ln.Close()
	ctx, ended := context.WithCancel(context.Background())
	defer ended()
	go func() {
		for range stop {
			v.logf("WARNING", "Received signal 15.")
			if v.Site.Fault(v.Host.Name, "stop") != "survive" {
				ended()
				return
			}
		}
	}()
	if !v.boot {
		v.sleep(ctx, startTime[v.mode])
	}
	if err := v.join(); err != nil {
		v.logf("ERROR", "%v", err)
		return 1
	}
	if err := noteRunning(v); err != nil {
		v.logf("ERROR", "%v", err)
		return 1
	}
	v.ready()
	go v.accept()
	if !v.orders(ctx) {
		v.logf("ERROR", "The connection to the cluster is lost.")
		return 1
	}
	return v.shutdown()
}

// sleep is a wait of the original, scaled; it ends early with ctx.
func (v *server) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(v.Site.Scaled(d))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// startTime is how long a process takes until it's there.
var startTime = map[string]time.Duration{cluster.Controller: 3 * time.Second, cluster.Agent: time.Second, cluster.DataNode: 15 * time.Second}

// flushTime is how long a process lingers after SIGTERM.
var flushTime = map[string]time.Duration{cluster.Controller: 3 * time.Second, cluster.Agent: 2 * time.Second, cluster.DataNode: 8 * time.Second}

// bind opens the port of the process's site. Its error is logged.
func (v *server) bind() error {
	ln, err := net.Listen("tcp", v.self.hostPort())
	fault := v.startFault()
	if err == nil && fault == "port" {
		err = errors.Join(syscall.EADDRINUSE, ln.Close())
	}
	if err == nil && v.self.ip != v.Host.Vars["ip"] {
		// One kernel has all machines' addresses; a machine has its own alone.
		err = errors.Join(syscall.EADDRNOTAVAIL, ln.Close())
	}
	if err != nil {
		code := syscall.EADDRNOTAVAIL
		if errors.Is(err, syscall.EADDRINUSE) {
			code = syscall.EADDRINUSE
		}
		v.logf("ERROR", "Failed to bind the socket on port %d with error code %d", v.self.port, int(code))
		v.logf("ERROR", "Failed to bind the socket on port %d. Shutting down the server. Please try again in a couple of minutes.", v.self.port)
		return err
	}
	v.ln = ln
	return nil
}

// startFault is what goes wrong with a process that is started.
func (v *server) startFault() string {
	if v.boot {
		return ""
	}
	if v.mode == cluster.DataNode {
		return v.Site.Fault(v.Host.Name, "datanode")
	}
	return v.Site.Fault(v.Host.Name, "start")
}

func (v *server) join() error {
	link, err := cluster.Dial(truthAddr(v.Site))
	if err != nil {
		return err
	}
	v.link = link
	return link.Join(v.member)
}

// ready logs that the process is there: the markers of each kind.
func (v *server) ready() {
	switch v.mode {
	case cluster.Controller:
		v.logf("INFO", "DFSMaster ElectionTick is set to 800")
		v.logf("INFO", "DFSRaftReplayWorker started")
	case cluster.DataNode:
		v.logf("INFO", "ChunkMgmt initialization completed.")
	}
	v.logf("INFO", "Job scheduler start to initialize.")
	v.logf("INFO", "Job scheduler initialization completed.")
}

// orders carries out what the leader says until the process is to end. It returns
// false when the cluster is gone.
func (v *server) orders(ctx context.Context) bool {
	for {
		select {
		case <-ctx.Done():
			return true
		case o, ok := <-v.link.Orders():
			if !ok {
				return false
			}
			v.obey(o)
		}
	}
}

// shutdown flushes and goes. The port stays bound meanwhile, nobody is served.
func (v *server) shutdown() int {
	v.mu.Lock()
	for conn := range v.conns {
		conn.Close()
	}
	v.conns = nil
	v.mu.Unlock()
	if err := forgetRunning(v); err != nil {
		v.logf("ERROR", "%v", err)
	}
	flush := flushTime[v.mode]
	if v.Site.Fault(v.Host.Name, "stop") == "slow" {
		flush = 2 * time.Minute
	}
	v.Sleep(flush)
	if err := v.link.Bye(); err != nil {
		v.logf("ERROR", "%v", err)
	}
	v.logf("INFO", "MainServer shutdown.")
	return 0
}

// accept serves clients until the port is closed. Each connection is one script.
func (v *server) accept() {
	for {
		accepted, err := v.ln.Accept()
		if err != nil {
			return
		}
		conn := wire.New(accepted)
		v.mu.Lock()
		if v.conns == nil { // shutting down
			conn.Close()
		} else {
			v.conns[conn] = true
			go v.serve(conn)
		}
		v.mu.Unlock()
	}
}

func (v *server) serve(conn *wire.Conn) {
	defer func() {
		conn.Close()
		v.mu.Lock()
		delete(v.conns, conn)
		v.mu.Unlock()
	}()
	var q question
	if conn.Receive(&q) != nil {
		return
	}
	out, scriptErr, err := cluster.Eval(truthAddr(v.Site), v.self.hostPort(), q.User, q.Password, q.Script)
	if err != nil {
		v.logf("ERROR", "%v", err)
		return // the client sees its connection end
	}
	if err := conn.Send(reply{Out: out, Error: scriptErr}); err != nil {
		v.logf("WARNING", "%v", err)
	}
}
