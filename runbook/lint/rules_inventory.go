package lint

import "stepgate/runbook"

// inventories are the rules on what an inventory must have for a runbook.
var inventories = []Rule{
	{
		ID: "missing-group", Severity: runbook.Error,
		Summary: "The inventory lacks a group that the runbook needs",
		Why:     "There are no hosts to work on.",
		Remedy:  "Add the group to the inventory, or give the right inventory with `-i`.",
		Bad: `+++
[groups.web]
+++
- [ ] Look

  ~~~sh {.check on=web}
  uptime
  ~~~
`,
		Good: `+++
[groups.db]
+++
- [ ] Look

  ~~~sh {.check on=db}
  uptime
  ~~~
`,
		Stock: "[groups.db]\nhosts = [\"db-1\"]\n[hosts.db-1]\nport = \"3306\"\n",
	},
	{
		ID: "empty-group", Severity: runbook.Error,
		Summary: "A step runs on a group without hosts",
		Why:     "It would be done without having done anything.",
		Remedy:  "Give the group a host.",
		Bad: `+++
[groups.db]
min = 0
+++
- [ ] Look

  ~~~sh {.check on=db}
  uptime
  ~~~
`,
		Good: `+++
[groups.db]
min = 0
+++
- [ ] Look {each=db}

  ~~~sh {.check}
  uptime
  ~~~
`,
		Stock: "[groups.db]\nhosts = []\n",
	},
	{
		ID: "several-vias", Severity: runbook.Error,
		Summary: "A connection's way leads through several hosts",
		Why:     "It goes through the SSH connection of one.",
		Remedy:  "Name one host, or a group of one.",
		Bad: `+++
[groups.db]
[connections.main]
driver = "mysql"
host   = "127.0.0.1"
via    = "db"
+++
- [ ] Rows

  ~~~sql {.check db=main}
  SELECT 1 n
  ~~~
  ~~~expect
  rows[0].n == 1
  ~~~
`,
		Good: `+++
[groups.db]
[connections.main]
driver = "mysql"
host   = "127.0.0.1"
via    = "db-1"
+++
- [ ] Rows {on=db}

  ~~~sql {.check db=main}
  SELECT 1 n
  ~~~
  ~~~expect
  rows[0].n == 1
  ~~~
`,
		Stock: "[groups.db]\nhosts = [\"db-1\", \"db-2\"]\n[hosts.db-1]\nport = \"3306\"\n[hosts.db-2]\nport = \"3306\"\n",
	},
	{
		ID: "group-too-small", Severity: runbook.Error,
		Summary: "A group has fewer hosts than the runbook needs",
		Why:     "With fewer hosts the change wouldn't be safe: nothing is left that could serve meanwhile.",
		Remedy:  "Complete the group in the inventory.",
		Bad: `+++
[groups.db]
min = 2
+++
- [ ] Look

  ~~~sh {.check on=db}
  uptime
  ~~~
`,
		Good: `+++
[groups.db]
min = 1
+++
- [ ] Look

  ~~~sh {.check on=db}
  uptime
  ~~~
`,
		Stock: "[groups.db]\nhosts = [\"db-1\"]\n[hosts.db-1]\nport = \"3306\"\n",
	},
	{
		ID: "group-too-large", Severity: runbook.Error,
		Summary: "A group has more hosts than the runbook allows",
		Why:     "What is written for one host would run on several.",
		Remedy:  "Leave only the hosts that are meant in the group.",
		Bad: `+++
[groups.db]
max = 1
+++
- [ ] Look

  ~~~sh {.check on=db}
  uptime
  ~~~
`,
		Good: `+++
[groups.db]
max = 2
+++
- [ ] Look

  ~~~sh {.check on=db}
  uptime
  ~~~
`,
		Stock: "[groups.db]\nhosts = [\"db-1\", \"db-2\"]\n[hosts.db-1]\nport = \"3306\"\n[hosts.db-2]\nport = \"3306\"\n",
	},
	{
		ID: "missing-host-variable", Severity: runbook.Error,
		Summary: "A host lacks a variable that its group needs",
		Why:     "Commands for that host would be without the value.",
		Remedy:  "Add the variable to the host in the inventory.",
		Bad: `+++
[groups.db]
vars = ["home"]
+++
- [ ] Look

  ~~~sh {.check on=db}
  ls "$home"
  ~~~
`,
		Good: `+++
[groups.db]
vars = ["port"]
+++
- [ ] Look

  ~~~sh {.check on=db}
  ls "$port"
  ~~~
`,
		Stock: "[groups.db]\nhosts = [\"db-1\"]\n[hosts.db-1]\nport = \"3306\"\n",
	},
}
