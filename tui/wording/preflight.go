package wording

import (
	"fmt"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Counted is a number with its noun: 1 host, 3 hosts.
func Counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// InTheWay says how much stands in the way of a run, or is warned of.
func InTheWay(p *run.Preflight) string {
	bad, warned := p.Count(run.Obstacle), p.Count(run.Warning)
	switch {
	case bad == 1:
		return "1 thing stands in the way"
	case bad > 1:
		return fmt.Sprintf("%d things stand in the way", bad)
	case warned > 0:
		return "nothing stands in the way, " + Counted(warned, "warning")
	}
	return "nothing stands in the way"
}

// HostFound is how far a host has been looked at, in a line: who answers, and what is
// out of the ordinary.
func HostFound(h run.HostFound) string {
	switch {
	case h.Doing != "":
		return Line(h.Doing) + " …"
	case !h.Seen:
		return "waiting"
	case !h.Reached:
		return "not reached"
	}
	parts := []string{Line(h.Identity.User) + "@" + Line(h.Identity.Hostname), Line(h.Identity.System)}
	if h.Free >= 0 {
		parts = append(parts, text.Bytes(h.Free)+" free")
	}
	if off := h.Ahead; off >= time.Second || off <= -time.Second {
		sign := "+"
		if off < 0 {
			sign, off = "-", -off
		}
		parts = append(parts, "clock "+sign+text.Duration(off.Truncate(time.Second)))
	}
	return strings.Join(parts, ", ")
}

// Finding is what was found, with the host it is about.
func Finding(f run.Finding) string {
	if f.Host == "" {
		return strings.TrimSpace(Line(f.What))
	}
	return Line(f.Host) + ": " + strings.TrimSpace(Line(f.What))
}

// mostHosts is how many hosts a finding names.
const mostHosts = 5

// Telling are the findings that are told beside the table of hosts, which has who
// answers. What was found alike on several hosts is told once, with their names.
func Telling(p *run.Preflight) []run.Finding {
	var out []run.Finding
	at := map[run.Finding]int{}
	hosts := map[int][]string{}
	for _, f := range p.Findings {
		if f.ID == "host" {
			continue
		}
		alike := f
		alike.Host = ""
		i, known := at[alike]
		if !known || f.Host == "" {
			i = len(out)
			at[alike] = i
			out = append(out, alike)
		}
		if f.Host != "" {
			hosts[i] = append(hosts[i], f.Host)
		}
	}
	for i, names := range hosts {
		out[i].Host = strings.Join(names[:min(len(names), mostHosts)], ", ")
		if n := len(names) - mostHosts; n > 0 {
			out[i].Host += fmt.Sprintf(" and %d more", n)
		}
	}
	return out
}

// Elsewhere names the other open runs of the same runbook on the same hosts, as they
// were when the run began.
func Elsewhere(r *run.Run) []string {
	if r.Preflighted == nil {
		return nil
	}
	var out []string
	for _, f := range r.Preflighted.Findings {
		if f.ID == run.OtherRun {
			out = append(out, "When this run began: "+strings.TrimSpace(Line(f.What))+".")
		}
	}
	return out
}

// Foretold says what the checks taken in advance came to.
func Foretold(f *run.Foretold) string {
	bad := 0
	for _, c := range f.Taken {
		if c.Applies && c.Verdict != checks.Pass {
			bad++
		}
	}
	said := fmt.Sprintf("%d taken", len(f.Taken))
	switch {
	case len(f.Taken) == 0:
		said = "none stands before the first command"
	case bad == 0:
		said += ", all as they should be"
	default:
		said += fmt.Sprintf(", %d not as they should be", bad)
	}
	if n := len(f.Left); n > 0 {
		said += fmt.Sprintf(", %d not taken", n)
	}
	return said
}

// NotTaken is a step of checks that was not taken, and why.
func NotTaken(c run.CheckLeft) string {
	s := Line(c.Title)
	if c.Cells > 1 {
		s += fmt.Sprintf(" (%d times)", c.Cells)
	}
	return s + ": " + Line(c.Why)
}

// LeftOut are the steps of checks that were not taken, by what kept them from it.
func LeftOut(f *run.Foretold) []string {
	var whys []string
	steps := map[string][]string{}
	for _, c := range f.Left {
		if steps[c.Why] == nil {
			whys = append(whys, c.Why)
		}
		name := Line(c.Title)
		if c.Cells > 1 {
			name += fmt.Sprintf(" (%d times)", c.Cells)
		}
		steps[c.Why] = append(steps[c.Why], name)
	}
	out := make([]string, len(whys))
	for i, why := range whys {
		out[i] = "not taken, as " + Line(why) + ": " + strings.Join(steps[why], ", ")
	}
	return out
}

// Shown are the rows of a check that was taken in advance, a line each: what didn't
// hold, with what it saw, and why there is nothing to judge.
func Shown(c run.CheckForetold) []string {
	var out []string
	for _, r := range c.Checks {
		if r.Verdict == checks.Pass {
			continue
		}
		at := ""
		if r.Where != "" && r.Where != c.Cell.Target {
			at = Line(r.Where) + ": "
		}
		said := false
		for _, row := range r.Rows {
			if row.Verdict == checks.Pass {
				continue
			}
			line := at + Line(strings.TrimSpace(row.Text))
			if row.Label != "" {
				line = at + Line(row.Label)
			}
			if row.Saw != "" {
				line += "   " + Line(row.Saw)
			}
			if row.Cause != "" {
				line += "   " + Line(row.Cause)
			}
			out, said = append(out, line), true
		}
		switch {
		case said:
		case r.Cause != "":
			out = append(out, at+Line(r.Cause))
		default:
			out = append(out, fmt.Sprintf("%sexit %d", at, r.Exit))
		}
	}
	return out
}
