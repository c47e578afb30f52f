package run

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/text"
)

// MaxTyped is how long a command that a person has written may be, in bytes.
const MaxTyped = 256 << 10

// EditText is the text of the cell's command as it would run now: what an editor
// begins with.
func (r *Run) EditText(c *Cell) (string, error) {
	if why := r.notEditable(c); why != "" {
		return "", errors.New(why)
	}
	if c.Edited != nil {
		return c.Edited.Body, nil
	}
	return r.bookText(c)
}

// Edited is the event by which the cell's command gets another text, or says why it
// can't.
func (r *Run) Edited(c *Cell, body string) (Edited, error) {
	now, err := r.EditText(c)
	if err != nil {
		return Edited{}, err
	}
	was, err := r.bookText(c)
	if err != nil {
		return Edited{}, err
	}
	e := Edited{Cell: c.Key, Body: body, Was: was}
	if f := c.Fence(RoleCommand); f.Form == runbook.Script && body != "" && !strings.HasSuffix(body, "\n") {
		e.Body += "\n"
	}
	why := c.notEdited(e)
	switch {
	case why != "":
	case e.Body == now:
		why = "it is unchanged"
	default:
		why = r.notWritten(r.Names(c, c.Key.Target), body)
	}
	if why != "" {
		return e, errors.New(why)
	}
	return e, nil
}

// bookText is the text of the cell's command as the runbook has it.
func (r *Run) bookText(c *Cell) (string, error) {
	f := c.Fence(RoleCommand)
	if f.Form == runbook.Script && f.Language == nil {
		return f.Body, nil
	}
	where := c.Key.Target
	if places, err := r.Places(c, f); err != nil {
		return "", err
	} else if len(places) == 1 {
		where = places[0]
	}
	body, err := plan.Render(f, r.Names(c, where), dialect(f))
	if err != nil {
		return "", fmt.Errorf("edit %q: %w", c.Key, err)
	}
	return body, nil
}

// notEditable says why the text of the cell's command can't be changed, or "".
func (r *Run) notEditable(c *Cell) string {
	f := c.Fence(RoleCommand)
	switch {
	case c.AdHoc != nil:
		return "it is not in the runbook: ask for another"
	case f == nil:
		return "it runs no command"
	case f.Form == runbook.Copy || f.Form == runbook.TCP || f.Form == runbook.HTTP:
		return "it is no command with a text that can be edited"
	case f.Language != nil:
		for name := range r.Plan.Secrets(c.Plan.Step.Scope) {
			if mentions(f.Body, name) {
				return "its text holds a secret, which an editor would show"
			}
		}
	}
	return ""
}

// notEdited says why the cell's command can't have that text, as far as the cell
// alone tells, or "".
func (c *Cell) notEdited(e Edited) string {
	switch {
	case c.AdHoc != nil || c.Fence(RoleCommand) == nil:
		return "the runbook gives it no command"
	case c.inDoubt():
		return "it is not known whether it has run; settle that first"
	case !c.stopped():
		return "it has not failed"
	case c.Edited == nil && e.Body == e.Was || c.Edited != nil && e.Body == c.Edited.Body:
		return "it is unchanged"
	}
	return unreadable(e.Body)
}

// notWritten says why a text can't be a command, or "": {{name}} of a value in it
// would look as if it were filled.
func (r *Run) notWritten(names map[string]any, body string) string {
	if !r.Plan.Book.Annotated {
		return ""
	}
	for _, slot := range braces.FindAllString(body, -1) {
		if _, known := plan.Fill(slot, names); known {
			return fmt.Sprintf(`%s in a command: values never become code; write "$%s"`, slot, strings.Trim(slot, "{} \t"))
		}
	}
	return ""
}

var braces = regexp.MustCompile(`\{\{[^{}\n]+\}\}`)

// unreadable says why a text can't be run as it is shown, or "".
func unreadable(body string) string {
	if strings.TrimSpace(body) == "" {
		return "it is empty"
	}
	if len(body) > MaxTyped {
		return fmt.Sprintf("it has %s, more than %s", text.Bytes(int64(len(body))), text.Bytes(MaxTyped))
	}
	if !utf8.ValidString(body) {
		return "it is not UTF-8"
	}
	if at, r := text.FindHidden(body); at >= 0 {
		return fmt.Sprintf("it holds the invisible character %s in line %d; remove it", text.Token(r), strings.Count(body[:at], "\n")+1)
	}
	return ""
}

// edited is the event on the cell: its next dispatch is another one.
func (c *Cell) edited(e Edited, rec Record) string {
	if why := c.notEdited(e); why != "" {
		return why
	}
	if c.Edited = &e; c.editedFrom == 0 {
		c.editedFrom = rec.Seq
	}
	return ""
}

// strayed reports whether a command with another text than the runbook's was sent.
func (c *Cell) strayed() bool {
	a := c.Attempt(RoleCommand)
	return c.editedFrom > 0 && a != nil && a.Record.Seq > c.editedFrom
}

// text is the command's text for a fence: as it was edited, when it is the cell's
// command.
func (c *Cell) text(f *runbook.Fence) (body string, edited bool) {
	if c.Edited != nil && f == c.Plan.Step.Book.Command {
		return c.Edited.Body, true
	}
	return "", false
}
