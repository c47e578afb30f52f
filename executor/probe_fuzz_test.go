package executor

import (
	"context"
	"slices"
	"strings"
	"testing"
)

func TestSplitSQLite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{" -- nothing; at all\n/* ; */", nil},
		{";;SELECT 1", []string{";;SELECT 1"}},
		{"SELECT 1;SELECT 2;\n", []string{"SELECT 1;", "SELECT 2;"}},
		{"SELECT ';', \";\", `;`, [;] -- ;\n/* ; */; SELECT 2 ", []string{"SELECT ';', \";\", `;`, [;] -- ;\n/* ; */;", " SELECT 2 "}},
		{"SELECT 'it''s; -- not'; SELECT 2", []string{"SELECT 'it''s; -- not';", " SELECT 2"}},
		{
			"create temp trigger g after insert on t begin update t set a = 'end;'; select case when 1 then 2 end; end; SELECT 2",
			[]string{"create temp trigger g after insert on t begin update t set a = 'end;'; select case when 1 then 2 end; end;", " SELECT 2"},
		},
		{"CREATE TABLE trigger_ (x); SELECT 2;", []string{"CREATE TABLE trigger_ (x);", " SELECT 2;"}},
		{"EXPLAIN CREATE TRIGGER g BEGIN x; END; y", []string{"EXPLAIN CREATE TRIGGER g BEGIN x; END;", " y"}},
		{"SELECT 'never closed; SELECT 2", []string{"SELECT 'never closed; SELECT 2"}},
	} {
		if got := splitSQLite(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("%q:\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
}

func FuzzSplitSQLite(f *testing.F) {
	f.Add("SELECT ';'; CREATE TRIGGER t BEGIN x; END; -- ;\n[a;")
	f.Fuzz(func(t *testing.T, text string) {
		joined := strings.Join(splitSQLite(text), "")
		if !strings.HasPrefix(text, joined) {
			t.Fatalf("the pieces of %q are %q", text, joined)
		}
		if rest := splitSQLite(text[len(joined):]); len(rest) > 0 && joined != "" {
			t.Fatalf("%q is left of %q", rest, text)
		}
	})
}

func FuzzRequestForm(f *testing.F) {
	f.Add("# c\nGET http://a:1/\n  ?b=1\nX: y\n\nbody\n")
	f.Add("GET http://a/\n \n\t")
	f.Fuzz(func(t *testing.T, text string) {
		req, err := readRequest(context.Background(), text)
		if err == nil && (req.URL.Host == "" || req.GetBody != nil) {
			t.Fatalf("%q gives %+v", text, req)
		}
	})
}

func FuzzTargets(f *testing.F) {
	f.Add("a:1\nclosed [::1]:2 # c\n")
	f.Fuzz(func(t *testing.T, text string) {
		targets, err := readTargets(text)
		if (err == nil) != (len(targets) > 0) {
			t.Fatalf("%q gives %v, %v", text, targets, err)
		}
	})
}
