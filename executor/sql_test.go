package executor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// sqlPatience bounds every wait. It's only reached when something is wrong.
const sqlPatience = 2 * time.Minute

// sqlBench is a database with the words that its dialect has for things.
type sqlBench struct {
	db executor.Database

	duplicate string // what a second row of a unique key gives, from its beginning
	readOnly  string // what a write gives in a transaction that only reads, from its beginning
	missing   string // what a table that isn't there gives
	running   string // how many statements that hold "slow" are at work, as n; empty: can't be asked
	slow      string // a statement that lasts
}

var mariaDB = sqlBench{
	duplicate: "ERROR 1062 (23000): Duplicate entry '1' for key",
	readOnly:  "ERROR 1792 (25006): Cannot execute statement in a READ ONLY transaction",
	missing:   "ERROR 1146 (42S02): Table 'probe.absent' doesn't exist\n",
	running:   "SELECT count(*) AS n FROM information_schema.processlist WHERE info LIKE 'SELECT /* slow%'",
	slow:      "SELECT /* slow */ sleep(600) AS slept",
}

var postgres = sqlBench{
	duplicate: `ERROR (23505): duplicate key value violates unique constraint`,
	readOnly:  "ERROR (25006): cannot execute",
	missing:   "ERROR (42P01): relation \"absent\" does not exist\n",
	running:   "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT /* slow%'",
	slow:      "SELECT /* slow */ pg_sleep(600) AS slept",
}

var sqlite = sqlBench{
	duplicate: "ERROR 19 (1555): UNIQUE constraint failed",
	readOnly:  "ERROR 8 (8): attempt to write a readonly database",
	missing:   "ERROR 1 (1): no such table: absent\n",
	slow:      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT count(*) FROM c",
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	s := executortest.MariaDB(t)
	b := mariaDB
	b.db = s.Database
	t.Run("all", func(t *testing.T) { testDatabase(t, b) })
	t.Run("values", func(t *testing.T) { testMariaDBValues(t, b) })
	t.Run("no read-only transactions", func(t *testing.T) { testNoReadOnly(t, b) })
	t.Run("too much", func(t *testing.T) { testTooMuch(t, b, "SELECT repeat('x', 1000000) AS x FROM seq_1_to_40") })
	t.Run("server", func(t *testing.T) { testServer(t, s, b) })
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	s := executortest.Postgres(t)
	b := postgres
	b.db = s.Database
	t.Run("all", func(t *testing.T) { testDatabase(t, b) })
	t.Run("values", func(t *testing.T) { testPostgresValues(t, b) })
	t.Run("too much", func(t *testing.T) { testTooMuch(t, b, "SELECT repeat('x', 1000000) AS x FROM generate_series(1, 40)") })
	t.Run("server", func(t *testing.T) { testServer(t, s, b) })
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	b := sqlite
	b.db = executor.Database{Driver: "sqlite", Name: filepath.Join(t.TempDir(), "库 %41?#.db")}
	if _, err := executor.OpenDatabase(t.Context(), b.db, nil); !isReach(err) || !strings.Contains(hint(err), "the file must exist") {
		t.Errorf("a file that isn't there: %v, %q", err, hint(err))
	}
	makeSQLite(t, b.db.Name)
	if _, err := executor.OpenDatabase(t.Context(), b.db, executortest.NewFake(nil)); !isReach(err) || hint(err) != "remove via from the connection" {
		t.Errorf("through a host: %v", err)
	}
	must(t, b.session(t, executor.Here), "SELECT 1", true)
	testDatabase(t, b)
	testSQLiteValues(t, b)
}

// session opens a database until the test ends.
func (b sqlBench) session(t *testing.T, via executor.Dialer) *executor.Sessions {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sqlPatience)
	defer cancel()
	s, err := executor.OpenDatabase(ctx, b.db, via)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run runs statements that must give an answer.
func run(t *testing.T, s *executor.Sessions, statements string, readOnly bool) executor.SQLResult {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sqlPatience)
	defer cancel()
	r, err := s.Run(ctx, statements, readOnly)
	if err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
	return r
}

