package lint

import (
	"strconv"

	"stepgate/runbook"
)

// part is a file that the examples include.
const part = "+++\n[params.port]\n+++\n- [ ] Look\n\n  ```sh {.check}\n  ls \"$port\"\n  ```\n"

// parts are the rules on includes, references, connections and secrets that
// reading a runbook applies.
var parts = []Rule{
	{
		ID: "ambiguous-step", Severity: runbook.Error,
		Summary: "A reference could mean several steps",
		Why:     "`ran(\"stop\")` must mean one step, or one in each instance of a walk.",
		Remedy:  "Write more of the path.",
		Bad:     "+++\n+++\n## A {#a}\n\n- [ ] Stop {#stop}\n\n## B {#b}\n\n- [ ] Stop {#stop}\n\n- [ ] Tell {#tell when=\"ran('stop')\"}\n",
		Good:    "+++\n+++\n## A {#a}\n\n- [ ] Stop {#stop}\n\n## B {#b}\n\n- [ ] Stop {#stop}\n\n- [ ] Tell {#tell when=\"ran('a/stop')\"}\n",
	},
	{
		ID: "captured-by-many", Severity: runbook.Error,
		Summary: "Several hosts would capture one name in an instance of a walk",
		Why:     "An instance has one value of a name, and each host would give another.",
		Remedy:  "Capture it outside the walk, or walk those hosts too.",
		Bad:     "+++\n[groups.web]\n[groups.db]\n+++\n## Web {each=web}\n\n- [ ] Look\n\n  ~~~sh {.check on=db}\n  ls\n  ~~~\n  ~~~capture\n  files = len(lines)\n  ~~~\n",
		Good:    "+++\n[groups.web]\n[groups.db]\nmax = 1\n+++\n## Web {each=web}\n\n- [ ] Look\n\n  ~~~sh {.check on=db}\n  ls\n  ~~~\n  ~~~capture\n  files = len(lines)\n  ~~~\n",
	},
	{
		ID: "check-writes", Severity: runbook.Error,
		Summary: "A check in http sends more than GET or HEAD",
		Why:     "Checks are taken again and again; a request that changes something would be repeated.",
		Remedy:  "Use GET or HEAD, or make it the command of a step.",
		Bad:     "+++\n+++\n- [ ] Look\n\n  ~~~http {.check}\n  POST http://127.0.0.1/flush\n  ~~~\n",
		Good:    "+++\n+++\n- [ ] Look\n\n  ~~~http {.check}\n  GET http://127.0.0.1/status\n  ~~~\n",
	},
	{
		ID: "conflict", Severity: runbook.Error,
		Summary: "A part and what includes it define one thing differently",
		Why:     "Which of the two counts would depend on where a step stands.",
		Remedy:  "Define it once. A part that only needs a group or a connection says so with a `help`.",
		Bad:     "+++\n[params.port]\n[connections.main]\ndriver = \"mysql\"\nhost = \"a\"\n+++\n- [ ] [Part](part.md) {.include}\n- [ ] Rows\n\n  ~~~sql {.check db=main}\n  SELECT 1 one\n  ~~~\n  ~~~expect\n  rows[0].one == 1\n  ~~~\n",
		Good:    "+++\n[params.port]\n+++\n- [ ] [Part](part.md) {.include}\n",
		Files:   map[string]string{"part.md": "+++\n[params.port]\n[connections.main]\ndriver = \"mysql\"\nhost = \"b\"\n+++\n- [ ] Look\n\n  ```sh {.check}\n  ls \"$port\"\n  ```\n- [ ] Rows\n\n  ```sql {.check db=main}\n  SELECT 1 one\n  ```\n  ```expect\n  rows[0].one == 1\n  ```\n"},
	},
	{
		ID: "copy", Severity: runbook.Error,
		Summary: "A copy fence holds something else than from, to and exclude",
		Why:     "What isn't understood would not be copied, or be copied elsewhere.",
		Remedy:  "Write `from HOST:PATH`, `to HOST:PATH` and `exclude GLOB`, one a line.",
		Bad:     "+++\n+++\n- [ ] Room\n\n  ~~~sh {.check}\n  df -Pk /opt\n  ~~~\n- [ ] Copy\n\n  ~~~copy\n  from /srv/packages/web\n  into /opt/web.new\n  to /opt/web.new\n  ~~~\n",
		Good:    "+++\n+++\n- [ ] Room\n\n  ~~~sh {.check}\n  df -Pk /opt\n  ~~~\n- [ ] Copy\n\n  ~~~copy\n  from /srv/packages/web\n  to /opt/web.new\n  ~~~\n",
	},
	{
		ID: "include", Severity: runbook.Error,
		Summary: "An include can't be followed",
		Why:     "The steps that it stands for would be missing.",
		Remedy:  "Write a link to a file, `[Title](part.md)`, or to a section of this one, `[Title](#section)`.",
		Bad:     "+++\n+++\n- [ ] Part {.include}\n",
		Good:    "+++\n[params.port]\n+++\n- [ ] [Part](part.md) {.include}\n",
		Files:   map[string]string{"part.md": part},
	},
	{
		ID: "include-cycle", Severity: runbook.Error,
		Summary: "An include leads back to itself",
		Why:     "The plan would have no end.",
		Remedy:  "Take one of the includes out.",
		Bad:     "+++\n+++\n- [ ] [Again](runbook.md) {.include}\n",
		Good:    "+++\n[params.port]\n+++\n- [ ] [Part](part.md) {.include}\n",
		Files:   map[string]string{"part.md": part, "runbook.md": "+++\n+++\n- [ ] [Again](runbook.md) {.include}\n"},
	},
	{
		ID: "include-depth", Severity: runbook.Error,
		Summary: "Too many includes in each other",
		Why:     "Nobody can follow more than eight.",
		Remedy:  "Include it further out.",
		Bad:     "+++\n+++\n- [ ] [One](1.md) {.include}\n",
		Good:    "+++\n+++\n- [ ] [Last](12.md) {.include}\n",
		Files:   chain,
	},
	{
		ID: "include-outside", Severity: runbook.Error,
		Summary: "An include leads out of the runbook's directory",
		Why:     "A runbook is a directory that can be reviewed, handed on and hashed as a whole.",
		Remedy:  "Put the part into the runbook's directory, or below it.",
		Bad:     "+++\n+++\n- [ ] [Part](../part.md) {.include}\n",
		Good:    "+++\n[params.port]\n+++\n- [ ] [Part](part.md) {.include}\n",
		Files:   map[string]string{"part.md": part},
	},
	{
		ID: "include-unread", Severity: runbook.Error,
		Summary: "An included file can't be read",
		Why:     "The steps that it holds would be missing.",
		Remedy:  "Correct the link, or create the file.",
		Bad:     "+++\n+++\n- [ ] [Part](pat.md) {.include}\n",
		Good:    "+++\n[params.port]\n+++\n- [ ] [Part](part.md) {.include}\n",
		Files:   map[string]string{"part.md": part},
	},
	{
		ID: "maybe-unset", Severity: runbook.Error,
		Summary: "An expression uses a value that may be missing",
		Why:     "The step that captures it may not apply, and then nothing could be said of the expression.",
		Remedy:  "Write `name ?? DEFAULT`, or give both steps the same `when`.",
		Bad:     "+++\n[params.mode]\n+++\n- [ ] Count {when=\"mode == 'a'\"}\n\n  ~~~sh {.check}\n  ls\n  ~~~\n  ~~~capture\n  files = len(lines)\n  ~~~\n- [ ] Compare\n\n  ~~~expect\n  files > 3\n  ~~~\n",
		Good:    "+++\n[params.mode]\n+++\n- [ ] Count {when=\"mode == 'a'\"}\n\n  ~~~sh {.check}\n  ls\n  ~~~\n  ~~~capture\n  files = len(lines)\n  ~~~\n- [ ] Compare\n\n  ~~~expect\n  (files ?? 4) > 3\n  ~~~\n",
	},
	{
		ID: "part-value", Severity: runbook.Error,
		Summary: "A part needs a value that the including place doesn't give",
		Why:     "A part sees only what it declares.",
		Remedy:  "Write `with.NAME=` on the include, or declare a parameter of that name.",
		Bad:     "+++\n+++\n- [ ] [Part](part.md) {.include}\n",
		Good:    "+++\n+++\n- [ ] [Part](part.md) {.include with.port=80}\n",
		Files:   map[string]string{"part.md": part},
	},
	{
		ID: "request", Severity: runbook.Error,
		Summary: "An http fence holds no request",
		Why:     "It is a method and an address, headers, an empty line, a body.",
		Remedy:  "Begin with `GET http://…`.",
		Bad:     "+++\n+++\n- [ ] Look\n\n  ~~~http {.check}\n  http://127.0.0.1/status\n  ~~~\n",
		Good:    "+++\n+++\n- [ ] Look\n\n  ~~~http {.check}\n  GET http://127.0.0.1/status\n  ~~~\n",
	},
	{
		ID: "secret-in-body", Severity: runbook.Error,
		Summary: "A secret stands in a statement or a request",
		Why:     "Their text is shown, journaled and exported.",
		Remedy:  "Put it into a field of the connection, or use a language of `[languages]`.",
		Bad:     "+++\n[params.token]\nsecret = true\n+++\n- [ ] Look\n\n  ~~~http {.check}\n  GET http://127.0.0.1/status?token={{token}}\n  ~~~\n",
		Good:    "+++\n+++\n- [ ] Look\n\n  ~~~http {.check}\n  GET http://127.0.0.1/status\n  ~~~\n",
	},
	{
		ID: "secret-in-expression", Severity: runbook.Error,
		Summary: "A secret stands in an expression",
		Why:     "The values that an expression saw are shown and journaled.",
		Remedy:  "Compare it in a check fence, whose text names it.",
		Bad:     "+++\n[params.token]\nsecret = true\n+++\n- [ ] Look\n\n  ~~~expect\n  len(token) > 3\n  ~~~\n",
		Good:    "+++\n[params.token]\nsecret = true\n+++\n- [ ] Look\n\n  ~~~sh {.check}\n  test \"${#token}\" -gt 3\n  ~~~\n",
	},
	{
		ID: "secret-in-text", Severity: runbook.Error,
		Summary: "A secret stands in text",
		Why:     "Titles, prose and phrases are shown and kept.",
		Remedy:  "Leave it out.",
		Bad:     "+++\n[params.token]\nsecret = true\n+++\n- [ ] Look with {{token}}\n",
		Good:    "+++\n[params.token]\nsecret = true\n+++\n- [ ] Look\n\n  ~~~sh {.check}\n  test -n \"$token\"\n  ~~~\n",
	},
	{
		ID: "tcp", Severity: runbook.Error,
		Summary: "A tcp fence holds something else than addresses",
		Why:     "A line that isn't understood would not be tried.",
		Remedy:  "Write `host:port`, or `closed host:port`, one a line.",
		Bad:     "+++\n+++\n- [ ] Look\n\n  ~~~tcp {.check}\n  http://127.0.0.1\n  ~~~\n",
		Good:    "+++\n+++\n- [ ] Look\n\n  ~~~tcp {.check}\n  127.0.0.1:80\n  ~~~\n",
	},
	{
		ID: "unknown-connection", Severity: runbook.Error,
		Summary: "A connection that nobody defines",
		Why:     "The statement has no server to go to.",
		Remedy:  "Add `db=NAME`, and `[connections.NAME]` to the front matter.",
		Bad:     "+++\n+++\n- [ ] Rows\n\n  ~~~sql {.check db=main}\n  SELECT 1 one\n  ~~~\n  ~~~expect\n  rows[0].one == 1\n  ~~~\n",
		Good:    "+++\n[connections.main]\ndriver = \"mysql\"\nhost = \"127.0.0.1\"\n+++\n- [ ] Rows\n\n  ~~~sql {.check db=main}\n  SELECT 1 one\n  ~~~\n  ~~~expect\n  rows[0].one == 1\n  ~~~\n",
	},
	{
		ID: "unknown-step", Severity: runbook.Error,
		Summary: "A reference to a step that doesn't exist",
		Why:     "`ran(\"…\")` would be false for ever.",
		Remedy:  "Correct the id as the message proposes.",
		Bad:     "+++\n+++\n- [ ] Stop {#stop}\n- [ ] Tell {#tell when=\"ran('stpo')\"}\n",
		Good:    "+++\n+++\n- [ ] Stop {#stop}\n- [ ] Tell {#tell when=\"ran('stop')\"}\n",
	},
	{
		ID: "walk-of-capture", Severity: runbook.Error,
		Summary: "A walk over something found in the run",
		Why:     "Nothing found at run time adds steps: what was approved is what runs.",
		Remedy:  "Walk a list parameter or a group, and compare it with what was found in a check.",
		Bad:     "+++\n+++\n- [ ] Names\n\n  ~~~sh {.check}\n  ls\n  ~~~\n  ~~~capture\n  names = lines\n  ~~~\n\n## Each {each=\"name in names\"}\n\n- [ ] Look at {{name}}\n",
		Good:    "+++\n[params.names]\ntype = \"list\"\n+++\n## Each {each=\"name in names\"}\n\n- [ ] Look at {{name}}\n",
	},
}

// chain are files of which each includes the next.
var chain = func() map[string]string {
	files := map[string]string{"16.md": "+++\n+++\n- [ ] Look\n"}
	for i := 1; i < 16; i++ {
		files[strconv.Itoa(i)+".md"] = "+++\n+++\n- [ ] [Next](" + strconv.Itoa(i+1) + ".md) {.include}\n"
	}
	return files
}()
