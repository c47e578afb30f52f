package run

// HostKeyAccepted says that a person took a key that wasn't known for a host's.
type HostKeyAccepted struct {
	Host    string `json:"host"`    // or jump host, as the operator knows it
	Address string `json:"address"` // as it stands in known_hosts
	Key     string `json:"key"`     // type and fingerprint: "ssh-ed25519 SHA256:…"
	File    string `json:"file"`    // it was written to
}

// Returned says that a host which a step sends away is back, and who it is now.
// It ends the wait of a step with `reconnect`. What the attempt has printed or how
// it ended is another matter: an Outcome, or what its postconditions show.
type Returned struct {
	Cell    Key      `json:"cell"`
	Attempt string   `json:"attempt"`
	Host    Identity `json:"host"`
	AwayMS  int64    `json:"away_ms"` // since the command was sent
}

// NotReturned says that such a host was not back in time, or has never gone.
type NotReturned struct {
	Cell    Key    `json:"cell"`
	Attempt string `json:"attempt"`
	Stayed  bool   `json:"stayed,omitempty"` // it answers, and has not been booted
	Why     string `json:"why"`
	AwayMS  int64  `json:"away_ms"` // since the command was sent
}

// Prompt is what a login needs of a person: a password, a passphrase, a code, or
// whether a host key is right. Nothing of it is journaled but an accepted key.
type Prompt struct {
	ID     string   // to be passed back with [Respond]
	Kind   string   // as executor.PromptKind
	Host   string   // whose login it is
	Text   string   // the question, one line; untrusted
	Detail []string // to be read before an answer; untrusted
	Echo   bool     // what is typed may be shown
	Must   string   // what has to be typed, exactly; empty: anything
	Again  string   // why the previous answer didn't do; untrusted
}
