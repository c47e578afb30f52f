package runbook_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/plan"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"## A{  on=\"b\"   .required #a }":                                  "## A {#a .required on=b}",
		"## A {#a cwd=\"{{home}}\" each=g}  ":                               "## A {#a each=g cwd=\"{{home}}\"}  ",
		"## A   {#a} ##":                                                    "## A {#a} ##",
		"A {when='x' #a}\n====":                                             "",
		"A  {#a}\n====":                                                     "A {#a}\n====",
		"- [ ] B  {confirm=\"a \\\"b\\\" \\\\ c\" #b}":                      "- [ ] B {#b confirm=\"a \\\"b\\\" \\\\ c\"}",
		"1. [x] B{#b}\n\n   - [ ] C {timeout=1s on=\"c\"}":                  "1. [x] B {#b}\n\n   - [ ] C {on=c timeout=1s}",
		"```sh{.check}\nx\n```":                                             "```sh {.check}\nx\n```",
		"``` sh   { .rollback .check on=a}\nx\n```":                         "```sh {.check.rollback on=a}\nx\n```",
		"~~~  {.required .sh}\nx\n~~~":                                      "~~~sh {.required}\nx\n~~~",
		"```{.sh}\nx\n```":                                                  "```sh\nx\n```",
		"````  sh\nx\n````":                                                 "````sh\nx\n````",
		"- [ ] B\n\n  ```sql {timeout=1s  db=a .check}\n  x":                "- [ ] B\n\n  ```sql {.check db=a timeout=1s}\n  x",
		"> ```sh{.ignore}\n> x\n> ```":                                      "> ```sh {.ignore}\n> x\n> ```",
		"```js {1,3}\nx\n```":                                               "```js {1,3}\nx\n```",
		"```{.haskell .numberLines}\nx\n```":                                "```{.haskell .numberLines}\nx\n```",
		"``` text\n{#a  .b}\n```":                                           "``` text\n{#a  .b}\n```",
		"A line  {{#a  .b}} of prose {#a  .b}":                              "A line  {{#a  .b}} of prose {#a  .b}",
		"> - [ ] B  {#a}":                                                   "> - [ ] B  {#a}",
		"## A {with.b=1 env.Z=\"2\" env.A=3 unknown=4 on=x}":                "## A {on=x env.Z=2 env.A=3 with.b=1 unknown=4}",
		"\xef\xbb\xbf## A  {#a}\r\n\r\n## B  {#b}\r\n":                      "\xef\xbb\xbf## A {#a}\r\n\r\n## B {#b}\r\n",
		"+++\n[languages.mine]\nrun = \"x\"\n+++\n```mine  {.check}\n\n```": "+++\n[languages.mine]\nrun = \"x\"\n+++\n```mine {.check}\n\n```",
	} {
		got, err := runbook.Format("a.md", []byte(from))
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%q:\n got %q, %v\nwant %q", from, got, err, want)
		}
		again, err := runbook.Format("a.md", got)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%q formatted again: %q, %v", got, again, err)
		}
	}
}

