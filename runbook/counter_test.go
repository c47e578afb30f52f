package runbook_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// found is a fence as the counter sees it.
type found struct {
	line int // from 1
	info string
	body []string
}

// counter finds the fences of a Markdown file line by line, by the rules of
// CommonMark for what may contain them. It shares nothing with the parser, so
// that each can be checked by the other.
type counter struct {
	open   []container
	fence  *found
	mark   string // of the open fence
	indent int
	html   string // what ends the open HTML block: a text, "" a blank line
	inHTML bool
	para   bool // the last line was a paragraph's
	out    []found
}

// container is a quotation (indent 0) or a list item whose content begins at
// a column of its own.
type container struct {
	indent int
	empty  bool // an item that began with a blank line
}

// expanded is a line with its tabs as blanks: only those at its beginning and
// behind markers matter.
func expanded(line string) string {
	var b strings.Builder
	for i, r := range line {
		if r != '\t' {
			if r != ' ' && r != '>' && !strings.ContainsRune("-*+.)0123456789", r) {
				return b.String() + line[i:]
			}
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Repeat(" ", 4-b.Len()%4))
	}
	return b.String()
}

func blanks(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

var (
	itemForm  = regexp.MustCompile(`^ {0,3}([-+*]|[0-9]{1,9}[.)])( +|$)`)
	ruleForm  = regexp.MustCompile(`^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$`)
	fenceForm = regexp.MustCompile("^( {0,3})(`{3,}|~{3,})[ \t]*(.*?)[ \t]*$")
	headForm  = regexp.MustCompile(`^ {0,3}#{1,6}([ \t]|$)`)
	underline = regexp.MustCompile(`^ {0,3}(=+|-+) *$`)
	htmlBlock = regexp.MustCompile(`(?i)^ {0,3}</?(address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul)( |\t|/?>|$)`)
	htmlText  = regexp.MustCompile(`(?i)^ {0,3}<(script|pre|style|textarea)( |\t|>|$)`)
	htmlTag   = regexp.MustCompile(`^ {0,3}(<[A-Za-z][A-Za-z0-9-]*(\s+[A-Za-z_:][A-Za-z0-9_.:-]*(\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>` + "`" + `]+))?)*\s*/?>|</[A-Za-z][A-Za-z0-9-]*\s*>)\s*$`)
)

// countFences returns the fences that have an info string.
func countFences(src string) []found {
	src = strings.ReplaceAll(strings.TrimPrefix(src, "\ufeff"), "\r\n", "\n")
	lines := strings.Split(src, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	c := &counter{}
	from := 0
	if len(lines) > 0 && strings.TrimRight(lines[0], " \t") == "---" {
		for i, line := range lines[1:] {
			if strings.TrimRight(line, " \t") == "---" {
				from = i + 2
				break
			}
		}
	}
	for i := from; i < len(lines); i++ {
		c.line(i+1, expanded(lines[i]))
	}
	c.close()
	return c.out
}

func (c *counter) close() {
	if c.fence != nil && c.fence.info != "" {
		c.out = append(c.out, *c.fence)
	}
	c.fence, c.inHTML, c.para = nil, false, false
}

// continued takes off what the open containers put before a line, and says how
// many of them go on.
func (c *counter) continued(s string) (rest string, n int) {
	blank := strings.TrimSpace(s) == ""
	for n < len(c.open) {
		in := &c.open[n]
		switch {
		case in.indent == 0:
			if blanks(s) > 3 || !strings.HasPrefix(strings.TrimLeft(s, " "), ">") {
				return s, n
			}
			s = strings.TrimPrefix(strings.TrimLeft(s, " ")[1:], " ")
			blank = strings.TrimSpace(s) == ""
		case blank && in.empty:
			return s, n
		case blank:
			s = strings.TrimPrefix(s, strings.Repeat(" ", min(in.indent, blanks(s))))
		case blanks(s) < in.indent:
			return s, n
		default:
			s = s[in.indent:]
		}
		in.empty = false
		n++
	}
	return s, n
}

func (c *counter) line(number int, s string) {
	s, n := c.continued(s)
	blank := strings.TrimSpace(s) == ""
	if n == len(c.open) {
		if c.leaf(s, blank) {
			return
		}
	} else if c.fence != nil || c.inHTML {
		c.close()
	}
	lazy := c.para
	if n < len(c.open) && (!lazy || blank || interrupts(s)) {
		c.open, lazy = c.open[:n], false
		c.para = false
	}
	s, began := c.containers(s, lazy)
	if began {
		c.para, blank = false, strings.TrimSpace(s) == ""
	}
	switch m := fenceForm.FindStringSubmatch(s); {
	case blank:
		c.para = false
	case !c.para && blanks(s) > 3: // code by indentation
	case m != nil && (m[2][0] == '~' || !strings.Contains(m[3], "`")):
		c.para = false
		c.fence, c.mark, c.indent = &found{line: number, info: m[3]}, m[2], len(m[1])
	case c.markup(s):
		c.para = false
	default:
		c.para = !headForm.MatchString(s) && !ruleForm.MatchString(s) && !(c.para && underline.MatchString(s))
	}
}

// leaf gives a line to the open fence or HTML block.
func (c *counter) leaf(s string, blank bool) bool {
	switch {
	case c.fence != nil:
		t := strings.TrimRight(strings.TrimLeft(s, " "), " \t")
		if blanks(s) < 4 && len(t) >= len(c.mark) && strings.Trim(t, c.mark[:1]) == "" {
			c.close()
			return true
		}
		c.fence.body = append(c.fence.body, s[min(c.indent, blanks(s)):])
		return true
	case c.inHTML && c.html == "" && blank, c.inHTML && c.html != "" && strings.Contains(strings.ToLower(s), c.html):
		c.inHTML = false
		return true
	}
	return c.inHTML
}

// interrupts reports whether a line begins something that ends a paragraph.
func interrupts(s string) bool {
	if blanks(s) > 3 {
		return false
	}
	if m := itemForm.FindStringSubmatch(s); m != nil && strings.TrimSpace(s) != m[1] && (len(m[1]) == 1 || m[1][:len(m[1])-1] == "1") {
		return true
	}
	m := fenceForm.FindStringSubmatch(s)
	return m != nil && (m[2][0] == '~' || !strings.Contains(m[3], "`")) || headForm.MatchString(s) || ruleForm.MatchString(s) ||
		strings.HasPrefix(strings.TrimLeft(s, " "), ">") || htmlBlock.MatchString(s) || htmlText.MatchString(s) || strings.HasPrefix(strings.TrimLeft(s, " "), "<!--")
}

// containers opens the quotations and items that a line begins.
func (c *counter) containers(s string, para bool) (rest string, began bool) {
	for blanks(s) < 4 {
		t := strings.TrimLeft(s, " ")
		if strings.HasPrefix(t, ">") {
			c.open = append(c.open, container{})
			s, began = strings.TrimPrefix(t[1:], " "), true
			continue
		}
		m := itemForm.FindStringSubmatch(s)
		if m == nil || ruleForm.MatchString(s) || !began && para && (!interrupts(s) || underline.MatchString(s)) {
			break
		}
		width := blanks(s) + len(m[1])
		rest := s[width:]
		switch n := blanks(rest); {
		case strings.TrimSpace(rest) == "":
			c.open = append(c.open, container{width + 1, true})
			return "", true
		case n > 4:
			width++
		default:
			width += n
		}
		c.open = append(c.open, container{width, false})
		s, began = s[width:], true
	}
	return s, began
}

// markup opens an HTML block.
func (c *counter) markup(s string) bool {
	t := strings.TrimLeft(s, " ")
	until := ""
	switch {
	case htmlText.MatchString(s):
		until = "</"
	case strings.HasPrefix(t, "<!--"):
		until = "-->"
	case strings.HasPrefix(t, "<?"):
		until = "?>"
	case strings.HasPrefix(t, "<![CDATA["):
		until = "]]>"
	case len(t) > 2 && strings.HasPrefix(t, "<!") && t[2] >= 'A' && t[2] <= 'Z':
		until = ">"
	case htmlBlock.MatchString(s), !c.para && htmlTag.MatchString(s):
	default:
		return false
	}
	c.html = until
	c.inHTML = until == "" || !strings.Contains(strings.ToLower(t[2:]), until)
	return true
}

// The counter is itself checked, on what makes counting hard.
func TestCounter(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"```sh\na\n```\n":                              "1 sh a",
		"~~~ sh\na\n```\n~~~\n":                        "1 sh a|```",
		"````sh\n```sh\n````\n":                        "1 sh ```sh",
		"    ```sh\n    a\n    ```\n":                  "",
		"text\n    ```sh\n":                            "",
		"text\n```sh\na\n```":                          "2 sh a",
		"- a\n\n  ```sh\n  b\n  ```\n":                 "3 sh b",
		"- a\n\n ```sh\n b\n ```\n":                    "3 sh b",
		"1. a\n   - b\n\n     ```sh\n     c\n     ```": "4 sh c",
		"1.\ta\n\n\t```sh\n\tb\n\t```\n":               "3 sh b",
		"- a\n\n  ```sh\n  b\nend\n\n```sh\nc\n```":    "3 sh b, 7 sh c",
		"> ```sh\n> a\n> ```\n":                        "1 sh a",
		"> ```sh\n> a\n\n```sh\nb\n```":                "1 sh a, 4 sh b",
		"<!--\n```sh\na\n```\n-->\n```sh\nb\n```":      "6 sh b",
		"<div>\n```sh\na\n```\n</div>":                 "",
		"<div>\n\n```sh\na\n```\n</div>":               "3 sh a",
		"<pre>\n\n```sh\na\n```\n</pre>\n":             "",
		"---\n```sh\na\n```\n---\n":                    "",
		"``` a`b\nc\n":                                 "",
		"- - -\n```sh\na\n```":                         "2 sh a",
		"a\n2. b\n   ```sh\n   c\n   ```\n":            "3 sh c",
		"-\n  ```sh\n  a\n  ```":                       "2 sh a",
		"- ```sh\n  a\n  ```":                          "1 sh a",
		"```sh\na":                                     "1 sh a",
	} {
		var got []string
		for _, f := range countFences(src) {
			got = append(got, strings.TrimSpace(strings.Join([]string{strconv.Itoa(f.line), f.info, strings.Join(f.body, "|")}, " ")))
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q: counted %q, want %q", src, s, want)
		}
	}
}
