package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"stepgate/checks"
	"stepgate/runbook/run"
	"stepgate/tui/gate"
	"stepgate/tui/theme"
)

// preflights is a Preflighter made by hand.
type preflights struct {
	looks, foretells int
	answers          []run.Respond
	refuse           error
}

func (p *preflights) Snapshot() *run.Preflight { return &run.Preflight{} }
func (p *preflights) Changes() <-chan struct{} { return nil }
func (p *preflights) Look()                    { p.looks++ }
func (p *preflights) Foretell()                { p.foretells++ }
func (p *preflights) Respond(a run.Respond) error {
	p.answers = append(p.answers, a)
	return p.refuse
}

func hostFound(name string, worst run.Severity) run.HostFound {
	return run.HostFound{
		Name: name, Seen: true, Reached: true, Worst: worst, Free: 12_300_000_000,
		Identity: run.Identity{MachineID: "m-" + name, User: "ops", Hostname: name, System: "Linux"},
	}
}

var (
	journalFine = run.Finding{ID: "journal.space", Severity: run.Fine, What: "4096 MiB and 1000000 inodes are free"}
	toolFine    = run.Finding{Host: "local", ID: "host.tool", Severity: run.Fine, What: "kubectl 1.31.2"}
)

func wellPreflight() *run.Preflight {
	return &run.Preflight{
		Title: "OpenMLDB: upgrade the tablets", At: epoch,
		Hosts:    []run.HostFound{hostFound("local", run.Fine), hostFound("tablet-1", run.Fine), hostFound("tablet-2", run.Fine), hostFound("数据库主机-03", run.Fine)},
		Findings: []run.Finding{journalFine, toolFine},
	}
}

func lookingPreflight() *run.Preflight {
	s := wellPreflight()
	s.Busy, s.Doing = true, "the journal and the runbook"
	s.Findings = []run.Finding{toolFine}
	s.Hosts[1] = run.HostFound{Name: "tablet-1", Doing: "sudo to mysql", Reached: true, Free: -1}
	s.Hosts[2] = run.HostFound{Name: "tablet-2", Doing: "connecting", Free: -1}
	s.Hosts[3] = run.HostFound{Name: "数据库主机-03", Free: -1}
	return s
}

func badPreflight() *run.Preflight {
	s := wellPreflight()
	s.Hosts[1].Worst, s.Hosts[1].Ahead = run.Warning, -90*time.Second
	s.Hosts[2] = run.HostFound{Name: "tablet-2", Seen: true, Worst: run.Obstacle, Free: -1}
	s.Hosts[3].Worst = run.Obstacle
	s.Findings = []run.Finding{
		{Host: "tablet-2", ID: "host.reach", Severity: run.Obstacle, What: "not reached: dial tcp 10.0.0.12:22: connect: no route to host", Why: "the plan uses it", Do: "try: ssh -v ops@10.0.0.12 true"},
		{Host: "数据库主机-03", ID: "host.tool", Severity: run.Obstacle, What: "there is no xtrabackup", Why: "the runbook needs it", Do: "安装 percona-xtrabackup-80，版本须与服务器一致；找值班 DBA 要软件源地址"},
		{ID: run.OtherRun, Severity: run.Warning, What: "run 7k2m of this runbook is open on the same hosts", Why: "two runs would get in each other's way", Do: "look at it: stepgate show 7k2m"},
		{Host: "tablet-1", ID: "host.clock", Severity: run.Warning, What: "its clock is at least 1m30s behind", Why: "certificates, leases and replication may fail by it", Do: "timedatectl set-ntp true"},
		journalFine, toolFine,
	}
	return s
}

func keyPreflight() *run.Preflight {
	s := lookingPreflight()
	s.Doing = ""
	s.Prompt = &run.Prompt{
		ID: "login-1", Kind: "host key", Host: "tablet-2", Text: "Is this the key of tablet-2 (10.0.0.12:22)?", Echo: true, Must: "yes",
		Detail: []string{"The key isn't in any known_hosts file.", "ssh-ed25519 SHA256:sY0lU2pEcXbQ8oQnQyYJrmQx7Ck0qPUM3c7dWm1r2wA", "yes adds it to /home/ann/.ssh/known_hosts"},
	}
	return s
}

