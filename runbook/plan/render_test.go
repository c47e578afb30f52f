package plan_test

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	_ "github.com/mattn/go-sqlite3"
	"pgregory.net/rapid"

	"stepgate/runbook"
	"stepgate/runbook/plan"
)

func statement(body string) *runbook.Fence {
	return &runbook.Fence{Pos: runbook.Pos{File: "a.md", Line: 3, Col: 1}, Form: runbook.SQL, Body: body}
}

func inLanguage(literal, body string) *runbook.Fence {
	return &runbook.Fence{Form: runbook.Script, Lang: "x", Language: &runbook.Language{Name: "x", Literal: literal}, Body: body}
}

var renderNames = map[string]any{
	"s": "O'Brien", "back": `a\'b`, "n": 3, "neg": -3, "f": 1.5, "yes": true, "no": false, "nil": nil, "d": 90 * time.Second,
	"big": json.Number("12345678901234567890"), "list": []any{"a", "b'c", 3}, "none": []any{}, "zone": "zone`1\"",
	"quiet": map[string]any{"sum": "中"}, "nul": "a\x00", "ctl": "a\x1bb", "name": "plain_1",
}

func TestRenderStatements(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ driver, body, want string }{
		{"mysql", "where a = {{s}}", "where a = 'O''Brien'"},
		{"mysql", "where a = {{back}}", "where a = _utf8mb4 X'615C2762'"},
		{"postgres", "where a = {{back}}", `where a = E'a\\''b'`},
		{"sqlite", "where a = {{back}}", `where a = 'a\''b'`},
		{"mysql", "stop zone {{zone|ident}}", "stop zone `zone``1\"`"},
		{"postgres", "table {{ zone | ident }}", "table \"zone`1\"\"\""},
		{"sqlite", "a.{{name|ident}}", `a."plain_1"`},
		{"mysql", "limit {{n}}", "limit 3"},
		{"postgres", "5-{{neg}}", "5-(-3)"},
		{"sqlite", "5--{{neg}}\n, {{n}}", "5--{{neg}}\n, 3"}, // a comment
		{"mysql", "5--{{neg}}", "5--(-3)"},                   // none: no blank
		{"mysql", "5-- {{neg}}", "5-- {{neg}}"},
		{"mysql", "# {{neg}}\n{{n}}", "# {{neg}}\n3"},
		{"postgres", "x # {{n}}", "x # 3"},
		{"mysql", "{{f}} {{yes}} {{no}} {{nil}} {{d}} {{big}}", "1.5 TRUE FALSE NULL '1m30s' 12345678901234567890"},
		{"sqlite", "{{yes}} {{no}}", "1 0"},
		{"mysql", "in ({{list}}) or in ({{none}})", "in ('a', 'b''c', 3) or in (NULL)"},
		{"mysql", "= {{quiet.sum}}", "= '中'"},
		{"mysql", "select 'it''s', \"a\\\"{\", {{n}}", "select 'it''s', \"a\\\"{\", 3"},
		{"postgres", `select 'a\', {{n}}`, `select 'a\', 3`},
		{"postgres", `select E'a\', {{n}}', {{n}}`, ""},
		{"postgres", "select $1, a$$b, {{n}}", "select $1, a$$b, 3"},
		{"postgres", "do $x$ begin {{n}} $x$", ""},
		{"postgres", "/* /* */ {{n}} */ {{n}}", "/* /* */ {{n}} */ 3"},
		{"mysql", "/* /* */ {{n}}", "/* /* */ 3"},
		{"mysql", "/*+ query_timeout({{n}}) */", ""},
		{"mysql", "/*! {{n}} */", ""},
		{"mysql", "where a = '{{s}}'", ""},
		{"mysql", "where a = `{{s}}`", ""},
		{"sqlite", "[{{s}}]", ""},
		{"postgres", "array[{{n}}]", "array[3]"},
		{"postgres", "a[{{n}}] E{{s}}", ""},
		{"mysql", "t_{{n}}", ""},
		{"mysql", "{{n}}{{n}}", ""},
		{"mysql", "{{s}}'x'", ""},
		{"mysql", "{{nowhere}}", ""},
		{"mysql", "{{s|upper}}", ""},
		{"mysql", "{{n|ident}}", ""},
		{"mysql", "{{nul}}", ""},
		{"mysql", `{{ "{{" }}`, `{{ "{{" }}`},
		{"oracle", "{{n}}", ""},
	} {
		got, err := plan.Render(statement(c.body), renderNames, c.driver)
		if (err != nil) != (c.want == "") || got != c.want {
			t.Errorf("%s: %s became %q, %v, want %q", c.driver, c.body, got, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), "a.md:3:1") {
			t.Errorf("%s: %v has no place", c.body, err)
		}
	}
}

