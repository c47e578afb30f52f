package plan_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

// zones are five hosts in three zones, and ops.
func zones() *inventory.Inventory {
	inv := &inventory.Inventory{Hosts: []inventory.Host{{Name: "ops-1", SSH: "ops@10.0.0.9:22", Vars: map[string]string{"home": "/ops"}}}}
	var all []string
	for i, zone := range []string{"东", "z2", "东", "z/3", "z2"} {
		name := fmt.Sprintf("ob-%d", i+1)
		all = append(all, name)
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: name, SSH: name, Vars: map[string]string{"zone": zone, "home": "/" + name}})
	}
	inv.Groups = []inventory.Group{{Name: "ops", Hosts: []string{"ops-1"}}, {Name: "ob", Hosts: all}, {Name: "empty"}}
	return inv
}

func byHand(items ...runbook.Item) *runbook.Runbook {
	return &runbook.Runbook{
		File: "hand.md", Title: "By hand", Annotated: true, Root: &runbook.Section{Items: items},
		Params: []runbook.Param{
			{Name: "passes", Type: runbook.TypeList},
			{Name: "wait", Type: runbook.TypeDuration},
			{Name: "cluster", Type: runbook.TypeString},
			{Name: "password", Type: runbook.TypeString, Secret: true},
		},
	}
}

func sh(on string) *runbook.Fence {
	return &runbook.Fence{Pos: runbook.Pos{File: "hand.md", Line: 7, Col: 3}, Form: runbook.Script, Lang: "sh", Body: "true\n", On: on}
}

func runs(id, on string) *runbook.Step {
	return &runbook.Step{ID: id, Title: id, Kind: runbook.Run, Command: sh(on)}
}

func try(t *testing.T, b *runbook.Runbook, given map[string]string) (*plan.Plan, []runbook.Diagnostic) {
	t.Helper()
	return plan.New(b, values(t, b, given), zones())
}

func made(t *testing.T, b *runbook.Runbook, given map[string]string) *plan.Plan {
	t.Helper()
	p, ds := try(t, b, given)
	if p == nil {
		t.Fatal(ds)
	}
	return p
}

func cells(p *plan.Plan) (out []string) {
	for _, c := range p.Cells {
		out = append(out, c.Step.ID+"@"+c.Target)
	}
	return out
}

