package state

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

const (
	busyTimeout = 5 * time.Second
	readers     = 4
	// Before this version a WAL reset could lose a commit.
	oldestLibrary = 3_051_003
)

func libraryIsSound() error {
	if v, n, _ := sqlite3.Version(); n < oldestLibrary {
		return fmt.Errorf("SQLite %s can lose a commit when its log is reset; 3.51.3 is needed", v)
	}
	return nil
}

// connector opens connections that all have the same pragmas, which SQLite
// keeps per connection.
type connector struct {
	dsn     string
	pragmas []pragma
}

// pragma is a setting with the value that must be read back.
type pragma struct {
	name, set, want string
}

func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	for _, p := range c.pragmas {
		if err := p.apply(conn.(*sqlite3.SQLiteConn)); err != nil {
			_ = conn.Close() // the pragma's error is the cause
			return nil, err
		}
	}
	return conn, nil
}

func (p pragma) apply(c *sqlite3.SQLiteConn) error {
	if p.set != "" {
		if _, err := c.Exec("PRAGMA "+p.name+"="+p.set, nil); err != nil {
			return fmt.Errorf("set %s: %w", p.name, err)
		}
	}
	rows, err := c.Query("PRAGMA "+p.name, nil)
	if err != nil {
		return fmt.Errorf("read back %s: %w", p.name, err)
	}
	got := make([]driver.Value, 1)
	err = rows.Next(got)
	if cerr := rows.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("read back %s: %w", p.name, err)
	}
	if b, ok := got[0].([]byte); ok {
		got[0] = string(b)
	}
	if have := fmt.Sprint(got[0]); have != p.want {
		return fmt.Errorf("%s is %q and must be %q", p.name, have, p.want)
	}
	return nil
}

var guards = []pragma{
	{"trusted_schema", "0", "0"},
	{"cell_size_check", "1", "1"},
}

func dsn(path, query string) string {
	u := url.URL{Path: path}
	return "file:" + u.EscapedPath() + "?" + query
}

func openWriter(path string) *sql.DB {
	db := sql.OpenDB(connector{
		dsn: dsn(path, fmt.Sprintf("mode=rw&_txlock=immediate&_stmt_cache_size=32&_busy_timeout=%d", busyTimeout.Milliseconds())),
		pragmas: append([]pragma{
			{"journal_mode", "WAL", "wal"},
			{"synchronous", "FULL", "2"},
			{"foreign_keys", "1", "1"},
			// Where fsync doesn't reach the medium (macOS); no effect elsewhere.
			{"fullfsync", "1", "1"},
			{"checkpoint_fullfsync", "1", "1"},
		}, guards...),
	})
	db.SetMaxOpenConns(1)
	return db
}

// readMode is how much a reader may rely on.
type readMode int

const (
	modeReadOnly readMode = iota
	// modeNoShm reads a journal in a directory that can't be written: the log's
	// index is kept in memory and nothing is locked, so a writer elsewhere can
	// disturb a read. The chain tells.
	modeNoShm
	// modeImmutable reads a journal without a log where none can be made.
	modeImmutable
)

// readModes are the ways to try, the most reliable one first.
func readModes(path string) []readMode {
	modes := []readMode{modeReadOnly, modeNoShm}
	if noLog(path) {
		modes = append(modes, modeImmutable)
	}
	return modes
}

func openReaders(path string, m readMode) *sql.DB {
	c := connector{
		dsn:     dsn(path, fmt.Sprintf("mode=ro&_stmt_cache_size=32&_busy_timeout=%d", busyTimeout.Milliseconds())),
		pragmas: append([]pragma{{"query_only", "1", "1"}}, guards...),
	}
	n := readers
	switch m {
	case modeReadOnly:
	case modeImmutable:
		c.dsn += "&immutable=1"
	case modeNoShm:
		// In the name too: the driver reads the database before it hands over.
		c.dsn += "&vfs=unix-none&_locking_mode=EXCLUSIVE"
		c.pragmas = append([]pragma{{"locking_mode", "EXCLUSIVE", "exclusive"}}, c.pragmas...)
		n = 1
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	return db
}

// checkpoint moves the whole log into the database. It doesn't wait: while
// another process reads or writes, the last one to close does it.
func checkpoint(w *sql.DB) error {
	if _, err := w.Exec("PRAGMA busy_timeout=0"); err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	var busy, inLog, moved int
	err := w.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &inLog, &moved)
	if err != nil && !isBusy(err) {
		return fmt.Errorf("move the journal's log into its database: %w", err)
	}
	return nil
}
