package checks

import (
	"strings"
	"testing"
	"time"
)

const components = ` ------------------- ------------ --------------------- -------- ---------
  Endpoint            Role         Connect_time          Status   Ns_role
 ------------------- ------------ --------------------- -------- ---------
  172.24.4.39:10821   tablet       2023-09-01 11:36:58   online   NULL
  172.24.4.40:10821   tablet       2023-09-01 11:36:57   online   NULL
  172.24.4.40:7520    nameserver   2023-09-01 11:36:59   online   master
  172.24.4.41:7520    nameserver   2023-09-01 11:36:58   online   standby
 ------------------- ------------ --------------------- -------- ---------

4 rows in set
`

const status = `+----------+------------+---------------+-------------------+---------+
| Table_id | Table_name | Database_name | Partition_unalive | Replica |
+----------+------------+---------------+-------------------+---------+
| 6        | t1         | db            | 0                 | 3       |
| 7        | t2         | db            | 2                 | 1       |
+----------+------------+---------------+-------------------+---------+
`

type world struct{}

func (world) Hosts(group string) ([]map[string]any, bool) {
	switch group {
	case "inst":
		return []map[string]any{{"host": "a", "sum": "x", "ip": "10.0.0.1"}, {"host": "b", "sum": "x", "ip": "10.0.0.2"}}, true
	case "half":
		return []map[string]any{{"host": "a", "sum": "x"}, {"host": "b"}}, true
	}
	return nil, false
}
func (world) Ran(id string) bool { return id == "stop" }
func (world) OK(id string) bool  { return id == "stop" }

func (world) Monitor(id, span string) (map[string]any, bool) {
	if id != "writes" {
		return nil, false
	}
	samples := map[string]int{"": 40, "step": 8, "run": 400}[span]
	return map[string]any{
		"samples": samples, "failures": 2, "unknown": 1, "succeeded": samples - 3,
		"min": 180.0, "avg": 212.5, "max": 240, "last": 210, "longest_gap": 400 * time.Millisecond, "unobserved": time.Duration(0),
		"rate": 210,
	}, true
}

var names = Names{
	"endpoint": String, "leaders": Int, "failover": String, "max_outage": Duration, "ratio": Number, "old": List,
	"writes": String, "any_port": Any, "unset": String, "flag": Bool,
}

var values = Values{
	"endpoint": "172.24.4.40:7520", "leaders": 2, "failover": "true", "max_outage": "60s", "ratio": "0.9", "old": []any{"60", "61"},
	"writes": "stopped", "any_port": int64(8922), "flag": "true",
}

