package lab_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"stepgate/lab"
	"stepgate/runbook/text"
)

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "precious"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, dir, system, want, hint string
		options                       lab.Options
	}{
		{name: "a directory in use", dir: full, system: "openmldb", want: "isn't empty"},
		{name: "an unknown system", dir: t.TempDir(), system: "oracle", want: `no such system`, hint: "openmldb"},
		{name: "an unknown fault", dir: t.TempDir(), system: "openmldb", options: lab.Options{Faults: []string{"tablet-1:weather=bad"}}, want: `no fault "weather"`, hint: "start"},
		{name: "a fault of another host", dir: t.TempDir(), system: "openmldb", options: lab.Options{Faults: []string{"ns-1:recover=never"}}, want: "has no meaning", hint: "tablet"},
		{name: "a negative speed", dir: t.TempDir(), system: "openmldb", options: lab.Options{Speed: -1}, want: "negative"},
		{name: "a program that isn't there", dir: t.TempDir(), system: "openmldb", options: lab.Options{Program: "/nowhere/x"}, want: "copy the program"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := lab.Create(tc.dir, tc.system, tc.options)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(text.HintOf(err), tc.hint) {
				t.Errorf("got %v (%s)", err, text.HintOf(err))
			}
			if _, err := lab.Open(tc.dir); !errors.Is(err, fs.ErrNotExist) || text.HintOf(err) == "" {
				t.Errorf("it can be opened afterwards: %v", err)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(full, "precious")); err != nil {
		t.Error(err)
	}
}

func TestDownRefusesWhatIsNoLab(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "precious"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := lab.Down(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lab.json"), []byte(`{"dir":"/elsewhere","speed":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := lab.Down(t.Context(), dir); err == nil {
		t.Error("a copied lab directory was taken down")
	}
	if _, err := os.Stat(filepath.Join(dir, "precious")); err != nil {
		t.Error(err)
	}
}

func TestClusterAndInventoryAgree(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{})
	again, err := lab.Open(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var inventory struct {
		Groups map[string]struct{ Hosts []string }
		Hosts  map[string]map[string]string
	}
	if _, err := toml.DecodeFile(again.Inventory, &inventory); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"ops": "ns-1", "nameserver": "ns-1 ns-2", "tablet": "tablet-1 tablet-2 tablet-3"} {
		if got := strings.Join(inventory.Groups[name].Hosts, " "); got != want {
			t.Errorf("group %s is %q", name, got)
		}
	}
	for _, h := range again.Hosts {
		in := inventory.Hosts[h.Name]
		if in["ssh"] != h.User+"@"+h.Addr || in["endpoint"] != h.Vars["endpoint"] || in["home"] != h.Vars["home"] || in["home"] == "" {
			t.Errorf("%s is %v in the inventory, %+v in the cluster", h.Name, in, h)
		}
	}
	for name, path := range map[string]string{"identity": again.Identity, "known_hosts": again.KnownHosts} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for _, name := range strings.Fields("cluster zk zk_root ops_dir statdir old_version new_version new_package_dir probe_table") {
		if again.Params[name] == "" {
			t.Errorf("no parameter %s", name)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{})
	for _, spec := range []string{"tablet-2:start=hang", "ns-1:stop=survive", "tablet-2:start=fail"} {
		if err := lab.Fault(s.Dir, spec); err != nil {
			t.Fatal(err)
		}
	}
	shown := func() string {
		faults, err := lab.Faults(s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range faults {
			out = append(out, f.String())
		}
		return strings.Join(out, " ")
	}
	if got := shown(); got != "ns-1:stop=survive tablet-2:start=fail" {
		t.Errorf("got %q", got)
	}
	for range 2 { // clearing what is clear is no error
		if err := lab.Fault(s.Dir, "tablet-2:start="); err != nil {
			t.Error(err)
		}
	}
	if got := shown(); got != "ns-1:stop=survive" {
		t.Errorf("got %q", got)
	}
	for spec, hint := range map[string]string{
		"tablet-2":             "tablet-2:start=fail",
		"tablet-9:start=fail":  "tablet-3",
		"tablet-2:begin=fail":  "changeleader, ",
		"tablet-2:start=never": "fail or hang",
		"../x:start=fail":      "tablet-3",
	} {
		if err := lab.Fault(s.Dir, spec); err == nil || !strings.Contains(text.HintOf(err), hint) {
			t.Errorf("%s: got %v (%s)", spec, err, text.HintOf(err))
		}
	}
}

func TestStartSaysWhyItCant(t *testing.T) {
	t.Parallel()
	s := create(t, lab.Options{})
	// A cluster file that was damaged from outside.
	if err := os.WriteFile(filepath.Join(s.Dir, "cluster.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := lab.Start(t.Context(), s.Dir)
	if err == nil || !strings.Contains(err.Error(), "cluster.json") || !strings.Contains(text.HintOf(err), filepath.Join(s.Dir, "lab.log")) {
		t.Errorf("got %v (%s)", err, text.HintOf(err))
	}
}
