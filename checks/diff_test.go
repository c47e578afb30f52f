package checks

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	plaintext "stepgate/runbook/text"
)

const confBefore = "port = 3306\nmax_connections = 100\n名称 = 库\n"

var compared = Names{"conf_before": String, "rows_before": List, "counts": Any, "saved": Any, "n": Int}

var comparedValues = Values{
	"conf_before": confBefore, "n": 3,
	"rows_before": []any{map[string]any{"name": "a", "value": 1}, map[string]any{"name": "b c", "value": nil}},
	"counts":      map[string]any{"orders": 10, "users": 2},
	"saved":       plaintext.Unified("x", "y", "a\n", "b\n"),
}

// fleet has hosts that were changed, all but the first.
type fleet struct{ world }

func (fleet) Hosts(string) ([]map[string]any, bool) {
	return []map[string]any{
		{"host": "db-1", "before": "a\nb\n", "now": "a\nb\n"},
		{"host": "db-2", "before": "a\nb\n", "now": "a\nc\n"},
		{"host": "db-3", "before": "a\nb\n", "now": "d\n"},
	}, true
}

func rowOf(t *testing.T, src string, of Kind, o Observation) Row {
	t.Helper()
	e, problems := CompileExpect(src, compared, of)
	if len(problems) > 0 {
		t.Fatalf("compile %q: %+v", src, problems)
	}
	o.Ran = true
	rows := e.Eval(o, comparedValues, fleet{})
	return rows[len(rows)-1]
}

// What a line compared is shown as a difference, when there is more to it than what it
// saw can tell.
func TestRowDiff(t *testing.T) {
	t.Parallel()
	const changed = "port = 3306\nmax_connections = 200\n名称 = 库\n"
	const conf = "--- conf_before\n+++ stdout\n@@ -1,3 +1,3 @@\n port = 3306\n-max_connections = 100\n+max_connections = 200\n 名称 = 库\n"
	const second = "--- db-2: .before\n+++ db-2: .now\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
	for _, tt := range []struct{ src, want string }{
		{`conf_before == stdout`, conf},
		{`stdout == conf_before  // what was just taken is the new text`, conf},
		{`stdout != conf_before`, conf},
		{`not (stdout == conf_before)`, conf},
		{"let conf = stdout\nconf == conf_before", strings.Replace(conf, "+++ stdout", "+++ conf", 1)},
		{`exit == 0 and stdout == conf_before`, conf},
		{`exit == 0 or stdout == conf_before  // its first half decides`, ""},
		{`stdout == conf_before and conf_before == stdout`, conf},
		{`stderr == ""`, ""},
		{`stderr == "another short line"`, ""},
		{`exit == n`, ""},
		{`stdout contains "max"`, ""},
		{
			`stderr == "a line of which a row can show but the first half, as it goes on"`,
			"--- \"a line of which a row can show but the first half, as it g…\n+++ stderr\n@@ -1 +1 @@\n-a line of which a row can show but the first half, as it goes on\n+short\n",
		},
		{`lines[0:2] == ["port = 3306", "x"]`, "--- [\"port = 3306\", \"x\"]\n+++ lines[0:2]\n@@ -1,2 +1,2 @@\n port = 3306\n-x\n+max_connections = 200\n"},
		{`lines[0:1] == ["x"]`, ""},
		{`counts == {"orders": 11, "users": 2}`, "--- counts\n+++ {orders: 11, users: 2}\n@@ -1,2 +1,2 @@\n-orders = 10\n+orders = 11\n users = 2\n"},
		{`{"orders": 10} == counts`, "--- {orders: 10}\n+++ counts\n@@ -1 +1,2 @@\n orders = 10\n+users = 2\n"},
		{`all(hosts("db"), .before == .now)`, second},
		{`none(hosts("db"), .before != .now)`, second},
		{`any(hosts("db"), .host == "db-2" and .before == .now)  // where two were compared`, second},
		{`len(filter(hosts("db"), .before != .now)) == 0`, second},
		{`filter(hosts("db"), .before != .now) == []`, second},
		{`all(hosts("db"), .before == .before)`, ""},
		{`all(hosts("db"), any([.before, "b\n"], # == "x\ny\n"))`, "--- db-1: #\n+++ db-1: \"x\\ny\\n\"\n@@ -1,2 +1,2 @@\n-a\n-b\n+x\n+y\n"},
		{`diff(conf_before, stdout) == ""`, conf},
		{`diff(conf_before, stdout) contains "+max_connections = 200"  // as it was meant`, conf},
		{`len(filter(split(diff(conf_before, stdout), "\n"), # matches "^[-+][^-+]")) == 2`, conf},
		{"let d = diff(conf_before, stdout)\nd contains \"+max\" and not (d contains \"port = 1\")", conf},
		{`diff(conf_before, conf_before) == ""`, ""},
		{`saved != ""`, "--- x\n+++ y\n@@ -1 +1 @@\n-a\n+b\n"},
		{`all(hosts("db"), .host == "db-1" or diff(.before, .now) contains "-b")`, second},
		{`all(hosts("db"), diff(.before, .now) == "")`, second},
	} {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			got := rowOf(t, tt.src, OfScript, Observation{Stdout: changed, Stderr: "short"})
			if got.Diff != tt.want {
				t.Errorf("%s, saw %s\n%s\nwant\n%s", got.Verdict, got.Saw, got.Diff, tt.want)
			}
		})
	}
}

