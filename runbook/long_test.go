package runbook_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

// longBooks are runbooks of real changes, each with the values it is planned with.
// They lie in testdata/long, with their inventories.
var longBooks = map[string]map[string]string{
	"oceanbase-rolling-upgrade": {
		"cluster": "obprod", "from_version": "4.1.0.0", "passes": "4.2.1.2,4.2.1.8", "db_password": "s3cret-one", "app_host": "proxy",
		"app_user": "app", "app_password": "s3cret-two",
	},
	"dolphindb-rolling-upgrade": {
		"cluster": "ddbprod", "from_version": "2.00.8.12", "to_version": "2.00.11.3", "package": "DolphinDB_Linux64_V2.00.11.3.zip", "db_password": "s3cret",
	},
	"dolphindb-one-to-three": {"cluster": "ddbprod", "old_ip": "10.0.0.1", "db_password": "s3cret"},
	"openmldb-upgrade": {
		"cluster": "mlprod", "zk": "zk-1:2181", "ops_dir": "/opt/openmldb", "old_version": "0.8.2", "new_version": "0.8.3",
		"new_package_dir": "/opt/new", "spark_dir": "/opt/spark", "spark_new": "/opt/spark-new", "probe_table": "t1", "writes": "running",
	},
	"polardbx-scale": {
		"context": "prod", "namespace": "px", "cluster": "px-1", "roles": "dn,cn", "cpu": "8", "memory": "32Gi", "old_cpu": "4",
	},
}

// below opens files in a directory, as a runbook's parts are.
func below(dir string) runbook.Opener {
	return func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))) }
}

// TestLongRunbooks: real changes are written down without an error, and planned
// with their values on their hosts.
func TestLongRunbooks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/long/*.md")
	if err != nil || len(files) != len(longBooks) {
		t.Fatalf("%d runbooks in testdata/long, %d sets of values: %v", len(files), len(longBooks), err)
	}
	for name, values := range longBooks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("testdata/long", name+".md")
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			book, ds := runbook.Parse(filepath.Base(file), src, below("testdata/long"))
			for _, d := range ds {
				t.Error(d)
			}
			if book == nil {
				t.FailNow()
			}
			for _, later := range book.Later {
				if later.Rule != "not-yet" || !strings.HasPrefix(later.Text, "not yet: ") || later.Pos.Line < 1 {
					t.Errorf("later: %v", later)
				}
			}
			planWith(t, book, strings.TrimSuffix(file, ".md")+".toml", maps.Clone(values))
		})
	}
}

func planWith(t *testing.T, book *runbook.Runbook, hosts string, values map[string]string) {
	t.Helper()
	src, err := os.ReadFile(hosts)
	if err != nil {
		t.Fatal(err)
	}
	inv, ds := inventory.Parse(filepath.Base(hosts), src)
	if inv == nil {
		t.Fatal(ds)
	}
	bound, missing, errs := plan.Bind(book, values)
	if len(missing) > 0 || len(errs) > 0 {
		t.Fatalf("missing %v, wrong %v", missing, errs)
	}
	p, problems := plan.New(book, bound, inv)
	for _, problem := range problems {
		t.Error(problem)
	}
	if p != nil && (len(p.Cells) < 20 || p.Digest == "") {
		t.Errorf("%d cells, digest %q", len(p.Cells), p.Digest)
	}
}
