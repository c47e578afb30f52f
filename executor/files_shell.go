package executor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shellFiles are the files of a host by nothing but its shell, for servers without
// sftp.
type shellFiles struct {
	ctx context.Context //nolint:containedctx // the files are open as long as it lasts
	s   *shell
}

// errNoSums says that the host has no tool for checksums.
var errNoSums = errors.New("the host has no tool for SHA-256")

const (
	maxFilesReply = 256 << 20 // bytes of one answer: a very large directory
	sumsAtOnce    = 500
	writeSize     = 1 << 20 // bytes of a file in one frame
)

// word is a path as one word that no tool takes for an option.
func pathWord(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = "./" + p
	}
	return quote(p)
}

// do runs calls of files.sh and returns their answer.
func (f *shellFiles) do(calls ...string) (reply, error) {
	p := newProgram()
	return f.run(p, calls...)
}

func (f *shellFiles) run(p *program, calls ...string) (reply, error) {
	p.text.WriteString("sg_calls() {\n:\n" + strings.Join(calls, "\n") + "\n}\n")
	out := boundedBuffer{limit: maxFilesReply}
	var errs limitedBuffer
	exit, err := f.s.t.run(f.ctx, call{frame: p.frame("frame", "files"), stdout: &out, stderr: &errs, lasting: true})
	if err != nil {
		return nil, f.lost(err)
	}
	if exit == exitTruncated {
		return nil, f.lost(errTruncated)
	}
	r, err := parseReply(p.nonce, out.Bytes())
	if err != nil {
		return nil, err
	}
	if why := r.get("why"); why != "" {
		return nil, meaning(why)
	}
	return r, nil
}

// lost is a call without an answer as the loss of its host.
func (f *shellFiles) lost(err error) error {
	var re *ReachError
	if f.ctx.Err() != nil || errors.As(err, &re) || errors.Is(err, errReplyTooBig) {
		return err
	}
	return f.s.t.unreached(err, "")
}

// meaning finds what can be told apart in what a tool said.
func meaning(why string) error {
	low := strings.ToLower(why)
	switch {
	case strings.Contains(low, "no such file"), strings.Contains(low, "not found"), strings.Contains(low, "nonexistent"):
		return fs.ErrNotExist
	case strings.Contains(low, "permission denied"):
		return fmt.Errorf("%w (%s)", fs.ErrPermission, why)
	case strings.Contains(low, "file exists"):
		return fs.ErrExist
	}
	return errors.New(why)
}

// boundedBuffer keeps an answer up to a limit.
type boundedBuffer struct {
	bytes.Buffer
	limit int
}

// Write implements io.Writer.
func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.limit {
		return 0, errReplyTooBig
	}
	return b.Buffer.Write(p)
}

// Stat implements [Files].
func (f *shellFiles) Stat(name string) (Entry, error) {
	r, err := f.do("sg_entry " + pathWord(name))
	if err != nil {
		return Entry{}, err
	}
	es, err := entriesOf(r)
	if err != nil {
		return Entry{}, err
	}
	if len(es) != 1 {
		return Entry{}, fs.ErrNotExist
	}
	return es[0], nil
}

