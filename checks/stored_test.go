package checks

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestCaptures(t *testing.T) {
	t.Parallel()
	const src = `tables  = map(table(stdout), .Database_name + "." + .Table_name + " x" + .Replica)
single  = map(filter(table(stdout), .Replica == "1"), .Table_name)   // a label
let t = table(stdout)
count_  = len(t)
again   = count_ + 1
unalive = number(t[1].Partition_unalive)
ratio_  = quantity("500m")
to      = version("4.2")
limit   = max_outage
all_    = t
healthy = all(t, .Partition_unalive == "0")
sizes   = {"n": count_, "list": [1, 2.5, nil, "x"]}
`
	c, problems := CompileCapture(src, names, OfScript)
	if len(problems) > 0 {
		t.Fatal(describe(problems))
	}
	out, err := c.Eval(Observation{Ran: true, Stdout: status}, values, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Captured{
		{"tables", []any{"db.t1 x3", "db.t2 x1"}, List},
		{"single", []any{"t2"}, List},
		{"count_", 2, Int},
		{"again", 3, Int},
		{"unalive", 2, Number},
		{"ratio_", 0.5, Number},
		{"to", "4.2", String},
		{"limit", "1m0s", Duration},
		{"all_", []any{
			map[string]any{"Table_id": "6", "Table_name": "t1", "Database_name": "db", "Partition_unalive": "0", "Replica": "3"},
			map[string]any{"Table_id": "7", "Table_name": "t2", "Database_name": "db", "Partition_unalive": "2", "Replica": "1"},
		}, List},
		{"healthy", false, Bool},
		{"sizes", map[string]any{"n": 2, "list": []any{1, 2.5, nil, "x"}}, Any},
	}
	if !reflect.DeepEqual(out, want) {
		t.Errorf("got  %#v\nwant %#v", out, want)
	}
	types := c.Types()
	for i, w := range want {
		if c.Names()[i] != w.Name || types[w.Name] != w.Type {
			t.Errorf("%s is a %s, want %s", w.Name, types[w.Name], w.Type)
		}
	}
	if got := strings.Join(c.Uses(), " "); got != "max_outage" {
		t.Error(got)
	}
	roundTrip(t, out)
}

// roundTrip takes captures through the journal's form and back into expressions.
func roundTrip(t *testing.T, out []Captured) {
	t.Helper()
	back := Values{}
	n := Names{}
	for _, c := range out {
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var read struct {
			Value json.RawMessage `json:"value"`
			Type  Type            `json:"type"`
		}
		if err := json.Unmarshal(raw, &read); err != nil {
			t.Fatal(err)
		}
		v, err := Decode(read.Value)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(v, c.Value) || read.Type != c.Type {
			t.Errorf("%s comes back as %#v (%s), was %#v", c.Name, v, read.Type, c.Value)
		}
		back[c.Name], n[c.Name] = v, read.Type
	}
	e, problems := CompileExpect("limit == duration(\"60s\")\nversion(to) >= version(\"4.2.0\")\n\"t2\" in single and count_ + 1 == again\nall(all_, .Database_name == \"db\")\nnot healthy", n, OfScript)
	if len(problems) > 0 {
		t.Fatal(describe(problems))
	}
	for _, r := range e.Eval(Observation{Ran: true}, back, nil) {
		if r.Verdict != Pass {
			t.Errorf("%+v", r)
		}
	}
}

func TestCaptureFails(t *testing.T) {
	t.Parallel()
	c, problems := CompileCapture("a = regex(stdout, \"x=(\\\\d+)\")\nb = json.b\nc = 1", nil, OfScript)
	if len(problems) > 0 {
		t.Fatal(describe(problems))
	}
	out, err := c.Eval(Observation{Ran: true, Stdout: "{}"}, nil, nil)
	want := "capture \"a\": nothing matches x=(\\d+)\ncapture \"b\": there is no key \"b\" (keys: none)"
	if out != nil || err == nil || err.Error() != want {
		t.Errorf("%v %v", out, err)
	}
	if _, err := c.Eval(Observation{Cause: "timed out"}, nil, nil); err == nil || err.Error() != "capture a, b, c: timed out" {
		t.Error(err)
	}
	if out, err := c.Eval(Observation{Ran: true, Stdout: `{"b":7,"t":"x=12"}`}, nil, nil); err != nil || len(out) != 3 || out[0].Value != "12" || out[1].Value != 7 {
		t.Errorf("%v %v", out, err)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want any
	}{
		{`1`, 1},
		{`-9223372036854775808`, -9223372036854775808},
		{`9007199254740993`, 9007199254740993},
		{`18446744073709551615`, json.Number("18446744073709551615")},
		{`1.5`, 1.5},
		{`1e3`, 1e3},
		{`null`, nil},
		{`["a",true]`, []any{"a", true}},
		{`{"a":{"b":[1]}}`, map[string]any{"a": map[string]any{"b": []any{1}}}},
	} {
		got, err := Decode(json.RawMessage(tt.in))
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %#v %v", tt.in, got, err)
		}
	}
	for _, in := range []string{``, `{`, `1 2`, `1e999`, `1e99999999`} {
		if got, err := Decode(json.RawMessage(in)); err == nil {
			t.Errorf("%q is read as %v", in, got)
		}
	}
}

