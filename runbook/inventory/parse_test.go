package inventory_test

import (
	"reflect"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
)

func TestParse(t *testing.T) {
	t.Parallel()
	inv, ds := inventory.Parse("prod.toml", []byte(`
[groups.tablet]
hosts = ["tablet-2", "tablet-1"]
[groups.ops]
hosts = ["ops-1"]

[hosts.tablet-2]
ssh = "ops@10.0.0.2:22"
endpoint = "10.0.0.2:10921"
weight = 3
ratio = 0.5
ssd = true
[hosts.tablet-1]
ssh = "[::1]:2201"
[hosts."ops-1"]
`))
	if len(ds) != 0 {
		t.Fatal(ds)
	}
	want := &inventory.Inventory{
		Hosts: []inventory.Host{
			{Name: "tablet-2", SSH: "ops@10.0.0.2:22", Vars: map[string]string{"endpoint": "10.0.0.2:10921", "weight": "3", "ratio": "0.5", "ssd": "true"}},
			{Name: "tablet-1", SSH: "[::1]:2201", Vars: map[string]string{}},
			{Name: "ops-1", Vars: map[string]string{}},
		},
		Groups: []inventory.Group{{Name: "tablet", Hosts: []string{"tablet-2", "tablet-1"}}, {Name: "ops", Hosts: []string{"ops-1"}}},
	}
	if !reflect.DeepEqual(inv, want) {
		t.Errorf("got %+v\nwant %+v", inv, want)
	}
	if hosts, ok := inv.Group("tablet"); !ok || len(hosts) != 2 {
		t.Errorf("Group(tablet) = %v, %v", hosts, ok)
	}
	if _, ok := inv.Group("tablets"); ok {
		t.Error("there is no group tablets")
	}
	if h, ok := inv.Host("tablet-1"); !ok || h.SSH != "[::1]:2201" {
		t.Errorf("Host(tablet-1) = %+v, %v", h, ok)
	}
	if _, ok := inv.Host("tablet-9"); ok {
		t.Error("there is no host tablet-9")
	}
}

func TestParseReportsEverything(t *testing.T) {
	t.Parallel()
	inv, ds := inventory.Parse("prod.toml", []byte(`group = 1
[groups.tablet]
hosts = ["tablet-1", "tablet-1", "tabelt-2", "far-away"]
max = 3
[groups.ops]
[groups.tablet-1]
hosts = []
[hosts.tablet-1]
ssh = "ops@"
PATH = "/bin"
[hosts.tablet-2]
ssh = "-oProxyCommand=x"
disks = ["a", "b"]
[hosts."a b"]
[hosts.local]
`))
	if inv != nil {
		t.Error("an inventory with errors became a value")
	}
	var got strings.Builder
	for _, d := range ds {
		got.WriteString(d.String() + "\n")
	}
	want := `prod.toml:1:1: error: an inventory has no key "group" [unknown-key]
    did you mean groups?
prod.toml:3:1: error: group "tablet" names the host "tablet-1" twice [twice]
    remove one of them
prod.toml:3:1: error: group "tablet" names the host "tabelt-2", which the inventory doesn't have [unknown-host]
    did you mean tablet-2?
prod.toml:3:1: error: group "tablet" names the host "far-away", which the inventory doesn't have [unknown-host]
    add [hosts.far-away]
prod.toml:4:1: error: group "tablet" has no key "max" [unknown-key]
    known here: hosts
prod.toml:5:2: error: group "ops" has no hosts [value]
    add hosts = ["host-1"]
prod.toml:6:2: error: "tablet-1" is a group and, on line 8, a host [both]
    rename one of them: on= and each= could mean either
prod.toml:9:1: error: the SSH destination "ops@" has no address [ssh]
    write "user@address:port", "address", "[::1]:22", or a name that SSH's configuration knows
prod.toml:10:1: error: host "tablet-1": a variable can't be called "PATH": the shell, the loader or Stepgate reads the environment variable PATH [reserved]
    choose another name
prod.toml:12:1: error: the SSH destination "-oProxyCommand=x" begins with - [ssh]
    write "user@address:port", "address", "[::1]:22", or a name that SSH's configuration knows
prod.toml:13:1: error: host "tablet-2": disks is not a text or a number [value]
    a variable is one value
prod.toml:14:2: error: a host can't be called "a b" [value]
    use letters, digits, . _ and -
prod.toml:15:2: error: a host can't be called "local" [reserved]
    local is this machine; choose another name
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestDestinations(t *testing.T) {
	t.Parallel()
	for dest, ok := range map[string]bool{
		"web": true, "ops@web": true, "ops@10.0.0.1:22": true, "[::1]": true, "u@[fe80::1%eth0]:2222": true, "主机": true,
		"": false, "@web": false, "ops@": false, "web:": false, "web:0": false, "web:65536": false, "web:ssh": false, "::1": false, "[::1": false,
		"[]:22": false, "[::1]x": false, "[::1]:": false, "a@b@c": false, "-l": false, "u@-x": false, "a b": false, "a;b": false, "a\u202eb": false, "$(x)": false,
		"ssh://web": false,
	} {
		_, ds := inventory.Parse("i.toml", []byte("[hosts.h]\nssh = \""+dest+"\"\n"))
		if got := !runbook.Failed(ds); got != ok {
			t.Errorf("%q: accepted %v, want %v: %v", dest, got, ok, ds)
		}
	}
}

func TestOtherForms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, src, rule string }{
		"no TOML":   {"i.toml", "[hosts\n", "inventory"},
		"no tables": {"i.toml", "hosts = 1\ngroups = 2\n", "value"},
	} {
		inv, ds := inventory.Parse(c.file, []byte(c.src))
		if inv != nil || len(ds) == 0 || ds[0].Rule != c.rule || ds[0].Pos.Line < 1 || ds[0].Pos.File != c.file {
			t.Errorf("%s: %v, want rule %s", name, ds, c.rule)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[groups.a]\nhosts=[\"b\"]\n[hosts.b]\nssh=\"x@y:1\"\n")
	f.Add("[hosts.\"\\u202e\"]\n")
	f.Add("groups.a.hosts=[1]")
	f.Fuzz(func(t *testing.T, src string) {
		inv, ds := inventory.Parse("i.toml", []byte(src))
		if (inv == nil) != runbook.Failed(ds) {
			t.Fatalf("inventory %v with %v", inv, ds)
		}
		if inv == nil {
			return
		}
		for _, g := range inv.Groups {
			for _, name := range g.Hosts {
				if _, ok := inv.Host(name); !ok {
					t.Fatalf("group %q holds %q, which is no host", g.Name, name)
				}
			}
		}
	})
}
