package lint

import (
	"regexp"
	"slices"
	"strings"

	"stepgate/runbook"
)

// statement is one SQL statement with texts and comments blanked out, so that
// offsets stay.
type statement struct {
	at   int // of its first word
	text string
}

// statements splits SQL at semicolons outside of texts, names and comments.
func statements(src, driver string) []statement {
	bare := blank(src, driver)
	var out []statement
	for start := 0; start <= len(bare); {
		end := strings.IndexByte(bare[start:], ';')
		if end < 0 {
			end = len(bare) - start
		}
		part := bare[start : start+end]
		if trimmed := strings.TrimLeft(part, " \t\r\n"); trimmed != "" {
			out = append(out, statement{start + len(part) - len(trimmed), strings.TrimSpace(trimmed)})
		}
		start += end + 1
	}
	return out
}

var dollarQuote = regexp.MustCompile(`^\$[A-Za-z_]*\$`)

// blank replaces texts, quoted names and comments by blanks. What a server of
// the MySQL family executes inside /*! … */ is kept.
func blank(src, driver string) string {
	out := []byte(src)
	for i := 0; i < len(src); {
		end := enclosed(src, i, driver)
		if end == i {
			i++
			continue
		}
		for k := i; k < end; k++ {
			if out[k] != '\n' {
				out[k] = ' '
			}
		}
		if strings.IndexByte("'\"`", src[i]) >= 0 {
			out[i], out[end-1] = src[i], src[i]
		}
		i = end
	}
	return string(out)
}

// enclosed returns where the text, quoted name or comment that begins at i ends;
// i when none begins there.
func enclosed(src string, i int, driver string) int {
	rest := src[i:]
	until := func(n int, end string) int {
		if k := strings.Index(rest[n:], end); k >= 0 {
			return i + n + k + len(end)
		}
		return len(src)
	}
	mysql := driver == "mysql"
	switch c := rest[0]; {
	case c == '\'' || c == '"' || c == '`':
		for k := 1; k < len(rest); k++ {
			if rest[k] == '\\' && mysql && c != '`' {
				k++
			} else if rest[k] == c {
				return i + k + 1
			}
		}
		return len(src)
	case strings.HasPrefix(rest, "/*!") && mysql:
		return i
	case strings.HasPrefix(rest, "/*"):
		return until(2, "*/")
	case strings.HasPrefix(rest, "--"), c == '#' && mysql:
		return until(1, "\n")
	case c == '$' && driver == "postgres":
		if tag := dollarQuote.FindString(rest); tag != "" {
			return until(len(tag), tag)
		}
	}
	return i
}

var (
	onlyRead = []string{"select", "show", "desc", "describe", "explain", "with", "values", "table", "pragma", "help", "use", "set", "begin", "commit", "rollback", "checksum", "check"}
	// writing is what changes something inside of a statement that begins like
	// one that reads. Single words aren't enough: columns are called load or call.
	writing = regexp.MustCompile(`(?i)\b(insert\s+into|delete\s+from|merge\s+into|replace\s+into|update\s+[^\s(),;]+(\s+(as\s+)?\w+)?\s+set|into\s+(outfile|dumpfile)|` +
		`for\s+(no\s+key\s+)?update|for\s+(key\s+)?share|lock\s+in\s+share\s+mode|(nextval|setval|get_lock|load_file|pg_terminate_backend|pg_cancel_backend)\s*\()`)
	intoTable = regexp.MustCompile(`(?i)\binto\b`)
	firstWord = regexp.MustCompile(`[A-Za-z]+`)
	global    = regexp.MustCompile(`(?i)^set\s+(global|persist|persist_only|password|@@global|@@persist)\b`)
	pragmaSet = regexp.MustCompile(`(?i)^pragma\s+[\w.]+\s*=`)
	showing   = regexp.MustCompile(`(?i)^(show|desc|describe|help)\b`)
	explained = regexp.MustCompile(`(?i)^explain\b`)
	analysed  = regexp.MustCompile(`(?i)^explain\s+(\(.*\banalyze\b.*\)|analyze\b)`)
)

// writes says which words of a statement change something, or "".
func (s statement) writes(driver string) string {
	first := strings.ToLower(firstWord.FindString(s.text))
	if !slices.Contains(onlyRead, first) {
		return strings.ToUpper(first)
	}
	switch {
	case showing.MatchString(s.text), explained.MatchString(s.text) && !analysed.MatchString(s.text):
		return ""
	case global.MatchString(s.text):
		return "SET GLOBAL"
	case pragmaSet.MatchString(s.text):
		return "PRAGMA … ="
	}
	what := writing.FindString(s.text)
	if what == "" && driver == "postgres" {
		what = intoTable.FindString(s.text) // of a new table
	}
	return strings.TrimSuffix(strings.ToUpper(strings.Join(strings.Fields(what), " ")), "(")
}

// sql judges a fence of SQL.
func (l *linter) sql(f *runbook.Fence, as role, around surroundings) {
	driver := ""
	if f.Connection != nil {
		driver = f.Connection.Driver
	}
	if as == look && f.Expect == nil && f.Capture == nil {
		l.find(f.Pos, "sql-check-without-expect", "the check passes whatever the server answers, as long as it answers",
			"add an expect, such as len(rows) == 0")
	}
	for _, s := range statements(f.Body, driver) {
		what := ""
		switch as {
		case look:
			if what = s.writes(driver); what != "" {
				l.find(f.At(s.at), "sql-check-writes", "a check only reads, and this one says "+what, "make it the command of a step, or read instead")
			}
		case command, sample:
			if what = runbook.DestroysSQL(s.text); what != "" && !around.gated {
				l.find(f.At(s.at), "destructive", "the command says "+what+" and no gate stands before it", "write > [!CAUTION] into the step and say what is lost")
			}
		case undo:
		}
	}
}

var httpDelete = regexp.MustCompile(`^\s*DELETE\s`)

// http judges a request; that one which isn't a command only reads is seen to
// when the runbook is read.
func (l *linter) http(f *runbook.Fence, as role, around surroundings) {
	if m := httpDelete.FindStringIndex(f.Body); m != nil && as == command && !around.gated {
		l.find(f.At(m[0]), "destructive", "the command sends DELETE and no gate stands before it", "write > [!CAUTION] into the step and say what is lost")
	}
}
