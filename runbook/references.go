package runbook

import (
	"fmt"
	"slices"
	"strings"

	"stepgate/checks"
)

// reference names a step or a monitor by the tail of its path.
type reference struct {
	at       Pos
	function string
	id       string
	path     string // of what refers
	field    string // of what a monitor showed; empty: none is named
	fieldAt  Pos
}

func (p *parser) refer(r reference) { p.names.refs = append(p.names.refs, r) }

// known is what references may name.
type targets struct {
	steps    []string
	monitors []string
	captures map[string]*Fence // of monitors, by path
	bounds   map[string]bool   // sections of which there may be several instances, and parts
}

// references resolves what was referred to, when the whole runbook is read.
func (p *parser) references() {
	if len(p.names.refs) == 0 || p.book.Root == nil {
		return
	}
	t := &targets{bounds: map[string]bool{}, captures: map[string]*Fence{}}
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
				at := below
				if f.ID != "" && f.ID != it.ID {
					at = joinPath(path, f.ID)
				}
				t.monitors, t.captures[at] = append(t.monitors, at), f
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
	case r.field != "":
		p.monitorField(r, found, t)
	}
}

// ofNumbers are the fields of monitor() that only a monitor with a capture has.
var ofNumbers = []string{"min", "avg", "max", "last"}

// monitorField reports a field that none of the monitors has.
func (p *parser) monitorField(r reference, found []string, t *targets) {
	_, known := checks.MonitorFields[r.field]
	if known && !slices.Contains(ofNumbers, r.field) {
		return
	}
	fields := []string{}
	for _, path := range found {
		capture := t.captures[path].Capture
		if t.captures[path].CaptureText != "" && capture == nil || known && capture != nil {
			return
		}
		if capture != nil {
			fields = append(fields, capture.Names()...)
		}
	}
	switch {
	case known:
		p.report(r.fieldAt, Error, "unknown-name", fmt.Sprintf("monitor(%s) captures nothing, so it has no %s", quote(r.id), quote(r.field)), "write a capture fence behind the monitor, such as rate = number(stdout)")
	case !slices.Contains(fields, r.field):
		for field := range checks.MonitorFields {
			fields = append(fields, field)
		}
		p.report(r.fieldAt, Error, "unknown-name", fmt.Sprintf("monitor(%s) has no %s", quote(r.id), quote(r.field)), meant(r.field, fields))
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
