package plan

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"stepgate/checks"
)

// request fills a request in the form of .http files: comments, a request line
// that may go on in indented lines, headers, a blank line, the body.
func (b *body) request() (string, error) {
	src := b.fence.Body
	var out strings.Builder
	kind, offset, begun := "", 0, false
	for line := range strings.Lines(src) {
		bare := strings.TrimRight(line, "\r\n")
		var s string
		var err error
		switch {
		case !begun && (strings.TrimSpace(bare) == "" || strings.HasPrefix(bare, "#") || strings.HasPrefix(bare, "//")):
			s = line
		case !begun:
			s, err = b.requestLine(line, offset)
			begun = true
		case strings.TrimSpace(bare) == "":
			rest, err := b.content(src[offset+len(line):], offset+len(line), kind)
			if err != nil {
				return "", err
			}
			return out.String() + line + rest, nil
		case strings.HasPrefix(bare, " ") || strings.HasPrefix(bare, "\t"):
			s, err = b.each(line, offset, strict)
		default:
			s, err = b.header(line, offset)
			if name, value, ok := strings.Cut(bare, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "content-type") {
				kind = strings.ToLower(strings.TrimSpace(value))
			}
		}
		if err != nil {
			return "", err
		}
		out.WriteString(s)
		offset += len(line)
	}
	return out.String(), nil
}

// requestLine is "METHOD URL", or an URL alone.
func (b *body) requestLine(line string, offset int) (string, error) {
	end := strings.IndexAny(line, " \t")
	if m := slot.FindStringIndex(line); m != nil && m[0] == 0 {
		if end = m[1]; strings.IndexAny(line[end:], " \t") != 0 {
			end = -1
		}
	} else if end >= 0 && (strings.Contains(line[:end], "://") || strings.HasPrefix(line, "/")) {
		end = -1
	}
	if end < 0 {
		return b.url(line, offset)
	}
	method, err := b.each(line[:end], offset, token)
	if err != nil {
		return "", err
	}
	address, err := b.url(line[end:], offset+end)
	return method + address, err
}

// part of an address that a slot stands in.
const (
	addressStart = iota
	addressAuthority
	addressPath
	addressQuery
)

// url fills an address, each slot for the part it stands in.
func (b *body) url(src string, offset int) (string, error) {
	var out strings.Builder
	begin := len(src) - len(strings.TrimLeft(src, " \t"))
	out.WriteString(src[:begin])
	where, last := addressStart, begin
	segment, filled := "", false // of the path, as it will be; whether a value stands in it
	read := func(text string) error {
		where = addressAfter(where, text)
		for _, r := range text {
			if strings.ContainsRune("/?# \t\r\n", r) {
				if err := walkable(segment, filled); err != nil {
					return err
				}
				segment, filled = "", false
				continue
			}
			segment += string(r)
		}
		return nil
	}
	for _, m := range slot.FindAllStringSubmatchIndex(src, -1) {
		if err := read(src[last:m[0]]); err != nil {
			return "", fmt.Errorf("fill the address at %s: %w", position(b.fence.At(offset)), err)
		}
		write := b.addressWriter(where, src[m[1]:])
		s, err := b.plain(src, m, offset, write)
		if err != nil {
			return "", err
		}
		if segment, filled = segment+s, filled || where == addressPath; where == addressStart {
			where, segment = addressAuthority, ""
		}
		out.WriteString(src[last:m[0]] + s)
		last = m[1]
	}
	if err := read(src[last:] + "\n"); err != nil {
		return "", fmt.Errorf("fill the address at %s: %w", position(b.fence.At(offset)), err)
	}
	return out.String() + src[last:], nil
}

// addressAfter is the part that a text of the author's leads to.
func addressAfter(where int, text string) int {
	if i := strings.Index(text, "://"); i >= 0 && where <= addressAuthority {
		where, text = addressAuthority, text[i+3:]
	}
	if strings.ContainsAny(text, "?#") {
		return addressQuery
	}
	if where <= addressAuthority && strings.Contains(text, "/") {
		return addressPath
	}
	return where
}

