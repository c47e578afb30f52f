package executor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/executor"
	"stepgate/executor/executortest"
)

// testServer is what holds of databases that are reached over a network.
func testServer(t *testing.T, s *executortest.DatabaseServer, b sqlBench) {
	testLogins(t, s)
	testLost(t, b)
	testTLS(t, s, b)
	testVia(t, b)
	socket := b
	socket.db.Address = s.Socket
	if got := must(t, socket.session(t, nil), "SELECT 1 AS n", true); got != `[{"n":1}]` {
		t.Errorf("over the unix socket: %s", got)
	}
	sessions := b.session(t, nil)
	s.Stop()
	if _, err := sessions.Run(t.Context(), "SELECT 1", false); !isReach(err) || hint(err) != "is the server running at that address?" {
		t.Errorf("a server that is gone: %v, %q", err, hint(err))
	}
	if _, err := sessions.Run(t.Context(), "SELECT 1", true); !isReach(err) {
		t.Errorf("a server that is gone, in a check: %v", err)
	}
}

func testLogins(t *testing.T, s *executortest.DatabaseServer) {
	t.Helper()
	for _, tt := range []struct {
		change func(*executor.Database)
		hint   string
	}{
		{func(d *executor.Database) { d.Password = "wrong" }, "check user and password of the connection"},
		{func(d *executor.Database) { d.User = "nobody" }, "check user and password of the connection"},
		{func(d *executor.Database) { d.Name = "elsewhere" }, "check the database of the connection"},
		{func(d *executor.Database) { d.Address = "127.0.0.1:1" }, "is the server running at that address?"},
		{func(d *executor.Database) { d.Driver = "oracle" }, `write driver = "mysql", "postgres" or "sqlite"`},
	} {
		db := s.Database
		tt.change(&db)
		_, err := executor.OpenDatabase(t.Context(), db, nil)
		if !isReach(err) || hint(err) != tt.hint {
			t.Errorf("%+v: %v, %q", db, err, hint(err))
		}
		if err != nil && strings.Contains(err.Error(), "pa'ss word") {
			t.Errorf("the password stands in %q", err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped")
	cancel(stop)
	if _, err := executor.OpenDatabase(ctx, s.Database, nil); !errors.Is(err, stop) {
		t.Errorf("a context that is over: %v", err)
	}
}

// testLost cuts connections while nothing is done, and under a statement.
func testLost(t *testing.T, b sqlBench) {
	t.Helper()
	control := b.session(t, nil)
	r := newRelay(t, b.db.Address, nil)
	b.db.Address = r.address
	s := b.session(t, nil)
	must(t, s, "SELECT 1", true)
	r.cut()
	if got := must(t, s, "SELECT 2 AS n", true); got != `[{"n":2}]` {
		t.Errorf("after an idle connection was cut: %s", got)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), b.slow, false)
		done <- err
	}()
	await(t, control, b.running, `[{"n":1}]`)
	r.cut()
	if err := <-done; err == nil || isReach(err) {
		t.Errorf("a connection cut under a statement: %v", err)
	}
	endSlow(t, b, control)
	must(t, s, "SELECT 3", false)
}

// endSlow ends the statement that goes on without a connection.
func endSlow(t *testing.T, b sqlBench, control *executor.Sessions) {
	t.Helper()
	if b.db.Driver == "mysql" {
		for _, row := range run(t, control, "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT /* slow%'", true).Rows {
			run(t, control, fmt.Sprintf("KILL %d", row["id"]), false)
		}
	}
	await(t, control, b.running, `[{"n":0}]`)
}

func testTLS(t *testing.T, server *executortest.DatabaseServer, b sqlBench) {
	t.Helper()
	query := "SELECT variable_value <> '' AS secure FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'"
	yes, no := `[{"secure":1}]`, `[{"secure":0}]`
	if b.db.Driver == "postgres" {
		query = "SELECT ssl AS secure FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
		yes, no = `[{"secure":true}]`, `[{"secure":false}]`
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ tls, address, want, err string }{
		{"", b.db.Address, no, ""},
		{server.CA, b.db.Address, yes, ""},
		{"skip-verify", b.db.Address, yes, ""},
		{"true", b.db.Address, "", "certificate signed by unknown authority"},
		{server.CA, strings.Replace(b.db.Address, "127.0.0.1", "localhost", 1), "", "certificate is not valid for any names"},
		{filepath.Join(t.TempDir(), "none.pem"), b.db.Address, "", "no such file"},
		{empty, b.db.Address, "", "holds no certificate"},
	} {
		b := b
		b.db.TLS, b.db.Address = tt.tls, tt.address
		if tt.err != "" {
			if _, err := executor.OpenDatabase(t.Context(), b.db, nil); !isReach(err) || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("tls %q at %s: %v, want %q", tt.tls, tt.address, err, tt.err)
			}
			continue
		}
		s := b.session(t, nil)
		if got := must(t, s, query, true); got != tt.want {
			t.Errorf("tls %q: %s", tt.tls, got)
		}
		if tt.tls == server.CA {
			testCancel(t, b, s)
		}
	}
}

// testVia reaches the database through a host, whose connection then breaks.
func testVia(t *testing.T, b sqlBench) {
	t.Helper()
	m := sshMachine("/bin/sh")(t)
	host := m.Open(t)
	s := b.session(t, host)
	must(t, s, "SELECT 1", true)
	testCancel(t, b, s)
	control := b.session(t, nil)
	done := make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), b.slow, false)
		done <- err
	}()
	await(t, control, b.running, `[{"n":1}]`)
	m.Cut()
	if err := <-done; err == nil || isReach(err) {
		t.Errorf("the host's connection cut under a statement: %v", err)
	}
	endSlow(t, b, control)
	if got := must(t, s, "SELECT 4 AS n", true); got != `[{"n":4}]` {
		t.Errorf("after the host was reached anew: %s", got)
	}
	b.db.Address = "127.0.0.1:1"
	if _, err := executor.OpenDatabase(t.Context(), b.db, host); !isReach(err) || hint(err) != "is the server running at that address?" {
		t.Errorf("a port that is closed, seen from the host: %v, %q", err, hint(err))
	}
}