func foretoldPreflight() *run.Preflight {
	s := wellPreflight()
	s.Foretold = &run.Foretold{
		Taken: []run.CheckForetold{
			{Cell: run.Key{Step: "before/quorum", Target: "local"}, Title: "ZooKeeper has a quorum", Verdict: checks.Pass, Applies: true},
			{
				Cell: run.Key{Step: "before/space", Target: "tablet-2"}, Title: "There is room for the new package", Verdict: checks.Fail, Applies: true,
				Checks: []run.CheckResult{{Where: "tablet-2", Verdict: checks.Fail, Ran: true, Rows: []checks.Row{{Text: "number(stdout) > 10", Label: "10 GB free", Verdict: checks.Fail, Saw: "number(stdout): 3.2"}}}},
			},
			{
				Cell: run.Key{Step: "before/replica", Target: "数据库主机-03"}, Title: "主从延迟小于一秒", Verdict: checks.Unknown, Applies: true,
				Checks: []run.CheckResult{{Where: "数据库主机-03", Verdict: checks.Unknown, Cause: "no answer within 30s"}},
			},
			{Cell: run.Key{Step: "before/old", Target: "local"}, Title: "Only on old versions"},
		},
		Left: []run.CheckLeft{
			{Step: "tablets/after", Title: "Leaders are back", Cells: 3, Why: "it comes after the first command, tablets[tablet-1]/move@local"},
		},
		Until: run.Key{Step: "tablets[tablet-1]/move", Target: "local"},
	}
	return s
}

func posePreflight(s *run.Preflight, w, h int, msgs ...tea.Msg) (*preflight, *preflights) {
	port := &preflights{}
	now := epoch
	m := newPreflight(port, Options{Now: func() time.Time { now = now.Add(gate.Grace); return now }})
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	m.Update(preflightMsg{s})
	m.View()
	for _, msg := range msgs {
		m.Update(msg)
		m.View()
	}
	return m, port
}

func TestPreflightFrames(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name string
		s    *run.Preflight
		msgs []tea.Msg
	}{
		{"preflight-looking", lookingPreflight(), nil},
		{"preflight-well", wellPreflight(), nil},
		{"preflight-obstacles", badPreflight(), press("enter")},
		{"preflight-key", keyPreflight(), typed("ye")},
		{"preflight-checks", foretoldPreflight(), nil},
		{"preflight-help", wellPreflight(), press("?")},
	} {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			t.Run(fmt.Sprintf("%s-%dx%d", f.name, size[0], size[1]), func(t *testing.T) {
				t.Parallel()
				m, _ := posePreflight(f.s, size[0], size[1], f.msgs...)
				golden(t, fmt.Sprintf("%s-%dx%d", f.name, size[0], size[1]), plainText(m.View().Content))
			})
		}
	}
}

func TestPreflightBeginsOnlyWhenNothingStandsInTheWay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		s      *run.Preflight
		begins bool
		says   string
	}{
		{"all well", wellPreflight(), true, ""},
		{"warnings", func() *run.Preflight { s := badPreflight(); s.Findings = s.Findings[2:]; return s }(), true, ""},
		{"obstacles", badPreflight(), false, "Put right what stands in the way"},
		{"busy", lookingPreflight(), false, "Not yet"},
		{"a login asks", keyPreflight(), false, ""},
	} {
		m, _ := posePreflight(tt.s, 100, 30)
		_, cmd := m.Update(stroke("enter"))
		if m.begin != tt.begins || quits(cmd) != tt.begins || !strings.Contains(m.word, tt.says) {
			t.Errorf("%s: begins %v, quits %v, says %q", tt.name, m.begin, quits(cmd), m.word)
		}
	}
}

