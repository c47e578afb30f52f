package runbook

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

var idForm = regexp.MustCompile(`^[\p{L}\p{N}_-]+$`)

// maxID is how many characters an id may have. The expression doesn't count them:
// its program would be a hundred times as large.
const maxID = 100

// vocabulary checks every word of a group against where it stands. Words that
// don't exist or stand in a wrong place are reported and left out.
func (p *parser) vocabulary(g *attrs.Group, at place) marks {
	if g == nil {
		return marks{}
	}
	m := marks{classes: map[string]int{}, values: map[string]attrs.Pair{}}
	p.id(g, at, &m)
	for _, c := range g.Classes {
		w, known := classes[c.Text]
		if !known {
			p.unknown(c.At, "class", "."+c.Text, c.Text, keys(classes), fitting(classes, at))
		} else if p.word(c.At, "class", "."+c.Text, w, at) {
			m.classes[c.Text] = c.At
		}
	}
	for _, pair := range g.Pairs {
		w, known := attribute(pair.Key)
		if !known {
			p.unknown(pair.At, "attribute", pair.Key, pair.Key, attributeNames(), fitting(attributes, at))
			continue
		}
		if !p.word(pair.At, "attribute", pair.Key, w, at) {
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

// unknown reports a class or attribute that doesn't exist.
func (p *parser) unknown(at int, kind, shown, name string, all, fitting []string) {
	severity := Error
	if near(name, all) == "" {
		severity = p.severity() // braces of another tool
	}
	p.report(p.pos(at), severity, "unknown-"+kind, "unknown "+kind+" "+quote(shown), meant(name, all, fitting...))
}

// word reports whether a class or attribute may be used here.
func (p *parser) word(at int, kind, shown string, w word, where place) bool {
	switch {
	case w.where&where == 0:
		p.errorAt(at, "misplaced", fmt.Sprintf("the %s %s can't stand on %s", kind, shown, placeName(where)), "it belongs on "+placesOf(w.where))
		return false
	case w.later != "":
		p.laterAt(p.pos(at), w.later)
	}
	return true
}

func placesOf(where place) string {
	var names []string
	for _, one := range []place{onHeading, onTask, onCommand, onCheck, onRollback, onMonitor} {
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
		case at&(onStep|onMonitor) == 0:
			p.errorAt(w.At, "misplaced", "an id can't stand on this fence", "write it on the first line of the task-list item")
		case !idForm.MatchString(w.Text) || utf8.RuneCountInString(w.Text) > maxID:
			p.errorAt(w.At, "id", "the id "+quote(w.Text)+" is more than letters, digits, - and _", "write #"+slug(w.Text))
		default:
			m.id, m.idAt = w.Text, w.At
		}
	}
}

// duration reads an attribute that is a length of time; 0 when it is absent or
// was refused.
func (p *parser) duration(m marks, key string) time.Duration {
	d, template := p.span(m, key, nil)
	if template != "" {
		pair := m.values[key]
		p.errorAt(pair.ValueAt, "value", key+" can't come from a value", "write the length of time itself, such as 30s, 5m or 1h30m")
	}
	return d
}

// span reads an attribute that is a length of time or, where seen isn't nil, a
// template of one: over parameters and variables of hosts, since the plan fills
// it in before anything is captured.
func (p *parser) span(m marks, key string, seen *sight) (time.Duration, string) {
	pair, ok := m.values[key]
	if !ok {
		return 0, ""
	}
	d, err := time.ParseDuration(pair.Value)
	switch {
	case err == nil && d > 0:
		return d, ""
	case strings.Contains(pair.Value, "{{"):
		if seen != nil {
			p.spanNames(pair, seen)
		}
		return 0, pair.Value
	}
	p.errorAt(pair.ValueAt, "value", key+" is "+quote(pair.Value)+", which is no length of time", "write for example 30s, 5m or 1h30m")
	return 0, ""
}

func (p *parser) spanNames(pair attrs.Pair, seen *sight) {
	at := bounded{p, pair.ValueAt}
	p.templatesIn(pair.Value, seen, at)
	for _, m := range template.FindAllStringSubmatchIndex(pair.Value, -1) {
		name := strings.TrimSpace(pair.Value[m[2]:m[3]])
		t, known := seen.types[name]
		switch {
		case known && seen.captured[name]:
			p.report(at.at(m[0]), Error, "value", pair.Key+" can't wait for "+quote(name)+", which is only captured in the run", "use a parameter or a variable of the hosts")
		case known && t != checks.Duration && t != checks.String:
			p.report(at.at(m[0]), Error, "value", quote(name)+" is "+article(t.String())+", no length of time", `declare it with type = "duration"`)
		}
	}
}

// article puts a or an before a word.
func article(s string) string {
	if s != "" && strings.ContainsAny(s[:1], "aeiou") {
		return "an " + s
	}
	return "a " + s
}

// number reads an attribute that is a whole number of at least least.
func (p *parser) number(m marks, key string, least int) int {
	pair, ok := m.values[key]
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(pair.Value)
	if err != nil || n < least || n > 1000 {
		p.errorAt(pair.ValueAt, "value", key+" is "+quote(pair.Value), fmt.Sprintf("write a whole number from %d to 1000", least))
		return 0
	}
	return n
}

// poll reads the attributes of a repeated check.
func (p *parser) poll(f *Fence, m marks, seen *sight) {
	if len(m.values) == 0 {
		return
	}
	p.length(f, m, "until", seen, &f.Poll.Until)
	p.length(f, m, "every", seen, &f.Poll.Every)
	p.length(f, m, "hold", seen, &f.Poll.Hold)
	_, until := m.values["until"]
	for _, key := range []string{"every", "hold", "fail_if"} {
		if pair, ok := m.values[key]; ok && !until && !m.has("monitor") {
			p.errorAt(pair.At, "poll-without-limit", key+" without until: the check could wait for ever", "add until=60s, the time in all")
		}
	}
	if until && f.Poll.Every == 0 && f.Spans["every"] == "" {
		f.Poll.Every = DefaultEvery
	}
	if f.Poll.Until > 0 && f.Poll.Hold >= f.Poll.Until {
		p.errorAt(m.values["hold"].At, "value", "hold is not shorter than until: the check can't succeed", "make until longer")
	}
}

// length reads a fence's length of time, or the template it comes from.
func (p *parser) length(f *Fence, m marks, key string, seen *sight, into *time.Duration) {
	d, from := p.span(m, key, seen)
	if *into = d; from != "" {
		f.from(key, from)
	}
}

func (f *Fence) from(key, template string) {
	if f.Spans == nil {
		f.Spans = map[string]string{}
	}
	f.Spans[key] = template
}

// templateValue reads an attribute that is a template.
func (p *parser) templateValue(m marks, key string, seen *sight) string {
	pair, ok := m.values[key]
	if !ok {
		return ""
	}
	if p.book.Annotated {
		p.templatesIn(pair.Value, seen, bounded{p, pair.ValueAt})
	}
	return pair.Value
}