// List implements [Files].
func (f *shellFiles) List(dir string) ([]Entry, error) {
	r, err := f.do("sg_list " + pathWord(dir))
	if err != nil {
		return nil, err
	}
	es, err := entriesOf(r)
	slices.SortFunc(es, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return es, err
}

// entriesOf reads the lines entry, name and link, which go together.
func entriesOf(r reply) ([]Entry, error) {
	facts, names, links := r["entry"], r["name"], r["link"]
	if len(facts) != len(names) || len(facts) != len(links) {
		return nil, errors.New("ask the host: its answer about files is incomplete")
	}
	out := make([]Entry, 0, len(facts))
	for i, line := range facts {
		w := strings.Fields(line)
		if len(w) != 5 {
			return nil, fmt.Errorf("ask the host: %q doesn't say what a file is", line)
		}
		mode, err := strconv.ParseUint(w[0], 16, 32)
		n, nerr := numbers(strings.Join([]string{w[1], w[3], w[4]}, " "), 3)
		at, terr := strconv.ParseInt(w[2], 10, 64)
		if err := errors.Join(err, nerr, terr); err != nil {
			return nil, err
		}
		e := Entry{Mode: modeOf(uint32(mode)), Size: n[0], Modified: time.Unix(at, 0), UID: int(n[1]), GID: int(n[2])}
		if e.Name, err = anyText(names[i]); err != nil {
			return nil, err
		}
		if e.Link, err = anyText(links[i]); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// anyText reads what sg_text wrote.
func anyText(s string) (string, error) {
	switch {
	case s == "":
		return "", nil
	case s[0] == 'p':
		return s[1:], nil
	case s[0] == 'o' && len(s)%3 == 1:
		var b strings.Builder
		for i := 1; i < len(s); i += 3 {
			c, err := strconv.ParseUint(s[i:i+3], 8, 8)
			if err != nil {
				return "", err
			}
			b.WriteByte(byte(c))
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("ask the host: %q is no name", s)
}

// Sums implements [Files].
func (f *shellFiles) Sums(spans []Span) ([]string, error) {
	sums, err := f.sums(spans)
	if errors.Is(err, errNoSums) {
		return sumsByReading(f, spans)
	}
	return sums, err
}

// sums has the host count; errNoSums says that it can't.
func (f *shellFiles) sums(spans []Span) ([]string, error) {
	out := make([]string, 0, len(spans))
	for part := range slices.Chunk(spans, sumsAtOnce) {
		calls := []string{`[ "$sg_shatool" = y ] || { sg_say tool none; return; }`}
		for _, s := range part {
			calls = append(calls, fmt.Sprintf("sg_sum %s %d", pathWord(s.Path), s.Length))
		}
		r, err := f.do(calls...)
		switch {
		case err != nil:
			return nil, err
		case r.get("tool") == "none":
			return nil, errNoSums
		case len(r["sum"]) != len(part):
			return nil, errors.New("ask the host: checksums are missing")
		}
		for _, s := range r["sum"] {
			if len(s) != 64 {
				return nil, fmt.Errorf("ask the host: %q is no SHA-256", s)
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// Read implements [Files].
func (f *shellFiles) Read(name string, offset int64, w io.Writer) error {
	p := newProgram()
	p.text.WriteString("sg_calls() {\n[ -f " + pathWord(name) + " ] && [ -r " + pathWord(name) + " ] || sg_why permission denied, or no file\n" +
		"sg_say data\ntail -c +" + strconv.FormatInt(offset+1, 10) + " " + pathWord(name) + "\nexit\n}\n")
	out := &behind{mark: []byte(p.nonce + " data\n"), w: w}
	var errs limitedBuffer
	exit, err := f.s.t.run(f.ctx, call{frame: p.frame("frame", "files"), stdout: out, stderr: &errs, lasting: true})
	switch {
	case out.err != nil:
		return out.err
	case err != nil:
		return f.lost(err)
	case !out.begun:
		r, err := parseReply(p.nonce, out.head)
		if err != nil {
			return err
		}
		return meaning(r.get("why"))
	case exit != 0:
		return fmt.Errorf("it can't be read: %s", strings.TrimSpace(lastLine(errs.String())))
	}
	return nil
}

// behind passes on what comes behind a mark; what a login prints comes before it.
type behind struct {
	mark  []byte
	w     io.Writer
	head  []byte
	begun bool
	err   error
}

// Write implements io.Writer.
func (b *behind) Write(p []byte) (int, error) {
	n := len(p)
	if !b.begun {
		b.head = append(b.head, p...)
		i := bytes.Index(b.head, b.mark)
		if i < 0 {
			if len(b.head) > maxReplyLine {
				return 0, errReplyTooBig
			}
			return n, nil
		}
		p, b.begun, b.head = b.head[i+len(b.mark):], true, nil
		if len(p) == 0 {
			return n, nil
		}
	}
	if _, err := b.w.Write(p); err != nil {
		b.err = err
		return 0, err
	}
	return n, nil
}

// Write implements [Files]. Each piece is checked by the frame it comes in.
func (f *shellFiles) Write(name string, offset int64, r io.Reader) error {
	buf := make([]byte, writeSize)
	for {
		n, rerr := io.ReadFull(r, buf)
		if rerr != nil && !errors.Is(rerr, io.EOF) && !errors.Is(rerr, io.ErrUnexpectedEOF) {
			return rerr
		}
		p := newProgram()
		p.set("sg_data", base64.StdEncoding.EncodeToString(buf[:n]))
		p.set("sg_len", strconv.Itoa(n))
		if _, err := f.run(p, fmt.Sprintf("sg_append %s %d", pathWord(name), offset)); err != nil {
			return err
		}
		offset += int64(n)
		if rerr != nil {
			return f.sync(name)
		}
	}
}

func (f *shellFiles) sync(name string) error { return f.just("sg_disk " + pathWord(name)) }

func (f *shellFiles) just(calls ...string) error {
	_, err := f.do(calls...)
	return err
}

// Mkdir implements [Files].
func (f *shellFiles) Mkdir(name string) error { return f.just("sg_try mkdir -m 700 " + pathWord(name)) }

// Symlink implements [Files].
func (f *shellFiles) Symlink(target, name string) error {
	return f.just("sg_try ln -s -- " + quote(target) + " " + pathWord(name))
}

// Set implements [Files].
func (f *shellFiles) Set(name string, e Entry, owner bool) error {
	var calls []string
	if owner {
		calls = append(calls, fmt.Sprintf("sg_try chown -h %d:%d %s", e.UID, e.GID, pathWord(name)))
	}
	if e.Mode&fs.ModeSymlink == 0 {
		calls = append(calls, fmt.Sprintf("sg_try chmod %o %s", unixMode(e.Mode), pathWord(name)))
		if !e.Modified.IsZero() {
			calls = append(calls, "sg_try env TZ=UTC0 touch -t "+e.Modified.UTC().Format("200601021504.05")+" "+pathWord(name))
		}
	}
	return f.just(calls...)
}

// Rename implements [Files].
func (f *shellFiles) Rename(old, name string) error {
	return f.just("sg_rename "+pathWord(old)+" "+pathWord(name), "sg_disk "+pathWord(path.Dir(name)))
}

// Room implements [Files].
func (f *shellFiles) Room(name string) (int64, error) {
	r, err := f.do("sg_room " + pathWord(name))
	if err != nil {
		return -1, err
	}
	n, err := strconv.ParseInt(r.get("room"), 10, 64)
	if err != nil || n < 0 {
		return -1, nil //nolint:nilerr // it isn't known, which is no failure
	}
	return n << 10, nil
}

// Root implements [Files].
func (f *shellFiles) Root() (bool, error) {
	r, err := f.do(`sg_say uid "$(id -u)"`)
	return r.get("uid") == "0", err
}

// Way implements [Files].
func (f *shellFiles) Way() string { return "by shell commands: its server has no sftp" }

// Close implements [Files].
func (f *shellFiles) Close() error { return nil }
