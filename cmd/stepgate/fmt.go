package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"stepgate/runbook"
	"stepgate/runbook/text"
)

type fmtOptions struct{ write, check bool }

func newFmtCommand(s streams) *cobra.Command {
	var o fmtOptions
	c := &cobra.Command{
		Use:   "fmt RUNBOOK…",
		Short: "Put attributes and fences into one form, and change nothing else",
		Long: `Fmt writes attribute groups as {#id .class key=value}, with classes and keys in a fixed
order and quotes only where they are needed, and fences as three backticks, the
language, one blank and the group. What a runbook means stays the same, and so does
its plan. Without a flag the result goes to stdout.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return runFmt(s, args, o)
		},
	}
	c.Flags().BoolVarP(&o.write, "write", "w", false, "write the files instead")
	c.Flags().BoolVar(&o.check, "check", false, "name the files that aren't in this form, and exit with 12 if there are any")
	return c
}

func runFmt(s streams, names []string, o fmtOptions) error {
	if o.write && o.check {
		return usage("give one of them", "format: -w and --check exclude each other")
	}
	if !o.write && !o.check && len(names) > 1 {
		return usage("add -w, or --check", "format: several runbooks would go to stdout in one piece")
	}
	differ := false
	for _, name := range names {
		src, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return exitWith(exitNotFound, fmt.Errorf("read runbook %q: no such file", name))
		}
		if err != nil {
			return fmt.Errorf("read runbook %q: %w", name, err)
		}
		formed, err := runbook.Format(name, src)
		if err != nil {
			return exitWith(exitRunbook, text.WithHint(fmt.Errorf("format runbook %q: %w", name, err), "see: stepgate lint "+name))
		}
		changed := !bytes.Equal(src, formed)
		differ = differ || changed
		switch {
		case o.check && changed:
			_, err = fmt.Fprintln(s.out, sanitised(name))
		case o.write && changed:
			err = replaceFile(name, formed)
		case !o.check && !o.write:
			_, err = s.out.Write(formed)
		}
		if err != nil {
			return err
		}
	}
	if o.check && differ {
		return exitWith(exitRunbook, nil)
	}
	return nil
}

// replaceFile writes a file whole or not at all. It keeps its mode; where a name
// is a link, what it leads to is replaced.
func replaceFile(name string, text []byte) (err error) {
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return fmt.Errorf("write runbook %q: %w", name, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("write runbook %q: %w", name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.part")
	if err != nil {
		return fmt.Errorf("write runbook %q: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write runbook %q: %w", name, err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
