package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"stepgate/runbook/run"
)

// printouts are what attempts have printed, as a Source gives it.
type printouts map[string]*[2]string

// Output is [Source.Output].
func (o printouts) Output(_ context.Context, attempt string, stream int, from int64, most int) (data []byte, at, end int64, err error) {
	s := ""
	if p := o[attempt]; p != nil {
		s = p[stream]
	}
	at, end = max(from, int64(len(s))), int64(len(s))
	if from < end {
		data, at = []byte(s[from:min(from+int64(most), end)]), from
	}
	return data, at, end, nil
}

// prints has the shown attempt print something more, which is read as it is wanted.
func (s *still) prints(stream int, data string) {
	if s.printed == nil {
		s.printed = printouts{}
		s.src = outputOf{nil, s.printed}
	}
	at := s.out.Source()
	if s.printed[at] == nil {
		s.printed[at] = &[2]string{}
	}
	s.printed[at][stream] += data
	s.View()
	s.reads(s.fetch(s.out.Lengths()))
}

// reads does what commands do about output, and what they lead to.
func (s *still) reads(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range m {
			s.reads(c)
		}
	case outputMsg, scannedMsg:
		_, next := s.Update(m)
		s.reads(next)
	}
}

// does presses keys, and has what they want read.
func (s *still) does(keys ...string) {
	for _, m := range press(keys...) {
		_, cmd := s.Update(m)
		s.reads(cmd)
		s.View() // what a key means may depend on what was seen
	}
}

func (s *still) says(text string) { s.does(strings.Split(text, "")...) }

// outputOf is a Source of which only the output is asked.
type outputOf struct {
	Source
	printouts
}

func (o outputOf) Output(ctx context.Context, attempt string, stream int, from int64, most int) ([]byte, int64, int64, error) {
	return o.printouts.Output(ctx, attempt, stream, from, most)
}

// log are lines of a service, one in nine of them an error.
func log(n int) string {
	var b strings.Builder
	for i := range n {
		level := "INFO"
		if i%9 == 4 {
			level = "ERROR"
		}
		fmt.Fprintf(&b, "22:%02d:%02d %-5s tablet-1 partition %d of table 8 is now led by tablet-%d, after %d ms of waiting for its log\n", i/60%60, i%60, level, i, i%3+1, 7*i)
	}
	return b.String()
}

const coloured = "\x1b[32mok\x1b[0m    nameserver-1\n\x1b[1;31mfailed\x1b[0m tablet-2 \x1b[38;5;208mslow\x1b[39m\n" +
	"\x1b[30mblack\x1b[m \x1b[97mwhite\x1b[m \x1b[43mon yellow\x1b[m \x1b[7mreversed\x1b[m \x1b[4munderlined\x1b[m\n\x1b]0;title\a\x1b[2J\x1b[Hstill here\n"

