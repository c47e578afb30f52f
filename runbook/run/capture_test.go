package run

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

func value(name string, v any) map[string]json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return map[string]json.RawMessage{name: raw}
}

// captures takes a cell's command to its end, with what it captured.
func (w *world) captures(t *testing.T, path string, vs map[string]json.RawMessage) {
	t.Helper()
	c := w.cell(t, path)
	w.then(t, w.intent(c, RoleCommand))
	w.then(t, Outcome{Cell: c.Key, Attempt: attemptOf(w.cell(t, path)), Verdict: checks.Pass, Values: vs})
}

func capturing(id, on string) string {
	return fmt.Sprintf("- [ ] Get %s {#%s}\n\n  ```sh {%s}\n  get\n  ```\n  ```capture\n  %s = stdout\n  ```\n", id, id, on, id)
}

// What is captured belongs to the run, to each host of a group, to the instance.
func TestWhoseACaptureIs(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n[groups.trio]\n[groups.one]\n+++\n# T\n\n"+capturing("here", "on=local")+capturing("each_of", "on=trio")+capturing("alone", "on=one")+
		"## W {#w each=trio}\n\n"+capturing("inside", "on=local"), nil)
	w.follow(t)
	w.captures(t, "here", value("here", "run"))
	for _, h := range []string{"a", "b", "c"} {
		w.captures(t, "each_of@"+h, value("each_of", "of "+h))
	}
	w.captures(t, "alone", value("alone", "of the only one"))
	w.captures(t, "w[a]/inside", value("inside", "of a, run here"))
	run := w.r.NamesIn(w.p.Root.Scope, "")
	if run["here"] != "run" || run["each_of"] != nil || run["alone"] != "of the only one" || run["inside"] != nil {
		t.Errorf("the run sees %v", run)
	}
	at := w.r.NamesIn(w.p.Root.Scope, "b")
	if at["each_of"] != "of b" || at["here"] != "run" {
		t.Errorf("at b one sees %v", at)
	}
	in := w.r.Names(w.cell(t, "w[a]/inside"), "local")
	if in["inside"] != "of a, run here" || in["each_of"] != "of a" || in["host"] != "a" {
		t.Errorf("in a's instance one sees %v", in)
	}
	hosts, ok := w.r.WorldOf(w.p.Root.Scope).Hosts("trio")
	want := []map[string]any{
		{"host": "a", "zone": "z1", "each_of": "of a", "inside": "of a, run here"},
		{"host": "b", "zone": "z2", "each_of": "of b"},
		{"host": "c", "zone": "z1", "each_of": "of c", "alone": "of the only one"},
	}
	if !ok || !reflect.DeepEqual(hosts, want) {
		t.Errorf("hosts are %v, want %v", hosts, want)
	}
	if _, ok := w.r.WorldOf(w.p.Root.Scope).Hosts("nobody"); ok {
		t.Error("a group that isn't there has hosts")
	}
}

// A value that is walked is a group of its hosts, inside.
func TestAValueIsAGroupInside(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n[groups.trio]\nvars = [\"zone\"]\n+++\n## Z {#z each=\"zone of trio\"}\n\n- [ ] One {#one}\n\n  ```sh\n  one\n  ```\n", nil)
	hosts, ok := w.r.WorldAt(w.cell(t, "z[z1]/one")).Hosts("zone")
	if !ok || len(hosts) != 2 || hosts[0]["host"] != "a" || hosts[1]["host"] != "c" {
		t.Errorf("the hosts of the zone are %v, %v", hosts, ok)
	}
}

