package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"stepgate/runbook"
)

// bookOf parses a runbook of this test's own.
func bookOf(t *testing.T, src string) *runbook.Runbook {
	t.Helper()
	book, diags := runbook.Parse("book.md", []byte(src), nil)
	if runbook.Failed(diags) {
		t.Fatal(diags)
	}
	return book
}

func TestInventoryThatIsTyped(t *testing.T) {
	atHome(t)
	book := bookOf(t, "+++\ntitle = \"T\"\n[groups.web]\nmin = 2\nmax = 3\n[groups.ops]\nmin = 0\n+++\n- [ ] a\n")
	if !wantsHosts(book) || wantsHosts(bookOf(t, "- [ ] a\n")) {
		t.Error("which runbooks need an inventory is told wrongly")
	}
	group := func(hosts ...string) string {
		out := "[groups.web]\nhosts = [\"" + strings.Join(hosts, "\", \"") + "\"]\n"
		for _, h := range hosts {
			out += "[hosts." + h + "]\n"
		}
		return out
	}
	write(t, "good.toml", group("a", "b"))
	write(t, "few.toml", group("a"))
	write(t, "many.toml", group("a", "b", "c", "d"))
	write(t, "other.toml", strings.ReplaceAll(group("a", "b"), "web", "db"))
	write(t, "bad.toml", "[groups.web\n")
	write(t, "config.toml", "theme = \"dark\"\n")
	if err := os.Mkdir("dir.toml", 0o700); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"good.toml": "", "few.toml": "has 1 of the 2 hosts", "many.toml": "more than the 3", "other.toml": `no group "web"`,
		"bad.toml": "1:", "dir.toml": "that is no file", "nosuch.toml": "there is no such file",
	} {
		err := suits(file, book)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	if got := found(book); !slices.Equal(got, []string{"good.toml"}) {
		t.Errorf("found %q", got)
	}
}

// The form says of each value where it comes from, and shows no secret.
func TestFieldsSayWhereValuesComeFrom(t *testing.T) {
	atHome(t)
	write(t, "book.md", "+++\ntitle = \"T\"\n[params.flag]\n[params.file]\n[params.env]\n[params.pw]\nsecret = true\n[params.inv]\n[params.def]\ndefault = \"d\"\n"+
		"[params.opt]\nrequired = false\n[params.n]\ntype = \"int\"\n+++\n- [ ] a\n")
	write(t, "vars.toml", "file = \"from the file\"\nflag = \"not this\"\n")
	write(t, "hosts.toml", "[vars]\ninv = \"from the inventory\"\n")
	t.Setenv("STEPGATE_VAR_env", "from the environment")
	t.Setenv("STEPGATE_VAR_pw", "tiger")
	src, err := bookFlags{values: []string{"flag=from the flag"}, vars: "vars.toml", inventory: "hosts.toml"}.read("book.md")
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	_, err = src.plan(func(missing []runbook.Param) (map[string]string, error) {
		if len(missing) != 1 || missing[0].Name != "n" {
			t.Errorf("missing: %v", missing)
		}
		for _, p := range src.form {
			f := src.field(p)
			l := f.Name + "=" + f.Default + " (" + f.From + ")"
			if f.Given {
				l += " given"
			}
			if f.Optional {
				l += " optional"
			}
			fields = append(fields, l)
		}
		n := src.field(missing[0])
		if err := n.Check("x"); err == nil || err.Error() != `"x" is not a whole number` {
			t.Errorf("a wrong value is told as %v", err)
		}
		return map[string]string{"n": "3"}, nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"flag=from the flag (-e)", "file=from the file (vars.toml)", "env=from the environment (environment)", "pw= (environment) given",
		"inv=from the inventory (inventory)", "def=d ()", "opt= () optional", "n= ()",
	}
	if !slices.Equal(fields, want) {
		t.Errorf("fields\n%s\nwant\n%s", strings.Join(fields, "\n"), strings.Join(want, "\n"))
	}
}
