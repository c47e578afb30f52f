package run

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stepgate/checks"
)

// env is a dispatch's environment, without what every one has.
func env(vars []Var) map[string]string {
	m := map[string]string{}
	for _, v := range vars {
		if !strings.HasPrefix(v.Name, "STEPGATE_") {
			m[v.Name] = v.Value
			if v.Secret {
				m[v.Name] = "‹" + v.Value + "›"
			}
		}
	}
	return m
}

func (w *world) dispatch(t *testing.T, path string) Dispatch {
	t.Helper()
	d, err := w.r.Dispatch(w.cell(t, path), RoleCommand)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEnvironmentExpressions(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n[params.n]\ntype = \"int\"\n[groups.trio]\nvars = [\"zone\"]\n+++\n## W {#w each=trio env.LABEL=\"zone + '/' + host\"}\n\n"+
		"- [ ] One {#one}\n\n  ```sh {env.NEXT=\"n + 1\" cwd=\"/srv/{{zone}}\"}\n  echo \"$NEXT $LABEL\"\n  ```\n", map[string]string{"n": "41"})
	d := w.dispatch(t, "w[b]/one")
	got := env(d.Env)
	if got["NEXT"] != "42" || got["LABEL"] != "z2/b" || got["zone"] != "z2" || got["on_zone"] != "z2" || d.Dir != "/srv/z2" {
		t.Errorf("env %v, dir %q", got, d.Dir)
	}
	if !slices.IsSortedFunc(d.Env, func(a, b Var) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the environment is not sorted")
	}
}

func TestAHostIsPickedWhenItIsReached(t *testing.T) {
	t.Parallel()
	book := "+++\n[params.good]\n[groups.trio]\nvars = [\"zone\"]\n+++\n- [ ] One {#one}\n\n  ```sh {.check}\n  may\n  ```\n" +
		"  ```sh {on=trio pick=\"zone == good\"}\n  one\n  ```\n  ```sh {.check on=trio}\n  did\n  ```\n"
	w := parsed(t, book, map[string]string{"good": "z2"})
	c := w.cell(t, "one")
	if d := w.dispatch(t, "one"); d.Where != "b" || d.SSH != "b:22" || c.Key.Target != "" {
		t.Errorf("it goes to %q (%s), its cell is %s", d.Where, d.SSH, c.Key)
	}
	w.then(t, taken(c, Before, checks.Pass))
	w.then(t, w.intent(w.cell(t, "one"), RoleCommand))
	c = w.cell(t, "one")
	if got, err := w.r.Places(c, c.Plan.Step.Book.After[0]); err != nil || !slices.Equal(got, []string{"b"}) {
		t.Errorf("what it has brought about is looked for at %q, %v", got, err)
	}
	it := parsed(t, strings.Replace(book, "zone == good", "it.zone == good and it.host != 'c'", 1), map[string]string{"good": "z2"})
	if d := it.dispatch(t, "one"); d.Where != "b" {
		t.Errorf("by what it says of the host, it goes to %q", d.Where)
	}
	none := parsed(t, book, map[string]string{"good": "z9"})
	_, rows, err := none.r.Pick(none.cell(t, "one"), none.cell(t, "one").Plan.Step.Book.Command)
	if err == nil || err.Error() != `pick a host of "trio": zone == good is true for none of a, b, c` || len(rows) != 3 {
		t.Errorf("none fits: %v, %v", err, rows)
	}
	if _, err := none.r.Dispatch(none.cell(t, "one"), RoleCommand); err == nil {
		t.Error("it goes nowhere, and there is no error")
	}
}

const secretBook = `+++
[params.password]
secret = true
[groups.trio]
+++
- [ ] Ask {#ask}

  ~~~sh {.check}
  login "$password"
  ~~~
- [ ] Other {#other}

  ~~~sh {.check}
  true
  ~~~
`

