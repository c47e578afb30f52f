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

// mutation changes one field of the fixture.
type mutation struct {
	field   string // Type.Field, or what else it changes
	changes bool   // the digest
	do      func(b *runbook.Runbook, inv *inventory.Inventory)
}

func onBook(field string, changes bool, do func(b *runbook.Runbook)) mutation {
	return mutation{field, changes, func(b *runbook.Runbook, _ *inventory.Inventory) { do(b) }}
}

func onStep(field string, changes bool, do func(s *runbook.Step)) mutation {
	return onBook("Step."+field, changes, func(b *runbook.Runbook) { do(step(b, 1, 0)) })
}

func onSection(field string, changes bool, do func(s *runbook.Section)) mutation {
	return onBook("Section."+field, changes, func(b *runbook.Runbook) { do(section(b, 1)) })
}

func onFence(field string, changes bool, do func(f *runbook.Fence)) mutation {
	return onBook("Fence."+field, changes, func(b *runbook.Runbook) { do(step(b, 1, 0).Command) })
}

func onParam(field string, changes bool, do func(p *runbook.Param)) mutation {
	return onBook("Param."+field, changes, func(b *runbook.Runbook) { do(&b.Params[0]) })
}

func onGroup(field string, changes bool, do func(g *runbook.Group)) mutation {
	return onBook("Group."+field, changes, func(b *runbook.Runbook) { do(&b.Groups[1]) })
}

func onConnection(field string, changes bool, do func(c *runbook.Connection)) mutation {
	return onBook("Connection."+field, changes, func(b *runbook.Runbook) { do(step(b, 2, 0).Before[0].Connection) })
}

func onLanguage(field string, changes bool, do func(l *runbook.Language)) mutation {
	return onBook("Language."+field, changes, func(b *runbook.Runbook) { do(step(b, 2, 1).Command.Language) })
}

func onQuestion(field string, changes bool, do func(q *runbook.Question)) mutation {
	return onBook("Question."+field, changes, func(b *runbook.Runbook) { do(step(b, 2, 2).Question) })
}

func onEach(field string, changes bool, do func(e *runbook.Each)) mutation {
	return onBook("Each."+field, changes, func(b *runbook.Runbook) { do(section(b, 1).Each) })
}

func onPart(field string, changes bool, do func(p *runbook.Part)) mutation {
	return onBook("Part."+field, changes, func(b *runbook.Runbook) { do(section(b, 2).Items[3].(*runbook.Section).Part) })
}

// rich adds to the fixture what a database, a language, a question and a part
// have.
func rich(b *runbook.Runbook) *runbook.Runbook {
	c := &runbook.Connection{Name: "db", Driver: "mysql", Host: "{{host}}", Hosts: "dbs", Via: "ops-1", Pick: &runbook.Expr{Text: "it.home == 'x'"}}
	l := &runbook.Language{Name: "dos", Run: "dos -f \"$STEPGATE_BODY\"", Literal: "c"}
	q := &runbook.Question{Param: runbook.Param{Name: "answer", Type: runbook.TypeChoice, Choices: []string{"a", "b"}}}
	part := &runbook.Part{
		File: "quiet.md", With: map[string]string{"who": "{{mode}}"},
		Params: []runbook.Param{{Name: "who", Type: runbook.TypeString}, {Name: "mode", Type: runbook.TypeString}},
	}
	b.Connections, b.Languages = map[string]*runbook.Connection{"db": c}, map[string]*runbook.Language{"dos": l}
	b.Root.Items = append(b.Root.Items, &runbook.Section{ID: "rich", Level: 2, Items: []runbook.Item{
		&runbook.Step{ID: "rows", Kind: runbook.Check, Before: []*runbook.Fence{{Form: runbook.SQL, Lang: "sql", Body: "select 1", Connection: c}}},
		&runbook.Step{ID: "script", Kind: runbook.Run, Command: &runbook.Fence{Form: runbook.Script, Lang: "dos", Language: l, Body: "go()"}},
		&runbook.Step{ID: "ask", Kind: runbook.Ask, Question: q},
		&runbook.Section{ID: "quiet", Level: 3, Part: part, Items: []runbook.Item{
			&runbook.Step{ID: "call", Kind: runbook.Manual, Title: "Call {{who}}"},
		}},
	}})
	return b
}

