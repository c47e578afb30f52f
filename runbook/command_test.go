package runbook_test

import (
	"testing"

	"stepgate/runbook"
)

// A command that a person types is judged as one of a plain document.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"sh", "df -h", ""},
		{"bash", "sudo rm -rf /var/x", "it runs rm -r"},
		{"sh", "echo hi > /etc/hosts", "it overwrites /etc/hosts"},
		{"sh", "mysql -e 'drop table t'", "it says drop table"},
		{"sh", "if", "it can't be read as shell"},
		{"sh", "cat <name> out", "it may hold a placeholder: <name>"},
		{"python3", "print(1)", "it is python3, which can't be judged"},
	} {
		if got := runbook.Judge(c[0], c[1]); got != c[2] {
			t.Errorf("%s %q: judged %q, want %q", c[0], c[1], got, c[2])
		}
	}
	if !runbook.IsInterpreter("python3") || runbook.IsInterpreter("lua") || runbook.IsInterpreter("") {
		t.Error("what is no interpreter is one, or the other way round")
	}
}