// outputShots are pictures of what commands print.
var outputShots = []struct {
	name string
	tell func(*testing.T) *story
	do   func(*still)
}{
	{"output-progress", busy, func(s *still) {
		s.prints(0, "Reading package lists... Done\n")
		for i := range 43 {
			s.prints(0, fmt.Sprintf("\r%3d%% [%-30s] %d MB of 312 MB", i, strings.Repeat("=", i*30/100)+">", i*3))
		}
		s.prints(1, "warning: the mirror is slow\n")
	}},
	{"output-docker", busy, func(s *still) {
		s.prints(0, "a1b2: Pulling fs layer\nc3d4: Pulling fs layer\ne5f6: Waiting\n")
		s.prints(0, "\x1b[3A\x1b[2K\ra1b2: Pull complete\x1b[3B\r\x1b[2A\x1b[2K\rc3d4: Downloading [====>    ]\x1b[2B\r")
	}},
	{"output-colours", busy, func(s *still) { s.prints(0, coloured) }},
	{"output-scrolled", busy, func(s *still) { s.prints(0, log(200)); s.does("tab", "tab", "pgup", "up") }},
	{"output-search-typed", busy, func(s *still) { s.prints(0, log(200)); s.does("/"); s.says("erro") }},
	{"output-search", busy, func(s *still) { s.prints(0, log(200)); s.does("/"); s.says("error"); s.does("enter", "N", "N") }},
	{"output-search-none", busy, func(s *still) { s.prints(0, log(20)); s.does("/"); s.says("Error"); s.does("enter") }},
	{"output-search-expression", busy, func(s *still) { s.prints(0, log(200)); s.does("/"); s.says("/partition 4[0-5]"); s.does("enter") }},
	{"output-cut", busy, func(s *still) { s.prints(0, log(200)); s.does("w", "tab", "tab", "l", "l") }},
	{"output-huge", busy, func(s *still) {
		s.prints(0, log(40_000))
		s.does("/")
		s.says("partition 20000 ")
		s.does("enter")
	}},
	{"output-stderr", busy, func(s *still) { s.prints(0, log(5)); s.prints(1, "warning: the mirror is slow\n"); s.does("o", "o") }},
	{"output-whole", busy, func(s *still) { s.prints(0, log(200)); s.prints(1, "warning: the mirror is slow\n"); s.does("z") }},
	{"output-whole-search", busy, func(s *still) { s.prints(0, log(200)); s.does("z", "/"); s.says("error"); s.does("enter", "n") }},
	{"output-chinese", chineseBusy, func(s *still) {
		s.prints(0, strings.Repeat("正在把主副本从 tablet-1 迁移到 tablet-2，请稍候，可能需要几分钟甚至更久；操作期间客户端会感觉到短暂的停顿。\n", 6))
		s.prints(0, "进度 42% [████▌     ]\r进度 99% [█████████▉]")
		s.prints(1, "警告：副本同步缓慢\n")
		s.does("/")
		s.says("副本")
		s.does("enter")
	}},
}

func chineseBusy(t *testing.T) *story {
	t.Helper()
	s := chinese(t)
	k := s.cell("[tablet-1]/pre@tablet-1").Key
	s.begin(k)
	s.busy = &run.Activity{What: "command", Since: s.at, Attempt: s.run.Cell(k).Latest().Intent.Attempt}
	return s
}

func TestOutputFrames(t *testing.T) {
	t.Parallel()
	for _, f := range outputShots {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			name := fmt.Sprintf("%s-%dx%d", f.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				st := pose(f.tell(t), size[0], size[1])
				f.do(st)
				checkFrame(t, st.app, size[0], size[1])
				golden(t, name, st.text())
				if name == "output-colours-80x24" {
					golden(t, name+"-coloured", strings.ReplaceAll(st.View().Content, "\x1b", "␛")+"\n")
				}
			})
		}
	}
}

// A key of the output means it only there: n is the next match in the output, and a
// note elsewhere; esc ends the search first.
func TestKeysOfTheOutput(t *testing.T) {
	t.Parallel()
	st := pose(busy(t), 100, 30)
	st.prints(0, log(300))
	st.does("/")
	st.says("error")
	st.does("enter")
	where := func() (at, of int) { at, of, _ = st.out.Found(); return at, of }
	if at, of := where(); at != 33 || of != 33 {
		t.Errorf("the search is at %d of %d, want the last of 33: the output was followed", at, of)
	}
	st.does("n")
	if at, _ := where(); at != 1 {
		t.Errorf("behind the last match is number %d, want the first", at)
	}
	st.does("N", "N")
	if at, _ := where(); at != 32 {
		t.Errorf("two before the first is number %d, want 32", at)
	}
	if st.top() != nil {
		t.Fatalf("%T has come up", st.top())
	}
	st.does("esc")
	if st.out.Pattern() != nil || st.focus != paneOut {
		t.Error("esc doesn't end the search, or does more")
	}
	st.does("tab", "n")
	if _, ok := st.top().(*textDialog); !ok {
		t.Errorf("n in the tree opens %T, want a note", st.top())
	}
}

// What is searched for is said to be none of the kind, and can be put right.
func TestABadExpression(t *testing.T) {
	t.Parallel()
	st := pose(busy(t), 100, 30)
	st.prints(0, log(3))
	st.does("/")
	st.says("/(error")
	st.does("enter")
	if !strings.Contains(st.text(), "no regular expression") {
		t.Errorf("nothing is said:\n%s", st.text())
	}
	st.says(")")
	st.does("enter")
	if st.top() != nil || st.out.Pattern() == nil {
		t.Error("the search that was put right doesn't begin")
	}
}