// A look never changes what an attempt captured; a failed one captures nothing.
func TestCapturesAreWrittenOnce(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n+++\n- [ ] Get {#get}\n\n  ```sh\n  get\n  ```\n  ```capture\n  got = stdout\n  ```\n  ```sh {.check}\n  look\n  ```\n", nil)
	c := w.cell(t, "get")
	w.then(t, w.intent(c, RoleCommand))
	id := attemptOf(w.cell(t, "get"))
	w.then(t, Outcome{Cell: c.Key, Attempt: id, Verdict: checks.Pass, Values: value("got", "first")})
	red := taken(w.cell(t, "get"), After, checks.Fail)
	w.then(t, red)
	if got := w.r.NamesIn(w.p.Root.Scope, plan.Local)["got"]; got != nil {
		t.Errorf("a step that failed has captured %v", got)
	}
	w.then(t, Retried{Cell: c.Key})
	w.then(t, w.intent(w.cell(t, "get"), RoleCommand))
	id = attemptOf(w.cell(t, "get"))
	w.then(t, Outcome{Cell: c.Key, Attempt: id, Verdict: checks.Pass, Values: value("got", "second")},
		taken(w.cell(t, "get"), After, checks.Pass))
	look := taken(w.cell(t, "get"), Evidence, checks.Pass)
	look.Checks[0].Values = value("got", "a later look")
	w.then(t, look)
	if got := w.r.NamesIn(w.p.Root.Scope, plan.Local)["got"]; got != "second" {
		t.Errorf("captured is %v, want what the attempt captured that made it succeed", got)
	}
}

// A step that is done already doesn't run, and what the probe saw is kept.
func TestDoneAlready(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n+++\n- [ ] Get {#get .irreversible}\n\n  ```sh {.done}\n  is it\n  ```\n  ```sh\n  get\n  ```\n", nil)
	c := w.cell(t, "get")
	w.then(t, taken(c, Already, checks.Unknown))
	w.asks(t, WaitFailure, "get") // a person looks first
	w.then(t, Retried{Cell: c.Key})
	w.then(t, taken(c, Already, checks.Fail))
	w.asks(t, WaitGo, "get")
	yes := taken(w.cell(t, "get"), Already, checks.Pass)
	yes.Checks[0].Values = value("v", 7)
	w.then(t, yes)
	if c := w.cell(t, "get"); c.Status != Succeeded || len(c.Attempts) != 0 {
		t.Errorf("it is %s after %d attempts", c.Status, len(c.Attempts))
	}
	if got := w.r.NamesIn(w.p.Root.Scope, "")["v"]; got != 7 {
		t.Errorf("captured is %v", got)
	}
	if _, ok := Next(w.r).(Close); !ok {
		t.Errorf("then comes %#v", Next(w.r))
	}
}

// A question is asked once per run, unless it is each host's own; its answer is
// typed, and refused when it doesn't fit.
func TestQuestions(t *testing.T) {
	t.Parallel()
	book := "+++\n[params.n]\ntype = \"int\"\nprompt = \"How many?\"\n[groups.trio]\n+++\n## W {#w each=trio}\n\n- [ ] Ask {#ask ask=n%s}\n\n- [ ] Do {#do}\n\n  ```sh\n  echo \"$n\"\n  ```\n"
	w := parsed(t, fmt.Sprintf(book, ""), nil)
	w.follow(t)
	ask := w.asks(t, WaitAsk, "w[a]/ask")
	for _, wrong := range []Asked{{Cell: ask.Cell.Key, Name: "n", Value: "many"}, {Cell: ask.Cell.Key, Name: "m", Value: "3"}} {
		if err := w.copy().add(wrong); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
	if err := ask.Cell.Refuses("many"); err == nil {
		t.Error("an answer of the wrong type is not refused")
	}
	w.then(t, Asked{Cell: ask.Cell.Key, Name: "n", Value: "3"})
	if got := w.r.Names(w.cell(t, "w[a]/do"), "a")["n"]; got != 3 {
		t.Errorf("the answer is %v (%T)", got, got)
	}
	w.runs(t, checks.Pass, "w[a]/do")
	w.asks(t, WaitGo, "w[b]/do") // the question was answered
	if c := w.cell(t, "w[b]/ask"); c.Asked == nil || !c.Asked.Repeated || c.Asked.Value != "3" {
		t.Errorf("b's answer is %+v", c.Asked)
	}

	own := parsed(t, fmt.Sprintf(book, " .per-host"), nil)
	own.follow(t)
	own.then(t, Asked{Cell: own.cell(t, "w[a]/ask").Key, Name: "n", Value: "3"})
	own.runs(t, checks.Pass, "w[a]/do")
	own.asks(t, WaitAsk, "w[b]/ask")
	if got := own.r.Names(own.cell(t, "w[b]/do"), "b")["n"]; got != nil {
		t.Errorf("b has a's answer: %v", got)
	}
}

// ran and ok from inside an instance are about that instance, from outside about
// all.
func TestRanAndOK(t *testing.T) {
	t.Parallel()
	w := walking(t, "batch=3 max_failures=3")
	w.runs(t, checks.Pass, "w[a]/one", "w[b]/one")
	w.runs(t, checks.Fail, "w[c]/one")
	out, inA, inC := w.r.WorldOf(w.p.Root.Scope), w.r.WorldAt(w.cell(t, "w[a]/two")), w.r.WorldAt(w.cell(t, "w[c]/two"))
	for what, got := range map[string][2]bool{
		"ran, outside": {out.Ran("one"), true}, "ok, outside": {out.OK("one"), false}, "ok of a": {inA.OK("one"), true},
		"ok of c": {inC.OK("w/one"), false}, "ran of c": {inC.Ran("one"), true}, "ran of what didn't": {out.Ran("two"), false},
		"ran of nothing": {out.Ran("three"), false}, "ok of nothing": {out.OK("three"), false},
	} {
		if got[0] != got[1] {
			t.Errorf("%s is %v", what, got[0])
		}
	}
}
