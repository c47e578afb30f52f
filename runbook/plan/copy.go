package plan

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"stepgate/checks"
	"stepgate/runbook"
)

// copying fills the lines of a copy fence. A value can't become another line, and
// one without a host in front of it can't become a host.
func (b *body) copying() (string, error) {
	var out strings.Builder
	offset := 0
	for line := range strings.Lines(b.fence.Body) {
		text := strings.TrimSpace(line)
		at := offset + strings.Index(line, text)
		offset += len(line)
		word, rest, _ := strings.Cut(text, " ")
		rest = strings.TrimSpace(rest)
		if rest == "" {
			continue
		}
		at += strings.Index(text[len(word):], rest) + len(word)
		if word == "exclude" {
			s, err := b.each(rest, at, glob)
			if err != nil {
				return "", err
			}
			out.WriteString(word + " " + s + "\n")
			continue
		}
		raw := runbook.PlaceOf(rest)
		host, err := b.each(raw.Host, at, authority)
		if err != nil {
			return "", err
		}
		p, err := b.each(raw.Path, at+len(rest)-len(raw.Path), pathText)
		if err != nil {
			return "", err
		}
		out.WriteString(word + " " + runbook.Place{Host: host, Path: p}.String() + "\n")
	}
	return out.String(), nil
}

// pathText writes a path, or a part of one.
func pathText(v any) (string, error) {
	s, err := checks.EnvText(v)
	if err != nil {
		return "", err
	}
	switch {
	case s == "":
		return "", errors.New("it is empty, and the path would be another one")
	case strings.TrimSpace(s) != s:
		return "", fmt.Errorf("%s begins or ends with a blank", quoted(s))
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", fmt.Errorf("%s holds characters that no path in a runbook can", quoted(s))
	}
	return s, nil
}

// glob writes a value so that it stands for itself in a pattern.
func glob(v any) (string, error) {
	s, err := pathText(v)
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s), err
}

// Copy is what a copy fence comes to for a cell's scope: its transfer with the hosts
// that its names mean. body is the fence's, rendered.
func (p *Plan) Copy(body string, s *Scope) (runbook.Transfer, error) {
	t, err := runbook.TransferOf(body)
	if err != nil {
		return t, fmt.Errorf("read the copy: %w", err)
	}
	for _, at := range []*runbook.Place{&t.From, &t.To} {
		if at.Host == "" {
			continue
		}
		hosts, ok := p.On(at.Host, s)
		switch {
		case !ok:
			return t, fmt.Errorf("read the copy: %q names neither a host nor a group of the inventory", at.Host)
		case len(hosts) != 1:
			return t, fmt.Errorf("read the copy: %q is a group of %d hosts: a copy goes from one place to one", at.Host, len(hosts))
		}
		if at.Host = hosts[0]; at.Host == Local {
			at.Host = ""
		}
	}
	if t.From == t.To {
		return t, fmt.Errorf("read the copy: %s would be copied to itself", t.From)
	}
	return t, nil
}

// ends returns the hosts that a copy fence names, as far as their names are known.
func (p *Plan) ends(f *runbook.Fence, s *Scope, where string) (known []string) {
	if f.Form != runbook.Copy {
		return nil
	}
	names := p.Names(s, where, nil)
	for line := range strings.Lines(f.Body) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if host := runbook.PlaceOf(strings.TrimSpace(rest)).Host; host != "" && word != "exclude" {
			if name, ok := Fill(host, names); ok {
				known = append(known, name)
			}
		}
	}
	return known
}

// copying reports what the inventory lacks for a copy fence. hosts are where its
// values come from.
func (b *builder) copying(f *runbook.Fence, s *Scope, hosts []string) {
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	seen := map[string]bool{}
	for _, where := range hosts {
		for _, name := range b.p.ends(f, s, where) {
			if seen[name] {
				continue
			}
			seen[name] = true
			through, ok := b.p.On(name, s)
			switch {
			case b.p.ambiguous(name, s):
				b.problem(f.Pos, "ambiguous-name", "rename one of them in the inventory", "the copy's %s names both a group and a host of the inventory", name)
			case !ok:
				b.problem(f.Pos, "missing-group", fmt.Sprintf("add [hosts.%s] to the inventory, and give it with -i FILE", name),
					"the copy's %s names neither a host nor a group of the inventory", name)
			case len(through) != 1:
				b.problem(f.Pos, "several-places", "name one host of it, or walk the group: each="+name, "the copy's %s is a group of %d hosts: a copy goes from one place to one", name, len(through))
			}
		}
	}
}
