package lint

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"stepgate/runbook"
	"stepgate/runbook/text"
)

// GitHub writes findings as commands of a GitHub workflow, which shows them
// beside the changed lines. sources are the files by name.
func GitHub(w io.Writer, sources map[string][]byte, found []runbook.Diagnostic) error {
	for _, d := range found {
		says := d.Text
		if d.Remedy != "" {
			says += "\n" + d.Remedy
		}
		_, err := fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", d.Severity,
			property(d.Pos.File), d.Pos.Line, column(sources, d.Pos), property("stepgate "+d.Rule), data(says))
		if err != nil {
			return err
		}
	}
	return nil
}

// column counts characters, as other tools do, where a [runbook.Pos] counts
// bytes.
func column(sources map[string][]byte, pos runbook.Pos) int {
	src, known := sources[pos.File]
	for n := 1; known && n < pos.Line; n++ {
		end := bytes.IndexByte(src, '\n')
		if end < 0 {
			return 1
		}
		src = src[end+1:]
	}
	if !known || pos.Col-1 > len(src) {
		return max(pos.Col, 1)
	}
	return utf8.RuneCount(src[:max(pos.Col-1, 0)]) + 1
}

// data escapes a command's message, property one of its properties.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text.Block(text.Untrusted(s)))
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
