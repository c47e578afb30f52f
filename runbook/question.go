package runbook

import (
	"slices"
	"strings"

	"stepgate/checks"
	"stepgate/runbook/attrs"
)

// asks notes the parameters that a step asks for, before anything is built: they
// have no value until then.
func (p *parser) asks(nodes []*outline, h *header) {
	for _, o := range nodes {
		if o.group != nil {
			for _, pair := range o.group.Pairs {
				if pair.Key == "ask" {
					h.ask(pair.Value, p)
				}
			}
		}
		p.asks(o.nodes, h)
	}
}

// ask takes a parameter out of what has a value from the start.
func (h *header) ask(name string, p *parser) {
	i := slices.IndexFunc(h.params, func(param Param) bool { return param.Name == name })
	if i < 0 || h.asked[name] != nil {
		return
	}
	param := h.params[i]
	if h.asked == nil {
		h.asked = map[string]*Param{}
	}
	h.asked[name] = &param
	// A value that is given is proposed; a default is proposed as well.
	h.params[i].Required, h.params[i].HasDef, h.params[i].Default = false, false, ""
	delete(h.values, name)
	p.names.version++
}

// question makes the step one that asks.
func (d *drafting) question() {
	p, st := d.p, d.step
	pair, ok := d.m.values["ask"]
	for _, key := range []string{"choices"} {
		if with, alone := d.m.values[key]; alone && !ok {
			p.errorAt(with.At, "misplaced", key+" stands without ask", "name the value that is asked for: ask=NAME")
		}
	}
	at, perHost := d.m.classes["per-host"]
	switch {
	case perHost && !ok:
		p.errorAt(at, "misplaced", ".per-host on a step that asks nothing", "name the value that is asked for: ask=NAME")
	case perHost && !d.ctx.scope.walks():
		p.errorAt(at, "misplaced", ".per-host outside a walk: there is one question", "remove it, or ask inside each=GROUP")
	}
	if !ok {
		return
	}
	if st.Kind != Manual {
		p.errorAt(pair.At, "misplaced", "ask on a step that runs something", "make the question a step of its own")
		return
	}
	st.Kind = Ask
	q := &Question{Param: Param{Pos: p.pos(pair.At), Name: pair.Value, Type: TypeString, Required: true}, PerHost: perHost}
	if declared := p.head.asked[pair.Value]; declared != nil {
		q.Param, q.Given = *declared, true
		if q.Param.Secret {
			p.errorAt(pair.At, "misplaced", "a secret is asked for at the start of a run, and when it is resumed", "remove ask, or secret = true")
		}
	}
	d.choices(&q.Param)
	st.Question = q
	into := d.ctx.scope
	if !perHost {
		into = into.owner()
	}
	p.declare(into, "", q.Param.Name, captured{typ: paramTypes[q.Param.Type], at: p.pos(pair.ValueAt), when: d.ctx.whenText()})
}

// choices reads the answers that a question allows.
func (d *drafting) choices(param *Param) {
	pair, ok := d.m.values["choices"]
	if !ok {
		return
	}
	var choices []string
	for _, c := range strings.Split(pair.Value, ",") {
		if c = strings.TrimSpace(c); c != "" && !slices.Contains(choices, c) {
			choices = append(choices, c)
		}
	}
	p := d.p
	switch {
	case len(choices) < 2:
		p.errorAt(pair.ValueAt, "value", "choices are "+quote(pair.Value)+", which leaves no choice", `write choices="one,two"`)
	case param.Type != TypeString && param.Type != TypeChoice:
		p.errorAt(pair.At, "value", article(string(param.Type))+" has no choices", `write type = "choice" in [params.`+param.Name+`], or remove them`)
	case len(param.Choices) > 0 && !slices.Equal(sorted(param.Choices), sorted(choices)):
		p.errorAt(pair.At, "value", "[params."+param.Name+"] has other choices: "+strings.Join(param.Choices, ", "), "write them in one place")
	case param.HasDef && !slices.Contains(choices, param.Default):
		p.errorAt(pair.At, "value", "the default "+quote(param.Default)+" is not among the choices", "change one of them")
	default:
		param.Type, param.Choices = TypeChoice, choices
	}
}

func isWalk(pair attrs.Pair) bool { return pair.Key == "each" }

func sorted(ss []string) []string { return slices.Sorted(slices.Values(ss)) }

// withLater is what a monitor's expressions see: also what is captured further
// down in the same scope, since it goes on while that gets its value, and what it
// captures itself.
func (p *parser) withLater(seen *sight, s *scope, own *checks.Capture) *sight {
	if s.later == nil {
		s.later = map[string]bool{}
		laterCaptures(s.nodes, s.later)
	}
	out := seen.clone()
	for name := range s.later {
		if _, known := out.types[name]; !known {
			out.capture(name, captured{typ: checks.Any, when: futureValue})
		}
	}
	if own != nil {
		for name, t := range own.Types() {
			out.add(name, t, false, "")
		}
	}
	return out
}

func laterCaptures(nodes []*outline, into map[string]bool) {
	sampled := false // the fence above is a monitor, whose captures are its own
	for _, o := range nodes {
		if o.group != nil && slices.ContainsFunc(o.group.Pairs, isWalk) {
			continue
		}
		if o.kind == fenceNode && o.fence.kind == runFence {
			sampled = o.fence.monitor
		}
		if o.kind == fenceNode && o.fence.kind == captureFence && !sampled {
			for line := range strings.Lines(o.fence.body) {
				if name, _, ok := strings.Cut(line, "="); ok && nameForm.MatchString(strings.TrimSpace(name)) {
					into[strings.TrimSpace(name)] = true
				}
			}
		}
		laterCaptures(o.nodes, into)
	}
}
