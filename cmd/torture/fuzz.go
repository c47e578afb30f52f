package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"stepgate/cmd/torture/tally"
)

// target is a fuzz test.
type target struct{ pkg, name string }

// targets are the fuzz tests of packages.
func targets(ctx context.Context, progress io.Writer, packages []string) ([]target, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-list", "^Fuzz"}, packages...)...)
	cmd.Stderr = progress
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list fuzz tests: %w", err)
	}
	return parseTargets(string(out)), nil
}

// parseTargets reads names, each package's before the line that says it is ok.
func parseTargets(out string) (found []target) {
	var names []string
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && strings.HasPrefix(f[0], "Fuzz"):
			names = append(names, f[0])
		case len(f) > 1 && f[0] == "ok":
			for _, n := range names {
				found = append(found, target{f[1], n})
			}
			names = nil
		}
	}
	return found
}

// execs is what `go test -fuzz` says every few seconds.
var execs = regexp.MustCompile(`^fuzz: elapsed: .* execs: (\d+)`)

// fuzz runs each fuzz test for a time.
func (s *sums) fuzz(ctx context.Context, progress io.Writer, each time.Duration, packages []string) error {
	all, err := targets(ctx, progress, packages)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no fuzz test was found")
	}
	var errs []error
	for _, t := range all {
		r := s.row(t.name + " " + t.pkg)
		r.took, r.verdict = each, "pass"
		cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+each.String(), t.pkg)
		out, err := cmd.CombinedOutput()
		r.figures[tally.Cases] = lastExecs(string(out))
		if err != nil {
			r.verdict = "fail"
			_, _ = progress.Write(out)
			errs = append(errs, fmt.Errorf("%s of %s: %w", t.name, t.pkg, err))
		}
		_, _ = fmt.Fprintf(progress, "%-4s %s %s, %d inputs\n", r.verdict, each, r.name, r.figures[tally.Cases])
	}
	return errors.Join(errs...)
}

func lastExecs(out string) (n int) {
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		if m := execs.FindStringSubmatch(lines.Text()); m != nil {
			n, _ = strconv.Atoi(m[1])
		}
	}
	return n
}
