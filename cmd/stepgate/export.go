package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"stepgate/runbook/report"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

func newExportCommand(s streams) *cobra.Command {
	var format, out string
	c := &cobra.Command{
		Use:   "export [RUN]",
		Short: "Write a run's transcript, also of an unfinished one",
		Long: `Export writes what happened in a run: as Markdown for people (md), as one JSON object
(json), or as its events, a JSON object a line (jsonl). It works while the run is open,
from a journal that can't be written, and from the part of a damaged one that can be
read: then it ends with 2.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runExport(cmd.Context(), s, refOf(args), format, out)
		},
	}
	c.Flags().StringVar(&format, "format", "md", "md, json or jsonl")
	c.Flags().StringVarP(&out, "output", "o", "", "write to this file instead of stdout")
	return c
}

func runExport(ctx context.Context, s streams, ref, format, out string) error {
	write, ok := map[string]func(*bytes.Buffer, report.Transcript) error{
		"md":    func(b *bytes.Buffer, t report.Transcript) error { return report.Markdown(b, t) },
		"json":  func(b *bytes.Buffer, t report.Transcript) error { return report.JSON(b, t) },
		"jsonl": func(b *bytes.Buffer, t report.Transcript) error { return report.Events(b, t.Records) },
	}[format]
	if !ok {
		return usage("formats are: md, json, jsonl", "export run %q: format %q is not known", ref, format)
	}
	p, err := openPast(ctx, ref)
	if err != nil {
		return err
	}
	defer p.close()
	var b bytes.Buffer
	if err := write(&b, p.transcript(ctx)); err != nil {
		return fmt.Errorf("export run %q: %w", p.id, err)
	}
	if out == "" {
		if _, err := s.out.Write(b.Bytes()); err != nil {
			return err
		}
	} else if err := writeFile(out, b.Bytes()); err != nil {
		return fmt.Errorf("export run %q to %q: %w", p.id, out, err)
	}
	p.exported(ctx, s, format, b.Bytes())
	return p.complaint(s)
}

// exported notes the export on the timeline where the journal can be written;
// an export from a broken or read-only journal is worth as much.
func (p *past) exported(ctx context.Context, s streams, format string, data []byte) {
	if p.problem != nil {
		return // nothing is chained to what doesn't prove
	}
	sum := sha256.Sum256(data)
	store, err := openJournal(ctx, s)
	if err == nil {
		_, err = store.AppendGuest(ctx, p.id, operator(), now(), run.Exported{Format: format, SHA256: hex.EncodeToString(sum[:])})
		store.Close() //nolint:errcheck,gosec // AppendGuest has reported what is durable
	}
	if err != nil {
		_, _ = fmt.Fprintln(s.err, "stepgate: the export is not noted in the journal: "+text.Line(text.Untrusted(err.Error())))
	}
}

// maxExported is how much of each stream a transcript shows.
const maxExported = 1 << 20

func (p *past) output(ctx context.Context) func(string, int) ([]byte, int64, error) {
	return func(attempt string, stream int) ([]byte, int64, error) {
		data, _, end, err := p.store.Output(ctx, attempt, stream, 0, maxExported)
		return data, end - int64(len(data)), err
	}
}

// writeFile puts a whole file under its name, or leaves the old one.
func writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".stepgate-*")
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err // its path is a name of ours
	}
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone once renamed
	if _, err := f.Write(data); err != nil {
		f.Close() //nolint:errcheck,gosec // the write's error matters
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close() //nolint:errcheck,gosec // the sync's error matters
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // read only
	return dir.Sync()
}
