package sshconfig

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepgate/runbook/text"
)

// Destination is what an inventory says of a host. User and Port win over the
// configuration's; empty ones leave it to that.
type Destination struct {
	Host string // a name, an address, or an alias that the configuration has
	User string
	Port string
}

// Parse reads [user@]host[:port] with IPv6 addresses in brackets.
func Parse(s string) (Destination, error) {
	s = strings.TrimPrefix(s, "ssh://")
	var d Destination
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		d.User, s = s[:at], s[at+1:]
		if d.User == "" {
			return d, fmt.Errorf("read SSH destination %q: the user is missing before @", s)
		}
	}
	d.Host = s
	if host, port, err := net.SplitHostPort(s); err == nil {
		d.Host, d.Port = host, port
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return d, fmt.Errorf("read SSH destination %q: %q is no port", s, port)
		}
	} else {
		d.Host = strings.Trim(s, "[]")
	}
	if d.Host == "" || strings.HasPrefix(d.Host, "-") || strings.HasPrefix(d.User, "-") || strings.ContainsAny(d.Host+d.User, " \t\r\n\x00'\"`$\\;&<>|(){},") {
		return d, fmt.Errorf("read SSH destination %q: that is no host", s)
	}
	return d, nil
}

// Settings are how a destination is reached. Files are absolute, and need not exist.
type Settings struct {
	Name     string // the destination as it was given
	Hostname string // what to connect to
	Port     string
	User     string

	IdentityFiles    []string // private keys, in order
	DefaultFiles     bool     // nobody chose the identity files: they are ssh's own default
	CertificateFiles []string
	IdentitiesOnly   bool   // of the agent's keys only those of IdentityFiles and CertificateFiles
	IdentityAgent    string // the agent's socket; empty: none

	UserKnownHosts    []string // new keys are written to the first
	GlobalKnownHosts  []string
	HostKeyAlias      string   // what stands in known_hosts instead of the host's name
	HostKeyAlgorithms []string // accepted, in order; empty: what the client takes by itself
	HashKnownHosts    bool
	Strict            bool // StrictHostKeyChecking yes: a key that isn't known isn't even asked about

	Methods   []string      // ways to log in, in order: publickey, keyboard-interactive, password; never nil
	BatchMode bool          // nothing is asked
	Prompts   int           // how often a password is asked
	Timeout   time.Duration // for connecting; 0: the client's own
	Alive     time.Duration // between keepalives, when that's shorter than the client's own; 0: that

	Jumps   []Settings // hosts to go through, the first one first
	Notices []string   // what the configuration says and this program doesn't do
}

// Options say which configuration is read.
type Options struct {
	// File is read in place of the user's and the system's files, as ssh -F; "none"
	// is no file at all. Empty: the user's and the system's.
	File string
	// SSH is the program to ask; empty: ssh on PATH. "none" makes the library read the
	// files even where the program is.
	SSH string
}

// FileVariable is the environment variable that names [Options].File.
const FileVariable = "STEPGATE_SSH_CONFIG"

// FromEnvironment are the options that the user's environment asks for.
func FromEnvironment() Options { return Options{File: os.Getenv(FileVariable)} }

// Method says in a line what resolves destinations on this machine.
func (o Options) Method() string {
	files := "~/.ssh/config and /etc/ssh/ssh_config"
	if o.File != "" {
		files = o.File + " ($" + FileVariable + ")"
	}
	if program, ok := o.program(); ok {
		return "as " + program + " -G says, from " + files
	}
	return "read by Stepgate itself, as ssh isn't installed, from " + files + "; Match, tokens and options that only ssh understands are refused"
}

// Method says in a line what resolves destinations on this machine.
func Method() string { return FromEnvironment().Method() }

func (o Options) program() (string, bool) {
	switch o.SSH {
	case "none":
		return "", false
	case "":
		p, err := exec.LookPath("ssh")
		return p, err == nil
	}
	return o.SSH, true
}

// maxJumps bounds a chain of jump hosts.
const maxJumps = 8

