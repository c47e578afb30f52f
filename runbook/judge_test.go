package runbook_test

import (
	"testing"

	"stepgate/runbook"
)

// judge parses a plain document with one fence and says why it is gated.
func judge(t *testing.T, lang, body string) string {
	t.Helper()
	r, ds := runbook.Parse("plain.md", []byte("# A\n\n```"+lang+"\n"+body+"\n```\n"), nil)
	if r == nil {
		t.Fatalf("%q: %v", body, ds)
	}
	return r.Root.Items[0].(*runbook.Section).Items[0].(*runbook.Step).Judged
}

func TestJudgedCommands(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"rm -rf build":                                "it runs rm -r",
		"rm -fr -- build":                             "it runs rm -r",
		"rm --recursive x":                            "it runs rm -r",
		"rm x.log":                                    "",
		"sudo -u ops rm -r x":                         "it runs rm -r",
		"sudo env A=1 nice -n 5 /bin/rm -r x":         "it runs rm -r",
		"timeout 5 rm -r x":                           "it runs rm -r",
		"if true; then (rm -r x); fi":                 "it runs rm -r",
		"f() { rm -r x; }; f":                         "it runs rm -r",
		"echo $(rm -r x)":                             "it runs rm -r",
		"bash -c 'rm -r x'":                           "it runs rm -r",
		"bash -lc \"cd /; rm -r x\"":                  "it runs rm -r",
		"ssh -p 22 ops@h 'rm -r x'":                   "it runs rm -r",
		"ssh h rm -r x":                               "it runs rm -r",
		"ssh h uptime":                                "",
		"eval \"$X\"":                                 "it evaluates a variable",
		"$CMD now":                                    "the name of its command is a variable",
		"find . -name x -exec rm -r {} +":             "it runs rm -r",
		"find . -delete":                              "it runs find -delete",
		"find . -name x":                              "",
		"ls | xargs rm -r":                            "it runs rm -r",
		"curl -s https://x | sh":                      "it runs what another command prints",
		"curl -s https://x | sudo bash -s -- a":       "it runs what another command prints",
		"curl -X DELETE https://x":                    "it runs curl -X DELETE",
		"curl https://x":                              "",
		"kill -9 1":                                   "it runs kill -9",
		"kill -s KILL 1":                              "it runs kill -9",
		"kill 1":                                      "",
		"mkfs.ext4 /dev/sdb":                          "it runs mkfs",
		"dd if=/dev/zero of=/dev/sdb":                 "it runs dd of=",
		"echo x > /dev/sdb":                           "it writes to the device /dev/sdb",
		"mysql -e 'DROP TABLE t'":                     "it says DROP TABLE",
		"mysql <<X\ntruncate table t;\nX":             "it says truncate table t",
		"echo select 1 | mysql":                       "",
		"kubectl -n a delete pod x":                   "it runs kubectl delete or drain",
		"kubectl get pods":                            "",
		"systemctl stop nginx":                        "it runs systemctl stop or restart",
		"systemctl status nginx":                      "",
		"service nginx stop":                          "it runs service stop or restart",
		"shutdown -r now":                             "it runs shutdown",
		"echo a > /etc/hosts":                         "it overwrites /etc/hosts",
		"echo a >> /etc/hosts":                        "",
		"echo a > my.conf":                            "it overwrites my.conf",
		"echo a | sudo tee /etc/hosts":                "it overwrites /etc/hosts",
		"echo a | tee -a /etc/hosts":                  "",
		"cp a /etc/nginx/nginx.conf":                  "it overwrites /etc/nginx/nginx.conf",
		"echo a > out.txt":                            "",
		"git push --force":                            "it runs git push --force",
		"git push":                                    "",
		"ssh <host> uptime":                           "it may hold a placeholder: <host>",
		"kubectl logs <pod>":                          "it can't be read as shell: `>` must be followed by a word",
		"ls # see \\\nrm -rf x":                       "it can't be read as shell: a comment behind a command ends in a backslash, which not everyone reads alike",
		"# see \\\nrm -rf x":                          "it runs rm -r",
		"ssh h <<'X'\nrm -r x\nX":                     "it runs rm -r",
		"sudo bash -s <<X\nif a; then\nreboot\nfi\nX": "it runs reboot",
		"sh <<< 'rm -r x'":                            "it runs rm -r",
		"cat <<X\nrm -r x\nX":                         "",
		"A=1 rm -r x":                                 "it runs rm -r",
		"ls; sudo systemctl \\\n  stop x":             "it runs systemctl stop or restart",
		"r''m -r x":                                   "it runs rm -r",
		"a=(":                                         "it can't be read as shell: reached EOF without matching `(` with `)`",
		"arr=(1 2); echo ${arr[0]}":                   "",
		"bash -c 'if'":                                "it holds a command that can't be read",
		"ls -la; df -h && uptime | grep load":         "",
		"rsync -a --delete a/ b/":                     "it runs rsync --delete",
		"docker compose down":                         "it runs docker rm or stop",
		"echo 'rm -rf /'":                             "",
		"echo done # rm -rf /":                        "",
	} {
		if got := judge(t, "sh", body); got != want {
			t.Errorf("%q: judged %q, want %q", body, got, want)
		}
	}
	if got := judge(t, "python", "print(1)"); got != "it is python, which can't be judged" {
		t.Errorf("python: judged %q", got)
	}
}

