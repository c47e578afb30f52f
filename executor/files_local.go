package executor

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// localFiles are the files of this machine.
type localFiles struct {
	ctx context.Context //nolint:containedctx // the files are open as long as it lasts
	dir string
}

func (l *localTransport) files(ctx context.Context, _ *shell) (Files, error) {
	if err := l.begin(); err != nil {
		return nil, err
	}
	l.calls.Done() // nothing stays open
	return &localFiles{ctx, l.options.Dir}, nil
}

func (l *localFiles) at(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(l.dir, path)
}

// Stat implements [Files].
func (l *localFiles) Stat(path string) (Entry, error) {
	if err := l.ctx.Err(); err != nil {
		return Entry{}, err
	}
	info, err := os.Lstat(l.at(path))
	if err != nil {
		return Entry{}, plainPathError(err)
	}
	return l.entry(filepath.Dir(l.at(path)), info)
}

func (l *localFiles) entry(dir string, info fs.FileInfo) (Entry, error) {
	e := Entry{Name: info.Name(), Mode: info.Mode(), Size: info.Size(), Modified: info.ModTime().Truncate(time.Second), UID: -1, GID: -1}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		e.UID, e.GID = int(st.Uid), int(st.Gid)
	}
	if e.Mode&fs.ModeSymlink != 0 {
		var err error
		if e.Link, err = os.Readlink(filepath.Join(dir, e.Name)); err != nil {
			return e, plainPathError(err)
		}
	}
	return e, nil
}

// List implements [Files].
func (l *localFiles) List(dir string) ([]Entry, error) {
	if err := l.ctx.Err(); err != nil {
		return nil, err
	}
	found, err := os.ReadDir(l.at(dir))
	if err != nil {
		return nil, plainPathError(err)
	}
	out := make([]Entry, 0, len(found))
	for _, f := range found {
		info, err := f.Info()
		if err != nil {
			return nil, plainPathError(err)
		}
		e, err := l.entry(l.at(dir), info)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Sums implements [Files].
func (l *localFiles) Sums(spans []Span) ([]string, error) { return sumsByReading(l, spans) }

// sumsByReading is [Files.Sums] where the place can't count itself.
func sumsByReading(f Files, spans []Span) ([]string, error) {
	out := make([]string, len(spans))
	for i, s := range spans {
		h := sha256.New()
		w := &upTo{w: h, left: s.Length, all: s.Length < 0}
		if err := f.Read(s.Path, 0, w); err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
		out[i] = hex.EncodeToString(h.Sum(nil))
	}
	return out, nil
}

var errEnough = errors.New("enough was read")

// upTo passes the beginning of a stream on, and ends it there.
type upTo struct {
	w    io.Writer
	left int64
	all  bool
}

// Write implements io.Writer.
func (u *upTo) Write(p []byte) (int, error) {
	if u.all {
		return u.w.Write(p)
	}
	n := min(int64(len(p)), u.left)
	if _, err := u.w.Write(p[:n]); err != nil {
		return 0, err
	}
	if u.left -= n; u.left == 0 {
		return int(n), errEnough
	}
	return int(n), nil
}

// Read implements [Files].
func (l *localFiles) Read(path string, offset int64, w io.Writer) error {
	f, err := os.OpenFile(l.at(path), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return plainPathError(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return plainPathError(err)
	}
	_, err = io.Copy(w, ending{l.ctx, f})
	return plainPathError(err)
}

// ending is a reader that ends with a context.
type ending struct {
	ctx context.Context //nolint:containedctx // it lives for one call
	r   io.Reader
}

// Read implements io.Reader.
func (e ending) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.r.Read(p)
}

// Write implements [Files].
func (l *localFiles) Write(path string, offset int64, r io.Reader) (err error) {
	f, err := os.OpenFile(l.at(path), os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return plainPathError(err)
	}
	defer func() { err = plainPathError(errors.Join(err, f.Close())) }()
	if err := f.Truncate(offset); err != nil {
		return err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(f, ending{l.ctx, r}); err != nil {
		return err
	}
	return f.Sync()
}

// Mkdir implements [Files].
func (l *localFiles) Mkdir(path string) error { return plainPathError(os.Mkdir(l.at(path), 0o700)) }

// Symlink implements [Files].
func (l *localFiles) Symlink(target, path string) error {
	return plainPathError(os.Symlink(target, l.at(path)))
}

// Set implements [Files].
func (l *localFiles) Set(path string, e Entry, owner bool) error {
	at := l.at(path)
	if owner {
		if err := os.Lchown(at, e.UID, e.GID); err != nil {
			return plainPathError(err)
		}
	}
	link := e.Mode&fs.ModeSymlink != 0
	if !link {
		if err := os.Chmod(at, e.Mode&kept); err != nil {
			return plainPathError(err)
		}
	}
	if e.Modified.IsZero() {
		return nil
	}
	ts := []unix.Timespec{unix.NsecToTimespec(e.Modified.UnixNano()), unix.NsecToTimespec(e.Modified.UnixNano())}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, at, ts, unix.AT_SYMLINK_NOFOLLOW); err != nil && !link {
		return fmt.Errorf("set the time of %q: %w", path, err)
	}
	return nil
}

// Rename implements [Files].
func (l *localFiles) Rename(old, name string) error {
	if err := renameExclusive(l.at(old), l.at(name)); err != nil {
		return plainPathError(err)
	}
	return syncDir(filepath.Dir(l.at(name)))
}

// syncDir puts the names in a directory on disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return plainPathError(err)
	}
	defer d.Close() //nolint:errcheck // it was only read
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return plainPathError(err)
	}
	return nil
}

// Room implements [Files].
func (l *localFiles) Room(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(l.at(path), &st); err != nil {
		return -1, fmt.Errorf("ask for the free space at %q: %w", path, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // the types differ by system
}

// Root implements [Files].
func (l *localFiles) Root() (bool, error) { return os.Geteuid() == 0, nil }

// Way implements [Files].
func (l *localFiles) Way() string { return "on this machine" }

// Close implements [Files].
func (l *localFiles) Close() error { return nil }

// plainPathError leaves out the path, which the caller says as the user wrote it.
func plainPathError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err
	}
	return err
}

// renameUnlessThere is renameExclusive where the system can't do both at once.
func renameUnlessThere(old, name string) error {
	if _, err := os.Lstat(name); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(old, name)
}
