// Command screenshots draws the pictures of the documentation from the coloured
// golden frames: for each file NAME-WIDTHxHEIGHT.ansi of a directory one NAME.svg in
// another. The frames are what the tests compare, so a picture shows the program as
// it is.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

func main() {
	from := flag.String("from", "tui/testdata/pictures", "directory of frames")
	to := flag.String("to", "docs/pictures", "directory of pictures")
	flag.Parse()
	if err := drawAll(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// named is a frame's file name: what it shows, its columns and lines.
var named = regexp.MustCompile(`^(.+)-(\d{1,3})x(\d{1,3})\.ansi$`)

func drawAll(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.ansi"))
	if err != nil {
		return fmt.Errorf("list frames in %q: %w", from, err)
	}
	if len(files) == 0 {
		return fmt.Errorf("list frames in %q: there is none; make them with: go test ./tui -run Pictures -update", from)
	}
	if err := os.MkdirAll(to, 0o755); err != nil { //nolint:gosec // documentation
		return err
	}
	for _, f := range files {
		m := named.FindStringSubmatch(filepath.Base(f))
		if m == nil {
			return fmt.Errorf("draw %q: its name doesn't end in -WIDTHxHEIGHT.ansi", f)
		}
		frame, err := os.ReadFile(f) //nolint:gosec // named on the command line
		if err != nil {
			return err
		}
		w, _ := strconv.Atoi(m[2]) // digits, by the expression
		h, _ := strconv.Atoi(m[3])
		picture := filepath.Join(to, m[1]+".svg")
		if err := os.WriteFile(picture, draw(frame, w, h), 0o644); err != nil { //nolint:gosec // documentation
			return err
		}
	}
	return nil
}
