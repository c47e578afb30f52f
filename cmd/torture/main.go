// Command torture runs the tests that torture Stepgate, many times as long as
// `go test` does, and prints what was done to it and what came of it.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"stepgate/cmd/torture/tally"
)

func main() {
	n := flag.Int("n", 1, "how many times as long as in continuous integration")
	only := flag.String("run", "^TestTorture", "the tests, as a regular expression; empty: none")
	fuzz := flag.Duration("fuzz", 5*time.Second, "how long each fuzz test runs, times N; 0: not at all")
	flag.Usage = func() {
		_, _ = fmt.Fprintln(flag.CommandLine.Output(), "torture [-n N] [-run REGEXP] [PACKAGES]: ./... by default")
		flag.PrintDefaults()
	}
	flag.Parse()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *n < 1 {
		_, _ = fmt.Fprintf(os.Stderr, "torture: -n %d: a number from 1 is needed\n", *n)
		os.Exit(2)
	}
	var s sums
	var errs []error
	if *only != "" {
		errs = append(errs, s.torture(ctx, os.Stderr, *n, *only, packages))
	}
	if *fuzz > 0 {
		errs = append(errs, s.fuzz(ctx, os.Stderr, time.Duration(*n)*(*fuzz), packages))
	}
	if err := errors.Join(append(errs, s.print(os.Stdout))...); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

// event is a line of `go test -json`.
type event struct {
	Action, Package, Test, Key, Value, Output string
	Elapsed                                   float64
}

// torture runs the tests, n times as long, and adds up what they report.
func (s *sums) torture(ctx context.Context, progress io.Writer, n int, only string, packages []string) error {
	args := append([]string{"test", "-json", "-count=1", "-timeout=0", "-run", only}, packages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), tally.Variable+"="+strconv.Itoa(n))
	cmd.Stderr = progress
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start go test: %w", err)
	}
	readErr := s.read(events, progress)
	if readErr != nil {
		_, _ = io.Copy(io.Discard, events) // so that it can end
	}
	if err := errors.Join(cmd.Wait(), readErr); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	if len(s.rows) == 0 {
		return fmt.Errorf("no test matched %q, or none reported a figure", only)
	}
	return nil
}

// sums are the figures by test.
type sums struct{ rows []*row }

type row struct {
	name    string
	figures map[tally.Figure]int
	verdict string
	took    time.Duration
}

func (s *sums) row(name string) *row {
	for _, r := range s.rows {
		if r.name == name {
			return r
		}
	}
	r := &row{name: name, figures: map[tally.Figure]int{}}
	s.rows = append(s.rows, r)
	return r
}

// read adds up a stream of events. What tests print is passed on when they fail.
func (s *sums) read(events io.Reader, progress io.Writer) error {
	said := map[string][]string{}
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("read its events: %w", err)
		}
		name, _, below := strings.Cut(e.Test, "/")
		switch key, ok := strings.CutPrefix(e.Key, tally.Prefix); {
		case e.Action == "attr" && ok:
			v, err := strconv.Atoi(e.Value)
			if err != nil {
				return fmt.Errorf("read figure %q of %s: %w", key, e.Test, err)
			}
			s.row(name).figures[tally.Figure(key)] += v
		case e.Action == "output":
			said[e.Package+name] = append(said[e.Package+name], e.Output)
		case e.Test != "" && !below && (e.Action == "pass" || e.Action == "fail" || e.Action == "skip"):
			r := s.row(name)
			r.verdict, r.took = e.Action, time.Duration(e.Elapsed*float64(time.Second))
			_, _ = fmt.Fprintf(progress, "%-4s %s %s\n", e.Action, r.took.Round(time.Second), name)
			if e.Action != "pass" {
				_, _ = io.WriteString(progress, strings.Join(said[e.Package+name], ""))
			}
			delete(said, e.Package+name)
		case e.Test == "" && e.Action == "fail":
			_, _ = io.WriteString(progress, strings.Join(said[e.Package], ""))
		}
	}
	return lines.Err()
}

func (s *sums) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	columns := slices.Concat(tally.Done, tally.MustBeZero)
	cells := []string{"TEST", "VERDICT", "TOOK"}
	for _, f := range columns {
		cells = append(cells, strings.ToUpper(strings.ReplaceAll(string(f), "-", " ")))
	}
	_, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) // the writer keeps it; Flush reports
	total := &row{name: "all", figures: map[tally.Figure]int{}, verdict: "pass"}
	for _, r := range append(s.rows, total) {
		cells = []string{r.name, r.verdict, r.took.Round(time.Second).String()}
		for _, f := range columns {
			v, counted := r.figures[f]
			switch {
			case counted:
				cells = append(cells, strconv.Itoa(v))
			default:
				cells = append(cells, "–")
			}
			if r != total && counted {
				total.figures[f] += v
			}
		}
		if r != total {
			total.took += r.took
			if r.verdict != "pass" && total.verdict != "fail" {
				total.verdict = r.verdict
			}
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}