func onInventory(what string, changes bool, do func(inv *inventory.Inventory)) mutation {
	return mutation{what, changes, func(_ *runbook.Runbook, inv *inventory.Inventory) { do(inv) }}
}

func bookMutations() []mutation {
	elsewhere := runbook.Pos{File: "other.md", Line: 99, Col: 9}
	return []mutation{
		onBook("Runbook.File", false, func(b *runbook.Runbook) { b.File = "other.md" }),
		onBook("Runbook.Sources", false, func(b *runbook.Runbook) { b.Sources = nil }),
		onBook("Runbook.Title", false, func(b *runbook.Runbook) { b.Title = "别的" }),
		onBook("Runbook.Summary", false, func(b *runbook.Runbook) { b.Summary = "other" }),
		onBook("Runbook.Confirm", false, func(b *runbook.Runbook) { b.Confirm = "yes" }), // stands in the steps
		onBook("Runbook.Annotated", true, func(b *runbook.Runbook) { b.Annotated = false }),
		onBook("Runbook.Params", false, func(b *runbook.Runbook) { b.Params = append(b.Params, runbook.Param{Name: "unset"}) }),
		onBook("Runbook.Groups", false, func(b *runbook.Runbook) { b.Groups = b.Groups[:2] }),
		onBook("Runbook.Prelude", true, func(b *runbook.Runbook) { b.Prelude["sh"] += "# more\n" }),
		onBook("Runbook.Prelude of another interpreter", false, func(b *runbook.Runbook) { b.Prelude["bash"] = "x" }),
		onBook("Runbook.Root", true, func(b *runbook.Runbook) { slices.Reverse(b.Root.Items) }),

		onBook("Runbook.Languages", false, func(b *runbook.Runbook) { b.Languages = nil }), // stand in the fences
		onBook("Runbook.Connections", false, func(b *runbook.Runbook) { b.Connections = nil }),
		onBook("Runbook.Tools", false, func(b *runbook.Runbook) { b.Tools = []*runbook.Tool{{Name: "jq", Min: "1.6"}} }),
		onBook("Runbook.Later", false, func(b *runbook.Runbook) { b.Later = []runbook.Diagnostic{{Rule: "not-yet"}} }),

		onParam("Secret", true, func(p *runbook.Param) { p.Secret = true }),
		onParam("Pos", false, func(p *runbook.Param) { p.Pos = elsewhere }),
		onParam("Name", true, func(p *runbook.Param) { p.Name = "version2" }),
		onParam("Prompt", false, func(p *runbook.Param) { p.Prompt = "other" }),
		onParam("Help", false, func(p *runbook.Param) { p.Help = "other" }),
		onParam("Type", true, func(p *runbook.Param) { p.Type = runbook.TypeList }),
		onParam("Default", false, func(p *runbook.Param) { p.Default = "1" }),
		onParam("HasDef", false, func(p *runbook.Param) { p.HasDef = true }),
		onParam("Choices", false, func(p *runbook.Param) { p.Choices = []string{"0.9.2", "1"} }),
		onParam("Pattern", false, func(p *runbook.Param) { p.Pattern = ".*" }),
		onParam("Required", false, func(p *runbook.Param) { p.Required = false }),
		onBook("value", true, func(b *runbook.Runbook) { b.Params[1].Default = "fast" }),

		onGroup("Pos", false, func(g *runbook.Group) { g.Pos = elsewhere }),
		onGroup("Name", false, func(g *runbook.Group) { g.Name, g.Vars = "ops", nil; g.Min = 1 }),
		onGroup("Help", false, func(g *runbook.Group) { g.Help = "other" }),
		onGroup("Vars", false, func(g *runbook.Group) { g.Vars = nil }),
		onGroup("Min", false, func(g *runbook.Group) { g.Min = 1 }),
		onGroup("Max", false, func(g *runbook.Group) { g.Max = 9 }),
	}
}

