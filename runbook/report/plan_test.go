package report_test

import (
	"encoding/json"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/report"
)

// wide is a plan that has one of everything.
func wide(t *testing.T) *plan.Plan {
	t.Helper()
	book := wideBook()
	values, missing, errs := plan.Bind(book, map[string]string{"passes": "4.2, 4.3", "cluster": "东 1", "password": "hunter2"})
	if missing != nil || errs != nil {
		t.Fatal(missing, errs)
	}
	inv := &inventory.Inventory{Hosts: []inventory.Host{{Name: "ops-1", SSH: "ops@10.0.0.9:22"}}}
	var all []string
	for _, h := range [][2]string{{"ob-1", "z1"}, {"ob-2", "z2"}, {"ob-3", "z1"}} {
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: h[0], SSH: h[0], Vars: map[string]string{"zone": h[1], "svr_ip": "10.1.0." + h[0][3:]}})
		all = append(all, h[0])
	}
	inv.Groups = []inventory.Group{{Name: "ops", Hosts: []string{"ops-1"}}, {Name: "ob", Hosts: all}}
	p, ds := plan.New(book, values, inv)
	if p == nil {
		t.Fatal(ds)
	}
	return p
}

func wideBook() *runbook.Runbook {
	expr := func(s string) *runbook.Expr { return &runbook.Expr{Text: s} }
	db := &runbook.Connection{
		Name: "sys", Driver: "mysql", Host: "{{svr_ip}}", Port: "2881", User: "root@sys", Password: "{{password}}", Database: "oceanbase",
		TLS: "true", Via: "ops-1", Hosts: "ob", Pick: expr("it.zone == 'z1'"),
	}
	statement := func(body, on string) *runbook.Fence {
		return &runbook.Fence{Form: runbook.SQL, Lang: "sql", Body: body, On: on, Connection: db}
	}
	sh := func(body, on string) *runbook.Fence {
		return &runbook.Fence{Form: runbook.Script, Lang: "sh", Body: body, On: on}
	}
	quiet := statement("select 1 from t where zone = {{zone}}", "")
	quiet.Poll = runbook.Poll{Until: 10 * time.Minute, Hold: 30 * time.Second, FailIf: expr("len(rows) > 9")}
	quiet.ExpectText = "len(rows) == 0"
	secret := sh("get-token", "")
	secret.Secret, secret.CaptureText = true, "token = lines[0]"
	picked := sh("switch \"$zone\"", "ob")
	picked.Pick, picked.User, picked.Dir, picked.Login, picked.Env = expr("role == 'leader'"), "admin", "/opt/{{zone}}", true, []runbook.EnvVar{{Name: "X", Value: expr("len(zone)")}}
	parallel := sh("warm", "ob")
	parallel.Parallel, parallel.Timeout = 2, 20*time.Minute
	monitor := sh("qps", "ops")
	monitor.Monitor, monitor.ID, monitor.Grace, monitor.Poll.Every, monitor.Background = true, "qps", 10*time.Second, 5*time.Second, true
	dos := &runbook.Fence{Form: runbook.Script, Lang: "dos", Language: &runbook.Language{Name: "dos", Run: "dos \"$STEPGATE_BODY\"", Literal: "c"}, Body: "use({{cluster}}, {{password}})\n"}
	login := sh("su -", "")
	login.TTY, login.Reboot, login.Reconnect = true, true, time.Hour
	request := &runbook.Fence{Form: runbook.HTTP, Lang: "http", Body: "GET http://{{svr_ip}}/{{cluster}}\n", Via: "{{host}}", On: "ob-1", Timeout: 5 * time.Second}
	files := &runbook.Fence{Form: runbook.Copy, Lang: "copy", Body: "from ob-1:/a\nto ob-2:/a\n", On: "local", Direct: true}
	ports := &runbook.Fence{Form: runbook.TCP, Lang: "tcp", Body: "{{svr_ip}}:2881\n", On: "ob-2"}
	check := func(id string, fs ...*runbook.Fence) *runbook.Step {
		return &runbook.Step{ID: id, Title: "Check " + id, Kind: runbook.Check, Before: fs}
	}
	zones := &runbook.Section{
		ID: "zone", Title: "Zone {{zone}}", Each: &runbook.Each{Name: "zone", Group: "ob", Batch: 1, OrderBy: expr("zone == rs_zone")},
		Caution: "From here on {{zone}} gives no votes.", Required: true,
		Items: []runbook.Item{
			&runbook.Section{
				ID: "before", Title: "Quiet before {{zone}}", Items: []runbook.Item{check("quiet", quiet)},
				Part: &runbook.Part{File: "parts/quiet.md", With: map[string]string{"why": "{{pass}} {{seen}}"}, Params: []runbook.Param{{Name: "why"}}},
			},
			&runbook.Section{ID: "server", Title: "Server", Each: &runbook.Each{Group: "zone"}, Items: []runbook.Item{
				&runbook.Step{
					ID: "stop", Title: "Stop {{host}}", Kind: runbook.Run, Irreversible: true, Approvers: 2, Confirm: "{{host}}",
					Done: []*runbook.Fence{sh("stopped", "")}, Command: sh("stop", ""), After: []*runbook.Fence{sh("stopped", "")},
				},
			}},
		},
	}
	return &runbook.Runbook{
		File: "wide.md", Title: "Wide 宽", Annotated: true,
		Params: []runbook.Param{{Name: "passes", Type: runbook.TypeList}, {Name: "cluster"}, {Name: "password", Secret: true}, {Name: "unset"}},
		Tools: []*runbook.Tool{
			{Name: "obd", On: "ob", Min: "2.10", Version: "obd --version", Help: "https://example.org/obd"}, {Name: "jq"},
		},
		Later: []runbook.Diagnostic{{Pos: runbook.Pos{File: "wide.md", Line: 9, Col: 3}, Text: "user: whom to become on the host"}},
		Root: &runbook.Section{Items: []runbook.Item{
			&runbook.Step{ID: "who", Title: "Who answers", Kind: runbook.Ask, Question: &runbook.Question{
				Param: runbook.Param{Name: "answer", Type: runbook.TypeChoice, Choices: []string{"a", "b"}, Pattern: "."}, PerHost: true,
			}},
			&runbook.Step{ID: "load", Title: "Load runs", Kind: runbook.Watch, Monitors: []*runbook.Fence{monitor}},
			check("token", secret), check("ports", ports), check("status", request),
			&runbook.Section{ID: "pass", Title: "To {{pass}}", Each: &runbook.Each{Name: "pass", List: "passes", Batch: 1}, Items: []runbook.Item{zones}},
			&runbook.Section{
				ID: "rest", Title: "The rest",
				Each: &runbook.Each{Group: "ob", Batch: 2, Canary: 1, Soak: 10 * time.Minute, MaxFailures: 1},
				Items: []runbook.Item{
					&runbook.Step{ID: "say", Title: "Say so", Kind: runbook.Manual, Always: true, When: expr("ran(\"stop\")")},
				},
			},
			&runbook.Step{
				ID: "switch", Title: "Switch", Kind: runbook.Run, Caution: "Now.", Command: picked,
				Rollback: &runbook.Rollback{Before: []*runbook.Fence{sh("may", "")}, Command: sh("back", ""), After: []*runbook.Fence{sh("is", "")}},
			},
			&runbook.Step{ID: "warm", Title: "Warm", Kind: runbook.Run, Idempotent: true, Command: parallel, Judged: "it looks like it destroys something"},
			&runbook.Step{ID: "dos", Title: "In its language", Kind: runbook.Run, Command: dos},
			&runbook.Step{ID: "files", Title: "Files over", Kind: runbook.Run, Command: files},
			&runbook.Step{ID: "login", Title: "By hand there", Kind: runbook.Run, Command: login},
			&runbook.Section{ID: "again", Title: "Quiet again", Part: &runbook.Part{Own: true}, Items: []runbook.Item{check("picked", picked)}},
		}},
	}
}

