package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/commands.md anew")

// docs/commands.md is what the commands say of themselves.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	root := newRoot(streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, console: &console{}})
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Commands\n\nWritten by `go test ./cmd/stepgate -run TestCommandsAreDocumented -update` from what `stepgate --help` and each `stepgate COMMAND --help` say.\n\n")
	fmt.Fprintf(&b, "stdout is data, stderr is conversation. RUN is a run's id, a beginning of it that no other run has, or `last`; where it may be left out it is the last one.\n")
	fmt.Fprintf(&b, "\n```text\n%s\n```\n\nEvery command takes:\n\n```text\n%s```\n", strings.TrimSpace(exitTable), root.PersistentFlags().FlagUsages())
	document(t, &b, root)
	const file = "../../docs/commands.md"
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b.Bytes()) {
		t.Errorf("%s is stale; write it with: go test ./cmd/stepgate -run TestCommandsAreDocumented -update", file)
	}
}

func document(t *testing.T, b *bytes.Buffer, parent *cobra.Command) {
	t.Helper()
	for _, c := range parent.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.HasSubCommands() {
			document(t, b, c)
			continue
		}
		if !strings.HasPrefix(c.Short, strings.ToUpper(c.Short[:1])) || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the short help is %q", c.CommandPath(), c.Short)
		}
		says := c.Long
		if says == "" {
			says = c.Short + "."
		}
		fmt.Fprintf(b, "\n## %s\n\n%s\n", strings.TrimPrefix(c.CommandPath(), "stepgate "), says)
		fmt.Fprintf(b, "\n```text\n%s\n", c.UseLine())
		if f := c.LocalNonPersistentFlags(); f.HasAvailableFlags() {
			fmt.Fprintf(b, "\n%s", f.FlagUsages())
		}
		b.WriteString("```\n")
	}
}