// eval judges one fence and gives verdict words with what was seen or the cause.
func eval(t *testing.T, src string, o Observation) []Row {
	t.Helper()
	e, problems := CompileExpect(src, names, OfScript)
	if len(problems) > 0 {
		t.Fatalf("compile %q: %+v", src, problems)
	}
	o.Ran = true
	return e.Eval(o, values, world{})
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	const js = `{"metadata":{"name":"c","generation":9007199254740993},"status":{"phase":"Running","n":0,"null":null},"items":[{"metadata":{"name":"p1"},"cpu":"500m"}]}`
	for _, tt := range []struct{ src, stdout, want, detail string }{
		// comparisons and what they saw
		{`exit == 0`, "", "pass", "exit: 0"},
		{`lines[-1] == "ok"`, "a\nok\n\n", "pass", `lines[-1]: "ok"`},
		{`lines[-1] == "ok"`, "", "unknown", "there is no item [-1] (the list holds 0)"},
		{`len(lines) == 0`, "", "pass", "lines: 0"},
		{`len(lines) == 0`, "x\ny\n", "fail", "lines: 2"},
		{`number(stdout) == leaders`, " 2 \n", "pass", `number(stdout): 2, leaders: 2`},
		{`number(stdout) == leaders`, "two", "unknown", `"two" is no number`},
		{`number(stdout) > leaders * ratio`, "1.8", "fail", "number(stdout): 1.8, leaders * ratio: 1.8"},
		{`regex(stdout, "auto_failover\\s+(true|false)") == failover`, "key value\nauto_failover true\n", "pass", `regex(stdout, "auto_failover\\s+(true|false)"): "true", failover: "true"`},
		{`regex(stdout, "a(b)?") == ""`, "a", "unknown", "the first group of a(b)? matches nothing"},
		{`regex(stdout, "zk") != "x"`, "", "unknown", "nothing matches zk"},
		{`version(stdout) >= version("4.2")`, "v4.10.0\n", "pass", "version(stdout): v4.10.0"},
		{`version(stdout) == version("4.2.0.0")`, "4.2", "pass", "version(stdout): 4.2"},
		{`version(stdout) < version("4.2")`, "none", "unknown", `"none" is no version`},
		{`quantity(stdout) == 4294967296`, "4Gi", "pass", "quantity(stdout): 4294967296"},
		{`quantity(stdout) < 1`, "500m", "pass", "quantity(stdout): 0.5"},
		{`duration(trim(stdout)) < max_outage`, "59.9s\n", "pass", "duration(trim(stdout)): 59.9s, max_outage: 1m0s"},
		{`stdout matches "(?m)^" + endpoint + "$"`, "172.24.4.40:7520\n", "pass", `stdout: "172.24.4.40:7520\n", "(?m)^" + endpoint + "$": "(?m)^172.24.4.40:7520$"`},
		{`none(lines, # matches ":" + any_port)`, "x", "unknown", "wrong type: text + a number"},
		{`flag`, "", "pass", "flag: true"},
		// names without a value
		{`unset == "x"`, "", "unknown", "unset has no value yet (write unset ?? … where it may be unset)"},
		{`(unset ?? "x") == "x"`, "", "pass", `unset ?? "x": "x"`},
		// logic shows the side that decided
		{`exit == 0 and len(lines) == 0`, "x", "fail", "exit: 0, lines: 1"},
		{`exit == 0 or len(lines) == 0`, "x", "pass", "exit: 0"},
		{`not (stdout contains "bad")`, "bad", "fail", `stdout: "bad"`},
		{`writes == "running" ? false : len(lines) == 1`, "x", "pass", `writes: "stopped"`},
		// json
		{`json.status.phase == "Running" and json.metadata.generation == 9007199254740993`, js, "pass", `json.status.phase: "Running", json.metadata.generation: 9007199254740993`},
		{`json.metadata.generation == 9007199254740992`, js, "fail", `json.metadata.generation: 9007199254740993`},
		{`json.statuss.phase == "Running"`, js, "unknown", `there is no key "statuss" (keys: items metadata status)`},
		{`json.status.phase != 1`, js, "unknown", `wrong type: text "Running" is compared with a number 1`},
		{`json.status.n != "0"`, js, "unknown", `wrong type: a number 0 is compared with text "0"`},
		{`json.status.null == nil`, js, "pass", "json.status.null: nil"},
		{`not (json.status.null contains "x")`, js, "unknown", "wrong type: nil contains text"},
		{`json.metadata?.deletionTimestamp == nil`, js, "pass", "json.metadata?.deletionTimestamp: nil"},
		{`(json.status.stage ?? "") == ""`, js, "pass", `json.status.stage ?? "": ""`},
		{`(json.nothing?.deep.deeper ?? "none") == "none"`, js, "pass", `json.nothing?.deep.deeper ?? "none": "none"`},
		{`(json.nothing.stage ?? "") == ""`, js, "unknown", `there is no key "nothing" (keys: items metadata status)`},
		{`(json.status ?? {})["stage"] == nil`, js, "unknown", `there is no key "stage" (keys: n null phase)`},
		{`json.status.phase == "Running"`, "Error from server", "unknown", "stdout is no JSON: invalid character 'E' looking for beginning of value"},
		{`json.a == 1`, "", "unknown", "stdout is no JSON: it is empty"},
		{`json.a == 1`, `{"a":1}{"a":2}`, "unknown", "stdout is no JSON: there is more after the first value"},
		{`(json ?? {}) == {}`, "oops", "unknown", "stdout is no JSON: invalid character 'o' looking for beginning of value"},
		{`all(json.items, quantity(.cpu) < 1)`, js, "pass", "1 of 1"},
		{`none(json.items, .phase == "x")`, js, "unknown", `there is no key "phase" (keys: cpu metadata)`},
		{`any(json.items, .cpu == "2")`, js, "fail", `0 of 1: p1 cpu "500m"`},
		{`json.status.phase in ["Running", "Upgrading"]`, js, "pass", `json.status.phase: "Running"`},
		{`json.status.phase not in [1, 2]`, js, "unknown", `wrong type: text "Running" is compared with a number 1`},
		{`json.status.phase.deep == 1`, js, "unknown", `wrong type: text has no "deep"`},
		{`json.big == 1`, `{"big":18446744073709551615}`, "fail", "json.big: 18446744073709551615"},
		{`all(json.items, any(.conditions ?? [{"type": "Ready"}], .type == "Ready") and .metadata.name == "p2")`, js, "fail", `1 of 1 not: p1 metadata.name "p1"`},
		// tables
		{`len(table(stdout)) >= 2`, components, "pass", "table(stdout): 4"},
		{`all(table(stdout), .Status == "online")`, components, "pass", "4 of 4"},
		{`one(table(stdout), .Ns_role == "master")`, components, "pass", `1 of 4: 172.24.4.40:7520 Ns_role "master"`},
		{`all(table(stdout), .Partition_unalive == "0" and (.Warnings ?? "") == "")`, status, "fail", `1 of 2 not: 7 Partition_unalive "2"`},
		{`all(table(stdout), .Table_id == "6")`, status, "fail", "1 of 2 not: 7"},
		{`none(table(stdout), .mode == "kTableLeader")`, status, "unknown", `there is no column "mode" (columns: Table_id Table_name Database_name Partition_unalive Replica)`},
		{`count(table(stdout), .Replica == "1") == 0`, status, "fail", `count(table(stdout)): 1 of 2: 7 Replica "1"`},
		{`len(filter(table(stdout), .Replica == "1")) == 0`, status, "fail", `filter(table(stdout)): 1 of 2: 7 Replica "1"`},
		{`number(find(table(stdout), .Table_name == "t2").Replica) > 3`, status, "fail", `number(find(table(stdout), .Table_name == "t2").Replica): 1`},
		{`find(table(stdout), .Table_name == "t9").Replica == "3"`, status, "unknown", `there is nothing to read "Replica" from`},
		{`all(table(stdout), .Table_id in old)`, status, "fail", `2 of 2 not: 6; 7`},
		{`none(table(stdout), .x == "1")`, "", "unknown", `there is no table with a header (where it has neither frame nor dashes, name its first column: table(stdout, "NAME"))`},
		// lists of lines
		{`none(lines, # startsWith "ERROR:")`, "INFO: a\nERROR: b\n", "fail", `1 of 2: "ERROR: b"`},
		{`none(lines, # startsWith "ERROR:")`, "", "pass", "no elements"},
		{`all(lines, len(#) < 2)`, "aa\nbb\ncc\ndd\nee\nff", "fail", `6 of 6 not: "aa"; "bb"; "cc"; "dd"; "ee"; …`},
		{`"x" in lines`, "x", "pass", `lines: ["x"]`},
		// the world
		{`len(uniq(map(hosts("inst"), .sum))) == 1`, "", "pass", `uniq(map(hosts("inst"), .sum)): 1: a sum "x"`},
		{`len(uniq(map(hosts("inst"), .ip))) == 1`, "", "fail", `uniq(map(hosts("inst"), .ip)): 2: a ip "10.0.0.1"; b ip "10.0.0.2"`},
		{`len(map(hosts("inst"), .ip)) == 1`, "", "fail", `map(hosts("inst"), .ip): 2`},
		{`len(uniq(map(hosts("half"), .sum))) == 1`, "", "unknown", `host b has no "sum"`},
		{`all(hosts("inst"), stdout contains .ip)`, "10.0.0.1", "fail", `1 of 2 not: b ip "10.0.0.2"`},
		{`len(hosts("nobody")) == 0`, "", "unknown", `there is no group "nobody"`},
		{`ran("stop") and not ok("start")`, "", "pass", `ran("stop"): true, ok("start"): false`},
		{`host == "ops"`, "", "pass", `host: "ops"`},
		// text
		{`stdout contains "green"`, "\x1b[32mgre\x1b[0men\r\n", "pass", `stdout: "green\n"`},
		{`lines[0] == "数据库"`, "数据库\n", "pass", `lines[0]: "数据库"`},
		{`errors[0] == "e"`, "", "pass", `errors[0]: "e"`},
		{`output == "both"`, "", "pass", `output: "both"`},
		{`let n = len(lines); n == 2`, "a\nb", "pass", "n: 2"},
	} {
		rows := eval(t, tt.src, Observation{Stdout: tt.stdout, Stderr: "e\n", Output: "both", Host: "ops"})
		if len(rows) != 1 {
			t.Errorf("%s: %d rows", tt.src, len(rows))
			continue
		}
		detail := rows[0].Saw
		if rows[0].Verdict == Unknown {
			detail = rows[0].Cause
		}
		if rows[0].Verdict.String() != tt.want || detail != tt.detail {
			t.Errorf("%s on %q:\n got %s %s\nwant %s %s", tt.src, tt.stdout, rows[0].Verdict, detail, tt.want, tt.detail)
		}
	}
}

