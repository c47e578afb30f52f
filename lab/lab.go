package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"stepgate/lab/site"
	"stepgate/lab/userland"
)

// Options of a new lab.
type Options struct {
	Speed float64       // simulated waits are divided by it; 0: 1, real time
	Idle  time.Duration // life without a connection; 0: ten minutes
	// Program is what the lab's processes run, with the verb lab in front of their
	// arguments: see [Main]. Empty: the running program.
	Program string
	// Faults that are on from the beginning: see [Fault].
	Faults []string
}

// Host is one simulated host.
type Host struct {
	Name, User string
	Addr       string // of its SSH server
	Groups     []string
	Vars       map[string]string // endpoint, home
}

// Cluster is what a client needs to know of a lab.
type Cluster struct {
	Dir, System string
	Hosts       []Host
	Params      map[string]string // values for the shipped runbook's parameters
	Identity    string            // path of the client's private key
	KnownHosts  string            // path
	Inventory   string            // path, TOML
}

// Entry is one line of the ledger.
type Entry = site.Entry

// Create lays out a new lab of that scene in dir, which must be empty or absent.
// Nothing runs yet.
func Create(dir, scene string, o Options) (*Cluster, error) {
	sc, err := FindScene(scene, "")
	if err != nil {
		return nil, fmt.Errorf("create lab: %w", err)
	}
	if err := here(sc); err != nil {
		return nil, fmt.Errorf("create lab: %w", err)
	}
	system, err := systemOf(sc.System)
	if err != nil {
		return nil, fmt.Errorf("create lab: %w", err)
	}
	if o.Speed < 0 || o.Idle < 0 {
		return nil, errors.New("create lab: speed and idle time can't be negative")
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.Idle == 0 {
		o.Idle = 10 * time.Minute
	}
	if dir, err = emptyDir(dir); err != nil {
		return nil, err
	}
	s := &site.Site{Dir: dir, System: sc.System, Scene: sc.Name, Speed: o.Speed, Idle: o.Idle}
	ports := &portPicker{}
	if err := system.Plan(s, ports.next); err != nil {
		return nil, fmt.Errorf("create lab %q: %w", dir, err)
	}
	for i := range s.Hosts {
		if s.Hosts[i].Port, err = ports.next(); err != nil {
			return nil, fmt.Errorf("create lab %q: %w", dir, err)
		}
		s.Hosts[i].MachineID = randomHex()
	}
	if err := lay(s, system, o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir)) // it was empty before
	}
	return clusterOf(s), nil
}

// lay writes everything of a lab; the file that makes it a lab comes last.
func lay(s *site.Site, system System, o Options) error {
	for _, sub := range []string{"bin", "keys", "faults"} {
		if err := os.Mkdir(filepath.Join(s.Dir, sub), 0o700); err != nil {
			return fmt.Errorf("create lab: %w", err)
		}
	}
	for _, fault := range o.Faults {
		if err := s.SetFault(faultsOf(system), fault); err != nil {
			return err
		}
	}
	if err := copyBinary(o.Program, s.Binary()); err != nil {
		return fmt.Errorf("create lab: copy the program: %w", err)
	}
	for i := range s.Hosts {
		h := &s.Hosts[i]
		for _, sub := range []string{s.Home(h), filepath.Join(s.Root(h.Name), "var", "tmp"), filepath.Join(s.Root(h.Name), "usr", "bin")} {
			if err := os.MkdirAll(sub, 0o755); err != nil {
				return fmt.Errorf("create lab: %w", err)
			}
		}
		if err := userland.Lay(s, h); err != nil {
			return err
		}
	}
	if err := system.Lay(s); err != nil {
		return err
	}
	if err := writeKeys(s); err != nil {
		return fmt.Errorf("create lab: %w", err)
	}
	if err := writeInventory(s); err != nil {
		return fmt.Errorf("create lab: %w", err)
	}
	return s.Save()
}

// Open reads the lab in dir, running or not.
func Open(dir string) (*Cluster, error) {
	s, err := site.Load(dir)
	if err != nil {
		return nil, err
	}
	return clusterOf(s), nil
}

func clusterOf(s *site.Site) *Cluster {
	c := &Cluster{
		Dir: s.Dir, System: s.System, Params: s.Params,
		Identity:   filepath.Join(s.Dir, "keys", "id_ed25519"),
		KnownHosts: filepath.Join(s.Dir, "known_hosts"),
		Inventory:  filepath.Join(s.Dir, "inventory.toml"),
	}
	for _, h := range s.Hosts {
		c.Hosts = append(c.Hosts, Host{Name: h.Name, User: h.User, Addr: sshAddr(&h), Groups: h.Groups, Vars: h.Vars})
	}
	return c
}

// Fault switches a fault on or off, while the lab runs or not.
func Fault(dir, spec string) error {
	s, err := site.Load(dir)
	if err != nil {
		return err
	}
	system, err := systemOf(s.System)
	if err != nil {
		return err
	}
	return s.SetFault(faultsOf(system), spec)
}

