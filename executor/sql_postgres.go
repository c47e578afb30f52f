package executor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgtype"
)

// postgresSession is a login at PostgreSQL or what speaks its protocol. Statements go
// to the server in one simple query, which it takes apart itself.
type postgresSession struct {
	conn     *pgconn.PgConn
	readOnly bool
}

func openPostgres(ctx context.Context, db Database, via Dialer) (session, error) {
	c, err := pgconn.ParseConfig("host=localhost sslmode=disable")
	if err != nil {
		return nil, err
	}
	// Nothing of the operator's environment decides where this goes.
	network, address := db.address("5432")
	if network == "unix" {
		dir, port, found := strings.Cut(address, ":")
		if !found {
			port = "5432"
		}
		address = dir + "/.s.PGSQL." + port
	}
	c.Host, c.Port, c.Fallbacks, c.ValidateConnect = db.host(), 5432, nil, nil
	c.User, c.Password, c.Database = db.User, db.Password, db.Name
	c.RuntimeParams = map[string]string{"application_name": "stepgate"}
	c.TLSConfig, c.ConnectTimeout = nil, 0
	if db.TLS != "" {
		if c.TLSConfig, err = tlsConfig(db.TLS, db.host()); err != nil {
			return nil, err
		}
	}
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return via.Dial(ctx, network, address) }
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: sqlCancel}
	}
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		var reach *ReachError
		if errors.As(err, &reach) {
			return nil, reach
		}
		return nil, err
	}
	return &postgresSession{conn: conn}, nil
}

// begin makes the session's default read-only as well, so that a COMMIT among the
// statements doesn't end it.
func (s *postgresSession) begin(ctx context.Context, readOnly bool) (string, error) {
	if readOnly && !s.readOnly { // not in one text with BEGIN: a ROLLBACK would undo both
		if _, err := s.query(ctx, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"); err != nil {
			return "", err
		}
	}
	if s.readOnly = readOnly; !readOnly {
		return "", nil
	}
	_, err := s.query(ctx, "BEGIN READ ONLY")
	return "", err
}

func (s *postgresSession) run(ctx context.Context, statements string) (SQLResult, error) {
	r, err := s.query(ctx, statements)
	var failed *pgconn.PgError
	switch {
	case ctx.Err() != nil:
		return SQLResult{}, ctx.Err()
	case errors.As(err, &failed) && !postgresInterrupted(failed):
		r.failed(fmt.Sprintf("ERROR (%s): %s", failed.Code, failed.Message))
		return r, nil
	case err != nil:
		return SQLResult{}, err
	}
	return r, nil
}

// postgresInterrupted tells errors after which nobody knows what became of the
// statements: the server goes down, or the connection broke.
func postgresInterrupted(e *pgconn.PgError) bool {
	return strings.HasPrefix(e.Code, "08") || strings.HasPrefix(e.Code, "57P") || e.Code == "40003" || e.Severity == "FATAL" || e.Severity == "PANIC"
}

func (s *postgresSession) query(ctx context.Context, text string) (SQLResult, error) {
	var r SQLResult
	results := s.conn.Exec(ctx, text)
	size := 0
	for results.NextResult() {
		rows := results.ResultReader()
		if fields := rows.FieldDescriptions(); len(fields) > 0 {
			r.Columns, r.Rows, size = make([]string, len(fields)), []map[string]any{}, 0
			for i, f := range fields {
				r.Columns[i] = f.Name
			}
			values := make([]any, len(fields))
			for rows.NextRow() {
				for i, v := range rows.Values() {
					values[i] = postgresValue(v, fields[i].DataTypeOID)
				}
				if err := r.addRow(values, &size); err != nil {
					return r, err // the session is given up with what it still sends
				}
			}
		}
		if tag, err := rows.Close(); err == nil && (tag.Insert() || tag.Update() || tag.Delete()) {
			r.Affected += tag.RowsAffected()
		}
	}
	return r, results.Close()
}

// postgresValue is a value as expressions know it. Everything but whole numbers, plain
// floating-point ones and truth values stays the text that the server gives.
func postgresValue(v []byte, oid uint32) any {
	if v == nil {
		return nil
	}
	text := string(v)
	switch oid {
	case pgtype.BoolOID:
		return text == "t"
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.XIDOID, pgtype.CIDOID:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	case pgtype.XID8OID:
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return n
		}
	case pgtype.Float4OID, pgtype.Float8OID:
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
	return text
}

func (s *postgresSession) end(ctx context.Context) error {
	if !s.readOnly {
		return nil
	}
	_, err := s.query(ctx, "ROLLBACK")
	return err
}

func (s *postgresSession) close() {
	ctx, cancel := context.WithTimeout(context.Background(), sqlCancel)
	defer cancel()
	_ = s.conn.Close(ctx) // says goodbye, which nobody must hear
	select {
	case <-s.conn.CleanupDone():
	case <-ctx.Done():
	}
}
