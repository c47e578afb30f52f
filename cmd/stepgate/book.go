package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/lint"
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
	open      runbook.Opener    // of included files
	parts     map[string][]byte // that parsing has read, by name
	invFile   string
	given     map[string]string
	from      map[string]string // where each of them comes from, for people
	title     string            // of the runbook, once it was planned
	form      []runbook.Param   // what the start form of a new run shows
	lab       string
	making    *os.File // held while the lab isn't in the journal yet; nil without one
	ssh       run.SSHFiles
	notices   []runbook.Diagnostic
	startAt   startAt
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

// read gathers what a runbook is run with.
func (f bookFlags) read(name string) (*source, error) {
	s := &source{name: name}
	var err error
	if s.file, s.dir, s.book, err = readBook(name); err != nil {
		return nil, err
	}
	if s.open = openShipped; !shipped(name) {
		s.open = openerFor(s.dir)
	}
	if f.inventory != "" {
		s.invFile = f.inventory
		if s.inv, err = os.ReadFile(f.inventory); err != nil {
			return nil, exitWith(exitUsage, fmt.Errorf("read inventory %q: %w", f.inventory, err))
		}
	}
	s.given, err = f.answers()
	s.from = f.origins(s.given)
	return s, err
}

// answers are the values that were given: by flag before environment
// (STEPGATE_VAR_name) before answers file.
func (f bookFlags) answers() (map[string]string, error) {
	given := map[string]string{}
	if f.vars != "" {
		var m map[string]any
		if _, err := toml.DecodeFile(f.vars, &m); err != nil {
			return nil, exitWith(exitUsage, fmt.Errorf("read answers %q: %w", f.vars, err))
		}
		for k, v := range m {
			given[k] = answerText(v)
		}
	}
	for _, kv := range os.Environ() {
		if k, v, ok := strings.Cut(strings.TrimPrefix(kv, "STEPGATE_VAR_"), "="); ok && strings.HasPrefix(kv, "STEPGATE_VAR_") {
			given[k] = v
		}
	}
	flags, err := pairs(f.values)
	maps.Copy(given, flags)
	return given, err
}