// must runs statements that must not fail, and gives the rows as JSON.
func must(t *testing.T, s *executor.Sessions, statements string, readOnly bool) string {
	t.Helper()
	r := run(t, s, statements, readOnly)
	if r.Exit != 0 {
		t.Fatalf("%s: %s", statements, r.Stderr)
	}
	rows, err := json.Marshal(r.Rows)
	if err != nil {
		t.Fatal(err)
	}
	return string(rows)
}

func isReach(err error) bool {
	var reach *executor.ReachError
	return errors.As(err, &reach)
}

func hint(err error) string {
	var reach *executor.ReachError
	if errors.As(err, &reach) {
		return reach.Hint
	}
	return ""
}

// testDatabase is what every database must do.
func testDatabase(t *testing.T, b sqlBench) {
	s := b.session(t, nil)
	must(t, s, "CREATE TABLE t (id int PRIMARY KEY, name varchar(60))", false)
	if r := run(t, s, "INSERT INTO t VALUES (1, 'a;b'), (2, 'it''s -- \"quoted\" /*'); UPDATE t SET name = 'x' WHERE id = 9", false); r.Exit != 0 || r.Rows != nil || r.Columns != nil {
		t.Errorf("statements without rows: %+v", r)
	}
	if r := run(t, s, "INSERT INTO t VALUES (3, '库'), (4, NULL)", false); r.Affected != 2 || r.Exit != 0 {
		t.Errorf("two rows: %+v", r)
	}
	if got := must(t, s, "SELECT id FROM t WHERE id < 3;\nSELECT id, name FROM t ORDER BY id;", true); got !=
		`[{"id":1,"name":"a;b"},{"id":2,"name":"it's -- \"quoted\" /*"},{"id":3,"name":"库"},{"id":4,"name":null}]` {
		t.Errorf("the last of two result sets: %s", got)
	}
	if r := run(t, s, "SELECT id, name FROM t WHERE id > 9", true); r.Rows == nil || len(r.Rows) != 0 || strings.Join(r.Columns, ",") != "id,name" {
		t.Errorf("no rows: %+v", r)
	}
	if r := run(t, s, "SELECT id, name, id FROM t WHERE id = 1", true); len(r.Columns) != 3 || len(r.Rows[0]) != 1 || r.Rows[0]["name"] != "a;b" {
		t.Errorf("a column twice: %+v", r)
	}
	if r := run(t, s, "SELECT * FROM absent; INSERT INTO t VALUES (7, 'no')", false); r.Exit != 1 || !strings.HasSuffix(r.Stderr, b.missing) || r.Rows != nil {
		t.Errorf("a table that isn't there: %+v", r)
	}
	if r := run(t, s, "INSERT INTO t VALUES (1, 'again')", false); r.Exit != 1 || !strings.HasPrefix(r.Stderr, b.duplicate) {
		t.Errorf("a duplicate: %+v", r)
	}
	testReadOnly(t, b, s)
	testApart(t, b, s)
	testCancel(t, b, s)
	testManyReaders(t, s)
	if b.running != "" {
		testClose(t, b, s)
	}
}

// testReadOnly tries to write where only reading is allowed, and whether what wrote
// before has been kept.
func testReadOnly(t *testing.T, b sqlBench, s *executor.Sessions) {
	t.Helper()
	for _, statements := range []string{
		"INSERT INTO t VALUES (8, 'no')", "DELETE FROM t", "DROP TABLE t", "CREATE TABLE u (id int)",
		"COMMIT; INSERT INTO t VALUES (8, 'no')", "SELECT 1; UPDATE t SET name = 'no'", "ROLLBACK; DROP TABLE t",
	} {
		if r := run(t, s, statements, true); r.Exit != 1 || !strings.HasPrefix(r.Stderr, b.readOnly) || r.Note != "" {
			t.Errorf("%s in a check: %+v", statements, r)
		}
	}
	if got := must(t, s, "SELECT count(*) AS n FROM t", true); got != `[{"n":4}]` {
		t.Errorf("rows left: %s", got)
	}
	must(t, s, "INSERT INTO t VALUES (5, 'yes')", false)
	if got := must(t, s, "SELECT count(*) AS n FROM t", true); got != `[{"n":5}]` {
		t.Errorf("rows then: %s", got)
	}
}