func TestPreflightKeys(t *testing.T) {
	t.Parallel()
	m, port := posePreflight(badPreflight(), 100, 30, press("r")...)
	if port.looks != 1 {
		t.Errorf("r looked %d times", port.looks)
	}
	m.Update(stroke("c"))
	if port.foretells != 1 {
		t.Errorf("c took checks %d times", port.foretells)
	}
	m.Update(preflightMsg{lookingPreflight()})
	m.Update(stroke("c"))
	m.Update(stroke("r"))
	if port.looks != 1 || port.foretells != 1 || !strings.Contains(m.word, "Not yet") {
		t.Errorf("while busy: %+v, %q", port, m.word)
	}
	for key, want := range map[string]error{"esc": nil, "q": nil, "ctrl+c": context.Canceled} {
		m, _ := posePreflight(badPreflight(), 100, 30)
		if _, cmd := m.Update(stroke(key)); !quits(cmd) || m.begin || !errors.Is(m.err, want) {
			t.Errorf("%s: begins %v, %v", key, m.begin, m.err)
		}
	}
}

func TestPreflightPutsALoginInFront(t *testing.T) {
	t.Parallel()
	synctest.Test(t, putsALoginInFront)
}

func putsALoginInFront(t *testing.T) {
	m, port := posePreflight(keyPreflight(), 100, 30)
	run1 := func(keys ...string) {
		for _, k := range keys {
			if _, cmd := m.Update(stroke(k)); cmd != nil {
				for _, msg := range drain(cmd) {
					m.Update(msg)
				}
			}
		}
	}
	run1("n", "o", "enter")
	if len(port.answers) != 0 {
		t.Fatalf("another word was taken: %+v", port.answers)
	}
	run1("backspace", "backspace", "y", "e", "s", "enter")
	if len(port.answers) != 1 || port.answers[0] != (run.Respond{Prompt: "login-1", Text: "yes"}) {
		t.Fatalf("%+v", port.answers)
	}
	run1("enter") // sent already
	if len(port.answers) != 1 || m.begin {
		t.Errorf("answered twice: %+v", port.answers)
	}
	m.Update(preflightMsg{wellPreflight()})
	if m.login != nil {
		t.Error("the login stays although nothing is asked")
	}
	m, port = posePreflight(keyPreflight(), 100, 30)
	run1("esc")
	if len(port.answers) != 1 || !port.answers[0].Decline {
		t.Errorf("esc: %+v", port.answers)
	}
}

// drain are the messages of a command; of a batch, of all of it but timers, which
// the bubble's clock holds back.
func drain(cmd tea.Cmd) []tea.Msg {
	if cmd == nil {
		return nil
	}
	got := make(chan tea.Msg, 1)
	go func() { got <- cmd() }()
	synctest.Wait()
	select {
	case m := <-got:
		if b, ok := m.(tea.BatchMsg); ok {
			var out []tea.Msg
			for _, c := range b {
				out = append(out, drain(c)...)
			}
			return out
		}
		return []tea.Msg{m}
	default:
		return nil
	}
}

func TestPreflightMovesOnlyWhileSomethingIsLookedAt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		s     *run.Preflight
		moves bool
	}{{"looking", lookingPreflight(), true}, {"well", wellPreflight(), false}, {"bad", badPreflight(), false}, {"a login asks", keyPreflight(), false}} {
		m, _ := posePreflight(tt.s, 100, 30)
		if m.ticking != tt.moves {
			t.Errorf("%s: moves %v", tt.name, m.ticking)
		}
	}
}

