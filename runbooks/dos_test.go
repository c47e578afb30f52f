package runbooks_test

import (
	"io/fs"
	"strings"
	"testing"

	"stepgate/lab/dolphindb/script"
	"stepgate/runbook"
	"stepgate/runbooks"
)

// TestScripts: the simulated cluster understands every DolphinDB script of the
// shipped runbooks. A function or a variable that isn't there would stop the real
// one, too, and nobody would see it before that step.
func TestScripts(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(runbooks.FS, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, name := range names {
		for _, f := range scripts(shippedBook(t, name).Root) {
			read++
			if err := script.Check(filled(f.Body)); err != nil {
				t.Errorf("%s:%d: %v\n%s", f.Pos.File, f.Pos.Line, err, f.Body)
			}
		}
	}
	if read == 0 {
		t.Error("no runbook has a DolphinDB script")
	}
}

// scripts are the fences below a section whose language is DolphinDB's.
func scripts(s *runbook.Section) (out []*runbook.Fence) {
	for _, item := range s.Items {
		var fences []*runbook.Fence
		switch item := item.(type) {
		case *runbook.Section:
			out = append(out, scripts(item)...)
			continue
		case *runbook.Step:
			fences = append(fences, item.Done...)
			fences = append(fences, item.Before...)
			fences = append(fences, item.After...)
			fences = append(fences, item.Monitors...)
			fences = append(fences, item.Command)
			if r := item.Rollback; r != nil {
				fences = append(append(append(fences, r.Before...), r.After...), r.Command)
			}
		}
		for _, f := range fences {
			if f != nil && f.Language != nil && f.Language.Name == "dos" {
				out = append(out, f)
			}
		}
	}
	return out
}

// filled puts a literal in the place of each value, or its text where the author
// has quoted it.
func filled(body string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(body); i++ {
		c := body[i]
		if n := strings.Index(body[i:], "}}"); n > 0 && strings.HasPrefix(body[i:], "{{") {
			if quote == 0 {
				b.WriteString(`"x"`)
			} else {
				b.WriteString("x")
			}
			i += n + 1
			continue
		}
		switch {
		case c == '\\' && quote != 0 && i+1 < len(body):
			b.WriteByte(c)
			i++
			c = body[i]
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == quote:
			quote = 0
		}
		b.WriteByte(c)
	}
	return b.String()
}

func TestFilledKeepsTheRest(t *testing.T) {
	t.Parallel()
	const body = `login({{user}}, {{ password }}); print("a {{b}} \" {{c}}"); getConfig{` + "`x}"
	const want = `login("x", "x"); print("a x \" x"); getConfig{` + "`x}"
	if got := filled(body); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