func TestRenderLanguages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ literal, body, want string }{
		{"sql", "upgrade({{s}}, {{neg}})", "upgrade('O''Brien', (-3))"},
		{"sql", "{{back}}", ""},
		{"sql", "{{name|ident}}", "plain_1"},
		{"sql", "{{zone|ident}}", ""},
		{"c", "f({{s}}, {{zone}}) // {{s}}\n", "f(\"O'Brien\", \"zone`1\\\"\") // {{s}}\n"},
		{"c", "[{{list}}] {{none}} {{yes}}", `["a", "b'c", 3]  true`},
		{"c", "{{nil}}", ""},
		{"c", "{{ctl}}", ""},
		{"c", `"{{s}}"`, ""},
		{"c", `'\'{{s}}'`, ""},
		{"c", "{{name|ident}}", ""},
		{
			"json", `{"a": {{s}}, "b": "x {{zone}}", "c": {{list}}, "d": {{neg}}, "e": {{nil}}, "f": {{quiet}}}`,
			`{"a": "O'Brien", "b": "x zone` + "`" + `1\"", "c": ["a","b'c",3], "d": -3, "e": null, "f": {"sum":"中"}}`,
		},
		{"", "{{s}}", ""},
		{"", "{{ 1 }} plain", "{{ 1 }} plain"},
	} {
		got, err := plan.Render(inLanguage(c.literal, c.body), renderNames, "")
		if (err != nil) != (c.want == "") || got != c.want {
			t.Errorf("%s: %s became %q, %v, want %q", c.literal, c.body, got, err, c.want)
		}
	}
	shell := &runbook.Fence{Form: runbook.Script, Lang: "sh", Body: "echo {{s}} {{nowhere}}"}
	if got, err := plan.Render(shell, renderNames, ""); err != nil || got != shell.Body {
		t.Errorf("a shell's text became %q, %v", got, err)
	}
}

func TestPreviewLeavesWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{"where a = {{s}} and b = {{nowhere}}", "where a = 'O''Brien' and b = {{nowhere}}"},
		{"where a = '{{s}}'", "where a = '{{s}}'"},
	} {
		if got := plan.Preview(statement(c.body), renderNames, "mysql"); got != c.want {
			t.Errorf("%s is shown as %s", c.body, got)
		}
	}
	f := &runbook.Fence{Form: runbook.HTTP, Body: "GET http://{{host}}/{{n}}/{{nowhere}}?{{s}}\nX: {{nowhere}}\n\n{\"a\": {{s}}, \"b\": \"{{nowhere}}\"}"}
	want := "GET http://{{host}}/3/{{nowhere}}?O%27Brien\nX: {{nowhere}}\n\n{\"a\": \"O'Brien\", \"b\": \"{{nowhere}}\"}"
	if got := plan.Preview(f, renderNames, ""); got != want {
		t.Errorf("the request is shown as %s", got)
	}
}

