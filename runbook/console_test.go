package runbook_test

import (
	"strings"
	"testing"

	"stepgate/runbook"
)

// TestConsole: what of a session is a command, and when somebody is asked first.
func TestConsole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ session, body, judged string }{
		"output":          {"$ a\nout\n$ b\nout\n", "a\nb\n", ""},
		"root":            {"# a\n# b\nout\n", "a\nb\n", ""},
		"output with #":   {"$ a\n# Replication\nrole:master\n", "a\n", ""},
		"comment ahead":   {"# first this\n$ a\nout\n", "a\n", "lines of its session begin with $ and with #, which may be a prompt or a comment"},
		"backslash":       {"$ a \\\n> b\n> c\n", "a \\\nb\n", ""},
		"backslash plain": {"$ a \\\n    b\nout\n", "a \\\n    b\n", ""},
		"loop":            {"$ for i in 1 2\n> do\n>   a $i\n> done\n> out\n", "for i in 1 2\ndo\n  a $i\ndone\n", ""},
		"here":            {"$ cat <<X\n> text\n> X\ntext\n", "cat <<X\ntext\nX\n", ""},
		"quote":           {"$ a 'b\n> c'\n> d\n", "a 'b\nc'\n", ""},
		"finished":        {"$ diff a b\n> only in b\n", "diff a b\n", ""},
		"no end":          {"$ a '\n" + strings.Repeat("> x\n", 300), "a '\n" + strings.Repeat("x\n", 200), "it can't be read as shell: reached EOF without closing quote `'`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, ds := runbook.Parse("plain.md", []byte("# A\n\n```console\n"+c.session+"```\n"), nil)
			if r == nil {
				t.Fatal(ds)
			}
			st := r.Root.Items[0].(*runbook.Section).Items[0].(*runbook.Step)
			if st.Command.Body != c.body || st.Judged != c.judged {
				t.Errorf("runs %q, judged %q; want %q, %q", st.Command.Body, st.Judged, c.body, c.judged)
			}
		})
	}
}

// TestQuotedCommand: in a plain document a quotation may be a note to be followed
// or something somebody said, so that each of its commands is asked about.
func TestQuotedCommand(t *testing.T) {
	t.Parallel()
	src := "# A\n\n> Note:\n>\n> ```sh\n> uptime\n> cat <<X\n> > y\n> X\n> ```\n>\n> - b\n>\n>   ```sh\n>   date\n>   ```\n>\n> ```text\n> out\n> ```\n"
	r, ds := runbook.Parse("plain.md", []byte(src), nil)
	if r == nil || len(ds) > 0 {
		t.Fatal(ds)
	}
	items := r.Root.Items[0].(*runbook.Section).Items
	if len(items) != 2 {
		t.Fatalf("%d steps", len(items))
	}
	for i, body := range []string{"uptime\ncat <<X\n> y\nX\n", "date\n"} {
		st := items[i].(*runbook.Step)
		if st.Command.Body != body || st.Judged != "it stands in a quotation, which may only tell of it" {
			t.Errorf("step %d runs %q, judged %q", i+1, st.Command.Body, st.Judged)
		}
	}
	_, ds = runbook.Parse("a.md", []byte("+++\n+++\n"+src), nil)
	if len(ds) != 2 || ds[0].Rule != "quoted" || ds[0].Severity != runbook.Error || ds[0].Pos.Line != 7 || ds[1].Pos.Line != 16 {
		t.Errorf("with front matter: %v", ds)
	}
}
