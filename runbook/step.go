package runbook

import (
	"regexp"
	"strings"

	"stepgate/checks"
)

const (
	wantBool = checks.Bool
	wantAny  = checks.Any
)

// hostForm is the name of a group or host.
var hostForm = regexp.MustCompile(`^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$`)

// drafting is a step while its fences are read in order.
type drafting struct {
	p    *parser
	step *Step
	ctx  context
	// current is what an expect or a capture speaks of.
	current      *Fence
	currentBlock *block
	rollback     *Rollback
	rollbackAt   int
	loose        *Fence // checks over variables gather here until a fence follows
}

// step fills in a step from its sheet. m is what was said of the step itself.
func (p *parser) step(st *Step, sh *sheet, ctx context, m marks) {
	if p.steps++; p.steps > MaxSteps {
		p.tooMany = true
		return
	}
	st.When, st.Required = ctx.when, ctx.required
	d := &drafting{p: p, step: st, ctx: ctx}
	for _, b := range sh.fences {
		d.fence(b)
	}
	d.finish(m)
	names := p.visible(ctx.scope, ctx.on)
	for _, o := range sh.notes {
		p.templates(o.spans, names)
		switch o.kind {
		case cautionNode:
			st.Caution = join(st.Caution, o.text)
		case warningNode:
			st.Warnings = append(st.Warnings, o.text)
		default:
			st.Prose = join(st.Prose, o.text)
		}
	}
	if sh.command != nil && !p.book.Annotated {
		st.Judged = p.judged(sh.command, st.Command)
	}
	d.confirm(m, names)
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
	d.current, d.currentBlock, d.loose = f, b, nil
}

// runnable makes the fence itself.
func (d *drafting) runnable(b *block, m marks) *Fence {
	p := d.p
	ctx := p.inherit(m, d.ctx)
	f := &Fence{Pos: p.pos(b.at), Form: Script, Lang: b.lang, Body: b.body, On: ctx.on, Dir: ctx.dir, Timeout: ctx.timeout, Poll: p.poll(m)}
	p.bracesInCommand(b, p.visible(ctx.scope, ctx.on))
	p.shell(b, f)
	return f
}

// assertion takes an expect or a capture: of the fence above it, or, with none
// above, over variables alone.
func (d *drafting) assertion(b *block, m marks) {
	p := d.p
	f := d.current
	if f == nil {
		f = d.overVariables(b, m)
	} else if pair, ok := m.values["on"]; ok {
		p.errorAt(pair.At, "misplaced", "on can't stand here: the fence above says where it runs", "put it on the fence above")
	}
	names := p.visible(d.ctx.scope, f.On)
	switch {
	case b.kind == expectFence && f.ExpectText != "", b.kind == captureFence && f.CaptureText != "":
		p.errorAt(b.at, "twice", "the fence above has "+article(b.kind)+" already", "write the lines into one fence")
	case b.kind == expectFence:
		expect, problems := checks.CompileExpect(b.body, names, checks.OfScript)
		p.expressions(b, problems)
		f.Expect, f.ExpectText = expect, b.body
	default:
		d.capture(b, f, names)
	}
}

func article(k fenceKind) string {
	if k == expectFence {
		return "an expect"
	}
	return "a capture"
}

func (d *drafting) overVariables(b *block, m marks) *Fence {
	if d.loose != nil {
		return d.loose
	}
	for _, key := range []string{"cwd", "timeout"} {
		if pair, ok := m.values[key]; ok {
			d.p.errorAt(pair.At, "misplaced", key+" on a check that runs nothing", "remove it")
		}
	}
	ctx := d.p.inherit(m, d.ctx)
	d.loose = &Fence{Pos: d.p.pos(b.at), On: ctx.on}
	d.step.Before = append(d.step.Before, d.loose)
	return d.loose
}

func (d *drafting) capture(b *block, f *Fence, names checks.Names) {
	p := d.p
	if d.currentBlock != nil && d.currentBlock.rollback {
		p.errorAt(b.at, "misplaced", "a rollback captures nothing", "capture the value in the step")
		return
	}
	capture, problems := checks.CompileCapture(b.body, names, checks.OfScript)
	p.expressions(b, problems)
	f.Capture, f.CaptureText = capture, b.body
	if capture == nil {
		return
	}
	types := capture.Types()
	for _, name := range capture.Names() {
		p.declare(d.ctx.scope, f.On, name, types[name], p.captureAt(b, name))
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

// expressions reports what is wrong with the lines of a fence.
func (p *parser) expressions(b *block, problems []checks.Problem) {
	body := strings.Split(b.body, "\n")
	for _, problem := range problems {
		at := b.at
		if n := problem.Line - 1; n >= 0 && n < len(b.lines) {
			at = min(b.lines[n]+byteColumn(body[n], problem.Col), p.lineEnd(b.lines[n]))
		}
		rule := "expression"
		if strings.HasPrefix(problem.Text, "not yet") {
			rule = "not-yet"
		}
		p.errorAt(at, rule, problem.Text, expressionRemedy(problem))
	}
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
func (d *drafting) finish(m marks) {
	p, st := d.p, d.step
	switch {
	case st.Command != nil:
		st.Kind = Run
		st.Irreversible = st.Irreversible || d.ctx.irreversible
		st.Idempotent = st.Idempotent || m.has("idempotent")
	case len(st.Before) > 0:
		st.Kind = Check
	default:
		st.Kind = Manual
		st.Irreversible = m.has("irreversible")
	}
	if at, ok := m.classes["idempotent"]; ok && st.Command == nil {
		p.errorAt(at, "misplaced", "the class .idempotent on a step without a command", "remove it")
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

// confirm settles the phrase of the step's gate.
func (d *drafting) confirm(m marks, names checks.Names) {
	p, st := d.p, d.step
	pair, own := m.values["confirm"]
	st.Confirm = p.templateValue(m, "confirm", names)
	switch {
	case own && !st.Gated():
		p.errorAt(pair.At, "confirm-without-gate", "confirm on a step that has no gate", "write > [!CAUTION] into the step, or give the command the class .irreversible")
	case !own && st.Gated() && (st.Rollback == nil || st.Irreversible):
		st.Confirm = p.phrase()
	}
}