func TestRenderRequests(t *testing.T) {
	t.Parallel()
	names := map[string]any{
		"endpoint": "10.0.0.1:9527", "base": "https://h.example/api", "id": "a/b ?#中", "dots": "..", "empty": "", "line": "a\r\nX-Evil: 1",
		"pw": "p@:/", "scheme": "https", "verb": "PUT", "q": "a&b=c+d", "n": 3, "v6": "[::1]:80", "evil": "h/../@x", "msg": `say "hi"` + "\n<b>",
	}
	for _, c := range []struct{ body, want string }{
		{"GET http://{{endpoint}}/dbs/{{id}}?x={{q}}&n={{n}}#{{id}}\n", "GET http://10.0.0.1:9527/dbs/a%2Fb%20%3F%23%E4%B8%AD?x=a%26b%3Dc%2Bd&n=3#a%2Fb%20%3F%23%E4%B8%AD\n"},
		{"{{base}}/x/{{n}}", "https://h.example/api/x/3"},
		{"{{verb}} {{base}}/x HTTP/1.1\n", "PUT https://h.example/api/x HTTP/1.1\n"},
		{"{{ base }}/x", "https://h.example/api/x"},
		{"GET {{scheme}}://u:{{pw}}@{{v6}}/", "GET https://u:p%40%3A%2F@[::1]:80/"},
		{"GET http://{{evil}}/", ""},
		{"GET {{evil}}", ""},
		{"GET {{line}}/x", ""},
		{"GET http://h/{{dots}}/x", ""},
		{"GET http://h/{{dots}}", ""},
		{"GET http://h/.{{n}}/x", "GET http://h/.3/x"},
		{"DELETE http://h/index/{{empty}}", ""},
		{"DELETE http://h/index/a{{empty}}", "DELETE http://h/index/a"},
		{"GET http://h/?q={{empty}}", "GET http://h/?q="},
		{"GET http://h/\n  ?q={{q}}\n  &r={{id}}\n", "GET http://h/\n  ?q=a%26b%3Dc%2Bd\n  &r=a%2Fb%20%3F%23%E4%B8%AD\n"},
		{"# {{line}}\n\nGET http://h/\nX: {{q}}\n", "# {{line}}\n\nGET http://h/\nX: a&b=c+d\n"},
		{"GET http://h/\nX: {{line}}\n", ""},
		{"GET http://h/\nX-{{n}}{{verb}}: 1\n", ""},
		{"GET http://h/\nX-{{verb}}: 1\n", "GET http://h/\nX-PUT: 1\n"},
		{"POST http://h/\n\n{\"a\": \"{{msg}}\", \"b\": {{msg}}, \"n\": {{n}}}", "POST http://h/\n\n{\"a\": \"say \\\"hi\\\"\\n<b>\", \"b\": \"say \\\"hi\\\"\\n<b>\", \"n\": 3}"},
		{"POST http://h/\nContent-Type: application/x-www-form-urlencoded\n\na={{q}}&b={{msg}}", "POST http://h/\nContent-Type: application/x-www-form-urlencoded\n\na=a%26b%3Dc%2Bd&b=say%20%22hi%22%0A%3Cb%3E"},
		{"POST http://h/\nContent-Type: text/xml; charset=utf-8\n\n<a x=\"{{msg}}\"/>", "POST http://h/\nContent-Type: text/xml; charset=utf-8\n\n<a x=\"say &#34;hi&#34;&#xA;&lt;b&gt;\"/>"},
		{"POST http://h/\nContent-Type: text/plain\n\n{{msg}} {{n}}", "POST http://h/\nContent-Type: text/plain\n\nsay \"hi\"\n<b> 3"},
		{"POST http://h/\r\ncontent-type: application/json\r\n\r\n\"{{msg}}\"", "POST http://h/\r\ncontent-type: application/json\r\n\r\n\"say \\\"hi\\\"\\n<b>\""},
		{"GET http://h/{{n|ident}}", ""},
		{"GET http://h/{{nowhere}}", ""},
	} {
		f := &runbook.Fence{Form: runbook.HTTP, Body: c.body}
		got, err := plan.Render(f, names, "")
		if (err != nil) != (c.want == "") || got != c.want {
			t.Errorf("%q became\n%q, %v, want\n%q", c.body, got, err, c.want)
		}
	}
}

