package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// sftpFiles are the files of a host by its server's sftp subsystem. What sftp can't
// do, checksums and who one is, the host's shell does.
type sftpFiles struct {
	t      *sshTransport
	conn   *sshConn
	client *sftp.Client
	shell  *shellFiles
	end    func()
}

// files opens the host's files: by sftp where the server has it, else by its shell.
func (t *sshTransport) files(ctx context.Context, s *shell) (Files, error) {
	byShell := &shellFiles{ctx: ctx, s: s}
	refusals := 0
	for {
		conn, old, err := t.acquire(ctx, call{lasting: true})
		if err != nil {
			return nil, err
		}
		client, session, err := t.subsystem(ctx, conn)
		if err == nil {
			t.served(conn)
			f := &sftpFiles{t: t, conn: conn, client: client, shell: byShell}
			cut := context.AfterFunc(ctx, func() { _ = session.Close() }) // calls under way end
			f.end = sync.OnceFunc(func() {
				cut()
				_ = session.Close() // fails only when it's closed already
				t.release(conn)
			})
			return f, nil
		}
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			refusals++
			if t.refused(conn, refusals) {
				continue
			}
			return nil, t.unreached(fmt.Errorf("open a session: %w", err), t.sessionsHint())
		}
		t.release(conn)
		switch {
		case ctx.Err() != nil:
			return nil, t.unreached(ctx.Err(), "")
		case conn.alive():
			return byShell, nil // no such subsystem, or one that a login's noise breaks
		case !old:
			return nil, t.unreached(err, t.tryHint())
		}
		t.forget(conn)
	}
}

// subsystem opens a session with sftp in it. On a silent link it only waits as long
// as ctx lasts.
func (t *sshTransport) subsystem(ctx context.Context, conn *sshConn) (*sftp.Client, *ssh.Session, error) {
	type opened struct {
		client  *sftp.Client
		session *ssh.Session
		err     error
	}
	result := make(chan opened, 1)
	// As in open: the library may never return, so nobody waits for this goroutine.
	go func() {
		client, session, err := sftpOver(conn.client)
		result <- opened{client, session, err}
	}()
	drop := func() {
		t.spawn(func() {
			select {
			case o := <-result:
				if o.err == nil {
					_ = o.session.Close() // nobody wants it any more
				}
			case <-conn.done:
			}
		})
	}
	timer := time.NewTimer(t.config.DialTimeout)
	defer timer.Stop()
	select {
	case o := <-result:
		return o.client, o.session, o.err
	case <-conn.done:
		return nil, nil, errLinkLost
	case <-timer.C:
		drop()
		return nil, nil, errors.New("sftp doesn't answer")
	case <-ctx.Done():
		drop()
		return nil, nil, ctx.Err()
	}
}

func sftpOver(c *ssh.Client) (*sftp.Client, *ssh.Session, error) {
	session, err := c.NewSession()
	if err != nil {
		return nil, nil, err
	}
	fail := func(err error) (*sftp.Client, *ssh.Session, error) {
		_ = session.Close() // the error says why
		return nil, nil, err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return fail(err)
	}
	w, err := session.StdinPipe()
	if err != nil {
		return fail(err)
	}
	r, err := session.StdoutPipe()
	if err != nil {
		return fail(err)
	}
	client, err := sftp.NewClientPipe(r, w)
	if err != nil {
		return fail(err)
	}
	return client, session, nil
}

// plain is an error of the library in plain words, or that the link is gone.
func (f *sftpFiles) plain(err error) error {
	var st *sftp.StatusError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fs.ErrNotExist
	case errors.Is(err, fs.ErrPermission):
		return fs.ErrPermission
	case f.shell.ctx.Err() != nil:
		return f.shell.ctx.Err()
	case !f.conn.alive(), errors.Is(err, sftp.ErrSSHFxConnectionLost), errors.Is(err, sftp.ErrSSHFxNoConnection),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return f.t.unreached(fmt.Errorf("the connection was lost (%w)", err), f.t.tryHint())
	case errors.As(err, &st) && st.FxCode() == sftp.ErrSSHFxFailure:
		return errors.New("the host's sftp server says no more than that it failed") // also when a disk is full
	}
	return plainPathError(err)
}

// Stat implements [Files].
func (f *sftpFiles) Stat(name string) (Entry, error) {
	info, err := f.client.Lstat(name)
	if err != nil {
		return Entry{}, f.plain(err)
	}
	return f.entry(name, info)
}

