package runbook_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/text"

	"stepgate/runbook"
)

// long is a plain operations document of n sections.
func long(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "## Part %d\n\nStop the *service* on `host-%d`, see [the manual](https://example.org/%d) and wait\nuntil it is gone. Then look at:\n\n- the log\n- the **graph**\n\n```bash\nsystemctl status app-%d\ntail -n 20 /var/log/app.log | grep -c error\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n", i, i, i, i)
	}
	return []byte(b.String())
}

// BenchmarkParse stands beside the Markdown library's own parse of the same
// document, and grows with it.
func BenchmarkParse(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		src := long(n)
		b.Run(fmt.Sprintf("runbook/%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if r, ds := runbook.Parse("long.md", src, nil); r == nil {
					b.Fatal(ds)
				}
			}
		})
		b.Run(fmt.Sprintf("goldmark/%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				goldmark.DefaultParser().Parse(text.NewReader(src))
			}
		})
	}
}