func TestRenderAddresses(t *testing.T) {
	t.Parallel()
	names := map[string]any{"host": "10.0.0.1", "port": 80, "endpoint": "a.b:1", "v6": "[fe80::1]", "evil": "a:1\nclosed b", "words": "closed a"}
	for _, c := range []struct{ body, want string }{
		{"{{host}}:{{port}}  # {{evil}}\nclosed {{endpoint}}\n{{v6}}:{{port}}", "10.0.0.1:80  # {{evil}}\nclosed a.b:1\n[fe80::1]:80"},
		{"{{evil}}", ""},
		{"{{words}}:1", ""},
		{"{{nowhere}}:1", ""},
	} {
		got, err := plan.Render(&runbook.Fence{Form: runbook.TCP, Body: c.body}, names, "")
		if (err != nil) != (c.want == "") || got != c.want {
			t.Errorf("%q became %q, %v, want %q", c.body, got, err, c.want)
		}
	}
}

// hostile draws texts that are made of what closes literals.
func hostile() *rapid.Generator[string] {
	pieces := rapid.SliceOf(rapid.OneOf(
		rapid.SampledFrom([]string{
			"'", `"`, "`", `\`, `\'`, "''", "--", "-- ", "/*", "*/", "#", ";", "\n", "\r", "\t", "\x1a", "$$", "]", "}}", "{{", "drop table t",
			"中", "𝄞", "\u2028", "\u00a0", "%", "&", "?", "/", "..", "@", ":", "<", "\x7f", "\x1b",
		}), rapid.StringN(0, 3, -1)))
	return rapid.Custom(func(t *rapid.T) string {
		return strings.ReplaceAll(strings.Join(pieces.Draw(t, "pieces"), ""), "\x00", "")
	})
}

// A value is read back by SQLite as it was, and ends where its literal ends.
func TestSQLiteReadsWhatWasWritten(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	rapid.Check(t, func(t *rapid.T) {
		v := hostile().Draw(t, "value")
		query, err := plan.Render(statement("select {{v}}, hex({{v}}), 7 from (select 1)"), map[string]any{"v": v}, "sqlite")
		if err != nil {
			t.Fatal(err)
		}
		var got, hex string
		var end int
		if err := db.QueryRow(query).Scan(&got, &hex, &end); err != nil || got != v || end != 7 {
			t.Fatalf("%q was read as %q, %d, %v", v, got, end, err)
		}
		if v == "" {
			return
		}
		query, err = plan.Render(statement("with t as (select 5 as {{v|ident}}) select {{v|ident}} from t"), map[string]any{"v": v}, "sqlite")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow(query).Scan(&end); err != nil || end != 5 {
			t.Fatalf("the identifier %q: %d, %v", v, end, err)
		}
	})
}

// read follows a literal as a server does: with or without \ as an escape. It
// returns the text and what stands behind.
func read(s string, backslash bool) (value, rest string, ok bool) {
	if hex, is := strings.CutPrefix(s, "_utf8mb4 X'"); is {
		digits, rest, ok := strings.Cut(hex, "'")
		var b []byte
		for i := 0; i+1 < len(digits); i += 2 {
			c, err := strconv.ParseUint(digits[i:i+2], 16, 8)
			ok = ok && err == nil
			b = append(b, byte(c))
		}
		return string(b), rest, ok
	}
	if e, is := strings.CutPrefix(s, "E"); is {
		s, backslash = e, true
	}
	if s == "" || s[0] != '\'' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case backslash && s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case s[i] == '\'':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// Whatever the session's setting of \ is, the literal ends where it should.
func TestNoSettingOpensALiteral(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := hostile().Draw(t, "value")
		for _, driver := range []string{"mysql", "postgres"} {
			for _, backslash := range []bool{true, false} {
				out, err := plan.Render(statement("{{v}} end"), map[string]any{"v": v}, driver)
				if err != nil {
					t.Fatal(err)
				}
				if got, rest, ok := read(out, backslash); !ok || got != v || rest != " end" {
					t.Fatalf("%s, escapes %v: %q was written %s and is read as %q, then %q", driver, backslash, v, out, got, rest)
				}
			}
		}
		if out, err := plan.Render(inLanguage("sql", "{{v}} end"), map[string]any{"v": v}, ""); err == nil {
			for _, backslash := range []bool{true, false} {
				if got, rest, ok := read(out, backslash); !ok || got != v || rest != " end" {
					t.Fatalf("escapes %v: %q was written %s", backslash, v, out)
				}
			}
		}
	})
}

func TestOtherReadersReadWhatWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := hostile().Draw(t, "value")
		names := map[string]any{"v": v}
		if out, err := plan.Render(inLanguage("c", "{{v}}"), names, ""); err == nil {
			if got, err := strconv.Unquote(out); err != nil || got != v {
				t.Fatalf("C: %q was written %s and is read as %q, %v", v, out, got, err)
			}
		}
		out, err := plan.Render(inLanguage("json", `[{{v}}, "{{v}}"]`), names, "")
		var got []string
		if err == nil {
			err = json.Unmarshal([]byte(out), &got)
		}
		if err != nil || len(got) != 2 || got[0] != v || got[1] != v {
			t.Fatalf("JSON: %q was written %s and is read as %q, %v", v, out, got, err)
		}
	})
}

// A server reads one request, with the value where it was put.
func TestServersReadWhatWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := hostile().Draw(t, "value")
		names := map[string]any{"v": v}
		f := &runbook.Fence{Form: runbook.HTTP, Body: "POST http://h/a/x{{v}}/b?q={{v}}&r=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"}
		out, err := plan.Render(f, names, "")
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(out)))
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		body, err := io.ReadAll(req.Body)
		if err != nil || string(body) != "{}" || len(req.Header) != 1 || req.URL.Path != "/a/x"+v+"/b" ||
			req.URL.Query().Get("q") != v || req.URL.Query().Get("r") != "1" || req.URL.Host != "h" || req.URL.Fragment != "" {
			t.Fatalf("%q was read as %q, query %q, %v", v, req.URL.Path, req.URL.RawQuery, err)
		}
		f.Body = "GET http://h/ HTTP/1.1\r\nHost: h\r\nX: <{{v}}>\r\n\r\n"
		if out, err = plan.Render(f, names, ""); err != nil {
			return
		}
		req, err = http.ReadRequest(bufio.NewReader(strings.NewReader(out)))
		if utf8.ValidString(v) && (err != nil || len(req.Header) != 1 || req.Header.Get("X") != "<"+v+">") {
			t.Fatalf("header %q: %v", out, err)
		}
	})
}

// Whatever surrounds a value, it is written as its literal or refused: with
// another value nothing but the literals differs.
func TestTextAroundAValueDecidesAlone(t *testing.T) {
	t.Parallel()
	around := rapid.SliceOf(rapid.SampledFrom([]string{
		"{{v}}", "{{ v }}", "{{v|ident}}", "{{w}}", " ", "\n", "'", `"`, "`", `\`, "--", "-- ", "/*", "*/", "/*!", "#", "$$", "$a$", "E'", "[", "]", "//",
		"select", "GET http://h/", "?", ":", "{", "}}", "{{", "中", "\r\n",
	}))
	forms := []*runbook.Fence{
		{Form: runbook.SQL}, {Form: runbook.HTTP}, {Form: runbook.TCP}, inLanguage("sql", ""), inLanguage("c", ""), inLanguage("json", ""), inLanguage("", ""),
	}
	rapid.Check(t, func(t *rapid.T) {
		f := *rapid.SampledFrom(forms).Draw(t, "form")
		f.Body = strings.Join(around.Draw(t, "around"), "")
		driver := rapid.SampledFrom([]string{"mysql", "postgres", "sqlite"}).Draw(t, "driver")
		v := hostile().Draw(t, "value")
		one, err1 := plan.Render(&f, map[string]any{"v": "first"}, driver)
		two, err2 := plan.Render(&f, map[string]any{"v": "second"}, driver)
		if (err1 == nil) != (err2 == nil) || strings.ReplaceAll(one, "first", "second") != two {
			t.Fatalf("%q became %q, %v, and %q, %v", f.Body, one, err1, two, err2)
		}
		if _, err := plan.Render(&f, map[string]any{"v": v}, driver); err == nil && err1 != nil {
			t.Fatalf("%q takes %q and not a plain word: %v", f.Body, v, err1)
		}
	})
}
