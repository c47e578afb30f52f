package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Database is where SQL goes. It's what is left after templates have been filled and
// a host has been picked.
type Database struct {
	Driver   string // mysql, postgres or sqlite
	Address  string // host:port, or host with the driver's own port; a path is a unix socket (of PostgreSQL its directory, :port behind it). Of sqlite: empty
	User     string
	Password string
	Name     string // the database; of sqlite the file
	TLS      string // "": none; "true": certificate and name are verified; "skip-verify": neither; else a file of authorities (PEM)
}

// SQLResult is what the statements of one fence gave.
type SQLResult struct {
	Exit     int      // 0, or 1: a statement failed, those behind it weren't sent or run
	Stderr   string   // with Exit 1 one line, "ERROR n (state): text"; PostgreSQL has no n
	Columns  []string // of the last result set, in its order; nil: there was none
	Rows     []map[string]any
	Affected int64  // rows changed; of MySQL by the last statement alone; -1: the server doesn't say
	Note     string // one line for the operator, such as that the server knows no read-only transactions
	Took     time.Duration
}

// Sessions are the sessions of one database, as one user. Its methods may be called
// concurrently. Every Run has a session of its own, in the state in which the server
// gives it; those that only read are kept for the next reader.
type Sessions struct {
	db   Database
	open func(ctx context.Context) (session, error)

	mu     sync.Mutex
	idle   []session // read-only
	closed bool
}

// session is one login at a database. Its errors say that nothing is known; a
// statement that fails is a result.
type session interface {
	// begin prepares for statements, in a transaction that only reads if readOnly.
	// note is for the operator. Nothing of the runbook's was sent when it fails.
	begin(ctx context.Context, readOnly bool) (note string, err error)
	run(ctx context.Context, statements string) (SQLResult, error)
	// end gives up what begin began; an error makes the session unfit for more.
	end(ctx context.Context) error
	close()
}

const (
	// sqlConnect bounds connecting and logging in.
	sqlConnect = 15 * time.Second
	// sqlCancel bounds how long a server is asked, after the end of a context, to give
	// a statement up.
	sqlCancel = 5 * time.Second
	// maxResult bounds the bytes of a result set.
	maxResult = 32 << 20
	// idleSessions are kept open at most.
	idleSessions = 4
)

// OpenDatabase logs in once, so that it's known that the database answers. Through
// via the address is what via's place sees. Its errors are *ReachError.
func OpenDatabase(ctx context.Context, db Database, via Dialer) (*Sessions, error) {
	s := &Sessions{db: db}
	switch db.Driver {
	case "mysql":
		s.open = func(ctx context.Context) (session, error) { return openMySQL(ctx, db, from(via)) }
	case "postgres":
		s.open = func(ctx context.Context) (session, error) { return openPostgres(ctx, db, from(via)) }
	case "sqlite":
		if via != nil && via != Here {
			return nil, &ReachError{Host: db.Name, Hint: "remove via from the connection", Cause: errors.New("a sqlite file is opened on this machine only")}
		}
		s.open = func(ctx context.Context) (session, error) { return openSQLite(ctx, db) }
	default:
		return nil, &ReachError{Host: db.Address, Hint: "write driver = \"mysql\", \"postgres\" or \"sqlite\"", Cause: fmt.Errorf("no driver %q", db.Driver)}
	}
	first, err := s.login(ctx)
	if err != nil {
		return nil, err
	}
	s.idle = []session{first}
	return s, nil
}

// Run sends the statements, in order, on one session. With readOnly it's in a
// transaction that only reads and is rolled back. The first failing statement ends
// them. PostgreSQL runs what stands in one text as one transaction, unless it has
// BEGIN and COMMIT of its own.
//
// An error means that nothing is known of the statements; a *ReachError, that none
// was sent. The end of ctx cancels what runs on the server, too, which may take
// another 5 s.
func (s *Sessions) Run(ctx context.Context, statements string, readOnly bool) (SQLResult, error) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return SQLResult{}, s.unreached(errClosed, "")
	}
	begin := time.Now()
	c, note, err := s.take(ctx, readOnly)
	if err != nil {
		return SQLResult{}, err
	}
	r, err := c.run(ctx, statements)
	if err != nil {
		c.close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return SQLResult{}, fmt.Errorf("run sql at %q: %w", s.name(), err)
	}
	r.Note, r.Took = note, time.Since(begin)
	s.give(ctx, c, readOnly && !leavesTraces(statements))
	return r, nil
}