// The same step's output at its other places, while they run beside each other.
func TestPlacesOfAStep(t *testing.T) {
	t.Parallel()
	s := tablets(t).preflight()
	s.did(s.cell("tablets[tablet-1]/pre@ops-1").Key, 0, time.Second)
	one := s.cell("tablets[tablet-1]/pre@ops-1")
	st := pose(s, 100, 30)
	st.does("[")
	if !strings.Contains(st.text(), "at another place") {
		t.Errorf("nothing is said of a step with one place:\n%s", st.text())
	}
	two := s.cell("tablets[tablet-2]/pre@ops-1")
	*two = *one
	two.Key = run.Key{Step: strings.Replace(one.Key.Step, "tablet-1", "tablet-2", 1), Target: one.Key.Target}
	second := *one.Attempts[0]
	second.Intent.Attempt = "second"
	two.Attempts = []*run.Attempt{&second}
	st.Update(snapMsg{s.snap()})
	st.src = outputOf{nil, printouts{one.Attempts[0].Intent.Attempt: {strings.Repeat("1", 30), ""}, "second": {strings.Repeat("2", 30), ""}}}
	for range 9 {
		if st.does("up"); st.selected().Key == one.Key {
			break
		}
	}
	for _, want := range []string{strings.Repeat("2", 30), strings.Repeat("1", 30)} {
		st.does("]")
		if !strings.Contains(st.text(), want) {
			t.Errorf("the next place doesn't show %q:\n%s", want, st.text())
		}
	}
}

// pager is a pager that keeps what it is shown.
type pager struct {
	name string
	text strings.Builder
	ends error
}

func (p *pager) Edit(context.Context, Streams, string, string) (string, error) {
	return "", errors.New("nobody edits here")
}

func (p *pager) Page(_ context.Context, _ Streams, name string, write func(io.Writer) error) error {
	p.name = name
	return errors.Join(write(&p.text), p.ends)
}

// All of the output goes to the pager, as text.
func TestPagerAndClipboard(t *testing.T) {
	t.Parallel()
	st := pose(busy(t), 100, 30)
	p := &pager{}
	st.o.Outside = p
	st.prints(0, log(3000)+"10%\r99%\n"+coloured)
	whole := st.out.Whole()
	var direct strings.Builder
	if err := whole.Write(t.Context(), st.src.Output, &direct); err != nil {
		t.Fatal(err)
	}
	_, cmd := st.Update(stroke("Z"))
	if cmd == nil {
		t.Fatal("Z starts nothing")
	}
	if got := direct.String(); !strings.HasPrefix(got, log(3000)+"99%\nok    nameserver-1\n") || strings.Contains(got, "\x1b") || !strings.HasSuffix(got, "⟨OSC 0⟩⟨CSI H⟩still here\n") {
		t.Errorf("the pager is given %d bytes that end in %q", len(got), got[max(len(got)-200, 0):])
	}
	st.does("z")
	st.View()
	_, cmd = st.Update(stroke("y"))
	if cmd == nil || !strings.Contains(st.text(), "copied 2") {
		t.Errorf("nothing is said of what is copied:\n%s", st.text())
	}
	st.does("esc")
	_, cmd = st.Update(stroke("y"))
	if want := "copied 1 line of the step's command, 40 B, to the terminal's clipboard"; cmd == nil || !strings.Contains(st.text(), want) {
		t.Errorf("%q isn't said:\n%s", want, st.text())
	}
}

// What comes up by itself doesn't come between the operator and the page in front.
func TestAGateComesUpBehindThePage(t *testing.T) {
	t.Parallel()
	s := busy(t)
	st := pose(s, 100, 30)
	st.prints(0, log(300))
	st.does("z", "/")
	st.says("erro")
	st.Update(snapMsg{tablets(t).atStop().snap()})
	st.says("r")
	if _, ok := st.top().(*searchDialog); !ok {
		t.Fatalf("%T has the keys", st.top())
	}
	st.does("esc", "esc")
	if _, ok := st.top().(*gateDialog); !ok {
		t.Errorf("behind the page is %T, want the gate", st.top())
	}
}

var _ tea.Model = (*app)(nil)
