package lint

import "stepgate/runbook"

// operations are the rules on steps and sections.
var operations = []Rule{
	{
		ID: "no-health-check", Severity: runbook.Warning,
		Summary: "A walk over hosts ends without looking whether the host is well",
		Why:     "A rolling change is safe because it stops at the first host that it breaks. It can only stop if something looks before it goes on to the next.",
		Remedy:  "End the walk with a check that would fail on a broken host, polled with `until=` if the host takes time to come back. Checks behind the last command count.",
		Bad: `+++
[groups.web]
+++
## Restart {each=web}

- [ ] Restart {#restart}

  ~~~sh
  /opt/web/bin/restart
  ~~~
`,
		Good: `+++
[groups.web]
+++
## Restart {each=web}

- [ ] Restart {#restart}

  ~~~sh
  /opt/web/bin/restart
  ~~~
- [ ] It answers {#answers}

  ~~~sh {.check until=60s}
  curl -fsS http://127.0.0.1/health
  ~~~
`,
	},
	{
		ID: "irreversible-unchecked", Severity: runbook.Warning,
		Summary: "An irreversible step has no check before or behind it",
		Why:     "What can't be undone should only run when something has shown that it may, and be seen to have worked.",
		Remedy:  "Add a `.check` fence before the command, behind it, or both.",
		Bad: `+++
+++
- [ ] Drop the old table {#drop}

  ~~~sh {.irreversible}
  /opt/db/bin/drop-old
  ~~~
`,
		Good: `+++
+++
- [ ] Drop the old table {#drop}

  ~~~sh {.check}
  /opt/db/bin/readers-of-old
  ~~~
  ~~~expect
  len(lines) == 0
  ~~~
  ~~~sh {.irreversible}
  /opt/db/bin/drop-old
  ~~~
`,
	},
	{
		ID: "same-phrase", Severity: runbook.Warning,
		Summary: "A gate asks for the same phrase at every host",
		Why:     "A phrase that is typed for the fifth time is typed without reading. One that names the host makes sure that the operator has seen which one it is.",
		Remedy:  "Ask for `{{host}}`, or for the value that is walked.",
		Bad: `+++
confirm = "yes"
[groups.web]
+++
## Stop {each=web}

- [ ] Stop {#stop}

  > [!CAUTION]
  > Its clients are cut off.

  ~~~sh
  /opt/web/bin/stop
  ~~~
  ~~~sh {.check}
  /opt/web/bin/status
  ~~~
`,
		Good: `+++
confirm = "{{host}}"
[groups.web]
+++
## Stop {each=web}

- [ ] Stop {#stop}

  > [!CAUTION]
  > Its clients are cut off.

  ~~~sh
  /opt/web/bin/stop
  ~~~
  ~~~sh {.check}
  /opt/web/bin/status
  ~~~
`,
	},
	{
		ID: "unclaimed", Severity: runbook.Error,
		Summary: "Nothing can tell whether a sql or http command was run",
		Why:     "A shell command leaves a trace on its host, which is asked after a broken connection. A statement or a request leaves none: without a probe or a check its outcome would stay unknown for ever.",
		Remedy:  "Add a `.done` probe, or a `.check` behind the command that sees its effect. A statement that only reads is a `.check` itself.",
		Bad: `+++
[connections.main]
driver = "mysql"
host   = "127.0.0.1"
+++
- [ ] Switch the flag {#flag}

  ~~~sql {db=main}
  UPDATE flags SET value = 1 WHERE name = 'ready'
  ~~~
`,
		Good: `+++
[connections.main]
driver = "mysql"
host   = "127.0.0.1"
+++
- [ ] Switch the flag {#flag}

  ~~~sql {db=main}
  UPDATE flags SET value = 1 WHERE name = 'ready'
  ~~~
  ~~~sql {.check db=main}
  SELECT value FROM flags WHERE name = 'ready'
  ~~~
  ~~~expect
  rows[0].value == 1
  ~~~
`,
	},
	{
		ID: "sql-check-without-expect", Severity: runbook.Error,
		Summary: "A check in SQL says nothing of what it expects",
		Why:     "A query succeeds whenever the server answers, also with no rows or the wrong ones. A check that passes in any case is none.",
		Remedy:  "Add an `expect`. A query that only takes a value has a `capture`.",
		Bad: `+++
[connections.main]
driver = "mysql"
host   = "127.0.0.1"
+++
- [ ] No replica lags {#lag}

  ~~~sql {.check db=main}
  SELECT host FROM replicas WHERE lag > 5
  ~~~
`,
		Good: `+++
[connections.main]
driver = "mysql"
host   = "127.0.0.1"
+++
- [ ] No replica lags {#lag}

  ~~~sql {.check db=main}
  SELECT host FROM replicas WHERE lag > 5
  ~~~
  ~~~expect
  len(rows) == 0
  ~~~
`,
	},
	{
		ID: "sql-check-writes", Severity: runbook.Error,
		Summary: "A check in SQL does more than read",
		Why:     "Checks are taken again and again: before a gate, behind the phrase, in polls, after an interruption. They run in a read-only transaction, where a statement that writes fails; one that works outside of it would be repeated.",
		Remedy:  "Make the statement the command of a step, or read instead.",
		Bad: `+++
[connections.main]
driver = "mysql"
host   = "127.0.0.1"
+++
- [ ] It can be written to {#writable}

  ~~~sql {.check db=main}
  INSERT INTO probe VALUES (1);
  SELECT * FROM probe
  ~~~
  ~~~expect
  len(rows) > 0
  ~~~
`,
		Good: `+++
[connections.main]
driver = "mysql"
host   = "127.0.0.1"
+++
- [ ] It is being written to {#written}

  ~~~sql {.check db=main}
  SELECT * FROM probe
  ~~~
  ~~~expect
  len(rows) > 0
  ~~~
`,
	},
	{
		ID: "copy-without-space-check", Severity: runbook.Warning,
		Summary: "Nothing looks at the free space before a copy",
		Why:     "A disk that runs full in the middle of a copy takes the service beside it down too.",
		Remedy:  "Add a check above it that compares the free space with what is needed.",
		Bad: `+++
[groups.web]
max = 1
+++
- [ ] Copy the package {#copy}

  ~~~copy
  from /srv/packages/web
  to web:/opt/web.new
  ~~~
`,
		Good: `+++
[groups.web]
max = 1
+++
- [ ] Copy the package {#copy}

  ~~~sh {.check on=web}
  df -Pk /opt
  ~~~
  ~~~expect
  number(regex(stdout, "([0-9]+) +[0-9]+%")) > 1000000
  ~~~
  ~~~copy
  from /srv/packages/web
  to web:/opt/web.new
  ~~~
`,
	},
	{
		ID: "unused", Severity: runbook.Warning,
		Summary: "The front matter declares what nothing uses",
		Why:     "The operator is asked for a value, or for hosts, that change nothing; or its name is spelled otherwise where it was meant.",
		Remedy:  "Remove it, or use it.",
		Bad: `+++
[params.release]
+++
- [ ] Install

  ~~~sh
  /opt/web/bin/install
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
}
