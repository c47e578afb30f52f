package runbook

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"stepgate/runbook/attrs"
)

// Format puts attribute groups and the info strings of fences into one form:
// `{#id .class key=value}` with classes and keys in a fixed order, quotes only
// where they are needed and one blank before the brace, and `lang {…}` right
// behind the backticks. Nothing else changes, and neither does what the runbook
// means. Formatting what was formatted changes nothing. The error lists what
// can't be read, each with its place in the file.
func Format(file string, src []byte) ([]byte, error) {
	p := newParser(file, src)
	if !p.readable() {
		return nil, unreadable(p.diags)
	}
	body := p.matterEnd()
	blank := bytes.Clone(p.src)
	for i := range body {
		if blank[i] != '\n' {
			blank[i] = ' '
		}
	}
	f := &formatter{p: p, languages: languagesOf(file, src)}
	doc := blocks.Parse(text.NewReader(blank))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Lines().Len() > 0 {
			line := h.Lines().At(h.Lines().Len() - 1)
			f.trailing(line.Start, line.Stop)
		} else {
			f.block(n)
		}
	}
	if len(p.diags) > 0 {
		return nil, unreadable(p.diags)
	}
	return f.edited(src), nil
}

// languagesOf reads the languages that a runbook declares. Whatever else there is
// to say of it is Parse's to say.
func languagesOf(file string, src []byte) map[string]*Language {
	p := newParser(file, src)
	p.parse()
	return p.book.Languages
}

// matterEnd returns where the document behind the front matter begins.
func (p *parser) matterEnd() int {
	mark := string(bytes.TrimRight(p.src[:p.lineEnd(0)], " \t"))
	if mark != "+++" && mark != "---" {
		return 0
	}
	_, _, after, ok := p.enclosed(mark)
	switch {
	case ok:
		return after
	case mark == "+++":
		return len(p.src)
	}
	return 0
}

func unreadable(ds []Diagnostic) error {
	var errs []error
	for _, d := range ds {
		errs = append(errs, errors.New(d.String()))
	}
	return errors.Join(errs...)
}

// edit replaces src[start:end]; both lie in one line.
type edit struct {
	start, end int
	text       string
}

type formatter struct {
	p         *parser
	languages map[string]*Language // of [languages]
	edits     []edit
}

func (f *formatter) replace(start, end int, text string) {
	if string(f.p.src[start:end]) != text {
		f.edits = append(f.edits, edit{start, end, text})
	}
}

// block formats a list's tasks and the fences below a block.
func (f *formatter) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.FencedCodeBlock:
		f.fence(n)
		return
	case *ast.ListItem:
		if at, ok := f.p.checkbox(n); ok && !quotedItem(n) {
			f.trailing(at, n.FirstChild().Lines().At(0).Stop)
		}
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		f.block(c)
	}
}

// quotedItem reports whether an item stands in a quotation, which is
// documentation.
func quotedItem(n ast.Node) bool {
	for n = n.Parent(); n != nil; n = n.Parent() {
		if _, ok := n.(*ast.Blockquote); ok {
			return true
		}
	}
	return false
}

// trailing formats the group that ends a title.
func (f *formatter) trailing(start, stop int) {
	if bytes.IndexByte(f.p.src[start:stop], '{') < 0 {
		return
	}
	title, g, problem := attrs.Trailing(f.p.src, start, stop)
	switch {
	case problem != nil:
		f.p.errorAt(problem.At, "attributes", problem.Text, `write {#id .class name=value name="two words"}`)
	case g != nil && len(title) == 0:
		f.replace(g.Start, g.End, groupText(*g))
	case g != nil:
		f.replace(start+len(title), g.End, " "+groupText(*g))
	}
}

// ours reports whether a fence of that language means something to a runbook.
func (f *formatter) ours(word string) bool {
	switch word {
	case "expect", "capture", "sql", "http", "tcp", "copy":
		return true
	}
	_, runs := languages[word]
	_, declared := f.languages[word]
	return runs || declared
}

