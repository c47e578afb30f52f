package runbook

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Transfer is what a copy fence says.
type Transfer struct {
	From, To Place
	Exclude  []string // globs of [path.Match]: of a name, or with a slash of a path below From
}

// Place is a path on a host.
type Place struct {
	Host string // empty: this machine
	Path string
}

// String is the place as it is written in a fence.
func (p Place) String() string {
	if p.Host != "" {
		return p.Host + ":" + p.Path
	}
	if PlaceOf(p.Path).Host != "" {
		return "./" + p.Path
	}
	return p.Path
}

// PlaceOf reads HOST:PATH or PATH. A colon behind a slash belongs to the path.
func PlaceOf(s string) Place {
	if host, rest, ok := strings.Cut(s, ":"); ok && !strings.Contains(host, "/") {
		return Place{host, rest}
	}
	return Place{"", s}
}

// String is the transfer as a fence says it, a line each.
func (t Transfer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "from %s\nto %s\n", t.From, t.To)
	for _, g := range t.Exclude {
		b.WriteString("exclude " + g + "\n")
	}
	return b.String()
}

// TransferOf reads the lines of a copy fence.
func TransferOf(body string) (Transfer, error) {
	var t Transfer
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch word {
		case "":
		case "from":
			t.From = PlaceOf(rest)
		case "to":
			t.To = PlaceOf(rest)
		case "exclude":
			t.Exclude = append(t.Exclude, rest)
		default:
			return t, fmt.Errorf("%q is no line of a copy: write from, to or exclude", line)
		}
	}
	for _, check := range []error{t.From.check("from"), t.To.check("to"), named(t.To)} {
		if check != nil {
			return t, check
		}
	}
	for _, g := range t.Exclude {
		if err := checkGlob(g); err != nil {
			return t, err
		}
	}
	return t, nil
}

// check says why nothing can be at a place.
func (p Place) check(word string) error {
	switch {
	case p.Path == "":
		return fmt.Errorf("%q names no path", word)
	case strings.ContainsAny(p.Path, "\x00\n\r"):
		return fmt.Errorf("%q holds a line break or a NUL byte", word)
	case strings.HasPrefix(p.Path, "~"):
		return fmt.Errorf("%q begins with ~, which only shells know: a path that isn't absolute begins in the login directory of a host", word)
	}
	return nil
}

// named says why a target has no name that it could get.
func named(p Place) error {
	switch base := path.Base(path.Clean(p.Path)); {
	case base == ".", base == "..", base == "/":
		return fmt.Errorf("%q isn't the name of what is to come into being: write the whole path, such as to web-1:/opt/app.new", "to "+p.String())
	}
	return nil
}

func checkGlob(g string) error {
	if _, err := path.Match(g, ""); err != nil || g == "" {
		return errors.Join(fmt.Errorf("%q is no pattern for names", g), err)
	}
	return nil
}

// copying checks the lines of a copy fence.
func (p *parser) copying(b *block, at places) {
	found := map[string]bool{}
	p.eachLine(b, func(text string, offset int) {
		word, rest, _ := strings.Cut(text, " ")
		rest = strings.TrimSpace(rest)
		plain := PlaceOf(template.ReplaceAllString(rest, "x"))
		report := func(what, remedy string) { p.report(at.at(offset), Error, "copy", what, remedy) }
		switch {
		case word != "from" && word != "to" && word != "exclude":
			report(quote(text)+" is no line of a copy", "write from HOST:PATH, to HOST:PATH, or exclude GLOB")
		case rest == "" && word == "exclude":
			report(quote(word)+" names nothing", "write exclude GLOB, such as exclude *.log")
		case rest == "", word != "exclude" && plain.Path == "":
			report(quote(word)+" names nothing", "write "+word+" HOST:PATH, or "+word+" PATH on this machine")
		case word != "exclude" && found[word]:
			report("a second "+quote(word), "copy one thing in one fence")
		case word == "exclude":
			if err := checkGlob(template.ReplaceAllString(rest, "x")); err != nil {
				report(quote(rest)+" is no pattern for names", "use *, ? and [a-z] as in a shell, brackets closed")
			}
		case plain.check(word) != nil:
			report(plain.check(word).Error(), "write an absolute path, or one below the login directory")
		case word == "to" && named(plain) != nil:
			report(named(plain).Error(), "write the whole path of what is to come into being, such as to web-1:/opt/app.new")
		}
		found[word] = true
	})
	for _, word := range []string{"from", "to"} {
		if !found[word] {
			p.errorAt(b.at, "copy", "the copy has no line "+quote(word), "write "+word+" HOST:PATH")
		}
	}
}
