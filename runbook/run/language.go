package run

import (
	"fmt"
	"maps"
	"strings"

	"stepgate/runbook"
	"stepgate/runbook/plan"
	"stepgate/runbook/text"
)

// languagePrefix puts the text of a fence of [languages], which comes in a
// variable, into a file that only memory holds, and runs the language's line,
// which follows, with its name. cat rather than printf: where that is a program,
// its arguments could be seen; TMPDIR, because a shell may keep a here-document
// in a file.
const languagePrefix = `set -eu
umask 077
for STEPGATE_BODY in /dev/shm "${XDG_RUNTIME_DIR-}" ''; do
  if [ -n "$STEPGATE_BODY" ] && [ -d "$STEPGATE_BODY" ] && [ -w "$STEPGATE_BODY" ]; then break; fi
done
if [ -z "$STEPGATE_BODY" ]; then
  echo 'stepgate: no directory in memory for the text of this step: neither /dev/shm nor $XDG_RUNTIME_DIR can be written' >&2
  exit 125
fi
stepgate_dir="$STEPGATE_BODY/stepgate-${STEPGATE_ATTEMPT-look}-$$"
mkdir "$stepgate_dir" || exit 125
trap 'rm -rf "$stepgate_dir"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
STEPGATE_BODY="$stepgate_dir/body"
stepgate_tmp="${TMPDIR-}"
TMPDIR="$stepgate_dir"
cat >"$STEPGATE_BODY" <<STEPGATE_END
$STEPGATE_FENCE
STEPGATE_END
if [ -n "$stepgate_tmp" ]; then TMPDIR="$stepgate_tmp"; else unset TMPDIR; fi
unset STEPGATE_FENCE stepgate_tmp
export STEPGATE_BODY
`

// languageText is the name of that variable.
const languageText = "STEPGATE_FENCE"

// languageBody is the variable that carries the text of a fence of [languages].
func languageBody(c *Cell, f *runbook.Fence, names map[string]any, secret map[string]bool) (Var, error) {
	body, edited := c.text(f)
	if !edited {
		var err error
		if body, err = plan.Render(f, names, ""); err != nil {
			return Var{}, err
		}
	}
	if len(body) > maxLanguageBody {
		return Var{}, fmt.Errorf("the text for %s has %d KiB, more than %d", f.Language.Name, len(body)>>10, maxLanguageBody>>10)
	}
	v := Var{Name: languageText, Value: strings.TrimSuffix(body, "\n")}
	for name := range secret {
		v.Secret = v.Secret || strings.Contains(f.Body, "{{") && mentions(f.Body, name)
	}
	return v, nil
}

// maskedText is the text that a language's line is given, with secrets masked.
func (r *Run) maskedText(c *Cell, f *runbook.Fence, names map[string]any) (string, error) {
	if body, edited := c.text(f); edited {
		return body, nil
	}
	shown := maps.Clone(names)
	for name := range r.Plan.Secrets(c.Plan.Step.Scope) {
		if _, ok := shown[name]; ok {
			shown[name] = text.Masked
		}
	}
	return plan.Render(f, shown, "")
}

// Shown is what a reader knows as the command: of a language, its own text.
func (d Dispatch) Shown() string {
	if d.Language != "" {
		return d.Text
	}
	return d.Body
}

// Around is what runs beside what [Dispatch.Shown] shows: options and prelude; of a
// language, all that runs its text.
func (d Dispatch) Around() string {
	if d.Language != "" {
		return d.Prefix + d.Body
	}
	return d.Prefix
}

// Kind names how it is run: an interpreter, a language, or sql, http, tcp, copy.
func (d Dispatch) Kind() string {
	switch {
	case d.Form != "":
		return d.Form
	case d.Language != "":
		return d.Language
	}
	return d.Interpreter
}

// maxLanguageBody bounds what one variable carries, in bytes.
const maxLanguageBody = 96 << 10