func TestValuesAreWalked(t *testing.T) {
	t.Parallel()
	p := made(t, byHand(&runbook.Section{
		ID: "pass", Each: &runbook.Each{Name: "pass", List: "passes", Batch: 1}, Items: []runbook.Item{
			&runbook.Section{ID: "zone", Each: &runbook.Each{Name: "zone", Group: "ob", Batch: 1}, Items: []runbook.Item{
				&runbook.Section{ID: "server", Each: &runbook.Each{Group: "zone", Batch: 1}, Items: []runbook.Item{runs("stop", ""), runs("all", "ob")}},
				runs("warm", "zone"),
			}},
		},
	}), map[string]string{"passes": "4.2.1, 4.3"})
	want := []string{"pass[4.2.1]/zone[东]/server[ob-1]/stop@ob-1", "pass[4.2.1]/zone[东]/server[ob-1]/all@ob-1"}
	if got := cells(p); !slices.Equal(got[:2], want) {
		t.Errorf("the first cells are %q", got[:3])
	}
	for _, id := range []string{"pass[4.3]/zone[z%2F3]/server[ob-4]/stop@ob-4", "pass[4.3]/zone[z2]/warm@ob-5", "pass[4.3]/zone[东]/warm@ob-3"} {
		if !slices.Contains(cells(p), id) {
			t.Errorf("there is no %s", id)
		}
	}
	if n := len(p.Cells); n != 2*(5*6+5) {
		t.Errorf("%d cells", n)
	}
	w, ok := p.Walk("pass[4.3]/zone")
	if !ok || !slices.Equal(w.Keys, []string{"东", "z2", "z/3"}) || len(w.Instances) != 3 {
		t.Fatalf("the walk of zones is %+v", w)
	}
	sc := plan.ScopeOf(w.Instances[1])
	if sc.Name != "zone" || sc.Value != "z2" || !slices.Equal(sc.Hosts, []string{"ob-2", "ob-5"}) || sc.Count != 3 || sc.Index != 1 {
		t.Errorf("the scope is %+v", sc)
	}
	server, _ := p.Walk("pass[4.3]/zone[z2]/server")
	in := plan.ScopeOf(server.Instances[1])
	names := p.Names(in, "ops-1", nil)
	for name, want := range map[string]any{
		"pass": "4.3", "zone": "z2", "host": "ob-5", "home": "/ob-5", "each": map[string]any{"index": 1, "count": 2, "last": true},
		"on": map[string]any{"host": "ops-1", "home": "/ops"},
	} {
		if !reflect.DeepEqual(names[name], want) {
			t.Errorf("%s is %v, want %v", name, names[name], want)
		}
	}
	if hosts, ok := p.On("zone", in); !ok || len(hosts) != 2 {
		t.Errorf("on=zone is %v", hosts)
	}
	if _, ok := p.On("zone", p.Root.Scope); ok {
		t.Error("outside of its walk a zone is no group")
	}
	if got := p.Text("{{host}} of {{zone}}, {{pass}}, {{each.count}}", in, nil); got != "ob-5 of z2, 4.3, 2" {
		t.Errorf("the text is %q", got)
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		each runbook.Each
		want int
	}{
		{runbook.Each{Batch: 1}, 1},
		{runbook.Each{Batch: 3}, 3},
		{runbook.Each{Batch: 30}, 5},
		{runbook.Each{}, 5},
		{runbook.Each{Batch: 50, Percent: true}, 2},
		{runbook.Each{Batch: 1, Percent: true}, 1},
		{runbook.Each{Batch: 100, Percent: true}, 5},
	} {
		c.each.Group = "ob"
		p := made(t, byHand(&runbook.Section{ID: "s", Each: &c.each, Items: []runbook.Item{runs("x", "")}}), nil)
		if p.Walks[0].Batch != c.want {
			t.Errorf("%+v makes batches of %d, want %d", c.each, p.Walks[0].Batch, c.want)
		}
	}
	p := made(t, byHand(&runbook.Section{ID: "s", Each: &runbook.Each{Group: "empty"}, Items: []runbook.Item{runs("x", "")}}, runs("y", "")), nil)
	if w := p.Walks[0]; w.Batch != 1 || len(w.Keys) != 0 || len(p.Cells) != 1 {
		t.Errorf("the walk over nobody is %+v", w)
	}
}

