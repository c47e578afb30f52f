package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
	"stepgate/tui/wording"
)

// View draws the screen.
func (m *preflight) View() tea.View {
	title, right := "preflight", ""
	if m.s != nil {
		if m.s.Title != "" {
			title += ": " + wording.Line(m.s.Title)
		}
		right = m.theme.Muted.Render(fmt.Sprintf("%d of %s looked at", m.s.Looked(), wording.Counted(len(m.s.Hosts), "host")))
	}
	foot := m.foot(keys.InPreflight, keys.Begin, keys.Retry, keys.Go, keys.NextPane, keys.Help, keys.Cancel)
	if m.login != nil {
		foot = m.foot(keys.InLogin, keys.Enter, keys.Cancel)
	}
	return m.view(title, right, m.body, foot)
}

// body is a line that says how it stands, the hosts, and what was found; a login that
// asks stands in the place of what was found.
func (m *preflight) body(w, h int) string {
	if m.s == nil {
		return fill(nil, w, h)
	}
	iw, _ := pane.Inner(w, h)
	top := max(min(max(len(m.s.Hosts), 1)+2, (h-2)*2/5), 3)
	out := append([]string{m.standing(w), ""}, m.boxed(ofHosts, "Hosts", m.hostLines(iw, top-2), w, top)...)
	low := max(h-2-top, 3)
	if m.login != nil {
		box := m.login.render(m.theme, w-2, low)
		return strings.Join(append(out, strings.Split(fill(pane.Indent(strings.Split(box, "\n"), " "), w, low), "\n")...), "\n")
	}
	return strings.Join(append(out, m.boxed(ofFindings, "Found", m.foundLines(iw), w, low)...), "\n")
}

func (m *preflight) boxed(which int, title string, lines []string, w, h int) []string {
	_, ih := pane.Inner(w, h)
	m.lengths[which], m.rooms[which] = len(lines), ih
	box := pane.Box{Title: title, Focus: m.pane == which && m.login == nil, Scroll: &m.scroll[which]}
	return strings.Split(box.Render(m.theme, m.scroll[which].Window(lines, ih), w, h), "\n")
}

// standing says whether the run may begin.
func (m *preflight) standing(w int) string {
	t, s := m.theme, m.s
	mark, word := t.Draw(theme.Done), t.Good.Render("Nothing stands in the way of the run. Nothing has been changed so far.")
	switch {
	case m.login != nil:
		mark, word = t.Draw(theme.Gate), t.Warning.Render(wording.Line(s.Prompt.Host)+" asks for "+wording.Wants(s.Prompt)+".")
	case s.Busy && s.Looked() < len(s.Hosts):
		mark, word = m.spinner(), t.Text.Render("Reaching the hosts. Nothing is changed by it.")
	case s.Busy:
		mark, word = m.spinner(), t.Text.Render("Looking at "+wording.Line(s.Doing)+". Nothing is changed by it.")
		if s.Doing == "" {
			word = t.Text.Render("Looking. Nothing is changed by it.")
		}
	case !s.Ready():
		mark, word = t.Draw(theme.Failed), t.Bad.Render("The run can't begin: "+wording.InTheWay(s)+".")
	case s.Foretold != nil && s.Foretold.Bad():
		mark, word = t.Warning.Render("!"), t.Warning.Render("The run may begin, and would stop at its first checks. Nothing was changed.")
	case s.Count(run.Warning) > 0:
		mark, word = t.Warning.Render("!"), t.Warning.Render("The run may begin, with "+wording.Counted(s.Count(run.Warning), "warning")+". Nothing has been changed so far.")
	}
	return pane.Fit(" "+mark+" "+word, w, t.Glyph.Ellipsis)
}

func (m *preflight) spinner() string {
	frames := m.theme.Glyph.Spinner
	return m.theme.Live.Render(frames[m.spin%len(frames)])
}

// hostLines are the hosts, a line each: mark, name, who answers, and in a word how it
// is. Of many, only those are drawn that are seen among h lines.
func (m *preflight) hostLines(w, h int) []string {
	if len(m.s.Hosts) == 0 {
		return []string{" " + m.theme.Muted.Render("The runbook runs nothing on any host.")}
	}
	lines := make([]string, len(m.s.Hosts))
	seen := &m.scroll[ofHosts]
	seen.By(0, len(lines), h)
	for i := seen.Top; i < min(seen.Top+h, len(lines)); i++ {
		lines[i] = m.hostLine(m.s.Hosts[i], min(m.names, max(w/3, 8)), w)
	}
	return lines
}

