package executor_test

import (
	"bytes"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"stepgate/executor"
)

// compareRow compares one row's values, types and all.
func compareRow(t *testing.T, s *executor.Sessions, query string, want map[string]any) {
	t.Helper()
	r := run(t, s, query, true)
	if r.Exit != 0 || len(r.Rows) != 1 {
		t.Fatalf("%s: %+v", query, r)
	}
	for name, v := range want {
		if got := r.Rows[0][name]; !reflect.DeepEqual(got, v) {
			t.Errorf("%s: %T(%v), want %T(%v)", name, got, got, v, v)
		}
	}
	if len(r.Rows[0]) != len(want) {
		t.Errorf("%d columns, want %d", len(r.Rows[0]), len(want))
	}
}

// Whole numbers are exact, decimals and times are the server's text.
func testMariaDBValues(t *testing.T, b sqlBench) {
	s := b.session(t, nil)
	must(t, s, "CREATE TABLE v (tiny tinyint, yes bool, big bigint, ubig bigint unsigned, umax bigint unsigned, price decimal(30,10), f float, d double, "+
		"at datetime(3), ts timestamp NULL, day date, t time, y year, b1 bit(1), b9 bit(9), txt text, bin varbinary(9), j json, e enum('a','b'), nul int); "+
		"INSERT INTO v VALUES (-1, true, -9223372036854775808, 42, 18446744073709551615, 12345678901234567890.0123456789, 0.1, 0.1, "+
		"'2026-11-21 04:35:00.120', '2026-11-21 04:35:00', '2026-11-21', '-12:00:01', 2026, b'1', b'100000001', '库\\n', x'FF00', '{\"a\":1}', 'b', NULL)", false)
	compareRow(t, s, "SELECT * FROM v", map[string]any{
		"tiny": int64(-1), "yes": int64(1), "big": int64(math.MinInt64), "ubig": int64(42), "umax": uint64(math.MaxUint64),
		"price": "12345678901234567890.0123456789", "f": 0.1, "d": 0.1,
		"at": "2026-11-21 04:35:00.120", "ts": "2026-11-21 04:35:00", "day": "2026-11-21", "t": "-12:00:01", "y": int64(2026),
		"b1": int64(1), "b9": int64(257), "txt": "库\n", "bin": "0xFF00", "j": `{"a":1}`, "e": "b", "nul": nil,
	})
	compareRow(t, s, "SELECT 1 AS `a b`, 'x' AS `库`, COUNT(*), now() IS NULL AS N FROM v", map[string]any{
		"a b": int64(1), "库": "x", "COUNT(*)": int64(1), "N": int64(0),
	})
}

// testNoReadOnly speaks to a server that doesn't know what a read-only transaction is:
// one that gets the words wrong. The operator is told.
func testNoReadOnly(t *testing.T, b sqlBench) {
	r := newRelay(t, b.db.Address, func(p []byte) { copy(p, bytes.ReplaceAll(p, []byte("READ ONLY"), []byte("READ 0NLY"))) })
	b.db.Address = r.address
	s := b.session(t, nil)
	got := run(t, s, "SELECT 1 AS n", true)
	if got.Exit != 0 || !strings.HasPrefix(got.Note, "the server knows no read-only transactions, and so nothing but the statements themselves keeps them from writing: Error 1064") {
		t.Errorf("%+v", got)
	}
}

// testTooMuch asks for more than is kept.
func testTooMuch(t *testing.T, b sqlBench, query string) {
	s := b.session(t, nil)
	if _, err := s.Run(t.Context(), query, true); err == nil || isReach(err) || !strings.HasSuffix(err.Error(), "the result set has more than 32 MiB") {
		t.Errorf("%s: %v", query, err)
	}
	must(t, s, "SELECT 1 AS n", true)
}

func testPostgresValues(t *testing.T, b sqlBench) {
	s := b.session(t, nil)
	compareRow(t, s, `SELECT 1::int2 AS i2, 9223372036854775807 AS i8, 4294967295::oid AS o, '18446744073709551615'::xid8 AS x, 12345678901234567890.012::numeric AS price,
		0.1::float4 AS f4, 0.1::float8 AS f8, 'NaN'::float8 AS nan, true AS yes, '2026-11-21 04:35:00.12+00'::timestamp AS ts, '2026-11-21'::date AS day,
		interval '1 day 2 hours' AS span, '{"a": 1}'::jsonb AS j, '\xff00'::bytea AS bin, ARRAY['a','b'] AS list, '库' AS txt, NULL AS nul, 'pg_class'::regclass AS "Class"`, map[string]any{
		"i2": int64(1), "i8": int64(math.MaxInt64), "o": int64(math.MaxUint32), "x": uint64(math.MaxUint64), "price": "12345678901234567890.012",
		"f4": 0.1, "f8": 0.1, "nan": "NaN", "yes": true, "ts": "2026-11-21 04:35:00.12", "day": "2026-11-21",
		"span": "1 day 02:00:00", "j": `{"a": 1}`, "bin": `\xff00`, "list": "{a,b}", "txt": "库", "nul": nil, "Class": "pg_class",
	})
	if r := run(t, s, "INSERT INTO t VALUES (70, 'a'); INSERT INTO t VALUES (1, 'again')", false); r.Exit != 1 {
		t.Errorf("%+v", r)
	}
	if got := must(t, s, "SELECT id FROM t WHERE id = 70", true); got != "[]" {
		t.Errorf("one text is one transaction, and yet %s", got)
	}
	if r := run(t, s, "SET statement_timeout = '10ms'; SELECT pg_sleep(60)", false); r.Exit != 1 || r.Stderr != "ERROR (57014): canceling statement due to statement timeout\n" {
		t.Errorf("the server's own limit is an answer: %+v", r)
	}
}

// makeSQLite makes an empty database, which is an empty file.
func makeSQLite(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func testSQLiteValues(t *testing.T, b sqlBench) {
	s := b.session(t, nil)
	must(t, s, `CREATE TABLE v (i, f, txt, bin, nul, ts timestamp, epoch datetime, bad date, yes boolean, "a""b" boolean);
		INSERT INTO v VALUES (9223372036854775807, 0.5, '库', x'ff00', NULL, '2026-11-21T04:35Z', 1700000000, 'someday', 7, 0)`, false)
	want := map[string]any{
		"i": int64(math.MaxInt64), "f": 0.5, "txt": "库", "bin": "0xFF00", "nul": nil,
		"ts": "2026-11-21T04:35Z", "epoch": int64(1700000000), "bad": "someday", "yes": int64(7), `a"b`: int64(0),
	}
	compareRow(t, s, "SELECT * FROM v;", want)
	compareRow(t, s, "WITH w AS (SELECT * FROM v) SELECT * FROM w -- all of it", want)
	if got := must(t, s, "CREATE TRIGGER g AFTER INSERT ON v BEGIN UPDATE v SET i = 1; DELETE FROM t; END; INSERT INTO v(i) VALUES (2); SELECT count(*) AS n FROM t", false); got != `[{"n":0}]` {
		t.Errorf("a trigger: %s", got)
	}
}
