package executor

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"

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

// hintOf is the hint of an error of this file.
func hintOf(err error) string {
	var e *hostKeyError
	if errors.As(err, &e) {
		return e.hint
	}
	return ""
}

// hostKeys is what the known_hosts files say of one host.
type hostKeys struct {
	db     *knownhosts.HostKeyDB
	config SSHConfig
	name   string // host:port as it's looked for
}

// hostKeys reads the known_hosts files, anew for each connection: the user may have
// just put them right.
func (c SSHConfig) hostKeys() (*hostKeys, error) {
	var present []string
	for _, f := range c.KnownHosts {
		if _, err := os.Stat(f); err == nil {
			present = append(present, f)
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, &hostKeyError{
				text: fmt.Sprintf("read known hosts: %v", err), hint: "make the file readable: chmod 600 " + f, cause: err,
			}
		}
	}
	db, err := knownhosts.NewDB(present...)
	if err != nil {
		return nil, &hostKeyError{
			text: fmt.Sprintf("read known hosts: %v", err), hint: "correct or remove the line that the message names", cause: err,
		}
	}
	k := &hostKeys{db: db, config: c, name: c.Addr}
	if c.HostKeyAlias != "" {
		k.name = net.JoinHostPort(c.HostKeyAlias, "22") // an alias stands there without a port
	}
	return k, nil
}

// names are what the host may be listed as: OpenSSH takes a key that is listed without
// a port for any port of that host.
func (k *hostKeys) names() []string {
	host, port, err := net.SplitHostPort(k.name)
	if err != nil || port == "22" {
		return []string{k.name}
	}
	return []string{k.name, net.JoinHostPort(host, "22")}
}

// algorithms are those in which to ask for the host's key: first those of keys we
// know, so that a host with several keys shows one of them. accepted are what the
// user's configuration takes, in its order.
func (k *hostKeys) algorithms(accepted []string) []string {
	if len(accepted) == 0 {
		accepted = ssh.SupportedAlgorithms().HostKeys
	} else {
		secure := ssh.SupportedAlgorithms().HostKeys
		accepted = slices.DeleteFunc(slices.Clone(accepted), func(a string) bool { return !slices.Contains(secure, a) })
	}
	var out []string
	for _, name := range k.names() {
		for _, a := range k.db.HostKeyAlgorithms(name) {
			if slices.Contains(accepted, a) && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	// Then the others: a host that shows none of those keys is told about by name.
	for _, a := range accepted {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// plainKey is the key itself of a certificate.
func plainKey(k ssh.PublicKey) ssh.PublicKey {
	if c, ok := k.(*ssh.Certificate); ok {
		return c.Key
	}
	return k
}

// check says whether the key is the host's. A key that isn't known is put before a
// person, when there is one.
func (k *hostKeys) check(l *login, remote net.Addr, key ssh.PublicKey) error {
	err := k.known(remote, key)
	if err == nil {
		return nil
	}
	if knownhosts.IsHostUnknown(err) && l.hop.config.Ask != nil && k.config.NewKeys != "" {
		return k.introduce(l, remote, key)
	}
	return k.explain(err, key)
}

// known checks the key against the files. Its error is unknown only when the files
// have no key of the host.
func (k *hostKeys) known(remote net.Addr, key ssh.PublicKey) error {
	check := k.db.HostKeyCallback()
	first := error(&xknownhosts.KeyError{})
	for i, name := range k.names() {
		shown := key
		if !k.vouchedFor(name, key) {
			shown = plainKey(key) // as if it had no certificate
		}
		err := k.withoutAuthorities(name, shown, check(name, remote, shown))
		var mismatch *xknownhosts.KeyError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &mismatch):
			return err // revoked, or a certificate that doesn't hold
		case i == 0 && len(mismatch.Want) > 0:
			return err // with its port it's known by another key
		case i == 0:
			first = err
		}
	}
	return first
}

// vouchedFor reports whether the key is a certificate of an authority that is known for
// the name. Whether the certificate holds is another matter.
func (k *hostKeys) vouchedFor(name string, key ssh.PublicKey) bool {
	c, ok := key.(*ssh.Certificate)
	return ok && slices.ContainsFunc(k.db.HostKeys(name), func(o knownhosts.PublicKey) bool {
		return o.Cert && bytes.Equal(o.Marshal(), c.SignatureKey.Marshal())
	})
}

// withoutAuthorities is the verdict without lines of @cert-authority, which the library
// takes for keys of the host where a key without a certificate is shown.
func (k *hostKeys) withoutAuthorities(name string, key ssh.PublicKey, verdict error) error {
	if _, ok := key.(*ssh.Certificate); ok {
		return verdict
	}
	var own []ssh.PublicKey
	for _, known := range k.db.HostKeys(name) {
		if !known.Cert {
			own = append(own, known.PublicKey)
		}
	}
	var mismatch *xknownhosts.KeyError
	switch {
	case verdict == nil && !slices.ContainsFunc(own, func(o ssh.PublicKey) bool { return bytes.Equal(o.Marshal(), key.Marshal()) }):
		return &xknownhosts.KeyError{}
	case errors.As(verdict, &mismatch):
		want := slices.DeleteFunc(slices.Clone(mismatch.Want), func(w xknownhosts.KnownKey) bool {
			return !slices.ContainsFunc(own, func(o ssh.PublicKey) bool { return bytes.Equal(o.Marshal(), w.Key.Marshal()) })
		})
		return &xknownhosts.KeyError{Want: want}
	}
	return verdict
}

// explain says why a key isn't trusted.
func (k *hostKeys) explain(err error, key ssh.PublicKey) error {
	print := ssh.FingerprintSHA256(plainKey(key))
	name := knownhosts.Normalize(k.name)
	host, port, _ := net.SplitHostPort(k.config.Addr)
	file := "~/.ssh/known_hosts"
	if len(k.config.KnownHosts) > 0 {
		file = k.config.KnownHosts[0]
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
