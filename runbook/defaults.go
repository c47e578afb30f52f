package runbook

import (
	"time"

	"stepgate/checks"
	"stepgate/runbook/conf"
)

// header is the front matter of one file.
type header struct {
	title, summary, confirm string

	params  []Param
	values  map[string]checks.Type // parameters that have a value from the start
	secrets map[string]bool
	asked   map[string]*Param // parameters that a step asks for
	// defaults are the attributes that everything in the file inherits; nil: none.
	defaults func(context) context
}

func newHeader() *header {
	return &header{values: map[string]checks.Type{}, secrets: map[string]bool{}}
}

var defaultKeys = []string{"on", "cwd", "user", "timeout", "when", "env", "login"}

// defaults are attributes that everything inherits.
func (f matter) defaults(e conf.Entry) {
	table := f.table(e)
	f.p.head.defaults = func(ctx context) context {
		for _, one := range table {
			ctx = f.inherited(one, ctx)
		}
		return ctx
	}
}

func (f matter) inherited(e conf.Entry, ctx context) context {
	p := f.p
	seen := p.sight(ctx.scope, ctx.on)
	text := func(key string) string {
		s := f.str(e)
		p.templatesIn(s, seen, fixed(f.pos(e.At)))
		return s
	}
	switch e.Key {
	case "on":
		if ctx.on = f.str(e); !hostForm.MatchString(ctx.on) {
			f.wrong(e, "the name of a group or a host")
		}
	case "cwd":
		ctx.dir = text("cwd")
	case "user":
		ctx.user = text("user")
	case "login":
		login, ok := e.Value.(bool)
		if ctx.login = login; !ok {
			f.wrong(e, "true or false")
		}
	case "timeout":
		d, err := time.ParseDuration(f.str(e))
		if err != nil || d <= 0 {
			f.wrong(e, "a length of time such as 30s or 5m")
		}
		ctx.timeout, ctx.timeoutFrom = d, ""
	case "when":
		if when := f.expr(e, "when", ctx, checks.Bool); when != nil {
			ctx.when = when
		}
	case "env":
		for _, one := range f.table(e) {
			if why := badVariable(one.Key); why != "" {
				f.errorAt(one.At, "value", "env."+one.Key+" "+why, "choose another name, such as MY_VALUE")
			} else if value := f.expr(one, "env."+one.Key, ctx, checks.Any); value != nil {
				ctx = ctx.with(EnvVar{Name: one.Key, Value: value})
			}
		}
	default:
		f.errorAt(e.At, "unknown-key", "[defaults] has no key "+quote(e.Key), meant(e.Key, defaultKeys))
	}
	return ctx
}

// expr compiles an expression of the front matter.
func (f matter) expr(e conf.Entry, what string, ctx context, want checks.Type) *Expr {
	from := f.p.from(ctx, ctx.on)
	from.src, from.at = f.str(e), fixed(f.pos(e.At))
	return f.p.value(what, from, func(names checks.Names) (*checks.Value, []checks.Problem) {
		return checks.CompileValue(from.src, names, want)
	})
}
