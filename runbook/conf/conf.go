package conf

import (
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
)

// Place is a line and a column, from 1, in the text that was read. Col counts
// bytes.
type Place struct{ Line, Col int }

// Table is a TOML table in the order it was written.
type Table []Entry

// Entry is one key. Value is a string, int64, float64, bool, time.Time, []any or
// Table.
type Entry struct {
	Key   string
	At    Place // of the key; of a table, where it is first named
	Value any
}

// Get returns the entry with the key.
func (t Table) Get(key string) (Entry, bool) {
	for _, e := range t {
		if e.Key == key {
			return e, true
		}
	}
	return Entry{}, false
}

// Problem is text that isn't TOML.
type Problem struct {
	At   Place
	Text string
}

func (p *Problem) Error() string { return p.Text }

// Read reads a document.
func Read(src string) (Table, *Problem) {
	if p := bounded(src); p != nil {
		return nil, p
	}
	values := map[string]any{}
	md, err := toml.Decode(src, &values)
	if err != nil {
		p := &Problem{At: Place{1, 1}, Text: strings.TrimPrefix(err.Error(), "toml: ")}
		var parse toml.ParseError
		if errors.As(err, &parse) {
			p.At = within(src, parse.Position.Line, parse.Position.Col)
			if parse.Message != "" {
				p.Text = parse.Message
			}
		}
		return nil, p
	}
	order := map[string][]string{}
	seen := map[string]bool{}
	for _, key := range md.Keys() {
		for n := 1; n <= len(key); n++ {
			path, parent := join(key[:n]), join(key[:n-1])
			if !seen[path] {
				seen[path] = true
				order[parent] = append(order[parent], key[n-1])
			}
		}
	}
	return build(values, nil, order, locate(src), Place{1, 1}), nil
}

// within keeps a place inside the text: the library's may lie behind its line.
func within(src string, line, col int) Place {
	n := 1
	for text := range strings.Lines(src) {
		if n == line {
			return Place{n, min(max(col, 1), len(strings.TrimSuffix(text, "\n"))+1)}
		}
		n++
	}
	return Place{max(n-1, 1), 1}
}

// join makes a map key of a path; NUL can't stand in TOML.
func join(path []string) string { return strings.Join(path, "\x00") }

func build(values map[string]any, path []string, order map[string][]string, places map[string]Place, parent Place) Table {
	t := Table{}
	for _, key := range order[join(path)] {
		value, ok := values[key]
		if !ok {
			continue
		}
		below := append(path[:len(path):len(path)], key)
		at, ok := places[join(below)]
		if !ok {
			at = parent
		}
		if sub, isTable := value.(map[string]any); isTable {
			value = build(sub, below, order, places, at)
		}
		t = append(t, Entry{key, at, value})
	}
	return t
}
