package plan_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

func TestCellsAreWrittenOut(t *testing.T) {
	t.Parallel()
	p := planned(t, book(t), hosts())
	var got []string
	for i, c := range p.Cells {
		if c.Index != i {
			t.Errorf("cell %d has index %d", i, c.Index)
		}
		got = append(got, fmt.Sprintf("%s %s@%s gated=%v kind=%d", c.Step.Number, c.Step.ID, c.Target, c.Step.Gated, c.Step.Kind))
	}
	want := []string{
		"1.1 before/look@ gated=false kind=2",
		"1.2 before/call@ gated=false kind=1",
		"2.0 tablets[t-1]/enter@ gated=true kind=4",
		"2.1 tablets[t-1]/stop@t-1 gated=true kind=3",
		"2.2 tablets[t-1]/replace@t-1 gated=true kind=3",
		"2.3 tablets[t-1]/warm@t-1 gated=false kind=3",
		"2.3 tablets[t-1]/warm@t-2 gated=false kind=3",
		"2.0 tablets[t-2]/enter@ gated=true kind=4",
		"2.1 tablets[t-2]/stop@t-2 gated=true kind=3",
		"2.2 tablets[t-2]/replace@t-2 gated=true kind=3",
		"2.3 tablets[t-2]/warm@t-1 gated=false kind=3",
		"2.3 tablets[t-2]/warm@t-2 gated=false kind=3",
	}
	if !slices.Equal(got, want) {
		t.Errorf("cells\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	w, ok := p.Walk("tablets")
	if !ok || !slices.Equal(w.Keys, []string{"t-1", "t-2"}) || w.Each.OrderBy == nil || len(w.Instances) != 2 {
		t.Errorf("walk %+v, %v", w, ok)
	}
	if c, ok := p.Cell("tablets[t-2]/stop", "t-2"); !ok || c.Target != "t-2" {
		t.Errorf("Cell = %+v, %v", c, ok)
	}
	if _, ok := p.Cell("tablets[t-2]/stop", "t-1"); ok {
		t.Error("tablet 2 is stopped on tablet 1")
	}
}

func TestTitleIsHoisted(t *testing.T) {
	t.Parallel()
	sh := "```sh\ntrue\n```\n"
	for _, c := range []struct{ name, src, id, number string }{
		{"a lone title", "# Deploy\n\n## Part\n\n- [ ] Go {#go}\n\n  ```sh\n  true\n  ```\n", "part/go", "1.1"},
		{"two of them", "# One\n\n- [ ] Go {#go}\n\n  ```sh\n  true\n  ```\n\n# Two\n\n" + sh, "one/go", "1.1"},
		{"steps before it", sh + "\n# One\n\n- [ ] Go {#go}\n\n  ```sh\n  true\n  ```\n", "one/go", "2.1"},
	} {
		b, ds := runbook.Parse("d.md", []byte(c.src), nil)
		if b == nil {
			t.Fatalf("%s: %v", c.name, ds)
		}
		p, ds := plan.New(b, nil, nil)
		if p == nil {
			t.Fatalf("%s: %v", c.name, ds)
		}
		found := false
		for _, s := range p.Steps {
			found = found || s.ID == c.id && s.Number == c.number
		}
		if !found {
			t.Errorf("%s: no step %s %s in %+v", c.name, c.number, c.id, p.Steps)
		}
	}
}

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	all := hosts()
	without := func(change func(*inventory.Inventory)) *inventory.Inventory {
		inv := hosts()
		change(inv)
		return inv
	}
	for _, c := range []struct {
		name string
		book func(*runbook.Runbook)
		inv  *inventory.Inventory
		want []string // rule: text
	}{
		{"no inventory", nil, nil, []string{
			`missing-group: the inventory has no group "ops"`,
			`missing-group: the inventory has no group "tablet"`,
		}},
		{"too small", nil, without(func(i *inventory.Inventory) { i.Groups[1].Hosts = []string{"t-1"} }), []string{
			`group-too-small: group "tablet" has 1 hosts, at least 2 are needed`,
		}},
		{"too large", nil, without(func(i *inventory.Inventory) { i.Groups[0].Hosts = []string{"ops-1", "t-1"} }), []string{
			`group-too-large: group "ops" has 2 hosts, at most 1 are possible`,
		}},
		{"missing variables", nil, without(func(i *inventory.Inventory) { delete(i.Hosts[1].Vars, "home"); delete(i.Hosts[2].Vars, "home") }), []string{
			`missing-host-variable: host "t-1" of group "tablet" has no variable "home"`,
			`missing-host-variable: host "t-2" of group "tablet" has no variable "home"`,
		}},
		{"each of nothing", func(b *runbook.Runbook) { section(b, 1).Each = &runbook.Each{Group: "nobody", Batch: 1} }, all, []string{
			`missing-group: each walks group "nobody", which the inventory doesn't have`,
		}},
		{"on of nothing", func(b *runbook.Runbook) {
			step(b, 1, 0).Before[0].On, step(b, 1, 1).Command.On = "nobody", "neither"
		}, all, []string{
			`missing-group: on=nobody names neither a group nor a host of the inventory`,
			`missing-group: on=neither names neither a group nor a host of the inventory`,
		}},
		{"a command on an empty group", func(b *runbook.Runbook) { step(b, 1, 2).Command.On = "spare" }, without(func(i *inventory.Inventory) { i.Groups[2].Hosts = nil }), []string{
			`empty-group: group "spare" has no hosts to run on`,
		}},
		{"checks on an empty group", func(b *runbook.Runbook) { step(b, 0, 0).Before[0].On = "spare" }, without(func(i *inventory.Inventory) { i.Groups[2].Hosts = nil }), []string{
			`empty-group: group "spare" has no hosts to run on`,
		}},
	} {
		b := book(t)
		if c.book != nil {
			c.book(b)
		}
		p, ds := plan.New(b, values(t, b, given), c.inv)
		if p != nil {
			t.Errorf("%s: a plan came out", c.name)
		}
		var got []string
		for _, d := range ds {
			if d.Remedy == "" || d.Pos.File != "up.md" || d.Pos.Line < 1 {
				t.Errorf("%s: without remedy or place: %+v", c.name, d)
			}
			got = append(got, d.Rule+": "+d.Text)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestHostParameterMustBeAHost(t *testing.T) {
	t.Parallel()
	b := book(t)
	b.Params = append(b.Params, runbook.Param{Pos: runbook.Pos{File: "up.md", Line: 9, Col: 1}, Name: "first", Type: runbook.TypeHost})
	vs := values(t, b, map[string]string{"to_version": "1", "first": "t-9"})
	p, ds := plan.New(b, vs, hosts())
	if p != nil || len(ds) != 1 || ds[0].Rule != "unknown-host" || !strings.Contains(ds[0].Remedy, "-e first=HOST") {
		t.Errorf("%v, %v", p, ds)
	}
}

func TestHostsCantForgePaths(t *testing.T) {
	t.Parallel()
	inv := hosts()
	evil := "a]/stop[b@c%5D"
	inv.Hosts = append(inv.Hosts, inventory.Host{Name: evil, Vars: map[string]string{"home": "/x"}})
	inv.Groups[1].Hosts = append(inv.Groups[1].Hosts, evil)
	p := planned(t, book(t), inv)
	ids := map[string]bool{}
	found := false
	for _, s := range p.Steps {
		if ids[s.ID] {
			t.Errorf("two steps are %q", s.ID)
		}
		ids[s.ID] = true
		found = found || s.ID == "tablets[a%5D%2Fstop%5Bb%40c%255D]/stop"
	}
	if !found {
		t.Errorf("the host isn't escaped in %v", ids)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	b := book(t)
	inv := hosts()
	for i := range plan.MaxHosts {
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: fmt.Sprintf("h%d", i)})
	}
	if p, ds := plan.New(b, values(t, b, given), inv); p != nil || len(ds) != 1 || ds[0].Rule != "too-many-hosts" {
		t.Errorf("%d hosts: %v", len(inv.Hosts), ds)
	}
	inv = hosts()
	for i := range 990 {
		n := fmt.Sprintf("h%d", i)
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: n, Vars: map[string]string{"home": "/"}})
		inv.Groups[1].Hosts = append(inv.Groups[1].Hosts, n)
	}
	p, ds := plan.New(b, values(t, b, given), inv)
	if p != nil || len(ds) != 1 || ds[0].Rule != "too-many-cells" {
		t.Errorf("too many cells: %v", ds)
	}
	section(b, 1).Items = slices.Repeat(section(b, 1).Items[:2], 4)
	p, ds = plan.New(b, values(t, b, given), inv)
	if p != nil || len(ds) != 1 || ds[0].Rule != "too-many-steps" {
		t.Errorf("too many steps: %v", ds)
	}
	nest := &runbook.Section{ID: "in", Each: &runbook.Each{Group: "tablet", Batch: 1}}
	for range 9 {
		nest = &runbook.Section{ID: "in", Each: &runbook.Each{Group: "tablet", Batch: 1}, Items: []runbook.Item{nest}}
	}
	b.Root.Items = []runbook.Item{nest}
	p, ds = plan.New(b, values(t, b, given), inv)
	if p != nil || len(ds) != 1 || ds[0].Rule != "too-many-steps" {
		t.Errorf("walks in walks that hold nothing: %v", ds)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	b := book(t)
	p := planned(t, b, hosts())
	warm, _ := p.Cell("tablets[t-1]/warm", "t-2")
	stop, _ := p.Cell("tablets[t-1]/stop", "t-1")
	look, _ := p.Cell("before/look", "")
	call, _ := p.Cell("before/call", "")
	for _, c := range []struct {
		name string
		cell *plan.Cell
		f    *runbook.Fence
		want []string
	}{
		{"a check on the command's group goes where the cell is", warm, &runbook.Fence{Lang: "sh", Body: "x", On: "tablet"}, []string{"t-2"}},
		{"a check elsewhere", warm, &runbook.Fence{Lang: "sh", Body: "x", On: "ops"}, []string{"ops-1"}},
		{"the walk's host by default", stop, &runbook.Fence{Lang: "sh", Body: "x"}, []string{"t-1"}},
		{"a group", look, look.Step.Book.Before[0], []string{"t-1", "t-2"}},
		{"a host", look, &runbook.Fence{Lang: "sh", Body: "x", On: "idle"}, []string{"idle"}},
		{"this machine", stop, &runbook.Fence{Lang: "sh", Body: "x", On: plan.Local}, []string{plan.Local}},
		{"outside of walks this machine", call, &runbook.Fence{Lang: "sh", Body: "x"}, []string{plan.Local}},
		{"variables run nowhere", look, &runbook.Fence{}, []string{""}},
	} {
		if got := p.Places(c.cell, c.f); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNamesTextAndEnv(t *testing.T) {
	t.Parallel()
	p := planned(t, book(t), hosts())
	stop, _ := p.Cell("tablets[t-2]/stop", "t-2")
	look, _ := p.Cell("before/look", "")
	sc := stop.Step.Scope
	for _, c := range []struct {
		tmpl string
		sc   *plan.Scope
		want string
	}{
		{"stop {{host}} at {{home}}, {{ each.index }} of {{each.count}}", sc, "stop t-2 at /opt/二, 1 of 2"},
		{"{{to_version}} {{mode}}", look.Step.Scope, "0.9.2 safe"},
		{"{{host}} {{seen}} {{each.index}} {{unknown.field}}", look.Step.Scope, "{{host}} S {{each.index}} {{unknown.field}}"},
		{"no end {{host", sc, "no end {{host"},
		{"}}{{host}}{{", sc, "}}t-2{{"},
		{"{{to_version}}{{to_version}}", sc, "0.9.20.9.2"},
		{"{{quiet.sum}} {{quiet.other}} {{seen.sum}}", sc, "5 {{quiet.other}} {{seen.sum}}"},
	} {
		more := func(name string) (any, bool) {
			v, ok := map[string]any{"seen": "S", "quiet": map[string]any{"sum": 5}}[name]
			return v, ok
		}
		if got := p.Text(c.tmpl, c.sc, more); got != c.want {
			t.Errorf("%q became %q, want %q", c.tmpl, got, c.want)
		}
	}

	vars, err := plan.Env(p.Names(sc, "ops-1", nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []plan.Var{{"home", "/opt/二"}, {"host", "t-2"}, {"mode", "safe"}, {"on_host", "ops-1"}, {"to_version", "0.9.2"}}
	if !reflect.DeepEqual(vars, want) {
		t.Errorf("environment %v, want %v", vars, want)
	}
	vars, err = plan.Env(p.Names(look.Step.Scope, "t-1", nil))
	if err != nil {
		t.Fatal(err)
	}
	want = []plan.Var{{"home", "/opt/一"}, {"host", "t-1"}, {"mode", "safe"}, {"on_home", "/opt/一"}, {"on_host", "t-1"}, {"to_version", "0.9.2"}}
	if !reflect.DeepEqual(vars, want) {
		t.Errorf("environment outside of walks %v, want %v", vars, want)
	}
	vars, err = plan.Env(map[string]any{"list": []any{"a", "二"}, "n": 3, "none": nil})
	if want := []plan.Var{{"list", "a\n二"}, {"n", "3"}, {"none", ""}}; err != nil || !reflect.DeepEqual(vars, want) {
		t.Errorf("environment %v, %v, want %v", vars, err, want)
	}
	for name, v := range map[string]any{"large": strings.Repeat("x", 97<<10), "nul": "a\x00"} {
		if vars, err := plan.Env(map[string]any{name: v}); err == nil {
			t.Errorf("%s: %d variables, want an error", name, len(vars))
		}
		if vars, err := plan.Env(map[string]any{"on": map[string]any{name: v}}); err == nil {
			t.Errorf("on.%s: %d variables, want an error", name, len(vars))
		}
	}
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	b := book(t)
	p := planned(t, b, hosts())
	for lang, want := range map[string]string{"sh": "set -eu\nsay() { echo \"$1\"; }\n", "bash": "set -euo pipefail\n", "zsh": "set -euo pipefail\n", "python3": ""} {
		if got := p.Prefix(&runbook.Fence{Lang: lang}); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	for _, f := range []*runbook.Fence{{Form: runbook.SQL, Lang: "sh"}, {Form: runbook.Script, Lang: "sh", Language: &runbook.Language{}}} {
		if got := p.Prefix(f); got != "" {
			t.Errorf("%+v begins with %q", f, got)
		}
	}
	b.Annotated = false
	for lang, want := range map[string]string{"sh": "set -e\nsay() { echo \"$1\"; }\n", "bash": "set -eo pipefail\n"} {
		if got := p.Prefix(&runbook.Fence{Lang: lang}); got != want {
			t.Errorf("%s in a plain document: %q, want %q", lang, got, want)
		}
	}
}
