package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// passphraseTries is how often a passphrase is asked for. Nobody counts these.
const passphraseTries = 3

// Logins is what the logins of several hosts share: keys that were unlocked and the
// passwords of jump hosts, so that each is asked once. It keeps them in memory only.
type Logins struct {
	turn chan struct{} // held while a person is asked for what others may need, too

	mu        sync.Mutex
	unlocked  map[string]ssh.Signer // by file
	passwords map[string]string     // by account
}

// NewLogins returns an empty one.
func NewLogins() *Logins {
	return &Logins{turn: make(chan struct{}, 1), unlocked: map[string]ssh.Signer{}, passwords: map[string]string{}}
}

// oneByOne waits for its turn to ask a person.
func (l *Logins) oneByOne(ctx context.Context) (done func(), err error) {
	select {
	case l.turn <- struct{}{}:
		return func() { <-l.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (l *Logins) key(file string) ssh.Signer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unlocked[file]
}

func (l *Logins) keepKey(file string, s ssh.Signer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unlocked[file] = s
}

func (l *Logins) password(account string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.passwords[account]
	return p, ok
}

func (l *Logins) keepPassword(account, p string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passwords[account] = p
}

func (l *Logins) forget(account string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.passwords, account)
}

// login collects the keys: those of the files, unlocked ones first, then the agent's
// others. A key is offered with its certificates in front of it.
func (h *hop) login(ctx context.Context) *login {
	l := &login{hop: h, ctx: ctx}
	held := l.agentKeys(ctx)
	var locked []ssh.Signer
	var chosen [][]byte // public keys of the identities
	for _, file := range h.config.Identities {
		s, isLocked := l.fromFile(file, held)
		if s == nil {
			continue
		}
		chosen = append(chosen, s.PublicKey().Marshal())
		if isLocked {
			locked = append(locked, s)
		} else {
			l.signers = append(l.signers, s)
		}
	}
	for _, s := range held {
		if !h.config.IdentitiesOnly && !slices.ContainsFunc(chosen, func(k []byte) bool { return bytes.Equal(k, s.PublicKey().Marshal()) }) {
			l.signers = append(l.signers, s)
		}
	}
	l.signers = l.certified(append(l.signers, locked...))
	if len(l.signers) > maxKeys {
		l.signers = l.signers[:maxKeys]
	}
	return l
}

// agentKeys are the keys of the agent. An agent that can't be asked is one more key
// that can't be used.
func (l *login) agentKeys(ctx context.Context) []ssh.Signer {
	if l.hop.config.AgentSocket == "" {
		return nil
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", l.hop.config.AgentSocket)
	if err != nil {
		l.unusable = append(l.unusable, fmt.Errorf("ask the ssh agent: %w", err))
		return nil
	}
	l.agent = conn
	context.AfterFunc(ctx, func() { _ = conn.Close() }) // an agent may be silent, or wait for a touch
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		l.unusable = append(l.unusable, fmt.Errorf("ask the ssh agent: %w", err))
		return nil
	}
	return signers
}

// fromFile is the signer of a key file: the agent's when it has the key, the file's
// own, or one that asks for the passphrase when it's used.
func (l *login) fromFile(file string, held []ssh.Signer) (s ssh.Signer, locked bool) {
	public := publicKey(file + ".pub")
	if s := holds(held, public); s != nil {
		return s, false
	}
	if s := l.hop.config.Logins.key(file); s != nil {
		return s, false
	}
	pem, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, false
	}
	if err != nil {
		l.unusable = append(l.unusable, fmt.Errorf("read key: %w", err))
		return nil, false
	}
	s, err = ssh.ParsePrivateKey(pem)
	var missing *ssh.PassphraseMissingError
	if !errors.As(err, &missing) {
		if err != nil {
			l.unusable = append(l.unusable, fmt.Errorf("read key %q: %w", file, err))
			return nil, false
		}
		return s, false
	}
	if missing.PublicKey != nil {
		public = missing.PublicKey
	}
	if s := holds(held, public); s != nil {
		return s, false
	}
	if l.locked == "" {
		l.locked = file
	}
	switch {
	case public == nil:
		l.unusable = append(l.unusable, fmt.Errorf("key %q needs a passphrase, and isn't of a kind that shows its public half; ssh-keygen -p -f %s writes it anew", file, file))
		return nil, false
	case l.hop.config.Ask == nil:
		l.unusable = append(l.unusable, fmt.Errorf("key %q needs a passphrase", file))
		return nil, false
	}
	return &lockedKey{login: l, file: file, pem: pem, public: public}, true
}

