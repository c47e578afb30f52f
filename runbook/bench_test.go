package runbook_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/text"

	"stepgate/runbook"
)

var documents = flag.String("documents", "", "directory of more Markdown files to read, besides corpus")

// markdownFiles returns the Markdown files below a directory.
func markdownFiles(tb testing.TB, dir string) map[string][]byte {
	tb.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		files[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(files) == 0 {
		tb.Fatalf("no Markdown files in %s: %v", dir, err)
	}
	return files
}

// long is a document of n sections. An annotated one has front matter and checks.
func long(n int, annotated bool) []byte {
	var b strings.Builder
	if annotated {
		b.WriteString("+++\n[params.zone]\n[groups.app]\nvars = [\"port\"]\n+++\n")
	}
	for i := range n {
		fmt.Fprintf(&b, "## Part %d\n\nStop the *service* on `host-%d`, see [the manual](https://example.org/%d) and wait\nuntil it is gone. Then look at:\n\n- the log\n- the **graph**\n\n", i, i, i)
		if annotated {
			fmt.Fprintf(&b, "- [ ] Stop app %d in {{zone}} {#stop-%d on=app}\n\n  ```sh {timeout=2m}\n  systemctl stop app-%d\n  ```\n  ```sh {.check until=60s every=2s}\n  ss -Hltn \"sport = :$port\"\n  ```\n  ```expect\n  len(lines) == 0\n  ```\n\n", i, i, i)
		} else {
			fmt.Fprintf(&b, "```bash\nsystemctl status app-%d\ntail -n 20 /var/log/app.log | grep -c error\n```\n\n", i)
		}
		b.WriteString("| a | b |\n|---|---|\n| 1 | 2 |\n\n")
	}
	return []byte(b.String())
}

// BenchmarkParse stands beside the Markdown library's own parse of the same
// documents. One document of 10, 100 and 1000 sections shows that time grows
// with size and no faster.
func BenchmarkParse(b *testing.B) {
	type set struct {
		name  string
		files map[string][]byte
	}
	sets := []set{{"corpus", markdownFiles(b, "corpus")}, {"annotated", markdownFiles(b, "../runbooks")}}
	for _, n := range []int{10, 100, 1000} {
		sets = append(sets,
			set{fmt.Sprintf("plain-%d", n), map[string][]byte{"long.md": long(n, false)}},
			set{fmt.Sprintf("annotated-%d", n), map[string][]byte{"long.md": long(n, true)}})
	}
	if *documents != "" {
		sets = append(sets, set{"documents", markdownFiles(b, *documents)})
	}
	markdown := goldmark.DefaultParser()
	for _, set := range sets {
		size := 0
		for _, src := range set.files {
			size += len(src)
		}
		b.Run("runbook/"+set.name, func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				for name, src := range set.files {
					if r, ds := runbook.Parse(name, src, nil); r == nil && set.name != "documents" {
						b.Fatal(ds)
					}
				}
			}
		})
		b.Run("goldmark/"+set.name, func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				for _, src := range set.files {
					markdown.Parse(text.NewReader(src))
				}
			}
		})
	}
}
