package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"stepgate/runbook/text"
)

// Transfer copies a file or a directory from one place to another, by way of this
// machine.
//
// It is written as NAME.part beside its name and gets its name when it is complete:
// until then nothing is under the name. What an earlier try has left in NAME.part is
// gone on with, as far as checksums prove that it is right. What is under the name
// already is left alone: equal to the source, the copy is done; anything else is an
// error. So the same transfer may be run any number of times.
type Transfer struct {
	From, To End
	Exclude  []string // globs of [path.Match]; see docs/language.md
	// Progress is told what is done, some times a second. nil: nobody.
	Progress func(Progress)
}

// End is one end of a transfer.
type End struct {
	Files Files
	Path  string
	Name  string // for messages: "web-1:/srv/app", or "/srv/app" on this machine
}

// Progress says how far a transfer is.
type Progress struct {
	Stage       string // what is being done, in words
	File        string // what is being sent, below the root; untrusted
	Done, Total int64  // bytes that are there, and of all files; Total is 0 until it is known
}

// Transferred is what a transfer has brought about.
type Transferred struct {
	Manifest Manifest
	Files    int
	Bytes    int64
	Sent     int64    // of these bytes; the rest was there already
	Lines    []string // what there is to say, a line each
}

// Ends of a transfer that an error of it is about.
const partSuffix = ".part"

// tick is the least time between two reports of progress.
const tick = 200 * time.Millisecond

// transferring is a transfer under way.
type transferring struct {
	Transfer
	part    string // where it is written
	source  Manifest
	there   map[string]Item // what an earlier try has left, by path
	out     Transferred
	shown   Progress
	told    time.Time
	current int64 // bytes of the current file
	owner   bool
}

// Run carries the transfer out. A *ReachError says which place was lost; run again,
// the transfer goes on where it was. Any other error is the transfer's own: what to
// do about it is in its text.
func (t Transfer) Run(ctx context.Context) (Transferred, error) {
	c := &transferring{Transfer: t, part: t.To.Path + partSuffix, there: map[string]Item{}}
	err := c.run()
	if ctx.Err() != nil && err != nil {
		err = context.Cause(ctx)
	}
	return c.out, err
}

func (c *transferring) run() error {
	if err := c.look(); err != nil {
		return err
	}
	switch done, err := c.already(); {
	case err != nil:
		return err
	case done:
		c.finish()
		return nil
	}
	if err := c.room(); err != nil {
		return err
	}
	for _, it := range c.source {
		if err := c.item(it); err != nil {
			return err
		}
	}
	if err := c.dress(); err != nil {
		return err
	}
	if err := c.prove(); err != nil {
		return err
	}
	if err := c.To.Files.Rename(c.part, c.To.Path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s has come into being meanwhile; the copy is complete in %s", c.To.Name, c.partName())
		}
		return fmt.Errorf("give %s its name: %w", c.To.Name, err)
	}
	c.finish()
	return nil
}

func (c *transferring) partName() string { return c.To.Name + partSuffix }

// look surveys the source, with checksums.
func (c *transferring) look() error {
	c.stage("reading " + c.From.Name)
	m, err := survey(c.From.Files, c.From.Path, c.Exclude)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return text.WithHint(fmt.Errorf("%s isn't there", c.From.Name), "look at the path: a relative one begins in the login directory of a host, and in the runbook's directory on this machine")
	case err != nil:
		return fmt.Errorf("read %s: %w", c.From.Name, err)
	case m[0].Mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link to %s: write where it leads, so that what is copied doesn't change with the link", c.From.Name, strconv.Quote(m[0].Link))
	}
	if err := m.sum(c.From.Files, c.From.Path); err != nil {
		return fmt.Errorf("take checksums of %s: %w", c.From.Name, err)
	}
	c.source, c.out.Manifest = m, m
	c.out.Files, _, _, c.out.Bytes = m.count()
	c.shown.Total = c.out.Bytes
	return nil
}

