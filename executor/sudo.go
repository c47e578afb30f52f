package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// sudoTries is how often a password is asked for: lockouts count, too.
const sudoTries = 3

// becoming is how the login of a host becomes another user.
type becoming struct {
	user     string
	asked    bool // sudo wants a password
	password string
}

// sudoer knows how the login becomes others, for as long as the executor is open. A
// password is kept here and nowhere else.
type sudoer struct {
	ask  Asker // nil: nobody
	turn sync.Mutex

	mu       sync.Mutex
	users    map[string]becoming // guarded by mu, as is the next
	password string              // the last right one, which most often does for every user
}

func (s *sudoer) known(user string) (becoming, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.users[user]
	return b, ok
}

func (s *sudoer) keep(name string, b becoming) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == nil {
		s.users = map[string]becoming{}
	}
	s.users[name] = b
	if b.password != "" {
		s.password = b.password
	}
}

// Ready implements [Executor].
func (s *shell) Ready(ctx context.Context, c Command) error {
	if err := c.check(); err != nil {
		return s.t.unreached(err, "")
	}
	_, err := s.become(ctx, c.User)
	return err
}

// become returns how the login becomes a user, whose name is empty when it is that
// user already. Its error is a *ReachError, and nothing was started.
func (s *shell) become(ctx context.Context, user string) (becoming, error) {
	if user == "" {
		return becoming{}, nil
	}
	if b, ok := s.sudo.known(user); ok {
		return b, nil
	}
	s.sudo.turn.Lock() // one question at a time; others may be answered by its answer
	defer s.sudo.turn.Unlock()
	if b, ok := s.sudo.known(user); ok {
		return b, nil
	}
	b, err := s.negotiate(ctx, user)
	if err != nil {
		return becoming{}, err
	}
	s.sudo.keep(user, b)
	return b, nil
}

// negotiate finds out what sudo wants, and asks a person for it.
func (s *shell) negotiate(ctx context.Context, user string) (becoming, error) {
	b := becoming{user: user}
	said, err := s.trySudo(ctx, &b)
	if err != nil || said == "" {
		return b, err
	}
	if hint, why := s.refusal(user, said); why != nil {
		return b, s.t.unreached(why, hint)
	}
	b.asked = true
	if b.password = s.sudo.password; b.password != "" {
		if said, err = s.trySudo(ctx, &b); err != nil || said == "" {
			return b, err
		}
	}
	again := ""
	for range sudoTries {
		if b.password, err = s.askPassword(ctx, user, again); err != nil {
			return b, err
		}
		if said, err = s.trySudo(ctx, &b); err != nil || said == "" {
			return b, err
		}
		if hint, why := s.refusal(user, said); why != nil {
			return b, s.t.unreached(why, hint)
		}
		again = "sudo doesn't take that password"
	}
	return b, s.t.unreached(fmt.Errorf("become user %q: sudo took none of %d passwords", user, sudoTries), s.sudoHint(user))
}

func (s *shell) askPassword(ctx context.Context, user, again string) (string, error) {
	password, err := "", ErrNobody
	host := s.t.unreached(nil, "").Host
	if s.sudo.ask != nil {
		password, err = s.sudo.ask.Ask(ctx, Prompt{
			Kind: PromptSudo, Host: host, Again: again,
			Text: fmt.Sprintf("sudo's password on %s, to become %s", host, user),
		})
	}
	switch {
	case errors.Is(err, ErrNobody):
		return "", s.t.unreached(fmt.Errorf("become user %q: sudo wants a password, and %w", user, err),
			"run it with a terminal, or let sudo become "+user+" without a password (NOPASSWD in sudoers)")
	case err != nil:
		return "", s.t.unreached(fmt.Errorf("become user %q: sudo wants a password: %w", user, err), "")
	case strings.ContainsAny(password, "\n\x00"):
		return "", s.t.unreached(fmt.Errorf("become user %q: the password is more than one line", user), "")
	}
	return password, nil
}

