package lint

import (
	"strings"

	"stepgate/runbook"
)

// deep is more quotes in each other than a document may have.
var deep = strings.Repeat("> ", 40) + "text\n\n"

// matter are the rules on front matter, names and files that reading a runbook
// applies.
var matter = []Rule{
	{
		ID: "front-matter", Severity: runbook.Error,
		Summary: "The front matter can't be read",
		Why:     "It is TOML between two lines of `+++`.",
		Remedy:  "Correct it at the place named.",
		Bad:     "+++\ntitle = Upgrade\n+++\n- [ ] Look\n",
		Good:    "+++\ntitle = \"Upgrade\"\n+++\n- [ ] Look\n",
	},
	{
		ID: "name-taken", Severity: runbook.Error,
		Summary: "One name stands for two values",
		Why:     "Which of them a command gets would depend on where it stands.",
		Remedy:  "Give one of them another name.",
		Bad:     "+++\n[params.release]\n+++\n- [ ] Look\n\n  ~~~sh {.check}\n  echo \"$release\"\n  ~~~\n  ~~~capture\n  release = stdout\n  ~~~\n",
		Good:    "+++\n[params.release]\n+++\n- [ ] Look\n\n  ~~~sh {.check}\n  echo \"$release\"\n  ~~~\n  ~~~capture\n  installed = stdout\n  ~~~\n",
	},
	{
		ID: "reserved", Severity: runbook.Error,
		Summary: "A name that shells, loaders or expressions use themselves",
		Why:     "A parameter called PATH would change what every command is.",
		Remedy:  "Choose another name.",
		Bad:     "+++\n[params.PATH]\n+++\n- [ ] Look\n\n  ~~~sh {.check}\n  echo \"$PATH\"\n  ~~~\n",
		Good:    "+++\n[params.tools]\n+++\n- [ ] Look\n\n  ~~~sh {.check}\n  echo \"$tools\"\n  ~~~\n",
	},
	{
		ID: "unknown-key", Severity: runbook.Error,
		Summary: "A key that the front matter doesn't have",
		Why:     "A misspelled key would have no effect.",
		Remedy:  "Correct it as the message proposes.",
		Bad:     "+++\ntitel = \"Upgrade\"\n+++\n- [ ] Look\n",
		Good:    "+++\ntitle = \"Upgrade\"\n+++\n- [ ] Look\n",
	},
	{
		ID: "value", Severity: runbook.Error,
		Summary: "A value that its key or attribute can't have",
		Why:     "It would mean nothing, or something else.",
		Remedy:  "Write what the message asks for.",
		Bad:     "+++\n+++\n- [ ] Look {timeout=soon}\n\n  ~~~sh\n  uptime\n  ~~~\n",
		Good:    "+++\n+++\n- [ ] Look {timeout=30s}\n\n  ~~~sh\n  uptime\n  ~~~\n",
	},
	{
		ID: "yaml-front-matter", Severity: runbook.Notice,
		Summary: "YAML front matter is skipped",
		Why:     "Only its title is used; Stepgate's own is TOML between lines of `+++`.",
		Remedy:  "Nothing has to be done.",
		Bad:     "---\ntitle: Upgrade\n---\n# Upgrade\n\nLook first.\n",
		Good:    "+++\ntitle = \"Upgrade\"\n+++\n# Upgrade\n\nLook first.\n",
	},
	{
		ID: "carried-over", Severity: runbook.Error,
		Summary: "Too much carries over from fence to fence",
		Why:     "In a plain document the lines of cd and export stand in front of every later command, where they must stay readable.",
		Remedy:  "Begin a new level-1 heading, or write `+++` front matter.",
		Bad:     "# A\n\n~~~sh\n" + "export A=" + strings.Repeat("x", 70_000) + "\n~~~\n",
		Good:    "# A\n\n~~~sh\nexport A=x\n~~~\n",
	},
	{
		ID: "not-yet", Severity: runbook.Notice,
		Summary: "This version can plan it and not run it",
		Why:     "It is part of the language. A run refuses to start before it is there.",
		Remedy:  "Leave it out, or wait for a version that can.",
		Bad:     "+++\n+++\n- [ ] Hand over {#over approvers=2}\n\n  > [!CAUTION]\n  > The old cluster is gone after this.\n",
		Good:    "+++\n+++\n- [ ] Hand over, with a colleague who agrees {#over}\n\n  > [!CAUTION]\n  > The old cluster is gone after this.\n",
	},
}
