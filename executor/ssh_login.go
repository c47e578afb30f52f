package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"stepgate/runbook/text"
)

// The ways to log in that are known here, as the protocol names them.
const (
	methodKeys      = "publickey"
	methodQuestions = "keyboard-interactive"
	methodPassword  = "password"
)

const (
	// maxKeys bounds how many keys are offered: servers count each as a failed try,
	// six by default, and some lock the account.
	maxKeys = 5
	// maxWrong is how many wrong answers end a login, before the server locks it.
	maxWrong = 2
	// maxBanner bounds what is kept of what a server says before the login.
	maxBanner = 4 << 10
)

var (
	errWrong    = errors.New("the server didn't take the password")
	errNoMethod = errors.New("the server offers no other way to log in")
)

// login is what we can prove who we are with, and what a person can add.
type login struct {
	hop      *hop
	ctx      context.Context // of whoever waits for the connection
	signers  []ssh.Signer
	unusable []error // keys that couldn't be used
	locked   string  // a key file that wants a passphrase
	agent    net.Conn

	asked   bool     // somebody was
	stopped error    // why nothing more is asked
	said    string   // the server's banner
	allowed []string // ways to log in that the server has named
	keys    bool     // they were offered
	last    string   // the way tried last
	told    bool     // that way has had an answer of a person
	failed  []string // ways that failed without anybody having answered
	wrong   int
	secret  string // the password given last
	kept    bool   // it came from an earlier login, and nobody was asked
}

// banner keeps what the server says before the login, for those who are asked.
func (l *login) banner(said string) error {
	if len(l.said)+len(said) <= maxBanner {
		l.said += said
	}
	return nil
}

// next implements [ssh.ClientConfig.AuthCallback]: it chooses what to try next.
func (l *login) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if len(c.AllowedMethods) > 0 {
		l.allowed = c.AllowedMethods
	}
	if n := len(c.TriedMethods); n > 0 && l.last != "" && !slices.Contains(c.PartialSuccessMethods, l.last) {
		l.lost()
	}
	l.last, l.told = "", false
	if l.stopped != nil {
		return nil, l.stopped
	}
	if l.wrong >= l.hop.config.Tries {
		return nil, errWrong
	}
	for _, m := range l.hop.config.Methods {
		if !slices.Contains(l.allowed, m) || slices.Contains(l.failed, m) {
			continue
		}
		switch m {
		case methodKeys:
			if l.keys || len(l.signers) == 0 {
				continue
			}
			l.keys = true
			return ssh.PublicKeys(l.signers...), nil
		case methodQuestions:
			if l.hop.config.Ask != nil {
				l.last = m
				return ssh.KeyboardInteractive(l.answer), nil
			}
		case methodPassword:
			if l.hop.config.Ask != nil {
				l.last = m
				return ssh.PasswordCallback(l.password), nil
			}
		}
	}
	return nil, errNoMethod
}

// lost notes that what was tried last wasn't enough.
func (l *login) lost() {
	switch {
	case l.told:
		l.wrong++
		if l.kept {
			l.hop.config.Logins.forget(l.hop.config.account())
			l.kept = false
		}
	default:
		l.failed = append(l.failed, l.last)
	}
}

// again is why a person is asked once more.
func (l *login) again() string {
	if l.wrong == 0 {
		return ""
	}
	return "the server didn't take that answer; one more is sent, as accounts get locked"
}

// question asks a person; the host's time stands still meanwhile.
func (l *login) question(p Prompt) (string, error) {
	if l.stopped != nil {
		return "", l.stopped
	}
	if l.hop.config.Ask == nil {
		return "", ErrNobody
	}
	l.hop.dialing.patience.pause()
	defer l.hop.dialing.patience.goOn()
	p.Host = l.hop.config.Name
	answer, err := l.hop.config.Ask.Ask(l.ctx, p)
	if err != nil {
		l.stopped = err
		return "", err
	}
	l.asked = true
	return answer, nil
}

