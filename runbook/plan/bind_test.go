package plan_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/text"
)

func TestType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		p    runbook.Param
		in   string
		want any    // nil: refused
		says string // part of the refusal
	}{
		{"string", runbook.Param{Type: runbook.TypeString}, "两 台", "两 台", ""},
		{"empty string", runbook.Param{Type: runbook.TypeString}, "", "", ""},
		{"empty but required", runbook.Param{Type: runbook.TypeString, Required: true}, "", nil, "it is empty"},
		{"leading dash", runbook.Param{Type: runbook.TypeString}, "-rf", nil, "leading dash"},
		{"dash of a number", runbook.Param{Type: runbook.TypeInt}, "-3", -3, ""},
		{"int", runbook.Param{Type: runbook.TypeInt}, "42", 42, ""},
		{"no int", runbook.Param{Type: runbook.TypeInt}, "4.5", nil, "a whole number"},
		{"number", runbook.Param{Type: runbook.TypeNumber}, "-0.5", -0.5, ""},
		{"no number", runbook.Param{Type: runbook.TypeNumber}, "half", nil, "a number"},
		{"not a number", runbook.Param{Type: runbook.TypeNumber}, "NaN", nil, "a number"},
		{"infinite", runbook.Param{Type: runbook.TypeNumber}, "Inf", nil, "a number"},
		{"bool", runbook.Param{Type: runbook.TypeBool}, "true", true, ""},
		{"no bool", runbook.Param{Type: runbook.TypeBool}, "yes", nil, "true or false"},
		{"choice", runbook.Param{Type: runbook.TypeChoice, Choices: []string{"快", "慢"}}, "慢", "慢", ""},
		{"no choice", runbook.Param{Type: runbook.TypeChoice, Choices: []string{"快", "慢"}}, "中", nil, "one of 快, 慢"},
		{"duration", runbook.Param{Type: runbook.TypeDuration}, "90s", 90 * time.Second, ""},
		{"no duration", runbook.Param{Type: runbook.TypeDuration}, "90", nil, "a duration like 90s"},
		{"path", runbook.Param{Type: runbook.TypePath}, "/opt/数据 库", "/opt/数据 库", ""},
		{"list", runbook.Param{Type: runbook.TypeList}, "a, b\n三", []any{"a", "b", "三"}, ""},
		{"pattern", runbook.Param{Type: runbook.TypeString, Pattern: "[0-9.]+"}, "0.9.2", "0.9.2", ""},
		{"pattern of a part only", runbook.Param{Type: runbook.TypeString, Pattern: "[0-9.]+"}, "0.9.2; rm -rf /", nil, "matched by [0-9.]+"},
		{"pattern with a branch", runbook.Param{Type: runbook.TypeString, Pattern: "a|b"}, "ab", nil, "matched by a|b"},
		{"pattern and a last newline", runbook.Param{Type: runbook.TypeString, Pattern: "a"}, "a\n", nil, "matched by a"},
		{"NUL", runbook.Param{Type: runbook.TypeString}, "a\x00b", nil, "valid text"},
		{"not UTF-8", runbook.Param{Type: runbook.TypeString}, "\xff", nil, "valid text"},
		{"longest", runbook.Param{Type: runbook.TypeString}, strings.Repeat("x", 4096), strings.Repeat("x", 4096), ""},
		{"too long", runbook.Param{Type: runbook.TypeString}, strings.Repeat("x", 4097), nil, "4096 bytes"},
		{"bidi", runbook.Param{Type: runbook.TypeString}, "a\u202eb", nil, "⟨U+202E⟩"},
		{"escape sequence", runbook.Param{Type: runbook.TypeString}, "a\x1b[31m", nil, "␛"},
	} {
		c.p.Name = "v"
		got, err := plan.Type(c.p, c.in)
		switch {
		case c.want == nil && err == nil:
			t.Errorf("%s: %q became %#v, want a refusal", c.name, c.in, got)
		case c.want == nil && !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %q doesn't say %q", c.name, err, c.says)
		case c.want == nil && !strings.Contains(text.HintOf(err), "-e v=VALUE"):
			t.Errorf("%s: the remedy is %q", c.name, text.HintOf(err))
		case c.want != nil && (err != nil || !reflect.DeepEqual(got, c.want)):
			t.Errorf("%s: %#v, %v, want %#v", c.name, got, err, c.want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x00\x1b\u202e") {
			t.Errorf("%s: the error holds what it refuses: %q", c.name, err)
		}
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	b := &runbook.Runbook{Params: []runbook.Param{
		{Name: "version", Type: runbook.TypeString, Required: true},
		{Name: "count", Type: runbook.TypeInt, Default: "3", HasDef: true},
		{Name: "note", Type: runbook.TypeString},
		{Name: "host", Type: runbook.TypeHost, Required: true},
	}}
	vs, missing, errs := plan.Bind(b, map[string]string{"host": "t-1", "version": "版本"})
	if missing != nil || errs != nil {
		t.Fatal(missing, errs)
	}
	want := map[string]string{"version": "版本", "count": "3", "host": "t-1"}
	if !reflect.DeepEqual(vs.Given(), want) {
		t.Errorf("given %v, want %v", vs.Given(), want)
	}
	if v, ok := vs.Lookup("count"); !ok || v.Any != 3 {
		t.Errorf("count is %#v", v)
	}
	if v, ok := vs.Lookup("note"); !ok || v.Set || v.Any != nil {
		t.Errorf("note is %#v, want it not set", v)
	}
	if _, ok := vs.Lookup("other"); ok {
		t.Error("there is no other")
	}

	_, missing, errs = plan.Bind(b, map[string]string{"count": "many", "zz": "1", "aa": "2"})
	var names []string
	for _, p := range missing {
		names = append(names, p.Name)
	}
	if !reflect.DeepEqual(names, []string{"version", "host"}) {
		t.Errorf("missing %q", names)
	}
	var got []string
	for _, err := range errs {
		got = append(got, err.Error()+" – "+text.HintOf(err))
	}
	wantErrs := []string{
		`bind value "count": "many" is not a whole number – give it as -e count=VALUE`,
		`bind value "aa": the runbook has no parameter of that name – its parameters are: version, count, note, host`,
		`bind value "zz": the runbook has no parameter of that name – its parameters are: version, count, note, host`,
	}
	if !reflect.DeepEqual(got, wantErrs) {
		t.Errorf("errors\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wantErrs, "\n"))
	}
}
