package dolphindb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"stepgate/lab/dolphindb/cluster"
	"stepgate/lab/site"
	"stepgate/lab/userland"
)

// Faults are all that can go wrong.
func (System) Faults() []site.FaultKind {
	out := slices.Clone(faults)
	for _, f := range cluster.Faults {
		for i, value := range f.Values {
			out = append(out, site.FaultKind{What: f.What, Value: value, Means: f.Meaning[i], On: servers})
		}
	}
	return out
}

// truthAddr is where server processes find the truth about their cluster.
func truthAddr(s *site.Site) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Ports[truthPort]))
}

// started is a server process as its machine's init knows it: what ran is started
// again after a boot.
type started struct {
	Host string   `json:"host"`
	Mode string   `json:"mode"`
	Dir  string   `json:"dir"`
	Args []string `json:"args"`
	Site string   `json:"site"` // ip:port
	// Config is a data node's cluster.cfg, in JSON.
	Config string `json:"config,omitempty"`
}

func runningDir(s *site.Site) string { return filepath.Join(s.Dir, "running") }

func (x *started) path(s *site.Site) string {
	return filepath.Join(runningDir(s), x.Host+"@"+strings.ReplaceAll(x.Site, ":", "@")+".json")
}

func (x *started) save(s *site.Site) error {
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(runningDir(s), 0o755); err != nil {
		return err
	}
	return site.Replace(x.path(s), data, 0o600)
}

func (v *server) started() *started {
	return &started{Host: v.Host.Name, Mode: v.mode, Dir: v.dir, Args: os.Args, Site: v.self.hostPort(), Config: os.Getenv(configVariable)}
}

func noteRunning(v *server) error { return v.started().save(v.Site) }

