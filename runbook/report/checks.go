package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func (m *markdown) checks(c *run.Cell, e run.ChecksTaken, when time.Time) {
	m.line("%s **%s**: %s %s\n", Moment(when), phaseWord(e.Phase), verdictMark(e.Verdict()), e.Verdict())
	fences := c.Fences(e.Phase)
	for i, res := range e.Checks {
		var f *runbook.Fence
		if res.Fence < len(fences) {
			f = fences[res.Fence]
		}
		again := i > 0 && e.Checks[i-1].Fence == res.Fence
		m.check(f, res, again)
	}
}

// check tells what one check showed at one place. again: the same check was
// told just before, of another place.
func (m *markdown) check(f *runbook.Fence, res run.CheckResult, again bool) {
	if f != nil && f.Body != "" && !again {
		m.exact(language(f), f.Body)
	}
	var said []string
	if f != nil && f.Connection != nil {
		said = append(said, "over "+code(f.Connection.Name))
	}
	if where := place(res.Where); where != "" {
		said = append(said, "on "+code(where))
	}
	switch {
	case !res.Ran:
		said = append(said, "no result: "+inline(res.Cause))
	case f != nil && f.Body != "":
		said = append(said, fmt.Sprintf("exit %d", res.Exit))
	}
	if res.Tries > 1 {
		said = append(said, fmt.Sprintf("%d tries", res.Tries))
	}
	said = append(said, text.Duration(time.Duration(res.TookMS)*time.Millisecond))
	if res.Ran && res.Cause != "" {
		said = append(said, inline(res.Cause))
	}
	m.line("%s %s: %s\n", verdictMark(res.Verdict), res.Verdict, strings.Join(said, ", "))
	m.rows(res.Rows)
	m.tried(res.Tried)
	m.captured(res.Values)
	if g, ok := grid(f, res); ok {
		m.line("%s:\n", count(len(g.Rows), "row"))
		m.fence("text", strings.Join(g.Lines(gridWidth), "\n"))
		res.Stdout = ""
	}
	for i, out := range []string{res.Stdout, res.Stderr} {
		if out == "" {
			continue
		}
		m.line("%s:\n", streamNames[i])
		said := out
		if res.Verdict == checks.Pass {
			said = ends(out)
		}
		m.printed(said, out)
	}
}

// Lines of a passing check's output that a transcript for people shows.
const headLines, tailLines = 30, 10

// ends leaves out the middle of a long text, and says how much of it.
func ends(s string) string {
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	left := len(lines) - headLines - tailLines
	if left <= 1 {
		return s
	}
	said := fmt.Sprintf("… %s left out here; the JSON transcript has them …", count(left, "line"))
	return strings.Join(slices.Concat(lines[:headLines], []string{said}, lines[len(lines)-tailLines:]), "\n")
}

func (m *markdown) rows(rows []checks.Row) {
	before, listed := "", false
	for _, row := range rows {
		s := fmt.Sprintf("- %s %s", verdictMark(row.Verdict), code(row.Text))
		if row.Label != "" {
			s += " – " + inline(row.Label)
		}
		if row.Saw != "" {
			s += "; saw " + code(row.Saw)
		}
		if row.Cause != "" {
			s += "; unknown: " + inline(row.Cause)
		}
		m.line("%s", s)
		listed = row.Diff == "" || row.Diff == before
		if !listed {
			m.gap()
			m.fence("diff", row.Diff)
		}
		before = row.Diff
	}
	if listed {
		m.gap()
	}
}

func (m *markdown) captured(vs map[string]json.RawMessage) {
	for _, n := range slices.Sorted(maps.Keys(vs)) {
		m.line("- captured %s = %s", code(n), code(string(vs[n])))
	}
	if len(vs) > 0 {
		m.gap()
	}
}

// language is what a check's text is written in.
func language(f *runbook.Fence) string {
	switch f.Form {
	case runbook.SQL:
		return "sql"
	case runbook.HTTP:
		return "http"
	case runbook.Variables, runbook.Script, runbook.TCP, runbook.Copy:
	}
	return f.Lang
}

// gridWidth is the room of a result of rows and columns, in cells.
const gridWidth = 120

// grid is the result of statements, where a check printed one.
func grid(f *runbook.Fence, res run.CheckResult) (text.Grid, bool) {
	if f == nil || f.Form != runbook.SQL {
		return text.Grid{}, false
	}
	return text.ParseGrid(res.Stdout)
}

// tried tells the tries of a poll that showed something new.
func (m *markdown) tried(tries []run.Try) {
	if len(tries) < 2 {
		return
	}
	for _, t := range tries {
		s := fmt.Sprintf("- try %d, after %s: %s %s", t.No, text.Duration(time.Duration(t.AtMS)*time.Millisecond), verdictMark(t.Verdict), t.Verdict)
		for _, row := range t.Rows {
			if row.Saw != "" {
				s += "; " + code(row.Saw)
			}
		}
		for _, n := range slices.Sorted(maps.Keys(t.Values)) {
			s += "; " + code(n) + " = " + code(string(t.Values[n]))
		}
		m.line("%s%s", s, because(t.Cause))
	}
	m.gap()
}