func itemMutations() []mutation {
	elsewhere := runbook.Pos{File: "other.md", Line: 99, Col: 9}
	other := &runbook.Expr{Text: "other"}
	more := &runbook.Fence{Lang: "sh", Body: "more\n"}
	return []mutation{
		onSection("Pos", false, func(s *runbook.Section) { s.Pos = elsewhere }),
		onSection("ID", true, func(s *runbook.Section) { s.ID = "other" }),
		onSection("Title", false, func(s *runbook.Section) { s.Title = "别的" }),
		onSection("Level", false, func(s *runbook.Section) { s.Level = 5 }),
		onSection("Prose", false, func(s *runbook.Section) { s.Prose = "other" }),
		onSection("Warnings", false, func(s *runbook.Section) { s.Warnings = []string{"other"} }),
		onSection("Caution", false, func(s *runbook.Section) { s.Caution = "other" }),
		onBook("Section.Caution gone", true, func(b *runbook.Runbook) { section(b, 1).Caution = "" }),
		onSection("Confirm", true, func(s *runbook.Section) { s.Confirm = "other" }),
		onSection("Each", true, func(s *runbook.Section) { s.Each = &runbook.Each{Group: "spare", Batch: 1} }),
		onSection("OrderBy", true, func(s *runbook.Section) { s.Each.OrderBy = other }),
		onSection("Required", true, func(s *runbook.Section) { s.Required = true }),
		onSection("Items", true, func(s *runbook.Section) { s.Items = s.Items[1:] }),

		onSection("Part", true, func(s *runbook.Section) { s.Part = &runbook.Part{} }),
		onEach("Pos", false, func(e *runbook.Each) { e.Pos = elsewhere }),
		onEach("Group", true, func(e *runbook.Each) { e.Group = "spare" }),
		onEach("Name", true, func(e *runbook.Each) { e.Name = "home" }),
		onEach("List", true, func(e *runbook.Each) { e.Name, e.List = "home", "some" }),
		onEach("Batch", true, func(e *runbook.Each) { e.Batch = 0 }),
		onEach("Percent", false, func(e *runbook.Each) { e.Percent = true }), // 1% of two is one
		onBook("Each.Percent that makes another batch", true, func(b *runbook.Runbook) {
			e := section(b, 1).Each
			e.Batch, e.Percent = 100, true
		}),
		onEach("Canary", true, func(e *runbook.Each) { e.Canary = 1 }),
		onEach("Soak", true, func(e *runbook.Each) { e.Soak = time.Minute }),
		onEach("OrderBy", true, func(e *runbook.Each) { e.OrderBy = nil }),
		onEach("MaxFailures", true, func(e *runbook.Each) { e.MaxFailures = 1 }),

		onPart("File", false, func(p *runbook.Part) { p.File = "other.md" }),
		onPart("Params", true, func(p *runbook.Part) { p.Params = p.Params[:1] }),
		onPart("With", true, func(p *runbook.Part) { p.With["who"] = "me" }),
		onPart("Own", true, func(p *runbook.Part) { p.Own = true }),
		onBook("Part.Params' type", true, func(b *runbook.Runbook) {
			section(b, 2).Items[3].(*runbook.Section).Part.Params[0].Type = runbook.TypePath
		}),
		onBook("Part.Params' default that is used", true, func(b *runbook.Runbook) {
			section(b, 2).Items[3].(*runbook.Section).Part.Params[1].HasDef = true
		}),
		onBook("Part.Params' default that isn't used", false, func(b *runbook.Runbook) {
			section(b, 2).Items[3].(*runbook.Section).Part.Params[0].HasDef = true
		}),

		onConnection("Pos", false, func(c *runbook.Connection) { c.Pos = elsewhere }),
		onConnection("Name", true, func(c *runbook.Connection) { c.Name = "other" }),
		onConnection("Help", false, func(c *runbook.Connection) { c.Help = "other" }),
		onConnection("Driver", true, func(c *runbook.Connection) { c.Driver = "postgres" }),
		onConnection("Host", true, func(c *runbook.Connection) { c.Host = "other" }),
		onConnection("Port", true, func(c *runbook.Connection) { c.Port = "1" }),
		onConnection("User", true, func(c *runbook.Connection) { c.User = "other" }),
		onConnection("Password", true, func(c *runbook.Connection) { c.Password = "{{other}}" }),
		onConnection("Database", true, func(c *runbook.Connection) { c.Database = "other" }),
		onConnection("TLS", true, func(c *runbook.Connection) { c.TLS = "true" }),
		onConnection("Via", true, func(c *runbook.Connection) { c.Via = "t-1" }),
		onConnection("Hosts", true, func(c *runbook.Connection) { c.Hosts = "tablet" }),
		onConnection("Pick", true, func(c *runbook.Connection) { c.Pick = nil }),

		onLanguage("Pos", false, func(l *runbook.Language) { l.Pos = elsewhere }),
		onLanguage("Name", false, func(l *runbook.Language) { l.Name = "other" }), // Fence.Lang is what counts
		onLanguage("Run", true, func(l *runbook.Language) { l.Run = "other" }),
		onLanguage("Literal", true, func(l *runbook.Language) { l.Literal = "json" }),

		onQuestion("Param", true, func(q *runbook.Question) { q.Param.Name = "other" }),
		onBook("Question.Param's choices", true, func(b *runbook.Runbook) { step(b, 2, 2).Question.Param.Choices = []string{"a"} }),
		onBook("Question.Param's prompt", false, func(b *runbook.Runbook) { step(b, 2, 2).Question.Param.Prompt = "other" }),
		onQuestion("Given", false, func(q *runbook.Question) { q.Given = true }), // only proposed
		onQuestion("PerHost", true, func(q *runbook.Question) { q.PerHost = true }),

		onStep("Always", true, func(s *runbook.Step) { s.Always = true }),
		onStep("Question", true, func(s *runbook.Step) { s.Question = &runbook.Question{} }),
		onStep("Approvers", true, func(s *runbook.Step) { s.Approvers = 2 }),
		onStep("Done", true, func(s *runbook.Step) { s.Done = append(s.Done, more) }),
		onStep("Monitors", true, func(s *runbook.Step) { s.Monitors = append(s.Monitors, more) }),
		onStep("Pos", false, func(s *runbook.Step) { s.Pos = elsewhere }),
		onStep("ID", true, func(s *runbook.Step) { s.ID = "other" }),
		onStep("Title", false, func(s *runbook.Step) { s.Title = "别的" }),
		onStep("Kind", true, func(s *runbook.Step) { s.Kind, s.Command, s.Rollback = runbook.Check, nil, nil }),
		onStep("Prose", false, func(s *runbook.Step) { s.Prose = "other" }),
		onStep("Warnings", false, func(s *runbook.Step) { s.Warnings = []string{"other"} }),
		onStep("Caution", false, func(s *runbook.Step) { s.Caution = "other" }),
		onBook("Step.Caution gone", true, func(b *runbook.Runbook) { step(b, 1, 0).Caution = "" }),
		onStep("Judged", false, func(s *runbook.Step) { s.Judged = "rm" }), // it is gated already
		onBook("Step.Judged of an ungated step", true, func(b *runbook.Runbook) { step(b, 1, 2).Judged = "rm" }),
		onStep("Confirm", true, func(s *runbook.Step) { s.Confirm = "other" }),
		onStep("Each", true, func(s *runbook.Step) { s.Each = &runbook.Each{Group: "spare", Batch: 1} }),
		onStep("OrderBy", true, func(s *runbook.Step) { s.Each = &runbook.Each{Group: "spare", Batch: 1, OrderBy: other} }),
		onStep("When", true, func(s *runbook.Step) { s.When = other }),
		onStep("Required", true, func(s *runbook.Step) { s.Required = true }),
		onStep("Irreversible", true, func(s *runbook.Step) { s.Irreversible = true }),
		onStep("Idempotent", true, func(s *runbook.Step) { s.Idempotent = true }),
		onStep("Before", true, func(s *runbook.Step) { s.Before = append(s.Before, more) }),
		onStep("Command", true, func(s *runbook.Step) { s.Command = more }),
		onStep("After", true, func(s *runbook.Step) { s.After = append(s.After, more) }),
		onStep("Rollback", true, func(s *runbook.Step) { s.Rollback = nil }),
		onStep("Rollback.Before", true, func(s *runbook.Step) { s.Rollback.Before = nil }),
		onStep("Rollback.Command", true, func(s *runbook.Step) { s.Rollback.Command = more }),
		onStep("Rollback.After", true, func(s *runbook.Step) { s.Rollback.After = nil }),

		onFence("Form", true, func(f *runbook.Fence) { f.Form = runbook.HTTP }),
		onFence("Language", true, func(f *runbook.Fence) { f.Language = &runbook.Language{Run: "other"} }),
		onFence("Connection", true, func(f *runbook.Fence) {
			f.Connection = &runbook.Connection{Name: "other", Driver: "sqlite"}
		}),
		onFence("Pick", true, func(f *runbook.Fence) { f.Pick = other }),
		onFence("Parallel", true, func(f *runbook.Fence) { f.Parallel = 2 }),
		onFence("Via", true, func(f *runbook.Fence) { f.Via = "ops" }),
		onFence("User", true, func(f *runbook.Fence) { f.User = "root" }),
		onFence("Login", true, func(f *runbook.Fence) { f.Login = true }),
		onFence("Env", true, func(f *runbook.Fence) { f.Env = []runbook.EnvVar{{Name: "X", Value: other}} }),
		onFence("Spans", true, func(f *runbook.Fence) { f.Spans = map[string]string{"timeout": "7s"} }),
		onBook("Fence.Spans of the same length", false, func(b *runbook.Runbook) {
			step(b, 1, 0).Command.Spans = map[string]string{"timeout": "1200s"}
		}),
		onFence("Secret", true, func(f *runbook.Fence) { f.Secret = true }),
		onFence("TTY", true, func(f *runbook.Fence) { f.TTY = true }),
		onFence("Direct", true, func(f *runbook.Fence) { f.Direct = true }),
		onFence("Background", true, func(f *runbook.Fence) { f.Background = true }),
		onFence("Monitor", true, func(f *runbook.Fence) { f.Monitor = true }),
		onFence("ID", true, func(f *runbook.Fence) { f.ID = "other" }),
		onFence("Grace", true, func(f *runbook.Fence) { f.Grace = time.Second }),
		onFence("Reboot", true, func(f *runbook.Fence) { f.Reboot = true }),
		onFence("Reconnect", true, func(f *runbook.Fence) { f.Reconnect = time.Second }),
		onFence("Lines", false, func(f *runbook.Fence) { f.Lines = nil }),
		onFence("Poll.FailIf", true, func(f *runbook.Fence) { f.Poll.FailIf = other }),
		onFence("Pos", false, func(f *runbook.Fence) { f.Pos = elsewhere }),
		onFence("Lang", true, func(f *runbook.Fence) { f.Lang = "bash" }),
		onFence("Body", true, func(f *runbook.Fence) { f.Body += " " }),
		onFence("On", true, func(f *runbook.Fence) { f.On = "ops" }),
		onFence("Dir", true, func(f *runbook.Fence) { f.Dir = "/elsewhere" }),
		onFence("Timeout", true, func(f *runbook.Fence) { f.Timeout += time.Millisecond }),
		onFence("Poll", true, func(f *runbook.Fence) { f.Poll.Hold = time.Second }),
		onFence("Poll.Until", true, func(f *runbook.Fence) { f.Poll.Until = time.Second }),
		onFence("Poll.Every", true, func(f *runbook.Fence) { f.Poll.Every = time.Second }),
		onFence("Expect", false, func(f *runbook.Fence) { f.Expect = nil }), // ExpectText is what counts
		onFence("Capture", false, func(f *runbook.Fence) { f.Capture = nil }),
		onFence("ExpectText", true, func(f *runbook.Fence) { f.ExpectText = "exit == 1" }),
		onFence("CaptureText", true, func(f *runbook.Fence) { f.CaptureText = "x = 1" }),
	}
}