// take gives a session that is ready. One that was idle may be dead.
func (s *Sessions) take(ctx context.Context, readOnly bool) (session, string, error) {
	for readOnly {
		c := s.kept()
		if c == nil {
			break
		}
		if note, err := c.begin(ctx, true); err == nil {
			return c, note, nil
		}
		c.close()
	}
	c, err := s.login(ctx)
	if err != nil {
		return nil, "", err
	}
	note, err := c.begin(ctx, readOnly)
	if err != nil {
		c.close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, "", s.unreached(fmt.Errorf("begin: %w", err), "")
	}
	return c, note, nil
}

func (s *Sessions) kept() session {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	c := s.idle[n-1]
	s.idle = s.idle[:n-1]
	return c
}

func (s *Sessions) give(ctx context.Context, c session, keep bool) {
	if err := c.end(ctx); err != nil || !keep {
		c.close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.idle) >= idleSessions {
		c.close()
		return
	}
	s.idle = append(s.idle, c)
}

func (s *Sessions) login(ctx context.Context) (session, error) {
	limited, cancel := context.WithTimeout(ctx, sqlConnect)
	defer cancel()
	c, err := s.open(limited)
	if err == nil {
		return c, nil
	}
	var reach *ReachError
	switch {
	case errors.As(err, &reach):
		return nil, reach // the host in between
	case ctx.Err() != nil:
		return nil, s.unreached(context.Cause(ctx), "")
	case limited.Err() != nil:
		return nil, s.unreached(fmt.Errorf("no login within %s", sqlConnect), "")
	}
	return nil, s.unreached(err, loginHint(err))
}

func (s *Sessions) name() string {
	if s.db.Driver == "sqlite" {
		return s.db.Name
	}
	return s.db.Address
}

func (s *Sessions) unreached(cause error, hint string) *ReachError {
	return &ReachError{Host: s.name(), Hint: hint, Cause: cause}
}

// Close ends the sessions that are idle, and refuses new statements. Those under way
// aren't touched: their session ends with them.
func (s *Sessions) Close() error {
	s.mu.Lock()
	s.closed = true
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
	return nil
}

// leavesTraces tells whether statements could leave something in their session: any
// but one plain query could.
func leavesTraces(statements string) bool {
	text := strings.TrimRight(strings.TrimSpace(statements), "; \t\r\n")
	if strings.ContainsAny(text, ";@") {
		return true
	}
	word, _, _ := strings.Cut(strings.ToLower(text), " ")
	switch word, _, _ = strings.Cut(word, "\n"); word {
	case "select", "show", "desc", "describe", "explain", "values", "table":
		text = strings.ToLower(text)
		return slices.ContainsFunc([]string{"lock", "set_config", "setseed"}, func(part string) bool { return strings.Contains(text, part) })
	}
	return true
}

// address gives network and address of a database, with the driver's port.
func (d Database) address(port string) (network, address string) {
	if strings.HasPrefix(d.Address, "/") {
		return "unix", d.Address
	}
	if _, _, err := net.SplitHostPort(d.Address); err != nil {
		return "tcp", net.JoinHostPort(strings.Trim(d.Address, "[]"), port)
	}
	return "tcp", d.Address
}

// host is the name that the server's certificate must have.
func (d Database) host() string {
	if host, _, err := net.SplitHostPort(d.Address); err == nil {
		return host
	}
	return strings.Trim(d.Address, "[]")
}

// addRow adds a row to the result. A column that has its name twice has no value, as
// no expression could say which is meant.
func (r *SQLResult) addRow(values []any, size *int) error {
	row := make(map[string]any, len(values))
	twice := map[string]bool{}
	for i, v := range values {
		name := r.Columns[i]
		if _, there := row[name]; there {
			twice[name] = true
		}
		row[name] = v
		*size += len(name) + 16
		if t, ok := v.(string); ok {
			*size += len(t)
		}
	}
	for name := range twice {
		delete(row, name)
	}
	if *size > maxResult {
		return fmt.Errorf("the result set has more than %d MiB", maxResult>>20)
	}
	r.Rows = append(r.Rows, row)
	return nil
}

// failed makes r the result of statements of which one failed.
func (r *SQLResult) failed(text string) {
	*r = SQLResult{Exit: 1, Stderr: strings.ReplaceAll(strings.TrimSpace(text), "\n", " ") + "\n", Affected: -1}
}
