package wording

import (
	"fmt"
	"strings"
	"time"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Facts are where and how a command runs.
func Facts(d *run.Dispatch) []string {
	out := []string{"on " + Place(d.Where)}
	switch d.Form {
	case "":
		if d.User != "" {
			out = append(out, "as "+Line(d.User)+" (sudo)")
		}
		if d.Dir != "" {
			out = append(out, "in "+Line(d.Dir))
		}
		if d.TTY {
			out = append(out, "on your terminal")
		}
		out = append(out, Line(d.Kind()))
		if d.Login {
			out = append(out, "in a login shell")
		}
	default:
		out = sent(d)
	}
	if d.TimeoutMS > 0 {
		out = append(out, "time limit "+text.Duration(time.Duration(d.TimeoutMS)*time.Millisecond))
	}
	return out
}

// Prefix returns the lines that run before a command's own text, or that run a text
// in another language, and what is said of them.
func Prefix(d *run.Dispatch) (lines []string, says string) {
	p := strings.TrimRight(Block(d.Around()), "\n")
	if p == "" {
		return nil, ""
	}
	lines = strings.Split(p, "\n")
	if d.Language != "" {
		return lines, fmt.Sprintf("run by %d lines of %s", len(lines), Line(d.Interpreter))
	}
	if len(lines) == 1 {
		return lines, "before it: options"
	}
	return lines, fmt.Sprintf("before it: %d lines of options and shared functions", len(lines))
}

// sent are where statements or a request go to, and whose values they see.
func sent(d *run.Dispatch) []string {
	var out []string
	if d.Server != "" {
		out = append(out, "to "+Line(d.Server))
	}
	switch {
	case d.Form == Form(runbook.Copy):
		out = append(out, "through this machine", "nothing is replaced")
	case d.Via != "":
		out = append(out, "through "+Place(d.Via))
	default:
		out = append(out, "from this machine")
	}
	if d.Where != "" && d.Where != plan.Local {
		out = append(out, "with the values of "+Place(d.Where))
	}
	return append(out, Line(d.Form))
}

// Value is what is shown of a variable: a secret's stays hidden.
func Value(v run.Var) string {
	if v.Secret {
		return text.Masked
	}
	return v.Value
}

// Form is the word for what is sent, as in [run.Dispatch]; "" for a script.
func Form(f runbook.Form) string {
	switch f {
	case runbook.SQL:
		return "sql"
	case runbook.HTTP:
		return "http"
	case runbook.TCP:
		return "tcp"
	case runbook.Copy:
		return "copy"
	case runbook.Variables, runbook.Script:
	}
	return ""
}

// Meant completes what is known of statements that have not been sent: the
// connection they will go over.
func Meant(r *run.Run, c *run.Cell, f *runbook.Fence, d *run.Dispatch) {
	conn := f.Connection
	if d.Form != "sql" || conn == nil {
		return
	}
	if d.Server == "" {
		d.Server = conn.Name
		if conn.Driver != "" {
			d.Server += " (" + conn.Driver + ")"
		}
	}
	if d.Via == "" {
		d.Via = r.Text(c, conn.Via)
	}
}

// FileName is what an editor calls a command's text: the step, with the ending that
// such text has.
func FileName(c *run.Cell) string {
	ending := "sh"
	f := c.Fence(run.RoleCommand)
	switch form := Form(f.Form); {
	case form != "":
		ending = form
	case strings.HasPrefix(f.Lang, "python"):
		ending = "py"
	case f.Lang == "perl":
		ending = "pl"
	case f.Lang == "ruby":
		ending = "rb"
	}
	clean := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, c.Plan.Step.Book.ID)
	return "step-" + clean + "." + ending
}