func inventoryMutations() []mutation {
	asks := func(b *runbook.Runbook) { step(b, 0, 0).Before[0].ExpectText = `len(hosts("spare")) == 1` }
	return []mutation{
		onInventory("destination of a used host", true, func(i *inventory.Inventory) { i.Hosts[1].SSH = "root@10.0.0.1:22" }),
		onInventory("variable of a used host", true, func(i *inventory.Inventory) { i.Hosts[1].Vars["home"] = "/else" }),
		onInventory("new variable of a used host", true, func(i *inventory.Inventory) { i.Hosts[0].Vars["x"] = "y" }),
		onInventory("order of a walk", true, func(i *inventory.Inventory) { slices.Reverse(i.Groups[1].Hosts) }),
		onInventory("order of the hosts", false, func(i *inventory.Inventory) { slices.Reverse(i.Hosts) }),
		onInventory("order of the groups", false, func(i *inventory.Inventory) { slices.Reverse(i.Groups) }),
		onInventory("an idle host", false, func(i *inventory.Inventory) { i.Hosts[3].Vars["home"] = "/else" }),
		onInventory("a group nothing names", false, func(i *inventory.Inventory) {
			i.Groups = append(i.Groups, inventory.Group{Name: "other", Hosts: []string{"idle"}})
		}),
		{"the host that a connection goes through", true, func(b *runbook.Runbook, i *inventory.Inventory) { i.Hosts[0].SSH = "else" }},
		{"a host that may be the server", true, func(b *runbook.Runbook, i *inventory.Inventory) { i.Hosts[4].Vars["home"] = "/else" }},
		{"members of a group that an expression asks for", true, func(b *runbook.Runbook, i *inventory.Inventory) {
			asks(b)
			i.Groups[2].Hosts = nil
		}},
		{"variables of a host that an expression asks for", true, func(b *runbook.Runbook, i *inventory.Inventory) {
			asks(b)
			i.Hosts[3].Vars["home"] = "/else"
		}},
	}
}

