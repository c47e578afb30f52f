package runbook

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxContinued is how many lines a command of a session may go on for.
const maxContinued = 200

// console keeps the lines behind the prompt, which is `$ ` or `# `, and those
// that a command goes on with; the rest is sample output. false: there is no
// prompt.
func (p *parser) console(b *block) bool {
	prompt := ""
	for line := range strings.Lines(b.body) {
		if begins := strings.HasPrefix(line, "# "); strings.HasPrefix(line, "$ ") || begins && prompt == "" {
			if prompt == "# " && !begins {
				b.doubt = "lines of its session begin with $ and with #, which may be a prompt or a comment"
			}
			if prompt = line[:2]; prompt == "$ " {
				break
			}
		}
	}
	if prompt == "" {
		p.report(p.pos(b.at), p.severity(), "console", "no line of the session begins with a prompt",
			"begin commands with `$ ` or `# `, or mark the fence {.ignore}")
		return false
	}
	var body strings.Builder
	var starts []int
	more, continued, begun := false, 0, 0 // begun: where in body the command begins
	n := -1
	for line := range strings.Lines(b.body) {
		n++
		cut := 0
		switch {
		case more && strings.HasPrefix(line, "> "):
			cut = 2
		case more:
		case strings.HasPrefix(line, prompt):
			cut, begun, continued = 2, body.Len(), 0
		case strings.HasPrefix(line, "> ") && body.Len() > 0 && continued < maxContinued && unfinished(body.String()[begun:]):
			cut = 2
			continued++
		default:
			continue
		}
		more = strings.HasSuffix(strings.TrimRight(line, "\n"), `\`)
		starts = append(starts, b.lines[n]+cut)
		body.WriteString(line[cut:])
	}
	b.body, b.lines = body.String(), starts
	return true
}

// unfinished reports whether a shell would ask for more of the command.
func unfinished(command string) bool {
	if len(command) > 64<<10 || tooDeep(command) >= 0 {
		return false
	}
	_, err := syntax.NewParser().Parse(strings.NewReader(command), "")
	return syntax.IsIncomplete(err)
}