func TestAnnotatedRunbooksAreNotJudged(t *testing.T) {
	t.Parallel()
	r, ds := runbook.Parse("a.md", []byte("+++\n+++\n# A\n\n```sh\nrm -rf x\n```\n"), nil)
	if r == nil {
		t.Fatal(ds)
	}
	st := r.Root.Items[0].(*runbook.Section).Items[0].(*runbook.Step)
	if st.Judged != "" || st.Gated() {
		t.Errorf("judged %q", st.Judged)
	}
}

func TestCarriedOver(t *testing.T) {
	t.Parallel()
	src := "# Relative\n\n```sh\ncd ..\n```\n\n```sh\ncd ..\nexport A=1\n```\n\n```sh\nexport A=12\n```\n\n```sh\npwd\n```\n\n# One\n\n```sh\ncd /a\ncd b && make\nexport X=1 Y=\"$X\"\n(cd sub)\ncd x | true\n```\n\n## Deeper\n\n```sh\necho 1\n```\n\n```python\nprint(2)\n```\n\n```sh\ncd /c\n```\n\n```sh\necho 3\n```\n\n# Two\n\n```sh\necho 4\n```\n"
	r, ds := runbook.Parse("a.md", []byte(src), nil)
	if r == nil {
		t.Fatal(ds)
	}
	var got []string
	var walk func(*runbook.Section)
	walk = func(s *runbook.Section) {
		for _, item := range s.Items {
			switch it := item.(type) {
			case *runbook.Section:
				walk(it)
			case *runbook.Step:
				got = append(got, it.Command.Body)
			}
		}
	}
	walk(r.Root)
	want := []string{
		"cd ..\n", "cd ..\ncd ..\nexport A=1\n", "cd ..\ncd ..\nexport A=1\nexport A=12\n", "cd ..\ncd ..\nexport A=1\nexport A=12\npwd\n",
		"cd /a\ncd b && make\nexport X=1 Y=\"$X\"\n(cd sub)\ncd x | true\n",
		"cd /a\ncd b\nexport X=1 Y=\"$X\"\necho 1\n",
		"print(2)\n",
		"cd /a\ncd b\nexport X=1 Y=\"$X\"\ncd /c\n",
		"export X=1 Y=\"$X\"\ncd /c\necho 3\n",
		"echo 4\n",
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("fence %d: got %q, want %q", i+1, got[i], want[i])
		}
	}
}
