package site

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func newSite(t *testing.T) *Site {
	t.Helper()
	s := &Site{Dir: t.TempDir(), System: "openmldb", Speed: 2, Hosts: []Host{{Name: "a", User: "ua"}, {Name: "b", User: "ub"}}}
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLocate(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct{ name, path, dir, host, want string }{
		{"a program of a host", s.Root("b") + "/opt/x/bin/start.sh", "", "", "b"},
		{"a directory called hosts on a host", s.Root("b") + "/opt/hosts/a/bin/start.sh", "", "", "b"},
		{"shared by all, on a", s.Dir + "/packages/bin/x", s.Dir, "a", "a"},
		{"shared by all, nowhere", s.Dir + "/packages/bin/x", "", "", ""},
		{"no such host", s.Root("c") + "/bin/x", "", "", ""},
		{"no lab", "/usr/bin/x", "", "", ""},
	} {
		t.Setenv("LAB_DIR", tc.dir)
		t.Setenv("LAB_HOST", tc.host)
		_, h, err := Locate(tc.path)
		switch {
		case tc.want == "" && err == nil:
			t.Errorf("%s: found on %s", tc.name, h.Name)
		case tc.want != "" && (err != nil || h.Name != tc.want):
			t.Errorf("%s: got %+v, %v", tc.name, h, err)
		}
	}
}

func TestReplaceLeavesNothingHalf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	var wg sync.WaitGroup
	for _, c := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			for range 50 {
				if err := Replace(path, []byte(strings.Repeat(c, 10000)), 0o640); err != nil {
					t.Error(err)
				}
				data, err := os.ReadFile(path)
				if err != nil || len(data) != 10000 || strings.Trim(string(data), string(data[:1])) != "" {
					t.Errorf("a torn file of %d bytes, %v", len(data), err)
				}
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if err := Replace(filepath.Join(dir, "none", "f"), nil, 0o600); err == nil {
		t.Error("written into a directory that isn't there")
	}
}

func TestRecordFromManyProcesses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if err := s.Record("a", "p", []string{strings.Repeat("实", 500)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	entries, err := s.Ledger()
	if err != nil || len(entries) != 160 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if err := os.WriteFile(s.ledgerPath(), []byte("broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ledger(); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a broken ledger: %v", err)
	}
}
