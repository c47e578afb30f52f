package tui

import (
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

const (
	confBefore = "# 数据库的端口\nport = 9520\nmax_connections = 100\nzk = zk-1:2181\n"
	confNow    = "# 数据库的端口\nport = 9520\nmax_connections = 200\n# 连接超时，单位为秒；这一行很长，比一行屏幕还要长得多，所以必须折成两行或者三行才能全部看到\ntimeout = 30\nzk = zk-1:2181\n"
)

// differenceFrames are the screens of what was compared.
var differenceFrames = []shot{
	{"difference-step", func(t *testing.T) *story { return comparing(t, checks.Pass, confNow) }, press("up")},
	{"difference-failure", func(t *testing.T) *story { return comparing(t, checks.Fail, confNow) }, nil},
	{"difference-long", func(t *testing.T) *story { return comparing(t, checks.Fail, strings.Repeat("数 = 1\n", 300)) }, press("pgdown", "pgdown")},
	{"difference-gate", gateOver, press("pgdown")},
}

// compared is a check that compared a file with what it was.
func compared(p run.Phase, k run.Key, v checks.Verdict, now, printed string) run.ChecksTaken {
	taken := verdict(p, k, v, "diff(conf_before, conf): 1 removed, 3 added", printed)
	taken.Checks[0].Rows[0].Diff = text.Unified("conf_before", "conf", confBefore, now)
	return taken
}

// comparing is a run whose first check compared a file.
func comparing(t *testing.T, v checks.Verdict, now string) *story {
	s := tablets(t)
	return s.then(compared(run.Before, s.cell("components@ops-1").Key, v, now, ""))
}

// gateOver is a gate before which a file was compared, and a program printed a
// difference.
func gateOver(t *testing.T) *story {
	s := chinese(t)
	s.did(s.cell("[tablet-1]/pre@tablet-1").Key, 0, 90*time.Second)
	k := s.cell("[tablet-1]/stop@tablet-1").Key
	s.then(compared(run.Before, k, checks.Pass, confNow, text.Unified("/etc/库.conf", "/srv/库.conf", "甲\n乙\n", "甲\n丙\n")))
	return s.gate(k)
}

// Every line of a difference stands on the screen before the phrase is taken, and a
// long one doesn't have to be gone through whole.
func TestGateShowsDifferences(t *testing.T) {
	t.Parallel()
	s := gateOver(t)
	st := pose(s, 80, 24)
	seen := st.text()
	for range 8 {
		st.now = st.now.Add(time.Second)
		st.Update(stroke("pgdown"))
		seen += st.text()
	}
	for _, want := range []string{"--- conf_before", "+++ conf", "- max_connections = 100", "+ max_connections = 200", "+ timeout = 30", "-乙", "+丙", "+++ /srv/库.conf"} {
		if !strings.Contains(seen, want) {
			t.Errorf("%q isn't shown:\n%s", want, seen)
		}
	}
}
