package run

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/inventory"
	"stepgate/runbook/plan"
)

const adoptable = `+++
title = "T"
[groups.web]
+++
- [ ] Look {#look}

  ~~~sh {.check}
  true
  ~~~
- [ ] Tell 告知 {#tell}
- [ ] Send {#send}

  ~~~sh
  send
  ~~~
- [ ] Next {#next}

  ~~~sh {.check}
  before
  ~~~
  ~~~sh
  next
  ~~~
## Each {#each each=web}

- [ ] One {#one on=local}

  ~~~sh
  one "$host"
  ~~~
`

func versionOf(t *testing.T, src, hosts string) *plan.Plan {
	t.Helper()
	book, ds := runbook.Parse("book.md", []byte(strings.ReplaceAll(src, "~~~", "```")), nil)
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	inv, ds := inventory.Parse("hosts.toml", []byte("[groups.web]\nhosts = ["+hosts+"]\n[hosts.a]\n[hosts.b]\n[hosts.c]\n"))
	if runbook.Failed(ds) {
		t.Fatal(ds)
	}
	p, ds := plan.New(book, nil, inv)
	if ds != nil {
		t.Fatal(ds)
	}
	return p
}

func judged(v checks.Verdict) []CheckResult {
	return []CheckResult{{Where: plan.Local, Verdict: v, Ran: true}}
}

// halfway is a run that has told, sent, and stands at a failed precondition.
func halfway(p *plan.Plan) []Record {
	events := []Event{
		RunStarted{Digest: p.Digest, Source: "v1"},
		LeaseTaken{Holder: "a"},
		ChecksTaken{Cell: Key{Step: "look", Target: plan.Local}, Phase: Before, Checks: judged(checks.Pass)},
		ManualDone{Cell: Key{Step: "tell"}, Evidence: "电话"},
		Intent{Cell: Key{Step: "send", Target: plan.Local}, Role: RoleCommand, No: 1, Attempt: "s1"},
		Outcome{Cell: Key{Step: "send", Target: plan.Local}, Attempt: "s1", Verdict: checks.Pass},
		ChecksTaken{Cell: Key{Step: "next", Target: plan.Local}, Phase: Before, Checks: judged(checks.Fail)},
	}
	var records []Record
	for i, e := range events {
		records = append(records, Record{RunID: "r", Seq: uint64(i + 1), Epoch: 1, Wall: time.Unix(int64(i), 0), Event: e})
	}
	return records
}

// What was executed has to be the same in the new version; all else may differ.
func TestBars(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		old, new string
		hosts    string
		bars     string // substring of the first; empty: none
		changes  string
	}{
		"nothing":                   {"", "", `"a", "b"`, "", ""},
		"words":                     {"Send {#send}", "Send it 发送 {#send}", `"a", "b"`, "", "send changed (words)"},
		"a failed precondition":     {"before", "better", `"a", "b"`, "", "next changed (checks before)"},
		"a command to come":         {"  next", "  later", `"a", "b"`, "", "next changed (command)"},
		"a check that passed":       {"  true", "  :", `"a", "b"`, "", "look changed (checks before)"},
		"a command that was sent":   {"  send", "  send twice", `"a", "b"`, "send@local changed (succeeded)", "send changed (command)"},
		"a step that was ticked":    {"- [ ] Tell 告知 {#tell}\n", "", `"a", "b"`, "tell removed (succeeded)", "tell removed"},
		"a new step in front of it": {"- [ ] Send", "- [ ] New {#new}\n- [ ] Send", `"a", "b"`, "", "new added"},
		"a host to come":            {"", "", `"a", "b", "c"`, "", "each/one changed (also each[c]/one@local)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := versionOf(t, adoptable, `"a", "b"`)
			r, err := Fold(p, halfway(p))
			if err != nil {
				t.Fatal(err)
			}
			next := versionOf(t, strings.Replace(adoptable, tt.old, tt.new, 1), tt.hosts)
			var changes []string
			for _, c := range Changes(p, next) {
				changes = append(changes, c.String())
			}
			if got := strings.Join(changes, "; "); got != tt.changes {
				t.Errorf("what changes is %q, want %q", got, tt.changes)
			}
			bars := r.Bars(next)
			if tt.bars == "" && len(bars) > 0 || tt.bars != "" && (len(bars) == 0 || bars[0].String() != tt.bars) {
				t.Errorf("in the way is %v, want %q", bars, tt.bars)
			}
		})
	}
}

