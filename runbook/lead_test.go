package runbook_test

import (
	"strings"
	"testing"

	"stepgate/runbook"
)

// A table before a command says nothing of what the command does; a sentence
// with a bar or a dash in it does.
func TestTableIsNoTitle(t *testing.T) {
	t.Parallel()
	src := "# 维护\n\n## Space\n\nLook at disks:\n\n```sh\ndf\n```\n\n| 主机 | 角色 |\n|------|:----:|\n| 一号 | 主库 |\n\n```sh\nuptime\n```\n\nTake a | b - or c:\n\n```sh\ndate\n```\n"
	book, diags := runbook.Parse("plain.md", []byte(src), nil)
	if runbook.Failed(diags) {
		t.Fatal(diags)
	}
	got := dump(book)
	if strings.Contains(got, "step \"Space: |") || strings.Contains(got, "主机 | 角色 | |") {
		t.Errorf("a table became a title:\n%s", got)
	}
	for _, want := range []string{"Space: Look at disks", "Space (2)", "Space: Take a | b - or c"} {
		if !strings.Contains(got, want) {
			t.Errorf("no step is called %q:\n%s", want, got)
		}
	}
}