func (m *preflight) hostLine(h run.HostFound, name, w int) string {
	t := m.theme
	mark, style, word := t.Draw(theme.Pending), t.Muted, ""
	switch {
	case m.s.Prompt != nil && m.s.Prompt.Host == h.Name:
		mark, style, word = t.Draw(theme.Gate), t.Warning, "asks"
	case h.Doing != "":
		mark, style = m.spinner(), t.Text
	case h.Seen:
		mark, style, word = m.severity(h.Worst)
	}
	line := " " + mark + " " + pane.Fit(t.Text.Render(wording.Line(h.Name)), name, t.Glyph.Ellipsis) + "  " + t.Muted.Render(wording.HostFound(h))
	room := max(w-ansi.StringWidth(word)-2, 0)
	return pane.Fit(pane.Fit(line, room, t.Glyph.Ellipsis)+" "+style.Render(word), w, "")
}

// severity is how findings of a severity are drawn: glyph, colour and word.
func (m *preflight) severity(s run.Severity) (mark string, style lipgloss.Style, word string) {
	t := m.theme
	switch s {
	case run.Obstacle:
		return t.Draw(theme.Failed), t.Bad, "obstacle"
	case run.Warning:
		return t.Warning.Render("!"), t.Warning, "warning"
	case run.Fine:
	}
	return t.Draw(theme.Done), t.Good, "fine"
}

// foundLines are the findings, the worst first, and the checks taken in advance.
func (m *preflight) foundLines(w int) []string {
	t := m.theme
	var out []string
	if f := m.s.Foretold; f != nil {
		out = append(m.foretoldLines(f, w), "")
	}
	told := wording.Telling(m.s)
	for _, f := range told {
		mark, style, word := m.severity(f.Severity)
		for i, l := range pane.Wrap(wording.Finding(f), max(w-14, 10)) {
			lead := strings.Repeat(" ", 13)
			if i == 0 {
				lead = " " + mark + " " + pane.Fit(style.Render(word), 10, "")
			}
			out = append(out, lead+t.Text.Render(l))
		}
		if f.Severity == run.Fine {
			continue
		}
		out = append(out, m.below(f.Why, "", t.Muted, w)...)
		out = append(out, m.below(f.Do, "> ", t.Code, w)...)
	}
	if len(told) == 0 && !m.s.Busy {
		out = append(out, " "+t.Muted.Render("Nothing out of the ordinary."))
	}
	return out
}

// below is a text under a finding.
func (m *preflight) below(s, lead string, style lipgloss.Style, w int) []string {
	var out []string
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	for _, l := range pane.Wrap(wording.Block(s), max(w-16, 10)) {
		out = append(out, strings.Repeat(" ", 13)+m.theme.Key.Render(lead)+style.Render(l))
		lead = strings.Repeat(" ", len(lead))
	}
	return out
}

// verdicts are how checks taken in advance are drawn.
var verdicts = map[checks.Verdict]theme.Mark{checks.Pass: theme.Done, checks.Fail: theme.Failed, checks.Unknown: theme.Unknown}

func (m *preflight) foretoldLines(f *run.Foretold, w int) []string {
	t := m.theme
	var out []string
	for _, l := range pane.Wrap("Checks in advance: "+wording.Foretold(f)+". The run takes them anew.", max(w-1, 10)) {
		out = append(out, " "+t.Strong.Render(l))
	}
	for _, c := range f.Taken {
		mark, where := t.Draw(verdicts[c.Verdict]), ""
		if c.Cell.Target != "" {
			where = "  " + wording.Line(c.Cell.Target)
		}
		if !c.Applies {
			mark, where = t.Draw(theme.NotApplicable), where+"  does not apply"
		}
		out = append(out, pane.Cut("   "+mark+" "+t.Text.Render(wording.Line(c.Title))+t.Muted.Render(where), w, t.Glyph.Ellipsis))
		if c.Applies {
			for _, l := range wording.Shown(c) {
				out = append(out, pane.Cut("       "+t.Muted.Render(l), w, t.Glyph.Ellipsis))
			}
		}
	}
	for _, left := range wording.LeftOut(f) {
		for i, l := range pane.Wrap(left, max(w-6, 10)) {
			lead := "     "
			if i == 0 {
				lead = "   " + t.Draw(theme.Skipped) + " "
			}
			out = append(out, lead+t.Muted.Render(l))
		}
	}
	return out
}
