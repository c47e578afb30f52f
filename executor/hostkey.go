package executor

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// hostKeyError says that a host key isn't to be trusted.
type hostKeyError struct {
	text, hint string
	cause      error
}

func (e *hostKeyError) Error() string { return e.text }
func (e *hostKeyError) Unwrap() error { return e.cause }

// hostKeys is what the known_hosts files say.
type hostKeys struct {
	db    *knownhosts.HostKeyDB
	files []string
	addr  string
}

// hostKeys reads the known_hosts files, anew for each connection: the user may have
// just put them right.
func (t *sshTransport) hostKeys() (*hostKeys, error) {
	var present []string
	for _, f := range t.config.KnownHosts {
		if _, err := os.Stat(f); err == nil {
			present = append(present, f)
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, t.unreached(fmt.Errorf("read known hosts: %w", err), "make the file readable: chmod 600 "+f)
		}
	}
	db, err := knownhosts.NewDB(present...)
	if err != nil {
		return nil, t.unreached(fmt.Errorf("read known hosts: %w", err), "correct or remove the line that the message names")
	}
	return &hostKeys{db: db, files: t.config.KnownHosts, addr: t.config.Addr}, nil
}

// algorithms are those of the keys we know, so that a host with several keys shows
// one of them.
func (k *hostKeys) algorithms(addr string) []string { return k.db.HostKeyAlgorithms(addr) }

func (k *hostKeys) callback() ssh.HostKeyCallback {
	check := k.db.HostKeyCallback()
	return func(host string, remote net.Addr, key ssh.PublicKey) error {
		err := check(host, remote, key)
		if err == nil {
			return nil
		}
		return k.explain(err, key)
	}
}

func (k *hostKeys) explain(err error, key ssh.PublicKey) error {
	print := ssh.FingerprintSHA256(key)
	name := knownhosts.Normalize(k.addr)
	host, port, _ := net.SplitHostPort(k.addr)
	file := "~/.ssh/known_hosts"
	if len(k.files) > 0 {
		file = k.files[0]
	}
	var mismatch *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	switch {
	case errors.As(err, &revoked):
		return &hostKeyError{
			text:  fmt.Sprintf("the host key %s of %s is revoked at %s:%d", print, name, revoked.Revoked.Filename, revoked.Revoked.Line),
			hint:  "don't connect; ask who runs the host",
			cause: err,
		}
	case errors.As(err, &mismatch) && len(mismatch.Want) > 0:
		w := mismatch.Want[0]
		return &hostKeyError{
			text: fmt.Sprintf("the host key of %s has changed: it shows %s %s, %s:%d has %s", name, key.Type(), print,
				w.Filename, w.Line, ssh.FingerprintSHA256(w.Key)),
			hint: fmt.Sprintf("someone may be in between, or the host was set up anew. When its administrator confirms the new key: ssh-keygen -R %s -f %s, then: ssh-keyscan -p %s %s >> %s",
				quote(name), w.Filename, port, host, w.Filename),
			cause: err,
		}
	case errors.As(err, &mismatch):
		return &hostKeyError{
			text: fmt.Sprintf("the host key %s %s of %s isn't known", key.Type(), print, name),
			hint: fmt.Sprintf("compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there), then: ssh-keyscan -p %s %s >> %s",
				port, host, file),
			cause: err,
		}
	}
	return &hostKeyError{text: fmt.Sprintf("check the host key of %s: %v", name, err), cause: err}
}
