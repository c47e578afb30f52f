package runbook

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"

	"stepgate/runbook/attrs"
	"stepgate/runbook/text"
)

// fenceKind says what a fence is.
type fenceKind uint8

const (
	noteFence fenceKind = iota // documentation
	runFence                   // a command, a check or a rollback
	expectFence
	captureFence
)

// block is a fence as it stands in the file.
type block struct {
	at    int // of its opening backticks
	kind  fenceKind
	form  Form   // of a runFence
	lang  string // of a Script: its interpreter, or its language of [languages]
	group *attrs.Group
	// check is true of .done too.
	check, done, monitor, background,
	rollback, idempotent, irreversible bool
	language *Language
	body     string
	lines    []int // offset of each body line's first byte
	marks    *marks
	open     bool      // never closed
	doubt    string    // why a plain document's fence may not be meant to run; empty: it is
	shell    shellText // of a shell
}

// command reports whether the fence is a step's command.
func (b *block) command() bool { return b.kind == runFence && !b.check && !b.rollback && !b.monitor }

// place says what may stand in the fence's group.
func (b *block) place() place {
	switch {
	case b.kind == noteFence:
		return onNote
	case b.kind != runFence:
		return onAssert
	case b.monitor:
		return onMonitor
	case b.check:
		return onCheck
	case b.rollback:
		return onRollback
	}
	return onCommand
}

// fence reads a fenced code block. It returns nil when the fence is
// documentation, or wrong.
func (p *parser) fence(n *ast.FencedCodeBlock) (b *block, isNote bool) {
	b = &block{at: n.Pos()}
	if n.Info == nil {
		return nil, true
	}
	seg := n.Info.Segment
	word, ok := p.info(b, seg.Start, seg.Stop)
	if !ok {
		return nil, false
	}
	if !p.classify(b, word, seg.Start) {
		return nil, b.kind == noteFence
	}
	if p.fences++; p.fences > maxFences {
		p.excess(p.pos(b.at), fmt.Sprintf("%d fences for running", maxFences))
		return nil, false
	}
	segs := n.Lines()
	b.lines = make([]int, segs.Len())
	for i := range b.lines {
		b.lines[i] = segs.At(i).Start
	}
	b.body = p.joined(segs, 0)
	p.closed(n, b)
	if (word == "console" || word == "shell-session") && !p.console(b) {
		return nil, true
	}
	if strings.TrimSpace(b.body) == "" {
		p.report(p.pos(b.at), p.severity(), "empty-fence", "the fence is empty", "write what belongs there, or remove the fence")
		return nil, true
	}
	p.hidden(b)
	return b, false
}

// info splits an info string into the language and the attributes. ok is false
// when it was refused.
func (p *parser) info(b *block, start, stop int) (word string, ok bool) {
	i := start
	for i < stop && p.src[i] != ' ' && p.src[i] != '\t' && p.src[i] != '{' {
		i++
	}
	word = string(p.src[start:i])
	for i < stop && (p.src[i] == ' ' || p.src[i] == '\t') {
		i++
	}
	if i == stop {
		return word, true
	}
	if !attrs.Opens(p.src[:stop], i) {
		p.foreign(i, word, string(p.src[i:stop]))
		return word, true
	}
	g, problem := attrs.Scan(p.src[:stop], i)
	if problem != nil {
		p.errorAt(problem.At, "attributes", problem.Text, `write {#id .class name=value name="two words"}`)
		return "", false
	}
	if rest := bytes.TrimSpace(p.src[g.End:stop]); len(rest) > 0 {
		p.errorAt(g.End, "attributes", "unexpected "+quote(string(rest))+" behind the attributes", "put everything into one pair of braces")
		return "", false
	}
	b.group = &g
	if word == "" {
		word = p.languageClass(&g)
	}
	return word, true
}

// foreign reports words behind the language that are no attributes of ours.
func (p *parser) foreign(at int, word, rest string) {
	if !p.fenceWord(word) {
		return
	}
	p.report(p.pos(at), p.severity(), "info-string", quote(rest)+" is no attribute group",
		`attributes stand in braces: {.check until=60s}`)
}

// languageClass takes the language out of `{.sh .check}`.
func (p *parser) languageClass(g *attrs.Group) string {
	for i, c := range g.Classes {
		if p.fenceWord(c.Text) {
			g.Classes = append(g.Classes[:i:i], g.Classes[i+1:]...)
			return c.Text
		}
	}
	return ""
}

// fenceWord reports whether fences of that word are for running.
func (p *parser) fenceWord(word string) bool {
	_, runs := languages[word]
	_, form := forms[word]
	return runs || form || p.book.Languages[word] != nil || word == "expect" || word == "capture"
}

