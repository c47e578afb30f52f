package executor

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// Files are the files of one place, for copies. A path that isn't absolute begins
// in the login directory of a host, and in the working directory of this machine's
// executor. No method follows a symbolic link at the end of a path.
//
// An error for which errors.Is(err, fs.ErrNotExist) holds says that nothing is
// there. A *ReachError says that the place is no longer reached: whether the last
// call had its effect isn't known. The end of the context Files were opened with
// ends them, and what they are doing.
type Files interface {
	// Stat tells what a path is.
	Stat(path string) (Entry, error)
	// List tells what is in a directory, in the order of the names.
	List(dir string) ([]Entry, error)
	// Sums returns the SHA-256 (hex) of files or of their beginnings, in order.
	Sums(spans []Span) ([]string, error)
	// Read writes what a file holds from an offset on to w.
	Read(path string, offset int64, w io.Writer) error
	// Write makes a file hold what it held up to offset and then all of r, and has
	// that put on disk. A file that isn't there is made, for its owner alone.
	Write(path string, offset int64, r io.Reader) error
	// Mkdir makes a directory for its owner alone.
	Mkdir(path string) error
	// Symlink makes path a symbolic link to target.
	Symlink(target, path string) error
	// Set gives a path the mode and time of e, and its owner when owner is set. Of
	// symbolic links it sets what the place can.
	Set(path string, e Entry, owner bool) error
	// Rename gives a path another name in its directory, under which nothing is, and
	// has that put on disk.
	Rename(old, name string) error
	// Room is how many bytes may still be written where path is; -1: not known.
	Room(path string) (int64, error)
	// Root reports whether files may be given away here.
	Root() (bool, error)
	// Way says how the files are reached, for people.
	Way() string
	Close() error
}

// Span is the beginning of a file.
type Span struct {
	Path   string
	Length int64 // in bytes; -1: all of it
}

// Entry is a file, a directory or a symbolic link.
type Entry struct {
	Name     string      // within its directory
	Mode     fs.FileMode // type, permissions, setuid, setgid, sticky
	Size     int64       // of a file, in bytes
	Modified time.Time   // in whole seconds
	UID, GID int
	Link     string // what a symbolic link says
}

// kept are the bits of a mode that a copy keeps.
const kept = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// unixMode is a mode as the kernel has it, without its type.
func unixMode(m fs.FileMode) uint32 {
	n := uint32(m.Perm())
	for bit, flag := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if m&flag != 0 {
			n |= bit
		}
	}
	return n
}

// modeOf is a mode from st_mode.
func modeOf(st uint32) fs.FileMode {
	m := fs.FileMode(st & 0o777)
	for bit, flag := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if st&bit != 0 {
			m |= flag
		}
	}
	switch st & 0o170000 {
	case 0o100000:
	case 0o040000:
		m |= fs.ModeDir
	case 0o120000:
		m |= fs.ModeSymlink
	case 0o060000:
		m |= fs.ModeDevice
	case 0o020000:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case 0o010000:
		m |= fs.ModeNamedPipe
	case 0o140000:
		m |= fs.ModeSocket
	default:
		m |= fs.ModeIrregular
	}
	return m
}

// kindOf is the word for what a mode's type is.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "a file"
	case m.IsDir():
		return "a directory"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "neither a file nor a directory"
}

// Files implements [Executor].
func (s *shell) Files(ctx context.Context) (Files, error) {
	f, err := s.t.files(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("open files: %w", err)
	}
	return f, nil
}
