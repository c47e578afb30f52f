package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"stepgate/lab"
	"stepgate/runbook"
	"stepgate/runbooks"
)

const shippedIntro = `# Shipped runbooks

Written by ` + "`go test ./cmd/stepgate -run TestRunbooksAreDocumented -update`" + ` from the runbooks, which are inside the program.

Each can be rehearsed on a simulated cluster on this machine, nothing to set up: ` + "`stepgate demo SCENE`" + `. What can go wrong there is
switched on by ` + "`--fault HOST:WHAT=HOW`" + ` from the beginning, or by ` + "`stepgate lab fault RUN HOST:WHAT=HOW`" + ` while it runs. See
[rehearsing.md](rehearsing.md).

For real hosts: ` + "`stepgate run NAME -i inventory.toml`" + `; what isn't given is asked for. NAME` + "`.zh`" + ` is the Chinese edition: it runs the
same, and ` + "`stepgate plan`" + ` prints the same digest for both.
`

// docs/runbooks.md is what the shipped runbooks say of themselves.
func TestRunbooksAreDocumented(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString(shippedIntro)
	for _, name := range shippedNames() {
		if strings.HasSuffix(name, chinese) {
			continue
		}
		src, err := fs.ReadFile(runbooks.FS, name+".md")
		if err != nil {
			t.Fatal(err)
		}
		book, diags := runbook.Parse(name+".md", src, openShipped)
		if runbook.Failed(diags) {
			t.Fatal(diags)
		}
		shippedBook(&b, name, book)
	}
	const file = "../../docs/runbooks.md"
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Errorf("%s is stale; write it with: go test ./cmd/stepgate -run TestRunbooksAreDocumented -update", file)
	}
}

func shippedBook(b *bytes.Buffer, name string, book *runbook.Runbook) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n%s\n", name, book.Title, book.Summary)
	b.WriteString("\n| hosts | variables of each | |\n|---|---|---|\n")
	for _, g := range book.Groups {
		vars := ""
		if len(g.Vars) > 0 {
			vars = "`" + strings.Join(g.Vars, "` `") + "`"
		}
		fmt.Fprintf(b, "| `%s`, %s | %s | %s |\n", g.Name, howMany(g), vars, tableCell(g.Help))
	}
	b.WriteString("\n| value | | |\n|---|---|---|\n")
	for _, p := range book.Params {
		more := []string{}
		switch {
		case p.Secret:
			more = append(more, "secret")
		case p.HasDef && p.Default != "":
			more = append(more, "default `"+p.Default+"`")
		case !p.Required:
			more = append(more, "may be empty")
		}
		if len(p.Choices) > 0 {
			more = append(more, "one of `"+strings.Join(p.Choices, "` `")+"`")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", p.Name, tableCell(strings.TrimSpace(p.Prompt+". "+p.Help)), tableCell(strings.Join(more, ", ")))
	}
	for _, sc := range lab.Scenes() {
		if sc.Runbook != name {
			continue
		}
		fmt.Fprintf(b, "\nScene `%s`: %s. What can go wrong in it:\n\n| fault | on | |\n|---|---|---|\n", sc.Name, sc.Title)
		for _, f := range lab.SceneFaults(sc) {
			fmt.Fprintf(b, "| `%s=%s` | %s | %s |\n", f.What, f.Value, strings.Join(f.On, ", "), tableCell(f.Means))
		}
	}
}

func howMany(g runbook.Group) string {
	switch {
	case g.Max == 0:
		return fmt.Sprintf("at least %d", g.Min)
	case g.Min == g.Max:
		return fmt.Sprint(g.Min)
	}
	return fmt.Sprintf("%d to %d", g.Min, g.Max)
}

// tableCell is text for a cell of a Markdown table.
func tableCell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(strings.TrimSpace(s))
}
