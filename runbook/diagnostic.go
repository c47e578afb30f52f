package runbook

import (
	"fmt"
	"strings"
)

// Severity says whether a diagnostic stops a run.
type Severity uint8

const (
	Notice Severity = iota + 1
	Warning
	Error
)

func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	default:
		return "notice"
	}
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Diagnostic is one finding in a source file: what was found, where, and what
// to do about it.
type Diagnostic struct {
	Pos      Pos      `json:"pos"`
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"` // kebab-case id
	Text     string   `json:"text"`
	Remedy   string   `json:"remedy"`
}

func (d Diagnostic) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s: %s [%s]", d.Pos.File, d.Pos.Line, d.Pos.Col, d.Severity, d.Text, d.Rule)
	if d.Remedy != "" {
		s += "\n    " + strings.ReplaceAll(d.Remedy, "\n", "\n    ")
	}
	return s
}

// Failed reports whether any diagnostic is an error.
func Failed(ds []Diagnostic) bool {
	for _, d := range ds {
		if d.Severity == Error {
			return true
		}
	}
	return false
}