// origins says of each value that was given how.
func (f bookFlags) origins(given map[string]string) map[string]string {
	from := map[string]string{}
	for name := range given {
		_, set := os.LookupEnv("STEPGATE_VAR_" + name)
		switch {
		case slices.ContainsFunc(f.values, func(v string) bool { return strings.HasPrefix(v, name+"=") }):
			from[name] = "-e"
		case set:
			from[name] = "environment"
		default:
			from[name] = filepath.Base(f.vars)
		}
	}
	return from
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

// shipped reports whether a name means a shipped runbook: a file of that name
// comes first.
func shipped(name string) bool {
	_, err := os.Stat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// keeping is an opener that keeps what it reads, so that what is parsed is what
// is kept for resuming.
func (s *source) keeping(name string) ([]byte, error) {
	if b, ok := s.parts[name]; ok {
		return b, nil
	}
	if s.open == nil {
		return nil, fs.ErrNotExist
	}
	b, err := s.open(name)
	if err != nil {
		return nil, err
	}
	if s.parts == nil {
		s.parts = map[string][]byte{}
	}
	s.parts[name] = b
	return b, nil
}

// parse parses the runbook and its inventory. Errors of either end it.
func (s *source) parse() (*runbook.Runbook, *inventory.Inventory, error) {
	book, diags := runbook.Parse(s.file, s.book, s.keeping)
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
		return nil, nil, s.faulty(diags)
	}
	return book, inv, nil
}

// faulty is a runbook with errors, and how to see them all with their places.
func (s *source) faulty(diags []runbook.Diagnostic) error {
	if s.name == "" { // resumed from what the journal keeps
		return &diagnosed{diags}
	}
	return text.WithHint(&diagnosed{diags}, "see: stepgate lint "+s.name)
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

// fromInventory takes the values that nothing said on the way in has given. The
// journal keeps an inventory as it is, so that no secret may stand there.
func (s *source) fromInventory(book *runbook.Runbook, inv *inventory.Inventory) error {
	if inv == nil {
		return nil
	}
	for _, p := range book.Params {
		v, ok := inv.Vars[p.Name]
		if _, given := s.given[p.Name]; !ok || given {
			continue
		}
		if p.Secret {
			return usage("take it out of "+s.invFile+", and give it as STEPGATE_VAR_"+p.Name+" or when it is asked for",
				"bind value %q: a secret stands in the inventory, which the journal keeps", p.Name)
		}
		s.give(p.Name, v, "inventory")
	}
	return nil
}

// give gives a value that nobody has named on the way in.
func (s *source) give(name, value, from string) {
	s.given[name] = value
	if s.from != nil {
		s.from[name] = from
	}
}

// bindSecrets gives a run that is gone on with its values: those it was started
// with, and of what is given now only its secrets, which no journal keeps. flags
// are refused when they name anything else.
func (s *source) bindSecrets(book *runbook.Runbook, secrets []string, given map[string]string, flags []string, ask func([]runbook.Param) (map[string]string, error)) (plan.Values, error) {
	named, err := pairs(flags)
	if err != nil {
		return nil, err
	}
	for name := range named {
		if !slices.Contains(secrets, name) {
			return nil, usage("its values are those it was started with; begin anew: stepgate run "+s.name,
				"bind value %q: it is no secret of this run", name)
		}
	}
	var missing []runbook.Param
	for _, p := range book.Params {
		v, ok := given[p.Name]
		switch {
		case !slices.Contains(secrets, p.Name):
		case ok:
			s.given[p.Name] = v
		default:
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		answers, err := ask(missing)
		if err != nil {
			return nil, err
		}
		maps.Copy(s.given, answers)
	}
	return s.bind(book, ask)
}

// missingValues is what there is to say without a person to ask. A secret isn't to
// stand on a command line, where others can read it.
func missingValues(missing []runbook.Param) error {
	var names, flags, secrets []string
	for _, p := range missing {
		names = append(names, p.Name)
		if p.Secret {
			secrets = append(secrets, "STEPGATE_VAR_"+p.Name)
		} else {
			flags = append(flags, "-e "+p.Name+"=VALUE")
		}
	}
	var give []string
	if flags != nil {
		give = append(give, "give "+strings.Join(flags, " "))
	}
	if secrets != nil {
		give = append(give, "set "+strings.Join(secrets, " and ")+" in the environment")
	}
	return usage(strings.Join(give, ", and "), "bind values: the runbook needs %s", strings.Join(names, ", "))
}

// plan writes the runbook out. admit, if there is one, may refuse the runbook
// before anybody is asked for its values.
func (s *source) plan(ask func([]runbook.Param) (map[string]string, error), admit func(*runbook.Runbook) error) (*plan.Plan, error) {
	book, inv, err := s.parse()
	if err != nil {
		return nil, err
	}
	if diags := lint.Book(book); runbook.Failed(diags) {
		return nil, s.faulty(diags)
	}
	if admit != nil {
		if err := admit(book); err != nil {
			return nil, err
		}
	}
	if err := s.fromInventory(book, inv); err != nil {
		return nil, err
	}
	s.title, s.form = book.Title, book.Params
	values, err := s.bind(book, ask)
	if err != nil {
		return nil, err
	}
	return planOf(book, values, inv)
}

func planOf(book *runbook.Runbook, values plan.Values, inv *inventory.Inventory) (*plan.Plan, error) {
	p, problems := plan.New(book, values, inv)
	if problems != nil {
		return nil, exitWith(exitUsage, &diagnosed{problems})
	}
	return p, nil
}

// runnable refuses a runbook that uses what this version can't run.
func runnable(book *runbook.Runbook) error {
	if len(book.Later) == 0 {
		return nil
	}
	return &diagnosed{book.Later}
}

// noAsk refuses to ask.
func noAsk(missing []runbook.Param) (map[string]string, error) { return nil, missingValues(missing) }
