package executor

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// bootstrap is the only command line that ever reaches a host's login shell. It
// has no quote, backslash, newline or exclamation mark inside, so that csh and
// fish pass it on as sh does. It reads the header line and the payload from stdin
// and evaluates the payload only when it ends with the header's nonce: a payload
// that was cut off does nothing.
const bootstrap = `unset IFS sg_p; read -r sg_v sg_n sg_l sg_h && sg_p=$(cat) || exit 76; ` +
	`case $sg_p in *"#$sg_n") ;; *) exit 76;; esac; eval "$sg_p"`

// stream is a bootstrap whose stdin goes on behind its payload: it reads as much as
// the header says. Lines before the header are passed over, because whoever held the
// stream before may have been given more than it took.
const stream = streamHead + streamBody

const (
	streamHead = `unset IFS sg_p; while read -r sg_v sg_n sg_l sg_h; do case $sg_v in SG1) break;; esac; done; `
	streamBody = `sg_p=$(head -c "$sg_l"); case $sg_p in *"#$sg_n") ;; *) exit 76;; esac; eval "$sg_p"`
)

// execLine is bootstrap as a command line for a login shell.
const execLine = `sh -c '` + bootstrap + `'`

// maxReplyLine bounds a line of an answer.
const maxReplyLine = 1 << 20

//go:embed host/*.sh
var hostScripts embed.FS

// program is one payload for a host: assignments, then constant scripts.
type program struct {
	nonce string
	text  strings.Builder
}

func newProgram() *program {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return &program{nonce: hex.EncodeToString(b[:])}
}

// set assigns a value to a variable of the scripts.
func (p *program) set(name, value string) {
	p.text.WriteString(name + "=" + quote(value) + "\n")
}

// setCommand gives the scripts a command, whose variables are only set where it runs.
func (p *program) setCommand(c Command) {
	p.setNobody()
	p.set("sg_interpreter", c.Interpreter)
	login := ""
	if c.Login {
		login = "y"
	}
	p.set("sg_login", login)
	p.set("sg_body", c.Body)
	p.set("sg_masks", maskLines(c.Masks))
	dir := c.Dir
	if strings.HasPrefix(dir, "-") {
		dir = "./" + dir
	}
	p.set("sg_cwd", dir)
	p.text.WriteString("sg_env() {\n:\n")
	for _, v := range c.Env {
		p.text.WriteString("export " + v.Name + "=" + quote(v.Value) + "\n")
	}
	p.text.WriteString("}\n")
}

// setNobody gives the scripts nobody to become. Variables of a login that are called
// like ours, and exported, must not make what we put there part of an environment.
func (p *program) setNobody() {
	p.text.WriteString("unset sg_password sg_masks sg_inner sg_body\n")
	for _, name := range []string{"sg_user", "sg_asked", "sg_masks"} {
		p.set(name, "")
	}
}

// setUser gives the scripts somebody to become.
func (p *program) setUser(b becoming) {
	p.set("sg_user", b.user)
	p.set("sg_stream", stream)
	asked := ""
	if b.asked {
		asked = "y"
		p.set("sg_password", b.password)
	}
	p.set("sg_asked", asked)
}

// setInner gives the scripts the program that runs as another user.
func (p *program) setInner(inner *program, scripts ...string) {
	p.set("sg_inner_n", inner.nonce)
	p.set("sg_inner", string(inner.frame(scripts...)))
}

// maskLines is how masks are told to the host: what stands for them, their number, and
// one a line.
func maskLines(masks []Mask) string {
	if len(masks) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n", masks[0].With, len(masks))
	oneLine := strings.NewReplacer("\\", "\\\\", "\n", "\\n")
	for _, m := range masks {
		kind := "m"
		if m.Word {
			kind = "w"
		}
		b.WriteString(kind + oneLine.Replace(m.Text) + "\n")
	}
	return b.String()
}

// setAttempt gives the scripts an attempt as its intent pinned it.
func (p *program) setAttempt(a Attempt) {
	p.set("sg_id", a.ID)
	p.set("sg_run", a.RunID)
	p.set("sg_hash", a.IntentHash)
	p.setLeash(a.Leash)
	p.setHost(a.Host)
}

// leashLooks is how often in a leash's time the host looks whether somebody has beaten.
const leashLooks = 9

// setLeash gives the scripts the seconds between two looks, and how many may be in vain.
func (p *program) setLeash(leash time.Duration) {
	if leash <= 0 {
		p.set("sg_leash", "")
		return
	}
	seconds := (leash + time.Second - 1) / time.Second
	every := max(seconds/leashLooks, 1)
	p.set("sg_leash", strconv.FormatInt(int64(seconds), 10))
	p.set("sg_every", strconv.FormatInt(int64(every), 10))
	p.set("sg_looks", strconv.FormatInt(int64((seconds+every-1)/every), 10))
}

func (p *program) setHost(h Host) {
	p.set("sg_dir", h.Dir)
	p.set("sg_dirid", h.DirID)
	p.set("sg_machine", h.MachineID)
	p.set("sg_boot", h.BootID)
}

// frame is the whole of stdin: header, payload, end mark.
func (p *program) frame(scripts ...string) []byte {
	payload := p.text.String()
	for _, name := range scripts {
		b, err := hostScripts.ReadFile("host/" + name + ".sh")
		if err != nil {
			panic(err) // embedded: the name is wrong
		}
		payload += string(b)
	}
	payload += "#" + p.nonce
	sum := sha256.Sum256([]byte(payload))
	return fmt.Appendf(nil, "SG1 %s %d %x\n%s", p.nonce, len(payload), sum, payload)
}

// reply is a host's answer: its lines by key.
type reply map[string][]string

func (r reply) get(key string) string {
	if v := r[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// parseReply picks the lines of an answer out of what the host wrote; login noise
// lacks the nonce. An answer without its end, or one that says error, is an error.
func parseReply(nonce string, out []byte) (reply, error) {
	r := reply{}
	for line := range bytes.Lines(out) {
		rest, ok := bytes.CutPrefix(line, []byte(nonce+" "))
		if !ok || !bytes.HasSuffix(rest, []byte("\n")) {
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSuffix(string(rest), "\n"), " ")
		r[key] = append(r[key], value)
	}
	if e := r.get("error"); e != "" {
		return nil, fmt.Errorf("ask the host: %s", e)
	}
	if _, ok := r["end"]; !ok {
		return nil, errors.New("ask the host: the answer is incomplete")
	}
	return r, nil
}

// readReplyLine reads up to the next line that carries the nonce.
func readReplyLine(r *bufio.Reader, nonce string) (key, value string, err error) {
	for {
		line, err := readLine(r, maxReplyLine)
		if err != nil {
			return "", "", err
		}
		if rest, ok := strings.CutPrefix(line, nonce+" "); ok {
			key, value, _ = strings.Cut(rest, " ")
			return key, value, nil
		}
	}
}

// readLine reads one line of at most limit bytes, without its newline.
func readLine(r *bufio.Reader, limit int) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > limit {
			return "", fmt.Errorf("read the host's answer: a line is longer than %d bytes", limit)
		}
		if err == nil {
			return string(line[:len(line)-1]), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
	}
}
