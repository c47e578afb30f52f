package plan_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/text"
)

// What is captured belongs where it stands.
func TestOwner(t *testing.T) {
	t.Parallel()
	root := &plan.Scope{}
	inst := &plan.Scope{Up: root, Path: "a[x]", Host: "x", Count: 2}
	part := &plan.Scope{Up: root, Path: "p", Part: &runbook.Part{}}
	deep := &plan.Scope{Up: inst, Path: "a[x]/p", Part: &runbook.Part{}}
	for _, c := range []struct {
		s       *plan.Scope
		several bool
		want    string
	}{
		{root, false, ""},
		{root, true, "@h"},
		{nil, true, "@h"},
		{inst, true, "a[x]"},
		{inst, false, "a[x]"},
		{part, false, "p"},
		{part, true, "p@h"},
		{deep, true, "a[x]/p"},
	} {
		if got := c.s.Owner(c.several, "h"); got != c.want {
			t.Errorf("of %+v, several %v: %q, want %q", c.s, c.several, got, c.want)
		}
	}
}

func withPart(part *runbook.Part, items ...runbook.Item) *runbook.Section {
	return &runbook.Section{ID: "quiet-now", Title: "Quiet {{cluster}}", Part: part, Items: items}
}

func TestPartsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	param := func(name string, typ runbook.ParamType) runbook.Param {
		return runbook.Param{Name: name, Type: typ}
	}
	part := &runbook.Part{
		File: "quiet.md",
		Params: []runbook.Param{
			param("cluster", runbook.TypeString), param("who", runbook.TypeString), param("n", runbook.TypeInt), param("bad", runbook.TypeInt),
			param("l", runbook.TypeList), param("unset", runbook.TypeString),
			{Name: "def", Type: runbook.TypeDuration, Default: "9s", HasDef: true},
			param("pw", runbook.TypeString),
		},
		With: map[string]string{"who": "{{host}} by {{seen}} in {{run}}", "n": "{{count}}", "bad": "{{seen}}", "l": "{{passes}}", "pw": "{{password}}"},
	}
	secret := sh("")
	secret.Secret = true
	p := made(t, byHand(
		&runbook.Section{ID: "s", Each: &runbook.Each{Group: "ob", Batch: 1}, Items: []runbook.Item{
			withPart(part, runs("in", ""), &runbook.Section{ID: "walk", Each: &runbook.Each{Name: "x", List: "l", Batch: 1}, Items: []runbook.Item{runs("deep", "")}}),
			runs("out", ""),
		}},
	), map[string]string{"cluster": "东", "passes": "a,b", "password": "hunter2"})
	captured := func(path string) map[string]any {
		return map[string]map[string]any{
			"":                          {"everywhere": 1, "run": "7k2m"},
			"@ob-1":                     {"group": 2},
			"s[ob-1]":                   {"seen": "S", "count": 5},
			"s[ob-1]/quiet-now":         {"sum": "中"},
			"s[ob-1]/quiet-now/walk[b]": {"own": 3},
		}[path]
	}
	in, _ := p.Cell("s[ob-1]/quiet-now/in", "ob-1")
	names := p.Names(in.Step.Scope, "ob-1", captured)
	for name, want := range map[string]any{
		"cluster": "东", "who": "ob-1 by S in 7k2m", "run": "7k2m", "n": 5, "l": []any{"a", "b"}, "def": 9 * time.Second, "sum": "中",
		"host": "ob-1", "home": "/ob-1", "pw": "hunter2", "each": map[string]any{"index": 0, "count": 5, "last": false},
	} {
		if !reflect.DeepEqual(names[name], want) {
			t.Errorf("in the part, %s is %#v, want %#v", name, names[name], want)
		}
	}
	for _, hidden := range []string{"passes", "password", "seen", "count", "bad", "unset", "everywhere", "group", "quiet-now"} {
		if v, ok := names[hidden]; ok {
			t.Errorf("in the part, %s is %v", hidden, v)
		}
	}
	if early := p.Names(in.Step.Scope, "ob-1", nil); early["who"] != nil || early["n"] != nil || early["cluster"] != "东" {
		t.Errorf("before anything is captured the part sees %v", early)
	}
	deep, _ := p.Cell("s[ob-1]/quiet-now/walk[b]/deep", "ob-1")
	if names := p.Names(deep.Step.Scope, "ob-1", captured); names["x"] != "b" || names["own"] != 3 || names["sum"] != "中" || names["seen"] != nil {
		t.Errorf("in a walk in the part: %v", names)
	}

	out, _ := p.Cell("s[ob-1]/out", "ob-1")
	names = p.Names(out.Step.Scope, "ob-1", captured)
	if names["sum"] != nil || names["seen"] != "S" || names["group"] != 2 || names["who"] != nil {
		t.Errorf("beside the part: %v", names)
	}
	if got, ok := plan.Fill("{{quiet-now.sum}} {{quiet_now.sum}}", names); !ok || got != "中 中" {
		t.Errorf("the part's capture is %q in text", got)
	}
	vars, err := plan.Env(names)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range vars {
		if strings.Contains(v.Name, "quiet") || strings.Contains(v.Name, ".") {
			got = append(got, v.Name+"="+v.Value)
		}
	}
	if !slices.Equal(got, []string{"quiet_now_sum=中"}) {
		t.Errorf("commands see %q of the part", got)
	}
	other, _ := p.Cell("s[ob-2]/out", "ob-2")
	if names := p.Names(other.Step.Scope, "ob-2", captured); names["quiet-now"] != nil || names["seen"] != nil {
		t.Errorf("another instance sees %v", names)
	}

	if s := p.Secrets(in.Step.Scope); !reflect.DeepEqual(s, map[string]bool{"pw": true}) {
		t.Errorf("the part's secrets are %v", s)
	}
	if got := p.Text("{{pw}} {{cluster}}", in.Step.Scope, nil); got != text.Masked+" 东" {
		t.Errorf("a secret in text is %q", got)
	}
}

