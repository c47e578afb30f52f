package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"

	"stepgate/runbook/text"
	"stepgate/tui"
)

// introduce asks the operator once for the name that stands in the journal, and keeps
// it in the user's configuration: many share a login on a bastion.
func (s streams) introduce(ctx context.Context, d driveFlags) error {
	if os.Getenv(operatorVariable) != "" || d.auto || !d.screen(s) {
		return nil
	}
	login := ""
	if u, err := user.Current(); err == nil {
		login = u.Username
	}
	answers, err := tui.Fill(ctx, tui.Form{Title: "who you are", Begin: "go on", Fields: []tui.Field{{
		Question: tui.Question{
			Name: "operator", Prompt: "Your name", Default: login,
			Help: "It stands in the journal beside what you do, so that others know whom to ask. It is asked once and kept in " + userConfig() + ".",
		},
		From: "your login",
	}}}, s.screen())
	if err != nil {
		return err
	}
	name := text.Line(text.Untrusted(answers["operator"]))
	if err := os.Setenv(operatorVariable, name); err != nil {
		return fmt.Errorf("take the operator's name: %w", err)
	}
	if err := keepOperator(name); err != nil {
		_, _ = fmt.Fprintln(s.err, "stepgate: your name isn't kept, so that it will be asked again: "+text.Line(text.Untrusted(err.Error())))
	}
	return nil
}

// keepOperator writes the operator's name into the user's configuration, above what
// stands there.
func keepOperator(name string) (err error) {
	path := userConfig()
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link to where it is kept stays one
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".config-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	var b bytes.Buffer
	fmt.Fprintf(&b, "operator = %s\n", tomlText(name))
	b.Write(old)
	_, werr := f.Write(b.Bytes())
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// tomlText is a line of text as TOML writes it.
func tomlText(s string) string {
	var b bytes.Buffer
	b.WriteByte('"')
	for _, r := range s {
		if r == '"' || r == '\\' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}