func TestPreflightScrollsAThousandHosts(t *testing.T) {
	t.Parallel()
	s := wellPreflight()
	s.Hosts = nil
	for i := range 1000 {
		s.Hosts = append(s.Hosts, hostFound(fmt.Sprintf("主机-%04d", i), run.Fine))
	}
	m, _ := posePreflight(s, 100, 30, press("tab")...)
	for range 200 {
		m.Update(stroke("pgdown"))
	}
	if got := plainText(m.View().Content); !strings.Contains(got, "主机-0999") || strings.Contains(got, "主机-0000") {
		t.Errorf("the last host isn't shown:\n%s", got)
	}
	wheel := tea.Mouse{X: 5, Y: bodyTop + 4, Button: tea.MouseWheelUp}
	for range 400 {
		m.Update(tea.MouseWheelMsg(wheel))
	}
	if got := plainText(m.View().Content); !strings.Contains(got, "主机-0000") {
		t.Errorf("the wheel doesn't lead back:\n%s", got)
	}
}

func TestPreflightFits(t *testing.T) {
	t.Parallel()
	states := []*run.Preflight{lookingPreflight(), wellPreflight(), badPreflight(), keyPreflight(), foretoldPreflight(), {}}
	keys := []string{"tab", "down", "up", "pgdown", "pgup", "?", "esc", "enter", "r", "c", "y"}
	rapid.Check(t, func(rt *rapid.T) {
		w, h := rapid.IntRange(1, 200).Draw(rt, "w"), rapid.IntRange(1, 60).Draw(rt, "h")
		m, _ := posePreflight(rapid.SampledFrom(states).Draw(rt, "state"), w, h)
		m.theme = theme.New(theme.Options{ASCII: rapid.Bool().Draw(rt, "ascii")})
		for range rapid.IntRange(0, 8).Draw(rt, "n") {
			m.Update(stroke(rapid.SampledFrom(keys).Draw(rt, "key")))
			if rapid.Bool().Draw(rt, "new") {
				m.Update(preflightMsg{rapid.SampledFrom(states).Draw(rt, "state")})
			}
			lines := strings.Split(m.View().Content, "\n")
			if len(lines) != h {
				rt.Fatalf("at %dx%d the screen has %d lines", w, h, len(lines))
			}
			for i, l := range lines {
				if n := ansi.StringWidth(l); n != w {
					rt.Fatalf("at %dx%d line %d is %d cells wide: %q", w, h, i, n, ansi.Strip(l))
				}
			}
		}
	})
}

func TestPreflightShowsHostileTextSafely(t *testing.T) {
	t.Parallel()
	s := badPreflight()
	s.Title = "a\x1b]0;evil\x07b"
	s.Hosts[0].Name, s.Hosts[1].Doing = "\x1b[2J", "\x9b31m"
	s.Findings[0].What, s.Findings[0].Do, s.Findings[0].Host = "\x1b[31mred\r\nnext", "do\x1b[A", "h\u202e"
	m, _ := posePreflight(s, 120, 40)
	for _, bad := range []string{"\x1b]0;evil", "\x1b[2J", "\u009b", "\x1b[A", "\u202e", "\r"} {
		if strings.Contains(m.View().Content, bad) {
			t.Errorf("the screen has %q", bad)
		}
	}
	if !utf8.ValidString(m.View().Content) || strings.Contains(m.View().WindowTitle, "\x1b") {
		t.Errorf("the title is %q", m.View().WindowTitle)
	}
}

func TestTheGateOfWhatCantBeUndoneNamesAnotherOpenRun(t *testing.T) {
	t.Parallel()
	const other = "run 7k2m of this runbook is open on the same hosts: 节点-1"
	s := chineseGate(t)
	s.then(run.Preflighted{Hosts: 3, Findings: []run.Finding{{ID: run.OtherRun, Severity: run.Warning, What: other}, {ID: "host.clock", What: "late"}}})
	got := strings.ReplaceAll(pose(s, 160, 60).text(), "\n", " ")
	if !strings.Contains(got, "When this run began: "+other+".") || strings.Contains(got, "late") {
		t.Errorf("the gate doesn't name it:\n%s", pose(s, 160, 60).text())
	}
	if got := pose(chineseGate(t), 160, 60).text(); strings.Contains(got, "When this run began") {
		t.Errorf("without a preflight:\n%s", got)
	}
}
