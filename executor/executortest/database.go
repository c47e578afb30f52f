package executortest

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepgate/executor"
)

// DatabaseServer is a real database server of this machine, on loopback, with nothing
// in it. Its user may do everything.
type DatabaseServer struct {
	executor.Database
	CA     string // file of the authority that signed its certificate, which is for 127.0.0.1
	Socket string // its unix socket, as [executor.Database] wants an address

	signal func(os.Signal)
	crash  syscall.Signal
	ended  chan struct{}
}

// Stop kills the server, as a crash would.
func (s *DatabaseServer) Stop() {
	s.signal(s.crash)
	<-s.ended
}

// MariaDB starts a private MariaDB that ends with the test. Where it isn't installed
// the test is skipped, loudly.
func MariaDB(t *testing.T) *DatabaseServer {
	t.Helper()
	install, server := program(t, "mariadb-install-db", ""), program(t, "mariadbd", "/usr/sbin")
	if install == "" || server == "" {
		t.Skip("NOT TESTED: MariaDB isn't installed (Debian: mariadb-server), so the MySQL protocol wasn't tried")
	}
	home := newServerHome(t, "mysql")
	data := filepath.Join(home.dir, "data")
	home.run(t, install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	port := freePort(t)
	socket := filepath.Join(home.dir, "s")
	s := home.start(t, syscall.SIGKILL, "ready for connections", server, "--no-defaults", "--datadir="+data, "--socket="+socket, "--port="+port,
		"--bind-address=127.0.0.1", "--pid-file="+filepath.Join(home.dir, "pid"), "--skip-log-bin", "--innodb-buffer-pool-size=16M",
		"--innodb-flush-log-at-trx-commit=0", "--ssl-cert="+home.cert, "--ssl-key="+home.key, "--skip-name-resolve")
	s.Database = executor.Database{Driver: "mysql", Address: "127.0.0.1:" + port, User: "root"}
	s.Socket = socket
	s.execute(t, "CREATE DATABASE probe CHARACTER SET utf8mb4; CREATE USER ops@'%' IDENTIFIED BY 'pa''ss word'; GRANT ALL ON *.* TO ops@'%'")
	s.User, s.Password, s.Name = "ops", "pa'ss word", "probe"
	return s
}

// Postgres starts a private PostgreSQL that ends with the test. Where it isn't
// installed the test is skipped, loudly.
func Postgres(t *testing.T) *DatabaseServer {
	t.Helper()
	bin := ""
	if versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); len(versions) > 0 {
		sort.Strings(versions)
		bin = versions[len(versions)-1]
	}
	initdb, server := program(t, "initdb", bin), program(t, "postgres", bin)
	if initdb == "" || server == "" {
		t.Skip("NOT TESTED: PostgreSQL isn't installed (Debian: postgresql), so its protocol wasn't tried")
	}
	home := newServerHome(t, "postgres")
	data := filepath.Join(home.dir, "data")
	home.write(t, "password", "pa'ss word\n")
	home.run(t, initdb, "-D", data, "-U", "ops", "-A", "scram-sha-256", "--pwfile="+filepath.Join(home.dir, "password"), "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	port := freePort(t)
	// Killed, it would leave its children to notice.
	s := home.start(t, syscall.SIGQUIT, "ready to accept connections", server, "-D", data, "-p", port, "-k", home.dir, "-c", "listen_addresses=127.0.0.1",
		"-c", "fsync=off", "-c", "ssl=on", "-c", "ssl_cert_file="+home.cert, "-c", "ssl_key_file="+home.key, "-c", "shared_buffers=16MB")
	s.Database = executor.Database{Driver: "postgres", Address: "127.0.0.1:" + port, User: "ops", Password: "pa'ss word", Name: "postgres"}
	s.Socket = home.dir + ":" + port
	return s
}

// execute prepares the server.
func (s *DatabaseServer) execute(t *testing.T, statements string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	sessions, err := executor.OpenDatabase(ctx, s.Database, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := sessions.Run(ctx, statements, false)
	if err != nil || r.Exit != 0 {
		t.Fatal(err, r.Stderr)
	}
	if err := sessions.Close(); err != nil {
		t.Error(err)
	}
}

// program finds one on the PATH or in a directory; "" when it isn't there.
func program(t *testing.T, name, dir string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	path := filepath.Join(dir, name)
	if dir == "" {
		return ""
	}
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }() // it has served its purpose
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

// serverHome is where a server keeps its files. Its path is short, as sockets want it.
type serverHome struct {
	dir           string
	ca, cert, key string
	owner         *syscall.Credential // nil: ours
}

// newServerHome makes one that belongs to the user a server may run as: no database
// server runs as root.
func newServerHome(t *testing.T, name string) *serverHome {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "sg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	h := &serverHome{dir: dir, ca: filepath.Join(dir, "ca"), cert: filepath.Join(dir, "cert"), key: filepath.Join(dir, "key")}
	if os.Getuid() == 0 {
		h.owner = credential(t, name)
	}
	h.own(t, dir)
	h.certificates(t)
	return h
}

func credential(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			t.Fatal(err)
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (h *serverHome) own(t *testing.T, path string) {
	t.Helper()
	if h.owner == nil {
		return
	}
	if err := os.Chown(path, int(h.owner.Uid), int(h.owner.Gid)); err != nil {
		t.Fatal(err)
	}
}

func (h *serverHome) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	h.own(t, path)
}

// certificates writes an authority and what it signs for 127.0.0.1.
func (h *serverHome) certificates(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for name, cert := range map[string]*x509.Certificate{"ca": authority, "cert": leaf} {
		der, err := x509.CreateCertificate(rand.Reader, cert, authority, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		h.write(t, name, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, "key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func (h *serverHome) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = h.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir, "TMPDIR=" + h.dir, "LANG=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: h.owner, Setpgid: true}
	return cmd
}

func (h *serverHome) run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := h.command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// start runs a server until the test ends, and returns when it says that it's ready.
func (h *serverHome) start(t *testing.T, crash syscall.Signal, ready, name string, args ...string) *DatabaseServer {
	t.Helper()
	cmd := h.command(name, args...)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &DatabaseServer{CA: h.ca, crash: crash, ended: make(chan struct{})}
	s.signal = func(sig os.Signal) { _ = cmd.Process.Signal(sig) } // it may have ended
	said := make(chan error, 1)
	go func() {
		defer close(s.ended)
		lines, seen := bufio.NewScanner(log), []string{}
		for lines.Scan() {
			seen = append(seen, lines.Text())
			if strings.Contains(lines.Text(), ready) {
				said <- nil
				break
			}
		}
		_, _ = io.Copy(io.Discard, log)
		err := cmd.Wait()
		select {
		case said <- fmt.Errorf("%s ended: %w\n%s", name, err, strings.Join(seen, "\n")):
		default:
		}
	}()
	t.Cleanup(s.Stop)
	if err := <-said; err != nil {
		t.Fatal(err)
	}
	return s
}
