package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	gtext "github.com/yuin/goldmark/text"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\nwrite it with: go test ./runbook/report -update", err)
	}
	if bytes.Equal(want, got) {
		return
	}
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			t.Fatalf("%s:%d differs\n got %s\nwant %s", file, i+1, g[i], w[i])
		}
	}
	t.Fatalf("%s has %d lines, got %d", file, len(w), len(g))
}

func (s *story) transcript() report.Transcript {
	return report.Transcript{Run: s.r, Records: s.records, Output: s.output, Now: s.now.Add(time.Minute)}
}

func written(t *testing.T, f func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	seen := 0
	s := upgrade(t, func(point string, s *story) {
		seen++
		golden(t, "show-"+point+".txt", written(t, func(w io.Writer) error { return report.Show(w, s.r) }))
		golden(t, "show-"+point+".json", written(t, func(w io.Writer) error { return report.ShowJSON(w, s.r) }))
		golden(t, "remaining-"+point+".md", written(t, func(w io.Writer) error { return report.Remaining(w, s.transcript()) }))
		if point == "unknown" {
			golden(t, "unfinished.md", written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) }))
		}
	})
	if seen != 4 {
		t.Errorf("looked at %d points", seen)
	}
	golden(t, "transcript.md", written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) }))
	golden(t, "transcript.json", written(t, func(w io.Writer) error { return report.JSON(w, s.transcript()) }))
	golden(t, "show-closed.txt", written(t, func(w io.Writer) error { return report.Show(w, s.r) }))
	golden(t, "timeline.txt", written(t, func(w io.Writer) error { return report.Timeline(w, s.r, s.records, time.UTC) }))
	golden(t, "plan.txt", written(t, func(w io.Writer) error { return report.Plan(w, s.p) }))
	golden(t, "plan.json", written(t, func(w io.Writer) error { return report.PlanJSON(w, s.p) }))
}

// Every report of every prefix of the run can be written, and is clean.
func TestEveryPrefix(t *testing.T) {
	t.Parallel()
	s := upgrade(t, func(string, *story) {})
	for n := 1; n <= len(s.records); n++ {
		r, err := run.Fold(s.p, s.records[:n])
		if err != nil {
			t.Fatal(err)
		}
		tr := report.Transcript{Run: r, Records: s.records[:n], Output: s.output, Now: s.now, Problem: "数据 \x1b]0;x\x07"}
		for what, f := range map[string]func(io.Writer) error{
			"markdown": func(w io.Writer) error { return report.Markdown(w, tr) },
			"json":     func(w io.Writer) error { return report.JSON(w, tr) },
			"show":     func(w io.Writer) error { return report.Show(w, r) },
			"timeline": func(w io.Writer) error { return report.Timeline(w, r, tr.Records, time.UTC) },
			"events":   func(w io.Writer) error { return report.Events(w, tr.Records) },
			"left":     func(w io.Writer) error { return report.Remaining(w, tr) },
			"showjson": func(w io.Writer) error { return report.ShowJSON(w, r) },
		} {
			got := string(written(t, f))
			if i, c := text.FindHidden(strings.ReplaceAll(got, "\ufffd", "")); i >= 0 {
				t.Fatalf("%s of %d events holds %U at %d", what, n, c, i)
			}
			if strings.Contains(what, "json") && !json.Valid([]byte(got)) {
				t.Fatalf("%s of %d events is no JSON", what, n)
			}
			if what == "markdown" && strings.Contains(got, "**Not finished.**") != (r.Closed == "") {
				t.Fatalf("after %d events the transcript is wrong about whether the run is finished", n)
			}
		}
	}
}

// What commands print, and what people type, stays inside its block: the
// headings of the transcript are those of the report.
func TestTranscriptKeepsItsStructure(t *testing.T) {
	t.Parallel()
	s := upgrade(t, func(string, *story) {})
	src := written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) })
	doc := goldmark.DefaultParser().Parse(gtext.NewReader(src))
	var headings []string
	code := 0
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			headings = append(headings, string(n.Lines().Value(src)))
		case *ast.HTMLBlock, *ast.RawHTML:
			t.Errorf("HTML in the transcript: %s", n.Kind())
		case *ast.FencedCodeBlock:
			if strings.Contains(string(n.Lines().Value(src)), "# not a heading\n````\n⟨U+202E⟩gnp.exe\n停止完成") {
				code++
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(headings, "not a heading") {
		t.Error("a command's output became a heading")
	}
	if code != 1 {
		t.Errorf("the hostile output stands whole in %d code blocks, want 1", code)
	}
	for _, want := range []string{"Exceptions", "Who drove it", "Values", "Hosts", "Steps", "Timeline", "Preludes", "Journal"} {
		if !slices.Contains(headings, want) {
			t.Errorf("no heading %q in %q", want, headings)
		}
	}
}