// The digest changes exactly when something that runs, or decides, changes.
func TestDigest(t *testing.T) {
	t.Parallel()
	digest := func(do ...func(*runbook.Runbook, *inventory.Inventory)) string {
		b, inv := rich(book(t)), hosts()
		inv.Hosts = append(inv.Hosts, inventory.Host{Name: "db-1", Vars: map[string]string{"home": "x"}})
		inv.Groups = append(inv.Groups, inventory.Group{Name: "dbs", Hosts: []string{"db-1"}})
		b.Params = append(b.Params, runbook.Param{Name: "some", Type: runbook.TypeList, Default: "x,y", HasDef: true})
		for _, f := range do {
			f(b, inv)
		}
		return planned(t, b, inv).Digest
	}
	asks := func(b *runbook.Runbook, _ *inventory.Inventory) {
		step(b, 0, 0).Before[0].ExpectText = `len(hosts("spare")) == 1`
	}
	plain, asking := digest(), digest(asks)
	if plain != digest() || len(plain) != 64 || strings.Trim(plain, "0123456789abcdef") != "" {
		t.Fatalf("the digest %q isn't one of the plan alone", plain)
	}
	for _, m := range slices.Concat(bookMutations(), itemMutations(), inventoryMutations()) {
		was := plain
		if strings.Contains(m.field, "that an expression asks for") {
			was = asking
		}
		if got := digest(m.do); (got != was) != m.changes {
			t.Errorf("%s: the digest changed: %v, want %v", m.field, got != was, m.changes)
		}
	}
}

