package runbooks_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stepgate/lab"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/lint"
	"stepgate/runbook/plan"
	"stepgate/runbooks"
)

// sceneOf is the simulated cluster that a shipped runbook is planned against: that
// which rehearses it.
func sceneOf(t *testing.T, name string) string {
	t.Helper()
	book := strings.TrimSuffix(strings.TrimSuffix(name, ".md"), ".zh")
	for _, s := range lab.Scenes() {
		if s.Runbook == book {
			return s.Name
		}
	}
	t.Fatalf("%s has no simulated cluster to be planned against", name)
	return ""
}

// TestScenes: each simulated cluster rehearses a runbook that is shipped, and so does
// each runbook have one (TestShipped).
func TestScenes(t *testing.T) {
	t.Parallel()
	for _, s := range lab.Scenes() {
		if _, err := fs.Stat(runbooks.FS, s.Runbook+".md"); err != nil {
			t.Errorf("scene %q: %v", s.Name, err)
		}
	}
}

// TestEditions: a runbook comes in English and in Chinese, and what runs is the same.
func TestEditions(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(runbooks.FS, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		book, chinese := strings.CutSuffix(strings.TrimSuffix(name, ".md"), ".zh")
		if chinese {
			if _, err := fs.Stat(runbooks.FS, book+".md"); err != nil {
				t.Errorf("%s is an edition of nothing: %v", name, err)
			}
			continue
		}
		t.Run(book, func(t *testing.T) {
			t.Parallel()
			scene := sceneOf(t, name)
			cluster, err := lab.Create(t.TempDir(), scene, lab.Options{})
			if err != nil {
				t.Fatal(err)
			}
			english := planned(t, shippedBook(t, name), cluster)
			other := planned(t, shippedBook(t, book+".zh.md"), cluster)
			if english.Digest == other.Digest {
				return
			}
			for _, d := range plan.Diff(english, other) {
				if d.How != "changed" || !slices.Equal(d.What, []string{"words"}) {
					t.Errorf("the editions differ: %+v", d)
				}
			}
			t.Errorf("the English edition plans %s, the Chinese one %s", english.Digest, other.Digest)
		})
	}
}

func shippedBook(t *testing.T, name string) *runbook.Runbook {
	t.Helper()
	src, err := fs.ReadFile(runbooks.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, name, src)
}

func TestShipped(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(runbooks.FS, "*.md")
	if err != nil || len(names) == 0 {
		t.Fatalf("no runbook is shipped: %v", err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, err := fs.ReadFile(runbooks.FS, name)
			if err != nil {
				t.Fatal(err)
			}
			book := parse(t, name, src)
			for _, d := range append(lint.Book(book), book.Later...) {
				t.Error(d.String())
			}
			described(t, book)
			if missing := withoutID(string(src)); len(missing) > 0 {
				t.Errorf("these have no id of their own:\n%s", strings.Join(missing, "\n"))
			}
			cluster, err := lab.Create(t.TempDir(), sceneOf(t, name), lab.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p := planned(t, book, cluster)
			for _, why := range samePhrases(p) {
				t.Error(why)
			}
			timeouts(t, p)
		})
	}
}

// parse expects no diagnostic at all, not even a notice.
func parse(t *testing.T, name string, src []byte) *runbook.Runbook {
	t.Helper()
	book, diags := runbook.Parse(name, src, func(part string) ([]byte, error) { return fs.ReadFile(runbooks.FS, part) })
	for _, d := range diags {
		t.Error(d.String())
	}
	if book == nil {
		t.FailNow()
	}
	return book
}

// described expects what a person is shown before anything runs.
func described(t *testing.T, book *runbook.Runbook) {
	t.Helper()
	if book.Title == "" || book.Summary == "" || book.Confirm == "" {
		t.Error("the front matter lacks a title, a summary or a confirm")
	}
	for _, p := range book.Params {
		if p.Prompt == "" {
			t.Errorf("parameter %q has no prompt", p.Name)
		}
		if p.Pattern == "" && len(p.Choices) == 0 && p.Name != "cluster" {
			t.Errorf("parameter %q takes any text: give it a pattern or choices", p.Name)
		}
	}
	for _, g := range book.Groups {
		if g.Help == "" {
			t.Errorf("group %q has no help", g.Name)
		}
	}
}