func TestFormatNamesWhatCantBeRead(t *testing.T) {
	t.Parallel()
	_, err := runbook.Format("a.md", []byte("# A {#a\n\n```sh {.check} x\ny\n```\n"))
	want := "a.md:1:5: error: the attribute group is not closed on its line [attributes]\n" +
		"    write {#id .class name=value name=\"two words\"}\n" +
		"a.md:3:15: error: unexpected \"x\" behind the attributes [attributes]\n" +
		"    put everything into one pair of braces"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// meaning is the model without its places, and what Parse finds, likewise.
func meaning(src []byte) string {
	r, ds := runbook.Parse("a.md", src, nil)
	var lines []string
	for _, d := range ds {
		lines = append(lines, d.Rule+" "+d.Text)
	}
	slices.Sort(lines)
	var b strings.Builder
	b.WriteString(strings.Join(lines, "\n"))
	if r != nil {
		spell(&b, reflect.ValueOf(*r), "runbook")
	}
	return b.String()
}

// spell writes every exported field below v that isn't a place, and of compiled
// expressions their text.
func spell(b *strings.Builder, v reflect.Value, name string) {
	if v.CanInterface() {
		switch x := v.Interface().(type) {
		case runbook.Pos, []runbook.Pos, []runbook.Source:
			return
		case interface{ Source() string }:
			if !v.IsNil() {
				fmt.Fprintf(b, "%s=%q\n", name, x.Source())
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			spell(b, v.Elem(), name)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spell(b, v.Field(i), name+"."+v.Type().Field(i).Name)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			spell(b, v.Index(i), fmt.Sprintf("%s[%d]", name, i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			spell(b, v.MapIndex(k), name+"["+k.String()+"]")
		}
	default:
		value := fmt.Sprint(v)
		if strings.HasSuffix(name, ".Prose") { // it may hold fences that aren't run, which are formatted too
			value = untouched([]byte(value))
		}
		fmt.Fprintf(b, "%s=%s\n", name, value)
	}
}

// formatted checks the properties of Format on one text.
func formatted(t *testing.T, src []byte) {
	t.Helper()
	got, err := runbook.Format("a.md", src)
	if err != nil {
		if r, _ := runbook.Parse("a.md", src, nil); r != nil {
			t.Fatalf("a text that is a runbook can't be formatted: %v\n%q", err, src)
		}
		return
	}
	again, err := runbook.Format("a.md", got)
	if err != nil || !bytes.Equal(again, got) {
		t.Fatalf("formatted again it differs (%v):\n%q\n%q\n%q", err, src, got, again)
	}
	if before, after := meaning(src), meaning(got); before != after {
		t.Fatalf("the meaning differs:\n%s", firstDifference(before, after))
	}
	if untouched(src) != untouched(got) {
		t.Fatalf("more than groups and fences differs:\n%s", firstDifference(untouched(src), untouched(got)))
	}
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(left), len(right)) {
		if left[i] != right[i] {
			return fmt.Sprintf("before %q\nafter  %q", left[i], right[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(left), len(right))
}

var (
	groups = regexp.MustCompile(`[ \t]*\{[^\n]*\}`)
	infos  = regexp.MustCompile("(?m)^([ \\t>*+0-9.)-]*)(```+|~~~+)[^\n]*$")
)

// untouched is a text without what Format may change.
func untouched(src []byte) string {
	return groups.ReplaceAllString(infos.ReplaceAllString(string(src), "$1$2"), "")
}

// formattable are all runbooks and documents among the test data.
func formattable(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, dir := range []string{"testdata", "testdata/long", "corpus", "../runbooks"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out[file] = src
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d documents were found", len(out))
	}
	return out
}

func TestFormatKeepsTheMeaning(t *testing.T) {
	t.Parallel()
	for file, src := range formattable(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			formatted(t, src)
			formatted(t, bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n")))
		})
	}
}

// TestFormatKeepsTheDigest: a plan of what was formatted is the same plan.
func TestFormatKeepsTheDigest(t *testing.T) {
	t.Parallel()
	digest := func(src []byte) string {
		book, _ := runbook.Parse("a.md", src, nil)
		if book == nil {
			return ""
		}
		given := map[string]string{}
		for _, p := range book.Params {
			if p.Pattern == "" && len(p.Choices) == 0 && p.Type == runbook.TypeString {
				given[p.Name] = "x"
			}
		}
		values, missing, errs := plan.Bind(book, given)
		if len(missing)+len(errs) > 0 {
			return ""
		}
		p, _ := plan.New(book, values, nil)
		if p == nil {
			return ""
		}
		return p.Digest
	}
	compared := 0
	for file, src := range formattable(t) {
		src = bytes.ReplaceAll(bytes.ReplaceAll(src, []byte(" {"), []byte("  {  ")), []byte("sh {"), []byte("sh{"))
		got, err := runbook.Format(file, src)
		if err != nil {
			continue
		}
		before := digest(src)
		if before != "" {
			compared++
		}
		if after := digest(got); after != before {
			t.Errorf("%s: the digest changes from %q to %q", file, before, after)
		}
	}
	if compared < 3 {
		t.Errorf("only %d documents could be planned", compared)
	}
}

func FuzzFormat(f *testing.F) {
	for _, src := range formattable(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) { formatted(t, src) })
}
