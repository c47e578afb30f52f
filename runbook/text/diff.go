package text

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Unified is how two texts differ, line by line: a unified difference with three
// lines around each change, and the names of the texts in its header. It is empty when
// they are the same.
func Unified(wasName, isName, was, is string) string {
	if was == is {
		return ""
	}
	const around = udiff.DefaultContextLines
	out, err := udiff.ToUnified(wasName, isName, was, udiff.Lines(was, is), around)
	if err != nil { // the edits contradict each other: then all of it is another text
		out, _ = udiff.ToUnified(wasName, isName, was, []udiff.Edit{{End: len(was), New: is}}, around)
	}
	return out
}

// Change says what a line of a unified difference is.
type Change uint8

const (
	// Around: a line of both texts.
	Around Change = iota
	// Gone: a line of the first text alone.
	Gone
	// Come: a line of the second text alone.
	Come
	// Heading: the texts' names, and what tools write beside them.
	Heading
	// Hunk: where the lines below it stand.
	Hunk
	// Remark: what is said of the lines, such as that the last one has no end.
	Remark
)

var hunkLine = regexp.MustCompile(`^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@`)

// Changes says of each line what it is in a unified difference, or of several. It is
// nil when the lines are none: a hunk begins somewhere, whatever is said before it, and
// nothing stands behind it that doesn't belong to one.
func Changes(lines []string) []Change {
	out := make([]Change, len(lines))
	was, is, hunks := 0, 0, 0 // lines that the hunk still has
	for i, l := range lines {
		m := hunkLine.FindStringSubmatch(l)
		switch {
		case was == 0 && is == 0 && m != nil:
			was, is = counted(m[1]), counted(m[2])
			out[i] = Hunk
			hunks++
		case strings.HasPrefix(l, `\`):
			out[i] = Remark
		case was == 0 && is == 0:
			if hunks > 0 && l != "" && !heading(l) {
				return nil
			}
			out[i] = Heading
		case was > 0 && strings.HasPrefix(l, "-"):
			out[i], was = Gone, was-1
		case is > 0 && strings.HasPrefix(l, "+"):
			out[i], is = Come, is-1
		case was > 0 && is > 0 && (l == "" || l[0] == ' '): // editors take the blank of an empty line away
			out[i], was, is = Around, was-1, is-1
		default:
			return nil
		}
	}
	if hunks == 0 {
		return nil
	}
	return out
}

// counted is how many lines a hunk says it has of a text.
func counted(s string) int {
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// heading reports whether a line stands between the files of a difference.
func heading(l string) bool {
	for _, p := range []string{"diff ", "index ", "Only in ", "--- ", "+++ ", "new file", "deleted file", "old mode", "new mode", "similarity ", "rename ", "copy "} {
		if strings.HasPrefix(l, p) {
			return true
		}
	}
	return false
}

// Diff masks secrets in a unified difference, line by line. The signs in front of its
// lines tear a secret of several lines apart: where either of the texts still holds
// one, nothing of the difference is shown.
func (r *Redactor) Diff(d string) string {
	if r == nil || r.forms.Load().empty() || d == "" {
		return d
	}
	lines := strings.Split(strings.TrimSuffix(d, "\n"), "\n")
	kinds := Changes(lines)
	if kinds == nil {
		return r.String(d)
	}
	var was, is strings.Builder
	for i, l := range lines {
		lines[i] = r.String(l)
		body := ""
		if lines[i] != "" {
			body = lines[i][1:]
		}
		if kinds[i] == Around || kinds[i] == Gone {
			was.WriteString(body + "\n")
		}
		if kinds[i] == Around || kinds[i] == Come {
			is.WriteString(body + "\n")
		}
	}
	out := strings.Join(lines, "\n") + "\n"
	for _, s := range []string{was.String(), is.String(), out} {
		if r.String(s) != s {
			return Masked + "\n"
		}
	}
	return out
}
