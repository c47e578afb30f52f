package executor

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mattn/go-sqlite3"
)

// sqliteSession is a SQLite file of this machine.
type sqliteSession struct {
	conn     *sqlite3.SQLiteConn
	readOnly bool
}

// openSQLite never makes the file: a name that is mistyped would be an empty
// database.
func openSQLite(_ context.Context, db Database) (session, error) {
	source := url.URL{Scheme: "file", Opaque: (&url.URL{Path: db.Name}).EscapedPath(), RawQuery: "mode=rw&_busy_timeout=5000"}
	conn, err := new(sqlite3.SQLiteDriver).Open(source.String())
	if err != nil {
		return nil, err
	}
	return &sqliteSession{conn: conn.(*sqlite3.SQLiteConn)}, nil
}

func (s *sqliteSession) begin(ctx context.Context, readOnly bool) (string, error) {
	s.readOnly = readOnly
	if !readOnly {
		return "", nil
	}
	if _, err := s.statement(ctx, "PRAGMA query_only = 1"); err != nil {
		return "", err
	}
	_, err := s.statement(ctx, "BEGIN")
	return "", err
}

func (s *sqliteSession) run(ctx context.Context, statements string) (SQLResult, error) {
	before, err := s.changes(ctx)
	if err != nil {
		return SQLResult{}, err
	}
	var last SQLResult
	for _, text := range splitSQLite(statements) {
		r, err := s.statement(ctx, text)
		var failed sqlite3.Error
		switch {
		case ctx.Err() != nil:
			return SQLResult{}, ctx.Err()
		case errors.As(err, &failed) && !(s.readOnly && sqliteSilent[failed.Code]):
			last.failed(fmt.Sprintf("ERROR %d (%d): %s", failed.Code, failed.ExtendedCode, failed.Error()))
			return last, nil
		case err != nil:
			return SQLResult{}, err
		}
		if r.Columns != nil {
			last = r
		}
	}
	after, err := s.changes(ctx)
	last.Affected = after - before
	if err != nil {
		last.Affected = -1
	}
	return last, nil
}

// sqliteSilent are errors that tell a check nothing of what the database holds.
var sqliteSilent = map[sqlite3.ErrNo]bool{
	sqlite3.ErrBusy: true, sqlite3.ErrLocked: true, sqlite3.ErrInterrupt: true, sqlite3.ErrIoErr: true, sqlite3.ErrCantOpen: true, sqlite3.ErrNomem: true,
}

func (s *sqliteSession) changes(ctx context.Context) (int64, error) {
	r, err := s.statement(ctx, "SELECT total_changes() AS n")
	if err != nil {
		return 0, err
	}
	n, _ := r.Rows[0]["n"].(int64)
	return n, nil
}

// statement runs one statement to its end.
func (s *sqliteSession) statement(ctx context.Context, text string) (r SQLResult, err error) {
	rows, err := s.conn.QueryContext(ctx, text, nil)
	if err != nil {
		return r, err
	}
	if plain := withoutTypes(text, rows); plain != "" {
		if err := rows.Close(); err != nil {
			return r, err
		}
		if rows, err = s.conn.QueryContext(ctx, plain, nil); err != nil {
			return r, err
		}
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if columns := rows.Columns(); len(columns) > 0 {
		r.Columns, r.Rows = columns, []map[string]any{}
	}
	dest := make([]driver.Value, len(r.Columns))
	values := make([]any, len(dest))
	size := 0
	for {
		err := rows.Next(dest)
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			return r, err
		}
		for i, v := range dest {
			values[i] = sqliteValue(v)
		}
		if len(dest) == 0 {
			continue
		}
		if err := r.addRow(values, &size); err != nil {
			return r, err
		}
	}
}

// withoutTypes rewrites a query whose columns are declared to hold times or truth
// values, so that the driver gives what is stored and not what it takes that for;
// "" when there is no need.
func withoutTypes(text string, rows driver.Rows) string {
	typed := rows.(*sqlite3.SQLiteRows)
	if !slices.ContainsFunc(typed.DeclTypes(), func(t string) bool {
		return t == "timestamp" || t == "datetime" || t == "date" || t == "boolean"
	}) {
		return ""
	}
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if w := strings.ToLower(word); w != "select" && w != "with" {
		return ""
	}
	var inner, outer []string
	for i, name := range typed.Columns() {
		inner = append(inner, fmt.Sprintf("c%d", i))
		outer = append(outer, fmt.Sprintf(`coalesce(c%d, NULL) AS "%s"`, i, strings.ReplaceAll(name, `"`, `""`)))
	}
	return fmt.Sprintf("WITH stepgate_query(%s) AS (%s\n) SELECT %s FROM stepgate_query",
		strings.Join(inner, ", "), strings.TrimRight(strings.TrimSpace(text), "; \t\r\n"), strings.Join(outer, ", "))
}

func sqliteValue(v driver.Value) any {
	switch v := v.(type) {
	case []byte:
		if !utf8.Valid(v) {
			return fmt.Sprintf("0x%X", v)
		}
		return string(v)
	case time.Time:
		return v.Format("2006-01-02 15:04:05.999999999")
	}
	return v
}

func (s *sqliteSession) end(ctx context.Context) error {
	if !s.readOnly {
		return nil
	}
	if s.conn.AutoCommit() {
		return nil // the statements ended the transaction themselves
	}
	_, err := s.statement(ctx, "ROLLBACK")
	return err
}

func (s *sqliteSession) close() { _ = s.conn.Close() } // nothing was left to be written
