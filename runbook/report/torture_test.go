package report_test

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	gtext "github.com/yuin/goldmark/text"

	"stepgate/cmd/torture/tally"
	"stepgate/runbook/report"
	"stepgate/runbook/run"
	corpus "stepgate/runbook/text/hostile"
)

// skeleton is what a Markdown text says of itself: its headings, and how many
// links, images and pieces of HTML it has.
func skeleton(t *testing.T, src []byte) (headings []string, links, html int) {
	t.Helper()
	err := ast.Walk(goldmark.DefaultParser().Parse(gtext.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			headings = append(headings, string(n.Lines().Value(src)))
		case *ast.Link, *ast.Image, *ast.AutoLink:
			links++
		case *ast.HTMLBlock, *ast.RawHTML:
			html++
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return headings, links, html
}

// Whatever commands print and people write: a transcript holds nothing that a
// terminal acts on, keeps its structure, has no HTML and no link that isn't the
// report's own, and JSON gives back what was printed.
func TestTortureT13Exports(t *testing.T) {
	t.Parallel()
	cases, err := corpus.Corpus()
	if err != nil {
		t.Fatal(err)
	}
	s := upgrade(t, func(string, *story) {})
	headings, links, _ := skeleton(t, written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) }))
	n := min(tally.Size(t, 100), len(cases))
	for i := range n {
		c := cases[i*len(cases)/n]
		said := c.Text[:min(len(c.Text), 8<<10)]
		tr := s.transcript()
		tr.Output = func(string, int) ([]byte, int64, error) { return []byte(said), 0, nil }
		note := run.Record{RunID: s.r.ID, Seq: s.r.Seq + 1, Epoch: s.epoch, Wall: s.now, Actor: said, Prev: s.r.Head, Hash: [32]byte{1}, Event: run.Note{Text: said}}
		if tr.Run, err = run.Apply(s.p, s.r, note); err != nil {
			t.Fatal(err)
		}
		tr.Records = append(slices.Clone(s.records), note)
		md := written(t, func(w io.Writer) error { return report.Markdown(w, tr) })
		if why := corpus.Harm(string(md)); why != "" {
			t.Errorf("%s: the Markdown holds %s", c.Name, why)
		}
		if h, l, html := skeleton(t, md); !slices.Equal(h, headings) || l != links || html != 0 {
			t.Errorf("%s: %d headings instead of %d, %d links instead of %d, %d pieces of HTML", c.Name, len(h), len(headings), l, links, html)
		}
		js := written(t, func(w io.Writer) error { return report.JSON(w, tr) })
		if why := corpus.Acts(string(js)); why != "" {
			t.Errorf("%s: the JSON holds %s", c.Name, why)
		}
		if got := firstOutput(t, js); got != said {
			t.Errorf("%s: JSON gives back %.200q, printed was %.200q", c.Name, got, said)
		}
		events := written(t, func(w io.Writer) error { return report.Events(w, tr.Records) })
		if why := corpus.Acts(string(events)); why != "" || strings.Count(string(events), "\n") != len(tr.Records) {
			t.Errorf("%s: the events hold %s, or lines of their own", c.Name, why)
		}
	}
	tally.Add(t, tally.Cases, n)
}

// firstOutput is what the first attempt of a transcript printed.
func firstOutput(t *testing.T, js []byte) string {
	t.Helper()
	var got struct {
		Cells []struct {
			Attempts []struct {
				Stdout struct {
					Text   string
					Base64 []byte
				}
			}
		}
	}
	if err := json.Unmarshal(js, &got); err != nil {
		t.Fatal(err)
	}
	for _, c := range got.Cells {
		if len(c.Attempts) > 0 {
			return c.Attempts[0].Stdout.Text + string(c.Attempts[0].Stdout.Base64)
		}
	}
	t.Fatal("no attempt in the transcript")
	return ""
}
