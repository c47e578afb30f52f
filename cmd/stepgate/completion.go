package main

import (
	"strings"

	"github.com/spf13/cobra"

	"stepgate/lab"
	"stepgate/runbook"
	"stepgate/runbook/text"
	"stepgate/state"
)

// completes has the shell complete what a command takes: runs by their ids, runbooks by
// their names or as files, values by theirs.
func completes(c *cobra.Command) {
	_, args, _ := strings.Cut(c.Use, " ")
	switch {
	case strings.HasPrefix(args, "RUNBOOK"):
		c.ValidArgsFunction = completeBooks
	case strings.HasPrefix(strings.TrimPrefix(args, "["), "RUN"):
		c.ValidArgsFunction = completeRuns
	case strings.Contains(args, "SCENE"):
		c.ValidArgs = lab.SceneNames()
	}
	for flag, f := range map[string]cobra.CompletionFunc{
		"inventory": cobra.FixedCompletions([]string{"toml", "ini"}, cobra.ShellCompDirectiveFilterFileExt),
		"vars":      cobra.FixedCompletions([]string{"toml"}, cobra.ShellCompDirectiveFilterFileExt),
		"lab":       cobra.FixedCompletions(lab.SceneNames(), cobra.ShellCompDirectiveNoFileComp),
		"extra-var": completeValues,
	} {
		if c.Flags().Lookup(flag) != nil {
			_ = c.RegisterFlagCompletionFunc(flag, f) // fails for flags that aren't there
		}
	}
}

// completeRuns offers the runs of the journal; to resume, those that are open.
func completeRuns(cmd *cobra.Command, args []string, begun string) (out []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	err := allRuns(cmd.Context(), func(_ *state.Store, infos []state.Info) error {
		for _, i := range infos {
			if strings.HasPrefix(i.ID, begun) && (cmd.Name() != "resume" || i.Closed == "") {
				out = append(out, cobra.CompletionWithDesc(i.ID, text.Line(text.Untrusted(i.Title))))
			}
		}
		return nil
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeBooks offers the shipped runbooks; the shell adds files.
func completeBooks(_ *cobra.Command, _ []string, begun string) (out []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, n := range shippedNames() {
		if strings.HasPrefix(n, begun) {
			out = append(out, n)
		}
	}
	return out, cobra.ShellCompDirectiveDefault
}

// completeValues offers the names of the values that the runbook takes.
func completeValues(_ *cobra.Command, args []string, begun string) (out []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) == 0 || strings.Contains(begun, "=") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	src, err := bookFlags{}.read(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	book, diags := runbook.Parse(src.file, src.book, src.keeping)
	if runbook.Failed(diags) {
		return nil, cobra.ShellCompDirectiveError
	}
	for _, p := range book.Params {
		if strings.HasPrefix(p.Name, begun) && !p.Secret { // a command line is no place for secrets
			out = append(out, cobra.CompletionWithDesc(p.Name+"=", text.Line(text.Untrusted(p.Prompt))))
		}
	}
	return out, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
