package state

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"stepgate/runbook/text"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID marks the file as a journal: "SGJ1".
const applicationID = 0x53474a31

// NewerSchemaError is a journal that a later version has written.
type NewerSchemaError struct{ Have, Known int }

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("it has schema %d, and this version of stepgate knows %d", e.Have, e.Known)
}

// migrations returns the steps in order: the first makes schema 1.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]string, 0, len(names))
	for i, name := range names {
		var no int
		if _, err := fmt.Sscanf(name, "migrations/%04d_", &no); err != nil || no != i+1 {
			return nil, fmt.Errorf("migration %q isn't number %d", name, i+1)
		}
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		steps = append(steps, string(b))
	}
	return steps, nil
}

// migrate takes the journal forward in one transaction, in which it is proven
// before it is committed. A journal that has a schema already is copied beside
// itself first.
func migrate(ctx context.Context, w *sql.DB, path string, steps []string) error {
	have, err := schemaOf(ctx, w)
	if err != nil {
		return err
	}
	if have > len(steps) {
		return newerSchema(have, len(steps))
	}
	if have == len(steps) {
		return nil
	}
	if have > 0 {
		if err := backUp(ctx, w, fmt.Sprintf("%s.schema%d", path, have)); err != nil {
			return err
		}
	}
	tx, err := w.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	if err := migrateSteps(ctx, tx, have, steps); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

func migrateSteps(ctx context.Context, tx *sql.Tx, have int, steps []string) error {
	var before map[string]string
	var err error
	if have > 0 {
		if before, err = census(ctx, tx); err != nil {
			return err
		}
	}
	for no := have + 1; no <= len(steps); no++ {
		for _, q := range []string{
			steps[no-1],
			fmt.Sprintf("PRAGMA application_id=%d", applicationID),
			fmt.Sprintf("PRAGMA user_version=%d", no),
		} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return fmt.Errorf("bring it to schema %d: %w", no, err)
			}
		}
	}
	if have == 0 {
		return nil
	}
	return same(ctx, tx, before, fmt.Sprintf("bring it to schema %d", len(steps)))
}

// same proves that the runs are what they were.
func same(ctx context.Context, from source, before map[string]string, doing string) error {
	after, err := census(ctx, from)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if !maps.Equal(before, after) {
		return fmt.Errorf("%s: the runs would be other ones: %v, and were %v", doing, after, before)
	}
	return nil
}

// census proves the structure of a database and the chain of each run, and
// returns for each where its chain ends and why: a run that was broken before
// doesn't keep the others from going on.
func census(ctx context.Context, from source) (map[string]string, error) {
	for _, q := range []string{`PRAGMA quick_check(1)`, `PRAGMA foreign_key_check`} {
		found, err := texts(ctx, from, q)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 && found[0] != "ok" {
			return nil, fmt.Errorf("the file is damaged: %s", found[0])
		}
	}
	ids, err := texts(ctx, from, `SELECT DISTINCT run_id FROM event`)
	if err != nil {
		return nil, err
	}
	ends := map[string]string{}
	for _, id := range ids {
		p := proof{runID: id}
		err := p.rows(ctx, from, byIndex, func(*row) error { return nil })
		if err != nil && !errors.As(err, new(*BrokenError)) {
			return nil, err
		}
		ends[id] = fmt.Sprintf("%d %x %v", p.seq, p.head, err)
	}
	return ends, nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// schemaOf returns the number of the journal's schema, 0 for a new file.
func schemaOf(ctx context.Context, db *sql.DB) (int, error) {
	var app, version, tables int
	err := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id()),
		(SELECT user_version FROM pragma_user_version()), (SELECT count(*) FROM sqlite_schema)`).
		Scan(&app, &version, &tables)
	if err != nil {
		return 0, err
	}
	if app != applicationID && (app != 0 || version != 0 || tables != 0) {
		return 0, errors.New("it is a SQLite database and not a journal of stepgate")
	}
	return version, nil
}

// readable proves that the journal's schema can be read. Of a later version's
// that is what this one asks for, as long as it is there.
func (s *Store) readable(ctx context.Context, known int) error {
	have, err := schemaOf(ctx, s.r)
	switch {
	case err != nil:
		return err
	case have == 0:
		if err := notLost(s.path); err != nil {
			return err
		}
		return text.WithHint(errors.New("it is empty"), "no run was started yet; `stepgate demo` starts one on a simulated cluster")
	case have < known:
		return text.WithHint(fmt.Errorf("it has the older schema %d", have),
			"any command that can write to the directory brings it up to date, such as `stepgate resume`")
	case have > known:
		for _, q := range []string{runColumns, `SELECT ` + rowColumns + ` FROM event`, leaseColumns, chunkColumns} {
			if prepares(ctx, s.r, q) != nil {
				return newerSchema(have, known)
			}
		}
		s.newer = &NewerSchemaError{have, known}
		s.note(fmt.Sprintf("%v: only what this version knows is shown", s.newer))
	}
	return nil
}

func prepares(ctx context.Context, db *sql.DB, query string) (err error) {
	stmt, err := db.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	return nil
}

func newerSchema(have, known int) error {
	return text.WithHint(&NewerSchemaError{have, known},
		"use the version of stepgate that wrote it, or a later one; nothing was changed")
}

// backUp copies the database as it is now, durably and proven, which SQLite
// does neither of. The file is made first, because SQLite would make it readable
// to others.
func backUp(ctx context.Context, w *sql.DB, to string) (err error) {
	part := to + ".part"
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy the journal to %q before changing its schema: %w", to, err)
		}
	}()
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, fileMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := w.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	before, err := census(ctx, w)
	if err == nil {
		err = wholeCopy(ctx, part, before)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := errors.Join(f.Sync(), os.Rename(part, to)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func wholeCopy(ctx context.Context, path string, before map[string]string) (err error) {
	db := openReaders(path, modeImmutable)
	defer func() { err = errors.Join(err, db.Close()) }()
	return same(ctx, db, before, "prove the copy")
}
