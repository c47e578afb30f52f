package executor

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// yes is what has to be typed to take a key for a host's.
const yes = "yes"

// introduce puts a key that isn't known before a person, and keeps it when they take it
// for the host's.
func (k *hostKeys) introduce(l *login, remote net.Addr, key ssh.PublicKey) error {
	patience := l.hop.dialing.patience
	patience.pause()
	defer patience.goOn()
	done, err := k.config.Logins.oneByOne(l.ctx)
	if err != nil {
		return err
	}
	defer done()
	// Somebody may have taken it meanwhile, for another name of the same host.
	fresh, err := k.config.hostKeys()
	if err != nil {
		return err
	}
	if err := fresh.known(remote, key); err == nil || !knownhosts.IsHostUnknown(err) {
		if err != nil {
			return fresh.explain(err, key)
		}
		return nil
	}
	key = plainKey(key) // a certificate of an authority that isn't known is worth no more
	address, print := knownhosts.Normalize(k.name), key.Type()+" "+ssh.FingerprintSHA256(key)
	answer, err := l.question(Prompt{
		Kind: PromptHostKey, Must: yes,
		Text: fmt.Sprintf("Is this the key of %s? Type yes when you have made sure.", address),
		Detail: []string{
			"its key isn't known: " + key.Type(),
			"fingerprint: " + ssh.FingerprintSHA256(key),
			"it will be written to " + k.config.NewKeys,
			"compare it with the host's own: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub",
		},
	})
	if errors.Is(err, ErrNobody) || err == nil && answer != yes {
		return k.explain(&xknownhosts.KeyError{}, key)
	}
	if err != nil {
		return err
	}
	if err := k.config.keepHostKey(k.name, key); err != nil {
		return &hostKeyError{
			text: fmt.Sprintf("write the host key of %s to %q: %v", address, k.config.NewKeys, err),
			hint: "nothing was connected to; make the file writable: chmod 600 " + k.config.NewKeys, cause: err,
		}
	}
	if w, ok := l.hop.config.Ask.(Witness); ok {
		w.HostKeyAccepted(l.hop.config.Name, address, print, k.config.NewKeys)
	}
	return nil
}

// keepHostKey appends the key to the user's known_hosts, durably.
func (c SSHConfig) keepHostKey(name string, key ssh.PublicKey) (err error) {
	dir := filepath.Dir(c.NewKeys)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(c.NewKeys, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	line := knownhosts.Line([]string{name}, key) + "\n"
	if c.HashNames {
		line = xknownhosts.HashHostname(knownhosts.Normalize(name)) + line[len(knownhosts.Normalize(name)):]
	}
	if open, err := openEnded(f); err != nil {
		return err
	} else if open {
		line = "\n" + line
	}
	if _, err := io.WriteString(f, line); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openEnded reports whether a file's last line isn't ended.
func openEnded(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}
