package state

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"stepgate/runbook/run"
)

// row is an event as the table has it.
type row struct {
	runID     string
	runSeq    uint64
	epoch     uint64
	wallNS    int64
	monoNS    int64
	boot      string
	actor     string
	kind      string
	step      string
	target    string
	attemptNo int
	attempt   sql.NullString
	outcomeOf sql.NullString
	grant     sql.NullString
	payload   []byte // nil: scrubbed
	payloadSH []byte
	prev      []byte
	hash      []byte
}

const rowColumns = `run_id, run_seq, epoch, wall_ns, mono_ns, boot_id, actor, type, step_id, target,
	attempt_no, attempt_id, outcome_of, grant_id, payload, payload_sha, prev, hash`

func (r *row) fields() []any {
	return []any{
		&r.runID, &r.runSeq, &r.epoch, &r.wallNS, &r.monoNS, &r.boot, &r.actor, &r.kind, &r.step, &r.target,
		&r.attemptNo, &r.attempt, &r.outcomeOf, &r.grant, &r.payload, &r.payloadSH, &r.prev, &r.hash,
	}
}

// digest is the row's link in the chain. It covers every column but the payload
// itself, whose hash stands for it, so that a payload can be scrubbed.
func (r *row) digest() [sha256.Size]byte {
	h := sha256.New()
	h.Write([]byte("sgj1"))
	h.Write(r.prev)
	number := func(v uint64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], v)
		h.Write(b[:])
	}
	field := func(b []byte) {
		number(uint64(len(b)))
		h.Write(b)
	}
	optional := func(s sql.NullString) {
		if !s.Valid {
			number(1<<64 - 1) // no string is as long
			return
		}
		field([]byte(s.String))
	}
	field([]byte(r.runID))
	for _, v := range []uint64{r.runSeq, r.epoch, uint64(r.wallNS), uint64(r.monoNS)} { //nolint:gosec // bits, not amounts
		number(v)
	}
	for _, s := range []string{r.boot, r.actor, r.kind, r.step, r.target} {
		field([]byte(s))
	}
	number(uint64(r.attemptNo)) //nolint:gosec // bits, not an amount
	for _, s := range []sql.NullString{r.attempt, r.outcomeOf, r.grant} {
		optional(s)
	}
	field(r.payloadSH)
	return [sha256.Size]byte(h.Sum(nil))
}

// seal chains the row to prev.
func (r *row) seal(prev []byte) {
	sum := sha256.Sum256(r.payload)
	r.payloadSH, r.prev = sum[:], prev
	hash := r.digest()
	r.hash = hash[:]
}

// origin is what a run's first event is chained to.
func origin(e run.RunStarted) ([]byte, error) {
	closure, err := hex.DecodeString(e.Closure)
	if err != nil || len(closure) != sha256.Size {
		return nil, fmt.Errorf("closure hash %q isn't a SHA-256", e.Closure)
	}
	sum := sha256.Sum256(closure)
	return sum[:], nil
}

// newRow is the row of an event, not yet chained.
func newRow(runID string, epoch uint64, actor, boot string, at time.Time, e run.Event) (*row, error) {
	kind, payload, err := run.Encode(e)
	if err != nil {
		return nil, err
	}
	cell, attempt := run.KeyOf(e)
	r := &row{
		runID: runID, epoch: epoch, wallNS: at.UnixNano(), monoNS: sinceBoot(), boot: boot, actor: actor,
		kind: kind, step: cell.Step, target: cell.Target, attempt: nonEmpty(attempt), payload: payload,
	}
	switch e := e.(type) {
	case run.Intent:
		r.attemptNo, r.grant = e.No, nonEmpty(e.Gate)
	case run.ManualDone:
		r.grant = nonEmpty(e.Gate)
	}
	return r, nil
}

func nonEmpty(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

// record is the row as the journal's readers get it. Its event is always the
// decoded payload, so that a run in progress and a resumed one see the same.
func (r *row) record() (run.Record, error) {
	rec := run.Record{
		RunID: r.runID, Seq: r.runSeq, Epoch: r.epoch, Wall: time.Unix(0, r.wallNS).UTC(), Actor: r.actor,
		Prev: [sha256.Size]byte(r.prev), Hash: [sha256.Size]byte(r.hash),
	}
	if r.payload == nil {
		return rec, fmt.Errorf("event %d of run %q was scrubbed", r.runSeq, r.runID)
	}
	e, err := run.Decode(r.kind, r.payload)
	if err != nil {
		return rec, err
	}
	rec.Event = e
	return rec, nil
}

// proof goes through a run's rows in order and says where the chain breaks.
type proof struct {
	runID string
	seq   uint64 // of the last good event
	head  []byte // its hash; nil: the proof begins behind it, and takes it as it stands
}

// next proves one more row. Its error says what is wrong with it.
func (p *proof) next(r *row) error {
	if r.runSeq != p.seq+1 {
		return fmt.Errorf("event %d is missing; the next one is %d", p.seq+1, r.runSeq)
	}
	if err := r.carries(); err != nil {
		return err
	}
	if err := p.links(r); err != nil {
		return err
	}
	if hash := r.digest(); string(hash[:]) != string(r.hash) {
		return errChanged
	}
	p.seq, p.head = r.runSeq, r.hash
	return nil
}

// links proves that the row is chained to the one before it.
func (p *proof) links(r *row) error {
	switch {
	case r.runSeq == 1:
		return p.first(r)
	case p.head != nil && string(r.prev) != string(p.head):
		return errors.New("it isn't chained to the event before it")
	}
	return nil
}

var errChanged = errors.New("it was changed after it was written: its hash differs")

// carries proves that the payload is the one that was written.
func (r *row) carries() error {
	if len(r.prev) != sha256.Size || len(r.hash) != sha256.Size {
		return errors.New("its hashes aren't SHA-256")
	}
	if r.payload != nil && sha256.Sum256(r.payload) != [sha256.Size]byte(pad(r.payloadSH)) {
		return errors.New("its payload was changed after it was written")
	}
	return nil
}

// intact proves that the row is as it was written.
func (r *row) intact() error {
	if err := r.carries(); err != nil {
		return err
	}
	if hash := r.digest(); string(hash[:]) != string(r.hash) {
		return errChanged
	}
	return nil
}

func (p *proof) first(r *row) error {
	if r.payload == nil {
		return nil // what it was chained to went with the payload
	}
	e, err := run.Decode(r.kind, r.payload)
	if err != nil {
		return err
	}
	started, ok := e.(run.RunStarted)
	if !ok {
		return fmt.Errorf("the run begins with %s", r.kind)
	}
	want, err := origin(started)
	if err != nil {
		return err
	}
	if string(want) != string(r.prev) {
		return errors.New("it isn't chained to the run's sources")
	}
	return nil
}

// pad makes any bytes comparable with a hash.
func pad(b []byte) []byte {
	if len(b) == sha256.Size {
		return b
	}
	return make([]byte, sha256.Size)
}