// A table without rows must not hide that a column is missing, however the rows
// reach the predicate.
func TestEmptyTableNeedsItsColumns(t *testing.T) {
	t.Parallel()
	const empty = "tid  pid  mode\n--------------\n"
	for _, tt := range []struct {
		src  string
		want Verdict
	}{
		{`none(table(stdout), .mode == "x")`, Pass},
		{`none(table(stdout), .status == "x")`, Unknown},
		{`none(filter(table(stdout), .tid == "1"), .status == "x")`, Unknown},
		{`none(filter(table(stdout), .tid == "1"), .mode == "x")`, Pass},
		{`len(map(table(stdout), .status)) == 0`, Unknown},
		{`count(table(stdout)[0:3], .status == "x") == 0`, Unknown},
		{`none(table(stdout), (.status ?? "") == "x")`, Pass},
		{"let t = table(stdout)\nnone(t, .status == \"x\")", Unknown},
		{"let t = filter(table(stdout), .mode == \"y\")\nnone(t, .status == \"x\")", Unknown},
		{"let t = table(stdout)\nnone(t, .mode == \"x\")", Pass},
		{`none(table(stdout), .tid == "1" and any(lines, # == "x"))`, Pass},
		{`len(table(stdout)) == 0`, Pass},
	} {
		rows := eval(t, tt.src, Observation{Stdout: empty})
		if got := rows[len(rows)-1]; got.Verdict != tt.want {
			t.Errorf("%s: %+v, want %s", tt.src, got, tt.want)
		}
	}
}

