package lint_test

import (
	"slices"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/lint"
)

const front = `+++
[params.dir]
[params.list]
type = "list"
[params.copies]
type = "int"
[params.password]
secret = true
[groups.web]
vars = ["home"]
[prelude]
sh = '''
shared="/srv/shared"
wipe() { rm -rf "$1"; }
say() { printf '%s\n' "$*"; }
'''
[defaults]
timeout = "1m"
+++
{{dir}} {{list}} {{copies}}

`

// judged are the rules that a fence breaks, each once, in order.
func judged(t *testing.T, info, body string) []string {
	t.Helper()
	src := front + "- [ ] A {#a on=web}\n\n  ```" + info + "\n"
	for line := range strings.Lines(body) {
		src += "  " + line
	}
	b, ds := runbook.Parse("a.md", []byte(src+"\n  ```\n"), nil)
	if b == nil {
		t.Fatalf("%q: %v", body, ds)
	}
	var rules []string
	for _, d := range lint.Book(b) {
		if d.Rule != "unused" && !slices.Contains(rules, d.Rule) {
			rules = append(rules, d.Rule)
		}
	}
	return rules
}

func TestCommands(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		// destructive
		`rm -rf "$dir"`:                                "destructive",
		`sudo -n rm -rf "$dir"`:                        "destructive",
		`nohup env A=1 rm -rf "$dir"`:                  "destructive",
		`sh -c 'rm -rf /srv/x'`:                        "destructive",
		`ssh other 'cd /srv && rm -rf x'`:              "destructive",
		`find "$dir" -name x -exec rm -r {} +`:         "destructive",
		`find "$dir" -name x -delete`:                  "destructive",
		`ls "$dir" | xargs -n 1 rm -r`:                 "destructive",
		`if true; then ( rm -rf "$dir" ); fi`:          "destructive",
		`f() { rm -rf "$dir"; }; f`:                    "destructive",
		`wipe "$dir"`:                                  "destructive",
		`say "$dir"`:                                   "",
		`echo x > "$home/conf/web.conf"`:               "destructive",
		`echo x >> "$home/conf/web.conf"`:              "",
		`echo x | tee /etc/hosts`:                      "destructive",
		`echo x | tee -a /etc/hosts`:                   "",
		`echo x > "$home/conf/web.conf.new"`:           "",
		`echo x > "$home/$STEPGATE_RUN.conf"`:          "",
		`kill -9 1`:                                    "destructive",
		`mkfs.ext4 /dev/sdb1`:                          "destructive",
		`dd if=/dev/zero of="$dir"`:                    "destructive",
		`dd if="$dir" of="$dir.part"`:                  "",
		`systemctl stop web`:                           "destructive",
		`mysql -e 'DROP TABLE t'`:                      "destructive",
		"mysql <<X\nTRUNCATE TABLE t;\nX":              "destructive",
		`curl -s https://x | sh`:                       "destructive",
		`rm -rf "$dir/x.part" "$dir/x.new/"`:           "",
		`rm -rf "$dir/$STEPGATE_RUN"`:                  "",
		`rm -rf "$dir/x.part" "$dir"`:                  "destructive",
		"new=x.$STEPGATE_RUN\nrm -rf \"$new\"":         "",
		"new=x.$STEPGATE_RUN\nnew=y\nrm -rf \"$new\"":  "destructive",
		"a=$STEPGATE_RUN; b=$a; c=$b\nrm -rf \"x.$c\"": "",
		"a=$b\nb=$a\nrm -rf \"$a.x\"":                  "destructive",
		// unquoted
		`ls $dir`:                              "unquoted",
		`ls "$dir"`:                            "",
		`ls ${dir}/x`:                          "unquoted",
		`ls "x"$dir`:                           "unquoted",
		`sh -c "ls $dir"`:                      "",
		`head -n $copies "$dir"`:               "",
		`x=$dir; test -n "$x"`:                 "",
		`case $dir in x) ;; esac`:              "",
		`for f in $list; do say "$f"; done`:    "",
		`for n in 1 2 3; do say $n; done`:      "",
		`for f in *; do say $f; done`:          "unquoted",
		`echo x >$dir`:                         "unquoted",
		`n=$(wc -l <"$dir"); say $n`:           "unquoted",
		`n=$((1 + 2)); say $n $? $# $$`:        "",
		`n=0; : $((n += 1)); say $n`:           "",
		`n=$dir; test $((n == 1)) = 1; say $n`: "unquoted",
		`say ${dir:+"$dir"}`:                   "",
		`set -- $list; say "$@"`:               "",
		`say $@`:                               "unquoted",
		`cat <<X` + "\n$dir\nX":                "",
		// undefined
		`ls "$dri"`: "undefined-variable",
		`ls "${other:-x}" "$HOME" "$host" "$home" "$STEPGATE_RUN"`: "",
		`say "$run"`:                         "undefined-variable",
		`. /etc/profile; ls "$JAVA_HOME"`:    "",
		`ls "$JAVA_HOME"`:                    "undefined-variable",
		`read -r a b; say "$a" "$b"`:         "",
		`while read -r a; do say "$a"; done`: "",
		`say "$shared"`:                      "",
		`i=0; i=$((i + 1)); say "$i"`:        "",
		`say "$on_home" "$each_index"`:       "",
		`: "${x:=1}"; say "$x"`:              "",
		`say "$1"`:                           "",
		// directories
		`cp "$home/conf" "$dir/x"`:         "directory-without-r",
		`cp -p "$home/conf/" x`:            "directory-without-r",
		`cp -Rp "$home/conf" x`:            "",
		`cp --archive "$home/conf" x`:      "",
		`cp "$home/conf/web.conf" x.new`:   "",
		`scp -P 22 bin ops@h:/opt`:         "directory-without-r",
		`scp -rP 22 bin ops@h:/opt`:        "",
		"mkdir -p \"$dir\"\ncp \"$dir\" x": "directory-without-r",
		"test -d \"$dir\"\ncp \"$dir\" x":  "directory-without-r",
		// passwords
		`mysql -uroot -psecret -e 'select 1'`: "password-in-argv",
		`mysql -uroot -p -e 'select 1'`:       "",
		`mysql -P 3306 -e 'select 1'`:         "",
		`tool --password=x`:                   "password-in-argv",
		`tool --password x`:                   "password-in-argv",
		`tool --password-file x`:              "",
		`tool --password`:                     "",
		`redis-cli -a x ping`:                 "password-in-argv",
		`curl -u me:x https://h`:              "password-in-argv",
		`curl -fsS https://me:x@h/`:           "password-in-argv",
		`tool "$password"`:                    "password-in-argv",
		`printf '%s' "$password" | tool`:      "",
		// clusters
		`kubectl get pods`:                        "kubectl-context",
		`kubectl --context x get pods`:            "",
		`kubectl config get-contexts`:             "",
		`helm upgrade web chart`:                  "kubectl-context",
		`helm upgrade --kube-context=x web chart`: "",
		`helm template chart`:                     "",
		// endless
		`tail -f "$dir"`:                      "endless",
		`timeout 5 tail -f "$dir"`:            "",
		`tail -n 5 "$dir"`:                    "",
		`kubectl --context x logs -f pod`:     "endless",
		`ping h`:                              "endless",
		`ping -c 3 h`:                         "",
		`while ! test -e x; do sleep 1; done`: "",
		// ends
		`cd "$dir"`:              "lost-at-end",
		"cd \"$dir\"\nls":        "",
		`export A=1`:             "lost-at-end",
		`export A=1; say "$A"`:   "",
		`readonly A=1; say "$A"`: "",
		`x=(1 2)`:                "shell-syntax",
	} {
		if got := strings.Join(judged(t, "sh", body), " "); got != want {
			t.Errorf("%s\n got %q, want %q", body, got, want)
		}
	}
}