// testApart sees that one fence's session is gone when the next begins.
func testApart(t *testing.T, b sqlBench, s *executor.Sessions) {
	t.Helper()
	must(t, s, "CREATE TEMPORARY TABLE mine (n int); INSERT INTO mine VALUES (1); SELECT n FROM mine", false)
	if r := run(t, s, "SELECT n FROM mine", false); r.Exit != 1 {
		t.Errorf("a temporary table outlived its fence: %+v", r)
	}
	must(t, s, "BEGIN; DELETE FROM t", false)
	if got := must(t, s, "SELECT count(*) AS n FROM t", true); got != `[{"n":5}]` {
		t.Errorf("a transaction that was left open counts: %s", got)
	}
	if lock := map[string]string{"mysql": "SELECT get_lock('probe', 0) AS got", "postgres": "SELECT pg_try_advisory_lock(7) AS got"}[b.db.Driver]; lock != "" {
		await(t, b.session(t, nil), lock, must(t, s, lock, true)) // it ends with its fence
	}
	if b.db.Driver == "mysql" {
		must(t, s, "SET @x = 1; SET SESSION group_concat_max_len = 7; SELECT @x", true)
		if got := must(t, s, "SELECT @x AS x, @@group_concat_max_len AS n", true); got == `[{"n":7,"x":1}]` {
			t.Errorf("variables outlived their fence: %s", got)
		}
	}
}

// testCancel ends a context under a statement, and sees it end on the server, too.
func testCancel(t *testing.T, b sqlBench, s *executor.Sessions) {
	t.Helper()
	for _, readOnly := range []bool{true, false} {
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("the operator stopped it")
		done := make(chan error, 1)
		go func() {
			_, err := s.Run(ctx, b.slow, readOnly)
			done <- err
		}()
		if b.running == "" {
			cancel(stop)
		} else {
			await(t, s, b.running, `[{"n":1}]`)
			cancel(stop)
		}
		if err := <-done; !errors.Is(err, stop) || b.running != "" && isReach(err) {
			t.Errorf("a cancelled statement: %v", err)
		}
		if b.running != "" {
			await(t, s, b.running, `[{"n":0}]`)
		}
	}
	must(t, s, "SELECT 1 AS n", true)
}

// await asks until the answer is as wanted.
func await(t *testing.T, s *executor.Sessions, query, want string) {
	t.Helper()
	deadline := time.Now().Add(sqlPatience)
	for got := ""; got != want; {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still %s", query, got)
		}
		got = must(t, s, query, true)
	}
}

// testClose closes the sessions under a statement, which goes on.
func testClose(t *testing.T, b sqlBench, control *executor.Sessions) {
	t.Helper()
	s := b.session(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Run(ctx, b.slow, true)
		done <- err
	}()
	await(t, control, b.running, `[{"n":1}]`)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Run(t.Context(), "SELECT 1", true); !isReach(err) {
		t.Errorf("closed, and yet: %v", err)
	}
	await(t, control, b.running, `[{"n":1}]`)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a statement that outlives its sessions: %v", err)
	}
}

func testManyReaders(t *testing.T, s *executor.Sessions) {
	t.Helper()
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), sqlPatience)
			defer cancel()
			r, err := s.Run(ctx, fmt.Sprintf("SELECT %d AS n", i), true)
			if err != nil || len(r.Rows) != 1 || fmt.Sprint(r.Rows[0]["n"]) != fmt.Sprint(i) {
				t.Errorf("reader %d: %+v %v", i, r, err)
			}
		})
	}
	all.Wait()
}

// relay passes connections on to an address, until it's cut.
type relay struct {
	address string
	change  func([]byte) // what is on its way to the server
	mu      sync.Mutex
	conns   []net.Conn
}

func newRelay(t *testing.T, to string, change func([]byte)) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: ln.Addr().String(), change: change}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, in, out)
			r.mu.Unlock()
			all.Go(func() {
				_, _ = io.Copy(in, out)
				_ = in.Close()
			})
			all.Go(func() {
				_, _ = io.Copy(changing{out, r.change}, in)
				_ = out.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		r.cut()
		all.Wait()
	})
	return r
}

type changing struct {
	net.Conn
	change func([]byte)
}

func (c changing) Write(p []byte) (int, error) {
	if c.change != nil {
		c.change(p)
	}
	return c.Conn.Write(p)
}

// ReadFrom keeps io.Copy from the connection's own, which would pass Write by.
func (c changing) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}

// cut breaks what is open; new connections are passed on.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.conns = nil
}