func TestLinesLabelsAndLets(t *testing.T) {
	t.Parallel()
	src := "// first a comment\n\nlet rows_ = filter(table(stdout), // inner\n  .Replica == \"1\")\n" +
		"none(rows_, /* the\n few */ // or none\n  .Table_name == \"//\") // no table called //\nlen(rows_) == 1 and \"a // b\" == 'a // b'\n'  ' == stdout"
	e, problems := CompileExpect(src, names, OfScript)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	rows := e.Eval(Observation{Ran: true, Stdout: status}, nil, nil)
	if len(rows) != 3 || rows[2].Text != "'  ' == stdout" || rows[0].Verdict != Pass || rows[1].Verdict != Pass {
		t.Fatalf("%+v", rows)
	}
	if rows[0].Label != "no table called //" || rows[0].Text != `none(rows_, .Table_name == "//")` || rows[1].Label != "" {
		t.Errorf("%+v", rows)
	}
	if got := strings.Join(e.Lines(), "|"); got != rows[0].Text+"|"+rows[1].Text+"|"+rows[2].Text {
		t.Errorf("lines %q", got)
	}
	failed := e.Eval(Observation{Ran: true, Stdout: "nothing"}, nil, nil)
	if failed[0].Verdict != Unknown || failed[0].Cause != failed[1].Cause {
		t.Errorf("a let without a value leaves lines %+v", failed)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	plainLine, _ := CompileExpect(`stdout == "x"`, nil, OfScript)
	ofExit, _ := CompileExpect("let e = exit\ne in [0, 123]", nil, OfScript)
	for _, tt := range []struct {
		name string
		e    *Expect
		o    Observation
		want Verdict
		rows string
	}{
		{"nothing expected", nil, Observation{Ran: true}, Pass, ""},
		{"nothing expected, exit 1", nil, Observation{Ran: true, Exit: 1}, Fail, "fail exit == 0 [exit: 1]"},
		{"not run", nil, Observation{Cause: "link lost"}, Unknown, "unknown exit == 0 [link lost]"},
		{"not run, no cause", nil, Observation{}, Unknown, "unknown exit == 0 [there was no result]"},
		{"both halves", plainLine, Observation{Ran: true, Stdout: "x"}, Pass, `pass stdout == "x" [stdout: "x"]`},
		{"line holds, exit 1", plainLine, Observation{Ran: true, Exit: 1, Stdout: "x"}, Fail, `fail exit == 0 [exit: 1]; pass stdout == "x" [stdout: "x"]`},
		{"not run with a line", plainLine, Observation{Cause: "timed out"}, Unknown, `unknown exit == 0 [timed out]; unknown stdout == "x" [timed out]`},
		{"speaks of exit", ofExit, Observation{Ran: true, Exit: 123}, Pass, `pass e in [0, 123] [e: 123]`},
		{"speaks of exit, other", ofExit, Observation{Ran: true, Exit: 1}, Fail, `fail e in [0, 123] [e: 1]`},
		{"command not found, a step", nil, Observation{Ran: true, Exit: 127}, Fail, "fail exit == 0 [exit: 127]"},
		{"command not found, a check", nil, Observation{Ran: true, Exit: 127, Check: true}, Unknown, "unknown exit == 0 [exit 127: the command was not found]"},
		{"not executable, a check", ofExit, Observation{Ran: true, Exit: 126, Check: true}, Unknown, "unknown e in [0, 123] [exit 126: the command could not be executed]"},
		{"killed, a check", nil, Observation{Ran: true, Exit: 137, Check: true}, Unknown, "unknown exit == 0 [exit 137: ended by signal 9]"},
		{"255, a check", nil, Observation{Ran: true, Exit: 255, Check: true}, Unknown, "unknown exit == 0 [exit 255: above 128, counted as the end by a signal]"},
		{"128 is a plain exit", nil, Observation{Ran: true, Exit: 128, Check: true}, Fail, "fail exit == 0 [exit: 128]"},
	} {
		v, rows := Judge(tt.e, tt.o, nil, nil)
		var out []string
		for _, r := range rows {
			out = append(out, r.Verdict.String()+" "+r.Text+" ["+r.Saw+r.Cause+"]")
		}
		if v != tt.want || strings.Join(out, "; ") != tt.rows {
			t.Errorf("%s: %s %s\nwant %s %s", tt.name, v, strings.Join(out, "; "), tt.want, tt.rows)
		}
	}
	if !ofExit.SpeaksOfExit() || plainLine.SpeaksOfExit() {
		t.Error("SpeaksOfExit")
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	n := Names{"endpoint": String, "leader": String, "limit": Duration, "n": Int, "single": List, "host": String, "anything": Any}
	v := Values{"endpoint": "a:1", "leader": "a:1", "limit": 90 * time.Second, "n": 3, "single": []any{"t"}, "host": "ns-1", "anything": "3"}
	for _, tt := range []struct {
		src  string
		want Type
		out  any
		err  string
	}{
		{`endpoint == leader ? 1 : 0`, Any, 1, ""},
		{`endpoint == leader`, Bool, true, ""},
		{`len(single) > 0`, Bool, true, ""},
		{`n`, String, "3", ""},
		{`limit`, String, "1m30s", ""},
		{`host + "/" + endpoint`, String, "ns-1/a:1", ""},
		{`anything`, Bool, nil, `evaluate "anything": wrong type: "3" is no truth value`},
		{`anything`, Int, 3, ""},
		{`all(hosts("g"), true)`, Bool, nil, `evaluate "all(hosts(\"g\"), true)": hosts() isn't known here`},
	} {
		e, problems := CompileValue(tt.src, n, tt.want)
		if len(problems) > 0 {
			t.Errorf("%s: %+v", tt.src, problems)
			continue
		}
		out, err := e.Eval(v, nil)
		if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err || out != tt.out {
			t.Errorf("%s: %v %v, want %v %q", tt.src, out, err, tt.out, tt.err)
		}
	}
	test, problems := CompileTest(`stdout contains "FATAL"`, n, OfScript)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if out, err := test.EvalOn(Observation{Ran: true, Stdout: "FATAL"}, v, nil); out != true || err != nil {
		t.Error(out, err)
	}
	if _, err := test.EvalOn(Observation{Cause: "timed out"}, v, nil); err == nil || !strings.Contains(err.Error(), "timed out") {
		t.Error(err)
	}
}
