package plan

import (
	"fmt"
	"slices"

	"stepgate/runbook"
)

func (b *builder) step(s *runbook.Step, at place) Node {
	s = b.spans(s, at.scope)
	n := &Step{Book: s, ID: at.path, Number: at.number, Title: s.Title, Scope: at.scope, Gated: s.Gated()}
	switch s.Kind {
	case runbook.Manual:
		n.Kind = Manual
		b.cell(n, "")
	case runbook.Ask:
		n.Kind = Ask
		b.cell(n, "")
	case runbook.Watch:
		n.Kind = Watch
		b.cell(n, "")
	case runbook.Check:
		n.Kind = Check
		b.cell(n, b.checkTarget(s, at))
	case runbook.Run:
		n.Kind = Run
		hosts := b.hosts(s.Command, at.scope)
		switch {
		case len(hosts) == 0:
			return nil
		case s.Command.Pick != nil:
			hosts = []string{""}
		}
		for _, h := range hosts {
			b.cell(n, h)
		}
	}
	for _, f := range fences(s) {
		b.fence(f, at.scope)
	}
	b.asks(at.scope, s.Pos, s.When)
	b.add(n, s.Pos)
	return n
}

// fences returns all fences of a step, in the order they are taken.
func fences(s *runbook.Step) []*runbook.Fence {
	fs := slices.Concat(s.Done, s.Before)
	if s.Command != nil {
		fs = append(fs, s.Command)
	}
	fs = append(fs, s.After...)
	if rb := s.Rollback; rb != nil {
		fs = append(append(append(fs, rb.Before...), rb.Command), rb.After...)
	}
	return append(fs, s.Monitors...)
}

// fence reports what the inventory lacks for a fence.
func (b *builder) fence(f *runbook.Fence, s *Scope) {
	hosts := b.hosts(f, s)
	if f.Via != "" {
		b.via(f.Pos, f.Via, s, hosts)
	}
	if f.Connection != nil {
		b.connection(f, s, hosts)
	}
	if f.Form == runbook.Copy {
		b.copying(f, s, hosts)
	}
	b.asks(s, f.Pos, f.Pick, f.Poll.FailIf)
	for _, e := range f.Env {
		b.asks(s, f.Pos, e.Value)
	}
	b.asksIn(s, f.Pos, f.ExpectText)
	b.asksIn(s, f.Pos, f.CaptureText)
	if f.Secret && f.Capture != nil {
		b.p.secrets = true
		for _, name := range f.Capture.Names() {
			if !slices.Contains(s.secrets, name) {
				s.secrets = append(s.secrets, name)
			}
		}
	}
}

// hosts returns where a fence may run, and reports when that is nowhere: a check
// that is taken nowhere would pass.
func (b *builder) hosts(f *runbook.Fence, s *Scope) []string {
	hosts, ok := b.p.On(f.On, s)
	switch {
	case b.p.ambiguous(f.On, s):
		b.problem(f.Pos, "ambiguous-name", "rename one of them in the inventory",
			"on=%s names both a group and a host of the inventory", f.On)
		return nil
	case !ok:
		b.problem(f.Pos, "missing-group", fmt.Sprintf("add [groups.%s] or [hosts.%s] to the inventory, and give it with -i FILE", f.On, f.On),
			"on=%s names neither a group nor a host of the inventory", f.On)
	case len(hosts) == 0:
		b.problem(f.Pos, "empty-group", "give the group a host, or take the step out", "group %q has no hosts to run on", f.On)
	}
	return hosts
}

// checkTarget is the one place of a check step, or "" when it has several.
func (b *builder) checkTarget(s *runbook.Step, at place) string {
	target := ""
	for i, f := range s.Before {
		hosts, _ := b.p.On(f.On, at.scope)
		if len(hosts) != 1 || i > 0 && hosts[0] != target || f.Pick != nil {
			return ""
		}
		target = hosts[0]
	}
	return target
}

func (b *builder) cell(s *Step, target string) {
	s.Cells = append(s.Cells, &Cell{Step: s, Target: target})
}

func (b *builder) add(s *Step, pos runbook.Pos) {
	switch {
	case b.full:
		return
	case len(b.p.Steps) == MaxSteps:
		b.tooMany(pos, "too-many-steps", "steps", MaxSteps)
		return
	case len(b.p.Cells)+len(s.Cells) > MaxCells:
		b.tooMany(pos, "too-many-cells", "cells (a step at a place)", MaxCells)
		return
	}
	b.p.Steps = append(b.p.Steps, s)
	for _, c := range s.Cells {
		c.Index = len(b.p.Cells)
		b.p.Cells = append(b.p.Cells, c)
		b.p.cells[cellKey{s.ID, c.Target}] = c
	}
}
