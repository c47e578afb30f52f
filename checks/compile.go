package checks

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/patcher"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// expression is one compiled statement. Its programs are made when they are
// first needed: a runbook is read far more often than each of its lines is
// judged.
type expression struct {
	statement
	node ast.Node // as parsed, never changed: programs are made from rewritten copies
	typ  reflect.Type
	uses map[string]bool
	refs []Reference

	once sync.Once
	made programs
	in   *compiler // as it stood at this line; nil once linked
}

// programs are what an expression is evaluated by.
type programs struct {
	program *vm.Program
	explain explanation // nil where there is nothing to show
	err     error       // it can't be evaluated at all
}

func (e *expression) linked() programs {
	e.once.Do(func() {
		if e.made.program, e.made.err = e.in.link(e.node); e.made.err == nil {
			e.made.explain = e.in.explanation(e.node, func(n ast.Node) ast.Node { return n })
		}
		e.in = nil
	})
	return e.made
}

// binding is a name given by a let line, or by an earlier capture.
type binding struct {
	typ  reflect.Type
	node ast.Node
}

// compiler holds what the lines of one fence share.
type compiler struct {
	names    Names
	of       Kind         // what is observed
	cfg      *conf.Config // of the last statement; nil: a name has been bound since
	versions bool         // a name in cfg is a version
	bound    map[string]binding
	problems []Problem
}

func newCompiler(n Names, of Kind) *compiler {
	return &compiler{names: n, of: of, bound: map[string]binding{}}
}

// withheld are functions of expr-lang that would make a verdict depend on more
// than the observation, or get around its rules.
var withheld = map[string]string{
	"now":      "expressions see no clock; compare what the command printed",
	"date":     "expressions see no calendar; compare what the command printed",
	"timezone": "expressions see no calendar; compare what the command printed",
	"get":      "write a?.b or a?.[i] for what may be missing",
}

// functions are all names that can be called.
var functions = func() map[string]bool {
	out := map[string]bool{}
	for _, f := range builtin.Builtins {
		out[f.Name] = true
	}
	for _, name := range helpers {
		out[name] = true
	}
	return out
}()

// config is what the parser and the type checker know of one expression: names,
// types and functions, none of which is ever run.
func (c *compiler) config(src string) *conf.Config {
	if c.cfg == nil {
		c.cfg, c.versions = c.named()
	}
	cfg := c.cfg
	cfg.Visitors = nil
	// Each visitor costs a walk with types: only those that can find something.
	if strings.Contains(src, "monitor") {
		cfg.Visitors = append(cfg.Visitors, typedMonitor{})
	}
	if c.versions || strings.Contains(src, "version") {
		for _, op := range []string{"<", "<=", ">", ">=", "==", "!="} {
			cfg.Visitors = append(cfg.Visitors, &patcher.OperatorOverloading{
				Operator: op, Overloads: []string{"__versions"}, Env: &cfg.Env, Functions: cfg.Functions, NtCache: &cfg.NtCache,
			})
		}
	}
	return cfg
}

// named is the part that all statements share until a name is bound, and
// whether any name is a version.
func (c *compiler) named() (cfg *conf.Config, versions bool) {
	known := declared()
	cfg = &conf.Config{
		ShortCircuit: true, MaxNodes: conf.DefaultMaxNodes,
		ConstFns: known.ConstFns, Functions: known.Functions, Builtins: known.Builtins, Disabled: known.Disabled,
	}
	env := types.Map{"host": types.String}
	for name, t := range shows[c.of] {
		env[name] = t
	}
	for name, t := range c.names {
		env[name] = staticType(t)
	}
	for name, b := range c.bound {
		env[name] = types.Any
		if b.typ != nil && b.typ.Kind() != reflect.Interface {
			env[name] = types.TypeOf(reflect.Zero(b.typ).Interface())
		}
		versions = versions || b.typ == reflect.TypeFor[Version]()
	}
	cfg.WithEnv(env)
	return cfg, versions
}

// declared are the functions of every expression. Nobody writes to its tables.
var declared = sync.OnceValue(func() *conf.Config {
	cfg := conf.CreateNew()
	for name := range withheld {
		cfg.Disabled[name] = true
		delete(cfg.Builtins, name)
	}
	declare(cfg, "table", new(func(string) []map[string]string), new(func(string, string) []map[string]string))
	declare(cfg, "regex", new(func(string, string) string))
	declare(cfg, "number", new(func(string) float64), new(func(float64) float64))
	declare(cfg, "quantity", new(func(string) float64), new(func(float64) float64))
	declare(cfg, "version", new(func(string) Version))
	declare(cfg, "hosts", new(func(string) []map[string]any))
	declare(cfg, "ran", new(func(string) bool))
	declare(cfg, "ok", new(func(string) bool))
	declareMonitor(cfg)
	declareDiff(cfg)
	declare(cfg, "fromJSON", new(func(string) any))
	declare(cfg, "__versions", new(func(Version, Version) bool))
	return cfg
})

