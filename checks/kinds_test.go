package checks

import (
	"strings"
	"testing"
)

// What each kind of observation shows, and that a column, key or header that isn't
// there is unknown, with rows or without.
func TestKinds(t *testing.T) {
	t.Parallel()
	components := Observation{
		Columns: []string{"SVR_IP", "STATUS", "STOP_TIME", "id", "id"},
		Rows: []map[string]any{
			{"SVR_IP": "10.0.0.1", "STATUS": "ACTIVE", "STOP_TIME": nil},
			{"SVR_IP": "10.0.0.2", "STATUS": "INACTIVE", "STOP_TIME": int64(9223372036854775807)},
		},
	}
	none := Observation{Columns: []string{"SVR_IP", "STATUS"}, Rows: []map[string]any{}}
	failed := Observation{Exit: 1, Stderr: "ERROR 1146 (42S02): Table 'x' doesn't exist\n"}
	answer := Observation{
		Status: 200, Body: "{\"status\":\"green\",\"nodes\":[]}\r\n",
		Headers: map[string]string{"content-type": "application/json", "set-cookie": "a=1, b=2"},
	}
	pods := Observation{Status: 200, Body: `[{"name":"p1","phase":"Running"},{"name":"p2","phase":"Failed","reason":"oom"}]`}
	for _, tt := range []struct {
		of                Kind
		o                 Observation
		src, want, detail string
	}{
		{OfSQL, components, `len(rows) == 0`, "fail", "rows: 2"},
		{OfSQL, components, `all(rows, .STATUS == "ACTIVE")`, "fail", `1 of 2 not: 10.0.0.2 STATUS "INACTIVE"`},
		{OfSQL, components, `rows[0].STATUS == "ACTIVE" and exit == 0`, "pass", `rows[0].STATUS: "ACTIVE", exit: 0`},
		{OfSQL, components, `rows[1].STOP_TIME == 9223372036854775807`, "pass", "rows[1].STOP_TIME: 9223372036854775807"},
		{OfSQL, components, `rows[1].STOP_TIME == 9223372036854775806`, "fail", "rows[1].STOP_TIME: 9223372036854775807"},
		{OfSQL, components, `rows[0].STOP_TIME == nil`, "pass", "rows[0].STOP_TIME: nil"},
		{OfSQL, components, `rows[0].STOP_TIME < 5`, "unknown", "wrong type: nil nil has no order with a number 5"},
		{OfSQL, components, `rows[0].status == "ACTIVE"`, "unknown", `there is no column "status" (columns: STATUS STOP_TIME SVR_IP)`},
		{OfSQL, components, `any(rows, .SVR_IP == "10.0.0.1" or .status == "x")`, "unknown", `there is no column "status" (columns: SVR_IP STATUS STOP_TIME id id)`},
		{OfSQL, components, `none(rows, .id == 1)`, "unknown", `there are several columns "id": name one with AS`},
		{OfSQL, components, `rows[2].STATUS == "ACTIVE"`, "unknown", "there is no item [2] (the list holds 2)"},
		{OfSQL, components, `(rows[0]?.status ?? "") == ""`, "pass", `rows[0]?.status ?? "": ""`},
		{OfSQL, none, `none(rows, .STATUS == "x")`, "pass", "no elements"},
		{OfSQL, none, `none(rows, .STATE == "x")`, "unknown", `there is no column "STATE" (columns: SVR_IP STATUS)`},
		{OfSQL, none, `len(filter(rows, .STATE == "x")) == 0`, "unknown", `there is no column "STATE" (columns: SVR_IP STATUS)`},
		{OfSQL, none, "let r = filter(rows, .STATUS == \"x\")\nnone(r[0:2], .STATE == \"x\")", "unknown", `there is no column "STATE" (columns: SVR_IP STATUS)`},
		{OfSQL, none, `none(rows, (.STATE ?? "") == "x")`, "pass", "no elements"},
		{OfSQL, none, `find(rows, .STATUS == "x").SVR_IP == "a"`, "unknown", `there is nothing to read "SVR_IP" from`},
		{OfSQL, Observation{}, `len(rows) == 0`, "unknown", "the statements gave no rows"},
		{OfSQL, failed, `exit == 1 and errors[0] startsWith "ERROR 1146"`, "pass", `exit: 1, errors[0]: "ERROR 1146 (42S02): Table 'x' doesn't exist"`},

		{OfHTTP, answer, `status == 200`, "pass", "status: 200"},
		{OfHTTP, answer, `json.status == "green"`, "pass", `json.status: "green"`},
		{OfHTTP, answer, `json.state == "green"`, "unknown", `there is no key "state" (keys: nodes status)`},
		{OfHTTP, answer, `none(json.nodes, .state == "x")`, "pass", "no elements"},
		{OfHTTP, pods, `any(json, .phase == "Running" or .fase == "x")`, "unknown", `there is no key "fase" (keys: name phase)`},
		{OfHTTP, pods, `any(json, .phase == "Running" or (.fase ?? "") == "x")`, "pass", `1 of 2: p1 phase "Running"`},
		{OfHTTP, pods, `none(json, .name == "p1" and .reason == "x")`, "unknown", `there is no key "reason" (keys: name phase)`},
		{OfHTTP, pods, `none(json, .name == "p2" and .reason == "x")`, "pass", `0 of 2`},
		{OfHTTP, answer, `body endsWith "}\n"`, "pass", `body: "{\"status\":\"green\",\"nodes\":[]}\n"`},
		{OfHTTP, answer, `headers["Content-Type"] startsWith "application/"`, "pass", `headers["Content-Type"]: "application/json"`},
		{OfHTTP, answer, `headers.etag == ""`, "unknown", `there is no header "etag" (headers: content-type set-cookie)`},
		{OfHTTP, answer, `(headers.etag ?? "") == "" and "Set-Cookie" in headers`, "pass", `headers.etag ?? "": "", headers: {content-type: "application/json", set-cookie: "a=1, b=2"}`},
		{OfHTTP, Observation{Status: 502, Exit: 1, Body: "<html>"}, `json.status == "green"`, "unknown", "body is no JSON: invalid character '<' looking for beginning of value"},

		{OfTCP, Observation{Stdout: "db:3306 accepts a connection\n"}, `len(lines) == 1 and exit == 0`, "pass", "lines: 1, exit: 0"},
		{OfSample, Observation{Line: "\x1b[31m3.5\x1b[0m ms\r\n"}, `number(regex(line, "([0-9.]+) ms$")) < 5`, "pass", `number(regex(line, "([0-9.]+) ms$")): 3.5`},

		{OfScript, Observation{}, `monitor("writes").longest_gap < duration("1s")`, "pass", `monitor("writes").longest_gap: 400ms`},
		{OfScript, Observation{}, `monitor("writes", "step").samples > 10`, "fail", `monitor("writes", "step").samples: 8`},
		{OfVariables, Observation{}, `monitor("writes", "run").rate == 210`, "pass", `monitor("writes", "run").rate: 210`},
		{OfVariables, Observation{}, `monitor("writes").latency == 1`, "unknown", `there is no key "latency" (keys: avg failures last longest_gap max min rate samples succeeded unknown unobserved)`},
		{OfVariables, Observation{}, `monitor("reads").samples > 0`, "unknown", `monitor "reads" has no samples`},
	} {
		e, problems := CompileExpect(tt.src, names, tt.of)
		if len(problems) > 0 {
			t.Errorf("%s: %s", tt.src, describe(problems))
			continue
		}
		tt.o.Ran = true
		rows := e.Eval(tt.o, values, world{})
		got := rows[len(rows)-1]
		detail := got.Saw
		if got.Verdict == Unknown {
			detail = got.Cause
		}
		if got.Verdict.String() != tt.want || detail != tt.detail {
			t.Errorf("%s:\n got %s %s\nwant %s %s", tt.src, got.Verdict, detail, tt.want, tt.detail)
		}
	}
}

