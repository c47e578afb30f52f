package executor_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// realSite is a real sshd that lets the present user in, and what they need to reach
// it.
func realSite(t *testing.T, more ...string) (openSSH, executortest.Identity, executor.SSHConfig) {
	t.Helper()
	program, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		t.Skip("NOT TESTED: OpenSSH's server isn't installed")
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd's own, for root
			t.Skipf("NOT TESTED against OpenSSH: %v", err)
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	host, login, home := executortest.NewIdentity(t), executortest.NewIdentity(t), memoryDir(t)
	s := serveOpenSSH(t, program, host, login, append([]string{"HOME=" + home}, executortest.LoginEnv...), more...)
	return s, login, executor.SSHConfig{
		Name: "real", Addr: s.addr, User: me.Username, Identities: []string{login.File},
		KnownHosts: []string{knownHost(t, s.addr, host.Signer.PublicKey())},
	}
}

// keygen runs ssh-keygen.
func keygen(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", append([]string{"-q"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen %q: %v\n%s", args, err, out)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOpenSSHCertificates logs in by a user certificate at a host that is known by its
// certificate, both made by ssh-keygen.
func TestOpenSSHCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority, host := filepath.Join(dir, "ca"), filepath.Join(dir, "host")
	keygen(t, "-t", "ed25519", "-N", "", "-f", authority)
	keygen(t, "-t", "ecdsa", "-N", "", "-f", host)
	keygen(t, "-s", authority, "-I", "host", "-h", "-n", "127.0.0.1", host+".pub")
	_, _, c := realSite(t, "HostKey "+host, "HostCertificate "+host+"-cert.pub", "TrustedUserCAKeys "+authority+".pub")
	mine := filepath.Join(dir, "id")
	keygen(t, "-t", "rsa", "-b", "2048", "-N", "", "-f", mine)
	c.Identities = []string{mine}
	rewrite(t, c.KnownHosts[0], "@cert-authority "+knownhosts.Normalize(c.Addr)+" "+readFile(t, authority+".pub"))
	_, err := open(t, c).Identify(t.Context())
	refused(t, err, "refused every key")
	keygen(t, "-s", authority, "-I", "me", "-n", c.User, mine+".pub")
	if _, err := open(t, c).Identify(t.Context()); err != nil {
		t.Error(err)
	}
	rewrite(t, c.KnownHosts[0], "@cert-authority other.example "+readFile(t, authority+".pub"))
	_, err = open(t, c).Identify(t.Context())
	refused(t, err, "isn't known")
}

