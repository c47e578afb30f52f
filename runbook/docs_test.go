package runbook

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

func referenceText(t *testing.T) string { return docText(t, "language.md") }

func docText(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// TestReferenceExamples parses every example of the language's reference, and of the
// pages about monitors and about writing runbooks. Those with a name are parts that others include.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	src := referenceText(t) + "\n" + docText(t, "monitors.md") + "\n" + docText(t, "writing-runbooks.md")
	examples := regexp.MustCompile("(?ms)^````markdown([^\n]*)\n(.*?)^````$").FindAllStringSubmatch(src, -1)
	if len(examples) < 15 {
		t.Fatalf("only %d examples were found", len(examples))
	}
	parts := map[string]string{}
	for _, example := range examples {
		if name := strings.TrimSpace(example[1]); name != "" {
			parts[name] = example[2]
		}
	}
	included := 0
	open := func(name string) ([]byte, error) {
		src, ok := parts[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		included++
		return []byte(src), nil
	}
	for _, example := range examples {
		if example[1] != "" {
			continue
		}
		if r, ds := Parse("example.md", []byte(example[2]), open); r == nil || len(ds) > 0 {
			t.Errorf("%s\n%v", example[2], ds)
		}
	}
	if len(parts) == 0 || included < len(parts) {
		t.Errorf("%d parts, %d were included", len(parts), included)
	}
}

// TestReferenceWords holds the tables of words against the vocabulary.
func TestReferenceWords(t *testing.T) {
	t.Parallel()
	src := referenceText(t)
	row := func(shown string) {
		t.Helper()
		if !regexp.MustCompile("(?m)^\\|[^|]*[` ]" + regexp.QuoteMeta(shown)).MatchString(src) {
			t.Errorf("%s has no row in any table", shown)
		}
	}
	for name := range classes {
		row("." + name + "`")
	}
	for name := range attributes {
		row(name + "=")
	}
	for prefix := range attributePrefixes {
		row(prefix + "NAME=")
	}
	for name := range forms {
		row("`" + name)
	}
	for interpreter := range languages {
		if !strings.Contains(src, "`"+interpreter+"`") {
			t.Errorf("the interpreter %s isn't named", interpreter)
		}
	}
	for name := range paramTypes {
		if !strings.Contains(src, string(name)) {
			t.Errorf("the type %s isn't named", name)
		}
	}
	for _, key := range defaultKeys {
		if !regexp.MustCompile("(?m)^\\| `\\[defaults\\]`.*`" + key + "`").MatchString(src) {
			t.Errorf("[defaults] doesn't name %s", key)
		}
	}
}