// fence formats an info string. Those of documentation are left alone.
func (f *formatter) fence(n *ast.FencedCodeBlock) {
	if n.Info == nil || n.Pos() < 0 {
		return
	}
	src, start, stop := f.p.src, n.Info.Segment.Start, n.Info.Segment.Stop
	i := start + bytes.IndexFunc(append(src[start:stop:stop], ' '), func(r rune) bool { return r == ' ' || r == '\t' || r == '{' })
	word := string(src[start:i])
	for i < stop && (src[i] == ' ' || src[i] == '\t') {
		i++
	}
	marks := n.Pos() + len(src[n.Pos():start]) - len(bytes.TrimLeft(src[n.Pos():start], "`~"))
	if i == stop {
		if f.ours(word) {
			f.replace(marks, start+len(word), word)
		}
		return
	}
	if !attrs.Opens(src[:stop], i) {
		return
	}
	g, problem := attrs.Scan(src[:stop], i)
	if word == "" {
		word = f.languageClass(&g)
	}
	ignored := slices.ContainsFunc(g.Classes, func(c attrs.Word) bool { return c.Text == "ignore" })
	switch {
	case !f.ours(word) && !(ignored && word != ""):
	case problem != nil:
		f.p.errorAt(problem.At, "attributes", problem.Text, `write {#id .class name=value name="two words"}`)
	case len(bytes.TrimSpace(src[g.End:stop])) > 0:
		f.p.errorAt(g.End, "attributes", "unexpected "+quote(string(bytes.TrimSpace(src[g.End:stop])))+" behind the attributes", "put everything into one pair of braces")
	case len(g.IDs)+len(g.Classes)+len(g.Pairs) == 0:
		f.replace(marks, g.End, word)
	default:
		f.replace(marks, g.End, word+" "+groupText(g))
	}
}

// languageClass takes the language out of `{.sh .check}`.
func (f *formatter) languageClass(g *attrs.Group) string {
	for i, c := range g.Classes {
		if f.ours(c.Text) {
			g.Classes = slices.Delete(slices.Clone(g.Classes), i, i+1)
			return c.Text
		}
	}
	return ""
}

// edited applies the edits to the text as it was given, which may have a mark at
// its beginning and other line ends.
func (f *formatter) edited(src []byte) []byte {
	slices.SortFunc(f.edits, func(a, b edit) int { return a.start - b.start })
	bom := len(src) - len(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")))
	var out bytes.Buffer
	line, lineAt, done := 0, bom, 0 // lineAt is where the line begins in src
	for _, e := range f.edits {
		for want := f.p.line(e.start); line < want; line++ {
			lineAt += bytes.IndexByte(src[lineAt:], '\n') + 1
		}
		at := lineAt + e.start - f.p.lines[line]
		out.Write(src[done:at])
		out.WriteString(e.text)
		done = at + e.end - e.start
	}
	out.Write(src[done:])
	return out.Bytes()
}

// classOrder and keyOrder are how classes and keys stand in a group; what they
// don't hold comes behind, as it was written.
var (
	classOrder = []string{
		"include", "done", "check", "rollback", "background", "monitor", "idempotent", "irreversible", "reboot", "tty",
		"required", "always", "per-host", "secret", "ignore",
	}
	keyOrder = []string{
		"each", "batch", "canary", "soak", "order_by", "max_failures", "on", "pick", "parallel", "via", "db", "user", "cwd", "env.", "when",
		"ask", "choices", "until", "every", "hold", "fail_if", "timeout", "grace", "reconnect", "confirm", "approvers", "title", "with.",
	}
)

// rank is a name's place in an order; a family of names has one.
func rank(order []string, name string) int {
	if family, _, ok := strings.Cut(name, "."); ok {
		name = family + "."
	}
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

// groupText writes a group in the one form.
func groupText(g attrs.Group) string {
	var words []string
	for _, id := range g.IDs {
		words = append(words, "#"+id.Text)
	}
	classes := slices.Clone(g.Classes)
	slices.SortStableFunc(classes, func(a, b attrs.Word) int { return rank(classOrder, a.Text) - rank(classOrder, b.Text) })
	for i, c := range classes {
		// These two are read as one word each.
		if i > 0 && (classes[i-1].Text == "check" && c.Text == "rollback" || classes[i-1].Text == "background" && c.Text == "monitor") {
			words[len(words)-1] += "." + c.Text
			continue
		}
		words = append(words, "."+c.Text)
	}
	pairs := slices.Clone(g.Pairs)
	slices.SortStableFunc(pairs, func(a, b attrs.Pair) int { return rank(keyOrder, a.Key) - rank(keyOrder, b.Key) })
	for _, pair := range pairs {
		words = append(words, pair.Key+"="+valueText(pair.Value))
	}
	return "{" + strings.Join(words, " ") + "}"
}

// valueText quotes a value that can't stand bare.
func valueText(v string) string {
	if v != "" && !strings.ContainsAny(v, " \t\r\n\"'{}") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
