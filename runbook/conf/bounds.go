package conf

import (
	"fmt"
	"strings"
)

// Limits of a document. The TOML library recurses over what is nested, and
// takes quadratic time for long keys.
const (
	MaxNesting  = 32
	MaxKeyParts = 32
)

// bounded refuses a document that is nested too deeply, or has a key of too many
// parts, before anything recurses over it.
func bounded(src string) *Problem {
	depth, dots := 0, 0
	for i := 0; i < len(src); {
		switch c := src[i]; c {
		case '"', '\'':
			i = behindText(src, i)
			continue
		case '#':
			n := strings.IndexByte(src[i:], '\n')
			if n < 0 {
				return nil
			}
			i += n
			continue
		case '[', '{':
			depth++
			dots = 0
		case ']', '}':
			depth = max(depth-1, 0)
			dots = 0
		case '=', ',', '\n':
			dots = 0
		case '.':
			dots++
		}
		i++
		if depth > MaxNesting {
			return problemAt(src, i-1, fmt.Sprintf("more than %d lists and tables stand in each other", MaxNesting))
		}
		if dots >= MaxKeyParts {
			return problemAt(src, i-1, fmt.Sprintf("a key has more than %d parts", MaxKeyParts))
		}
	}
	return nil
}

// behindText returns the offset behind the text whose opening quote is at i. One
// that is never closed ends at its line's end, or, in three quotes, at the end.
func behindText(src string, i int) int {
	mark := src[i : i+1]
	if three := strings.Repeat(mark, 3); strings.HasPrefix(src[i:], three) {
		mark = three
	}
	for i += len(mark); i < len(src); i++ {
		switch {
		case src[i] == '\\' && mark[0] == '"':
			i++
		case src[i] == '\n' && len(mark) == 1:
			return i
		case strings.HasPrefix(src[i:], mark):
			return i + len(mark)
		}
	}
	return len(src)
}

func problemAt(src string, at int, what string) *Problem {
	before := src[:at]
	return &Problem{At: Place{strings.Count(before, "\n") + 1, at - strings.LastIndexByte(before, '\n')}, Text: what}
}
