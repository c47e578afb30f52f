package executor

import (
	"errors"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
)

// loginHint is what the user can do about a login that failed.
func loginHint(err error) string {
	const password, database, refused = "check user and password of the connection", "check the database of the connection", "is the server running at that address?"
	var m *mysql.MySQLError
	var p *pgconn.PgError
	var l sqlite3.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case errors.As(err, &m) && (m.Number == 1045 || m.Number == 1698):
		return password
	case errors.As(err, &m) && (m.Number == 1049 || m.Number == 1044):
		return database
	case errors.As(err, &p) && (p.Code == "28P01" || p.Code == "28000"):
		return password
	case errors.As(err, &p) && p.Code == "3D000":
		return database
	case errors.As(err, &l) && l.Code == sqlite3.ErrCantOpen:
		return "the file must exist: check the database of the connection, and who may read it"
	}
	return ""
}
