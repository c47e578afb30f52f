package rehearsal

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// Program is the path of the real binary, built once. It is built without the race
// detector whatever the tests are: a simulated cluster starts it hundreds of times.
func Program(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Run runs a package's tests, this many stories at once if atOnce isn't 0, and removes
// what [Program] built. Rehearsals wait for their clusters most of the time.
func Run(m *testing.M, atOnce int) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); atOnce > 0 && f != nil {
		if err := f.Value.Set(strconv.Itoa(atOnce)); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	if buildDir != "" {
		_ = os.RemoveAll(buildDir) // below the temporary directory, at worst
	}
	os.Exit(code)
}

var buildDir string

var build = sync.OnceValues(func() (string, error) {
	var err error
	if buildDir, err = os.MkdirTemp("", "stepgate-test-"); err != nil {
		return "", err
	}
	path := filepath.Join(buildDir, "stepgate")
	if out, err := exec.Command("go", "build", "-o", path, "stepgate/cmd/stepgate").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})
