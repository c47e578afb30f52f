package runbook_test

import (
	"fmt"
	"strings"
	"testing"

	"stepgate/runbook"
)

func counting(n int, form string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

// TestLimits: what is too large, too deep or not to be seen is refused with its
// place and a remedy.
func TestLimits(t *testing.T) {
	t.Parallel()
	const matter = "+++\ntitle = \"x\"\n+++\n"
	for name, c := range map[string]struct{ src, want string }{
		"bytes":         {strings.Repeat("a\n", runbook.MaxSource/2) + "a", "f.md:1:1: error: the file has 5242881 bytes, more than 5242880 [too-large]\n    split the runbook"},
		"lines":         {strings.Repeat("\n", runbook.MaxLines), "f.md:200001:1: error: the file has 200001 lines, more than 200000 [too-large]\n    split the runbook"},
		"quotes":        {"# A\n\n" + strings.Repeat("> ", 33) + "a\n", "f.md:3:65: error: more than 32 lists and quotes stand in each other [nesting]\n    use headings"},
		"lists":         {strings.Repeat("- ", 33) + "a\n", "f.md:1:65: error: more than 32 lists and quotes stand in each other [nesting]\n    use headings"},
		"numbered":      {strings.Repeat("1. ", 33) + "a\n", "f.md:1:97: error: more than 32 lists and quotes stand in each other [nesting]\n    use headings"},
		"indented":      {indented(40), "f.md:33:65: error: more than 32 lists and quotes stand in each other [nesting]\n    use headings"},
		"steps":         {strings.Repeat("- [ ] a\n", runbook.MaxSteps+1), "f.md:5001:1: error: the runbook has more than 5000 steps [too-large]\n    split the runbook"},
		"fences":        {strings.Repeat("```sh {.check}\na\n```\n", 20_001), "f.md:60001:1: error: the runbook has more than 20000 fences for running [too-large]\n    split the runbook"},
		"captures":      {matter + counting(1001, "- [ ] s%[1]d\n\n  ```sh {.check}\n  a\n  ```\n  ```capture\n  v%[1]d = stdout\n  ```\n"), "f.md:8010:3: error: the runbook has more than 1000 names [too-large]\n    split the runbook"},
		"parameters":    {"+++\n" + counting(1001, "[params.v%d]\n") + "+++\n", "f.md:1002:2: error: the runbook has more than 1000 names [too-large]\n    split the runbook"},
		"NUL":           {"# A\n\nb\x00\n", "f.md:3:2: error: the file holds a NUL byte [encoding]\n    save it as UTF-8 text"},
		"UTF-8":         {"# A\n\nb\xff\n", "f.md:3:2: error: the file is not UTF-8 here [encoding]\n    save it as UTF-8 text"},
		"command bidi":  {"# A\n\n```sh\nrm \u202efdp.x\n```\n", "f.md:4:4: error: invisible character ⟨U+202E⟩ in what would run [invisible]\n    remove it"},
		"command zero":  {"# A\n\n```sh\nls a\u200bb\n```\n", "f.md:4:5: error: invisible character ⟨U+200B⟩ in what would run [invisible]\n    remove it"},
		"command CR":    {"# A\n\n```sh\nls a\rrm b\n```\n", "f.md:4:5: error: invisible character ␍ in what would run [invisible]\n    remove it"},
		"command tag":   {"# A\n\n```sh\nls \U000e0041\n```\n", "f.md:4:4: error: invisible character ⟨U+E0041⟩ in what would run [invisible]\n    remove it"},
		"title bidi":    {"# A \u2066b\n", "f.md:1:5: warning: the text holds characters that change its direction [invisible]\n    remove them"},
		"prose bidi":    {"# A\n\nthe \u202b text\n", "f.md:3:5: warning: the text holds characters that change its direction [invisible]\n    remove them"},
		"attributes":    {matter + "# A {" + strings.Repeat("a=1 ", 101) + "}\n", "f.md:4:406: error: the attribute group holds more than 100 words [attributes]\n    write {#id .class name=value name=\"two words\"}"},
		"braces":        {matter + "# A {#a" + strings.Repeat(" {#a", 50_000) + "\n", "f.md:4:9: error: an attribute can't begin with `{#a` [attributes]\n    write {#id .class name=value name=\"two words\"}"},
		"matter lists":  {"+++\na = " + strings.Repeat("[", 1_000_000) + "\n+++\n", "f.md:2:37: error: the front matter is not TOML: more than 32 lists and tables stand in each other [front-matter]\n    see the TOML line named here"},
		"matter tables": {"+++\n[" + strings.Repeat("a.", 100_000) + "a]\n+++\n", "f.md:2:65: error: the front matter is not TOML: a key has more than 32 parts [front-matter]\n    see the TOML line named here"},
		"mistakes":      {matter + strings.Repeat("# A {bacth=1}\n", 50_000), "f.md:4:6: error: unknown attribute \"bacth\" [unknown-attribute]\n    did you mean batch?\n… 1001 in all, the last: f.md:1003:6: error: more than 1000 errors; the rest was not read [too-large]\n    correct the first ones and look again"},
		"carried":       {counting(2000, "```sh\nexport V%d=1\n```\n"), "f.md:1780:1: error: too much is carried over by cd and export [carried-over]\n    begin a new level-1 heading, or write +++ front matter"},
		"shell deep":    {"```sh\n" + strings.Repeat("$(", 100_000) + "\n```\n", "nothing"},
		"expression":    {matter + "```expect\n" + strings.Repeat("(", 100_000) + "\n```\n", "f.md:5:1: error: the fence holds more than 64 KiB [expression]\n    split it over several checks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, ds := runbook.Parse("f.md", []byte(c.src), nil)
			got := "nothing"
			if len(ds) > 0 {
				got = ds[0].String()
			}
			if len(ds) > 1 {
				got += fmt.Sprintf("\n… %d in all, the last: %s", len(ds), ds[len(ds)-1])
			}
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