func TestSectionsOfTheSameFileSeeAll(t *testing.T) {
	t.Parallel()
	p := made(t, byHand(withPart(&runbook.Part{Own: true, With: map[string]string{}}, runs("in", "ob"))), map[string]string{"cluster": "c"})
	in, _ := p.Cell("quiet-now/in", "ob-2")
	names := p.Names(in.Step.Scope, "ob-2", func(path string) map[string]any {
		return map[string]map[string]any{"": {"seen": "S"}, "quiet-now@ob-2": {"mine": 1}, "@ob-2": {"group": 2}, "quiet-now@ob-1": {"other": 1}}[path]
	})
	if names["cluster"] != "c" || names["seen"] != "S" || names["mine"] != 1 || names["group"] != 2 || names["other"] != nil || names["home"] != "/ob-2" {
		t.Errorf("it sees %v", names)
	}
}

func TestSecretsAreKeptBack(t *testing.T) {
	t.Parallel()
	b := byHand(runs("x", ""))
	p := made(t, b, map[string]string{"password": "hunter2", "cluster": "c"})
	if given := p.Values.Given(); !reflect.DeepEqual(given, map[string]string{"cluster": "c"}) {
		t.Errorf("the values that are written down are %v", given)
	}
	if q := made(t, byHand(runs("x", "")), map[string]string{"password": "another", "cluster": "c"}); q.Digest != p.Digest {
		t.Error("the digest tells of a secret's value")
	}
	if q := made(t, byHand(runs("x", "")), map[string]string{"cluster": "c"}); q.Digest == p.Digest {
		t.Error("the digest doesn't tell that a secret is given")
	}
	_, err := plan.Type(runbook.Param{Name: "pw", Secret: true, Type: runbook.TypeInt}, "hunter2")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret that is no number: %v", err)
	}
	f := sh("")
	f.Secret = true
	f.CaptureText = "token = lines[0]"
	f.Capture = capture(t, f.CaptureText)
	withSecret := &runbook.Step{ID: "login", Kind: runbook.Check, Before: []*runbook.Fence{f}}
	p = made(t, byHand(withPart(&runbook.Part{}, withSecret), runs("x", "")), nil)
	in, _ := p.Cell("quiet-now/login", plan.Local)
	if s := p.Secrets(in.Step.Scope); !reflect.DeepEqual(s, map[string]bool{"token": true}) {
		t.Errorf("the secrets of the part are %v", s)
	}
	x, _ := p.Cell("x", plan.Local)
	want := map[string]bool{"password": true, "quiet-now.token": true, "quiet_now.token": true, "quiet_now_token": true}
	if s := p.Secrets(x.Step.Scope); !reflect.DeepEqual(s, want) {
		t.Errorf("the secrets outside are %v", s)
	}
}
