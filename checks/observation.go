package checks

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Kind says what is observed, and so which names of the observation have a value.
type Kind uint8

const (
	// OfVariables: nothing is run.
	OfVariables Kind = iota
	// OfScript: exit stdout stderr output lines errors json.
	OfScript
	// OfSQL: exit stderr errors rows.
	OfSQL
	// OfHTTP: status headers body json exit stderr errors. Exit is 0 for a
	// status of 200 to 399, else 1; an expectation of status replaces it.
	OfHTTP
	// OfTCP: exit stdout stderr output lines errors.
	OfTCP
	// OfSample: line, of a background monitor.
	OfSample
)

// Observation is what one try of a command or check showed. A fence over
// variables alone, which runs nothing, is judged on Observation{Ran: true}.
type Observation struct {
	Exit int
	Ran  bool // false: there is no exit code (unreachable, timed out); every row is then Unknown

	Cause string // why there is no exit code
	Check bool   // a look, whose exit 126, 127 or above 128 says nothing about the host

	Stdout, Stderr string // raw, as received
	Output         string // both, in the order they came
	Host           string // the name expressions see as host

	Columns []string          // of SQL: the last result set's, as the server names them
	Rows    []map[string]any  // of SQL: the last result set; nil: there was none
	Status  int               // of HTTP
	Headers map[string]string // of HTTP; names in lower case, several values joined by ", "
	Body    string            // of HTTP
	Line    string            // of a sample
}

// World answers what lies outside the observation. With a nil World the helpers
// that need it are unknown.
type World interface {
	// Hosts lists a group: each host a map of "host", its variables and its
	// captures. false: there is no such group.
	Hosts(group string) ([]map[string]any, bool)
	// Ran tells whether any attempt of the step was started and not rolled back.
	Ran(id string) bool
	// OK tells whether the step succeeded and wasn't rolled back.
	OK(id string) bool
	// Monitor sums a monitor's samples up, over the innermost instance, or with a
	// span of "step" or "run" over that; see [MonitorFields]. false: there is no
	// such monitor, or it has no sample.
	Monitor(id, span string) (map[string]any, bool)
}

// obscured says why o allows no verdict, or "".
func (o Observation) obscured() string {
	switch {
	case !o.Ran && o.Cause == "":
		return "there was no result"
	case !o.Ran:
		return oneLine(o.Cause)
	case !o.Check:
		return ""
	case o.Exit == 126:
		return "exit 126: the command could not be executed"
	case o.Exit == 127:
		return "exit 127: the command was not found"
	case o.Exit > 128 && o.Exit <= 128+64:
		return fmt.Sprintf("exit %d: ended by signal %d", o.Exit, o.Exit-128)
	case o.Exit > 128:
		return fmt.Sprintf("exit %d: above 128, counted as the end by a signal", o.Exit)
	}
	return ""
}

// plain removes escape sequences and CR, line by line, so that a sequence that
// never ends hides no later line. Bytes that aren't UTF-8 become U+FFFD, as they
// would in the journal.
func plain(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if !strings.ContainsFunc(s, sequenceStart) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for line := range strings.Lines(s) {
		text, newline := strings.CutSuffix(line, "\n")
		if strings.ContainsFunc(text, sequenceStart) {
			text = strings.ReplaceAll(ansi.Strip(text), "\r", "")
		}
		b.WriteString(text)
		if newline {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func sequenceStart(r rune) bool { return r == '\x1b' || r == '\r' || r >= 0x80 && r <= 0x9f }

// splitLines splits text into lines, without empty lines at its end.
func splitLines(s string) []string {
	s = strings.TrimRight(s, "\n")
	if s == "" {
		return []string{}
	}
	return strings.Split(s, "\n")
}

// oneLine makes any text fit for a row.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if r < ' ' || r == 0x7f || r >= 0x80 && r <= 0x9f {
			return -1
		}
		return r
	}, plain(s))
	return ansi.Truncate(strings.TrimSpace(s), rowCells, "…")
}

// rowCells is the room of what a row saw, in terminal cells.
const rowCells = 120
