package plan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

func parsed(t *testing.T, name string) *runbook.Runbook {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	b, ds := runbook.Parse(name, src, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("testdata", name)) })
	if b == nil {
		t.Fatal(ds)
	}
	return b
}

func zonesOf(t *testing.T, given map[string]string, zones ...string) *plan.Plan {
	t.Helper()
	b := parsed(t, "zones.md")
	inv := &inventory.Inventory{Hosts: []inventory.Host{{Name: "ops-1", SSH: "ops-1", Vars: map[string]string{}}}}
	var all []string
	for i, z := range zones {
		name := "ob-" + string(rune('1'+i))
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: name, SSH: name, Vars: map[string]string{"zone": z, "svr_ip": "10.0.0." + name[3:]}})
		all = append(all, name)
	}
	inv.Groups = []inventory.Group{{Name: "ops", Hosts: []string{"ops-1"}}, {Name: "ob", Hosts: all}}
	p, ds := plan.New(b, values(t, b, given), inv)
	if p == nil {
		t.Fatal(ds)
	}
	return p
}

var passes = map[string]string{"cluster": "东 1", "passes": "4.2,4.3", "password": "hunter2"}

func TestParsedRunbookIsPlanned(t *testing.T) {
	t.Parallel()
	p := zonesOf(t, passes, "z1", "z2", "z1", "z1", "z1")
	all := cells(p)
	for _, want := range []string{
		"before/when@", "before/quiet-now/behind@", "before/quiet-now/sum@local", "before/answers@", "before/ports@",
		"pass[4.3]/zone[z1]/enter@", "pass[4.3]/zone[z1]/stop-zone@ops-1", "pass[4.3]/zone[z1]/server[ob-5]/stop@ob-5",
		"pass[4.2]/zone[z2]/after/quiet/behind@", "pass[4.2]/zone[z1]/after/warm@ob-4", "close/leader@", "close/own@ops-1",
	} {
		if !slices.Contains(all, want) {
			t.Errorf("there is no cell %s in\n%s", want, strings.Join(all, "\n"))
		}
	}
	w, _ := p.Walk("pass[4.2]/zone[z1]/server")
	if !slices.Equal(w.Keys, []string{"ob-1", "ob-3", "ob-4", "ob-5"}) || w.Batch != 2 {
		t.Errorf("the servers of z1 are %+v", w)
	}
	answers, _ := p.Cell("before/answers", "")
	f := answers.Step.Book.Before[0]
	if f.Poll.Until != 90*time.Second || !slices.Equal(p.Places(answers, f), []string{"ob-1", "ob-2", "ob-3", "ob-4", "ob-5"}) {
		t.Errorf("the request is %+v", f)
	}
	for where, want := range map[string]string{"ob-2": "GET http://10.0.0.2:2886/status/%E4%B8%9C%201", "ob-5": "GET http://10.0.0.5:2886/status/%E4%B8%9C%201"} {
		if got, err := plan.Render(f, p.Names(answers.Step.Scope, where, nil), ""); err != nil || strings.TrimSpace(got) != want {
			t.Errorf("at %s the request is %q, %v", where, got, err)
		}
	}
}

func TestParsedPartIsPlanned(t *testing.T) {
	t.Parallel()
	p := zonesOf(t, passes, "z1", "z2", "z1")
	captured := func(path string) map[string]any {
		return map[string]map[string]any{"before/quiet-now": {"total": `1\2`}, "": {"window": "tonight"}}[path]
	}
	behind, _ := p.Cell("pass[4.2]/zone[z2]/after/quiet/behind", "")
	f := behind.Step.Book.Before[0]
	names := p.Names(behind.Step.Scope, "ob-3", captured)
	if got, err := plan.Render(f, names, f.Connection.Driver); err != nil || !strings.Contains(got, "select 'after z2' as why, sum(behind) n from log where ip = '10.0.0.3'") {
		t.Errorf("the part's statement is %q, %v", got, err)
	}
	for _, hidden := range []string{"cluster", "password", "window", "passes"} {
		if v, ok := names[hidden]; ok {
			t.Errorf("the part sees %s=%v", hidden, v)
		}
	}
	if names["pw"] != "hunter2" || !p.Secrets(behind.Step.Scope)["pw"] {
		t.Errorf("the secret that is handed on: %v, %v", names["pw"], p.Secrets(behind.Step.Scope))
	}
	zone, _ := p.Cell("pass[4.2]/zone[z2]/stop-zone", "ops-1")
	f = zone.Step.Book.After[0]
	if got, err := plan.Render(f, p.Names(zone.Step.Scope, "ops-1", captured), "mysql"); err != nil || !strings.Contains(got, `zone = 'z2' and why = _utf8mb4 X'315C32'`) {
		t.Errorf("with the part's capture: %q, %v", got, err)
	}
	vars, err := plan.Env(p.Names(zone.Step.Scope, "ops-1", captured))
	if err != nil || !slices.Contains(vars, plan.Var{Name: "quiet_now_total", Value: `1\2`}) || !slices.Contains(vars, plan.Var{Name: "pass", Value: "4.2"}) {
		t.Errorf("commands see %v, %v", vars, err)
	}
}

// A value that is given for a question is proposed, and not taken.
func TestAskedValuesAreProposed(t *testing.T) {
	t.Parallel()
	given := map[string]string{"cluster": "c", "passes": "1", "password": "p", "window": "tomorrow"}
	with := zonesOf(t, given, "z1", "z2", "z1")
	delete(given, "window")
	without := zonesOf(t, given, "z1", "z2", "z1")
	if with.Digest != without.Digest {
		t.Error("a proposal changes the digest")
	}
	for _, p := range []*plan.Plan{with, without} {
		own, _ := p.Cell("close/own", "ops-1")
		if names := p.Names(own.Step.Scope, "ops-1", nil); names["window"] != nil {
			t.Errorf("before it was asked, the answer is %v", names["window"])
		}
		answered := func(path string) map[string]any {
			return map[string]map[string]any{"": {"window": "tonight"}}[path]
		}
		got, err := plan.Render(own.Step.Book.Command, p.Names(own.Step.Scope, "ops-1", answered), "")
		if err != nil || got != "close(\"c\", \"tonight\")\n" {
			t.Errorf("the body is %q, %v", got, err)
		}
	}
}
