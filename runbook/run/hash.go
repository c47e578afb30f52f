package run

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"regexp"
	"strconv"
)

// Dispatch is what is run, byte for byte, and where.
type Dispatch struct {
	Where       string `json:"where"`
	Form        string `json:"form,omitempty"`   // sql, http, tcp; empty: a script
	Via         string `json:"via,omitempty"`    // host that sql, http and tcp go through
	Server      string `json:"server,omitempty"` // of sql: "mysql root@10.0.0.1:2881/db", for people
	SSH         string `json:"ssh,omitempty"`
	Interpreter string `json:"interpreter"`
	Prefix      string `json:"prefix"` // options and prelude; the text that runs is Prefix + Body
	Body        string `json:"body"`
	// Language is that of [languages] whose line Body is; Text is what the line is
	// given, secrets masked: it comes as the variable STEPGATE_FENCE.
	Language  string `json:"language,omitempty"`
	Text      string `json:"text,omitempty"`
	Env       []Var  `json:"env"` // sorted by name
	Dir       string `json:"dir,omitempty"`
	Login     bool   `json:"login,omitempty"` // by a login shell
	User      string `json:"user,omitempty"`  // whom to become
	TTY       bool   `json:"tty,omitempty"`   // on the operator's terminal
	TimeoutMS int64  `json:"timeout_ms,omitempty"`
	// ReconnectMS is how long the host may be away, once the command was sent; 0: it
	// isn't sent away. Reboot: it comes back with another boot id.
	ReconnectMS int64 `json:"reconnect_ms,omitempty"`
	Reboot      bool  `json:"reboot,omitempty"`
}

// Var is an environment variable of a command.
type Var struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // empty for a secret
	Secret bool   `json:"secret,omitempty"`
}

// field writes a length-prefixed field, so that no two lists of fields have
// the same bytes.
func field(h hash.Hash, parts ...string) {
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
}

// Hash names what would run on which machine: interpreter, bytes, environment
// (secrets by name), directory, what it goes through, and machine id.
func (d Dispatch) Hash(machineID string) string {
	h := sha256.New()
	field(h, "sgd1", d.Interpreter, d.Prefix, d.Body, d.Dir, d.Where, d.SSH, machineID)
	for _, v := range d.Env {
		field(h, v.Name, v.Value)
		if v.Secret {
			field(h, "", "secret", v.Name)
		}
	}
	// Behind the rest and only where they are set, so that a script keeps the hash
	// it has always had: journals of earlier versions name attempts by it.
	for _, extra := range [][2]string{{"form", d.Form}, {"via", d.Via}, {"server", d.Server}, {"user", d.User}, {"language", d.Language}, {"text", d.Text}} {
		if extra[1] != "" {
			field(h, "", extra[0], extra[1])
		}
	}
	if d.Login {
		field(h, "", "login", "true")
	}
	if d.TTY {
		field(h, "", "tty", "true")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// AttemptID names a dispatch. It is deterministic: two journals of one run that
// dispatch the same thing collide on the host instead of running it twice.
func AttemptID(runID string, k Key, no int, dispatchHash string) string {
	h := sha256.New()
	field(h, "sg1", runID, k.String(), strconv.Itoa(no), dispatchHash)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Binding is what a grant is bound to: the cell, the bytes and values, the host
// with its key, the plan, its sources, and the lease.
func Binding(r *Run, k Key, d *Dispatch, id Identity) string {
	h := sha256.New()
	field(h, "sgg1", r.ID, k.String(), r.Plan.Digest, r.Start.Closure, strconv.FormatUint(r.Epoch, 10))
	if d != nil {
		b, err := json.Marshal(d)
		if err != nil {
			panic("binding: " + err.Error()) // plain strings and numbers only
		}
		field(h, string(b), d.Hash(id.MachineID), id.HostKey)
	}
	return hex.EncodeToString(h.Sum(nil))
}

var word = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// Named are the variables whose names occur in the text that runs: those a
// reader wants to see the values of.
func (d Dispatch) Named() []Var {
	named := namesIn(d.Prefix + d.Body)
	var vars []Var
	for _, v := range d.Env {
		if named[v.Name] && v.Name != languageText {
			vars = append(vars, v)
		}
	}
	return vars
}
