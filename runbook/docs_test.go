package runbook

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func referenceText(t *testing.T) string {
	t.Helper()
	src, err := os.ReadFile("../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// TestReferenceExamples parses every example of the language's reference.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	examples := regexp.MustCompile("(?ms)^````markdown\n(.*?)^````$").FindAllStringSubmatch(referenceText(t), -1)
	if len(examples) < 7 {
		t.Fatalf("only %d examples were found", len(examples))
	}
	for _, example := range examples {
		if r, ds := Parse("example.md", []byte(example[1]), nil); r == nil || len(ds) > 0 {
			t.Errorf("%s\n%v", example[1], ds)
		}
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
