package runbook

import (
	"fmt"
	"regexp"
	"strings"

	"stepgate/checks"
)

// hostForm is the name of a group or host.
var hostForm = regexp.MustCompile(`^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$`)

// drafting is a step while its fences are read in order.
type drafting struct {
	p    *parser
	step *Step
	ctx  context
	m    marks // what was said of the step itself
	// alone: the step has no item of its own; m is its first fence's.
	alone bool
	// current is what an expect or a capture speaks of.
	current      *Fence
	currentBlock *block
	currentMarks marks
	rollback     *Rollback
	rollbackAt   int
	doneAt       int
	loose        *Fence // checks over variables gather here until a fence follows
}

// step fills in a step from its sheet. m is what was said of the step itself.
func (p *parser) step(st *Step, sh *sheet, ctx context, m marks) {
	if p.steps++; p.steps > MaxSteps {
		p.excess(st.Pos, fmt.Sprintf("%d steps", MaxSteps))
		return
	}
	st.When, st.Required, st.Always = ctx.when, ctx.required, ctx.always
	d := &drafting{p: p, step: st, ctx: ctx, m: m, alone: len(sh.fences) > 0 && sh.head().marks != nil}
	for _, b := range sh.fences {
		d.fence(b)
	}
	d.finish()
	seen := p.sight(ctx.scope, ctx.on)
	var prose, cautions []string
	for _, o := range sh.notes {
		p.templates(o.spans, seen)
		switch o.kind {
		case cautionNode:
			cautions = append(cautions, o.text)
		case warningNode:
			st.Warnings = append(st.Warnings, o.text)
		default:
			prose = append(prose, o.text)
		}
	}
	st.Caution, st.Prose = join(cautions...), join(prose...)
	if sh.command != nil && !p.book.Annotated {
		st.Judged = p.judged(sh.command, st.Command)
	}
	d.question()
	d.confirm(seen)
}

// fence takes the step's next fence.
func (d *drafting) fence(b *block) {
	m := b.marks
	if m == nil {
		read := d.p.vocabulary(b.group, b.place())
		m = &read
	}
	if b.kind != runFence {
		d.assertion(b, *m)
		return
	}
	f := d.runnable(b, *m)
	switch {
	case b.monitor:
		d.step.Monitors = append(d.step.Monitors, f)
	case b.done:
		d.step.Done, d.doneAt = append(d.step.Done, f), b.at
		if d.step.Command != nil {
			d.p.errorAt(b.at, "misplaced", "a .done probe behind the command", "put it before the command: it is looked at first")
		}
	case b.rollback && b.check:
		d.rollbackCheck(f)
	case b.rollback:
		d.rollbackCommand(b, f)
	case b.check && d.step.Command == nil:
		d.step.Before = append(d.step.Before, f)
	case b.check:
		d.step.After = append(d.step.After, f)
	default:
		d.step.Command = f
		d.step.Idempotent = d.step.Idempotent || b.idempotent
		d.step.Irreversible = d.step.Irreversible || b.irreversible
	}
	d.current, d.currentBlock, d.currentMarks, d.loose = f, b, *m, nil
}

// assertion takes an expect or a capture: of the fence above it, or, with none
// above, over variables alone.
func (d *drafting) assertion(b *block, m marks) {
	p := d.p
	f := d.current
	if f == nil {
		f = d.overVariables(b, m)
	} else {
		for _, key := range []string{"on", "until", "every", "hold"} {
			if pair, ok := m.values[key]; ok {
				p.errorAt(pair.At, "misplaced", key+" can't stand here: the fence above is what is run", "put it on the fence above")
			}
		}
	}
	if d.endless(b, f) {
		return
	}
	e := p.from(d.ctx, f.On)
	if f.Monitor {
		e.seen = p.withLater(e.seen, d.ctx.scope, f.Capture)
	}
	switch {
	case b.kind == expectFence && f.ExpectText != "", b.kind == captureFence && f.CaptureText != "":
		p.errorAt(b.at, "twice", "the fence above has "+article(b.kind.String())+" already", "write the lines into one fence")
	case b.kind == expectFence:
		f.Expect, f.ExpectText = p.compileExpect(b, e, f.observed()), b.body
	default:
		d.capture(b, f, e)
	}
}

func (k fenceKind) String() string {
	switch k {
	case expectFence:
		return "expect"
	case captureFence:
		return "capture"
	case noteFence, runFence:
	}
	return "fence"
}

// observed is what expressions see of a try of the fence.
func (f *Fence) observed() checks.Kind {
	switch {
	case f.Monitor && f.Background:
		return checks.OfSample
	case f.Form == SQL:
		return checks.OfSQL
	case f.Form == HTTP:
		return checks.OfHTTP
	case f.Form == TCP:
		return checks.OfTCP
	case f.Form == Variables:
		return checks.OfVariables
	}
	return checks.OfScript
}

func (d *drafting) overVariables(b *block, m marks) *Fence {
	if d.loose != nil {
		return d.loose
	}
	for _, key := range []string{"cwd", "timeout", "user"} {
		if pair, ok := m.values[key]; ok {
			d.p.errorAt(pair.At, "misplaced", key+" on a check that runs nothing", "remove it")
		}
	}
	ctx := d.p.inherit(m, d.ctx)
	d.loose = &Fence{Pos: d.p.pos(b.at), On: ctx.on}
	d.p.poll(d.loose, m, d.p.sight(ctx.scope, ctx.on))
	d.step.Before = append(d.step.Before, d.loose)
	return d.loose
}

