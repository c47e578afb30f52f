package runbook_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stepgate/runbook"
	"stepgate/runbook/plan"
)

// shells are the info strings of shell fences, by the interpreter that runs them.
var shells = map[string]string{
	"sh": "sh", "shell": "sh", "dash": "dash", "bash": "bash", "zsh": "zsh", "ksh": "ksh", "mksh": "mksh", "console": "sh", "shell-session": "sh",
}

var infoForm = regexp.MustCompile(`^(?:\{\s*\.)?([^\s{}]*)`)

// command is a shell fence that is run.
type command struct {
	line        int
	shell, body string
	asked       string // why somebody is asked first
}

func (c command) String() string { return fmt.Sprintf("%d %s: %s", c.line, c.shell, c.body) }

// counted are the shell commands of a document as the counter finds them.
func counted(src string) (out []command) {
	for _, f := range countFences(src) {
		word := infoForm.FindStringSubmatch(f.info)[1]
		shell, ok := shells[word]
		body := f.body
		if word == "console" || word == "shell-session" {
			body = typed(body)
		}
		if ok && strings.TrimSpace(strings.Join(body, "")) != "" {
			out = append(out, command{line: f.line, shell: shell, body: strings.Join(body, "\n") + "\n"})
		}
	}
	return out
}

// typed are the lines of a session that somebody typed.
func typed(session []string) (out []string) {
	prompt := "# "
	if slices.ContainsFunc(session, func(line string) bool { return strings.HasPrefix(line, "$ ") }) {
		prompt = "$ "
	}
	inside := false
	for _, line := range session {
		switch {
		case strings.HasPrefix(line, prompt):
			line = line[2:]
		case inside && strings.HasPrefix(line, "> "):
			line = line[2:]
		case inside && len(out) > 0 && strings.HasSuffix(out[len(out)-1], `\`):
		default:
			inside = false
			continue
		}
		inside = inside && !strings.HasPrefix(line, "done") || strings.HasSuffix(line, `\`) || strings.HasPrefix(line, "for ")
		out = append(out, line)
	}
	return out
}

// planned are the shell commands of a plan.
func planned(p *plan.Plan) (out []command) {
	for _, c := range p.Cells {
		st := c.Step.Book
		for _, f := range slices.Concat(st.Before, []*runbook.Fence{st.Command}, st.After) {
			if f != nil && runbook.IsShell(f.Lang) {
				out = append(out, command{f.Pos.Line, f.Lang, f.Body, st.Judged + st.Caution})
			}
		}
	}
	return out
}

// same reports whether a planned command is the counted one, behind nothing but
// what is carried over from fences before.
func same(got, want command) bool {
	carried, ok := strings.CutSuffix(got.body, want.body)
	if strings.Contains(got.body, "\t") { // the counter writes tabs as blanks
		carried, ok = strings.CutSuffix(untabbed(got.body), untabbed(want.body))
	}
	for line := range strings.Lines(carried) {
		ok = ok && (strings.HasPrefix(line, "cd ") || strings.HasPrefix(line, "export "))
	}
	return ok && got.line == want.line && got.shell == want.shell
}

func untabbed(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}

// plainly is what anybody would call destructive.
var plainly = regexp.MustCompile(`(?m)^\s*(sudo )?(rm -\w*r|reboot|shutdown|dropdb|kubectl (delete|drain)|systemctl (stop|restart)|docker system prune|crontab -r|terraform apply|git (reset --hard|push --force origin|clean -f)|iptables -F|find .* -delete$|mkfs)`)

// limits are the rules that stop a plain document.
var limits = map[string]bool{"too-large": true, "nesting": true, "encoding": true, "invisible": true, "carried-over": true}

// readCorpus compares what the plan of each document would run with what the
// counter found in it.
func readCorpus(t *testing.T, files map[string][]byte) (commands, gated int) {
	for name, src := range files {
		if strings.HasPrefix(string(src), "+++") {
			continue
		}
		book, ds := runbook.Parse(filepath.Base(name), src, nil)
		if book == nil {
			for _, d := range ds {
				if d.Severity == runbook.Error && !limits[d.Rule] {
					t.Errorf("%s: %v", name, d)
				}
			}
			continue
		}
		p, ds := plan.New(book, nil, nil)
		if p == nil {
			t.Errorf("%s has no plan: %v", name, ds)
			continue
		}
		want := counted(string(src))
		got := planned(p)
		if !slices.EqualFunc(got, want, same) {
			t.Errorf("%s: the plan runs\n%v\nthe counter finds\n%v", name, got, want)
		}
		for _, c := range got {
			commands++
			if c.asked != "" {
				gated++
			} else if plainly.MatchString(c.body) {
				t.Errorf("%s: runs without a gate: %s", name, c)
			}
		}
	}
	return commands, gated
}

// TestCorpus reads documents that nobody wrote for this program.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files := markdownFiles(t, "corpus")
	if len(files) < 40 {
		t.Errorf("only %d documents", len(files))
	}
	commands, gated := readCorpus(t, files)
	if commands < 150 || gated < 50 || gated > commands/2 {
		t.Errorf("%d commands, %d of them gated: the corpus is not what it was", commands, gated)
	}
}

// TestDocuments reads more of them, from the directory of the flag -documents.
func TestDocuments(t *testing.T) {
	if *documents == "" {
		t.Log("only the corpus was read: go test ./runbook -run TestDocuments -documents DIR reads more")
		return
	}
	files := markdownFiles(t, *documents)
	commands, gated := readCorpus(t, files)
	t.Logf("%d documents, %d commands, %d of them gated", len(files), commands, gated)
}