func declare(cfg *conf.Config, name string, signatures ...any) {
	f := &builtin.Function{Name: name, Func: func(...any) (any, error) { return nil, errors.New("not run") }}
	for _, s := range signatures {
		f.Types = append(f.Types, reflect.TypeOf(s).Elem())
	}
	cfg.Functions[name] = f
}

func staticType(t Type) types.Type {
	switch t {
	case String:
		return types.String
	case Int:
		return types.Int
	case Number:
		return types.Float64
	case Bool:
		return types.Bool
	case Duration:
		return types.TypeOf(time.Duration(0))
	case List:
		return types.TypeOf([]any{})
	case Any:
	}
	return types.Any
}

// typeOf is the inverse of staticType, for what a capture will hold.
func typeOf(t reflect.Type) Type {
	switch {
	case t == nil:
		return Any
	case t == reflect.TypeFor[time.Duration]():
		return Duration
	case t == reflect.TypeFor[Version]():
		return String
	}
	switch t.Kind() {
	case reflect.String:
		return String
	case reflect.Int, reflect.Int64:
		return Int
	case reflect.Float64:
		return Number
	case reflect.Bool:
		return Bool
	case reflect.Slice, reflect.Array:
		return List
	default:
		return Any
	}
}

func (c *compiler) problem(s statement, offset int, text, remedy string) {
	line, col := s.at(offset)
	c.problems = append(c.problems, Problem{line, col, text, remedy})
}

// compile checks one statement and makes its program; nil if it has problems.
func (c *compiler) compile(s statement) *expression {
	cfg := c.config(s.src)
	tree, err := parser.ParseWithConfig(s.src, cfg)
	if err != nil {
		c.syntax(s, err)
		return nil
	}
	e := &expression{statement: s, uses: map[string]bool{}}
	if !c.resolve(e, tree.Node) {
		return nil
	}
	if e.typ, err = new(checker.Checker).PatchAndCheck(tree, cfg); err != nil {
		c.mismatch(s, err)
		return nil
	}
	// Type checking leaves types and overloads in the tree; programs are made
	// from a tree that has neither.
	fresh, err := parser.ParseWithConfig(s.src, cfg)
	if err != nil {
		c.syntax(s, err)
		return nil
	}
	e.node, e.in = fresh.Node, &compiler{names: c.names, of: c.of, bound: maps.Clone(c.bound)}
	return e
}

func (c *compiler) syntax(s statement, err error) {
	var f *file.Error
	if !errors.As(err, &f) {
		c.problem(s, 0, firstLine(err.Error()), "")
		return
	}
	text, remedy := f.Message, ""
	if strings.Contains(text, "unexpected token") && strings.Contains(text, `"="`) {
		remedy = "compare with =="
	}
	c.problem(s, f.From, text, remedy)
}

var mismatched = regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types? (.+)\)$`)

// mismatch words a complaint of the type checker.
func (c *compiler) mismatch(s statement, err error) {
	var f *file.Error
	if !errors.As(err, &f) {
		c.problem(s, 0, firstLine(err.Error()), "")
		return
	}
	text, remedy := kinds.Replace(f.Message), ""
	if m := mismatched.FindStringSubmatch(f.Message); m != nil {
		text = fmt.Sprintf("%s can't be used on %s", m[1], kinds.Replace(m[2]))
		remedy = "compare things of one kind"
		switch {
		case strings.Contains(m[2], "Version"):
			remedy = `write version("…") on both sides`
		case strings.Contains(m[2], "Duration"):
			remedy = `write duration("60s") for a span of time`
		case strings.Contains(m[2], "string") && (strings.Contains(m[2], "int") || strings.Contains(m[2], "float64")):
			remedy = "write number(…) around the text, or quote the number"
		}
	}
	if strings.HasPrefix(text, "array elements can only be selected") {
		text, remedy = "a list has no members, its items have", "write list[0].name for the first, or all(list, .name == …) for all"
	}
	c.problem(s, f.From, text, remedy)
}

// kinds are the words for Go types.
var kinds = strings.NewReplacer("[]map[string]string", "a table", "map[string]string", "a table row", "[]map[string]interface {}", "a list of hosts",
	"map[string]interface {}", "a map", "[]interface {}", "a list", "[]string", "a list of strings", "interface {}", "any",
	"time.Duration", "duration", "checks.Version", "version", "float64", "number", "unknown", "any")

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// free tells whether a let or capture may take the name.
func (c *compiler) free(name string) bool {
	_, named := c.names[name]
	_, bound := c.bound[name]
	_, reserved := Reserved(name)
	return !named && !bound && !reserved
}

// known lists every name an expression may use here.
func (c *compiler) known() []string {
	out := append(keys(c.names), "host")
	out = append(out, keys(c.bound)...)
	out = append(out, keys(shows[c.of])...)
	sort.Strings(out)
	return slices.Compact(out)
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