func TestFences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ info, body, want string }{
		{"sh {.check}", "! ls x", "negated-check"},
		{"sh {.check}", "! ls x && ls", "negated-check"},
		{"sh {.check}", "ls\n! ls x | grep y", "negated-check"},
		{"sh {.check}", "if ! ls x; then exit 1; fi", ""},
		{"sh {.check}", "test ! -e x", ""},
		{"sh", "! ls x", ""},
		{"sh {.check}", "rm -rf /srv/x", "destructive"},
		{"sh {.monitor every=1s}", "rm -rf /srv/x", "destructive"},
		{"sh {.background.monitor}", "tail -f x", ""},
		{"sh {.monitor every=1s}", "tail -f x", "endless"},
		{"sh {.check}", "cd /srv", ""},
		{"sh {.check}", "while ! test -e x; do sleep 1; done", ""},
		{"bash", "x=(1 2); ls \"${x[@]}\"", ""},
		{"zsh", "ls $dir", ""},
		{"python", "rm -rf", ""},
		{"sh {.irreversible}", "rm -rf /srv/x", "irreversible-unchecked"},
	} {
		if got := strings.Join(judged(t, c.info, c.body), " "); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.info, c.body, got, c.want)
		}
	}
}

// find are the findings of a runbook that parses.
func find(t *testing.T, src string) []string {
	t.Helper()
	b, ds := runbook.Parse("a.md", []byte(src), nil)
	if b == nil {
		t.Fatal(ds)
	}
	var out []string
	for _, d := range lint.Book(b) {
		out = append(out, d.String())
	}
	return out
}