// planned writes the runbook out for a lab that is laid out but not started.
func planned(t *testing.T, book *runbook.Runbook, cluster *lab.Cluster) *plan.Plan {
	t.Helper()
	src, err := os.ReadFile(cluster.Inventory)
	if err != nil {
		t.Fatal(err)
	}
	inv, diags := inventory.Parse(cluster.Inventory, src)
	for _, d := range diags {
		t.Error(d.String())
	}
	values, missing, errs := plan.Bind(book, cluster.Params)
	for _, err := range errs {
		t.Error(err)
	}
	for _, p := range missing {
		t.Errorf("the lab has no value for parameter %q", p.Name)
	}
	p, diags := plan.New(book, values, inv)
	for _, d := range diags {
		t.Error(d.String())
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

// TestReadme plans the README's example, so that it is one.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	book := parse(t, "README.md", []byte(between(t, string(readme), "\n````markdown\n", "\n````\n")))
	inv, diags := inventory.Parse("README.md", []byte(between(t, string(readme), "\n```toml\n", "\n```\n")))
	for _, d := range diags {
		t.Error(d.String())
	}
	values, missing, errs := plan.Bind(book, nil)
	if len(missing) > 0 || len(errs) > 0 {
		t.Fatal(missing, errs)
	}
	p, diags := plan.New(book, values, inv)
	if p == nil {
		t.Fatal(diags)
	}
	for _, why := range samePhrases(p) {
		t.Error(why)
	}
}

func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, before)
	s, _, end := strings.Cut(s, after)
	if !ok || !end {
		t.Fatalf("there is no block between %q and %q", before, after)
	}
	return s + "\n"
}

var (
	marked     = regexp.MustCompile(`^(#+ |- \[[ xX]\] )`)
	explicitID = regexp.MustCompile(`\{#[A-Za-z0-9_-]+[^{}]*(\{\{[^{}]*\}\}[^{}]*)*\}$`)
)

// withoutID lists the headings and tasks of a document that name no id: one
// that is made from the title would differ between editions in two languages.
func withoutID(src string) []string {
	_, body, _ := strings.Cut(strings.TrimPrefix(src, "+++"), "\n+++\n")
	var missing []string
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\n")
		if marked.MatchString(line) && !explicitID.MatchString(line) {
			missing = append(missing, line)
		}
	}
	return missing
}

// samePhrases lists the phrases that open more than one gate of a walk: a
// phrase typed at every host is typed without looking.
func samePhrases(p *plan.Plan) []string {
	var out []string
	first := map[string]string{}
	for _, s := range p.Steps {
		if !s.Gated {
			continue
		}
		if s.Book.Confirm == "" {
			out = append(out, s.ID+" opens with a plain y: name a phrase")
			continue
		}
		for _, c := range s.Cells {
			phrase := p.Text(s.Book.Confirm, s.Scope, nil)
			key := s.Book.ID + "\x00" + phrase
			if other := first[key]; other != "" && s.Scope.Host != "" {
				out = append(out, s.ID+" and "+other+" open with the same phrase "+phrase)
			}
			first[key] = c.Step.ID
		}
	}
	return out
}

// timeouts expects a limit on every command: a tool that never ends has to be
// put before a person.
func timeouts(t *testing.T, p *plan.Plan) {
	t.Helper()
	for _, s := range p.Steps {
		if c := s.Book.Command; c != nil && c.Timeout == 0 {
			t.Errorf("%s: the command has no timeout", s.ID)
		}
		if r := s.Book.Rollback; r != nil && r.Command.Timeout == 0 {
			t.Errorf("%s: the rollback has no timeout", s.ID)
		}
	}
}

func TestWithoutIDFindsThem(t *testing.T) {
	t.Parallel()
	const doc = "+++\ntitle = \"x\"\n+++\n# One {#one}\n## Two\n- [ ] Three {#three when=\"a < 2\"}\n- [ ] Four {each=x}\n- [ ] Five {#five confirm=\"{{host}} now\"}\ntext\n"
	got := strings.Join(withoutID(doc), "|")
	if want := "## Two|- [ ] Four {each=x}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSamePhrasesFindsThem(t *testing.T) {
	t.Parallel()
	const doc = `+++
title = "x"
confirm = "go"
[groups.g]
+++
## Walk {each=g}
- [ ] Same {#same}

  > [!CAUTION]
  > Always the same.
- [ ] Own {#own confirm="{{host}}"}

  > [!CAUTION]
  > One for each host.
- [ ] Plain {#plain}

  > [!CAUTION]
  > It has a rollback and no phrase.

  ~~~sh
  true
  ~~~
  ~~~sh {.rollback}
  true
  ~~~
`
	book := parse(t, "x.md", []byte(doc))
	inv, diags := inventory.Parse("i.toml", []byte("[groups.g]\nhosts = [\"a\", \"b\"]\n[hosts.a]\nssh = \"u@127.0.0.1:1\"\n[hosts.b]\nssh = \"u@127.0.0.1:2\"\n"))
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	p, diags := plan.New(book, nil, inv)
	if p == nil {
		t.Fatal(diags)
	}
	got := strings.Join(samePhrases(p), "|")
	want := "walk[a]/plain opens with a plain y: name a phrase|walk[b]/same and walk[a]/same open with the same phrase go|walk[b]/plain opens with a plain y: name a phrase"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
