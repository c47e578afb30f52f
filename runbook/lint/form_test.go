package lint_test

import (
	"encoding/json"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/lint"
)

var someFindings = []runbook.Diagnostic{
	{Pos: runbook.Pos{File: "a, b.md", Line: 2, Col: 4}, Severity: runbook.Error, Rule: "destructive", Text: "100%\nlost", Remedy: "write: it"},
	{Pos: runbook.Pos{File: "/etc/c.md", Line: 1, Col: 1}, Severity: runbook.Notice, Rule: "from-elsewhere", Text: "odd \x1b[31m\u202e"},
	{Pos: runbook.Pos{File: "a, b.md", Line: 9, Col: 1}, Severity: runbook.Warning, Rule: "destructive", Text: "more", Remedy: "less"},
}

var someSources = map[string][]byte{"a, b.md": []byte("# x\n看 rm\n")}

func TestGitHub(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := lint.GitHub(&b, someSources, someFindings); err != nil {
		t.Fatal(err)
	}
	want := "::error file=a%2C b.md,line=2,col=2,title=stepgate destructive::100%25%0Alost%0Awrite: it\n" +
		"::notice file=/etc/c.md,line=1,col=1,title=stepgate from-elsewhere::odd ⟨U+202E⟩\n" +
		"::warning file=a%2C b.md,line=9,col=1,title=stepgate destructive::more%0Aless\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

// TestSARIF: the log has what the format requires, and its references lead
// somewhere.
func TestSARIF(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := lint.SARIF(&b, "1.0", someSources, someFindings); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID                     string
						ShortDescription, Help struct{ Text string }
						DefaultConfiguration   struct{ Level string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex *int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || len(log.Runs) != 1 {
		t.Fatalf("%+v", log)
	}
	run := log.Runs[0]
	if len(run.Results) != 3 || len(run.Tool.Driver.Rules) != 1 || run.Tool.Driver.Rules[0].Help.Text == "" || run.Tool.Driver.Rules[0].ShortDescription.Text == "" {
		t.Fatalf("%+v", run)
	}
	for i, want := range []struct {
		level, uri   string
		line, column int
		rule         bool
	}{{"error", "a,%20b.md", 2, 2, true}, {"note", "file:///etc/c.md", 1, 1, false}, {"warning", "a,%20b.md", 9, 1, true}} {
		r := run.Results[i]
		at := r.Locations[0].PhysicalLocation
		if r.Level != want.level || at.ArtifactLocation.URI != want.uri || at.Region.StartLine != want.line || at.Region.StartColumn != want.column ||
			r.Message.Text == "" || strings.Contains(r.Message.Text, "\x1b") || (r.RuleIndex != nil) != want.rule {
			t.Errorf("%d: %+v", i, r)
		}
		if r.RuleIndex != nil && run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID {
			t.Errorf("%d: its rule is another", i)
		}
	}
}
