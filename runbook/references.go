package runbook

import (
	"fmt"
	"slices"
	"strings"
)

// reference names a step or a monitor by the tail of its path.
type reference struct {
	at       Pos
	function string
	id       string
	path     string // of what refers
}

func (p *parser) refer(r reference) { p.names.refs = append(p.names.refs, r) }

// known is what references may name.
type targets struct {
	steps    []string
	monitors []string
	bounds   map[string]bool // sections of which there may be several instances, and parts
}

// references resolves what was referred to, when the whole runbook is read.
func (p *parser) references() {
	if len(p.names.refs) == 0 || p.book.Root == nil {
		return
	}
	t := &targets{bounds: map[string]bool{}}
	t.section(p.book.Root, "")
	for _, r := range p.names.refs {
		if r.function == "monitor" {
			p.resolve(r, t.monitors, "monitor", t)
		} else {
			p.resolve(r, t.steps, "step", t)
		}
	}
}

func (t *targets) section(s *Section, path string) {
	for _, item := range s.Items {
		switch it := item.(type) {
		case *Section:
			below := joinPath(path, it.ID)
			t.steps = append(t.steps, below)
			if it.Each != nil || it.Part != nil {
				t.bounds[below] = true
			}
			t.section(it, below)
		case *Step:
			below := joinPath(path, it.ID)
			t.steps = append(t.steps, below)
			if it.Each != nil {
				t.bounds[below] = true
			}
			for _, f := range it.Monitors {
				if f.ID == "" || f.ID == it.ID {
					t.monitors = append(t.monitors, below)
				} else {
					t.monitors = append(t.monitors, joinPath(path, f.ID))
				}
			}
		}
	}
}

func joinPath(path, id string) string {
	if path == "" {
		return id
	}
	return path + "/" + id
}

// resolve reports a reference that names nothing, or several things of which
// none is nearer.
func (p *parser) resolve(r reference, all []string, what string, t *targets) {
	var found []string
	for _, path := range all {
		if path == r.id || strings.HasSuffix(path, "/"+r.id) {
			found = append(found, path)
		}
	}
	switch {
	case len(found) == 0:
		p.report(r.at, Error, "unknown-step", fmt.Sprintf("%s(%s): there is no %s of that id", r.function, quote(r.id), what), p.stepRemedy(r.id, all, what))
	case len(found) > 1 && !nearest(found, r.path, t):
		p.report(r.at, Error, "ambiguous-step", fmt.Sprintf("%s(%s) could mean %s", r.function, quote(r.id), strings.Join(found, " or ")), "write more of the path")
	}
}

// nearest reports whether exactly one of the paths lies in the innermost walk or
// part around path that holds any.
func nearest(found []string, path string, t *targets) bool {
	for ; path != ""; path = parentPath(path) {
		if !t.bounds[path] {
			continue
		}
		within := 0
		for _, f := range found {
			if f == path || strings.HasPrefix(f, path+"/") {
				within++
			}
		}
		if within > 0 {
			return within == 1
		}
	}
	return false
}

func parentPath(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return ""
}

func (p *parser) stepRemedy(id string, all []string, what string) string {
	var last []string
	for _, path := range all {
		last = append(last, path[strings.LastIndexByte(path, '/')+1:])
	}
	if did := near(id, append(last, all...)); did != "" {
		return "did you mean " + did + "?"
	}
	slices.Sort(last)
	if last = slices.Compact(last); len(last) > 0 && len(last) <= 12 {
		return "known here: " + strings.Join(last, ", ")
	}
	if what == "monitor" {
		return "write the id of a {.monitor} fence"
	}
	return "write the end of a step's path, such as tablets/stop"
}
