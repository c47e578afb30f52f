package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"stepgate/runbook"
)

func newLintCommand(s streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "lint RUNBOOK…",
		Short: "Say what is wrong with a runbook, with places and remedies",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return runLint(s, args, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON array of diagnostics on stdout")
	return c
}

func runLint(s streams, names []string, asJSON bool) error {
	all := []runbook.Diagnostic{}
	for _, name := range names {
		file, _, src, err := readBook(name)
		if err != nil {
			return err
		}
		_, diags := runbook.Parse(file, src, nil)
		all = append(all, diags...)
	}
	if asJSON {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(all); err != nil {
			return err
		}
	} else if err := printDiagnostics(s, all); err != nil {
		return err
	}
	if runbook.Failed(all) {
		return exitWith(exitRunbook, nil)
	}
	return nil
}

func printDiagnostics(s streams, all []runbook.Diagnostic) error {
	errs := 0
	for _, d := range all {
		if d.Severity == runbook.Error {
			errs++
		}
		if _, err := fmt.Fprintln(s.out, sanitised(d.String())); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(s.err, "%s, %s\n", count(errs, "error"), count(len(all)-errs, "other finding"))
	return err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