func forgetRunning(v *server) error {
	if err := os.Remove(v.started().path(v.Site)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// freshPath is there until a scene's cluster has been started and filled.
func freshPath(s *site.Site) string { return filepath.Join(s.Dir, "fresh") }

// life is a cluster while its lab runs.
type life struct {
	site    *site.Site
	cluster *cluster.Cluster
	ln      net.Listener
	wg      sync.WaitGroup
}

// Open begins the life of a lab's clusters.
func (System) Open(s *site.Site) (site.Life, error) {
	dir := filepath.Join(s.Dir, "cluster")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c, err := cluster.Open(s, dir)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", truthAddr(s))
	if err != nil {
		return nil, fmt.Errorf("open the lab's ports: %w", err)
	}
	return &life{site: s, cluster: c, ln: ln}, nil
}

// Serve is the truth about the cluster.
func (l *life) Serve(ctx context.Context) error { return l.cluster.Serve(ctx, l.ln) }

// Wait returns when all that Boot started has ended.
func (l *life) Wait() { l.wg.Wait() }

// Boot starts what ran when the machines went down, as an rc.local would: controllers,
// then agents, then data nodes. The first boot starts the cluster of the scene and
// fills it.
func (l *life) Boot(ctx context.Context, environ func(*site.Host) []string) error {
	defer l.cluster.Booted()
	st, err := stageOf(l.site)
	if err != nil {
		return err
	}
	_, err = os.Stat(freshPath(l.site))
	first := err == nil
	if first {
		if err := enroll(l.site, st); err != nil {
			return err
		}
	}
	all, err := readStarted(l.site)
	if err != nil {
		return err
	}
	for _, mode := range []string{cluster.Controller, cluster.Agent, cluster.DataNode} {
		l.bootMode(ctx, all, mode, environ)
	}
	if !first {
		return nil
	}
	if st.seed != nil {
		if err := l.seed(ctx, st); err != nil {
			return fmt.Errorf("fill the cluster: %w", err)
		}
	}
	if err := spoil(l.site); err != nil {
		return err
	}
	return os.Remove(freshPath(l.site))
}

// enroll tells init of what a scene's cluster consists.
func enroll(s *site.Site, st *stage) error {
	if st.running == "" {
		return nil
	}
	agents := map[string]*seat{} // by machine
	all := runningSeats(s)
	add := func(x *seat, mode string, p peer, args ...string) error {
		r := &started{Host: x.host, Mode: mode, Dir: x.demo(), Args: args, Site: net.JoinHostPort(x.ip, strconv.Itoa(p.port))}
		return r.save(s)
	}
	for _, x := range all {
		err := add(x, cluster.Controller, x.ctl, append(serverArgs(cluster.Controller), "-nodesFile", "config/"+nodesFile, "-clusterConfig", "config/"+clusterFile)...)
		if err == nil && ownAgent(x.n, st.servers) {
			agents[x.host] = x
			err = add(x, cluster.Agent, x.agent, serverArgs(cluster.Agent)...)
		}
		if err != nil {
			return err
		}
	}
	for _, x := range all {
		by := *agents[x.host]
		by.ip = x.ip
		if err := add(&by, cluster.DataNode, x.node, nodeArgs(cluster.DataNode, x.node.at(x.ip))...); err != nil {
			return err
		}
	}
	return nil
}

// serverArgs is the command line of a controller or an agent, as the start scripts
// have it.
func serverArgs(mode string) []string {
	return []string{
		"./../dolphindb", "-console", "0", "-mode", mode, "-home", "data", "-script", "dolphindb.dos",
		"-config", "config/" + mode + ".cfg", "-logFile", "log/" + mode + ".log",
	}
}

func readStarted(s *site.Site) ([]*started, error) {
	paths, err := filepath.Glob(filepath.Join(runningDir(s), "*.json"))
	if err != nil {
		return nil, err
	}
	var out []*started
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		x := &started{}
		if err := json.Unmarshal(data, x); err != nil {
			return nil, fmt.Errorf("read %q: %w", path, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// bootMode starts the processes of one mode on all machines, and waits until each is
// there or has ended.
func (l *life) bootMode(ctx context.Context, all []*started, mode string, environ func(*site.Host) []string) {
	gone := map[*started]<-chan struct{}{}
	for _, x := range all {
		if x.Mode != mode {
			continue
		}
		h := l.site.Host(x.Host)
		if h == nil || len(x.Args) == 0 {
			continue
		}
		cmd := exec.Command(x.Args[0], x.Args[1:]...)
		cmd.Dir, cmd.Env = x.Dir, append(environ(h), bootVariable+"=1")
		if x.Config != "" {
			cmd.Env = append(cmd.Env, configVariable+"="+x.Config)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		ended, err := userland.Start(cmd)
		if err != nil {
			continue // its directory may be away, in the middle of a migration
		}
		gone[x] = ended
		l.wg.Go(func() { <-ended })
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for x, ended := range gone { // of one that hangs the operator will see
		userland.Await(ctx, ended, func() bool { return l.cluster.Joined(x.Site) })
	}
}

// seed makes the databases of a scene and waits until they're healthy.
func (l *life) seed(ctx context.Context, st *stage) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	all := runningSeats(l.site)
	node := net.JoinHostPort(all[0].ip, strconv.Itoa(all[0].node.port))
	try := func(script string) (string, error) {
		out, scriptErr, err := cluster.Eval(truthAddr(l.site), node, adminUser, adminPassword, script)
		if err == nil && scriptErr != "" {
			err = errors.New(scriptErr)
		}
		return strings.TrimSpace(out), err
	}
	await := func(script, want string) error {
		for {
			out, err := try(script)
			if err == nil && out == want {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%q gives %q: %w", script, out, errors.Join(err, ctx.Err()))
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	if err := await("print(size(pnodeRun(version)))", strconv.Itoa(len(all))); err != nil {
		return err
	}
	for _, script := range st.seed(time.Now()) {
		if _, err := try(script); err != nil {
			return err
		}
	}
	return await(`print(exec count(*) from rpc(getControllerAlias(), getClusterChunksStatus) where state != "COMPLETE")`, "0")
}

// spoil puts the tutorial's wrong addresses into the files of machines that are to
// have them: the cluster was started before.
func spoil(s *site.Site) error {
	for _, x := range runningSeats(s) {
		if s.Fault(x.host, "config") != "tutorial" {
			continue
		}
		name, replace := wrongConfig(s, x)
		if name == "" {
			continue
		}
		path := filepath.Join(x.demo(), "config", name)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(data), replace[0], replace[1], 1)), 0o644); err != nil {
			return err
		}
	}
	return nil
}