// classify decides what the fence is by its language and classes. false: it
// isn't for running, because it's documentation or was refused.
func (p *parser) classify(b *block, word string, at int) bool {
	form, formed := forms[word]
	_, runs := languages[word]
	switch {
	case word == "expect":
		b.kind = expectFence
	case word == "capture":
		b.kind = captureFence
	case p.book.Languages[word] != nil:
		b.kind, b.form, b.lang, b.language = runFence, Script, word, p.book.Languages[word]
	case formed && (p.book.Annotated || b.group != nil):
		b.kind, b.form = runFence, form
	case runs:
		b.kind, b.form, b.lang = runFence, Script, languages[word]
	default:
		p.note(b, word, at)
		return false
	}
	p.classes(b)
	if b.kind == noteFence {
		p.vocabulary(b.group, onRunnable|onAlone|onNote)
		return false
	}
	return true
}

// classes reads the classes that decide what a fence is.
func (p *parser) classes(b *block) {
	if b.form == TCP && b.kind == runFence {
		b.check = true // it can't do anything else
	}
	if b.group == nil {
		return
	}
	for _, c := range b.group.Classes {
		switch c.Text {
		case "check":
			b.check = true
		case "done":
			b.check, b.done = true, true
		case "monitor":
			b.monitor = true
		case "background":
			b.background = true
		case "rollback":
			b.rollback = true
		case "idempotent":
			b.idempotent = true
		case "irreversible":
			b.irreversible = true
		case "ignore":
			b.kind = noteFence
		}
	}
	if b.kind == runFence && (b.done || b.monitor) && b.rollback || b.done && b.monitor {
		p.errorAt(b.at, "misplaced", "the classes of this fence don't go together", "a fence is one of .check, .done, .monitor and .rollback; only .check.rollback is both")
	}
}

// note judges a fence whose language runs nothing.
func (p *parser) note(b *block, word string, at int) {
	if !p.book.Annotated && b.group == nil {
		return
	}
	known := append(append(append(keys(languages), keys(forms)...), keys(p.book.Languages)...), "expect", "capture")
	did := ""
	if len(word) > 2 && !commonInfo[word] {
		did = near(word, known)
	}
	switch {
	case b.group != nil && !p.ignored(b.group):
		remedy := "name the language that runs it, such as sh, or remove the attributes"
		if did != "" {
			remedy = "did you mean " + did + "?"
		}
		p.report(p.pos(at), p.severity(), "language", "fences of language "+quote(word)+" are documentation and take no attributes", remedy)
	case did != "" && p.book.Annotated && len(word) >= 4 && len(did) >= 4:
		p.errorAt(at, "language", "unknown language "+quote(word), "did you mean "+did+"? Documentation is marked {.ignore}")
	}
}

func (p *parser) ignored(g *attrs.Group) bool {
	for _, c := range g.Classes {
		if c.Text == "ignore" {
			return true
		}
	}
	return false
}

// closed refuses a fence that runs to the end of what it stands in: it would
// take the rest of the text for commands.
func (p *parser) closed(n *ast.FencedCodeBlock, b *block) {
	mark := p.src[b.at]
	length := len(p.src[b.at:]) - len(bytes.TrimLeft(p.src[b.at:], string(mark)))
	end := p.lineEnd(b.at) + 1
	if k := n.Lines().Len(); k > 0 {
		end = n.Lines().At(k - 1).Stop
	}
	if end < len(p.src) {
		line := bytes.Trim(p.src[end:p.lineEnd(end)], "> \t") // a quotation's marks stand before it
		if len(line) >= length && len(bytes.Trim(line, string(mark))) == 0 {
			return
		}
	}
	b.open = true
	p.report(p.pos(b.at), p.severity(), "fence-open", "the fence is never closed", "close it with "+strings.Repeat(string(mark), length)+" at the same indentation")
}

// hidden refuses characters that a reader can't see in what would run.
func (p *parser) hidden(b *block) {
	if at, r := text.FindHidden(b.body); at >= 0 {
		p.errorAt(p.inBody(b, at), "invisible", "invisible character "+text.Token(r)+" in what would run", "remove it")
	}
}

// inBody maps an offset in the body to the source.
func (p *parser) inBody(b *block, at int) int {
	line := strings.Count(b.body[:at], "\n")
	if line >= len(b.lines) {
		return p.lineEnd(b.at)
	}
	return b.lines[line] + at - (strings.LastIndexByte(b.body[:at], '\n') + 1)
}
