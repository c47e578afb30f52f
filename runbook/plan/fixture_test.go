package plan_test

import (
	"testing"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

const source = `+++
title   = "Upgrade 升级"
summary = "One at a time."
confirm = "{{host}}"
[params.to_version]
pattern = "[0-9.]+"
prompt  = "Which"
help    = "The new one."
[params.mode]
type    = "choice"
choices = ["fast", "safe"]
default = "safe"
[groups.ops]
max = 1
[groups.tablet]
vars = ["home"]
min  = 2
help = "the tablets"
[groups.spare]
min = 0
[prelude]
sh = '''
say() { echo "$1"; }
'''
+++
## Before {#before}

Prose of the section.

- [ ] Look around {#look}

  Prose of the step.

  > [!WARNING]
  > Careful.

  ` + "```sh {.check on=tablet timeout=5s}" + `
  say hello
  ` + "```" + `
  ` + "```capture" + `
  seen = lines[0]
  ` + "```" + `
- [ ] Call someone {#call}

## Tablets {#tablets each=tablet order_by="home == seen" cwd="{{home}}"}

> [!CAUTION]
> Each goes away.

- [ ] Stop {{host}} {#stop when="mode == 'safe'"}

  > [!CAUTION]
  > Cut off now.

  ` + "```sh {.check on=ops until=1m every=5s hold=10s}" + `
  true
  ` + "```" + `
  ` + "```sh {timeout=20m}" + `
  stop "$host"
  ` + "```" + `
  ` + "```expect" + `
  exit == 0
  ` + "```" + `
  ` + "```sh {.check.rollback}" + `
  may-start
  ` + "```" + `
  ` + "```sh {.rollback}" + `
  start "$host"
  ` + "```" + `
  ` + "```sh {.check.rollback}" + `
  started
  ` + "```" + `
  ` + "```sh {.check}" + `
  stopped
  ` + "```" + `
- [ ] Replace {#replace .irreversible .required}

  ` + "```sh" + `
  mv new old
  ` + "```" + `
- [ ] Warm up {#warm .idempotent}

  ` + "```sh {on=tablet}" + `
  warm
  ` + "```" + `
`

func book(t *testing.T) *runbook.Runbook {
	t.Helper()
	b, ds := runbook.Parse("up.md", []byte(source), nil)
	if b == nil {
		t.Fatal(ds)
	}
	return b
}

func hosts() *inventory.Inventory {
	return &inventory.Inventory{
		Hosts: []inventory.Host{
			{Name: "ops-1", SSH: "ops@10.0.0.9:22", Vars: map[string]string{}},
			{Name: "t-1", SSH: "ops@10.0.0.1:22", Vars: map[string]string{"home": "/opt/一"}},
			{Name: "t-2", SSH: "ops@10.0.0.2:22", Vars: map[string]string{"home": "/opt/二"}},
			{Name: "idle", SSH: "ops@10.0.0.3:22", Vars: map[string]string{"home": "/opt/3"}},
		},
		Groups: []inventory.Group{
			{Name: "ops", Hosts: []string{"ops-1"}},
			{Name: "tablet", Hosts: []string{"t-1", "t-2"}},
			{Name: "spare", Hosts: []string{"idle"}},
		},
	}
}

func values(t *testing.T, b *runbook.Runbook, given map[string]string) plan.Values {
	t.Helper()
	vs, missing, errs := plan.Bind(b, given)
	if missing != nil || errs != nil {
		t.Fatal(missing, errs)
	}
	return vs
}

var given = map[string]string{"to_version": "0.9.2"}

func planned(t *testing.T, b *runbook.Runbook, inv *inventory.Inventory) *plan.Plan {
	t.Helper()
	p, ds := plan.New(b, values(t, b, map[string]string{b.Params[0].Name: "0.9.2"}), inv)
	if p == nil {
		t.Fatal(ds)
	}
	return p
}

// section and step find the fixture's parts.
func section(b *runbook.Runbook, i int) *runbook.Section { return b.Root.Items[i].(*runbook.Section) }

func step(b *runbook.Runbook, sec, i int) *runbook.Step {
	return section(b, sec).Items[i].(*runbook.Step)
}

func capture(t *testing.T, src string) *checks.Capture {
	t.Helper()
	c, problems := checks.CompileCapture(src, checks.Names{}, checks.OfScript)
	if c == nil {
		t.Fatal(problems)
	}
	return c
}