// already reports whether the target is there, equal to the source; different, it is
// an error.
func (c *transferring) already() (bool, error) {
	c.stage("looking at " + c.To.Name)
	up, err := c.To.Files.Stat(path.Dir(c.To.Path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, text.WithHint(fmt.Errorf("the directory of %s isn't there", c.To.Name), "make it first: mkdir -p -- "+quote(path.Dir(c.To.Path)))
	case err != nil:
		return false, fmt.Errorf("look at the directory of %s: %w", c.To.Name, err)
	case !up.Mode.IsDir() && up.Mode&fs.ModeSymlink == 0:
		return false, fmt.Errorf("what %s should lie in is %s", c.To.Name, kindOf(up.Mode))
	}
	old, err := survey(c.To.Files, c.To.Path, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%s is there already, and can't be compared: %w", c.To.Name, err)
	}
	differs := c.source.differs(old, "at the source", "at the target")
	if differs == "" || strings.Contains(differs, "SHA-256") {
		if err := old.sum(c.To.Files, c.To.Path); err != nil {
			return false, fmt.Errorf("%s is there already, and can't be compared: %w", c.To.Name, err)
		}
		differs = c.source.differs(old, "at the source", "at the target")
	}
	if differs != "" {
		return false, text.WithHint(fmt.Errorf("%s is there already and differs: %s", c.To.Name, differs),
			"a copy never replaces anything: move what is there away, or copy to another name")
	}
	c.say("it was there already")
	c.shown.Done = c.out.Bytes
	return true, nil
}

// item brings one item about below the part.
func (c *transferring) item(it Item) error {
	at := below(c.part, it.Path)
	old, there := c.there[it.Path]
	var err error
	switch {
	case it.Mode.IsDir() && there: // it may have the mode already that it gets at the end
		err = c.To.Files.Set(at, Entry{Mode: fs.ModeDir | 0o700}, false)
	case it.Mode.IsDir():
		err = c.To.Files.Mkdir(at)
	case it.Mode&fs.ModeSymlink != 0 && !there:
		err = c.To.Files.Symlink(it.Link, at)
	case it.Mode.IsRegular() && (!there || old.Size < it.Size || it.Size == 0):
		err = c.send(it, old, there)
	}
	if err != nil && (there || !c.made(it, at)) {
		return c.explain(it, err)
	}
	return nil
}

// made reports whether a directory or link that could not be made is there all the same:
// what a connection was cut off from may still be made on its host meanwhile.
func (c *transferring) made(it Item, at string) bool {
	if it.Mode.IsRegular() {
		return false
	}
	e, err := c.To.Files.Stat(at)
	return err == nil && e.Mode.Type() == it.Mode.Type() && e.Link == it.Link
}

// explain says what could not be written, and whether the disk is full.
func (c *transferring) explain(it Item, err error) error {
	var re *ReachError
	if errors.As(err, &re) {
		return err
	}
	if free, rerr := c.To.Files.Room(path.Dir(c.To.Path)); rerr == nil && free >= 0 && free < it.Size-c.current {
		return text.WithHint(fmt.Errorf("copy %s to %s: the disk is full (%d bytes free): %w", strconv.Quote(it.Path), c.To.Name, free, err),
			"what has arrived stays in "+c.partName()+": make room and retry, or remove it there: rm -r -- "+quote(c.part))
	}
	return fmt.Errorf("copy %s to %s: %w", strconv.Quote(it.Path), c.To.Name, err)
}

// send streams what is missing of a file.
func (c *transferring) send(it Item, old Item, there bool) error {
	at := below(c.part, it.Path)
	if there {
		if err := c.To.Files.Set(at, Entry{Mode: 0o600}, false); err != nil {
			return err
		}
	}
	c.shown.File, c.current = it.Path, old.Size
	c.stage("sending")
	r, w := io.Pipe()
	read := make(chan error, 1)
	go func() {
		err := c.From.Files.Read(below(c.From.Path, it.Path), old.Size, w)
		_ = w.CloseWithError(err) // never fails
		read <- err
	}()
	// A file that grows meanwhile must not be followed for ever.
	err := c.To.Files.Write(at, old.Size, &metered{io.LimitReader(r, it.Size-old.Size), c})
	_ = r.Close() // the reader ends
	rerr := <-read
	c.shown.File = ""
	var lost *ReachError
	switch {
	case errors.As(rerr, &lost):
		return rerr
	case err != nil:
		return err
	case c.current != it.Size:
		return fmt.Errorf("it had %d bytes at the source, and only %d could be read: it changed meanwhile", it.Size, c.current)
	}
	return nil
}

// metered counts what is sent.
type metered struct {
	r io.Reader
	c *transferring
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.c.current += int64(n)
	m.c.shown.Done += int64(n)
	m.c.out.Sent += int64(n)
	m.c.tell(false)
	return n, err
}

// dress sets owners, modes and times, of directories behind what they hold.
func (c *transferring) dress() error {
	c.stage("setting modes and times")
	for i := len(c.source) - 1; i >= 0; i-- {
		it := c.source[i]
		if err := c.To.Files.Set(below(c.part, it.Path), it.Entry, c.owner); err != nil {
			var re *ReachError
			if errors.As(err, &re) {
				return err
			}
			return fmt.Errorf("set the mode, time and owner of %s in %s: %w", strconv.Quote(it.Path), c.partName(), err)
		}
	}
	return nil
}

// prove compares both ends as they are at the end.
func (c *transferring) prove() error {
	c.stage("comparing both ends")
	got, err := survey(c.To.Files, c.part, nil)
	if err == nil {
		err = got.sum(c.To.Files, c.part)
	}
	if err != nil {
		return fmt.Errorf("take checksums of %s: %w", c.partName(), err)
	}
	now, err := survey(c.From.Files, c.From.Path, c.Exclude)
	if err != nil {
		return fmt.Errorf("look at %s again: %w", c.From.Name, err)
	}
	if what := c.source.changed(now); what != "" {
		return text.WithHint(fmt.Errorf("%s changed while it was copied: %s", c.From.Name, what), "stop what writes there, and retry")
	}
	if what := c.source.differs(got, "at the source", "at the target"); what != "" {
		return text.WithHint(fmt.Errorf("what has arrived in %s isn't what was sent: %s", c.partName(), what), "retry: what is right of it isn't sent again")
	}
	return nil
}

// changed says what is no longer as it was, judged by sizes and times.
func (m Manifest) changed(now Manifest) string {
	for i := range now {
		if i < len(m) && m[i].Path == now[i].Path && m[i].Mode.IsRegular() && now[i].Mode.IsRegular() {
			if !m[i].Modified.Equal(now[i].Modified) {
				return strconv.Quote(m[i].Path) + " was written to"
			}
			now[i].Sum = m[i].Sum
		}
	}
	return m.differs(now, "before", "afterwards")
}

// finish says what has been done.
func (c *transferring) finish() {
	files, dirs, links, bytes := c.out.Manifest.count()
	c.out.Lines = append([]string{
		fmt.Sprintf("copied %s to %s", c.From.Name, c.To.Name),
		fmt.Sprintf("files %d  directories %d  links %d  bytes %d", files, dirs, links, bytes),
		fmt.Sprintf("sent %d  there before %d", c.out.Sent, max(0, bytes-c.out.Sent)),
		"manifest " + c.out.Manifest.Sum(),
		"source " + c.From.Files.Way() + ", target " + c.To.Files.Way(),
	}, c.out.Lines...)
	c.tell(true)
}

func (c *transferring) say(format string, args ...any) {
	c.out.Lines = append(c.out.Lines, fmt.Sprintf(format, args...))
}

func (c *transferring) stage(name string) {
	c.shown.Stage = name
	c.tell(true)
}

// tell reports progress, at once or when it is time.
func (c *transferring) tell(now bool) {
	if c.Progress == nil || !now && time.Since(c.told) < tick {
		return
	}
	c.told = time.Now()
	c.Progress(c.shown)
}