func TestRowDiffOfRows(t *testing.T) {
	t.Parallel()
	got := rowOf(t, `rows == rows_before`, OfSQL, Observation{
		Columns: []string{"name", "value"}, Rows: []map[string]any{{"name": "a", "value": int64(1)}, {"name": "b c", "value": "nil"}, {"name": "d", "value": 2.5}},
	})
	want := "--- rows_before\n+++ rows\n@@ -1,2 +1,3 @@\n name=a value=1\n-name=\"b c\" value=nil\n+name=\"b c\" value=\"nil\"\n+name=d value=2.5\n"
	if got.Diff != want || got.Verdict != Fail {
		t.Errorf("%s\n%s\nwant\n%s", got.Verdict, got.Diff, want)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ src, want, detail string }{
		{`diff("a\n", "a\n") == ""`, "pass", `diff("a\n", "a\n"): ""`},
		{`diff("a", "b") == "--- \"a\"\n+++ \"b\"\n@@ -1 +1 @@\n-a\n+b\n"`, "pass", `diff("a", "b"): 1 removed, 1 added`},
		{`diff(1, 2) contains "-1"`, "pass", "1 removed, 1 added"},
		{`diff(1, 1.0) == ""`, "pass", ""},
		{`diff(["1"], [1]) == ""`, "fail", "1 removed, 1 added"},
		{`diff(version("4.2"), version("4.2.0")) == ""`, "pass", ""},
		{`diff(saved, n) == ""`, "unknown", "wrong type: diff() of text and a number"},
		{`diff(saved, nil) == ""`, "unknown", "wrong type: diff() of text and nil"},
		{`diff(counts.orders, counts.nobody) == ""`, "unknown", `there is no key "nobody"`},
		{`len(diff(repeat("a\n", 20000), repeat("b\n", 20000))) > 0`, "pass", ""},
		{`len(diff(repeat("a\n", 900000), repeat("b\n", 900000))) > 0`, "unknown", "too many steps"},
		{`len(reduce(1..40, diff(repeat("a" + #acc, 1000), "b" + #acc), "a")) > 0`, "unknown", "makes a text of more than"},
		{`diff(reduce(1..40, [#acc, #acc], [1]), []) == ""`, "unknown", "too many steps"},
	} {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			got := rowOf(t, tt.src, OfScript, Observation{})
			if got.Verdict.String() != tt.want || !strings.Contains(got.Saw+got.Cause, tt.detail) {
				t.Errorf("%s, saw %s %s", got.Verdict, got.Saw, got.Cause)
			}
		})
	}
	for src, want := range map[string]string{
		`diff(conf_before, 1) == ""`:      "diff() wants two values of one kind, not text and a number",
		`diff(lines, stdout) == ""`:       "diff() wants two values of one kind, not a list and text",
		`diff(stdout) == ""`:              "diff() wants two values, the one before and the one after",
		`diff(conf_before, stdout) == 1`:  "== can't be used on string and int",
		`diff(stdout, conf_befor) == ""`:  `unknown name "conf_befor"`,
		"let diff = stdout\ndiff == \"\"": `"diff" can't be used after let: diff is a function of the expression language`,
	} {
		if _, problems := CompileExpect(src, compared, OfScript); len(problems) != 1 || problems[0].Text != want {
			t.Errorf("%s: %+v, want %s", src, problems, want)
		}
	}
}