// publicKey reads a public key or certificate file; nil when there is none.
func publicKey(file string) ssh.PublicKey {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	k, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil
	}
	return k
}

// holds is the agent's signer for a key.
func holds(held []ssh.Signer, k ssh.PublicKey) ssh.Signer {
	if k == nil {
		return nil
	}
	for _, s := range held {
		if bytes.Equal(s.PublicKey().Marshal(), k.Marshal()) {
			return s
		}
	}
	return nil
}

// certified puts each signer's certificates before it.
func (l *login) certified(signers []ssh.Signer) []ssh.Signer {
	var certs []*ssh.Certificate
	files := slices.Clone(l.hop.config.Certificates)
	for _, f := range l.hop.config.Identities {
		files = append(files, f+"-cert.pub")
	}
	for i, f := range files {
		c, ok := publicKey(f).(*ssh.Certificate)
		if ok {
			certs = append(certs, c)
		} else if i < len(l.hop.config.Certificates) {
			l.unusable = append(l.unusable, fmt.Errorf("read certificate %q: there is none in it", f))
		}
	}
	var out []ssh.Signer
	for _, s := range signers {
		for _, c := range certs {
			if !bytes.Equal(c.Key.Marshal(), s.PublicKey().Marshal()) {
				continue
			}
			cs, err := ssh.NewCertSigner(c, s)
			if err != nil {
				l.unusable = append(l.unusable, fmt.Errorf("use the certificate %q: %w", c.KeyId, err))
				continue
			}
			out = append(out, cs)
		}
		out = append(out, s)
	}
	return out
}

// lockedKey is a key whose passphrase is asked for when the server has said that it
// would take the key.
type lockedKey struct {
	login  *login
	file   string
	pem    []byte
	public ssh.PublicKey
}

// PublicKey implements [ssh.Signer].
func (k *lockedKey) PublicKey() ssh.PublicKey { return k.public }

// Sign implements [ssh.Signer].
func (k *lockedKey) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return k.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm implements [ssh.AlgorithmSigner].
func (k *lockedKey) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	s, err := k.unlock()
	if err != nil {
		return nil, err
	}
	if as, ok := s.(ssh.AlgorithmSigner); ok && algorithm != "" {
		return as.SignWithAlgorithm(rand, data, algorithm)
	}
	return s.Sign(rand, data)
}

func (k *lockedKey) unlock() (ssh.Signer, error) {
	l := k.login
	patience := l.hop.dialing.patience
	patience.pause() // whoever is asked first may be asked for another host
	defer patience.goOn()
	done, err := l.hop.config.Logins.oneByOne(l.ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if s := l.hop.config.Logins.key(k.file); s != nil {
		return s, nil
	}
	again := ""
	for range passphraseTries {
		p, err := l.question(Prompt{Kind: PromptPassphrase, Text: fmt.Sprintf("Passphrase of the key %s", k.file), Again: again})
		if err != nil {
			return nil, err
		}
		s, err := ssh.ParsePrivateKeyWithPassphrase(k.pem, []byte(p))
		if err == nil {
			l.hop.config.Logins.keepKey(k.file, s)
			return s, nil
		}
		again = "that isn't the key's passphrase"
	}
	err = fmt.Errorf("unlock key %q: none of %d passphrases was right", k.file, passphraseTries)
	l.unusable = append(l.unusable, err)
	return nil, err
}
