package tui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook/run"
)

const watchedBook = `+++
title   = "Move the primary, with a writer beside it"
confirm = "move"
[groups.ops]
max = 1
[groups.tablet]
min = 3
+++
# Move

` + "```sh {#writes .monitor on=ops every=1s timeout=1s}\ninsert-one \"$STEPGATE_SAMPLE\"\n```\n```capture\nrate = number(regex(stdout, \"rate: ([0-9.]+)\"))\n```\n```expect\nrate >= 100  // at least 100 a second\n```" + `

` + "```sh {#health .monitor on=tablet every=2s grace=10s}\ncurl -fsS localhost:9520/health\n```" + `

- [ ] Look at the replicas {#replicas}

  ` + "```sh {.check}\n  replicas --all\n  ```" + `
- [ ] Move the primary {#move .idempotent}

  ` + "```sh {on=ops}\n  move-primary --to tablet-2\n  ```\n  ```sh {.check}\n  primary\n  ```" + `
- [ ] Take the old one out {#out .irreversible}

  ` + "```sh {on=ops}\n  remove tablet-1\n  ```\n  ```sh {.check}\n  gone\n  ```" + `
`

const watchedChinese = `+++
title   = "主库切换，期间持续写入"
confirm = "切换"
+++
# 切换

` + "```sh {#写入 .monitor every=1s timeout=1s}\n写一行\n```\n```capture\nrate = number(stdout)\n```" + `

- [ ] 切换主库 {#qiehuan}

  ` + "```sh\n  切换\n  ```" + `
`

// writes is the watch of the story's writer.
var writes = run.Watch{Monitor: "writes", Where: "ops-1"}

// samples makes a batch, a second apart, that ends now: of each letter a sample, p, f or
// u; a number is that of its place.
func (s *story) samples(w run.Watch, verdicts string, number func(i int) float64) run.Samples {
	b := run.Samples{Watch: w, From: s.at, Verdicts: verdicts}
	name := ""
	if m := s.run.Monitor(w); m != nil && len(m.Captures()) > 0 {
		name = m.Captures()[0]
		b.Numbers = map[string][]*float64{}
	}
	for i := range len(verdicts) {
		b.After = append(b.After, 1000)
		if name == "" {
			continue
		}
		var v *float64
		if number != nil && verdicts[i] != 'u' {
			n := number(i)
			v = &n
		}
		b.Numbers[name] = append(b.Numbers[name], v)
	}
	return b
}

// shows has a monitor show samples, a second apart, and lets that time pass.
func (s *story) shows(w run.Watch, verdicts string, number func(i int) float64) *story {
	s.t.Helper()
	b := s.samples(w, verdicts, number)
	s.at = s.at.Add(time.Duration(len(verdicts)) * time.Second)
	s.apply(run.SampleBatch{Reserved: s.run.SampleNumbers, Samples: []run.Samples{b}})
	return s
}

// wave is a number that goes up and down around a load.
func wave(i int) float64 { return 400 + float64(i%17)*9 - float64(i%5)*21 }

// watchedFrom begins the monitors of a run.
func watchedFrom(t testing.TB, book string) *story {
	t.Helper()
	s := tell(t, book, nil)
	for _, c := range s.run.Cells {
		if len(c.Plan.Step.Book.Monitors) > 0 {
			s.then(run.WatchBegun{Cell: c.Key})
		}
	}
	return s
}

// healthy has the hosts show that they are well, in the time since.
func (s *story) healthy(since time.Time, verdicts string) *story {
	s.t.Helper()
	var all []run.Samples
	for i, h := range []string{"tablet-1", "tablet-2", "tablet-3"} {
		b := run.Samples{Watch: run.Watch{Monitor: "health", Where: h}, From: since}
		for at := since; at.Add(2 * time.Second).Before(s.at); at = at.Add(2 * time.Second) {
			b.After, b.Verdicts = append(b.After, 2000), b.Verdicts+string(verdicts[i])
		}
		all = append(all, b)
	}
	s.apply(run.SampleBatch{Reserved: s.run.SampleNumbers, Samples: all})
	return s
}

// sampling is a run whose monitors have been sampled for some minutes: with an outage of
// four seconds, and a time in which the laptop was closed.
func sampling(t *testing.T) *story {
	t.Helper()
	s := watchedFrom(t, watchedBook)
	begun := s.at
	s.shows(writes, strings.Repeat("p", 90), wave)
	s.then(verdict(run.Before, s.cell("replicas@local").Key, checks.Pass, "exit 0", "3 replicas\n"))
	s.shows(writes, strings.Repeat("p", 60), wave)
	s.at = s.at.Add(45 * time.Second) // nobody watches
	s.shows(writes, strings.Repeat("p", 30), wave)
	k := s.cell("move@ops-1").Key
	s.begin(k)
	s.shows(writes, "ppfuup"+strings.Repeat("p", 40), wave)
	return s.healthy(begun, "ppp")
}

// turned has the writer turn red, or good again.
func (s *story) turned(red bool) *story {
	s.t.Helper()
	e := run.MonitorTurned{Watch: writes, Red: red, Since: s.at.Add(-time.Second)}
	if red {
		e.Rows = []checks.Row{{Text: "rate >= 100", Label: "at least 100 a second", Verdict: checks.Fail, Saw: "rate: 12"}}
	}
	s.apply(e)
	return s
}