func TestEnvText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   any
		want string
	}{
		{nil, ""},
		{"a b\n", "a b\n"},
		{true, "true"},
		{int64(7), "7"},
		{1500000.0, "1500000"},
		{90 * time.Second, "1m30s"},
		{json.Number("18446744073709551615"), "18446744073709551615"},
		{[]any{}, ""},
		{[]string{"a", "b c"}, "a\nb c"},
		{[]any{1, "x", false}, "1\nx\nfalse"},
		{[]any{1, []any{2}}, `[1,[2]]`},
		{map[string]any{"b": "<&>", "a": 1}, `{"a":1,"b":"<&>"}`},
		{[]map[string]string{{"a": "1"}}, `[{"a":"1"}]`},
	} {
		if got, err := EnvText(tt.in); err != nil || got != tt.want {
			t.Errorf("%#v: %q %v, want %q", tt.in, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		in   any
		want string
	}{
		{strings.Repeat("x", 96<<10+1), "make an environment variable: the value has 96 KiB, more than 96"},
		{"a\x00b", "make an environment variable: the value holds a NUL"},
		{[]any{"a", "b\nc"}, "make an environment variable: item 2 of the list holds a line break"},
	} {
		if _, err := EnvText(tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("%.20v: %v, want %s", tt.in, err, tt.want)
		}
	}
	if _, err := EnvText(strings.Repeat("x", 96<<10)); err != nil {
		t.Error(err)
	}
}

func TestVerdictForms(t *testing.T) {
	t.Parallel()
	var zero Verdict
	if zero != Unknown {
		t.Error("the zero verdict is", zero)
	}
	for _, tt := range []struct {
		in   []Verdict
		want Verdict
	}{
		{nil, Pass}, {[]Verdict{Pass, Pass}, Pass}, {[]Verdict{Pass, Unknown}, Unknown}, {[]Verdict{Unknown, Fail, Pass}, Fail},
	} {
		if got := Worst(tt.in...); got != tt.want {
			t.Errorf("%v: %s", tt.in, got)
		}
	}
	raw, err := json.Marshal(Row{Text: "a", Verdict: Pass, Saw: "b"})
	if err != nil || string(raw) != `{"text":"a","verdict":"pass","saw":"b"}` {
		t.Error(string(raw), err)
	}
	for _, v := range []Verdict{Pass, Fail, Unknown} {
		var r Row
		raw, err := json.Marshal(Row{Verdict: v})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &r); err != nil || r.Verdict != v {
			t.Errorf("%s comes back as %s: %v", v, r.Verdict, err)
		}
	}
	if err := json.Unmarshal([]byte(`{"verdict":"passed"}`), new(Row)); err == nil {
		t.Error("an unknown word is read as a verdict")
	}
}

func TestVersionsAndQuantities(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"4.2", "4.2.0.0", 0}, {"4.10", "4.9", 1}, {"v0.9.2-rc1", "0.9.2", 0}, {"2.00.8.12 2023.01.10", "2.0.8.12", 0}, {"0.9", "1", -1}, {"3.0.0.1", "3", 1},
	} {
		a, err1 := ParseVersion(tt.a)
		b, err2 := ParseVersion(tt.b)
		if err1 != nil || err2 != nil || a.Compare(b) != tt.want || b.Compare(a) != -tt.want {
			t.Errorf("%s and %s: %d %v %v", tt.a, tt.b, a.Compare(b), err1, err2)
		}
	}
	for _, bad := range []string{"", "x1", "4.2x", "1..2", "1.2.", "-1"} {
		if v, err := ParseVersion(bad); err == nil {
			t.Errorf("%q is version %v", bad, v.numbers)
		}
	}
	for _, tt := range []struct {
		in   string
		want any
	}{
		{"1", 1}, {"500m", 0.5}, {"2k", 2000}, {"1.5Gi", 1610612736}, {"4Gi", 4 << 30}, {"1E", 1000000000000000000}, {"16Ei", json.Number("18446744073709551616")}, {"1e3", 1000}, {"100u", 0.0001},
	} {
		if got, err := parseQuantity(tt.in); err != nil || got != tt.want {
			t.Errorf("%s: %v %v, want %v", tt.in, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", "Gi", "4 Gi", "4GB", "1.2.3", "x", "1e9999999"} {
		if got, err := parseQuantity(bad); err == nil {
			t.Errorf("%q is quantity %v", bad, got)
		}
	}
	for _, bad := range []string{"", "0x10", "1_000", "NaN", "Inf", "1,5", "5%", "1e400"} {
		if got, err := parseNumber(bad); err == nil {
			t.Errorf("%q is number %v", bad, got)
		}
	}
}
