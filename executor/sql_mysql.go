package executor

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"unicode/utf8"

	"github.com/go-sql-driver/mysql"
)

// mysqlSession is a login at a server of the MySQL protocol: MySQL, MariaDB,
// OceanBase, PolarDB-X and others. Statements go to the server in one text, which it
// takes apart itself.
type mysqlSession struct {
	conn      driver.Conn
	connector driver.Connector
	id        int64 // as the server's KILL knows it; 0: it doesn't say
	readOnly  bool
}

func openMySQL(ctx context.Context, db Database, via Dialer) (session, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr = db.address("3306")
	network, address := c.Net, c.Addr
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return via.Dial(ctx, network, address) }
	c.User, c.Passwd, c.DBName = db.User, db.Password, db.Name
	c.MultiStatements, c.CheckConnLiveness = true, false
	c.AllowCleartextPasswords = db.TLS != "" && db.TLS != "skip-verify"
	c.Logger = &mysql.NopLogger{}
	if db.TLS != "" {
		var err error
		if c.TLS, err = tlsConfig(db.TLS, db.host()); err != nil {
			return nil, err
		}
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	s := &mysqlSession{conn: conn, connector: connector}
	r, err := s.query(ctx, "SELECT CONNECTION_ID() AS id")
	var refused *mysql.MySQLError
	if err != nil && !errors.As(err, &refused) { // what can't say it can't be asked to kill it
		s.close()
		return nil, err
	}
	if len(r.Rows) == 1 {
		s.id, _ = strconv.ParseInt(fmt.Sprint(r.Rows[0]["id"]), 10, 64) // not a number: nothing to kill by
	}
	return s, nil
}

// begin makes the session's default read-only as well, so that a COMMIT among the
// statements doesn't end it.
func (s *mysqlSession) begin(ctx context.Context, readOnly bool) (string, error) {
	var refused *mysql.MySQLError
	if readOnly && !s.readOnly {
		if _, err := s.query(ctx, "SET SESSION TRANSACTION READ ONLY"); err != nil && !errors.As(err, &refused) {
			return "", err
		}
	}
	if s.readOnly = readOnly; !readOnly {
		return "", nil
	}
	_, err := s.query(ctx, "START TRANSACTION READ ONLY")
	if errors.As(err, &refused) {
		return "the server knows no read-only transactions, and so nothing but the statements themselves keeps them from writing: " + refused.Error(), nil
	}
	return "", err
}

func (s *mysqlSession) run(ctx context.Context, statements string) (SQLResult, error) {
	r, err := s.query(ctx, statements)
	var failed *mysql.MySQLError
	switch {
	case ctx.Err() != nil:
		s.kill()
		return SQLResult{}, ctx.Err()
	case errors.As(err, &failed) && !mysqlInterrupted[failed.Number]:
		state := "HY000"
		if failed.SQLState != [5]byte{} {
			state = string(failed.SQLState[:])
		}
		r.failed(fmt.Sprintf("ERROR %d (%s): %s", failed.Number, state, failed.Message))
		return r, nil
	case err != nil:
		return SQLResult{}, err
	}
	r.Affected = s.affected(ctx)
	return r, nil
}

// mysqlInterrupted are errors after which nobody knows what became of the statement:
// the server shuts down, the statement or the connection was killed, or the network
// broke.
var mysqlInterrupted = map[uint16]bool{
	1053: true, 1152: true, 1158: true, 1159: true, 1160: true, 1161: true, 1184: true, 1317: true, 1927: true, 4031: true,
}

// affected asks for the rows that the last statement changed.
func (s *mysqlSession) affected(ctx context.Context) int64 {
	if s.readOnly {
		return 0
	}
	r, err := s.query(ctx, "SELECT ROW_COUNT() AS n")
	if err != nil || len(r.Rows) != 1 {
		return -1
	}
	n, ok := r.Rows[0]["n"].(int64)
	if !ok {
		return -1
	}
	return n
}

func (s *mysqlSession) query(ctx context.Context, text string) (SQLResult, error) {
	var r SQLResult
	rows, err := s.conn.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return r, err
	}
	size := 0
	for {
		if len(rows.Columns()) > 0 {
			r.Columns, r.Rows, size = rows.Columns(), []map[string]any{}, 0
			if err := r.readMySQL(rows, &size); err != nil {
				var failed *mysql.MySQLError
				if errors.As(err, &failed) {
					_ = rows.Close() // err says why
				}
				return r, err // else the session is given up, with the rows that nobody reads
			}
		}
		next := rows.(driver.RowsNextResultSet)
		err := io.EOF
		if next.HasNextResultSet() {
			err = next.NextResultSet()
		}
		if errors.Is(err, io.EOF) {
			return r, rows.Close()
		}
		if err != nil {
			_ = rows.Close() // err says why
			return r, err
		}
	}
}

func (r *SQLResult) readMySQL(rows driver.Rows, size *int) error {
	dest := make([]driver.Value, len(r.Columns))
	values := make([]any, len(dest))
	kinds := rows.(driver.RowsColumnTypeDatabaseTypeName)
	for {
		err := rows.Next(dest)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i, v := range dest {
			values[i] = mysqlValue(v, kinds.ColumnTypeDatabaseTypeName(i))
		}
		if err := r.addRow(values, size); err != nil {
			return err
		}
	}
}

// mysqlValue is a value as expressions know it. Bits are a number; bytes that are no
// text are written as the mysql client does.
func mysqlValue(v driver.Value, kind string) any {
	switch v := v.(type) {
	case uint64:
		if n := int64(v); n >= 0 { //nolint:gosec // larger ones stay unsigned
			return n
		}
		return v
	case float32:
		f, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
		if err != nil {
			return float64(v)
		}
		return f
	case []byte:
		if kind == "BIT" && len(v) <= 8 {
			var n uint64
			for _, b := range v {
				n = n<<8 | uint64(b)
			}
			return mysqlValue(n, "")
		}
		if !utf8.Valid(v) {
			return fmt.Sprintf("0x%X", v)
		}
		return string(v)
	}
	return v
}

func (s *mysqlSession) end(ctx context.Context) error {
	if !s.readOnly {
		return nil
	}
	_, err := s.query(ctx, "ROLLBACK")
	return err
}

// kill ends the statement on the server, which wouldn't notice that nobody waits for
// it any more. It needs a login of its own.
func (s *mysqlSession) kill() {
	if s.id == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), sqlCancel)
	defer cancel()
	conn, err := s.connector.Connect(ctx)
	if err != nil {
		return // the server is out of reach; it will notice
	}
	k := &mysqlSession{conn: conn}
	defer k.close()
	_, _ = k.query(ctx, fmt.Sprintf("KILL QUERY %d", s.id)) // it may have ended meanwhile
}

func (s *mysqlSession) close() { _ = s.conn.Close() } // says goodbye, which nobody must hear
