package wording

import (
	"strings"

	"stepgate/runbook/run"
)

// Kinds of what a login asks for, as in [run.Prompt].
const (
	askPassword    = "password"
	askPassphrase  = "passphrase"
	askInteractive = "interactive"
	askHostKey     = "host key"
	askSudo        = "sudo"
)

// Asks is the question of a login as a line.
func Asks(p *run.Prompt) string {
	s := strings.TrimSpace(Line(p.Text))
	if s != "" {
		return s
	}
	host := Line(p.Host)
	switch p.Kind {
	case askPassword:
		return "Password of the login on " + host
	case askPassphrase:
		return "Passphrase of the key for " + host
	case askHostKey:
		return "Is this the key of " + host + "?"
	case askSudo:
		return "Password for sudo on " + host
	}
	return "The login on " + host + " asks for an answer"
}

// Wants names what a login asks for, in a word or two.
func Wants(p *run.Prompt) string {
	switch p.Kind {
	case askHostKey:
		return "a confirmation of its key"
	case askInteractive, "":
		return "a question"
	case askSudo:
		return "the password for sudo"
	}
	return "a " + Line(p.Kind)
}

// MayBeEmpty reports whether an empty answer is one. Servers ask to press enter;
// nobody's password is empty.
func MayBeEmpty(p *run.Prompt) bool { return p.Kind == askInteractive }
