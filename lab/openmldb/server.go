package openmldb

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"stepgate/lab/site"
)

// component is a nameserver, tablet or API server process.
type component struct {
	site    *site.Site
	host    *site.Host
	role    string
	version string
	flags   map[string]string
	log     io.Writer
}

// runServer is `openmldb --flagfile=…`: it runs until SIGTERM.
func runServer(p *program, flagfile string) int {
	flags, err := readFlagFile(flagfile)
	if err != nil {
		fmt.Fprintf(p.Stderr, "ERROR: unable to open flagfile '%s'\n", flagfile)
		return 1
	}
	c := &component{site: p.Site, host: p.Host, role: flags["role"], version: p.Version, flags: flags, log: p.Stdout}
	if p.Site.Fault(p.Host.Name, "version") == "old" {
		c.version = oldVersion
	}
	if c.role != nameserverRole && c.role != tabletRole && c.role != apiserverRole {
		fmt.Fprintf(p.Stderr, "Start failed! FLAGS_role must be tablet, client, ns_client, nameserver or apiserver\n")
		return 1
	}
	// What the process prints goes where it was started to; its log is its own.
	if log, err := os.OpenFile(filepath.Join(flags["openmldb_log_dir"], c.role+".INFO"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644); err == nil {
		defer log.Close()
		c.log = io.MultiWriter(p.Stdout, log)
	}
	return c.run()
}

func (c *component) logf(level, format string, args ...any) {
	// A log that can't be written is no reason to end, as in the original.
	_, _ = fmt.Fprintf(c.log, "%s%s %5d %s.cc:1] %s\n", level, time.Now().Format("0102 15:04:05.000000"), os.Getpid(), c.role, fmt.Sprintf(format, args...))
}

func (c *component) run() int {
	endpoint := c.flags["endpoint"]
	stop := askedToEnd()
	if code, ended := hindered(c.site, c.host, stop,
		func() { c.logf("E", "Fail to start server") },
		func() { c.logf("I", "recovering data ...") }); ended {
		return code
	}
	ln, err := listenLoopback(endpoint)
	if err != nil {
		c.logf("E", "Fail to start server: %v", err)
		return 1
	}
	defer ln.Close()
	zk, err := dial(c.flags["zk_cluster"])
	if err != nil {
		c.logf("E", "zk client init failed: %v", err)
		return 1
	}
	defer zk.conn.Close()
	// An API server registers nowhere; it ends when it doesn't find the cluster.
	hello := request{Kind: "join", Role: c.role, Endpoint: endpoint, Version: c.version, PID: os.Getpid()}
	if c.role == apiserverRole {
		hello = request{Kind: "leader", Root: c.flags["zk_root_path"]}
	}
	if _, err := zk.ask(hello); err != nil {
		c.logf("E", "Fail to register zk: %v", err)
		return 1
	}
	v := serveHTTP(ln, c.handler())
	c.logf("I", "start %s on endpoint %s with version %s", c.role, endpoint, c.version)
	if err := v.until(stop, func() bool {
		if c.site.Fault(c.host.Name, "stop") != "survive" {
			return true
		}
		c.logf("W", "asked to quit, waiting for running tasks")
		return false
	}); err != nil {
		c.logf("E", "server ended: %v", err)
		return 1
	}
	return c.quit(zk, v)
}

// quit says good-bye and ends within the three seconds that start.sh waits.
func (c *component) quit(zk *link, v *service) int {
	c.logf("I", "asked to quit")
	ctx, cancel := context.WithTimeout(context.Background(), c.site.Scaled(500*time.Millisecond))
	defer cancel()
	if err := v.server.Shutdown(ctx); err != nil {
		v.server.Close()
	}
	<-v.ended //nolint:errcheck // it was told to end
	if _, err := zk.ask(request{Kind: "bye"}); err != nil {
		c.logf("W", "close session: %v", err)
	}
	return 0
}

func (c *component) handler() http.Handler {
	mux := http.NewServeMux()
	endpoint := c.flags["endpoint"]
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(pidHeader, strconv.Itoa(os.Getpid()))
		fmt.Fprintf(w, "version: %s\n%s_server: %s\n", c.version, c.role, endpoint)
	})
	if c.role == apiserverRole {
		c.apiRoutes(mux)
		return mux
	}
	mux.Handle("POST /ask", answering(func(req request) (answer, error) {
		// Only ZooKeeper knows the cluster; the process adds who it is.
		req.Endpoint = endpoint
		req.Kind = map[string]string{nameserverRole: "ns", tabletRole: "tablet"}[c.role]
		return askOnce(c.flags["zk_cluster"], req)
	}, func(err error) { c.logf("W", "answer: %v", err) }))
	return mux
}
