package sshconfig_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"stepgate/executor/sshconfig"
)

// FuzzScan looks for a configuration that passes the scan and that the library reads
// otherwise than ssh.
func FuzzScan(f *testing.F) {
	program, err := exec.LookPath("ssh")
	if err != nil {
		f.Skip("NOT TESTED: ssh isn't installed, so that there is nothing to compare with")
	}
	files, err := filepath.Glob("testdata/corpus/*.conf")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	file := filepath.Join(f.TempDir(), "config")
	d := sshconfig.Destination{Host: "db1"}
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := sshconfig.Resolve(t.Context(), d, sshconfig.Options{File: file, SSH: "none"})
		if err != nil {
			return
		}
		want, err := sshconfig.Resolve(t.Context(), d, sshconfig.Options{File: file, SSH: program})
		if err != nil {
			return // ssh is stricter about values that don't matter here
		}
		if len(got.HostKeyAlgorithms) == 0 {
			want.HostKeyAlgorithms = nil
		}
		for i := range want.Jumps {
			want.Jumps[i].HostKeyAlgorithms = nil
		}
		for i := range got.Jumps {
			got.Jumps[i].HostKeyAlgorithms = nil
		}
		if diff := differences(want, got); diff != "" {
			t.Errorf("ssh (-) and the library (+) differ:\n%s", diff)
		}
	})
}
