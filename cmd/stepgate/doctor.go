package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"stepgate/executor/sshconfig"
	"stepgate/lab"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
	"stepgate/state"
)

func newDoctorCommand(s streams) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look at the journal and this machine, and say what is wrong and what to do",
		Long: `Doctor looks at all that a run needs of this machine: the journal with its files and
its runs, SSH, the terminal, the clock, and what simulated clusters have left. It
changes nothing. It ends with 2 when something stands in the way of a run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctor(cmd.Context(), s, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "a JSON array of findings: id, severity (fine, warning, obstacle), what, why, do")
	return c
}

func runDoctor(ctx context.Context, s streams, asJSON bool) error {
	found := []run.Finding{{ID: "stepgate", Severity: run.Fine, What: fmt.Sprintf("stepgate %s, %s on %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)}}
	found = append(found, state.Examine(ctx, journalPath())...)
	found = append(found, aboutConfig()...)
	found = append(found, aboutSSH()...)
	found = append(found, aboutTerminal(s)...)
	found = append(found, aboutClock(), aboutLabs(ctx))
	bad := 0
	for _, f := range found {
		if f.Severity == run.Obstacle {
			bad++
		}
	}
	var err error
	if asJSON {
		err = printJSON(s, found)
	} else {
		err = printFindings(s, found, bad)
	}
	if err == nil && bad > 0 {
		err = exitWith(exitFailed, nil)
	}
	return err
}

func printFindings(s streams, found []run.Finding, bad int) error {
	var b strings.Builder
	line := func(v string) string { return text.Line(text.Untrusted(v)) }
	marks := map[run.Severity]string{run.Fine: "✓", run.Warning: "!", run.Obstacle: "✗"}
	for _, f := range found {
		fmt.Fprintf(&b, "%s %-8s  %-18s %s\n", marks[f.Severity], f.Severity, f.ID, line(f.What))
		if f.Severity == run.Fine {
			continue
		}
		if f.Why != "" {
			fmt.Fprintf(&b, "             why: %s\n", line(f.Why))
		}
		if f.Do != "" {
			fmt.Fprintf(&b, "             → %s\n", line(f.Do))
		}
	}
	switch bad {
	case 0:
		b.WriteString("\nNothing stands in the way of a run.\n")
	case 1:
		b.WriteString("\nOne thing stands in the way of a run.\n")
	default:
		fmt.Fprintf(&b, "\n%d things stand in the way of a run.\n", bad)
	}
	_, err := s.out.WriteString(b.String())
	return err
}

// aboutConfig says which configuration files are read.
func aboutConfig() []run.Finding {
	f := run.Finding{ID: "config", Severity: run.Fine, What: "there is none; " + userConfig() + " would be read"}
	c, err := loadConfig()
	if err != nil {
		f.Severity, f.What = run.Obstacle, strings.ReplaceAll(err.Error(), "\n", "; ")
		f.Why, f.Do = "no run begins, and none is resumed, while it can't be read", text.HintOf(err)
		return []run.Finding{f}
	}
	if len(c.read) > 0 {
		f.What = "read from " + strings.Join(c.read, ", ")
	}
	found := []run.Finding{f}
	for _, path := range slices.Sorted(maps.Keys(c.ignored)) {
		found = append(found, run.Finding{
			ID: "config.ignored", Severity: run.Warning, What: fmt.Sprintf("%q isn't read: %s", path, c.ignored[path]),
			Why: "somebody else could decide with it on which hosts you work", Do: "make it yours, and `chmod o-w` it",
		})
	}
	return found
}

func aboutSSH() []run.Finding {
	found := []run.Finding{{ID: "ssh.config", Severity: run.Fine, What: "hosts are resolved " + sshconfig.Method()}}
	agent := run.Finding{ID: "ssh.agent", Severity: run.Fine}
	socket := os.Getenv("SSH_AUTH_SOCK")
	switch fi, err := os.Stat(socket); {
	case socket == "":
		agent.What = "no ssh-agent: keys are read from files"
	case err != nil || fi.Mode()&os.ModeSocket == 0:
		agent.Severity, agent.What = run.Warning, fmt.Sprintf("SSH_AUTH_SOCK is %q, and no agent listens there", socket)
		agent.Why, agent.Do = "keys that only the agent has can't be used", "start one: eval \"$(ssh-agent)\" && ssh-add"
	default:
		agent.What = "ssh-agent at " + socket
	}
	return append(found, agent)
}

// The screen says that it is too small below this size.
const (
	leastWidth  = 80
	leastHeight = 24
)

func aboutTerminal(s streams) []run.Finding {
	kind := run.Finding{ID: "terminal", Severity: run.Fine}
	name := os.Getenv("TERM")
	w, h, err := term.GetSize(int(s.out.Fd()))
	switch {
	case !s.terminal():
		kind.What = "this is no terminal: runs go in lines with --plain on one, or unattended with --auto"
	case name == "" || name == "dumb":
		kind.Severity, kind.What = run.Warning, fmt.Sprintf("TERM is %q", name)
		kind.Why, kind.Do = "the screen can't be drawn, so a run goes in lines and prompts", "export TERM=xterm-256color"
	case err != nil || w < leastWidth || h < leastHeight:
		kind.Severity, kind.What = run.Warning, fmt.Sprintf("the terminal has %d columns and %d rows", w, h)
		kind.Why, kind.Do = fmt.Sprintf("gates are hard to read below %d by %d", leastWidth, leastHeight), "make the window larger, or take --plain"
	default:
		kind.What = fmt.Sprintf("%s, %d columns, %d rows", name, w, h)
	}
	locale := run.Finding{ID: "locale", Severity: run.Fine, What: "UTF-8"}
	if !utf8Locale() {
		locale.Severity, locale.What = run.Warning, "the locale isn't UTF-8"
		locale.Why, locale.Do = "signs are drawn as letters, and Chinese can't be shown", "export LC_ALL=C.UTF-8"
	}
	return []run.Finding{kind, locale}
}

// aboutClock looks at whether the clock can be right. Nothing is ordered by it, but
// people read it.
func aboutClock() run.Finding {
	f := run.Finding{ID: "clock", Severity: run.Fine, What: now().Format(time.RFC3339)}
	least := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if fi, err := os.Stat(journalPath()); err == nil && fi.ModTime().After(least) {
		least = fi.ModTime().Add(-time.Minute)
	}
	if now().Before(least) {
		f.Severity, f.What = run.Warning, "the clock says "+f.What+", which is before the journal was written"
		f.Why, f.Do = "times in transcripts would be wrong; the order of events and leases don't depend on it", "timedatectl set-ntp true"
	}
	return f
}

// aboutLabs looks for simulated clusters that no open run needs.
func aboutLabs(ctx context.Context) run.Finding {
	f := run.Finding{ID: "labs", Severity: run.Fine, What: "no simulated cluster is left"}
	entries, err := os.ReadDir(labsRoot())
	if err != nil || len(entries) == 0 {
		return f
	}
	named, err := labsInUse(ctx)
	if err != nil {
		f.Severity, f.What, f.Why = run.Warning, "which simulated clusters are in use can't be told: "+err.Error(), "the journal names them"
		return f
	}
	var left []string
	running := 0
	for _, e := range entries {
		dir := filepath.Join(labsRoot(), e.Name())
		if up, err := lab.Running(dir); err == nil && up {
			running++
		} else if !named[e.Name()] {
			left = append(left, e.Name())
		}
	}
	f.What = fmt.Sprintf("%d simulated clusters run, %d belong to open runs", running, len(named))
	if len(left) > 0 {
		f.Severity, f.What = run.Warning, fmt.Sprintf("%d simulated clusters have ended without a word: %s", len(left), strings.Join(left, ", "))
		f.Why, f.Do = "they take space; the next demo removes them", "stepgate demo"
	}
	return f
}