// walkable refuses a value that would lead elsewhere: away from the path, or to
// what contains it.
func walkable(segment string, filled bool) error {
	switch {
	case !filled:
		return nil
	case segment == "":
		return errors.New("a value in the path is empty")
	case segment == "." || segment == "..":
		return fmt.Errorf("the value %q would lead out of the path", segment)
	}
	return nil
}

func (b *body) addressWriter(where int, after string) writer {
	switch where {
	case addressStart:
		if strings.HasPrefix(after, "://") {
			return scheme
		}
		return base
	case addressAuthority:
		end := strings.IndexAny(after, "/?# \t\r\n")
		if end < 0 {
			end = len(after)
		}
		if strings.Contains(after[:end], "@") {
			return strict
		}
		return authority
	}
	return strict
}

func scheme(v any) (string, error) {
	if s, ok := v.(string); ok && (s == "http" || s == "https") {
		return s, nil
	}
	return "", errors.New("it is neither http nor https")
}

// base writes what an address begins with: a whole address up to a path, or a
// host.
func base(v any) (string, error) {
	s, ok := v.(string)
	if !ok || !strings.Contains(s, "://") {
		return authority(v)
	}
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "", strings.ContainsAny(s, " \t\r\n\"'<>\\^`{|}?#@"), !printable(s):
		return "", fmt.Errorf("%s is no address of a server: http://HOST:PORT/PATH", quoted(s))
	}
	return s, nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// strict writes a value into a path, a query or a form: all but letters, digits
// and -._~ as %XX.
func strict(v any) (string, error) {
	s, err := checks.EnvText(v)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, c := range []byte(s) {
		if wordByte(c) && c < 0x80 && c != '$' || c == '-' || c == '.' || c == '~' {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String(), nil
}

var httpToken = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

func token(v any) (string, error) {
	s, ok := v.(string)
	if !ok || !httpToken.MatchString(s) {
		return "", fmt.Errorf("%s is no name of a method or header", quoted(fmt.Sprint(v)))
	}
	return s, nil
}

func (b *body) header(line string, offset int) (string, error) {
	colon := strings.IndexByte(line, ':')
	if colon < 0 {
		return b.each(line, offset, headerText)
	}
	name, err := b.each(line[:colon], offset, token)
	if err != nil {
		return "", err
	}
	value, err := b.each(line[colon:], offset+colon, headerText)
	return name + value, err
}

// headerText writes a value into a header, where a line's end begins another.
func headerText(v any) (string, error) {
	s, err := checks.EnvText(v)
	if err != nil {
		return "", err
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return "", errors.New("it holds a line break or a control character, which no header can")
	}
	return s, nil
}

// content fills a request's body for its type, which is guessed to be JSON when
// it isn't named and looks so.
func (b *body) content(src string, offset int, kind string) (string, error) {
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.TrimSpace(kind)
	start := strings.TrimLeft(src, " \t\r\n")
	switch {
	case strings.HasSuffix(kind, "json"), kind == "" && (strings.HasPrefix(start, "{") && !slotFirst(start) || strings.HasPrefix(start, "[")):
		return b.literalsAt(src, offset, languages["json"])
	case kind == "application/x-www-form-urlencoded":
		return b.each(src, offset, strict)
	case strings.HasSuffix(kind, "xml"), kind == "text/html":
		return b.each(src, offset, markup)
	}
	return b.each(src, offset, asIs)
}

func slotFirst(s string) bool {
	m := slot.FindStringIndex(s)
	return m != nil && m[0] == 0
}

func markup(v any) (string, error) {
	s, err := checks.EnvText(v)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = xml.EscapeText(&out, []byte(s))
	return out.String(), err
}

// asIs writes a value into a text that has no rules.
func asIs(v any) (string, error) { return checks.EnvText(v) }
