package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/lint"
	"stepgate/runbook/text"
)

type lintOptions struct {
	inventory string
	format    string
	asJSON    bool
}

func newLintCommand(s streams) *cobra.Command {
	var o lintOptions
	c := &cobra.Command{
		Use:   "lint RUNBOOK…",
		Short: "Say what is wrong with a runbook, with places and remedies",
		Long: `Lint reads runbooks and judges what they would do. Each finding has its place, the
rule's id in brackets, and a remedy; docs/lint.md explains every rule. Errors stop a
run (exit 12), warnings don't. With -i it also says what the inventory lacks.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return runLint(s, args, o)
		},
	}
	c.Flags().StringVarP(&o.inventory, "inventory", "i", "", "inventory file to hold the runbook against")
	c.Flags().BoolVar(&o.asJSON, "json", false, "one JSON array of findings on stdout; as --format json")
	c.Flags().StringVar(&o.format, "format", "text", "text, json, github (annotations of a workflow) or sarif (2.1.0)")
	return c
}

// linted is what was found in which files.
type linted struct {
	sources map[string][]byte
	found   []runbook.Diagnostic
}

// writers are the forms in which findings are written; text is for people.
var writers = map[string]func(io.Writer, linted) error{
	"json":   func(w io.Writer, l linted) error { return text.WriteJSON(w, l.found) },
	"github": func(w io.Writer, l linted) error { return lint.GitHub(w, l.sources, l.found) },
	"sarif":  func(w io.Writer, l linted) error { return lint.SARIF(w, version(), l.sources, l.found) },
}

func runLint(s streams, names []string, o lintOptions) error {
	if o.asJSON {
		o.format = "json"
	}
	write := writers[o.format]
	if write == nil && o.format != "text" {
		return usage("choose one of: text, json, github, sarif", "write findings: no format %q", o.format)
	}
	l := linted{map[string][]byte{}, []runbook.Diagnostic{}}
	inv, err := l.inventory(o.inventory)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := l.runbook(name, inv); err != nil {
			return err
		}
	}
	if write == nil {
		err = printDiagnostics(s, l.found)
	} else {
		err = write(s.out, l)
	}
	if err != nil {
		return err
	}
	if runbook.Failed(l.found) {
		return exitWith(exitRunbook, nil)
	}
	return nil
}

// inventory reads the inventory, if there is one; what is wrong with it is a
// finding.
func (l *linted) inventory(file string) (*inventory.Inventory, error) {
	if file == "" {
		return nil, nil
	}
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, exitWith(exitUsage, fmt.Errorf("read inventory %q: %w", file, err))
	}
	inv, diags := inventory.Parse(file, src)
	l.sources[file] = src
	l.found = append(l.found, diags...)
	return inv, nil
}

// runbook finds all there is to say of one runbook.
func (l *linted) runbook(name string, inv *inventory.Inventory) error {
	file, dir, src, err := readBook(name)
	if err != nil {
		return err
	}
	l.sources[file] = src
	open := openerFor(dir)
	if shipped(name) {
		open = openShipped
	}
	beside := func(part string) string { return filepath.Join(filepath.Dir(file), filepath.FromSlash(part)) }
	book, diags := runbook.Parse(file, src, func(part string) ([]byte, error) {
		text, err := open(part)
		l.sources[beside(part)] = text
		return text, err
	})
	if book != nil {
		diags = append(append(diags, lint.Book(book)...), notices(book.Later)...)
		if inv != nil {
			diags = append(diags, lint.Inventory(book, inv)...)
		}
	}
	for _, d := range diags {
		if d.Pos.File != file { // an included one's is relative to the runbook's directory
			d.Pos.File = beside(d.Pos.File)
		}
		l.found = append(l.found, d)
	}
	return nil
}

// notices says what this version can't run yet, where nothing is run.
func notices(later []runbook.Diagnostic) []runbook.Diagnostic {
	var out []runbook.Diagnostic
	for _, d := range later {
		d.Severity = runbook.Notice
		out = append(out, d)
	}
	return out
}

func printDiagnostics(s streams, all []runbook.Diagnostic) error {
	counts := map[runbook.Severity]int{}
	for _, d := range all {
		counts[d.Severity]++
		if _, err := fmt.Fprintln(s.out, sanitised(d.String())); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(s.err, "%s, %s, %s\n", count(counts[runbook.Error], "error"), count(counts[runbook.Warning], "warning"), count(counts[runbook.Notice], "notice"))
	return err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
