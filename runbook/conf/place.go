package conf

import "strings"

// locate finds the first place of every key and table header. The text is
// valid TOML, so that lines are all that has to be told apart: headers, keys,
// and the inside of multi-line values.
func locate(src string) map[string]Place {
	places := map[string]Place{}
	var table []string
	depth, quoted := 0, "" // of an open array; the delimiter of an open string
	number := 0
	for line := range strings.Lines(src) {
		number++
		rest := strings.TrimLeft(line, " \t")
		col := len(line) - len(rest) + 1
		if depth > 0 || quoted != "" {
			depth, quoted = value(rest, depth, quoted)
			continue
		}
		switch {
		case rest == "" || rest[0] == '#' || rest[0] == '\n' || rest[0] == '\r':
		case rest[0] == '[':
			header := strings.TrimLeft(rest, "[ \t")
			path, _ := key(header)
			table = path
			note(places, path, Place{number, col + len(rest) - len(header)})
		default:
			path, n := key(rest)
			note(places, append(table[:len(table):len(table)], path...), Place{number, col})
			depth, quoted = value(rest[n:], 0, "")
		}
	}
	return places
}

// note records where a path and what it goes through were first named.
func note(places map[string]Place, path []string, at Place) {
	for n := 1; n <= len(path); n++ {
		if k := join(path[:n]); places[k] == (Place{}) {
			places[k] = at
		}
	}
}

// key reads a dotted key at the start of s and returns its parts and length.
func key(s string) (parts []string, length int) {
	i := 0
	for i < len(s) {
		for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '.') {
			i++
		}
		if i >= len(s) || s[i] == '=' || s[i] == ']' || s[i] == '\n' {
			break
		}
		if q := s[i]; q == '"' || q == '\'' {
			end := strings.IndexByte(s[i+1:], q)
			if end < 0 {
				break
			}
			parts = append(parts, s[i+1:i+1+end])
			i += end + 2
			continue
		}
		end := i
		for end < len(s) && strings.IndexByte(" \t.=]\n\r", s[end]) < 0 {
			end++
		}
		parts = append(parts, s[i:end])
		i = end
	}
	return parts, i
}

// value follows one line of a value and tells whether an array or a multi-line
// string goes on behind it.
func value(s string, depth int, quoted string) (int, string) {
	for i := 0; i < len(s); {
		if quoted != "" {
			switch {
			case quoted[0] == '"' && s[i] == '\\':
				i += 2
			case strings.HasPrefix(s[i:], quoted):
				i += len(quoted)
				quoted = ""
			default:
				i++
			}
			continue
		}
		switch c := s[i]; c {
		case '#':
			return depth, ""
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '"', '\'':
			quoted = string(c)
			if strings.HasPrefix(s[i:], strings.Repeat(quoted, 3)) {
				quoted = strings.Repeat(quoted, 3)
			}
			i += len(quoted)
			continue
		}
		i++
	}
	if len(quoted) == 1 {
		quoted = "" // ends with its line
	}
	return max(depth, 0), quoted
}
