package runbook

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"stepgate/checks"
	"stepgate/runbook/attrs"
)

// marks are the classes and attributes of one group that may stand where it
// stands.
type marks struct {
	id      string
	idAt    int
	classes map[string]int // name → offset
	values  map[string]attrs.Pair
}

func (m marks) has(class string) bool { _, ok := m.classes[class]; return ok }

var idForm = regexp.MustCompile(`^[\p{L}\p{N}_-]{1,100}$`)

// vocabulary checks every word of a group against where it stands. Words that
// don't exist, stand in a wrong place or come later are reported and left out.
func (p *parser) vocabulary(g *attrs.Group, at place) marks {
	if g == nil {
		return marks{}
	}
	m := marks{classes: map[string]int{}, values: map[string]attrs.Pair{}}
	p.id(g, at, &m)
	for _, c := range g.Classes {
		w, known := classes[c.Text]
		if p.word(c.At, "class", "."+c.Text, c.Text, w, known, at, keys(classes), usable(classes)) {
			m.classes[c.Text] = c.At
		}
	}
	for _, pair := range g.Pairs {
		w, known := attribute(pair.Key)
		if !p.word(pair.At, "attribute", pair.Key, pair.Key, w, known, at, keys(attributes), usable(attributes)) {
			continue
		}
		if _, twice := m.values[pair.Key]; twice {
			p.errorAt(pair.At, "twice", "the attribute "+pair.Key+" stands here twice", "keep one of them")
			continue
		}
		if strings.TrimSpace(pair.Value) == "" {
			p.errorAt(pair.At, "value", "the attribute "+pair.Key+" has no value", "give it one, or leave it out")
			continue
		}
		m.values[pair.Key] = pair
	}
	return m
}

// word reports whether a class or attribute may be used here.
func (p *parser) word(at int, kind, shown, name string, w word, known bool, where place, all, usable []string) bool {
	switch {
	case !known:
		severity := Error
		if near(name, all) == "" {
			severity = p.severity() // braces of another tool
		}
		p.report(p.pos(at), severity, "unknown-"+kind, "unknown "+kind+" "+quote(shown), meant(name, all, usable...))
	case w.later != "":
		p.notYet(at, w.later)
	case w.where&where == 0:
		p.errorAt(at, "misplaced", fmt.Sprintf("the %s %s can't stand on %s", kind, shown, placeName(where)), "it belongs on "+placesOf(w.where))
	default:
		return true
	}
	return false
}

func placesOf(where place) string {
	var names []string
	for _, one := range []place{onHeading, onTask, onCommand, onCheck, onRollback} {
		if where&one != 0 {
			names = append(names, placeName(one))
		}
	}
	if len(names) == 0 {
		return "a fence outside task lists"
	}
	return strings.Join(names, " or ")
}

func (p *parser) id(g *attrs.Group, at place, m *marks) {
	for i, w := range g.IDs {
		switch {
		case i > 0:
			p.errorAt(w.At, "twice", "a second id "+quote("#"+w.Text), "keep one of them")
		case at&onStep == 0:
			p.errorAt(w.At, "misplaced", "an id can't stand on this fence", "write it on the first line of the task-list item")
		case !idForm.MatchString(w.Text):
			p.errorAt(w.At, "id", "the id "+quote(w.Text)+" is more than letters, digits, - and _", "write #"+slug(w.Text))
		default:
			m.id, m.idAt = w.Text, w.At
		}
	}
}

// duration reads an attribute that is a length of time; 0 when it is absent or
// was refused.
func (p *parser) duration(m marks, key string) time.Duration {
	pair, ok := m.values[key]
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(pair.Value)
	switch {
	case err == nil && d > 0:
		return d
	case strings.Contains(pair.Value, "{{"):
		p.notYet(pair.ValueAt, "a length of time that comes from a value")
	default:
		p.errorAt(pair.ValueAt, "value", key+" is "+quote(pair.Value)+", which is no length of time", "write for example 30s, 5m or 1h30m")
	}
	return 0
}

// poll reads the attributes of a repeated check.
func (p *parser) poll(m marks) Poll {
	poll := Poll{Until: p.duration(m, "until"), Every: p.duration(m, "every"), Hold: p.duration(m, "hold")}
	_, until := m.values["until"]
	for _, key := range []string{"every", "hold"} {
		if pair, ok := m.values[key]; ok && !until {
			p.errorAt(pair.At, "poll-without-limit", key+" without until: the check could wait for ever", "add until=60s, the time in all")
		}
	}
	if poll.Until > 0 && poll.Every == 0 {
		poll.Every = DefaultEvery
	}
	if poll.Until > 0 && poll.Hold >= poll.Until {
		p.errorAt(m.values["hold"].At, "value", "hold is not shorter than until: the check can't succeed", "make until longer")
	}
	return poll
}

// templateValue reads an attribute that is a template.
func (p *parser) templateValue(m marks, key string, names checks.Names) string {
	pair, ok := m.values[key]
	if !ok {
		return ""
	}
	p.templates([]span{{pair.ValueAt, min(pair.ValueAt+len(pair.Value), p.lineEnd(pair.ValueAt))}}, names)
	return pair.Value
}

// expr compiles an attribute that is an expression.
func (p *parser) expr(m marks, key string, names checks.Names, want checks.Type) *Expr {
	pair, ok := m.values[key]
	if !ok {
		return nil
	}
	v, problems := checks.CompileValue(pair.Value, names, want)
	for _, problem := range problems {
		at := pair.ValueAt + byteColumn(pair.Value, problem.Col)
		p.errorAt(min(at, p.lineEnd(pair.ValueAt)), "expression", key+": "+problem.Text, expressionRemedy(problem))
	}
	if v == nil || len(problems) > 0 {
		return nil
	}
	return &Expr{Pos: p.pos(pair.ValueAt), Text: pair.Value, Value: v}
}

func expressionRemedy(problem checks.Problem) string {
	if problem.Remedy == "" {
		return "correct the expression at this place"
	}
	return problem.Remedy
}

// byteColumn turns a column counted in characters from 1 into bytes from 0.
func byteColumn(s string, col int) int {
	n := 1
	for i := range s {
		if n >= col {
			return i
		}
		n++
	}
	return len(s)
}
