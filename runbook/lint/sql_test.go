package lint_test

import (
	"strings"
	"testing"
)

func sqlBook(driver, info, body, behind string) string {
	src := "+++\n[connections.main]\ndriver = \"" + driver + "\"\nhost = \"127.0.0.1\"\n"
	if driver == "sqlite" {
		src = "+++\n[connections.main]\ndriver = \"sqlite\"\ndatabase = \"/tmp/x.db\"\n"
	}
	src += "+++\n- [ ] A\n\n  ```sql {" + info + "}\n"
	for line := range strings.Lines(body) {
		src += "  " + line
	}
	return src + "\n  ```\n" + behind
}

// TestSQLChecksRead: which statements a check may hold.
func TestSQLChecksRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ driver, body, want string }{
		{"mysql", "SELECT 1", ""},
		{"mysql", "select 'it''s; DROP TABLE x', \"a\\\"; delete from y\", `update`", ""},
		{"mysql", "-- insert\n# delete\n/* drop */ (SELECT 1) UNION (SELECT 2);;\n", ""},
		{"mysql", "show create table t", ""},
		{"mysql", "desc t; describe t; explain delete from t", ""},
		{"mysql", "set @a = 1; set session x = 2; use db; select @a", ""},
		{"mysql", "with a as (select 1) select * from a", ""},
		{"mysql", "select replace(a, 'b', 'c'), last_insert(x), updated, deleted_at from t", ""},
		{"mysql", "select load, `call`, replace, lock_time, t.update from t where for_update = 1", ""},
		{"mysql", "select count(*) into @n from t", ""},
		{"postgres", "select * into copy from t", "9:3 INTO"},
		{"postgres", "explain analyze update t set a = 1", "9:3 UPDATE T SET"},
		{"mysql", "select 1;\n insert into t values (1)", "10:4 INSERT"},
		{"mysql", "update t set a = 1", "9:3 UPDATE"},
		{"mysql", "select * from t for update", "9:3 FOR UPDATE"},
		{"mysql", "select * from t into\n outfile '/tmp/x'", "9:3 INTO OUTFILE"},
		{"mysql", "set global x = 1", "9:3 SET GLOBAL"},
		{"mysql", "alter system stop server 'x'", "9:3 ALTER"},
		{"mysql", "call p()", "9:3 CALL"},
		{"mysql", "/*! drop table x */", "9:3 DROP"},
		{"postgres", "select $$ delete from x; $$, $tag$ drop $tag$, E'a'", ""},
		{"postgres", "with gone as (delete from t returning *) select * from gone", "9:3 DELETE FROM"},
		{"postgres", "explain (analyze, buffers) delete from t", "9:3 DELETE FROM"},
		{"postgres", "select nextval('s')", "9:3 NEXTVAL"},
		{"postgres", "select 'a\\'; insert into t values (1) --'", "9:16 INSERT"},
		{"sqlite", "pragma integrity_check", ""},
		{"mysql", "check table t", ""},
		{"sqlite", "pragma user_version = 3", "9:3 PRAGMA … ="},
		{"sqlite", "vacuum", "9:3 VACUUM"},
	} {
		var got []string
		for _, line := range find(t, sqlBook(c.driver, ".check db=main", c.body, "  ```expect\n  len(rows) == 1\n  ```\n")) {
			if strings.Contains(line, "[sql-check-writes]") {
				place, rest, _ := strings.Cut(strings.TrimPrefix(line, "a.md:"), ": error: a check only reads, and this one says ")
				what, _, _ := strings.Cut(rest, " [")
				got = append(got, place+" "+what)
			} else {
				t.Errorf("%s: %s", c.body, line)
			}
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s %q: got %q, want %q", c.driver, c.body, got, c.want)
		}
	}
}

// TestSQLCommands: what a command in SQL needs.
func TestSQLCommands(t *testing.T) {
	t.Parallel()
	check := "  ```sql {.check db=main}\n  SELECT 1 one\n  ```\n  ```expect\n  rows[0].one == 1\n  ```\n"
	for _, c := range []struct{ info, body, behind, want string }{
		{"db=main", "update t set a = 1", check, ""},
		{"db=main", "update t set a = 1", "", "unclaimed"},
		{"db=main", "drop table t", check, "destructive"},
		{"db=main", "delete\n from t", check, "destructive"},
		{"db=main", "select 'drop table t'", check, ""},
		{"db=main", "drop table t", check + "\n  > [!CAUTION]\n  > It is lost.\n", ""},
		{".irreversible db=main", "drop table t", check, ""},
		{".monitor db=main every=1s", "insert into beat values (1)", "", ""},
		{".monitor db=main every=1s", "drop table t", "", "destructive"},
		{".check db=main", "select 1 one", "", "sql-check-without-expect"},
		{".check db=main", "select 1 one", "  ```capture\n  found = rows[0].one\n  ```\n", ""},
	} {
		var got []string
		for _, line := range find(t, sqlBook("mysql", c.info, c.body, c.behind)) {
			head, _, _ := strings.Cut(line, "\n")
			got = append(got, head[strings.LastIndexByte(head, '[')+1:len(head)-1])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %q: got %q, want %q", c.info, c.body, got, c.want)
		}
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	head := "+++\n+++\n- [ ] A\n\n  ```http\n  "
	check := "\n  ```\n  ```http {.check}\n  GET http://127.0.0.1/\n  ```\n"
	for body, want := range map[string]string{
		"DELETE http://127.0.0.1/x":            "[destructive]",
		"POST http://127.0.0.1/x":              "",
		"PUT http://127.0.0.1/x\n\n  DELETE x": "",
	} {
		got := strings.Join(find(t, head+body+check), "\n")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q", body, got)
		}
	}
}
