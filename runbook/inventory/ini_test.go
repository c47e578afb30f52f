package inventory_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
)

func TestINI(t *testing.T) {
	t.Parallel()
	inv, ds := inventory.Parse("hosts.ini", []byte(`# a comment
; another
mail ansible_host=10.0.0.9 ansible_port=2200

[web]
web[01:03] ansible_user=ops zone=a   # three of them
web02 zone="b c" ansible_ssh_host=10.0.0.2
[db]
db-[a:c:2]:2222 n=1
six ansible_host=::1 ansible_user=root
here ansible_connection=local
[web:vars]
port = 8080 # of all
zone=z
greeting='hello # world'
[prod:children]
web
db
[prod:vars]
port=1
tier=prod
[all:vars]
tier=none
all_of_them=yes
`))
	if len(ds) != 0 {
		t.Fatal(ds)
	}
	var got strings.Builder
	for _, h := range inv.Hosts {
		fmt.Fprintf(&got, "%s %q %v\n", h.Name, h.SSH, h.Vars)
	}
	for _, g := range inv.Groups {
		fmt.Fprintf(&got, "[%s] %v\n", g.Name, g.Hosts)
	}
	want := `mail "10.0.0.9:2200" map[all_of_them:yes tier:none]
web01 "ops@web01" map[all_of_them:yes greeting:hello # world port:8080 tier:prod zone:a]
web02 "ops@10.0.0.2" map[all_of_them:yes greeting:hello # world port:8080 tier:prod zone:b c]
web03 "ops@web03" map[all_of_them:yes greeting:hello # world port:8080 tier:prod zone:a]
db-a "db-a:2222" map[all_of_them:yes n:1 port:1 tier:prod]
db-c "db-c:2222" map[all_of_them:yes n:1 port:1 tier:prod]
six "root@[::1]" map[all_of_them:yes port:1 tier:prod]
here "" map[all_of_them:yes port:1 tier:prod]
[all] [mail web01 web02 web03 db-a db-c six here]
[web] [web01 web02 web03]
[db] [db-a db-c six here]
[prod] [web01 web02 web03 db-a db-c six here]
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestINIReportsEverything(t *testing.T) {
	t.Parallel()
	inv, ds := inventory.Parse("hosts", []byte(`[web]
web-[3:1]
web-[a:9]
web-[1
a b=1 c
a "open
[web:vors]
x=1
[web:vars]
PATH=/bin
nothing
[prod:children]
wbe
web
prod
[lost:vars]
a=1
[both]
both
[web] extra
x ansible_become=yes ansible_connection=winrm ansible_host=-x
[local]
bad!name
`))
	if inv != nil {
		t.Error("an inventory with errors became a value")
	}
	var got strings.Builder
	for _, d := range ds {
		got.WriteString(d.String() + "\n")
	}
	want := `hosts:2:1: error: the host "web-[3:1]" has a range that ends before it begins [inventory]
    write a range such as web[01:03] or db-[a:c]
hosts:3:1: error: the host "web-[a:9]" has a range from a to 9, which are not of one kind [inventory]
    write a range such as web[01:03] or db-[a:c]
hosts:4:1: error: the host "web-[1" holds brackets that are no range [inventory]
    write a range such as web[01:03] or db-[a:c]
hosts:5:7: error: "c" behind a host is no variable [inventory]
    write name=value, with quotes around a value that holds blanks
hosts:6:1: error: a quote is never closed [inventory]
    close the quote on its line
hosts:7:1: error: the section [web:vors] is none of an inventory [inventory]
    write [web], [web:vars] or [web:children]
hosts:11:1: error: "nothing" is no variable [inventory]
    write name=value
hosts:13:1: error: there is no group "wbe" [unknown-group]
    did you mean web?
hosts:15:1: error: the group "prod" is a child of itself [inventory]
    take one of the two groups out of the other's children
hosts:16:1: error: there is no group "lost" [unknown-group]
    add a section [lost]
hosts:18:1: error: "both" is a group and, on line 19, a host [both]
    rename one of them: on= and each= could mean either
hosts:20:1: error: unexpected "extra" behind the section's name [inventory]
    put it on a line of its own
hosts:22:1: error: a group can't be called "local" [reserved]
    local is this machine; choose another name
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestINIVariables(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"a PATH=/bin":                  `error: host "a": a variable can't be called "PATH"`,
		"a b-c=1":                      `error: host "a": a variable can't be called "b-c"`,
		"a ansible_connection=winrm":   `error: host "a": the connection "winrm" is none that is known here`,
		"a ansible_host=-x":            `error: the SSH destination "-x" begins with -`,
		"a ansible_port=x":             `error: the SSH destination "a:x" has the port "x"`,
		"bad!name":                     `error: a host can't be called "bad!name"`,
		"local":                        `error: a host can't be called "local"`,
		"a ansible_become=yes":         `notice: ansible_become is left out`,
		"a x=\"a\u202eb\"":             `error: host "a": invisible character`,
		"a b=1\n[all:vars]\nPATH=/bin": `error: host "a": a variable can't be called "PATH"`,
	} {
		_, ds := inventory.Parse("i.ini", []byte(src))
		if len(ds) != 1 || !strings.Contains(ds[0].String(), want) {
			t.Errorf("%q: %v, want %s", src, ds, want)
		}
	}
}

// TestINILimits: what multiplies ends at a limit.
func TestINILimits(t *testing.T) {
	t.Parallel()
	var groups, diamonds strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&groups, "[g%d]\n", i)
	}
	for i := range 400 {
		fmt.Fprintf(&diamonds, "[a%d:children]\na%d\nb%d\n[b%d:children]\na%d\nb%d\n", i, i+1, i+1, i, i+1, i+1)
	}
	diamonds.WriteString("[a400]\nx\n[b400]\ny\n")
	for name, c := range map[string]struct {
		src, rule string
	}{
		"a range":  {"[web]\nw[1:999999999]\n", "too-large"},
		"ranges":   {"[web]\nw[1:999][1:999][1:999][1:999][1:999]\n", "too-large"},
		"groups":   {groups.String(), "too-large"},
		"diamonds": {diamonds.String(), ""},
	} {
		inv, ds := inventory.Parse("hosts.ini", []byte(c.src))
		switch {
		case c.rule == "" && inv == nil:
			t.Errorf("%s: %v", name, ds)
		case c.rule != "" && (inv != nil || len(ds) != 1 || ds[0].Rule != c.rule):
			t.Errorf("%s: %v, want rule %s", name, ds, c.rule)
		}
	}
}

