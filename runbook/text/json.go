package text

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// WriteJSON writes v as indented JSON and a line end, as [VisibleJSON].
func WriteJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(VisibleJSON(b), '\n'))
	return err
}

// VisibleJSON escapes every character of JSON text that a reader can't see, or
// that a terminal might act on. They can only stand within strings there, so
// that the value stays what it is.
func VisibleJSON(b []byte) []byte {
	s := string(b)
	if at, _ := FindHidden(s); at < 0 {
		return b
	}
	var out strings.Builder
	for _, r := range s {
		switch {
		case !Hidden(r):
			out.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			_, _ = fmt.Fprintf(&out, `\u%04x\u%04x`, hi, lo)
		default:
			_, _ = fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return []byte(out.String())
}
