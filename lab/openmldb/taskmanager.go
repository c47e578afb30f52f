package openmldb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"stepgate/lab/site"
	"stepgate/lab/userland"
)

// javaArgs is the command line of a task manager as a process listing shows it.
var javaArgs = []string{"java", "-cp", "../conf/:../lib/*", "com._4paradigm.openmldb.taskmanager.server.TaskManagerServer"}

// runTaskManagerSh is taskmanager/bin/taskmanager.sh, which becomes the JVM.
func runTaskManagerSh(p *program, _ []string) int {
	if err := os.Chdir(filepath.Dir(p.Path)); err != nil {
		fmt.Fprintln(p.Stderr, "taskmanager.sh:", err)
		return 1
	}
	fmt.Fprintln(p.Stderr, "taskmanager.sh:", userland.Become(p.Site, "taskmanager", javaArgs))
	return 126
}

// taskManager is the process, in taskmanager/bin.
type taskManager struct {
	site     *site.Site
	host     *site.Host
	version  string // of the jars that it loaded
	props    map[string]string
	sparkDir string
	log      io.Writer
	jobs     sync.WaitGroup
	ctx      context.Context // ends with the process
}

func (m *taskManager) logf(level, format string, args ...any) {
	// A log that can't be written is no reason to end, as in the original.
	_, _ = fmt.Fprintf(m.log, "%s %-5s [main] %s\n", time.Now().Format("2006-01-02 15:04:05,000"), level, fmt.Sprintf(format, args...))
}

// runTaskManager is the JVM: it runs until SIGTERM.
func runTaskManager(p *program, _ []string) int {
	version := jarVersion("../lib", "openmldb-taskmanager")
	if version == "" {
		fmt.Fprintln(p.Stdout, "Error: Could not find or load main class "+javaArgs[len(javaArgs)-1])
		return 1
	}
	if p.Site.Fault(p.Host.Name, "version") == "old" {
		version = oldVersion
	}
	ctx, end := context.WithCancel(context.Background())
	defer end()
	m := &taskManager{site: p.Site, host: p.Host, version: version, log: p.Stdout, ctx: ctx}
	stop := askedToEnd()
	if code, ended := hindered(p.Site, p.Host, stop,
		func() {
			m.logf("ERROR", "Fail to start TaskManager, message: java.lang.OutOfMemoryError: Java heap space")
		},
		func() { m.logf("INFO", "The server runs and prepares for leader election") }); ended {
		return code
	}
	if err := m.configure("../conf/taskmanager.properties"); err != nil {
		m.logf("ERROR", "Fail to start TaskManager, message: %v", err)
		return 1
	}
	return m.run(stop, end)
}

// configure reads the properties, and refuses what the original refuses.
func (m *taskManager) configure(path string) error {
	props, err := readProperties(path)
	if err != nil {
		return fmt.Errorf("fail to load taskmanager.properties: %w", err)
	}
	m.props = props
	for _, key := range []string{"zookeeper.cluster", "zookeeper.root_path"} {
		if props[key] == "" {
			return errors.New("error for config " + key + ", should not be empty")
		}
	}
	master := strings.ToLower(props["spark.master"])
	if !strings.HasPrefix(master, "local") && !strings.HasPrefix(master, "yarn") {
		return errors.New("error for config spark.master, should be local, yarn, yarn-cluster, yarn-client, k8s or kubernetes")
	}
	if m.sparkDir = props["spark.home"]; m.sparkDir == "" {
		m.sparkDir = os.Getenv("SPARK_HOME")
	}
	if m.sparkDir == "" {
		return errors.New("error for config spark.home, should set config 'spark.home' or environment variable 'SPARK_HOME'")
	}
	return nil
}

func (m *taskManager) endpoint() string { return m.props["server.host"] + ":" + m.props["server.port"] }

func (m *taskManager) run(stop <-chan os.Signal, end func()) int {
	// The ZooKeeper client of Java prints its environment.
	m.logf("INFO", "Client environment:java.class.path=../conf/:../lib/openmldb-taskmanager-%s.jar:../lib/openmldb-batchjob-%s.jar", m.version, m.version)
	m.logf("INFO", "The server runs and prepares for leader election")
	ln, err := listenLoopback(m.endpoint())
	if err != nil {
		m.logf("ERROR", "Fail to start TaskManager, message: %v", err)
		return 1
	}
	defer ln.Close()
	zk, err := dial(m.props["zookeeper.cluster"])
	if err == nil {
		defer zk.conn.Close()
		_, err = zk.ask(request{Kind: "join", Role: taskmanagerRole, Endpoint: m.endpoint(), Version: m.version, PID: os.Getpid()})
	}
	if err != nil {
		m.logf("ERROR", "Fail to start TaskManager, message: %v", err)
		return 1
	}
	m.logf("INFO", "The server becomes active master and prepare to do business logic")
	v := serveHTTP(ln, m.handler())
	m.logf("INFO", "Start TaskManager on %s with worker thread number 16", m.props["server.port"])
	if err := v.until(stop, func() bool {
		if m.site.Fault(m.host.Name, "stop") != "survive" {
			return true
		}
		m.logf("WARN", "asked to exit, waiting for running jobs")
		return false
	}); err != nil {
		m.logf("ERROR", "server ended: %v", err)
		return 1
	}
	end() // the jobs' launchers go with the JVM
	m.jobs.Wait()
	v.server.Close()
	<-v.ended //nolint:errcheck // it was told to end
	if _, err := zk.ask(request{Kind: "bye"}); err != nil {
		m.logf("WARN", "close session: %v", err)
	}
	return 0
}

func (m *taskManager) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(pidHeader, strconv.Itoa(os.Getpid()))
		fmt.Fprintf(w, "brpc-java server on %s\n", m.endpoint())
	})
	mux.Handle("POST /ask", answering(func(req request) (answer, error) { return m.submit(req.SQL) },
		func(err error) { m.logf("WARN", "answer: %v", err) }))
	return mux
}

// jarVersion is the version in the name of a jar, or "".
func jarVersion(dir, name string) string {
	found, err := filepath.Glob(filepath.Join(dir, name+"-*.jar"))
	if err != nil || len(found) == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(found[0]), name+"-"), ".jar")
}
