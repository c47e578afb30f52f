package lint

import "stepgate/runbook"

// commands are the rules on shell text.
var commands = []Rule{
	{
		ID: "shell-syntax", Severity: runbook.Error,
		Summary: "The text is no shell that could be run",
		Why:     "What can't be read can't be judged, and a shell finds out in the middle.",
		Remedy:  "Correct it. Bash in a fence written `sh` is refused: the host's `sh` may be another shell.",
		Bad: `+++
+++
- [ ] Look

  ~~~sh {.check}
  if test -e /opt/web; then echo there
  ~~~
`,
		Good: `+++
+++
- [ ] Look

  ~~~sh {.check}
  if test -e /opt/web; then echo there; fi
  ~~~
`,
	},
	{
		ID: "negated-check", Severity: runbook.Error,
		Summary: "A check begins with !",
		Why:     "`! grep …` passes when grep finds nothing, and also when grep is missing, when the file is missing, and when it can't be read.",
		Remedy:  "Run the command plainly and say in an `expect` what you want to see.",
		Bad: `+++
+++
- [ ] No errors

  ~~~sh {.check}
  ! grep ERROR /opt/web/log
  ~~~
`,
		Good: `+++
+++
- [ ] No errors

  ~~~sh {.check}
  grep -c ERROR /opt/web/log
  ~~~
  ~~~expect
  exit == 1 and stdout == "0"
  ~~~
`,
	},
	{
		ID: "destructive", Severity: runbook.Warning,
		Summary: "A command that destroys has no gate",
		Why: "`rm -r`, `>` onto a configuration, `kill -9`, `DROP`, `mkfs`, `dd of=`, `kubectl delete`, a service stopped: " +
			"what they take away doesn't come back by itself. A person should have seen the exact command, and where it runs, before it does. In a check it is worse: checks are taken without asking.",
		Remedy: "Write a CAUTION alert that says what is lost. Paths that hold `$STEPGATE_RUN`, or end in `.part` or `.new`, are the run's own and need none; rollbacks aren't judged.",
		Bad: `+++
+++
- [ ] Remove the old version

  ~~~sh
  rm -rf /opt/web.old
  ~~~
`,
		Good: `+++
+++
- [ ] Remove the old version

  > [!CAUTION]
  > There is no way back to the old version without it.

  ~~~sh
  rm -rf /opt/web.old
  ~~~
`,
	},
	{
		ID: "directory-without-r", Severity: runbook.Warning,
		Summary: "cp or scp of a directory without -r",
		Why:     "cp leaves directories out and says so in a line that is easy to miss; the backup that was meant isn't there when it is needed.",
		Remedy:  "Write `cp -Rp`, or name the files.",
		Bad: `+++
+++
- [ ] Keep the configuration

  ~~~sh
  cp /opt/web/conf "/opt/web/conf.$STEPGATE_RUN"
  ~~~
`,
		Good: `+++
+++
- [ ] Keep the configuration

  ~~~sh
  cp -Rp /opt/web/conf "/opt/web/conf.$STEPGATE_RUN"
  ~~~
`,
	},
	{
		ID: "unquoted", Severity: runbook.Warning,
		Summary: "A variable isn't quoted",
		Why:     "The shell splits what an unquoted variable holds at blanks and expands it as a pattern; an empty one disappears. Values come from people and inventories.",
		Remedy:  "Write `\"$name\"`. Numbers and the words of a `for` may stand without.",
		Bad: `+++
[params.dir]
+++
- [ ] Look

  ~~~sh {.check}
  ls -l $dir
  ~~~
`,
		Good: `+++
[params.dir]
+++
- [ ] Look

  ~~~sh {.check}
  ls -l "$dir"
  ~~~
`,
	},
	{
		ID: "undefined-variable", Severity: runbook.Warning,
		Summary: "Nothing gives a shell variable a value",
		Why:     "Fences of a runbook with front matter stop at an unset variable, perhaps half-way through.",
		Remedy:  "Declare a parameter or a group's variable of that name, correct its spelling, or write `${name:-}` where it may be empty.",
		Bad: `+++
[params.release]
+++
- [ ] Install

  ~~~sh
  /opt/web/bin/install "$relaese" "$release"
  ~~~
`,
		Good: `+++
[params.release]
+++
- [ ] Install

  ~~~sh
  /opt/web/bin/install "$release"
  ~~~
`,
	},
	{
		ID: "lost-at-end", Severity: runbook.Warning,
		Summary: "A fence ends in cd or export",
		Why:     "Each fence is a shell of its own. In a runbook with front matter nothing of it carries over to the next.",
		Remedy:  "Write `cwd=` for the directory, `env.NAME=` or a `capture` for the value.",
		Bad: `+++
+++
- [ ] Go there

  ~~~sh
  mkdir -p /opt/web
  cd /opt/web
  ~~~
`,
		Good: `+++
+++
- [ ] Unpack

  ~~~sh {cwd=/opt/web}
  tar xf /srv/web.tar
  ~~~
`,
	},
	{
		ID: "detached", Severity: runbook.Warning,
		Summary: "A background command that leaves its process behind",
		Why:     "Stepgate keeps the fence's own process alive. When its shell ends at once, that is started over and over again, and nothing ends what it has left behind.",
		Remedy:  "Run it in the foreground: leave out the `&`, and write `exec`.",
		Bad: `+++
+++
- [ ] The way in

  ~~~sh {.background}
  tunnel --port 8080 &
  ~~~
  ~~~sh {.check until=30s}
  curl -fsS http://127.0.0.1:8080/
  ~~~
`,
		Good: `+++
+++
- [ ] The way in

  ~~~sh {.background}
  exec tunnel --port 8080
  ~~~
  ~~~sh {.check until=30s}
  curl -fsS http://127.0.0.1:8080/
  ~~~
`,
	},
	{
		ID: "endless", Severity: runbook.Warning,
		Summary: "A command that waits without a limit",
		Why:     "`tail -f`, `watch`, a loop with `sleep`: at three in the morning nobody knows whether it still waits for something that will come.",
		Remedy:  "Give it a `timeout`, or write a check with `until=`, which shows how it stands.",
		Bad: `+++
+++
- [ ] Wait for the import

  ~~~sh
  until test -e /opt/web/imported; do sleep 1; done
  ~~~
`,
		Good: `+++
+++
- [ ] The import is there

  ~~~sh {.check until=10m}
  test -e /opt/web/imported
  ~~~
`,
	},
	{
		ID: "kubectl-context", Severity: runbook.Warning,
		Summary: "kubectl or helm without a context",
		Why:     "It goes to whichever cluster was used last in some other window.",
		Remedy:  "Write `--context` (of helm: `--kube-context`), best with a parameter.",
		Bad: `+++
+++
- [ ] Scale

  ~~~sh
  kubectl -n web scale deployment/web --replicas=3
  ~~~
`,
		Good: `+++
[params.context]
+++
- [ ] Scale

  ~~~sh
  kubectl --context="$context" -n web scale deployment/web --replicas=3
  ~~~
`,
	},
	{
		ID: "password-in-argv", Severity: runbook.Warning,
		Summary: "A password stands among a command's arguments",
		Why:     "Arguments are read by everybody on the machine with ps, and end in logs and histories.",
		Remedy:  "Use stdin, a file of mode 0600, or the environment variable that the program knows.",
		Bad: `+++
+++
- [ ] Ask the server

  ~~~sh {.check}
  mysql -h 127.0.0.1 -uroot -phunter2 -e 'select 1'
  ~~~
`,
		Good: `+++
+++
- [ ] Ask the server

  ~~~sh {.check}
  mysql --defaults-extra-file=/root/.my.cnf -h 127.0.0.1 -e 'select 1'
  ~~~
`,
	},
}
