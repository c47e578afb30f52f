package run

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stepgate/checks"
	"stepgate/runbook"
)

func at(ms int64) time.Time { return t0.Add(time.Duration(ms) * time.Millisecond) }

func millis(t time.Time) int64 { return t.Sub(t0).Milliseconds() }

// drawSamples is what a monitor showed: times in which it was watched, with holes
// between them or none.
func drawSamples(t *rapid.T) []*Samples {
	var out []*Samples
	now := int64(rapid.IntRange(0, 50).Draw(t, "begin"))
	for i := range rapid.IntRange(1, 5).Draw(t, "stretches") {
		s := &Samples{From: at(now)}
		n := rapid.IntRange(0, 8).Draw(t, "samples")
		for range n {
			after := int64(rapid.IntRange(0, 40).Draw(t, "after"))
			now += after
			s.After = append(s.After, after)
			s.Verdicts += rapid.SampledFrom([]string{"p", "p", "p", "f", "u"}).Draw(t, "verdict")
		}
		for _, name := range []string{"x", "y"} {
			if n == 0 || !rapid.Bool().Draw(t, "has "+name) {
				continue
			}
			if s.Numbers == nil {
				s.Numbers = map[string][]*float64{}
			}
			for range n {
				var v *float64
				if rapid.Bool().Draw(t, "number") {
					v = new(float64(rapid.IntRange(-9, 9).Draw(t, "value")))
				}
				s.Numbers[name] = append(s.Numbers[name], v)
			}
		}
		if rapid.Bool().Draw(t, "says") {
			s.Texts = map[string]json.RawMessage{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "text"): json.RawMessage(fmt.Sprint(i))}
		}
		s.Rest = int64(rapid.IntRange(0, 20).Draw(t, "rest"))
		now += s.Rest
		out = append(out, s)
		if rapid.Bool().Draw(t, "hole") {
			now += int64(rapid.IntRange(1, 60).Draw(t, "length"))
		}
	}
	return out
}

// shown is a sample on a timeline of milliseconds.
type shown struct {
	ms      int64
	verdict byte
	numbers map[string]*float64
}

// laidOut are the milliseconds that were watched, each by where it begins, and the samples.
func laidOut(list []*Samples) (watched map[int64]bool, all []shown) {
	watched = map[int64]bool{}
	for _, s := range list {
		ms := millis(s.From)
		for i, after := range s.After {
			for range after {
				watched[ms] = true
				ms++
			}
			one := shown{ms, s.Verdicts[i], map[string]*float64{}}
			for name, n := range s.Numbers {
				one.numbers[name] = n[i]
			}
			all = append(all, one)
		}
		for range s.Rest {
			watched[ms] = true
			ms++
		}
	}
	return watched, all
}

// counted sums up samples one by one.
func counted(all []shown, from, to int64) Sum {
	sum := Sum{Captures: map[string]Numbers{}}
	values := map[string][]float64{}
	for _, s := range all {
		if s.ms < from || s.ms > to {
			continue
		}
		sum.Samples++
		switch s.verdict {
		case 'p':
			sum.Good++
			for name, v := range s.numbers {
				if v != nil {
					values[name] = append(values[name], *v)
				}
			}
		case 'f':
			sum.Failures++
		default:
			sum.Unknown++
		}
	}
	for name, vs := range values {
		n := Numbers{Count: len(vs), Min: slices.Min(vs), Max: slices.Max(vs), Last: vs[len(vs)-1]}
		for _, v := range vs {
			n.Avg += v / float64(len(vs))
		}
		sum.Captures[name] = n
	}
	return sum
}

// naive goes through time millisecond by millisecond.
func naive(list []*Samples, from, to int64) (gaps []Gap, sum Sum) {
	watched, all := laidOut(list)
	sum = counted(all, from, to)
	found := func(a, b int64, open bool) {
		n := 0
		for ms := a; ms < b; ms++ {
			if watched[ms] {
				n++
			}
		}
		if n > 0 && a <= to && b >= from {
			gaps = append(gaps, Gap{From: at(a), To: at(b), Length: time.Duration(n) * time.Millisecond, Open: open})
		}
	}
	good, bad := millis(list[0].From), false
	for _, s := range all {
		if s.verdict != 'p' {
			bad = true
			continue
		}
		if bad {
			found(good, s.ms, false)
		}
		good, bad = s.ms, false
	}
	end := millis(list[len(list)-1].Until())
	if bad {
		found(good, end, true)
	}
	for _, g := range gaps {
		if g.Length > sum.Longest.Length {
			sum.Longest = g
		}
	}
	for ms := max(from, millis(list[0].From)); ms < min(to, end); ms++ {
		if !watched[ms] {
			sum.Unobserved += time.Millisecond
		}
	}
	return gaps, sum
}

// sameSum reports whether two sums are one, but for how their averages were rounded.
func sameSum(a, b Sum) bool {
	for name, n := range a.Captures {
		o, ok := b.Captures[name]
		if !ok || math.Abs(n.Avg-o.Avg) > 1e-9 {
			return false
		}
		n.Avg, o.Avg = 0, 0
		if n != o {
			return false
		}
	}
	same := len(a.Captures) == len(b.Captures)
	a.Captures, b.Captures = nil, nil
	return same && reflect.DeepEqual(a, b)
}