// TestRollbacksAreNotJudged: only their syntax is.
func TestRollbacksAreNotJudged(t *testing.T) {
	t.Parallel()
	src := "+++\n+++\n- [ ] A\n\n  ```sh\n  ls\n  ```\n  ```sh {.rollback}\n  rm -rf $x\n  ```\n"
	if got := find(t, src); len(got) > 0 {
		t.Errorf("%q", got)
	}
	if got := find(t, strings.Replace(src, "$x", "'x", 1)); len(got) != 1 || !strings.Contains(got[0], "[shell-syntax]") {
		t.Errorf("%q", got)
	}
}

// TestPlainDocumentsHaveNoErrors: any document can be walked.
func TestPlainDocumentsHaveNoErrors(t *testing.T) {
	t.Parallel()
	got := strings.Join(find(t, "# A\n\n```sh {.check}\n! ls x\n```\n\n```sh\necho 'x\n```\n\n```sh\nrm -rf $x\n```\n"), "\n")
	for _, want := range []string{"warning: a check that begins with !", "warning: not sh: reached EOF", "[unquoted]"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q isn't in\n%s", want, got)
		}
	}
	if strings.Contains(got, ": error:") || strings.Contains(got, "[undefined-variable]") || strings.Contains(got, "[destructive]") {
		t.Error(got)
	}
}

// TestCarriedLinesAreJudgedOnce, where they stand; behind them places are right.
func TestCarriedLinesAreJudgedOnce(t *testing.T) {
	t.Parallel()
	got := find(t, "# A\n\n```sh\ncd $x\nexport A=1\n```\n\n```sh\nls\nls  $x\n```\n")
	if len(got) != 2 || !strings.HasPrefix(got[0], "a.md:4:4: ") || !strings.HasPrefix(got[1], "a.md:10:5: ") {
		t.Errorf("%q", got)
	}
}

// TestLoops: one that waits wants a limit or a count of its tries.
func TestLoops(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		"while ! ls x; do sleep 1; done":                                 true,
		"until ls x; do echo waiting; sleep 1; done":                     true,
		"n=0; until ls x; do n=$((n + 1)); test $n -lt 9; sleep 1; done": false,
		"for i in 1 2 3; do ls x && break; sleep 1; done":                false,
		"ls | while read -r a; do echo \"$a\"; done":                     false,
	} {
		got := strings.Join(find(t, "+++\n+++\n- [ ] A\n\n  ```sh\n  "+body+"\n  ```\n"), "\n")
		if strings.Contains(got, "[endless]") != want {
			t.Errorf("%s: %q", body, got)
		}
		if got := find(t, "+++\n+++\n- [ ] A\n\n  ```sh {timeout=5m}\n  "+body+"\n  ```\n"); len(got) > 0 {
			t.Errorf("%s with a timeout: %q", body, got)
		}
	}
}