// Resolve says how a destination is reached, and each host on the way there. ctx ends
// the program that is asked.
func Resolve(ctx context.Context, d Destination, o Options) (Settings, error) {
	r := &resolver{options: o}
	var err error
	if r.me, err = user.Current(); err != nil {
		return Settings{}, fmt.Errorf("resolve SSH destination %q: %w", d.Host, err)
	}
	program, ok := o.program()
	if ok {
		r.lookup = func(ctx context.Context, d Destination) (values, error) { return r.ask(ctx, program, d) }
	} else {
		lib, err := r.library()
		if err != nil {
			return Settings{}, err
		}
		r.lookup = lib
	}
	s, err := r.resolve(ctx, d, nil, nil)
	if err != nil {
		return Settings{}, fmt.Errorf("resolve SSH destination %q: %w", d.Host, err)
	}
	return s, nil
}

type resolver struct {
	options Options
	me      *user.User
	lookup  func(ctx context.Context, d Destination) (values, error)
}

// resolve resolves one destination. through, when not nil, are the jump hosts that
// somebody else's ProxyJump puts before it; path is whose jump host it is.
func (r *resolver) resolve(ctx context.Context, d Destination, through, path []string) (Settings, error) {
	key := d.User + "@" + d.Host + ":" + d.Port
	if slices.Contains(path, key) || len(path) > maxJumps {
		return Settings{}, text.WithHint(fmt.Errorf("its jump hosts go round in a circle: %s", strings.Join(append(path, key), ", ")),
			"exclude the jump host from its own ProxyJump: Host * !"+d.Host)
	}
	path = append(slices.Clone(path), key)
	v, err := r.lookup(ctx, d)
	if err != nil {
		return Settings{}, err
	}
	s, err := r.settings(d, v)
	if err != nil {
		return Settings{}, err
	}
	if through == nil {
		through = jumpList(v.one("proxyjump"))
	}
	if len(through) == 0 {
		return s, r.noCommand(v)
	}
	last := len(through) - 1
	hop, err := Parse(through[last])
	if err != nil {
		return Settings{}, fmt.Errorf("read ProxyJump: %w", err)
	}
	var before []string
	if last > 0 {
		before = through[:last]
	}
	jump, err := r.resolve(ctx, hop, before, path)
	if err != nil {
		return Settings{}, fmt.Errorf("by jump host %q: %w", hop.Host, err)
	}
	s.Jumps = append(jump.Jumps, jump)
	s.Jumps[len(s.Jumps)-1].Jumps = nil
	return s, nil
}

func jumpList(v string) []string {
	if v == "" || strings.EqualFold(v, "none") {
		return nil
	}
	return strings.Split(v, ",")
}

// noCommand refuses a ProxyCommand: what it would connect to can't be verified the
// way a jump host is, and it would run outside of any journal.
func (r *resolver) noCommand(v values) error {
	c := v.one("proxycommand")
	if c == "" || strings.EqualFold(c, "none") {
		return nil
	}
	where := r.find("proxycommand", c)
	if where != "" {
		where = where + ": "
	}
	return text.WithHint(fmt.Errorf("%sProxyCommand %q: commands aren't run to reach a host", where, c),
		"go through the same host with ProxyJump; say \"ProxyCommand none\" for hosts that don't need it")
}

// values are what the configuration says of a destination, by lower-case keyword.
type values map[string][]string

func (v values) one(key string) string {
	if len(v[key]) == 0 {
		return ""
	}
	return v[key][0]
}

// yes reads an option that ssh writes in several ways.
func (v values) yes(key string, otherwise bool) bool {
	switch strings.ToLower(v.one(key)) {
	case "yes", "true":
		return true
	case "no", "false":
		return false
	}
	return otherwise
}

func (v values) seconds(key string) time.Duration {
	n, err := strconv.Atoi(v.one(key))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// defaultIdentities are ssh's own, except those of key types that nobody can use.
var defaultIdentities = []string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"}

func (r *resolver) ssh(name string) string { return filepath.Join(r.me.HomeDir, ".ssh", name) }
