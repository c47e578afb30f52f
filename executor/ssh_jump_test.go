package executor_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// TestJumps goes over two hosts, each with keys, names and known hosts of its own; the
// password of the first is asked once for all hosts behind it.
func TestJumps(t *testing.T) {
	t.Parallel()
	first, tried := passwordSite(t, "jump")
	middle, target, other := newSite(t), newSite(t), newSite(t)
	first.config.Name, middle.config.Name = "first", "middle"
	p := types("jump")
	logins := executor.NewLogins()
	for _, s := range []*site{target, other} {
		s.config.Jumps = []executor.SSHConfig{first.config, middle.config}
		s.config.Ask, s.config.Logins = p, logins
		x := open(t, s.config)
		host, err := x.Identify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if host.HostKey != ssh.FingerprintSHA256(s.server.Signer.PublicKey()) {
			t.Errorf("HostKey = %s", host.HostKey)
		}
		var o output
		res, err := x.Look(t.Context(), executor.Command{Interpreter: "sh", Body: `echo "$SSH_CONNECTION"`}, &o)
		_, port, _ := net.SplitHostPort(s.addr)
		if err != nil || res.Exit != 0 || !strings.HasSuffix(strings.TrimSpace(o.String()), " "+port) {
			t.Errorf("Look = %+v, %v, %q", res, err, o.String())
		}
	}
	if len(p.questions()) != 1 || tried.Load() != 2 || p.questions()[0].Host != "first" {
		t.Errorf("asked %+v, %d passwords sent", p.questions(), tried.Load())
	}
	// Every host on the way is verified.
	wrong := target.config
	wrong.Ask, wrong.Jumps = types("jump"), slices.Clone(wrong.Jumps)
	wrong.Jumps[1].KnownHosts = []string{knownHost(t, middle.addr, executortest.NewIdentity(t).Signer.PublicKey())}
	_, err := open(t, wrong).Identify(t.Context())
	refused(t, err, `jump host "middle": the host key of`, "has changed")
	gone := target.config
	gone.Ask, gone.Addr = types("jump"), "127.0.0.1:1"
	_, err = open(t, gone).Identify(t.Context())
	refused(t, err, "connect to 127.0.0.1:1 from the host before it")
}

// TestJumpsAreClosed leaves no connection on the way when the host isn't reached, and
// none when it's closed.
func TestJumpsAreClosed(t *testing.T) {
	t.Parallel()
	jump, target := newSite(t), newSite(t)
	open := make(chan int, 100)
	jump.renew()
	jump.server.Activity = func(n int) { open <- n }
	jump.restart(t)
	target.config.Jumps = []executor.SSHConfig{jump.config}
	x := executor.NewSSH(target.config)
	if _, err := x.Identify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	target.config.Identities = nil
	x = executor.NewSSH(target.config)
	if _, err := x.Identify(t.Context()); err == nil {
		t.Fatal("it let us in without a key")
	}
	defer x.Close()
	for _, want := range []int{1, 0, 1, 0} {
		if n := <-open; n != want {
			t.Fatalf("%d connections to the jump host, want %d", n, want)
		}
	}
}

// TestCertificateIsOffered logs in by a certificate beside the key, and by one that is
// named.
func TestCertificateIsOffered(t *testing.T) {
	t.Parallel()
	authority := executortest.NewIdentity(t)
	for _, named := range []bool{false, true} {
		t.Run(fmt.Sprintf("named=%v", named), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			checker := &ssh.CertChecker{IsUserAuthority: func(k ssh.PublicKey) bool {
				return string(k.Marshal()) == string(authority.Signer.PublicKey().Marshal())
			}}
			s.renew()
			s.server.Configure = func(c *ssh.ServerConfig) { c.PublicKeyCallback = checker.Authenticate }
			s.restart(t)
			cert := &ssh.Certificate{
				Key: s.user.Signer.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"ops"}, ValidBefore: ssh.CertTimeInfinity,
			}
			if err := cert.SignCert(strings.NewReader(strings.Repeat("r", 64)), authority.Signer); err != nil {
				t.Fatal(err)
			}
			file := s.user.File + "-cert.pub"
			if named {
				file = filepath.Join(t.TempDir(), "elsewhere.pub")
				s.config.Certificates = []string{file}
			}
			if _, err := open(t, s.config).Identify(t.Context()); err == nil {
				t.Fatal("it let us in without the certificate")
			}
			if err := os.WriteFile(file, ssh.MarshalAuthorizedKey(cert), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := open(t, s.config).Identify(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
