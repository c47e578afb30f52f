package executor

import (
	"context"
	"errors"
)

// Asker puts what a login needs before a person.
type Asker interface {
	// Ask returns what was typed. It blocks until somebody has answered or ctx
	// ends. [ErrDeclined] says that a person didn't want to answer, [ErrNobody]
	// that there is none.
	Ask(ctx context.Context, p Prompt) (string, error)
}

// Witness is an [Asker] that wants to know which keys people take for hosts'.
type Witness interface {
	// HostKeyAccepted is called when somebody has taken a key for a host's and it was
	// written to file: address as it stands there, key as type and fingerprint.
	HostKeyAccepted(host, address, key, file string)
}

// Teller is an [Asker] that passes on what is no question.
type Teller interface {
	// Tell shows a line about a host. It must not be written down: it's the same each
	// time.
	Tell(host, line string)
}

var (
	// ErrDeclined is a person's No.
	ErrDeclined = errors.New("declined")
	// ErrNobody says that there is nobody to ask.
	ErrNobody = errors.New("there is nobody to ask")
)

// PromptKind says what is asked for.
type PromptKind string

const (
	PromptPassword    PromptKind = "password"    // of the login
	PromptPassphrase  PromptKind = "passphrase"  // of a key file
	PromptInteractive PromptKind = "interactive" // one keyboard-interactive question, in the server's words
	PromptHostKey     PromptKind = "host key"    // whether a key that isn't known is the host's
	PromptSudo        PromptKind = "sudo"        // the password that sudo wants
)

// Prompt is one question of a login.
type Prompt struct {
	Kind   PromptKind
	Host   string   // as the inventory names it, or the jump host's
	Text   string   // the question, one line; may hold the server's words: untrusted
	Detail []string // lines to be read before an answer: algorithm, fingerprint, file; untrusted
	Echo   bool     // what is typed may be shown and kept
	Must   string   // what has to be typed, exactly; empty: anything
	Again  string   // why the previous answer didn't do; empty: the first time
}