// A script gets a secret only when its text names it, and a dispatch has it by
// name alone.
func TestSecretsAreNamedAndNotShown(t *testing.T) {
	t.Parallel()
	w := parsed(t, strings.ReplaceAll(secretBook, "~~~", "```"), map[string]string{"password": "hunter2"})
	for path, want := range map[string]map[string]string{
		"ask": {"password": "‹hunter2›"}, "other": {},
	} {
		c := w.cell(t, path)
		f := c.Plan.Step.Book.Before[0]
		d, err := w.r.DispatchFence(c, f, "local", nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := json.Marshal(d); strings.Contains(string(b), "hunter2") {
			t.Errorf("the dispatch of %s shows it: %s", path, b)
		}
		sent, err := w.r.Reveal(c, f, "local", nil)
		if err != nil {
			t.Fatal(err)
		}
		got := env(sent)
		delete(got, "host")
		for name := range got {
			if strings.HasPrefix(name, "on_") {
				delete(got, name)
			}
		}
		if len(got) != len(want) || got["password"] != want["password"] {
			t.Errorf("%s is sent %v, want %v", path, got, want)
		}
	}
	if names := w.r.Secrets(w.cell(t, "ask"), w.cell(t, "ask").Plan.Step.Book.Before[0]); !slices.Equal(names, []string{"password"}) {
		t.Errorf("it names %v", names)
	}
}

// A run that knows a captured secret gives it to what names it; the run itself
// never has it.
func TestCapturedSecretsComeFromMemory(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n+++\n- [ ] Get {#get}\n\n  ```sh {.check .secret}\n  vault read\n  ```\n  ```capture\n  token = stdout\n  ```\n"+
		"- [ ] Use {#use}\n\n  ```sh {.check}\n  curl -H \"$token\"\n  ```\n", nil)
	c := w.cell(t, "use")
	f := c.Plan.Step.Book.Before[0]
	known := w.r.Knowing(map[string]map[string]json.RawMessage{"": {"token": json.RawMessage(`"s3cret"`)}})
	d, err := known.DispatchFence(c, f, "local", nil)
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(d.Env, func(v Var) bool { return v.Name == "token" }); i < 0 || d.Env[i] != (Var{"token", "", true}) {
		t.Errorf("environment %v", d.Env)
	}
	sent, err := known.Reveal(c, f, "local", nil)
	if err != nil || env(sent)["token"] != "‹s3cret›" {
		t.Errorf("sent %v, %v", sent, err)
	}
	if _, has := w.r.Names(c, "local")["token"]; has {
		t.Error("the run has learned it")
	}
}

const languageBook = `+++
[params.name]
[languages.ddl]
run = "cat \"$STEPGATE_BODY\"; wc -c <\"$STEPGATE_BODY\"; ls -l \"$STEPGATE_BODY\"; echo \"[${STEPGATE_FENCE-unset}]\"; exit 3"
literal = "sql"
+++
- [ ] One {#one}

  ~~~ddl {.check}
  create $HOME \n {{name}};
  STEPGATE_END
  ~~~
`

// The text of a fence in another language reaches its program as it is, in a file
// that only its owner can read and that is gone afterwards.
func TestAnotherLanguagesText(t *testing.T) {
	t.Parallel()
	w := parsed(t, strings.ReplaceAll(languageBook, "~~~", "```"), map[string]string{"name": "it's"})
	c := w.cell(t, "one")
	d, err := w.r.DispatchFence(c, c.Plan.Step.Book.Before[0], "local", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "create $HOME \\n 'it''s';\nSTEPGATE_END\n"
	shells := [][]string{{"sh"}, {"dash"}, {"bash"}, {"bash", "--posix"}, {"mksh"}, {"ksh"}, {"busybox", "sh"}}
	for _, shell := range shells {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(shell[0]); err != nil {
				t.Skipf("NOT TESTED: %s is not installed: %v", shell[0], err)
			}
			cmd := exec.Command(shell[0], append(shell[1:], "-c", d.Prefix+d.Body)...)
			cmd.Env = []string{"PATH=/usr/bin:/bin"}
			for _, v := range d.Env {
				cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
			}
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != 3 {
				t.Fatalf("it ends with %v: %s", err, out)
			}
			rest, ok := strings.CutPrefix(string(out), want)
			if !ok {
				t.Fatalf("it got %q, want %q", out, want)
			}
			fields := strings.Fields(rest)
			if fields[0] != strconv.Itoa(len(want)) || !strings.HasPrefix(fields[1], "-rw-------") || fields[len(fields)-1] != "[unset]" {
				t.Errorf("its file: %s", rest)
			}
			file := fields[len(fields)-2]
			if !strings.HasPrefix(file, "/dev/shm/stepgate-look-") {
				t.Errorf("it lies at %s", file)
			}
			if exec.Command("test", "-e", strings.TrimSuffix(file, "/body")).Run() == nil {
				t.Errorf("%s is still there", file)
			}
		})
	}
}

