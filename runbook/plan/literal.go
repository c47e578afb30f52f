package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stepgate/checks"
)

// dialect is how a language writes literals, and where they may stand.
type dialect struct {
	quotes   string // each opens and closes a text; doubled inside, it stands for itself
	brackets bool   // […] is an identifier
	escapes  string // quotes in which \ takes the next character
	hash     bool   // # begins a comment
	slashes  bool   // // begins a comment
	dashes   string // begins a comment
	spaced   bool   // only with a blank behind
	nested   bool   // comments nest
	dollars  bool   // $tag$ … $tag$ is a text; E'…' has escapes
	inside   writer // writes into a text; nil: a value may not stand in one
	text     func(string) (string, error)
	ident    func(string) (string, error) // nil: there are no identifiers
	yes, no  string
	null     string // empty: there is none
	other    writer // of lists and tables; nil: a list with commas, a table as a text of JSON
}

var (
	mysql = dialect{
		quotes: "'\"`", escapes: "'\"", hash: true, dashes: "--", spaced: true,
		text: mysqlText, ident: identifierIn("`"), yes: "TRUE", no: "FALSE", null: "NULL",
	}
	postgres = dialect{
		quotes: "'\"", dashes: "--", nested: true, dollars: true,
		text: postgresText, ident: identifierIn(`"`), yes: "TRUE", no: "FALSE", null: "NULL",
	}
	sqlite = dialect{
		quotes: "'\"`", brackets: true, dashes: "--",
		text: standardText, ident: identifierIn(`"`), yes: "1", no: "0", null: "NULL",
	}
	dialects = map[string]*dialect{"mysql": &mysql, "postgres": &postgres, "sqlite": &sqlite}

	// languages are the literals of [languages]; "" is none. What they have in
	// common is all that is relied on: in some SQL a \ escapes, in some it doesn't.
	languages = map[string]*dialect{
		"sql": {
			quotes: "'\"`", escapes: "'\"", dashes: "--",
			text: commonText, ident: plainIdentifier, yes: "TRUE", no: "FALSE", null: "NULL",
		},
		"c":    {quotes: `'"`, escapes: `'"`, slashes: true, text: cText, yes: "true", no: "false"},
		"json": {quotes: `"`, escapes: `"`, inside: jsonInside, text: jsonText, yes: "true", no: "false", null: "null", other: jsonValue},
	}
)

// literals fills a text whose values become literals of a dialect.
func (b *body) literals(src string, d *dialect) (string, error) {
	return b.literalsAt(src, 0, d)
}

func (b *body) literalsAt(src string, offset int, d *dialect) (string, error) {
	slots := slot.FindAllStringSubmatchIndex(src, -1)
	if len(slots) == 0 {
		return src, nil
	}
	if d == nil {
		return "", b.problem(src, slots[0], offset, errors.New("the language says nothing of literals: set its literal to sql, c or json"))
	}
	var out strings.Builder
	lex := lexer{src: src, d: d}
	last := 0
	for _, m := range slots {
		where := lex.at(m[0])
		lex.skip(m[1])
		var s string
		var err error
		switch {
		case where == inComment:
			continue
		case where == inHint:
			err = b.problem(src, m, offset, errors.New("it stands in a comment that the server reads"))
		case where == inText && d.inside != nil:
			s, err = b.plain(src, m, offset, d.inside)
		case where == inText:
			err = b.problem(src, m, offset, errors.New("it stands inside quotes: leave them out, the value gets its own"))
		case touches(src, m):
			err = b.problem(src, m, offset, errors.New("it touches a word or a text: leave a blank between them"))
		default:
			s, err = b.fill(src, m, offset, d.writer(src, m))
		}
		if err != nil {
			return "", err
		}
		out.WriteString(src[last:m[0]] + s)
		last = m[1]
	}
	return out.String() + src[last:], nil
}