func (f *sftpFiles) entry(at string, info os.FileInfo) (Entry, error) {
	e := Entry{Name: path.Base(at), Mode: info.Mode(), Size: info.Size(), Modified: info.ModTime().Truncate(time.Second), UID: -1, GID: -1}
	if st, ok := info.Sys().(*sftp.FileStat); ok {
		e.UID, e.GID = int(st.UID), int(st.GID)
	}
	if e.Mode&fs.ModeSymlink != 0 {
		var err error
		if e.Link, err = f.client.ReadLink(at); err != nil {
			return e, f.plain(err)
		}
	}
	return e, nil
}

// List implements [Files].
func (f *sftpFiles) List(dir string) ([]Entry, error) {
	found, err := f.client.ReadDir(dir)
	if err != nil {
		return nil, f.plain(err)
	}
	out := make([]Entry, 0, len(found))
	for _, info := range found {
		e, err := f.entry(path.Join(dir, info.Name()), info)
		if err != nil {
			return nil, err
		}
		e.Name = info.Name()
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Sums implements [Files].
func (f *sftpFiles) Sums(spans []Span) ([]string, error) {
	sums, err := f.shell.sums(spans)
	if errors.Is(err, errNoSums) {
		return sumsByReading(f, spans)
	}
	return sums, err
}

// Read implements [Files].
func (f *sftpFiles) Read(name string, offset int64, w io.Writer) error {
	file, err := f.client.Open(name)
	if err != nil {
		return f.plain(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return f.plain(err)
	}
	if _, err := file.WriteTo(w); err != nil {
		if errors.Is(err, errEnough) || errors.Is(err, io.ErrClosedPipe) {
			return err
		}
		return f.plain(err)
	}
	return nil
}

// writesAtOnce bounds the packets of 32 KiB that are under way.
const writesAtOnce = 64

// Write implements [Files].
func (f *sftpFiles) Write(name string, offset int64, r io.Reader) (err error) {
	file, err := f.client.OpenFile(name, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return f.plain(err)
	}
	defer func() {
		if cerr := file.Close(); err == nil {
			err = f.plain(cerr)
		}
	}()
	err = file.Chmod(0o600)
	if err == nil {
		err = file.Truncate(offset)
	}
	if err == nil {
		_, err = file.Seek(offset, io.SeekStart)
	}
	source := &firstFailure{r: r}
	if err == nil {
		_, err = file.ReadFromWithConcurrency(source, writesAtOnce)
	}
	if source.err != nil {
		return source.err
	}
	if err != nil {
		return f.plain(err)
	}
	if _, can := f.client.HasExtension("fsync@openssh.com"); !can {
		return f.shell.sync(name)
	}
	return f.plain(file.Sync())
}

// firstFailure keeps the error of a reader, so that it isn't taken for the
// writer's.
type firstFailure struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (s *firstFailure) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// Mkdir implements [Files].
func (f *sftpFiles) Mkdir(name string) error {
	if err := f.client.Mkdir(name); err != nil {
		return f.plain(err)
	}
	return f.plain(f.client.Chmod(name, 0o700))
}

// Symlink implements [Files]. Servers disagree on the order of sftp's arguments, and
// some rewrite what a link says: the shell does neither.
func (f *sftpFiles) Symlink(target, name string) error { return f.shell.Symlink(target, name) }

// Set implements [Files].
func (f *sftpFiles) Set(name string, e Entry, owner bool) error {
	if e.Mode&fs.ModeSymlink != 0 {
		return nil // this version of sftp would set what the link points to
	}
	if owner {
		if err := f.client.Chown(name, e.UID, e.GID); err != nil {
			return f.plain(err)
		}
	}
	if err := f.client.Chmod(name, e.Mode&kept); err != nil {
		return f.plain(err)
	}
	if e.Modified.IsZero() {
		return nil
	}
	return f.plain(f.client.Chtimes(name, e.Modified, e.Modified))
}

// Rename implements [Files].
func (f *sftpFiles) Rename(old, name string) error {
	if _, err := f.client.Lstat(name); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return f.plain(err)
	}
	if err := f.client.Rename(old, name); err != nil { // refused by the server when the name has come into use
		return f.plain(err)
	}
	return f.shell.sync(path.Dir(name))
}

// Room implements [Files].
func (f *sftpFiles) Room(name string) (int64, error) {
	st, err := f.client.StatVFS(name)
	if err != nil {
		return f.shell.Room(name)
	}
	return int64(st.Bavail * st.Frsize), nil //nolint:gosec // no disk has 8 EiB
}

// Root implements [Files].
func (f *sftpFiles) Root() (bool, error) { return f.shell.Root() }

// Way implements [Files].
func (f *sftpFiles) Way() string { return "by sftp" }

// Close implements [Files].
func (f *sftpFiles) Close() error {
	f.end()
	return nil
}
