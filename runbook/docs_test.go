package runbook

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"stepgate/checks"
)

func reference(t *testing.T) string {
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
	examples := regexp.MustCompile("(?ms)^````markdown\n(.*?)^````$").FindAllStringSubmatch(reference(t), -1)
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
	src := reference(t)
	supported, later, found := strings.Cut(src, "\n## Not yet\n")
	if !found {
		t.Fatal("the reference has no section Not yet")
	}
	// partly words are supported in one form and refused in another.
	partly := map[string]bool{"each=": true, "batch=": true}
	check := func(shown string, w word) {
		t.Helper()
		where, other := supported, later
		if w.later != "" {
			where, other = later, supported
		}
		row := regexp.MustCompile("(?m)^\\|[^|]*[` ]" + regexp.QuoteMeta(shown))
		if !row.MatchString(where) {
			t.Errorf("%s has no row where it belongs", shown)
		}
		if row.MatchString(other) && !partly[shown] {
			t.Errorf("%s has a row where it doesn't belong", shown)
		}
	}
	for name, w := range classes {
		check("."+name+"`", w)
	}
	for name, w := range attributes {
		check(name+"=", w)
	}
	for prefix := range attributePrefixes {
		check(prefix+"NAME=", word{later: "later"})
	}
	for name := range laterLanguages {
		check("```"+name, word{later: "later"})
	}
	for interpreter := range languages {
		if !strings.Contains(supported, "`"+interpreter+"`") {
			t.Errorf("the interpreter %s isn't named", interpreter)
		}
	}
	for name := range paramTypes {
		if !strings.Contains(supported, string(name)) {
			t.Errorf("the type %s isn't named", name)
		}
	}
}

// TestNamesOfLaterFeatures: what expressions can't use yet is refused as such.
func TestNamesOfLaterFeatures(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rows", "status", "headers", "body"} {
		if _, problems := checks.CompileExpect(name+" == nil", checks.Names{}, checks.OfScript); len(problems) == 0 || !strings.HasPrefix(problems[0].Text, "not yet") {
			t.Errorf("%s: %v", name, problems)
		}
	}
}
