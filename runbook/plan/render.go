package plan

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/text"
)

// Render returns the body of a fence with {{name}} filled from names, each value
// written so that it can't leave its place: in SQL a literal of the driver's
// dialect (mysql, postgres or sqlite), with {{name|ident}} a quoted identifier;
// in a request escaped for its path, query, header or body; in tcp lines a host
// or port; in a copy a part of a path; in a language as its `literal` says. The body of any
// other script is returned as it is: its values come as variables. A name
// without a value, and a value that can't be written at its place, are errors.
func Render(f *runbook.Fence, names map[string]any, driver string) (string, error) {
	return (&body{fence: f, names: names}).render(driver)
}

// Preview is [Render] for people, before all names have values: those that have
// none stay as they are written, and so does a body that can't be rendered.
func Preview(f *runbook.Fence, names map[string]any, driver string) string {
	out, err := (&body{fence: f, names: names, partly: true}).render(driver)
	if err != nil {
		return f.Body
	}
	return out
}

func (b *body) render(driver string) (string, error) {
	f := b.fence
	switch {
	case f.Form == runbook.SQL:
		d, ok := dialects[driver]
		if !ok {
			return "", fmt.Errorf("fill the statements at %s: no dialect of SQL is called %q", position(f.Pos), driver)
		}
		return b.literals(f.Body, d)
	case f.Form == runbook.HTTP:
		return b.request()
	case f.Form == runbook.TCP:
		return b.lines()
	case f.Form == runbook.Copy:
		return b.copying()
	case f.Form == runbook.Script && f.Language != nil:
		return b.literals(f.Body, languages[f.Language.Literal])
	}
	return f.Body, nil
}

// slot is {{name}}, {{name.field}} or {{name|ident}}. Other braces are the
// author's.
var slot = regexp.MustCompile(`\{\{[ \t]*([\p{L}_][\p{L}\p{N}_-]*(?:\.[\p{L}\p{N}_-]+)*)[ \t]*(?:\|[ \t]*(\w+)[ \t]*)?\}\}`)

// body is a fence's body that is being filled.
type body struct {
	fence  *runbook.Fence
	names  map[string]any
	partly bool // slots without a value stay
}

// writer writes a value so that it can't leave its place.
type writer func(v any) (string, error)

// fill is the value of a slot, whose submatches m are in the body at offset.
func (b *body) fill(src string, m []int, offset int, write writer) (string, error) {
	name := src[m[2]:m[3]]
	v, ok := lookup(b.names, name)
	switch {
	case !ok && b.partly:
		return src[m[0]:m[1]], nil
	case !ok:
		return "", b.problem(src, m, offset, errors.New("it has no value"))
	}
	out, err := write(v)
	if err != nil {
		return "", b.problem(src, m, offset, err)
	}
	return out, nil
}

func (b *body) problem(src string, m []int, offset int, err error) error {
	return fmt.Errorf("fill %s at %s: %w", src[m[0]:m[1]], position(b.fence.At(offset+m[0])), err)
}

// each fills every slot of a text, which stands at offset in the body, alike.
func (b *body) each(src string, offset int, write writer) (string, error) {
	var out strings.Builder
	last := 0
	for _, m := range slot.FindAllStringSubmatchIndex(src, -1) {
		s, err := b.plain(src, m, offset, write)
		if err != nil {
			return "", err
		}
		out.WriteString(src[last:m[0]] + s)
		last = m[1]
	}
	return out.String() + src[last:], nil
}

// lines fills the lines of a tcp fence, but for comments.
func (b *body) lines() (string, error) {
	var out strings.Builder
	offset := 0
	for line := range strings.Lines(b.fence.Body) {
		code, _, _ := strings.Cut(line, "#")
		s, err := b.each(code, offset, authority)
		if err != nil {
			return "", err
		}
		out.WriteString(s + line[len(code):])
		offset += len(line)
	}
	return out.String(), nil
}

// plain is fill for a place that knows no filters.
func (b *body) plain(src string, m []int, offset int, write writer) (string, error) {
	if m[4] >= 0 {
		return "", b.problem(src, m, offset, fmt.Errorf("there is no %q here; it is for statements", src[m[4]:m[5]]))
	}
	return b.fill(src, m, offset, write)
}

func position(p runbook.Pos) string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// hostPort is what stands for a host, a port, or both.
var hostPort = regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]+$`)

// authority writes a host or a port.
func authority(v any) (string, error) {
	s, err := checks.EnvText(v)
	if err != nil {
		return "", err
	}
	if !hostPort.MatchString(s) {
		return "", fmt.Errorf("%s is no host or port", quoted(s))
	}
	return s, nil
}

func quoted(s string) string { return fmt.Sprintf("%q", text.Line(text.Untrusted(s))) }