func TestPlanOfEverything(t *testing.T) {
	t.Parallel()
	p := wide(t)
	text := written(t, func(w io.Writer) error { return report.Plan(w, p) })
	object := written(t, func(w io.Writer) error { return report.PlanJSON(w, p) })
	golden(t, "plan-wide.txt", text)
	golden(t, "plan-wide.json", object)
	for what, b := range map[string][]byte{"text": text, "JSON": object} {
		if strings.Contains(string(b), "hunter2") {
			t.Errorf("the %s holds a secret", what)
		}
	}
}

var jsonTag = regexp.MustCompile("json:\"([a-z_]+)")

// Every field of the JSON has a line in its documentation, and is in the golden
// plan.
func TestPlanJSONIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/plan.md")
	if err != nil {
		t.Fatal(err)
	}
	var object any
	if err := json.Unmarshal(written(t, func(w io.Writer) error { return report.PlanJSON(w, wide(t)) }), &object); err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	collect(object, have)
	fields := 0
	for _, file := range []string{"planjson.go", "planstep.go"} {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range jsonTag.FindAllSubmatch(src, -1) {
			name := string(m[1])
			if fields++; !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("docs/plan.md doesn't name `%s`", name)
			}
			if !have[name] {
				t.Errorf("no plan of the tests has %q", name)
			}
		}
	}
	if fields < 90 {
		t.Errorf("only %d fields were found", fields)
	}
}

func collect(v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			into[k] = true
			collect(e, into)
		}
	case []any:
		for _, e := range v {
			collect(e, into)
		}
	}
}
