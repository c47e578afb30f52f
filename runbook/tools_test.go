package runbook_test

import (
	"strings"
	"testing"

	"stepgate/runbook"
)

func TestToolsAreReadWithTheirPlaces(t *testing.T) {
	t.Parallel()
	book, diags := runbook.Parse("tools.md", []byte(`+++
[groups.db]
[tools.kubectl]
min = "1.28"
version = "kubectl version --client"
help = "ask Li"
[tools.jq]
on = "local"
[tools.mysqldump]
on = "db"
min = 8
+++
- [ ] Look
`), nil)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	var got []runbook.Tool
	for _, tool := range book.Tools {
		got = append(got, *tool)
	}
	want := []runbook.Tool{
		{Pos: runbook.Pos{File: "tools.md", Line: 3, Col: 2}, Name: "kubectl", Min: "1.28", Version: "kubectl version --client", Help: "ask Li"},
		{Pos: runbook.Pos{File: "tools.md", Line: 7, Col: 2}, Name: "jq"},
		{Pos: runbook.Pos{File: "tools.md", Line: 9, Col: 2}, Name: "mysqldump", On: "db", Min: "8"},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
}

func TestWhatIsWrongWithAToolIsSaidAtItsPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ matter, want string }{
		{"[tools.jq]\nmni = \"1.6\"", "tools.md:4:1: error: [tools.jq] has no key \"mni\""},
		{"[tools.jq]\nmni = \"1.6\"", "did you mean min?"},
		{"[tools.jq]\nmin = \"new\"", "tools.md:4:1: error: min is \"new\", which is no version"},
		{"[tools.\"j q\"]", "a tool can't be called \"j q\""},
		{"[tools.jq]\non = \"dbs\"", "tools.md:4:1: error: the front matter has no group \"dbs\" [unknown-group]\n    did you mean db?"},
		{"[tools.jq]\non = \"-x\"", "on names \"-x\", which is no group or host"},
		{"[tools.jq]\non = \"db-1\"", ""}, // a host of the inventory, for all that is known here
	} {
		_, diags := runbook.Parse("tools.md", []byte("+++\n[groups.db]\n"+tt.matter+"\n+++\n- [ ] Look\n"), nil)
		var said []string
		for _, d := range diags {
			said = append(said, d.String())
		}
		if got := strings.Join(said, "\n"); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.matter, got, tt.want)
		}
	}
}

func TestAPartAndItsIncluderMayNameOneTool(t *testing.T) {
	t.Parallel()
	read := func(min string) []runbook.Diagnostic {
		_, diags := runbook.Parse("main.md", []byte("+++\n[tools.jq]\nmin = \"1.6\"\n+++\n- [ ] [Look](part.md) {.include}\n"), func(string) ([]byte, error) {
			return []byte("+++\n[tools.jq]\nmin = \"" + min + "\"\nhelp = \"apt install jq\"\n+++\n- [ ] Look\n"), nil
		})
		return diags
	}
	if diags := read("1.6"); len(diags) > 0 {
		t.Error(diags)
	}
	if diags := read("1.7"); len(diags) != 1 || diags[0].Rule != "conflict" || !strings.Contains(diags[0].Text, "the tool jq") {
		t.Error(diags)
	}
}