// touches reports whether a literal at m would grow together with what stands
// beside it.
func touches(src string, m []int) bool {
	joins := func(c byte) bool {
		return c >= 0x80 || c == '_' || c == '$' || c == '\'' || c == '"' || c == '`' ||
			c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	before := m[0] > 0 && (joins(src[m[0]-1]) || strings.HasSuffix(src[:m[0]], "}}"))
	after := m[1] < len(src) && (joins(src[m[1]]) || strings.HasPrefix(src[m[1]:], "{{"))
	return before || after
}

func (d *dialect) writer(src string, m []int) writer {
	if m[4] < 0 {
		return d.literal
	}
	filter := src[m[4]:m[5]]
	return func(v any) (string, error) {
		if filter != "ident" || d.ident == nil {
			return "", fmt.Errorf("there is no %q here", filter)
		}
		s, ok := v.(string)
		if !ok || s == "" {
			return "", errors.New("it is no name")
		}
		return d.ident(s)
	}
}

var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// literal writes a value.
func (d *dialect) literal(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		if d.null == "" {
			return "", errors.New("it has no value, and the language has no literal for that")
		}
		return d.null, nil
	case string:
		return d.text(v)
	case bool:
		if v {
			return d.yes, nil
		}
		return d.no, nil
	case int:
		return d.number(strconv.Itoa(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "", fmt.Errorf("%v is no number that can be written", v)
		}
		return d.number(strconv.FormatFloat(v, 'g', -1, 64))
	case json.Number:
		return d.number(v.String())
	case time.Duration:
		return d.text(v.String())
	case []any:
		if d.other == nil {
			return d.list(v)
		}
	}
	if d.other != nil {
		return d.other(v)
	}
	s, err := checks.EnvText(v)
	if err != nil {
		return "", err
	}
	return d.text(s)
}

// number writes a number. A negative one gets brackets, lest - before it makes a
// comment of it; JSON has none, and no operators.
func (d *dialect) number(s string) (string, error) {
	if !number.MatchString(s) {
		return d.text(s)
	}
	if d.other == nil && strings.HasPrefix(s, "-") {
		return "(" + s + ")", nil
	}
	return s, nil
}

// list writes what stands between the brackets of `in (…)`.
func (d *dialect) list(v []any) (string, error) {
	if len(v) == 0 {
		if d.null == "" {
			return "", nil
		}
		return d.null, nil
	}
	parts := make([]string, len(v))
	for i, e := range v {
		var err error
		if parts[i], err = d.literal(e); err != nil {
			return "", err
		}
	}
	return strings.Join(parts, ", "), nil
}

// writable refuses what no server takes in a text.
func writable(s string) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return errors.New("it is no valid text")
	}
	return nil
}

func standardText(s string) (string, error) {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", writable(s)
}

// mysqlText writes a text with a \ as bytes: whether a \ escapes is a setting of
// the session.
func mysqlText(s string) (string, error) {
	if strings.ContainsAny(s, "\\\x1a") {
		return fmt.Sprintf("_utf8mb4 X'%X'", s), writable(s)
	}
	return standardText(s)
}

func postgresText(s string) (string, error) {
	if strings.Contains(s, `\`) {
		return "E'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(s) + "'", writable(s)
	}
	return standardText(s)
}

func commonText(s string) (string, error) {
	if strings.Contains(s, `\`) {
		return "", errors.New(`a \ means something else in every SQL: it can't be written safely`)
	}
	return standardText(s)
}

func cText(s string) (string, error) {
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0x7f {
			return "", errors.New("it holds a control character")
		}
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(s) + `"`, writable(s)
}

func jsonText(s string) (string, error) { return jsonValue(s) }

func jsonValue(v any) (string, error) {
	if d, ok := v.(time.Duration); ok {
		v = d.String()
	}
	if s, ok := v.(string); ok {
		if err := writable(s); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("write it as JSON: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// jsonInside writes a value into a text that the author has quoted.
func jsonInside(v any) (string, error) {
	s, err := checks.EnvText(v)
	if err != nil {
		return "", err
	}
	if s, err = jsonText(s); err != nil {
		return "", err
	}
	return s[1 : len(s)-1], nil
}

func identifierIn(quote string) func(string) (string, error) {
	return func(s string) (string, error) {
		return quote + strings.ReplaceAll(s, quote, quote+quote) + quote, writable(s)
	}
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func plainIdentifier(s string) (string, error) {
	if !plainName.MatchString(s) {
		return "", fmt.Errorf("%s is no plain name: letters, digits and _", quoted(s))
	}
	return s, nil
}