// What a monitor showed in a time is what going through it millisecond by millisecond
// gives, however it was cut into batches.
func TestWhatAMonitorShowedIsSummedUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := drawSamples(t)
		end := millis(list[len(list)-1].Until())
		from := int64(rapid.IntRange(-20, int(end)+20).Draw(t, "from"))
		to := from + int64(rapid.IntRange(0, int(end)+40).Draw(t, "length"))
		apart, joined := &Monitor{Fence: &runbook.Fence{}}, &Monitor{Fence: &runbook.Fence{}}
		for _, s := range list {
			apart.appends(s)
			joined.adds(s)
		}
		gaps, sum := naive(list, from, to)
		for name, m := range map[string]*Monitor{"apart": apart, "joined": joined} {
			if got := m.Gaps(at(from), at(to)); !reflect.DeepEqual(got, gaps) {
				t.Fatalf("%s: gaps from %d to %d\n%v\nshould be\n%v", name, from, to, got, gaps)
			}
			if got := m.Sum(at(from), at(to)); !sameSum(got, sum) {
				t.Fatalf("%s: the sum from %d to %d\n%+v\nshould be\n%+v", name, from, to, got, sum)
			}
			count := 0
			for one := range m.All(at(from), at(to)) {
				if count++; one.At.Before(at(from)) || one.At.After(at(to)) {
					t.Fatalf("%s: a sample at %s", name, one.At)
				}
			}
			if count != sum.Samples {
				t.Fatalf("%s: %d samples, and there are %d", name, count, sum.Samples)
			}
		}
		texts := map[string]json.RawMessage{}
		for _, s := range joined.Samples {
			for name, v := range s.Texts {
				texts[name] = v
			}
		}
		for _, s := range slices.Backward(list) {
			for name, v := range s.Texts {
				if string(texts[name]) != string(v) && !slices.ContainsFunc(list[slices.Index(list, s)+1:], func(o *Samples) bool { return o.Texts[name] != nil }) {
					t.Fatalf("%s is %s, and the latest is %s", name, texts[name], v)
				}
			}
		}
	})
}

// What several monitors showed is what all their samples are together.
func TestSumsAreAddedUp(t *testing.T) {
	t.Parallel()
	one, two := new(1.0), new(5.0)
	a := (&Monitor{Samples: []*Samples{{From: at(0), After: []int64{10, 10}, Verdicts: "pf", Numbers: map[string][]*float64{"x": {one, two}}}}}).Sum(at(0), at(100))
	b := (&Monitor{Samples: []*Samples{
		{From: at(0), After: []int64{10, 30, 10}, Verdicts: "pup", Numbers: map[string][]*float64{"x": {two, nil, two}, "y": {one, nil, nil}}},
		{From: at(70), After: []int64{10}, Verdicts: "p"},
	}}).Sum(at(0), at(100))
	got := Sum{}.Plus(a).Plus(b)
	want := Sum{
		Samples: 6, Good: 4, Failures: 1, Unknown: 1, Unobserved: 20 * time.Millisecond,
		Captures: map[string]Numbers{"x": {Count: 3, Min: 1, Max: 5, Avg: 11. / 3, Last: 5}, "y": {Count: 1, Min: 1, Avg: 1, Max: 1, Last: 1}},
		Longest:  Gap{From: at(10), To: at(50), Length: 40 * time.Millisecond},
	}
	if !sameSum(got, want) {
		t.Errorf("%+v\nshould be\n%+v", got, want)
	}
	if a.Captures["x"].Count != 1 {
		t.Error("a sum that was added is changed by that")
	}
}

func TestSamplesThatCantBe(t *testing.T) {
	t.Parallel()
	ok := Samples{From: at(0), After: []int64{1, 2}, Verdicts: "pf", Rest: 5}
	if why := ok.malformed(); why != "" {
		t.Error(why)
	}
	for why, change := range map[string]func(*Samples){
		"differ in number":     func(s *Samples) { s.Verdicts = "p" },
		"is not known":         func(s *Samples) { s.Verdicts = "px" },
		"goes back":            func(s *Samples) { s.After[1] = -1 },
		"time goes back":       func(s *Samples) { s.Rest = -1 },
		"lasts too long":       func(s *Samples) { s.After = []int64{1, math.MaxInt64 / 1_000_000 * 2} },
		"numbers differ":       func(s *Samples) { s.Numbers = map[string][]*float64{"x": {nil}} },
		"samples and verdicts": func(s *Samples) { s.After = nil },
	} {
		s := ok
		s.After = slices.Clone(ok.After)
		change(&s)
		if got := s.malformed(); !strings.Contains(got, why) {
			t.Errorf("%q, should be %q", got, why)
		}
	}
	if verdictOf('p') != checks.Pass || verdictOf('f') != checks.Fail || verdictOf('u') != checks.Unknown {
		t.Error("verdicts are not those of their letters")
	}
}