// What a person reads at a gate, and what a grant is bound to, is the language's text
// with its values, secrets masked; how it is run stands around it.
func TestAnotherLanguagesTextIsShown(t *testing.T) {
	t.Parallel()
	book := strings.ReplaceAll(strings.Replace(languageBook, "[languages.ddl]", "[params.pw]\nsecret = true\n[languages.ddl]", 1), "~~~", "```")
	book = strings.Replace(book, "  create $HOME", "  login {{pw}}\n  create $HOME", 1)
	dispatch := func(name, pw string) Dispatch {
		w := parsed(t, book, map[string]string{"name": name, "pw": pw})
		c := w.cell(t, "one")
		d, err := w.r.DispatchFence(c, c.Plan.Step.Book.Before[0], "local", nil)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := dispatch("it's", "hunter2")
	if want := "login '‹secret›'\ncreate $HOME \\n 'it''s';\nSTEPGATE_END\n"; d.Shown() != want || d.Kind() != "ddl" {
		t.Errorf("%s shows %q", d.Kind(), d.Shown())
	}
	if !strings.HasSuffix(d.Around(), d.Body) || !strings.HasPrefix(d.Around(), languagePrefix) {
		t.Errorf("around it stands %q", d.Around())
	}
	for _, v := range d.Named() {
		if v.Name == languageText {
			t.Error("the text stands among the values, too")
		}
	}
	if other := dispatch("its", "hunter2"); other.Hash("m") == d.Hash("m") {
		t.Error("another value of the text makes no other hash")
	}
	if strings.Contains(fmt.Sprint(d), "hunter2") {
		t.Errorf("the secret is kept: %v", d)
	}
}

// Statements carry their values as literals of the server's dialect, and no
// environment.
func TestStatementsCarryLiterals(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n[params.user]\n[connections.db]\ndriver = \"mysql\"\nhost = \"10.0.0.1\"\nuser = \"root\"\n[groups.trio]\n+++\n"+
		"- [ ] One {#one}\n\n  ```sql {.check db=db via=c}\n  select {{user}}\n  ```\n  ```expect\n  len(rows) == 1\n  ```\n", map[string]string{"user": "o'brien"})
	c := w.cell(t, "one")
	d, err := w.r.DispatchFence(c, c.Plan.Step.Book.Before[0], "local", nil)
	if err != nil {
		t.Fatal(err)
	}
	if d.Form != "sql" || d.Body != "select 'o''brien'\n" || d.Via != "c" || d.Env != nil || d.Interpreter != "" {
		t.Errorf("dispatch %+v", d)
	}
}

func TestOnePhraseForSeveralCells(t *testing.T) {
	t.Parallel()
	w := parsed(t, "+++\n[groups.trio]\n[groups.pair]\n+++\n## W {#w each=trio batch=3}\n\n- [ ] One {#one .irreversible confirm=\"{{host}}\"}\n\n  ```sh\n  one\n  ```\n"+
		"- [ ] Two {#two .irreversible confirm=\"go\"}\n\n  ```sh\n  two\n  ```\n", nil)
	one := []*Cell{w.cell(t, "w[a]/one"), w.cell(t, "w[b]/one"), w.cell(t, "w[c]/one")}
	two := []*Cell{w.cell(t, "w[a]/two"), w.cell(t, "w[b]/two")}
	for want, cells := range map[string][]*Cell{"a b c": one, "a b": one[:2], "go": two, "a b go": {one[0], one[1], two[0]}} {
		if got := w.r.PhraseFor(cells); got != want {
			t.Errorf("the phrase is %q, want %q", got, want)
		}
	}
	if got := w.r.PhraseFor(append(one, two[0])); got != "a and 3 more" {
		t.Errorf("of many the phrase is %q", got)
	}
}