// password implements [ssh.PasswordCallback]. That of a jump host is asked once for
// all hosts behind it.
func (l *login) password() (string, error) {
	c := l.hop.config
	if !l.hop.target && l.wrong == 0 {
		if p, ok := c.Logins.password(c.account()); ok {
			l.secret, l.kept, l.told = p, true, true
			return p, nil
		}
	}
	p, err := l.question(Prompt{
		Kind: PromptPassword, Text: fmt.Sprintf("Password of %s", c.account()), Detail: lines(l.said), Again: l.again(),
	})
	l.told = err == nil
	l.secret = p
	return p, err
}

// answer implements [ssh.KeyboardInteractiveChallenge].
func (l *login) answer(name, instruction string, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	for i, q := range questions {
		detail := append(append(lines(l.said), lines(name)...), lines(instruction)...)
		a, err := l.question(Prompt{
			Kind: PromptInteractive, Text: strings.Join(lines(q), " "), Detail: detail, Echo: echos[i], Again: l.again(),
		})
		if err != nil {
			return nil, err
		}
		l.told = true
		answers[i] = a
	}
	return answers, nil
}

// lines are a server's words, line by line.
func lines(s string) []string {
	var out []string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// succeeded keeps the password of a jump host for the hosts behind it.
func (l *login) succeeded() {
	if !l.hop.target && l.last == methodPassword && l.secret != "" {
		l.hop.config.Logins.keepPassword(l.hop.config.account(), l.secret)
	}
}

func (l *login) close() {
	if l.agent != nil {
		_ = l.agent.Close() // nothing was written that could be lost
	}
}

// account names a login for people.
func (c SSHConfig) account() string { return c.User + "@" + c.Addr }

// explain says why a login didn't succeed, and what can be done about it; nil when it
// wasn't for lack of a key or an answer.
func (l *login) explain(err error) error {
	c := l.hop.config
	switch {
	case errors.Is(err, ErrDeclined):
		return text.WithHint(fmt.Errorf("log in as %s: %w", c.account(), ErrDeclined), "to be asked again, try the host again; a key in the ssh agent needs no answer: ssh-add")
	case errors.Is(err, errWrong):
		return text.WithHint(fmt.Errorf("log in as %s: %w, tries: %d; no more are sent, as accounts get locked", c.account(), errWrong, l.wrong), "make sure of the password first: "+c.tryHint())
	case errors.Is(err, ErrNobody) || errors.Is(err, errNoMethod):
		return l.lacking(err)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return l.lacking(err)
	case l.asked:
		return text.WithHint(fmt.Errorf("log in as %s: %w", c.account(), err), "if the server hung up while it waited for the answer, be quicker, or raise LoginGraceTime in its sshd_config; "+c.tryHint())
	}
	return nil
}

// lacking says what is missing: a key, or a person to ask.
func (l *login) lacking(err error) error {
	c := l.hop.config
	cause := fmt.Errorf("the server refused every key for user %q: %w", c.User, err)
	if len(l.signers) == 0 {
		cause = fmt.Errorf("there is no usable key for user %q: %w", c.User, err)
	}
	cause = errors.Join(append([]error{cause}, l.unusable...)...)
	asks := slices.ContainsFunc([]string{methodPassword, methodQuestions}, func(m string) bool {
		return slices.Contains(l.allowed, m) && slices.Contains(c.Methods, m)
	})
	if l.locked != "" {
		asks = true
	}
	if asks && !l.hop.mayAsk && l.hop.asker != nil {
		return text.WithHint(fmt.Errorf("it needs a login, and a connection that is made anew by itself asks nobody: %w", cause), "try the host again to be asked; a key in the ssh agent needs no answer: ssh-add "+l.locked)
	}
	if asks && l.locked == "" {
		cause = fmt.Errorf("%w; it takes a password, and there is nobody to ask for it", cause)
	}
	return text.WithHint(cause, l.hint())
}

func (l *login) hint() string {
	c := l.hop.config
	host, port, _ := net.SplitHostPort(c.Addr)
	switch {
	case l.locked != "":
		return "give the key to the agent: ssh-add " + l.locked
	case len(l.signers) == 0:
		return "make a key and put it on the host: ssh-keygen -t ed25519, then: ssh-copy-id -p " + port + " " + c.User + "@" + host
	}
	return "put a key of yours on the host: ssh-copy-id -p " + port + " " + c.User + "@" + host
}