func TestNamesOfOtherKinds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		of        Kind
		src, want string
	}{
		{OfVariables, `rows == 1`, "1:1 rows isn't known here: nothing has been run [capture the value in an earlier step and use its name]"},
		{OfSQL, `stdout == ""`, "1:1 stdout is known under a command or a tcp fence [what is known here: errors exit rows stderr]"},
		{OfHTTP, `lines == []`, "1:1 lines is known under a command or a tcp fence [what is known here: body errors exit headers json status stderr]"},
		{OfTCP, `json.x == 1`, "1:1 json is known under a command or an http fence [what is known here: errors exit lines output stderr stdout]"},
		{OfSample, `exit == 0`, "1:1 exit is known under a command, a sql fence, an http fence or a tcp fence [what is known here: line]"},
		{OfHTTP, `statos == 200`, `1:1 unknown name "statos" [did you mean status?]`},
		{OfHTTP, `status == "200"`, "1:8 == can't be used on int and string [write number(…) around the text, or quote the number]"},
		{OfSQL, `rows.x == 1`, "1:6 a list has no members, its items have [write list[0].name for the first, or all(list, .name == …) for all]"},
	} {
		_, problems := CompileExpect(tt.src, names, tt.of)
		if got := describe(problems); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

// Only a fence that speaks of exit, or of an answer's status, replaces exit == 0.
func TestSpeaksOfExit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		of   Kind
		src  string
		want bool
	}{
		{OfHTTP, `status == 404`, true},
		{OfHTTP, "let s = status\ns in [200, 404]", true},
		{OfHTTP, `exit == 1`, true},
		{OfHTTP, `json.status == "red"`, false},
		{OfSQL, `len(rows) == 0`, false},
		{OfSQL, `exit == 1`, true},
	} {
		e, problems := CompileExpect(tt.src, names, tt.of)
		if len(problems) > 0 {
			t.Fatal(describe(problems))
		}
		if e.SpeaksOfExit() != tt.want {
			t.Errorf("%s: %v", tt.src, e.SpeaksOfExit())
		}
	}
	e, _ := CompileExpect(`status == 404`, nil, OfHTTP)
	if v, rows := Judge(e, Observation{Ran: true, Exit: 1, Status: 404, Check: true}, nil, nil); v != Pass || len(rows) != 1 {
		t.Error(v, rows)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	e, problems := CompileExpect("exit == 0\nran(\"库/a\") and ok(\"b\")\n len(hosts(endpoint)) > 0 and monitor(\"w\", \"run\").samples > 0", names, OfScript)
	if len(problems) > 0 {
		t.Fatal(describe(problems))
	}
	want := []Reference{{"ran", "库/a", 2, 5}, {"ok", "b", 2, 19}, {"monitor", "w", 3, 39}}
	got := e.References()
	if len(got) != len(want) {
		t.Fatal(got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
}

// A capture that has no value fails; it is never empty.
func TestCaptureOfKinds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		of        Kind
		src       string
		o         Observation
		want, err string
	}{
		{OfSQL, `n = rows[0].n`, Observation{Columns: []string{"n"}, Rows: []map[string]any{{"n": uint64(18446744073709551615)}}}, "18446744073709551615", ""},
		{OfSQL, `n = rows`, Observation{Columns: []string{"n"}, Rows: []map[string]any{{"n": nil}}}, `[{"n":null}]`, ""},
		{OfSQL, `n = rows[0].n`, Observation{Columns: []string{"n"}, Rows: []map[string]any{}}, "", `capture "n": there is no item [0] (the list holds 0)`},
		{OfHTTP, `n = headers`, Observation{Headers: map[string]string{"a": "b"}}, `{"a":"b"}`, ""},
		{OfScript, `n = regex(stdout, "x")`, Observation{}, "", `capture "n": nothing matches x`},
		{OfScript, `n = number(stdout)`, Observation{Stdout: "many"}, "", `capture "n": "many" is no number`},
	} {
		c, problems := CompileCapture(tt.src, nil, tt.of)
		if len(problems) > 0 {
			t.Fatal(describe(problems))
		}
		tt.o.Ran = true
		got, err := c.Eval(tt.o, nil, nil)
		if err != nil {
			if err.Error() != tt.err {
				t.Errorf("%s: %v, want %s", tt.src, err, tt.err)
			}
			continue
		}
		if text, err := EnvText(got[0].Value); err != nil || strings.ReplaceAll(text, "\n", "") != tt.want {
			t.Errorf("%s: %q %v, want %q", tt.src, text, err, tt.want)
		}
	}
}