func TestKindsOfCells(t *testing.T) {
	t.Parallel()
	check := func(id string, fs ...*runbook.Fence) *runbook.Step {
		return &runbook.Step{ID: id, Kind: runbook.Check, Before: fs}
	}
	picked := sh("ob")
	picked.Pick = &runbook.Expr{Text: "zone == 'z2'"}
	pick := runs("pick", "ob")
	pick.Command.Pick, pick.After = picked.Pick, []*runbook.Fence{sh("ob"), sh("ops")}
	query := &runbook.Fence{Form: runbook.SQL, Lang: "sql", Body: "select 1", On: "ob", Connection: &runbook.Connection{Name: "db", Driver: "mysql"}}
	p := made(t, byHand(&runbook.Section{ID: "s", Each: &runbook.Each{Group: "ops", Batch: 1}, Items: []runbook.Item{
		&runbook.Step{ID: "call", Kind: runbook.Manual},
		&runbook.Step{ID: "ask", Kind: runbook.Ask, Question: &runbook.Question{Param: runbook.Param{Name: "a"}}},
		&runbook.Step{ID: "watch", Kind: runbook.Watch, Monitors: []*runbook.Fence{sh("")}},
		check("here", sh("")), check("one", sh("ob-1"), sh("ob-1")), check("two", sh("ob-1"), sh("ob-2")), check("some", picked), check("many", sh("ob")),
		pick,
		&runbook.Step{ID: "sql", Kind: runbook.Run, Command: query},
	}}), nil)
	want := []string{
		"call@", "ask@", "watch@", "here@ops-1", "one@ob-1", "two@", "some@", "many@", "pick@",
		"sql@ob-1", "sql@ob-2", "sql@ob-3", "sql@ob-4", "sql@ob-5",
	}
	for i := range want {
		want[i] = "s[ops-1]/" + want[i]
	}
	if got := cells(p); !slices.Equal(got, want) {
		t.Errorf("the cells are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	c, _ := p.Cell("s[ops-1]/pick", "")
	for _, f := range []struct {
		f                  *runbook.Fence
		places, candidates []string
	}{
		{pick.Command, []string{""}, []string{"ob-1", "ob-2", "ob-3", "ob-4", "ob-5"}},
		{pick.After[0], []string{""}, []string{"ob-1", "ob-2", "ob-3", "ob-4", "ob-5"}},
		{pick.After[1], []string{"ops-1"}, []string{"ops-1"}},
		{&runbook.Fence{On: "ob"}, []string{""}, []string{""}},
	} {
		if got := p.Places(c, f.f); !slices.Equal(got, f.places) {
			t.Errorf("%+v runs at %q", f.f, got)
		}
		if got := p.Candidates(c, f.f); !slices.Equal(got, f.candidates) {
			t.Errorf("%+v may run at %q", f.f, got)
		}
	}
}

func TestLengthsOfTimeAreBound(t *testing.T) {
	t.Parallel()
	step := runs("x", "")
	step.Before = []*runbook.Fence{sh("ops")}
	step.Before[0].Spans = map[string]string{"until": "{{wait}}", "every": "{{every}}s", "hold": "5s", "grace": "{{wait}}", "reconnect": "1h", "timeout": "{{wait}}"}
	step.Before[0].Poll.Every = time.Hour
	p, ds := try(t, byHand(step), map[string]string{"wait": "90s"})
	if p != nil || len(ds) != 1 || ds[0].Rule != "unknown-span" || !strings.Contains(ds[0].Text, `every="{{every}}s" has no value before the run`) {
		t.Errorf("what isn't known before the run: %v", ds)
	}
	step.Before[0].Spans["every"] = "{{wait}}"
	p = made(t, byHand(step), map[string]string{"wait": "90s"})
	got := p.Steps[0].Book.Before[0]
	if got.Poll.Until != 90*time.Second || got.Poll.Every != 90*time.Second || got.Poll.Hold != 5*time.Second ||
		got.Grace != 90*time.Second || got.Reconnect != time.Hour || got.Timeout != 90*time.Second {
		t.Errorf("the bound fence is %+v", got)
	}
	if step.Before[0].Poll.Every != time.Hour || step.Before[0].Timeout != 0 {
		t.Error("the runbook was changed")
	}
	if q := made(t, byHand(step), map[string]string{"wait": "91s"}); q.Digest == p.Digest {
		t.Error("the digest doesn't tell the lengths of time")
	}
	for _, bad := range []string{"soon", "-3s", "0s"} {
		step.Before[0].Spans["every"] = bad
		if p, ds := try(t, byHand(step), map[string]string{"wait": "90s"}); p != nil || len(ds) != 1 || ds[0].Rule != "span" {
			t.Errorf("%q: %v", bad, ds)
		}
	}
}

func TestWhatTheInventoryLacks(t *testing.T) {
	t.Parallel()
	query := func(c runbook.Connection) *runbook.Step {
		c.Name = "db"
		return &runbook.Step{ID: "q", Kind: runbook.Check, Before: []*runbook.Fence{{Form: runbook.SQL, Lang: "sql", Body: "select 1", Connection: &c}}}
	}
	via := func(way string) *runbook.Step {
		f := &runbook.Fence{Form: runbook.TCP, Lang: "tcp", Body: "a:1", Via: way}
		return &runbook.Step{ID: "t", Kind: runbook.Check, Before: []*runbook.Fence{f}}
	}
	expect := func(text string) *runbook.Step {
		f := sh("")
		f.ExpectText = text
		return &runbook.Step{ID: "e", Kind: runbook.Check, Before: []*runbook.Fence{f}}
	}
	each := func(e runbook.Each) *runbook.Section {
		return &runbook.Section{ID: "s", Each: &e, Items: []runbook.Item{runs("x", "")}}
	}
	for _, c := range []struct {
		name string
		item runbook.Item
		want string // rule: text; empty: nothing is lacking
	}{
		{"a name that is both", runs("x", "both"), "ambiguous-name: on=both names both a group and a host of the inventory"},
		{"a connection without a definition", query(runbook.Connection{}), `missing-connection: connection "db" is needed here and nowhere defined`},
		{"a connection", query(runbook.Connection{Driver: "mysql"}), ""},
		{"a connection through nobody", query(runbook.Connection{Driver: "mysql", Via: "nobody"}), "missing-group: via=nobody names neither a host nor a group of the inventory"},
		{"a connection through a host", query(runbook.Connection{Driver: "mysql", Via: "ob-1"}), ""},
		{"a connection to no group", query(runbook.Connection{Driver: "mysql", Hosts: "nobody"}), `missing-group: connection "db" looks for its server in group "nobody", which the inventory doesn't have`},
		{"a connection to nobody", query(runbook.Connection{Driver: "mysql", Hosts: "empty"}), `empty-group: connection "db" looks for its server in group "empty", which has no hosts`},
		{"a way through several", via("ob"), "several-vias: via=ob is a group of 5 hosts: the way goes through one"},
		{"a way that is both", via("both"), "ambiguous-name: via=both names both a group and a host of the inventory"},
		{"a way that is known later", via("{{seen}}"), ""},
		{"a way by a value", via("{{cluster}}"), "missing-group: via=东 names neither a host nor a group of the inventory"},
		{"hosts of nobody", expect(`len(hosts("nobody")) == 1`), `missing-group: an expression asks for the hosts of group "nobody", which the inventory doesn't have`},
		{"hosts of a group", expect(`len(hosts('ob')) == 1`), ""},
		{"a text that looks so", expect(`stdout contains "hosts('nobody')"`), ""},
		{"a group without the variable", each(runbook.Each{Name: "zone", Group: "ops"}), `missing-host-variable: each walks the values of "zone", which host "ops-1" of group "ops" doesn't have`},
		{"a list without a value", each(runbook.Each{Name: "x", List: "seen"}), `missing-value: each walks the list "seen", which has no value before the run`},
		{"no list", each(runbook.Each{Name: "x", List: "cluster"}), `no-list: each walks "cluster", which is no list`},
		{"twice the same", each(runbook.Each{Name: "x", List: "passes"}), `repeated-value: each walks the list "passes", which has "a" twice or empty`},
		{"a value of another type", withPart(&runbook.Part{
			Params: []runbook.Param{{Name: "n", Type: runbook.TypeInt}}, With: map[string]string{"n": "{{cluster}}"},
		}), `part-value: with.n of the part "quiet-now": bind value "n": "东" is not a whole number`},
	} {
		b := byHand(c.item)
		vs := values(t, b, map[string]string{"passes": "a,b,a", "cluster": "东"})
		inv := zones()
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: "both"})
		inv.Groups = append(inv.Groups, inventory.Group{Name: "both", Hosts: []string{"ob-1"}})
		p, ds := plan.New(b, vs, inv)
		switch {
		case c.want == "" && p == nil:
			t.Errorf("%s: %v", c.name, ds)
		case c.want != "" && (p != nil || len(ds) != 1 || ds[0].Rule+": "+ds[0].Text != c.want || ds[0].Remedy == ""):
			t.Errorf("%s: %v, want %s", c.name, ds, c.want)
		}
	}
	if p, ds := try(t, byHand(each(runbook.Each{Name: "x", List: "passes"}), runs("y", "")), nil); p == nil || len(p.Cells) != 1 {
		t.Errorf("a list that needn't be given: %v", ds)
	}
}