func TestDiffIsCaptured(t *testing.T) {
	t.Parallel()
	c, problems := CompileCapture("change = diff(conf_before, stdout)", compared, OfScript)
	if len(problems) > 0 {
		t.Fatal(describe(problems))
	}
	got, err := c.Eval(Observation{Ran: true, Stdout: "port = 1\n"}, comparedValues, nil)
	if err != nil || len(got) != 1 || got[0].Type != String || !strings.Contains(got[0].Value.(string), "+port = 1\n") {
		t.Errorf("%+v, %v", got, err)
	}
}

// A row's difference is bounded between lines; what diff() gives is whole.
func TestRowDiffIsBounded(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("数据库\n", 5000)
	got := rowOf(t, `diff(conf_before, stdout) endsWith "+last\n"`, OfScript, Observation{Stdout: many + "last\n"})
	lines := strings.Split(got.Diff, "\n")
	if got.Verdict != Pass || len(lines) != maxDiffLines+2 || lines[maxDiffLines] != `\ lines left out here: 4607` {
		t.Errorf("%s, %d lines, at their end %q", got.Verdict, len(lines), lines[len(lines)-2:])
	}
	wide := rowOf(t, `stdout == conf_before`, OfScript, Observation{Stdout: "a\n" + strings.Repeat("数", maxDiffBytes)})
	if len(wide.Diff) > maxDiffBytes+100 || !utf8.ValidString(wide.Diff) || !strings.Contains(wide.Diff, "\\ lines left out here: 2\n") {
		t.Errorf("%d bytes: %.200q", len(wide.Diff), wide.Diff)
	}
}

// Any two values of a kind can be told apart, or are alike, and the difference of their
// lines is one.
func TestDiffOfAnything(t *testing.T) {
	t.Parallel()
	leaf := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Map(rapid.IntRange(-3, 3), func(i int) any { return i }),
		rapid.Map(rapid.SampledFrom([]float64{0.5, 1, 1e30}), func(f float64) any { return f }),
		rapid.Map(rapid.OneOf(rapid.SampledFrom([]string{"", "1", "nil", "a b", "a=b", "[1 2]", "{a=1}", "a\nb", "数", `"`, " = ", "\x1b["}), rapid.String()), func(s string) any { return s }),
	)
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		if depth == 0 {
			return leaf
		}
		inner := value(depth - 1)
		return rapid.OneOf(leaf,
			rapid.Map(rapid.SliceOfN(inner, 0, 4), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "a b", "=", "a =", ""}), inner, 0, 3), func(m map[string]any) any { return m }))
	}
	rapid.Check(t, func(t *rapid.T) {
		l, r := value(2).Draw(t, "l"), value(2).Draw(t, "r")
		s := newScope(nil, OfScript, nil, nil, nil)
		got, err := s.diff([]any{l, r, "l", "r"})
		if kindOf(l) != kindOf(r) {
			if err == nil {
				t.Fatalf("a difference of two kinds: %q", got)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		same, err := new(scope).equal(l, r)
		if err == nil && same != (got == "") {
			t.Fatalf("they are alike: %v, and the difference is %q", same, got)
		}
		if got != "" && plaintext.Changes(splitLines(got.(string))) == nil {
			t.Fatalf("no difference: %q", got)
		}
		if again, _ := s.diff([]any{l, r, "l", "r"}); again != got {
			t.Fatalf("%q, then %q", got, again)
		}
		if swapped, err := s.diff([]any{r, l, "l", "r"}); err != nil || (swapped == "") != (got == "") {
			t.Fatalf("the other way round: %q, %v", swapped, err)
		}
	})
}

func FuzzRowDiff(f *testing.F) {
	f.Add("a\nb\n", "a\nc")
	f.Add("[1, {\"a\": null}]", "[1]")
	f.Fuzz(func(t *testing.T, was, is string) {
		if len(was)+len(is) > 1<<14 {
			return
		}
		for _, src := range []string{`stdout == stderr`, `diff(lines, errors) == ""`, `json == fromJSON(stderr)`, `all(lines, # == stderr)`} {
			row := rowOf(t, src, OfScript, Observation{Stdout: was, Stderr: is})
			if row.Diff != "" && plaintext.Changes(splitLines(row.Diff)) == nil {
				t.Fatalf("%s: no difference: %q", src, row.Diff)
			}
		}
	})
}