// The order of a walk is the order of the transcript.
func TestWalkingOrder(t *testing.T) {
	t.Parallel()
	s := upgrade(t, func(string, *story) {})
	md := string(written(t, func(w io.Writer) error { return report.Markdown(w, s.transcript()) }))
	got := regexp.MustCompile(`(?m)^### .* – (tablet-\d)$`).FindAllStringSubmatch(md, -1)
	var hosts []string
	for _, m := range got {
		hosts = append(hosts, m[1])
	}
	if want := []string{"tablet-2", "tablet-3", "tablet-1"}; !slices.Equal(hosts, want) {
		t.Errorf("hosts are told in the order %q, want %q", hosts, want)
	}
}

// JSON keeps what text can't: the very bytes.
func TestJSONIsLossless(t *testing.T) {
	t.Parallel()
	s := upgrade(t, func(string, *story) {})
	var got struct {
		Cells []struct {
			Step     string
			Attempts []struct {
				Stdout, Stderr struct {
					Text    string
					Base64  []byte
					Omitted int64
				}
			}
		}
		Events     []struct{ Kind string }
		Exceptions []struct{ What string }
	}
	if err := json.Unmarshal(written(t, func(w io.Writer) error { return report.JSON(w, s.transcript()) }), &got); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, c := range got.Cells {
		switch c.Step {
		case "tablets[tablet-2]/pre":
			found++
			if out := c.Attempts[0].Stdout; out.Text != hostile || out.Omitted != 1_234_567 {
				t.Errorf("output is %q, %d omitted", out.Text, out.Omitted)
			}
		case "tablets[tablet-1]/start":
			found++
			if out := c.Attempts[0].Stderr; string(out.Base64) != "\xff\xfenot UTF-8" {
				t.Errorf("output that isn't UTF-8 came back as %q", out.Base64)
			}
		}
	}
	if found != 2 || len(got.Events) != len(s.records) || len(got.Cells) != len(s.p.Cells) {
		t.Errorf("%d cells looked at, %d events, %d cells", found, len(got.Events), len(got.Cells))
	}
	kinds := map[string]bool{}
	for _, x := range got.Exceptions {
		kinds[x.What] = true
	}
	for _, want := range []string{
		"skipped", "marked done by a person", "unknown, settled as done by its checks", "outcome unknown",
		"unknown, settled as never started by its host", "run again by RERUN", "rolled back", "gate opened by a pre-grant",
	} {
		if !kinds[want] {
			t.Errorf("no exception %q", want)
		}
	}
}

func TestOutputThatCantBeReadIsAnError(t *testing.T) {
	t.Parallel()
	s := upgrade(t, func(string, *story) {})
	tr := s.transcript()
	gone := errors.New("chunk 3 is gone")
	tr.Output = func(string, int) ([]byte, int64, error) { return nil, 0, gone }
	for what, f := range map[string]func(io.Writer, report.Transcript) error{"markdown": report.Markdown, "json": report.JSON} {
		var b bytes.Buffer
		if err := f(&b, tr); !errors.Is(err, gone) || b.Len() != 0 {
			t.Errorf("%s: %v, %d bytes written", what, err, b.Len())
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left")

func TestWriteErrorsAreReported(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for what, err := range map[string]error{
		"markdown": report.Markdown(full{}, s.transcript()), "json": report.JSON(full{}, s.transcript()),
		"show": report.Show(full{}, s.r), "showjson": report.ShowJSON(full{}, s.r),
		"plan": report.Plan(full{}, s.p), "planjson": report.PlanJSON(full{}, s.p),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s on a full disk: %v", what, err)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1234567: "1.2 MB", 999_949: "999.9 kB", 999_999: "1.0 MB", 5e9: "5.0 GB", 1<<63 - 1: "9.2 EB",
	} {
		if got := text.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
	at := time.Date(2026, 11, 21, 11, 14, 7, 0, time.FixedZone("CST", 8*3600))
	if got := report.Time(at); got != "2026-11-21 03:14 UTC" {
		t.Errorf("Time = %q", got)
	}
	if got := report.Moment(at); got != "2026-11-21 03:14:07 UTC" {
		t.Errorf("Moment = %q", got)
	}
	if got := report.Time(time.Time{}); got != "–" {
		t.Errorf("Time of nothing = %q", got)
	}
}
