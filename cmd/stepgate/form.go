package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/text"
	"stepgate/tui"
	"stepgate/tui/plain"
)

// ask asks a person for the values that are missing. On a screen every value of a
// run to be begun stands there to be looked at, and can be changed.
func (d driveFlags) ask(ctx context.Context, st streams, src *source, missing []runbook.Param) (map[string]string, error) {
	if d.auto || !st.terminal() {
		return nil, missingValues(missing)
	}
	if d.screen(st) {
		return src.fill(ctx, st, missing)
	}
	var qs []tui.Question
	for _, p := range missing {
		qs = append(qs, question(p, p.Default))
	}
	tty, err := openTTY(st)
	if err != nil {
		return nil, err
	}
	return plain.Ask(ctx, tty, st.out, qs)
}

// fill shows the start form and returns what was entered.
func (s *source) fill(ctx context.Context, st streams, missing []runbook.Param) (map[string]string, error) {
	params := s.form
	if params == nil {
		params = missing
	}
	f := tui.Form{Title: s.name}
	if s.title != "" {
		f.Title = s.title
	}
	if s.invFile != "" {
		f.Facts = append(f.Facts, "inventory "+s.invFile)
	}
	for _, p := range params {
		f.Fields = append(f.Fields, s.field(p))
	}
	answers, err := tui.Fill(ctx, f, st.screen())
	if err != nil {
		return nil, err
	}
	for _, p := range params {
		if v, ok := answers[p.Name]; ok && v == "" && optional(p) {
			delete(answers, p.Name)
			delete(s.given, p.Name)
		}
	}
	return answers, nil
}

// optional reports whether a parameter may have no value at all.
func optional(p runbook.Param) bool { return !p.Required && !p.HasDef }

// field is a parameter on the start form, with the value it has so far.
func (s *source) field(p runbook.Param) tui.Field {
	value, given := s.given[p.Name]
	f := tui.Field{Optional: optional(p), Given: given && p.Secret}
	switch {
	case given && p.Secret:
		f.From, value = s.from[p.Name], ""
	case given:
		f.From = s.from[p.Name]
	default:
		value = p.Default
	}
	f.Question = question(p, value)
	return f
}

// question asks for a parameter.
func question(p runbook.Param, value string) tui.Question {
	return tui.Question{
		Name: p.Name, Prompt: p.Prompt, Help: p.Help, Type: string(p.Type), Choices: p.Choices, Default: value, Secret: p.Secret,
		Validate: func(v string) error {
			_, err := plan.Type(p, v)
			return unnamed(err, p.Name)
		},
	}
}

// unnamed is an error about a value where it stands under the value itself.
func unnamed(err error, name string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), fmt.Sprintf("bind value %q: ", name)))
}

// needHosts asks for an inventory where the runbook needs groups of hosts and none
// was given.
func (s *source) needHosts(ctx context.Context, st streams, d driveFlags) error {
	if s.inv != nil || d.auto || !d.screen(st) {
		return nil
	}
	book, _, err := s.parse()
	if err != nil || !wantsHosts(book) {
		return nil //nolint:nilerr // planning tells it with all its places
	}
	field := tui.Field{
		Question: tui.Question{Name: "inventory", Prompt: "Inventory file", Type: "path", Help: hostsWanted(book)},
		Look:     func(_ context.Context, path string) error { return suits(fromHome(path), book) },
	}
	switch here := found(book); len(here) {
	case 0:
	case 1:
		field.Default, field.From = here[0], "found here"
	default:
		field.Help += "\nThese files here have that: " + strings.Join(here, ", ")
	}
	answers, err := tui.Fill(ctx, tui.Form{Title: book.Title, Begin: "go on", Fields: []tui.Field{field}}, st.screen())
	if err != nil {
		return err
	}
	s.invFile = fromHome(answers["inventory"])
	s.inv, err = os.ReadFile(s.invFile)
	if err != nil {
		return exitWith(exitUsage, fmt.Errorf("read inventory %q: %w", s.invFile, err))
	}
	return nil
}

// wantsHosts reports whether a runbook can't be planned without an inventory.
func wantsHosts(book *runbook.Runbook) bool {
	return slices.ContainsFunc(book.Groups, func(g runbook.Group) bool { return g.Min > 0 })
}

func hostsWanted(book *runbook.Runbook) string {
	var lines []string
	for _, g := range book.Groups {
		l := "It needs the group " + g.Name
		if len(g.Vars) > 0 {
			l += " with " + strings.Join(g.Vars, ", ") + " of each host"
		}
		if g.Help != "" {
			l += ": " + g.Help
		}
		lines = append(lines, l)
	}
	return strings.Join(lines, "\n")
}

// candidates bounds how many files of a directory are looked at.
const candidates = 50

// found names the inventories of the current directory that suit the runbook.
func found(book *runbook.Runbook) (names []string) {
	for _, pattern := range []string{"*.toml", "*.ini", "hosts", "inventory"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, f := range files[:min(len(files), candidates)] {
			if suits(f, book) == nil {
				names = append(names, f)
			}
		}
	}
	return names
}

// suits reads an inventory and says what the runbook lacks in it.
func suits(path string, book *runbook.Runbook) error {
	src, err := readSmall(path)
	if err != nil {
		return err
	}
	inv, diags := inventory.Parse(path, src)
	for _, d := range diags {
		if d.Severity == runbook.Error {
			return fmt.Errorf("%d:%d: %s", d.Pos.Line, d.Pos.Col, text.Line(text.Untrusted(d.Text)))
		}
	}
	for _, g := range book.Groups {
		hosts, ok := inv.Group(g.Name)
		switch {
		case !ok && g.Min > 0:
			return fmt.Errorf("it has no group %q", g.Name)
		case len(hosts) < g.Min:
			return fmt.Errorf("its group %q has %d of the %d hosts that it needs", g.Name, len(hosts), g.Min)
		case g.Max > 0 && len(hosts) > g.Max:
			return fmt.Errorf("its group %q has %d hosts, more than the %d that are allowed", g.Name, len(hosts), g.Max)
		}
	}
	return nil
}

// maxInventory bounds what is read while a path is typed, in bytes.
const maxInventory = 5 << 20

// readSmall reads a regular file that isn't too large: a path that is being typed
// may name anything.
func readSmall(path string) ([]byte, error) {
	fi, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return nil, fmt.Errorf("there is no such file")
	case err != nil:
		return nil, err
	case !fi.Mode().IsRegular():
		return nil, fmt.Errorf("that is no file")
	case fi.Size() > maxInventory:
		return nil, fmt.Errorf("it is larger than %d MiB", maxInventory>>20)
	}
	return os.ReadFile(path)
}
