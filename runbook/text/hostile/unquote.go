package hostile

import (
	"strconv"
	"unicode/utf8"
)

// unquote reads a line of a file: Go's quoting without the quotes.
func unquote(line string) (string, error) {
	var out []byte
	for line != "" {
		r, multibyte, rest, err := strconv.UnquoteChar(line, 0)
		if err != nil {
			return "", err
		}
		if line = rest; r < utf8.RuneSelf || !multibyte {
			out = append(out, byte(r))
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out), nil
}