func (d *drafting) capture(b *block, f *Fence, e compiled) {
	p := d.p
	switch {
	case d.currentBlock != nil && d.currentBlock.rollback:
		p.errorAt(b.at, "misplaced", "a rollback captures nothing", "capture the value in the step")
		return
	case f.TTY:
		p.errorAt(b.at, "misplaced", "a command that takes over the terminal leaves no output to capture from", "capture in a {.check} fence behind it")
		return
	case f.Secret && (d.currentBlock == nil || !d.currentBlock.check):
		p.errorAt(b.at, "misplaced", "a secret is captured by a check: it is taken again when the run is resumed", "add .check to the fence above, which must then only read")
		return
	}
	capture := p.compileCapture(b, e, f.observed())
	f.Capture, f.CaptureText = capture, b.body
	if capture == nil || f.Monitor {
		return
	}
	if g := p.group(f.On, d.ctx.scope); g != nil && g.Max != 1 && f.Pick == nil && d.ctx.scope.walks() {
		p.errorAt(b.at, "captured-by-many", "every host of "+quote(f.On)+" would capture this, and an instance of a walk has one value of a name",
			"capture it in a step outside the walk, or walk the hosts: each="+f.On)
	}
	types := capture.Types()
	for _, name := range capture.Names() {
		p.declare(d.ctx.scope, f.On, name, captured{typ: types[name], at: p.pos(p.captureAt(b, name)), secret: f.Secret, when: d.ctx.whenText()})
	}
}

// captureAt finds the line that captures name.
func (p *parser) captureAt(b *block, name string) int {
	at := 0
	for line := range strings.Lines(b.body) {
		if left, _, ok := strings.Cut(line, "="); ok && strings.TrimSpace(left) == name {
			return p.inBody(b, at+len(line)-len(strings.TrimLeft(line, " \t")))
		}
		at += len(line)
	}
	return b.at
}

func (d *drafting) rollbackCheck(f *Fence) {
	if d.rollback == nil {
		d.rollback = &Rollback{}
	}
	if d.rollback.Command == nil {
		d.rollback.Before = append(d.rollback.Before, f)
	} else {
		d.rollback.After = append(d.rollback.After, f)
	}
}

func (d *drafting) rollbackCommand(b *block, f *Fence) {
	if d.rollback == nil {
		d.rollback = &Rollback{}
	}
	switch {
	case b.irreversible:
		d.p.errorAt(b.at, "irreversible-rollback", "a rollback can't be irreversible", "say .irreversible of the command, and write no rollback")
	case d.step.Command == nil:
		d.p.errorAt(b.at, "rollback-without-command", "there is no command above that this could undo", "put the rollback behind the command it undoes")
	case d.rollback.Command != nil:
		d.p.errorAt(b.at, "twice", "a second rollback in one step", "write both into one fence")
	default:
		d.rollback.Command, d.rollbackAt = f, b.at
	}
}

// finish settles the step's kind and class.
func (d *drafting) finish() {
	p, st := d.p, d.step
	switch {
	case st.Command != nil:
		st.Kind = Run
		st.Irreversible = st.Irreversible || d.ctx.irreversible
		st.Idempotent = st.Idempotent || d.m.has("idempotent")
	case len(st.Before) > 0:
		st.Kind = Check
	case len(st.Monitors) > 0:
		st.Kind = Watch
	default:
		st.Kind = Manual
		st.Irreversible = d.m.has("irreversible")
	}
	d.besideStep()
	if at, ok := d.m.classes["idempotent"]; ok && st.Command == nil {
		p.errorAt(at, "misplaced", "the class .idempotent on a step without a command", "remove it")
	}
	if len(st.Done) > 0 && st.Command == nil {
		p.errorAt(d.doneAt, "misplaced", "a .done probe in a step without a command: there is nothing that could be done already", "write .check instead")
	}
	if d.rollback == nil {
		return
	}
	if d.rollback.Command == nil {
		p.report(st.Pos, Error, "rollback-without-command", "the step has a .check.rollback and no .rollback fence", "add the fence that undoes the step")
		return
	}
	st.Rollback = d.rollback
	if st.Irreversible {
		p.errorAt(d.rollbackAt, "irreversible-rollback", "the step is .irreversible and has a rollback",
			"remove .irreversible if the rollback undoes the step, else remove the rollback")
	}
}

// confirm settles the phrase of the step's gate, and how many open it.
func (d *drafting) confirm(seen *sight) {
	p, st := d.p, d.step
	pair, own := d.m.values["confirm"]
	st.Confirm = p.templateValue(d.m, "confirm", seen)
	switch {
	case own && !st.Gated():
		p.errorAt(pair.At, "confirm-without-gate", "confirm on a step that has no gate", "write > [!CAUTION] into the step, or give the command the class .irreversible")
	case !own && st.Gated() && (st.Rollback == nil || st.Irreversible):
		st.Confirm = d.ctx.phrase
	}
	pair, ok := d.m.values["approvers"]
	if !ok {
		return
	}
	st.Approvers = p.number(d.m, "approvers", 1)
	if !st.Gated() {
		p.errorAt(pair.At, "confirm-without-gate", "approvers on a step that has no gate", "write > [!CAUTION] into the step: they open its gate")
	}
}