// TestSecretCaptures: what is captured under .secret is no argument either.
func TestSecretCaptures(t *testing.T) {
	t.Parallel()
	src := "+++\n+++\n- [ ] A\n\n  ```sh {.check .secret}\n  cat /etc/key\n  ```\n  ```capture\n  key = stdout\n  ```\n- [ ] B\n\n  ```sh {.check}\n  tool \"$key\"\n  ```\n"
	if got := strings.Join(find(t, src), "\n"); !strings.HasPrefix(got, "a.md:14:3: warning: a password") {
		t.Error(got)
	}
	if got := find(t, strings.Replace(src, " .secret", "", 1)); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

func TestUnused(t *testing.T) {
	t.Parallel()
	head := "+++\n[params.p]\n[groups.g]\nvars = [\"v\"]\n[languages.l]\nrun = \"cat $STEPGATE_BODY\"\n[connections.c]\ndriver = \"mysql\"\nhost = \"{{p}}\"\n+++\n"
	got := find(t, head+"- [ ] A\n")
	for i, want := range []string{`a.md:3:2: warning: nothing uses the group "g"`, `a.md:5:2: warning: nothing uses the language "l"`, `a.md:7:2: warning: nothing uses the connection "c"`} {
		if len(got) != 3 || !strings.HasPrefix(got[i], want) {
			t.Errorf("%q", got)
		}
	}
	got = find(t, head+"- [ ] A {on=g}\n\n  ```l {.check}\n  x\n  ```\n  ```sql {.check db=c}\n  SELECT 1 n\n  ```\n  ```expect\n  rows[0].n == 1\n  ```\n")
	if len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// TestSectionsGate: entering a section by a gate is a gate for all in it.
func TestSectionsGate(t *testing.T) {
	t.Parallel()
	src := "+++\n+++\n## A\n\n> [!CAUTION]\n> All is lost.\n\n- [ ] B\n\n  ```sh\n  rm -rf /srv/x\n  ```\n"
	if got := find(t, src); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

func TestPreludesArePlaced(t *testing.T) {
	t.Parallel()
	got := find(t, "+++\ntitle = \"A\"\n[prelude]\nsh = '''\nok() { ls; }\nbad() { ls\n'''\n+++\n- [ ] A\n\n  ```sh\n  ls\n  ```\n")
	if len(got) != 1 || !strings.HasPrefix(got[0], "a.md:6:7: error: the prelude is not sh: ") {
		t.Errorf("%q", got)
	}
	got = find(t, "+++\n[prelude]\nsh = \"bad() {\"\n+++\n- [ ] A\n\n  ```sh\n  ls\n  ```\n")
	if len(got) != 1 || !strings.HasPrefix(got[0], "a.md:3:13: error: the prelude is not sh: ") {
		t.Errorf("%q", got)
	}
}

// TestPreludesAreJudged where they stand; a language's line, too.
func TestPreludesAreJudged(t *testing.T) {
	t.Parallel()
	got := find(t, "+++\n[params.key]\nsecret = true\n[prelude]\nsh = '''\nq() {\n  mysql -p\"$1\" -e \"$2\" | grep $3\n}\n'''\n[languages.l]\nrun = \"tool -k \\\"$key\\\" <\\\"$STEPGATE_BODY\\\" >$oops\"\n+++\n"+
		"- [ ] A\n\n  ```sh\n  q x y z\n  ```\n- [ ] B\n\n  ```l {.check}\n  x\n  ```\n")
	for i, want := range []string{
		"a.md:7:3: warning: a password", "a.md:7:31: warning: $3 isn't quoted",
		"a.md:10:2: warning: a password stands among the arguments of \"tool\"", "a.md:10:2: warning: $oops isn't", "a.md:10:2: warning: nothing gives $oops",
	} {
		if len(got) != 5 || !strings.HasPrefix(got[i], want) {
			t.Fatalf("%d: want %s in\n%s", i, want, strings.Join(got, "\n"))
		}
	}
}

// TestEnvironmentOfALanguage: its line sees what its fences compute.
func TestEnvironmentOfALanguage(t *testing.T) {
	t.Parallel()
	src := "+++\n[languages.l]\nrun = \"tool \\\"$where\\\" <$STEPGATE_BODY\"\n+++\n- [ ] A\n\n  ```l {.check env.where=\"'x'\"}\n  x\n  ```\n"
	if got := find(t, src); len(got) > 0 {
		t.Errorf("%q", got)
	}
	if got := find(t, strings.Replace(src, "env.where", "env.other", 1)); len(got) != 1 || !strings.Contains(got[0], "nothing gives $where a value") {
		t.Errorf("%q", got)
	}
}

func TestPhrases(t *testing.T) {
	t.Parallel()
	for phrase, same := range map[string]bool{
		"yes": true, "{{host}}": false, "{{step}}": false, "stop {{ host }}": false, "{{home}}": false, "{{cluster}}": true, "{{run}}": true, "{{each.index}}": false, "{{each.count}}": true,
	} {
		got := strings.Join(find(t, "+++\n[params.cluster]\n[groups.web]\nvars = [\"home\"]\n+++\n{{cluster}}\n\n## A {each=web}\n\n- [ ] B {confirm=\""+phrase+"\"}\n\n  > [!CAUTION]\n  > It stops.\n\n  ```sh\n  ls \"$home\"\n  ```\n  ```sh {.check}\n  ls\n  ```\n"), "\n")
		if strings.Contains(got, "[same-phrase]") != same {
			t.Errorf("%s: %q", phrase, got)
		}
	}
}

func TestWalks(t *testing.T) {
	t.Parallel()
	run := "- [ ] %\n\n  ```sh\n  ls\n  ```\n"
	check := "- [ ] %\n\n  ```sh {.check}\n  ls\n  ```\n"
	for name, c := range map[string]struct {
		items string
		want  bool
	}{
		"a command":              {run, true},
		"a check before it":      {check + run, true},
		"a check behind it":      {run + check, false},
		"a manual step":          {run + "- [ ] %\n", true},
		"only checks":            {check + check, false},
		"only people":            {"- [ ] %\n", false},
		"a postcondition":        {run + "  ```sh {.check}\n  ls\n  ```\n", false},
		"a postcondition before": {run + "  ```sh {.check}\n  ls\n  ```\n" + run, true},
	} {
		items := ""
		for i, part := range strings.Split(c.items, "%") {
			if i > 0 {
				items += string(rune('a' + i))
			}
			items += part
		}
		got := strings.Join(find(t, "+++\n[groups.web]\n+++\n## A {each=web}\n\n"+items), "\n")
		if strings.Contains(got, "[no-health-check]") != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