// Faults lists what is switched on.
func Faults(dir string) ([]site.Fault, error) {
	s, err := site.Load(dir)
	if err != nil {
		return nil, err
	}
	return s.Faults()
}

// Ledger reads what was done on the hosts, oldest first.
func Ledger(dir string) ([]Entry, error) {
	s, err := site.Load(dir)
	if err != nil {
		return nil, err
	}
	return s.Ledger()
}

// ReadLedger reads a lab's ledger from a link that was made to it, DIR/ledger, which
// outlives the lab.
func ReadLedger(path string) ([]Entry, error) { return site.ReadLedger(path) }

func sshAddr(h *site.Host) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port)) }

// emptyDir makes sure of an empty directory and returns its real path: programs
// find their host by comparing paths.
func emptyDir(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create lab %q: %w", dir, err)
	}
	real, err := filepath.Abs(dir)
	if err == nil {
		real, err = filepath.EvalSymlinks(real)
	}
	if err != nil {
		return "", fmt.Errorf("create lab %q: %w", dir, err)
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		return "", fmt.Errorf("create lab %q: %w", dir, err)
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("create lab %q: the directory isn't empty", dir)
	}
	return real, nil
}

// copyBinary keeps the program, by default the running one, for as long as the
// lab lives: `go run` removes its own when it ends.
func copyBinary(from, to string) (err error) {
	if from == "" {
		if from, err = os.Executable(); err != nil {
			return err
		}
	}
	if from, err = filepath.EvalSymlinks(from); err != nil {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// portPicker gives free loopback ports below the range from which systems take
// ports by themselves, so that a lab started again finds them free.
type portPicker struct{ taken map[int]bool }

func (p *portPicker) next() (int, error) {
	const low, high = 18000, 31000
	if p.taken == nil {
		p.taken = map[int]bool{}
	}
	for range 200 {
		n, err := rand.Int(rand.Reader, big.NewInt(high-low))
		if err != nil {
			return 0, err
		}
		port := low + int(n.Int64())
		if p.taken[port] || !claimPort(port) {
			continue
		}
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		p.taken[port] = true
		return port, ln.Close()
	}
	return 0, fmt.Errorf("find a free port between %d and %d on 127.0.0.1", low, high)
}

// portClaim is how long a port that one lab has picked is left alone by others
// that are being made: longer than from picking to listening.
const portClaim = 10 * time.Minute

// claimPort keeps labs that are made side by side from picking one port. Where
// it can't be noted the port is taken as free: the kernel has the last word.
func claimPort(port int) bool {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("stepgate-ports-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return true
	}
	name := filepath.Join(dir, strconv.Itoa(port))
	if fi, err := os.Stat(name); err == nil && time.Since(fi.ModTime()) > portClaim {
		_ = os.Remove(name) // whoever made it has its port by now, or is gone
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false
	}
	if err != nil {
		return true
	}
	return f.Close() == nil
}

func randomHex() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// writeKeys makes the client's and the hosts' keys, and known_hosts.
func writeKeys(s *site.Site) error {
	names := []string{"id_ed25519"}
	for _, h := range s.Hosts {
		names = append(names, "host_"+h.Name)
	}
	var known strings.Builder
	for i, name := range names {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		block, err := ssh.MarshalPrivateKey(private, "stepgate lab")
		if err != nil {
			return err
		}
		path := filepath.Join(s.Dir, "keys", name)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
		key, err := ssh.NewPublicKey(public)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".pub", ssh.MarshalAuthorizedKey(key), 0o644); err != nil {
			return err
		}
		if i > 0 {
			known.WriteString(knownhosts.Line([]string{sshAddr(&s.Hosts[i-1])}, key) + "\n")
		}
	}
	return os.WriteFile(filepath.Join(s.Dir, "known_hosts"), []byte(known.String()), 0o600)
}

func writeInventory(s *site.Site) error {
	type group struct {
		Hosts []string `toml:"hosts"`
	}
	var inventory struct {
		Groups map[string]group             `toml:"groups"`
		Hosts  map[string]map[string]string `toml:"hosts"`
	}
	inventory.Groups, inventory.Hosts = map[string]group{}, map[string]map[string]string{}
	add := func(name string, h *site.Host, groups []string, vars map[string]string) {
		for _, g := range groups {
			inventory.Groups[g] = group{append(inventory.Groups[g].Hosts, name)}
		}
		host := map[string]string{"ssh": h.User + "@" + sshAddr(h)}
		maps.Copy(host, vars)
		inventory.Hosts[name] = host
	}
	for _, h := range s.Hosts {
		add(h.Name, &h, h.Groups, h.Vars)
	}
	for _, p := range s.Places {
		h := s.Host(p.On)
		if h == nil {
			return fmt.Errorf("place %q lies on no host: %q", p.Name, p.On)
		}
		add(p.Name, h, p.Groups, p.Vars)
	}
	data, err := toml.Marshal(inventory)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, "inventory.toml"), data, 0o600)
}
