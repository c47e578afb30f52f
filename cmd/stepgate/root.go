package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"stepgate/runbook/text"
	"stepgate/state"
)

// streams are the program's own.
type streams struct {
	in, out, err *os.File
	console      *console
	journal      *state.Options // as the command line asks
	conf         *config        // what the configuration says, once it was read
}

// terminal reports whether a person is at both ends.
func (s streams) terminal() bool {
	return term.IsTerminal(int(s.in.Fd())) && term.IsTerminal(int(s.out.Fd()))
}

// Main runs the command line and returns its exit code.
func Main(ctx context.Context, args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err != nil {
		complain(s.err, err)
	}
	return codeOf(err)
}

func newRoot(s streams) *cobra.Command {
	s.journal, s.conf = &state.Options{}, &config{}
	root := &cobra.Command{
		Use:   "stepgate",
		Short: "Walk through a risky change, step by step",
		Long: `Stepgate walks you through a runbook: an ordinary Markdown file becomes a checklist,
commands run here or over SSH, checks show what they found, a gate stands before
anything that can't be undone, and everything is journaled, so that the change can
be interrupted at any point and resumed.
` + exitTable,
		PersistentPreRunE: s.configures,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Version:           version(),
		RunE:              func(cmd *cobra.Command, _ []string) error { return runHome(cmd.Context(), s) },
		Args:              cobra.NoArgs,
	}
	wrapArgs(root)
	root.PersistentFlags().BoolVar(&s.journal.UnsafeFS, "journal-unsafe-fs", false,
		"keep the journal on a network or FUSE file system, where locks and syncs may lie")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("see: "+cmd.CommandPath()+" --help", "%w", err)
	})
	root.AddCommand(
		newDemoCommand(s), newRunCommand(s), newCheckCommand(s), newResumeCommand(s), newPlanCommand(s), newLintCommand(s), newFmtCommand(s),
		newListCommand(s), newShowCommand(s), newWatchCommand(s), newTimelineCommand(s), newVerifyCommand(s), newExportCommand(s),
		newNoteCommand(s), newPauseCommand(s), newAbortCommand(s), newResolveCommand(s), newCleanCommand(s),
		newDoctorCommand(s), newLabCommand(s), newVersionCommand(s),
	)
	for _, c := range root.Commands() {
		wrapArgs(c)
		completes(c)
	}
	return root
}

// wrapArgs makes a wrong number of arguments a usage error with a remedy.
func wrapArgs(c *cobra.Command) {
	check := c.Args
	if check == nil {
		return
	}
	c.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usage("see: "+cmd.CommandPath()+" --help", "%w", err)
		}
		return nil
	}
}

func newVersionCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.out, "stepgate %s\n", version())
			return err
		},
	}
}

func version() string {
	if bi, ok := debug.ReadBuildInfo(); ok && bi.Main.Version != "" && bi.Main.Version != "(devel)" {
		return bi.Main.Version
	}
	return "development"
}

// operatorVariable holds the operator's name. A name of the configuration is put there
// where it is empty.
const operatorVariable = "STEPGATE_OPERATOR"

// operator is the label journaled with what a person does; the login name, where none
// was given.
func operator() string {
	if name := os.Getenv(operatorVariable); name != "" {
		return text.Line(text.Untrusted(name))
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// holder names this process in a lease.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return fmt.Sprintf("%s@%s, pid %d", operator(), host, os.Getpid())
}

func gateID() string {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand never fails on supported systems
	}
	return hex.EncodeToString(b[:])
}

func now() time.Time { return time.Now() }

// pairs reads NAME=VALUE flags.
func pairs(list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, p := range list {
		name, value, ok := strings.Cut(p, "=")
		switch {
		case !ok:
			return nil, usage("write -e NAME=VALUE", "read value %q: there is no = in it", p)
		case name == "":
			return nil, usage("write -e NAME=VALUE", "read value %q: there is no name before =", p)
		}
		m[name] = value
	}
	return m, nil
}
