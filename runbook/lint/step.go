package lint

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"stepgate/runbook"
	"stepgate/runbook/text"
)

// unchecked reports an irreversible step that nothing speaks for or against.
func (l *linter) unchecked(st *runbook.Step) {
	if st.Irreversible && st.Kind == runbook.Run && len(st.Before)+len(st.After) == 0 && st.Command.Expect == nil {
		l.find(st.Pos, "irreversible-unchecked", "the irreversible step has no check before or behind it",
			"add a {.check} fence that says when it may run, or that it worked")
	}
}

// unclaimed reports a command that leaves no trace on a host and that nothing
// could be asked about after an interruption.
func (l *linter) unclaimed(st *runbook.Step) {
	f := st.Command
	if f == nil || f.Form != runbook.SQL && f.Form != runbook.HTTP || len(st.Done)+len(st.After) > 0 {
		return
	}
	what := "sql"
	if f.Form == runbook.HTTP {
		what = "http"
	}
	l.find(f.Pos, "unclaimed", "nothing can tell whether this "+what+" command was run, should the connection break",
		"add a {.done} probe or a {.check} behind it that sees its effect; if it only reads, give it the class .check")
}

// rolling reports a walk over hosts that changes them and doesn't look at the
// end whether they are well.
func (l *linter) rolling(at runbook.Pos, each *runbook.Each, items []runbook.Item) {
	if each == nil || each.Group == "" {
		return
	}
	changes, checked := false, false
	var scan func(items []runbook.Item)
	scan = func(items []runbook.Item) {
		for _, it := range items {
			switch it := it.(type) {
			case *runbook.Section:
				scan(it.Items)
			case *runbook.Step:
				switch {
				case it.Always:
				case it.Kind == runbook.Run:
					changes, checked = true, len(it.After) > 0
				case it.Kind == runbook.Check:
					checked = true
				}
			}
		}
	}
	scan(items)
	if changes && !checked {
		l.find(at, "no-health-check", "the walk goes on to the next host without looking whether this one is well",
			"end it with a {.check} fence, polled with until= if it takes time")
	}
}

var placeholders = regexp.MustCompile(`\{\{\s*([^{}]+?)\s*\}\}`)

// phrase reports a gate in a walk whose phrase is the same at every host.
func (l *linter) phrase(at runbook.Pos, phrase string, around surroundings) {
	if around.walk == nil {
		return
	}
	for _, m := range placeholders.FindAllStringSubmatch(phrase, -1) {
		if l.varies(m[1], around) {
			return
		}
	}
	want := "host"
	if around.walk.Name != "" {
		want = around.walk.Name
	}
	l.find(at, "same-phrase", "the same phrase is typed in every instance of the walk, until the fingers know it: "+quote(phrase),
		"ask for what is different: confirm=\"{{"+want+"}}\"")
}

// varies reports whether a name may have another value in each instance of the
// innermost walk.
func (l *linter) varies(name string, around surroundings) bool {
	name, field, _ := strings.Cut(name, ".")
	switch name {
	case "run":
		return false
	case "step", "on":
		return true
	case "host":
		return around.walk.Name == ""
	case "each":
		return field == "index"
	}
	for i, e := range around.walks {
		if e.Name == name {
			return i == len(around.walks)-1
		}
	}
	for _, p := range l.book.Params {
		if p.Name == name {
			return false
		}
	}
	return true
}

var freeSpace = regexp.MustCompile(`(^|[^\w.-])(df|statvfs|disk_usage|fi_avail|avail)\b`)

// copies reports a copy before which nobody looked at the free space. Checks are
// read in the order in which they are taken.
func (l *linter) copies(st *runbook.Step) {
	if st.Command.Form == runbook.Copy && !l.space {
		l.find(st.Command.Pos, "copy-without-space-check", "nothing looks at the free space before the copy",
			"add a {.check on=…} fence above it with df -Pk and an expect that compares")
	}
}

// quote shows a piece of a runbook in a message.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return `"` + text.Line(text.Untrusted(s)) + `"`
}