func TestFormOfAnInventory(t *testing.T) {
	t.Parallel()
	ini := &inventory.Inventory{
		Hosts:  []inventory.Host{{Name: "web-1", SSH: "web-1", Vars: map[string]string{}}},
		Groups: []inventory.Group{{Name: "all", Hosts: []string{"web-1"}}, {Name: "web", Hosts: []string{"web-1"}}},
	}
	for _, c := range []struct {
		file, src string
		want      *inventory.Inventory
	}{
		{"hosts", "[web]\nweb-1\n", ini},
		{"hosts.ini", "\ufeff[web]\r\nweb-1\r\n", ini},
		{"inventory.cfg", "# x\n[web]\nweb-1\n", ini},
		{"hosts.toml", "[web]\nweb-1\n", nil},
		{"hosts", "[hosts.web-1]\n", &inventory.Inventory{Hosts: []inventory.Host{{Name: "web-1", Vars: map[string]string{}}}}},
	} {
		inv, ds := inventory.Parse(c.file, []byte(c.src))
		if !reflect.DeepEqual(inv, c.want) {
			t.Errorf("%s %q: %+v, %v", c.file, c.src, inv, ds)
		}
	}
}

func FuzzINI(f *testing.F) {
	f.Add("[web]\nweb[01:03] a=b ansible_host=x\n[web:vars]\nc='d'\n[p:children]\nweb\n")
	f.Add("a[a:c:2]:22 x=\"y z\" # c\n")
	f.Fuzz(func(t *testing.T, src string) {
		inv, ds := inventory.Parse("i.ini", []byte(src))
		if (inv == nil) != runbook.Failed(ds) {
			t.Fatalf("inventory %v with %v", inv, ds)
		}
		for _, d := range ds {
			if d.Pos.Line < 1 || d.Pos.Line > strings.Count(src, "\n")+1 || d.Pos.Col < 1 {
				t.Fatalf("diagnostic %v", d)
			}
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

// TestReferenceInventories parses the inventories of the language's reference.
func TestReferenceInventories(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../../docs/language.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(src), "\n## Inventory\n")
	for _, form := range []string{"toml", "ini"} {
		_, text, _ := strings.Cut(section, "\n```"+form+"\n")
		text, _, found := strings.Cut(text, "\n```\n")
		inv, ds := inventory.Parse("example."+form, []byte(text))
		if !found || inv == nil || len(ds) > 0 || len(inv.Hosts) == 0 || len(inv.Groups) == 0 {
			t.Errorf("%s: %v", text, ds)
		}
	}
}
