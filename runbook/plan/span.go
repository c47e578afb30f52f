package plan

import (
	"maps"
	"slices"
	"time"

	"stepgate/runbook"
)

// spans returns the step with the lengths of time that come from values bound:
// itself when there are none, else a copy.
func (b *builder) spans(s *runbook.Step, scope *Scope) *runbook.Step {
	if !slices.ContainsFunc(fences(s), func(f *runbook.Fence) bool { return len(f.Spans) > 0 }) {
		return s
	}
	bound := func(fs []*runbook.Fence) []*runbook.Fence {
		out := make([]*runbook.Fence, len(fs))
		for i, f := range fs {
			out[i] = b.bound(f, scope)
		}
		return out
	}
	c := *s
	c.Done, c.Before, c.After, c.Monitors = bound(s.Done), bound(s.Before), bound(s.After), bound(s.Monitors)
	if s.Command != nil {
		c.Command = b.bound(s.Command, scope)
	}
	if rb := s.Rollback; rb != nil {
		c.Rollback = &runbook.Rollback{Before: bound(rb.Before), Command: b.bound(rb.Command, scope), After: bound(rb.After)}
	}
	return &c
}

func (b *builder) bound(f *runbook.Fence, scope *Scope) *runbook.Fence {
	if len(f.Spans) == 0 {
		return f
	}
	where := ""
	if hosts, ok := b.p.On(f.On, scope); ok && len(hosts) == 1 {
		where = hosts[0]
	}
	names := b.p.Names(scope, where, nil)
	c := *f
	field := map[string]*time.Duration{
		"timeout": &c.Timeout, "until": &c.Poll.Until, "every": &c.Poll.Every, "hold": &c.Poll.Hold,
		"reconnect": &c.Reconnect, "grace": &c.Grace,
	}
	for _, attr := range slices.Sorted(maps.Keys(f.Spans)) {
		text, known := Fill(f.Spans[attr], names)
		if !known {
			b.problem(f.Pos, "unknown-span", "use a parameter with a value, or a variable of the host",
				"%s=%q has no value before the run", attr, f.Spans[attr])
			continue
		}
		d, err := time.ParseDuration(text)
		switch into := field[attr]; {
		case into == nil:
			b.problem(f.Pos, "unknown-span", "write a length of time", "%s=%q is no length of time", attr, f.Spans[attr])
		case err != nil || d <= 0:
			b.problem(f.Pos, "span", "give it a length of time like 90s or 10m", "%s=%q is %q here, which is no length of time", attr, f.Spans[attr], text)
		case attr == "every" && f.Monitor && d < runbook.LeastEvery:
			b.problem(f.Pos, "span", "give it "+runbook.LeastEvery.String()+", or more", "%s=%q is %q here, and a monitor can't be sampled more often than every %s",
				attr, f.Spans[attr], text, runbook.LeastEvery)
		default:
			*into = d
		}
	}
	return &c
}
