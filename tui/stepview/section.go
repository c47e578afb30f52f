package stepview

import (
	"stepgate/runbook/plan"
	"stepgate/tui/markdown"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// Section draws what there is to read about a section: its prose, its warnings,
// and its steps.
func (v View) Section(s *plan.Section, w int) []string {
	t, r := v.Theme, v.Snap.Run
	text := func(src string) string { return r.TextIn(s.Scope, src) }
	var out []string
	block := func(lines []string) {
		if len(out) > 0 && len(lines) > 0 {
			out = append(out, "")
		}
		out = append(out, lines...)
	}
	if p := s.Book.Part; p != nil && p.File != "" {
		block([]string{t.Muted.Render(pane.Cut("from "+wording.Line(p.File), w, t.Glyph.Ellipsis))})
	}
	block(markdown.Render(t, text(s.Book.Prose), w))
	for _, warn := range s.Book.Warnings {
		block(Alert(t, theme.Gate, "WARNING", text(warn), w))
	}
	if s.Book.Caution != "" {
		block(Alert(t, theme.Failed, "CAUTION", text(s.Book.Caution), w))
	}
	var steps []string
	for n := range r.StepsIn(s) {
		mark := wording.Mark(r.StepStatus(n))
		if mark == theme.Pending && n.Gated {
			mark = theme.Gate
		}
		steps = append(steps, t.Draw(mark)+" "+wording.Name(r, n))
	}
	block(steps)
	return out
}
