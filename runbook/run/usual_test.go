package run

import (
	"maps"
	"testing"
	"time"

	"stepgate/checks"
)

// past tells a run by its events and the seconds at which they happened.
func past(events ...any) (records []Record) {
	at := 0
	for _, e := range events {
		switch e := e.(type) {
		case int:
			at = e
		case Event:
			records = append(records, Record{Wall: time.Unix(int64(at), 0), Event: e})
		}
	}
	return records
}

func TestUsual(t *testing.T) {
	t.Parallel()
	one, two := Key{Step: "tablets[t-1]/stop", Target: "t-1"}, Key{Step: "tablets[t-2]/stop", Target: "t-2"}
	look := Key{Step: "preflight/look", Target: "ops"}
	intent := func(k Key) Event { return Intent{Cell: k, Role: RoleCommand} }
	outcome := func(k Key, v checks.Verdict) Event { return Outcome{Cell: k, Verdict: v} }
	after := func(k Key, v checks.Verdict) Event {
		return ChecksTaken{Cell: k, Phase: After, Checks: []CheckResult{{Verdict: v}}}
	}
	before := func(k Key, ms ...int64) Event {
		c := ChecksTaken{Cell: k, Phase: Before}
		for _, m := range ms {
			c.Checks = append(c.Checks, CheckResult{Verdict: checks.Pass, TookMS: m})
		}
		return c
	}
	for _, tt := range []struct {
		name string
		runs [][]Record
		want map[string]time.Duration
	}{
		{"nothing is known", nil, map[string]time.Duration{}},
		{
			"from the intent to the last check, over all hosts",
			[][]Record{past(10, intent(one), 13, outcome(one, checks.Pass), 20, after(one, checks.Pass), 30, intent(two), 34, outcome(two, checks.Pass))},
			map[string]time.Duration{"tablets/stop": 10 * time.Second},
		},
		{
			"the time at a gate doesn't count",
			[][]Record{past(0, before(one, 300), GateShown{Cell: one}, 600, intent(one), 602, outcome(one, checks.Pass))},
			map[string]time.Duration{"tablets/stop": 2 * time.Second},
		},
		{
			"the median of three runs",
			[][]Record{
				past(0, intent(one), 1, outcome(one, checks.Pass)),
				past(0, intent(one), 90, outcome(one, checks.Pass)),
				past(0, intent(one), 3, outcome(one, checks.Pass)),
			},
			map[string]time.Duration{"tablets/stop": 3 * time.Second},
		},
		{
			"what failed, was done again, was cut off or was left under way says nothing",
			[][]Record{
				past(0, intent(one), 1, outcome(one, checks.Fail)),
				past(0, intent(one), 1, outcome(one, checks.Pass), 5, after(one, checks.Fail)),
				past(0, intent(one), 1, outcome(one, checks.Pass), 2, intent(one), 3, outcome(one, checks.Pass)),
				past(0, intent(one), 1, Interrupted{Cell: one}, 500, outcome(one, checks.Pass)),
				past(0, intent(one), 900, LeaseTaken{}, outcome(one, checks.Pass)),
			},
			map[string]time.Duration{},
		},
		{
			"checks alone take as long as the longest of them",
			[][]Record{past(0, before(look, 400, 2100, 10))},
			map[string]time.Duration{"preflight/look": 2100 * time.Millisecond},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Usual(tt.runs); !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
