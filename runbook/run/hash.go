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
