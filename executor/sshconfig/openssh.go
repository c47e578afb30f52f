package sshconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"stepgate/runbook/text"
)

// askTime bounds `ssh -G`. It only reads files, but what Match exec runs may hang.
const askTime = 20 * time.Second

// ask has ssh itself say how it would reach a destination.
func (r *resolver) ask(ctx context.Context, program string, d Destination) (values, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	args := []string{"-G", "-T"}
	if r.options.File != "" {
		args = append(args, "-F", r.options.File)
	}
	if d.User != "" {
		args = append(args, "-l", d.User)
	}
	if d.Port != "" {
		args = append(args, "-p", d.Port)
	}
	args = append(args, "--", d.Host)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second // a command of Match exec may hold the pipes
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %s: %w", askTime, ctx.Err())
		}
		if said := strings.TrimSpace(errs.String()); said != "" {
			err = errors.New(said)
		}
		return nil, text.WithHint(fmt.Errorf("%s: %w", cmd, err), "correct what ssh complains of; to see it: "+cmd.String())
	}
	return parseAnswer(out.String()), nil
}

// lists are the keywords whose line holds several files.
var lists = map[string]bool{"userknownhostsfile": true, "globalknownhostsfile": true}

// parseAnswer reads what ssh -G prints: a keyword and its value in each line.
func parseAnswer(answer string) values {
	v := values{}
	for line := range strings.Lines(answer) {
		key, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if !ok || value == "" {
			continue
		}
		key = strings.ToLower(key)
		switch {
		case lists[key]:
			v[key] = append(v[key], splitFiles(value)...)
		case (key == "connecttimeout" || key == "hostkeyalias") && value == "none":
		default:
			v[key] = append(v[key], value)
		}
	}
	return v
}

// splitFiles splits a line of files that are written without quotes. They are
// absolute, so a word that doesn't begin one belongs to the file before it.
func splitFiles(s string) []string {
	var out []string
	for _, w := range strings.Split(s, " ") {
		if len(out) > 0 && !strings.HasPrefix(w, "/") && !strings.HasPrefix(w, "~") && w != "none" {
			out[len(out)-1] += " " + w
			continue
		}
		out = append(out, w)
	}
	return out
}