// A field that is added to the model has to be placed above.
func TestDigestMutationsAreComplete(t *testing.T) {
	t.Parallel()
	placed := map[string]bool{}
	for _, m := range slices.Concat(bookMutations(), itemMutations()) {
		placed[m.field] = true
	}
	for _, v := range []any{
		runbook.Runbook{},
		runbook.Param{},
		runbook.Group{},
		runbook.Section{},
		runbook.Step{},
		runbook.Fence{},
		runbook.Each{},
		runbook.Part{},
		runbook.Question{},
		runbook.Connection{},
		runbook.Language{},
	} {
		typ := reflect.TypeOf(v)
		for f := range typ.Fields() {
			if name := fmt.Sprintf("%s.%s", typ.Name(), f.Name); !placed[name] {
				t.Errorf("no mutation of %s: does it belong into the digest?", name)
			}
		}
	}
	for of, v := range map[string]any{"Fence.Poll.": runbook.Poll{}, "Step.Rollback.": runbook.Rollback{}} {
		for f := range reflect.TypeOf(v).Fields() {
			if !placed[of+f.Name] && of+f.Name != "Fence.Poll.Hold" { // Fence.Poll is that
				t.Errorf("no mutation of %s%s", of, f.Name)
			}
		}
	}
}

// Values are told apart from what they are written in.
func TestDigestOfValues(t *testing.T) {
	t.Parallel()
	b := book(t)
	digests := map[string]string{}
	for _, given := range []map[string]string{
		{"to_version": "1"}, {"to_version": "11"}, {"to_version": "1", "mode": "fast"}, {"to_version": "1.1", "mode": "fast"},
	} {
		p, ds := plan.New(b, values(t, b, given), hosts())
		if p == nil {
			t.Fatal(ds)
		}
		if other, ok := digests[p.Digest]; ok {
			t.Errorf("%v and %s have one digest", given, other)
		}
		digests[p.Digest] = fmt.Sprint(given)
	}
}