// TestOpenSSHKeys are keys as ssh-keygen writes them: encrypted ones of each format and
// type, and those that only ssh-agent has.
func TestOpenSSHKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authorized := filepath.Join(dir, "authorized")
	keys := map[string][]string{
		"ed25519": {"-t", "ed25519"}, "rsa": {"-t", "rsa", "-b", "2048"}, "pem": {"-t", "ecdsa", "-m", "PEM"},
	}
	var public string
	for name, args := range keys {
		keygen(t, append(args, "-N", "pass phrase", "-f", filepath.Join(dir, name))...)
		public += readFile(t, filepath.Join(dir, name+".pub"))
	}
	rewrite(t, authorized, public)
	_, _, c := realSite(t, "AuthorizedKeysFile "+authorized)
	for name := range keys {
		p := types("pass phrase")
		c := c
		c.Identities, c.Ask = []string{filepath.Join(dir, name)}, p
		if _, err := open(t, c).Identify(t.Context()); err != nil || len(p.questions()) != 1 {
			t.Errorf("%s: %v, asked %+v", name, err, p.questions())
		}
	}
	// Without its public half beside it, a PEM key is of no use until it's unlocked.
	if err := os.Remove(filepath.Join(dir, "pem.pub")); err != nil {
		t.Fatal(err)
	}
	c.Methods = []string{"publickey"}
	c.Identities, c.Ask = []string{filepath.Join(dir, "pem")}, types("pass phrase")
	_, err := open(t, c).Identify(t.Context())
	refused(t, err, "ssh-keygen -p -f")
	agentSocket := realAgent(t, filepath.Join(dir, "rsa"))
	c.Ask, c.AgentSocket = nil, agentSocket
	for name, change := range map[string]func(c *executor.SSHConfig){
		"agent's key": func(c *executor.SSHConfig) { c.Identities = nil },
		"agent's key of a file": func(c *executor.SSHConfig) {
			c.Identities, c.IdentitiesOnly = []string{filepath.Join(dir, "rsa")}, true
		},
		"only the public half": func(c *executor.SSHConfig) { c.Identities, c.IdentitiesOnly = []string{alone(t, dir, "rsa.pub")}, true },
		"not chosen": func(c *executor.SSHConfig) {
			c.Identities, c.IdentitiesOnly = []string{filepath.Join(dir, "ed25519")}, true
		},
		"keys aren't a way to go": func(c *executor.SSHConfig) { c.Methods = []string{"password"} },
	} {
		c := c
		change(&c)
		_, err := open(t, c).Identify(t.Context())
		if strings.HasPrefix(name, "not") || strings.HasPrefix(name, "keys") {
			refused(t, err, "key")
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// alone is a file's name without ".pub", in a place where only that half is.
func alone(t *testing.T, dir, name string) string {
	t.Helper()
	place := t.TempDir()
	rewrite(t, filepath.Join(place, name), strings.TrimSpace(readFile(t, filepath.Join(dir, name))))
	return filepath.Join(place, strings.TrimSuffix(name, ".pub"))
}

// realAgent starts ssh-agent with a key in it, whose passphrase is "pass phrase".
func realAgent(t *testing.T, key string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Skipf("NOT TESTED with ssh-agent: %v", err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	plain := filepath.Join(dir, "key")
	rewrite(t, plain, strings.TrimSpace(readFile(t, key)))
	keygen(t, "-p", "-P", "pass phrase", "-N", "", "-f", plain)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		add := exec.Command("ssh-add", "-q", plain)
		add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := add.CombinedOutput(); err == nil {
			return socket
		} else if time.Now().After(deadline) {
			t.Fatalf("ssh-add: %v\n%s", err, out)
		}
	}
}

// TestOpenSSHJumps goes over two real servers, of which each hop is verified.
func TestOpenSSHJumps(t *testing.T) {
	t.Parallel()
	_, _, first := realSite(t)
	_, _, middle := realSite(t)
	_, _, target := realSite(t)
	_, _, closed := realSite(t, "AllowTcpForwarding no")
	target.Jumps = []executor.SSHConfig{first, middle}
	h, err := open(t, target).Identify(t.Context())
	if err != nil || h.User != target.User {
		t.Errorf("Identify = %+v, %v", h, err)
	}
	closed.Name = "closed"
	target.Jumps = []executor.SSHConfig{first, closed}
	_, err = open(t, target).Identify(t.Context())
	refused(t, err, "doesn't forward connections", "AllowTcpForwarding yes")
	first.KnownHosts = []string{knownHost(t, first.Addr, executortest.NewIdentity(t).Signer.PublicKey())}
	first.Name = "first"
	target.Jumps = []executor.SSHConfig{first}
	_, err = open(t, target).Identify(t.Context())
	refused(t, err, `jump host "first"`, "has changed")
}

// TestOpenSSHPassword logs in with a password, alone and after a key, as a user that
// only this sshd sees.
func TestOpenSSHPassword(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: only root's sshd can check passwords; against OpenSSH only keys were tried")
	}
	hash, err := exec.Command("openssl", "passwd", "-6", "open sesame").Output()
	if err != nil {
		t.Skipf("NOT TESTED: no openssl to make a password's hash: %v", err)
	}
	home := memoryDir(t)
	if err := os.Chmod(home, 0o777); err != nil { //nolint:gosec // the user's own
		t.Fatal(err)
	}
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "passwd"), readFile(t, "/etc/passwd")+"stepgate-login:x:61234:61234::"+home+":/bin/sh")
	rewrite(t, filepath.Join(dir, "shadow"), readFile(t, "/etc/shadow")+"stepgate-login:"+strings.TrimSpace(string(hash))+":1::::::")
	wrapper := filepath.Join(dir, "sshd")
	script := fmt.Sprintf("#!/bin/sh\nmount --bind %s/passwd /etc/passwd && mount --bind %s/shadow /etc/shadow || exit 77\nexec /usr/sbin/sshd \"$@\"\n", dir, dir)
	if err := os.WriteFile(wrapper, []byte("#!/bin/sh\nexec unshare -m /bin/sh "+wrapper+"2 \"$@\"\n"), 0o700); err != nil { //nolint:gosec // it's to be run
		t.Fatal(err)
	}
	rewrite(t, wrapper+"2", script)
	if err := exec.Command("unshare", "-m", "mount", "--bind", filepath.Join(dir, "passwd"), "/etc/passwd").Run(); err != nil {
		t.Skipf("NOT TESTED: no mount namespace to be had: %v", err)
	}
	keys := filepath.Join(home, "authorized_keys")
	for _, methods := range []string{"password", "publickey,password"} {
		host, login := executortest.NewIdentity(t), executortest.NewIdentity(t)
		s := serveOpenSSH(t, wrapper, host, login, []string{"HOME=" + home}, "PasswordAuthentication yes", "KbdInteractiveAuthentication no", "AuthenticationMethods "+methods,
			"AuthorizedKeysFile "+keys) // sshd reads it as the user
		rewrite(t, keys, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(login.Signer.PublicKey()))))
		if err := os.Chmod(keys, 0o644); err != nil { //nolint:gosec // it's public
			t.Fatal(err)
		}
		p := types("wrong", "open sesame")
		x := open(t, executor.SSHConfig{
			Name: "real", Addr: s.addr, User: "stepgate-login", Identities: []string{login.File}, Ask: p,
			KnownHosts: []string{knownHost(t, s.addr, host.Signer.PublicKey())},
		})
		h, err := x.Identify(t.Context())
		if err != nil || h.User != "61234" || len(p.questions()) != 2 {
			t.Errorf("%s: Identify = %+v, %v, asked %+v", methods, h, err, p.questions())
		}
	}
}
