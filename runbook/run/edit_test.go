package run

import (
	"slices"
	"strings"
	"testing"

	"stepgate/checks"
	"stepgate/runbook/plan"
)

const editable = `+++
title = "E"
[params.tab]
default = "users"
[params.pw]
secret = true
[connections.db]
driver = "sqlite"
database = "/tmp/x.db"
[languages.dos]
run = 'dos "$STEPGATE_BODY"'
literal = "c"
+++
- [ ] Script {#script .idempotent}

  ~~~sh
  do "$tab"
  ~~~
- [ ] Statements {#sql}

  ~~~sql {db=db}
  DELETE FROM {{tab|ident}} WHERE name = {{tab}};
  ~~~
- [ ] Language {#dos}

  ~~~dos
  f({{tab}})
  ~~~
- [ ] Secret {#hidden}

  ~~~dos
  login({{pw}})
  ~~~
- [ ] Files {#files}

  ~~~copy
  from /etc/hosts
  to /tmp/hosts
  ~~~
- [ ] Look {#look}

  ~~~sh {.check}
  true
  ~~~
`

// What is edited is the text that would run, and what runs then is that text: of a
// script, of statements, of what a language is given.
func TestWhatIsEditedIsWhatRuns(t *testing.T) {
	t.Parallel()
	for id, tt := range map[string]struct {
		was, body, runs string
		in              func(Dispatch) string
	}{
		"script": {"do \"$tab\"\n", `do "$tab" "$pw"`, "do \"$tab\" \"$pw\"\n", func(d Dispatch) string { return d.Body }},
		"sql": {
			"DELETE FROM \"users\" WHERE name = 'users';\n", "SELECT 1;\n", "SELECT 1;\n", func(d Dispatch) string { return d.Body },
		},
		"dos": {"f(\"users\")\n", "g(1)\n", "g(1)", func(d Dispatch) string {
			i := slices.IndexFunc(d.Env, func(v Var) bool { return v.Name == "STEPGATE_FENCE" })
			return d.Env[i].Value
		}},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			w := parsed(t, strings.ReplaceAll(editable, "~~~", "```"), map[string]string{"pw": "geheim-1234"})
			w.runs(t, checks.Fail, id)
			c := w.cell(t, id)
			if text, err := w.r.EditText(c); err != nil || text != tt.was {
				t.Fatalf("to be edited: %q, %v", text, err)
			}
			e, err := w.r.Edited(c, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			w.then(t, e, Retried{Cell: c.Key})
			if c = w.cell(t, id); !c.needsGate() || c.Reversible() {
				t.Error("it needs no gate")
			}
			d, err := w.r.Dispatch(c, RoleCommand)
			if err != nil || tt.in(d) != tt.runs {
				t.Errorf("runs %q, %v", tt.in(d), err)
			}
			named := slices.ContainsFunc(d.Env, func(v Var) bool { return v.Name == "pw" && v.Secret && v.Value == "" })
			if named != (id == "script") {
				t.Errorf("its environment is %v", d.Env)
			}
			w.runs(t, checks.Fail, id) // through its gate
			if text, err := w.r.EditText(w.cell(t, id)); err != nil || text != e.Body {
				t.Errorf("to be edited once more: %q, %v", text, err)
			}
			if back, err := w.r.Edited(w.cell(t, id), tt.was); err != nil || back.Body != back.Was {
				t.Errorf("back to the runbook's: %+v, %v", back, err)
			}
		})
	}
}

func TestWhatCantBeEdited(t *testing.T) {
	t.Parallel()
	w := parsed(t, strings.ReplaceAll(editable, "~~~", "```"), map[string]string{"pw": "geheim-1234"})
	for id, want := range map[string]string{"hidden": "secret", "files": "no command with a text", "look": "no command"} {
		if _, err := w.r.EditText(w.cell(t, id)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", id, err)
		}
	}
	w.runs(t, checks.Fail, "script")
	c := w.cell(t, "script")
	for body, want := range map[string]string{
		"": "empty", "do \"$tab\"": "unchanged", "rm \u202ex": "⟨U+202E⟩ in line 1", "a\nb\x00": "in line 2", "\xff": "UTF-8",
		strings.Repeat("x", MaxTyped+1): "more than", "drop {{tab}}": `write "$tab"`, "echo {{ host }}": `write "$host"`,
	} {
		if _, err := w.r.Edited(c, body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", body, err, want)
		}
	}
	if _, err := w.r.Edited(c, "docker ps --format '{{.Names}}'"); err != nil {
		t.Errorf("braces that aren't ours: %v", err)
	}
	if err := w.add(Edited{Cell: c.Key, Body: "x\u200b\n", Was: "y"}); err == nil {
		t.Error("a journal takes what can't be seen")
	}
}

// A command beside the plan that is in doubt outlives another version of the
// runbook, which may not have a step of its name.
func TestACommandBesideThePlanOutlivesAnAdoption(t *testing.T) {
	t.Parallel()
	p := versionOf(t, adoptable, `"a"`)
	r, err := Fold(p, halfway(p))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{p: p, r: r, records: halfway(p), now: r.Last, epoch: 1}
	e, err := w.r.AdHocAsked(AdHoc{Where: "a", Body: "df"})
	if err != nil {
		t.Fatal(err)
	}
	w.then(t, e)
	c := w.r.OffBook[0]
	w.then(t, w.intent(c, RoleCommand), LeaseTaken{Holder: "b"})
	next := versionOf(t, adoptable+"\n- [ ] More {#more}\n", `"a"`)
	rec := w.record(Adopted{Digest: next.Digest})
	n, err := w.r.Adopt(next, rec)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.OffBook) != 1 || n.OffBook[0].Plan.Step.Scope != next.Root.Scope || n.OffBook[0].Status != Unknown {
		t.Errorf("it is %+v", n.OffBook)
	}
	if d, ok := Next(n).(Settle); !ok || d.Cell != n.OffBook[0] {
		t.Errorf("next is %#v", Next(n))
	}
	clash := versionOf(t, adoptable+"\n## Ad hoc {#adhoc}\n\n- [ ] One {#1 on=a}\n\n  ~~~sh\n  one\n  ~~~\n", `"a"`)
	if bars := w.r.Bars(clash); len(bars) != 1 || bars[0].Step != "adhoc/1@a" {
		t.Errorf("bars %v", bars)
	}
}

// What is beside the plan is called as nothing in it.
func TestACommandBesideThePlanHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n+++\n## Ad hoc {#adhoc}\n\n- [ ] One {#1}\n", nil)
	e, err := w.r.AdHocAsked(AdHoc{Where: plan.Local, Body: "df {{.Names}}", Interpreter: "bash"})
	if err != nil || e.Cell.Step != "adhoc/2" {
		t.Fatalf("%+v, %v", e, err)
	}
	w.then(t, e)
	if c := w.r.Cell(e.Cell); w.r.Text(c, c.Plan.Step.Title) == "" || strings.Contains(c.Plan.Step.Title, "{{") {
		t.Errorf("it is called %q", c.Plan.Step.Title)
	}
	if places := w.r.AdHocPlaces(); !slices.Equal(places, []string{"local", "a", "b", "c"}) {
		t.Errorf("places %q", places)
	}
	if err := w.add(RunClosed{How: Done}); err == nil {
		t.Error("a run closes over a command that was not sent")
	}
}