// heldRed stands before a step that waits as the writer is red.
func heldRed(t *testing.T) *story {
	s := sampling(t)
	k := s.cell("move@ops-1").Key
	s.shows(writes, "f", func(int) float64 { return 12 })
	s.turned(true)
	s.then(run.Outcome{Cell: k, Attempt: s.run.Cell(k).Latest().Intent.Attempt, Verdict: checks.Pass, TookMS: 3000})
	s.then(verdict(run.After, k, checks.Pass, "exit 0", "tablet-2\n"))
	return s.shows(writes, "fff", func(int) float64 { return 12 })
}

// heldGreen is the same, once the writer is good again.
func heldGreen(t *testing.T) *story {
	s := heldRed(t)
	s.shows(writes, "p", wave)
	return s.turned(false).shows(writes, "pppp", wave)
}

// acknowledgedRed stands at the gate behind it.
func acknowledgedRed(t *testing.T) *story {
	s := heldGreen(t)
	s.then(run.MonitorAcknowledged{Watches: []run.Watch{writes}, Reason: "the pause of the switch-over, as announced"})
	return s.gate(s.cell("out@ops-1").Key)
}

// blind is a run whose writer's host is out of reach.
func blind(t *testing.T) *story {
	s := sampling(t)
	s.hosts["ops-1"] = run.HostState{State: "lost", Error: "connection reset by peer"}
	return s.later(20 * time.Second)
}

func chineseWatched(t *testing.T) *story {
	s := watchedFrom(t, watchedChinese)
	w := run.Watch{Monitor: "写入", Where: "local"}
	s.shows(w, strings.Repeat("p", 120), wave)
	s.begin(s.cell("qiehuan@local").Key)
	s.busy = &run.Activity{What: "command", Since: s.at}
	return s.shows(w, "pfffp"+strings.Repeat("p", 10), wave)
}

const keptBook = `+++
title = "Forward a port"
+++
# Forward

- [ ] The way in {#forward}

  ` + "```sh {.background}\n  exec tunnel --port 8080\n  ```\n  ```sh {.check until=30s}\n  tunnel ready\n  ```" + `
- [ ] Through it {#through}

  ` + "```sh {.check}\n  curl -fsS localhost:8080\n  ```" + `
`

// tunnelUp has a process that is kept beside the run, and was started again once.
func tunnelUp(t *testing.T) *story {
	s := tell(t, keptBook, nil)
	k := s.cell("forward@local").Key
	s.begin(k)
	first := s.run.Cell(k).Latest().Intent
	s.then(run.BackgroundUp{Cell: k, Attempt: first.Attempt}, verdict(run.After, k, checks.Pass, "exit 0", "ready\n"))
	exit := 7
	s.later(time.Minute).then(run.BackgroundDown{Cell: k, Attempt: first.Attempt, Exit: &exit})
	again := run.Intent{Cell: k, Role: run.RoleKeep, No: 2, Attempt: run.AttemptID("7k2m", k, 2, "m"), Dispatch: first.Dispatch}
	s.then(again, run.BackgroundUp{Cell: k, Attempt: again.Attempt})
	s.keeping = []run.Keeping{{Cell: k, Where: "local", State: "up", Since: s.at, Attempt: again.Attempt, Starts: 2}}
	return s.later(5 * time.Second)
}

// tunnelDown is the same while the process is down.
func tunnelDown(t *testing.T) *story {
	s := tunnelUp(t)
	exit := 7
	k := &s.keeping[0]
	s.then(run.BackgroundDown{Cell: k.Cell, Attempt: k.Attempt, Exit: &exit})
	k.State, k.Since, k.Next, k.Why = "down", s.at, s.at.Add(2*time.Second), "exit 7"
	return s
}

// monitorFrames are the screens of a run with monitors.
var monitorFrames = []shot{
	{"monitor-strip", sampling, nil},
	{"monitor-blind", blind, nil},
	{"monitor-held", heldRed, nil},
	{"monitor-green", heldGreen, nil},
	{"monitor-acknowledge", heldRed, append(press("K"), typed("as announced")...)},
	{"monitor-gate", acknowledgedRed, press("pgdown")},
	{"monitor-chart", heldGreen, press("M")},
	{"monitor-chart-all", heldGreen, press("M", "z", "z")},
	{"monitor-chart-step", sampling, press("M", "z", "z", "z")},
	{"monitor-chart-back", sampling, press("M", "z", "left", "left")},
	{"monitor-chart-host", sampling, press("M", "tab", "down")},
	{"monitor-step", sampling, press("up", "up", "up")},
	{"monitor-none", tablets, press("M")},
	{"kept", tunnelUp, press("up")},
	{"kept-down", tunnelDown, press("up")},
	{"chinese-strip", chineseWatched, nil},
	{"chinese-chart", chineseWatched, press("M")},
}

func TestMonitorFrames(t *testing.T) {
	t.Parallel()
	for _, f := range monitorFrames {
		for _, size := range [][2]int{{80, 24}, {120, 40}} {
			name := fmt.Sprintf("%s-%dx%d", f.name, size[0], size[1])
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				golden(t, name, pose(f.tell(t), size[0], size[1], f.msgs...).text())
			})
		}
	}
}
