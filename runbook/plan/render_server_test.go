package plan_test

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"stepgate/executor"
	"stepgate/executor/executortest"
	"stepgate/runbook/plan"
)

// Real servers read back what was written, whatever a \ means in the session.
func TestServersReadStatements(t *testing.T) {
	for _, c := range []struct {
		driver   string
		start    func(*testing.T) *executortest.DatabaseServer
		settings []string
		query    string
	}{
		{"mysql", executortest.MariaDB, []string{
			"", "set sql_mode = 'NO_BACKSLASH_ESCAPES';", "set sql_mode = 'ANSI_QUOTES';", "set names gbk;",
		}, "select {{v}} as v, 7 as {{i|ident}}"},
		{"postgres", executortest.Postgres, []string{
			"", "set standard_conforming_strings = off;", "set backslash_quote = on;",
		}, "select {{v}}::text as v, 7 as {{i|ident}}"},
	} {
		t.Run(c.driver, func(t *testing.T) {
			t.Parallel()
			s := c.start(t)
			for _, set := range c.settings {
				db, err := executor.OpenDatabase(t.Context(), s.Database, nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() })
				rapid.Check(t, func(t *rapid.T) {
					v := hostile().Draw(t, "value")
					query, err := plan.Render(statement(set+c.query), map[string]any{"v": v, "i": "a`b\"c"}, c.driver)
					if err != nil {
						t.Fatal(err)
					}
					r, err := db.Run(context.Background(), query, false)
					if err != nil || r.Exit != 0 || len(r.Rows) != 1 || len(r.Rows[0]) != 2 {
						t.Fatalf("%q: %+v, %v", query, r, err)
					}
					// What gbk can't carry comes back as ?; there, only the literal's end counts.
					if set != "set names gbk;" && r.Rows[0]["v"] != v {
						t.Fatalf("%q was read as %q", v, r.Rows[0]["v"])
					}
				})
			}
		})
	}
}
