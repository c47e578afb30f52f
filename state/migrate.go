package state

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

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

// migrate takes the journal forward, each step in a transaction of its own. A
// journal that has events is copied beside itself first.
func migrate(ctx context.Context, w *sql.DB, path string, steps []string) error {
	have, err := schemaOf(ctx, w)
	if err != nil {
		return err
	}
	if have > len(steps) {
		return newerSchema(have, len(steps))
	}
	if have > 0 && have < len(steps) {
		if err := backUp(ctx, w, fmt.Sprintf("%s.schema%d", path, have)); err != nil {
			return err
		}
	}
	for no := have + 1; no <= len(steps); no++ {
		if err := migrateStep(ctx, w, no, steps[no-1]); err != nil {
			return fmt.Errorf("bring it to schema %d: %w", no, err)
		}
	}
	return nil
}

func migrateStep(ctx context.Context, w *sql.DB, no int, step string) (err error) {
	tx, err := w.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		}
	}()
	for _, q := range []string{
		step,
		fmt.Sprintf("PRAGMA application_id=%d", applicationID),
		fmt.Sprintf("PRAGMA user_version=%d", no),
	} {
		if _, err := tx.Exec(q); err != nil {
			return err
		}
	}
	return tx.Commit()
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

func hasSchema(ctx context.Context, db *sql.DB, want int) error {
	have, err := schemaOf(ctx, db)
	switch {
	case err != nil:
		return err
	case have > want:
		return newerSchema(have, want)
	case have < want:
		return text.WithHint(fmt.Errorf("it has the older schema %d", have),
			"any command that can write to the directory brings it up to date, such as `stepgate resume`")
	}
	return nil
}

func newerSchema(have, known int) error {
	return text.WithHint(&NewerSchemaError{have, known},
		"use the version of stepgate that wrote it, or a later one; nothing was changed")
}

// backUp copies the database as it is now. The file is made first, because
// SQLite would make it readable to others.
func backUp(ctx context.Context, w *sql.DB, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return fmt.Errorf("copy the journal before changing its schema: %w", err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := w.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("copy the journal to %q before changing its schema: %w", to, err)
	}
	return nil
}
