package lint

import (
	"maps"
	"slices"
	"strings"

	"stepgate/runbook"
)

// prelude reads and judges the preludes, which are in front of every fence of
// their interpreter. What a function of one destroys is for the fence to answer
// that calls it.
func (l *linter) prelude() {
	for _, interpreter := range slices.Sorted(maps.Keys(l.book.Prelude)) {
		if !runbook.IsShell(interpreter) {
			continue
		}
		f := l.written(interpreter, l.book.Prelude[interpreter])
		file, at, err := runbook.ParseShell(interpreter, f.Body)
		if err != nil {
			l.find(f.At(max(at, 0)), "shell-syntax", "the prelude is not "+interpreter+": "+err.Error(), "correct it: it stands in front of every "+interpreter+" fence")
			continue
		}
		s := read(file)
		l.preludes[interpreter] = s
		j := &reading{linter: l, fence: f, around: surroundings{gated: true}, script: s}
		j.commands(file, nil)
		j.unquoted()
	}
}

// written makes a fence of a text of the front matter, with the places at which
// it stands in the file. A text written in one line, or with escapes, has the
// place of its file.
func (l *linter) written(interpreter, text string) *runbook.Fence {
	f := &runbook.Fence{Pos: runbook.Pos{File: l.book.File, Line: 1, Col: 1}, Lang: interpreter, Body: text}
	for _, src := range l.book.Sources {
		start := strings.Index(string(src.Text), text)
		if start < 0 {
			continue
		}
		before := string(src.Text[:start])
		at := runbook.Pos{File: src.Name, Line: strings.Count(before, "\n") + 1, Col: len(before) - strings.LastIndexByte(before, '\n')}
		for range strings.Count(text, "\n") + 1 {
			f.Lines = append(f.Lines, at)
			at.Line, at.Col = at.Line+1, 1
		}
		break
	}
	return f
}

// languages judges the shell lines that run bodies of other languages.
func (l *linter) languages() {
	for _, name := range slices.Sorted(maps.Keys(l.book.Languages)) {
		lang := l.book.Languages[name]
		f := &runbook.Fence{Pos: lang.Pos, Lang: "sh", Body: lang.Run}
		file, _, err := runbook.ParseShell("sh", lang.Run)
		if err != nil {
			l.find(lang.Pos, "shell-syntax", "the line that runs "+quote(name)+" is not sh: "+err.Error(), "correct run in [languages."+name+"]")
			continue
		}
		each(l.book.Root, func(_ *runbook.Section, st *runbook.Step) {
			for _, body := range fencesOf(st) {
				if body.Language == lang {
					f.Env = append(f.Env, body.Env...)
				}
			}
		})
		j := &reading{linter: l, fence: f, around: surroundings{gated: true}, script: read(file)}
		j.commands(file, nil)
		j.unquoted()
		j.undefined()
	}
}
