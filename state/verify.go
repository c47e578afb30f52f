package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"stepgate/runbook/run"
)

// Verification is what a run's journal was found to be.
type Verification struct {
	RunID    string
	Events   uint64 // good ones, from the first on
	Head     [32]byte
	Scrubbed int    // good events whose payload was taken out
	Beside   uint64 // the last event that the head file remembers; 0: there is none
	Problems []Problem
}

// Problem is something that isn't as it was written.
type Problem struct {
	Seq uint64 // the event, or 0
	Why string
}

// OK tells whether nothing was found.
func (v Verification) OK() bool { return len(v.Problems) == 0 }

// FirstBad returns the lowest event that can't be trusted, and why; 0 when all
// can.
func (v Verification) FirstBad() (seq uint64, why string) {
	for _, p := range v.Problems {
		if p.Seq != 0 && (seq == 0 || p.Seq < seq) {
			seq, why = p.Seq, p.Why
		}
	}
	return seq, why
}

func (v *Verification) add(seq uint64, why string) {
	v.Problems = append(v.Problems, Problem{seq, why})
}

// Verify proves a run: the structure of the database, the schema's guards, the
// chain without gaps, each payload, the texts and the output that events refer
// to, and the head kept beside the journal. It fails only when it can't look.
//
// Someone who may write the files can make a run anew that proves; only a head
// kept elsewhere, as in a transcript, shows that.
func (s *Store) Verify(ctx context.Context, runID string) (Verification, error) {
	v := Verification{RunID: runID}
	if err := s.verify(ctx, &v); err != nil {
		return v, fmt.Errorf("verify run %q: %w", runID, err)
	}
	return v, nil
}

func (s *Store) verify(ctx context.Context, v *Verification) error {
	beside, known, err := s.readHead(v.RunID) // before the journal, which only grows
	if err != nil {
		return err
	}
	if known {
		v.Beside = beside.seq
	}
	if err := s.verifyDatabase(ctx, v); err != nil {
		return err
	}
	refs, err := s.verifyChain(ctx, v, beside, known)
	if err != nil {
		return err
	}
	for _, r := range refs {
		if err := s.verifyRef(ctx, r); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			v.add(r.seq, err.Error())
		}
	}
	return nil
}

// ref is something an event refers to.
type ref struct {
	seq     uint64
	blob    string
	attempt string
}

func (s *Store) verifyChain(ctx context.Context, v *Verification, beside head, known bool) ([]ref, error) {
	var refs []ref
	var remembered []byte
	p, err := s.prove(ctx, v.RunID, 0, func(r *row) error {
		if r.runSeq == beside.seq {
			remembered = r.hash
		}
		if r.payload == nil {
			v.Scrubbed++
			return nil
		}
		rec, err := r.record()
		if unknown := (*run.UnknownKindError)(nil); errors.As(err, &unknown) {
			return nil // chained as it is; what it means isn't for verification
		}
		if err != nil {
			return broken(v.RunID, r.runSeq, err.Error())
		}
		refs = append(refs, refsOf(rec)...)
		return nil
	})
	v.Events = p.seq
	copy(v.Head[:], p.head)
	if b := (*BrokenError)(nil); errors.As(err, &b) {
		v.add(b.Seq, b.Why)
		return refs, nil // the rest of the run hangs on the broken link
	}
	if c := (*CorruptError)(nil); errors.As(err, &c) {
		v.add(p.seq+1, c.Error())
		return refs, nil
	}
	if err != nil {
		return nil, err
	}
	if p.seq == 0 && !known {
		return nil, notFound(v.RunID)
	}
	if known {
		if why := beside.against(p.seq, remembered); why != "" {
			v.add(min(beside.seq, p.seq+1), why)
		}
	}
	return refs, nil
}

func refsOf(rec run.Record) []ref {
	switch e := rec.Event.(type) {
	case run.RunStarted:
		return sources(rec.Seq, e.Source, e.Inventory, e.Parts)
	case run.Adopted:
		return sources(rec.Seq, e.Source, e.Inventory, e.Parts)
	case run.Intent:
		return []ref{{seq: rec.Seq, attempt: e.Attempt}}
	}
	return nil
}

// sources are the texts of a version of a runbook.
func sources(seq uint64, book, inventory string, parts map[string]string) []ref {
	refs := []ref{{seq: seq, blob: book}}
	if inventory != "" {
		refs = append(refs, ref{seq: seq, blob: inventory})
	}
	for _, sha := range parts {
		refs = append(refs, ref{seq: seq, blob: sha})
	}
	return refs
}

func (s *Store) verifyRef(ctx context.Context, r ref) error {
	if r.blob != "" || r.attempt == "" {
		_, err := s.Blob(ctx, r.blob)
		return err
	}
	for stream := range 2 {
		for from := int64(0); ; {
			data, at, end, err := s.Output(ctx, r.attempt, stream, from, 4*maxPiece)
			if err != nil {
				return err
			}
			if from = at + int64(len(data)); from >= end {
				break
			}
		}
	}
	return nil
}

// verifyDatabase has SQLite look at its own structure, and compares the schema
// with what the migrations make.
func (s *Store) verifyDatabase(ctx context.Context, v *Verification) error {
	found, err := s.texts(ctx, `PRAGMA quick_check(5)`)
	if err != nil {
		if c := (*CorruptError)(nil); errors.As(err, &c) {
			v.add(0, c.Error())
			return nil
		}
		return err
	}
	for _, f := range found {
		if f != "ok" {
			v.add(0, "database: "+f)
		}
	}
	want, err := cleanSchema(ctx)
	if err != nil {
		return err
	}
	have, err := s.texts(ctx, schemaQuery)
	if err != nil {
		return err
	}
	for _, w := range want {
		if !slices.Contains(have, w) {
			v.add(0, "the database lacks a guard of its schema: "+w)
		}
	}
	for _, h := range have {
		if !slices.Contains(want, h) {
			v.add(0, "the database has something that isn't of its schema: "+h)
		}
	}
	return nil
}

// What SQLite makes by itself (indexes of constraints, statistics) has no text.
const schemaQuery = `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`

// cleanSchema is the schema as the migrations make it.
func cleanSchema(ctx context.Context) (_ []string, err error) {
	db := sql.OpenDB(connector{dsn: "file::memory:?_txlock=immediate"})
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, "", steps); err != nil {
		return nil, err
	}
	return (&Store{r: db}).texts(ctx, schemaQuery)
}