// trySudo runs nothing as the user and returns what sudo says about it; "" is its yes.
func (s *shell) trySudo(ctx context.Context, b *becoming) (said string, err error) {
	fail := func(err error) (string, error) {
		var reach *ReachError
		if errors.As(err, &reach) {
			return "", reach
		}
		return "", s.t.unreached(fmt.Errorf("become user %q: %w", b.user, err), "")
	}
	if err := s.t.connect(ctx); err != nil {
		return fail(err)
	}
	p := newProgram()
	p.setNobody()
	p.setUser(*b)
	r, err := s.ask(ctx, p, false, "frame", "become", "sudo")
	if err != nil {
		return fail(err)
	}
	switch r.get("may") {
	case "self":
		b.user = ""
		return "", nil
	case "yes":
		return "", nil
	case "missing":
		return fail(s.t.unreached(fmt.Errorf("become user %q: sudo isn't installed there, or isn't on the login's PATH", b.user),
			"log in as "+b.user+", or install sudo"))
	}
	if said = r.get("said"); said == "" {
		said = "sudo failed and didn't say why"
	}
	return said, nil
}

// refusal is what sudo means by what it said; nil: that a password is wanted, or
// another one.
func (s *shell) refusal(user, said string) (hint string, why error) {
	has := func(text string) bool { return strings.Contains(said, text) }
	switch {
	case has("must have a tty"):
		return "take requiretty out of sudoers for this login (Defaults:LOGIN !requiretty), or make the step .tty",
			fmt.Errorf("become user %q: sudo there wants a terminal (requiretty)", user)
	case has("unknown user"), has("unknown uid"):
		return s.sudoHint(user), fmt.Errorf("become user %q: there is no such user", user)
	case has("not in the sudoers file"), has("may not run sudo"), has("not allowed to run sudo"):
		return s.sudoHint(user), fmt.Errorf("become user %q: sudoers doesn't let this login use sudo", user)
	case has("is not allowed to execute"):
		return "commands are run by sh: allow LOGIN ALL=(" + user + ") /bin/sh, /usr/bin/sh",
			fmt.Errorf("become user %q: sudoers doesn't let this login run sh as that user", user)
	case has("password is required"), has("Sorry, try again"), has("incorrect password"), has("no password was provided"):
		return "", nil
	}
	return s.sudoHint(user), fmt.Errorf("become user %q: %s", user, said)
}

// sudoHint names the command that shows what sudo itself says.
func (s *shell) sudoHint(user string) string {
	host := s.t.unreached(nil, "").Host
	if host == "local" {
		return "try: sudo -k -u " + user + " true"
	}
	return "try: ssh -t " + host + " sudo -k -u " + user + " true"
}

// carry gives a program an attempt's command, to be run as its user.
func (s *shell) carry(ctx context.Context, p *program, c Command) error {
	b, err := s.become(ctx, c.User)
	if err != nil {
		return err
	}
	if b.user == "" {
		p.setCommand(c)
		return nil
	}
	inner := newProgram()
	inner.setCommand(Command{Interpreter: c.Interpreter, Login: c.Login, Body: c.Body, Env: c.Env, Dir: c.Dir})
	p.setCommand(Command{Body: c.Body, Masks: c.Masks})
	p.setUser(b)
	p.setInner(inner, "frame", "process", "command", "user")
	return nil
}

// as wraps a program in one that runs it as a user; its answers are its own.
func (s *shell) as(ctx context.Context, user string, inner *program, scripts ...string) (frame []byte, err error) {
	b, err := s.become(ctx, user)
	if err != nil {
		return nil, err
	}
	if b.user == "" {
		return inner.frame(scripts...), nil
	}
	p := newProgram()
	p.setNobody()
	p.setUser(b)
	p.setInner(inner, scripts...)
	return p.frame("frame", "command", "become", "as"), nil
}
