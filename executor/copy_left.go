package executor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"stepgate/runbook/text"
)

// room surveys what an earlier try has left, and refuses when the rest doesn't fit.
func (c *transferring) room() error {
	left, err := survey(c.To.Files, c.part, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("look at what an earlier copy has left in %s: %w", c.partName(), err)
	default:
		if err := c.leftover(left); err != nil {
			return err
		}
	}
	free, err := c.To.Files.Room(path.Dir(c.To.Path))
	if err != nil {
		return fmt.Errorf("ask for the free space at %s: %w", c.To.Name, err)
	}
	needed := c.out.Bytes
	for _, it := range c.there {
		if it.Mode.IsRegular() {
			needed -= it.Size
		}
	}
	if free >= 0 && free < needed {
		return fmt.Errorf("there is no room for %s: %d bytes are needed, and %d are free", c.To.Name, needed, free)
	}
	if c.owner, err = c.To.Files.Root(); err != nil {
		return fmt.Errorf("ask who one is at %s: %w", c.To.Name, err)
	}
	return nil
}

// leftover takes what an earlier try has left. What has no place in the copy is
// nobody's to remove.
func (c *transferring) leftover(left Manifest) error {
	meant := map[string]Item{}
	for _, it := range c.source {
		meant[it.Path] = it
	}
	for _, it := range left {
		m, ok := meant[it.Path]
		if !ok || m.Mode.Type() != it.Mode.Type() || it.Mode&fs.ModeSymlink != 0 && it.Link != m.Link {
			return text.WithHint(fmt.Errorf("%s holds %s, which is no part of this copy", c.partName(), strconv.Quote(it.Path)),
				"look at it; if it is of no use, remove it there: rm -r -- "+quote(c.part))
		}
		c.there[it.Path] = it
	}
	if err := c.matched(); err != nil {
		return err
	}
	c.say("an earlier try had left %d of %d bytes in %s", c.shown.Done, c.out.Bytes, c.partName())
	return nil
}

// matched compares files that an earlier try has left with the beginnings of theirs;
// one that isn't such a beginning counts as empty.
func (c *transferring) matched() error {
	c.stage("comparing what an earlier try has left")
	var ours, theirs []Span
	var at []string
	for _, it := range c.source {
		if old, ok := c.there[it.Path]; ok && it.Mode.IsRegular() {
			ours = append(ours, Span{below(c.From.Path, it.Path), min(it.Size, old.Size)})
			theirs = append(theirs, Span{below(c.part, it.Path), -1})
			at = append(at, it.Path)
		}
	}
	mine, err := c.From.Files.Sums(ours)
	if err != nil {
		return fmt.Errorf("take checksums of %s: %w", c.From.Name, err)
	}
	found, err := c.To.Files.Sums(theirs)
	if err != nil {
		return fmt.Errorf("take checksums of %s: %w", c.partName(), err)
	}
	anew := 0
	for i, p := range at {
		it := c.there[p]
		if mine[i] != found[i] {
			if it.Size > 0 {
				if anew++; anew <= 3 {
					c.say("%s is sent anew: what an earlier try had left of it isn't its beginning", strconv.Quote(p))
				}
			}
			it.Size = 0
		}
		c.there[p] = it
		c.shown.Done += it.Size
	}
	if anew > 3 {
		c.say("and %d more are sent anew", anew-3)
	}
	return nil
}
