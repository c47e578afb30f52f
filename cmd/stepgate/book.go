package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/runbooks"
)

// bookFlags say which runbook, with which values, on which hosts.
type bookFlags struct {
	inventory string
	values    []string
	vars      string
}

// source is a runbook with its inventory, read once: what is parsed is what is
// run and what is kept for resuming.
type source struct {
	name      string // path or shipped name, for people
	dir       string // where local commands run
	file      string // in diagnostics
	book, inv []byte
	invFile   string
	given     map[string]string
	lab       string
	making    *os.File // held while the lab isn't in the journal yet; nil without one
	ssh       run.SSHFiles
	notices   []runbook.Diagnostic
}

// readBook reads a runbook by its path, else by the name of a shipped one.
func readBook(name string) (file, dir string, src []byte, err error) {
	src, err = os.ReadFile(name)
	if err == nil {
		abs, err := filepath.Abs(name)
		return name, filepath.Dir(abs), src, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", "", nil, fmt.Errorf("read runbook %q: %w", name, err)
	}
	shipped, serr := fs.ReadFile(runbooks.FS, strings.TrimSuffix(name, ".md")+".md")
	if serr != nil {
		return "", "", nil, exitWith(exitNotFound, text.WithHint(
			fmt.Errorf("read runbook %q: no such file, and no shipped runbook of that name", name),
			"shipped runbooks are: "+strings.Join(shippedNames(), ", ")))
	}
	wd, err := os.Getwd()
	return strings.TrimSuffix(name, ".md") + ".md", wd, shipped, err
}

func shippedNames() []string {
	var names []string
	entries, err := fs.ReadDir(runbooks.FS, ".")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if n, ok := strings.CutSuffix(e.Name(), ".md"); ok {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	return names
}

// read gathers what a runbook is run with. Values: flag before environment
// (STEPGATE_VAR_name) before answers file.
func (f bookFlags) read(name string) (*source, error) {
	s := &source{name: name, given: map[string]string{}}
	var err error
	if s.file, s.dir, s.book, err = readBook(name); err != nil {
		return nil, err
	}
	if f.inventory != "" {
		s.invFile = f.inventory
		if s.inv, err = os.ReadFile(f.inventory); err != nil {
			return nil, exitWith(exitUsage, fmt.Errorf("read inventory %q: %w", f.inventory, err))
		}
	}
	if f.vars != "" {
		var m map[string]any
		if _, err := toml.DecodeFile(f.vars, &m); err != nil {
			return nil, exitWith(exitUsage, fmt.Errorf("read answers %q: %w", f.vars, err))
		}
		for k, v := range m {
			s.given[k] = answerText(v)
		}
	}
	for _, kv := range os.Environ() {
		if k, v, ok := strings.Cut(strings.TrimPrefix(kv, "STEPGATE_VAR_"), "="); ok && strings.HasPrefix(kv, "STEPGATE_VAR_") {
			s.given[k] = v
		}
	}
	flags, err := pairs(f.values)
	for k, v := range flags {
		s.given[k] = v
	}
	return s, err
}

// answerText is a value of an answers file as it would be typed.
func answerText(v any) string {
	if l, ok := v.([]any); ok {
		parts := make([]string, len(l))
		for i, e := range l {
			parts[i] = fmt.Sprint(e)
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(v)
}

// parse parses the runbook and its inventory. Errors of either end it.
func (s *source) parse() (*runbook.Runbook, *inventory.Inventory, error) {
	book, diags := runbook.Parse(s.file, s.book, nil)
	var inv *inventory.Inventory
	if s.inv != nil {
		var more []runbook.Diagnostic
		inv, more = inventory.Parse(s.invFile, s.inv)
		diags = append(diags, more...)
	}
	s.notices = nil
	for _, d := range diags {
		if d.Severity != runbook.Error {
			s.notices = append(s.notices, d)
		}
	}
	if runbook.Failed(diags) {
		return nil, nil, &diagnosed{diags}
	}
	return book, inv, nil
}

// bind gives the runbook its values; ask is called for those that are missing.
func (s *source) bind(book *runbook.Runbook, ask func([]runbook.Param) (map[string]string, error)) (plan.Values, error) {
	values, missing, errs := plan.Bind(book, s.given)
	if len(errs) > 0 {
		return nil, exitWith(exitUsage, errs[0])
	}
	if len(missing) == 0 {
		return values, nil
	}
	answers, err := ask(missing)
	if err != nil {
		return nil, err
	}
	for k, v := range answers {
		s.given[k] = v
	}
	values, missing, errs = plan.Bind(book, s.given)
	switch {
	case len(errs) > 0:
		return nil, exitWith(exitUsage, errs[0])
	case len(missing) > 0:
		return nil, missingValues(missing)
	}
	return values, nil
}

// missingValues is what there is to say without a person to ask.
func missingValues(missing []runbook.Param) error {
	var names, flags []string
	for _, p := range missing {
		names = append(names, p.Name)
		flags = append(flags, "-e "+p.Name+"=VALUE")
	}
	return usage("give "+strings.Join(flags, " "), "bind values: the runbook needs %s", strings.Join(names, ", "))
}

// plan writes the runbook out.
func (s *source) plan(ask func([]runbook.Param) (map[string]string, error)) (*plan.Plan, error) {
	book, inv, err := s.parse()
	if err != nil {
		return nil, err
	}
	values, err := s.bind(book, ask)
	if err != nil {
		return nil, err
	}
	p, problems := plan.New(book, values, inv)
	if problems != nil {
		return nil, exitWith(exitUsage, &diagnosed{problems})
	}
	return p, nil
}

// noAsk refuses to ask.
func noAsk(missing []runbook.Param) (map[string]string, error) { return nil, missingValues(missing) }
