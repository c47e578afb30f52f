package lint

import (
	"fmt"
	"strings"
)

// Page is the page of rules in the documentation, Markdown.
func Page() string {
	var b strings.Builder
	b.WriteString(`# What the linter says

Made from the rules by ` + "`go test ./runbook/lint -update`" + `.

` + "`stepgate lint RUNBOOK…`" + ` reads a runbook, judges what it would do, and prints each finding
as ` + "`file:line:column: severity: what was found [rule]`" + ` with a remedy below it. **Errors**
stop a run (exit 12), **warnings** don't, a **notice** is for information. A plain document,
without ` + "`+++`" + ` front matter, has warnings where a runbook has errors that may be innocent
there. With ` + "`-i INVENTORY`" + ` the linter also says what the inventory lacks. ` + "`--json`" + `,
` + "`--format github`" + ` and ` + "`--format sarif`" + ` (2.1.0) are for other tools.

Rollback commands are read, and not judged. A finding in JSON has ` + "`pos`" + ` (` + "`file`" + `, ` + "`line`" + ` and ` + "`col`" + `,
which counts bytes from 1), ` + "`severity`, `rule`, `text` and `remedy`" + `; more may be added.

| rule | severity | what is wrong |
|---|---|---|
`)
	for _, r := range Rules {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", r.ID, r.ID, r.Severity, strings.ReplaceAll(r.Summary, "|", `\|`))
	}
	for _, r := range Rules {
		fmt.Fprintf(&b, "\n## %s\n\n**%s** (%s). %s\n\n%s\n", r.ID, r.Summary, r.Severity, r.Why, r.Remedy)
		example(&b, "This breaks it:", r.Bad)
		example(&b, "This keeps it:", r.Good)
		if r.Stock != "" {
			fmt.Fprintf(&b, "\nBoth with this inventory:\n\n```toml\n%s```\n", r.Stock)
		}
	}
	return b.String()
}

// example shows a runbook, unless it is one of those that break a limit.
func example(b *strings.Builder, lead, src string) {
	if len(src) > 2000 || strings.Contains(src, deep) || strings.ToValidUTF8(src, "") != src {
		fmt.Fprintf(b, "\n%s a runbook that can't well be shown on a page.\n", lead)
		return
	}
	src = strings.ReplaceAll(src, "\u200b", "⟨U+200B⟩")
	fmt.Fprintf(b, "\n%s\n\n````markdown\n%s````\n", lead, src)
}
