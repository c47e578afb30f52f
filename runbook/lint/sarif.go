package lint

import (
	"io"
	"net/url"
	"path"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/text"
)

// The parts of SARIF 2.1.0 that findings need.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string       `json:"id"`
		Short   sarifText    `json:"shortDescription"`
		Full    sarifText    `json:"fullDescription"`
		Help    sarifText    `json:"help"`
		Default sarifDefault `json:"defaultConfiguration"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex *int            `json:"ruleIndex,omitempty"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// SARIF writes findings as a log of the Static Analysis Results Interchange
// Format 2.1.0. version is the program's; sources are the files by name.
func SARIF(w io.Writer, version string, sources map[string][]byte, found []runbook.Diagnostic) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "stepgate", Version: version, Rules: []sarifRule{}}},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
	}
	index := map[string]int{}
	for _, d := range found {
		result := sarifResult{
			RuleID: d.Rule, Level: sarifLevel(d.Severity), Message: sarifText{Text: plain(d.Text + ". " + d.Remedy)},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{uri(d.Pos.File)}, sarifRegion{max(d.Pos.Line, 1), column(sources, d.Pos)}}}},
		}
		if r, ok := Lookup(d.Rule); ok {
			at, met := index[r.ID]
			if !met {
				at = len(run.Tool.Driver.Rules)
				index[r.ID] = at
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(r))
			}
			result.RuleIndex = &at
		}
		run.Results = append(run.Results, result)
	}
	return text.WriteJSON(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func sarifRuleOf(r Rule) sarifRule {
	return sarifRule{
		ID: r.ID, Short: sarifText{Text: r.Summary}, Full: sarifText{Text: r.Summary + ". " + r.Why},
		Help:    sarifText{Text: r.Why + " " + r.Remedy, Markdown: r.Why + "\n\n" + r.Remedy},
		Default: sarifDefault{sarifLevel(r.Severity)},
	}
}

func sarifLevel(s runbook.Severity) string {
	if s == runbook.Notice {
		return "note"
	}
	return s.String()
}

func plain(s string) string { return text.Block(text.Untrusted(strings.TrimSpace(s))) }

// uri is a file's name as a reference: relative to where the linter ran, unless
// it is absolute.
func uri(file string) string {
	u := url.URL{Path: path.Clean(strings.ReplaceAll(file, "\\", "/"))}
	if path.IsAbs(u.Path) {
		u.Scheme = "file"
	}
	return u.String()
}