// A run that has adopted other versions goes on with the latest: what was executed
// stands, a check that differs is taken again, captured values and evidence stay.
func TestAdopt(t *testing.T) {
	t.Parallel()
	first := versionOf(t, adoptable, `"a", "b"`)
	second := versionOf(t, strings.Replace(adoptable, "before", "better", 1), `"a", "b"`)
	second.Earlier = first
	third := versionOf(t, strings.Replace(adoptable, "before", "best", 1), `"a", "b", "c"`)
	third.Earlier = second
	records := halfway(first)
	add := func(e Event) {
		records = append(records, Record{RunID: "r", Seq: uint64(len(records) + 1), Epoch: 1, Event: e})
	}
	add(Adopted{Digest: second.Digest, Source: "v2"})
	r, err := Fold(second, records)
	if err != nil {
		t.Fatal(err)
	}
	next := r.Cell(Key{Step: "next", Target: plan.Local})
	if next.Status != Pending || len(next.Checks) != 0 || r.Start.Source != "v2" {
		t.Errorf("the step that differs is %s with checks %v of version %s", next.Status, next.Checks, r.Start.Source)
	}
	if c := r.Cell(Key{Step: "tell"}); c.Status != Succeeded || c.Evidence != "电话" || c.Plan != second.Cells[c.Plan.Index] {
		t.Errorf("the ticked step is %+v", c)
	}
	add(ChecksTaken{Cell: next.Key, Phase: Before, Checks: judged(checks.Fail)})
	add(Adopted{Digest: third.Digest, Source: "v3"})
	if r, err = Fold(third, records); err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 7 || r.Cell(Key{Step: "send", Target: plan.Local}).Status != Succeeded {
		t.Errorf("the third version has %d cells, and what was sent is %s", len(r.Cells), r.Cell(Key{Step: "send", Target: plan.Local}).Status)
	}
	versions := Versions(records)
	if got := []string{versions[0].Source, versions[1].Source, versions[2].Source}; !slices.Equal(got, []string{"v1", "v2", "v3"}) {
		t.Errorf("the versions are %q", got)
	}
}

// An adoption that isn't allowed is no event of a
func TestAdoptRefuses(t *testing.T) {
	t.Parallel()
	first := versionOf(t, adoptable, `"a", "b"`)
	for name, tt := range map[string]struct {
		next   *plan.Plan
		digest string
		why    string
	}{
		"another digest":      {versionOf(t, adoptable, `"a"`), "x", "names another plan"},
		"what was executed":   {versionOf(t, strings.Replace(adoptable, "  send", "  x", 1), `"a"`), "", "send@local changed"},
		"without its version": {nil, first.Digest, "no such cell"},
	} {
		records := halfway(first)
		p := first
		if tt.next != nil {
			p = tt.next
			p.Earlier = first
			if tt.digest == "" {
				tt.digest = p.Digest
			}
		}
		records = append(records, Record{RunID: "r", Seq: uint64(len(records) + 1), Epoch: 1, Event: Adopted{Digest: tt.digest}})
		r, err := Fold(p, records)
		var refused *TransitionError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.why) || r.Seq != uint64(len(records)-1) {
			t.Errorf("%s: %v at event %d, want a refusal with %q", name, err, r.Seq, tt.why)
		}
	}
}

// A monitor may be changed under way, as a check may: it begins anew, and what it has
// shown stays. A process that may be alive bars a version that doesn't have its step.
func TestAdoptWithMonitors(t *testing.T) {
	t.Parallel()
	const book = "+++\n[groups.web]\n+++\n~~~sh {#beats .monitor}\nbeat\n~~~\n~~~sh {#load .background.monitor}\nload\n~~~\n- [ ] Tell {#tell}\n"
	w := newWorld(t, versionOf(t, book, `"a"`))
	w.do(t, WatchBegun{Cell: w.cell(t, "beats").Key}, WatchBegun{Cell: w.cell(t, "load").Key})
	w.do(t, w.keep(w.r.Backgrounds()[0]))
	beats := Watch{"beats", plan.Local}
	w.do(t, SampleBatch{Reserved: 3, Samples: []Samples{w.samples(w.r.Monitor(beats), "pf", 0)}}, MonitorTurned{Watch: beats, Red: true}, LeaseTaken{Holder: "another"})
	adopt := func(src string) (*Run, error) {
		p := versionOf(t, src, `"a"`)
		return w.r.Adopt(p, w.record(Adopted{Digest: p.Digest}))
	}
	other, err := adopt(strings.Replace(book, "beat\n", "beat --gently\n", 1))
	if err != nil {
		t.Fatal(err)
	}
	m := other.Monitor(beats)
	if m == nil || m.Fence.Body != "beat --gently\n" || m.Sum(t0, endless).Samples != 2 || !m.Held() {
		t.Errorf("what the monitor has shown is lost: %+v", m)
	}
	if c := other.CellOf(m.Cell); c.Status != Pending || len(other.Watched()) != 1 || len(other.Strays()) != 1 {
		t.Errorf("%s is %s, %d are watched, and %d are to be ended", c.Key, c.Status, len(other.Watched()), len(other.Strays()))
	}
	if w.r.Monitor(beats).Fence.Body != "beat\n" {
		t.Error("the version before is changed")
	}
	if _, err = adopt("+++\n[groups.web]\n+++\n- [ ] Tell {#tell}\n"); err == nil || !strings.Contains(err.Error(), "may be alive") {
		t.Errorf("a version without the process: %v", err)
	}
	w.do(t, w.downOf(w.cell(t, "load"), true))
	if other, err = adopt("+++\n[groups.web]\n+++\n- [ ] Tell {#tell}\n"); err != nil || len(other.Monitors()) != 0 {
		t.Errorf("a version without monitors: %v", err)
	}
	if other, err = adopt(strings.Replace(book, "load\n~~~\n", "load --more\n~~~\n", 1)); err != nil || other.Cell(Key{Step: "load"}).NextNo() != 2 {
		t.Errorf("numbers of starts are used again: %v", err)
	}
}
