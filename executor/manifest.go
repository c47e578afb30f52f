package executor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Manifest is what a copy consists of: every file, directory and link below its
// root, which is called ".", parents before what they hold.
type Manifest []Item

// Item is one of a manifest.
type Item struct {
	Path string // below the root, with slashes
	Entry
	Sum string // SHA-256 of a file, hex
}

// String is the manifest as it is kept: SHA-256 (of a link and a directory what it
// is), mode, size and path, a line each. A name with characters that can't be
// printed is quoted.
func (m Manifest) String() string {
	var b strings.Builder
	for _, it := range m {
		switch {
		case it.Mode.IsDir():
			fmt.Fprintf(&b, "%-64s  %04o  %d  %s\n", "directory", unixMode(it.Mode), 0, printable(it.Path))
		case it.Mode&fs.ModeSymlink != 0:
			fmt.Fprintf(&b, "%-64s  %04o  %d  %s -> %s\n", "link", 0o777, 0, printable(it.Path), printable(it.Link))
		default:
			fmt.Fprintf(&b, "%s  %04o  %d  %s\n", it.Sum, unixMode(it.Mode), it.Size, printable(it.Path))
		}
	}
	return b.String()
}

// Sum names the manifest: the SHA-256 of its text.
func (m Manifest) Sum() string {
	h := sha256.Sum256([]byte(m.String()))
	return hex.EncodeToString(h[:])
}

// printable is a name, quoted where it could be taken for something else.
func printable(name string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if strings.ContainsFunc(name, odd) || strings.HasPrefix(name, `"`) || strings.Contains(name, " -> ") {
		return strconv.QuoteToASCII(name)
	}
	return name
}

// files, directories and links count what is in it.
func (m Manifest) count() (files, dirs, links int, bytes int64) {
	for _, it := range m {
		switch {
		case it.Mode.IsDir():
			dirs++
		case it.Mode&fs.ModeSymlink != 0:
			links++
		default:
			files++
			bytes += it.Size
		}
	}
	return files, dirs, links, bytes
}

// differs says what is not alike in two manifests, "" when nothing is. Times and
// owners don't count.
func (m Manifest) differs(other Manifest, here, there string) string {
	theirs := map[string]Item{}
	for _, it := range other {
		theirs[it.Path] = it
	}
	for _, it := range m {
		o, ok := theirs[it.Path]
		delete(theirs, it.Path)
		switch {
		case !ok:
			return fmt.Sprintf("%s is missing %s", strconv.Quote(it.Path), there)
		case it.Mode.Type() != o.Mode.Type():
			return fmt.Sprintf("%s is %s %s, and %s %s", strconv.Quote(it.Path), kindOf(it.Mode), here, kindOf(o.Mode), there)
		case it.Mode&fs.ModeSymlink != 0:
			if it.Link != o.Link {
				return fmt.Sprintf("the link %s leads to %s %s, and to %s %s", strconv.Quote(it.Path), strconv.Quote(it.Link), here, strconv.Quote(o.Link), there)
			}
		case it.Mode&kept != o.Mode&kept:
			return fmt.Sprintf("%s has mode %04o %s, and %04o %s", strconv.Quote(it.Path), unixMode(it.Mode), here, unixMode(o.Mode), there)
		case it.Mode.IsRegular() && it.Size != o.Size:
			return fmt.Sprintf("%s has %d bytes %s, and %d %s", strconv.Quote(it.Path), it.Size, here, o.Size, there)
		case it.Sum != o.Sum:
			return fmt.Sprintf("%s has SHA-256 %s %s, and %s %s", strconv.Quote(it.Path), it.Sum, here, o.Sum, there)
		}
	}
	for _, it := range other {
		if _, extra := theirs[it.Path]; extra {
			return fmt.Sprintf("%s is only %s", strconv.Quote(it.Path), there)
		}
	}
	return ""
}

// maxItems bounds a manifest.
const maxItems = 1 << 20

// survey lists what is below a path, without checksums. Links aren't followed. What
// an exclude matches is left out: by its name, or, of a glob with a slash, by its
// path below the root.
func survey(f Files, root string, exclude []string) (Manifest, error) {
	top, err := f.Stat(root)
	if err != nil {
		return nil, err
	}
	m := Manifest{{Path: ".", Entry: top}}
	for i := 0; i < len(m); i++ { // it grows meanwhile
		at := m[i]
		if !at.Mode.IsDir() && !at.Mode.IsRegular() && at.Mode&fs.ModeSymlink == 0 {
			return nil, fmt.Errorf("%q is %s, which can't be copied: exclude it", at.Path, kindOf(at.Mode))
		}
		if !at.Mode.IsDir() {
			continue
		}
		es, err := f.List(below(root, at.Path))
		if err != nil {
			return nil, fmt.Errorf("list %q: %w", at.Path, err)
		}
		for _, e := range es {
			it := Item{Path: path.Join(at.Path, e.Name), Entry: e}
			if !excluded(it.Path, exclude) {
				m = append(m, it)
			}
		}
		if len(m) > maxItems {
			return nil, fmt.Errorf("there are more than %d files: copy them as one archive", maxItems)
		}
	}
	slices.SortFunc(m[1:], func(a, b Item) int { return strings.Compare(a.Path, b.Path) })
	return m, nil
}

func excluded(p string, globs []string) bool {
	for _, g := range globs {
		name := path.Base(p)
		if strings.Contains(g, "/") {
			name = p
		}
		if ok, err := path.Match(strings.TrimPrefix(g, "/"), name); ok && err == nil {
			return true
		}
	}
	return false
}

// below is a path of a manifest where its root is.
func below(root, p string) string {
	if p == "." {
		return root
	}
	return strings.TrimSuffix(root, "/") + "/" + p
}

// sum adds the checksums of the files of a manifest.
func (m Manifest) sum(f Files, root string) error {
	var spans []Span
	var at []int
	for i, it := range m {
		if it.Mode.IsRegular() {
			spans, at = append(spans, Span{below(root, it.Path), -1}), append(at, i)
		}
	}
	sums, err := f.Sums(spans)
	if err != nil {
		return err
	}
	for n, i := range at {
		m[i].Sum = sums[n]
	}
	return nil
}
