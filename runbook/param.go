package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"stepgate/checks"
	"stepgate/runbook/conf"
)

// paramTypes are the types a parameter may have, with what expressions see.
var paramTypes = map[ParamType]checks.Type{
	TypeString: checks.String, TypeInt: checks.Int, TypeNumber: checks.Number, TypeBool: checks.Bool, TypeChoice: checks.String,
	TypeDuration: checks.Duration, TypePath: checks.String, TypeHost: checks.String, TypeList: checks.List,
}

func (f matter) params(e conf.Entry) {
	for _, one := range f.table(e) {
		if why, bad := checks.Reserved(one.Key); bad {
			f.errorAt(one.At, "reserved", "a parameter can't be called "+quote(one.Key)+": "+why, "choose another name")
			continue
		}
		param := f.param(one)
		h := f.p.head
		h.params = append(h.params, param)
		h.values[param.Name] = paramTypes[param.Type]
		if param.Secret {
			h.secrets[param.Name] = true
		}
		f.p.known(param.Name, paramTypes[param.Type])
		if f.p.names.total++; f.p.names.total > maxNames {
			f.p.excess(param.Pos, fmt.Sprintf("%d names", maxNames))
		}
	}
}

func (f matter) param(e conf.Entry) Param {
	param := Param{Pos: f.pos(e.At), Name: e.Key, Type: TypeString, Required: true}
	var pattern, choices, def, required *conf.Entry
	typed := false
	f.each(f.table(e), "[params."+e.Key+"]", map[string]func(conf.Entry){
		"prompt":  func(e conf.Entry) { param.Prompt = f.str(e) },
		"help":    func(e conf.Entry) { param.Help = f.str(e) },
		"type":    func(e conf.Entry) { param.Type, typed = f.paramType(e), true },
		"default": func(e conf.Entry) { def, param.Default, param.HasDef = &e, f.defaultText(e), true },
		"choices": func(e conf.Entry) { choices, param.Choices = &e, f.strings(e) },
		"pattern": func(e conf.Entry) { pattern, param.Pattern = &e, f.str(e) },
		"required": func(e conf.Entry) {
			b, ok := e.Value.(bool)
			if !ok {
				f.wrong(e, "true or false")
			}
			required, param.Required = &e, b
		},
		"secret": func(e conf.Entry) {
			b, ok := e.Value.(bool)
			if !ok {
				f.wrong(e, "true or false")
			}
			param.Secret = b
		},
	})
	if !typed && len(param.Choices) > 0 {
		param.Type = TypeChoice
	}
	if required == nil && param.HasDef {
		param.Required = false
	}
	f.paramChoices(e, param, choices)
	f.paramPattern(param, pattern)
	if def != nil {
		f.paramDefault(*def, param)
	}
	if param.Secret && (def != nil || len(param.Choices) > 0) {
		f.errorAt(e.At, "value", "the secret "+quote(param.Name)+" has a default or choices, which anybody can read here", "remove them")
	}
	return param
}

func (f matter) paramType(e conf.Entry) ParamType {
	t := ParamType(f.str(e))
	if _, ok := paramTypes[t]; !ok {
		var known []string
		for name := range paramTypes {
			known = append(known, string(name))
		}
		f.errorAt(e.At, "value", "unknown type "+quote(string(t)), meant(string(t), known))
		return TypeString
	}
	return t
}

// defaultText reads a default; a list's items stand one a line.
func (f matter) defaultText(e conf.Entry) string {
	if _, ok := e.Value.([]any); !ok {
		return f.text(e)
	}
	out := ""
	for i, item := range f.strings(e) {
		if i > 0 {
			out += "\n"
		}
		out += item
	}
	return out
}

func (f matter) paramChoices(e conf.Entry, param Param, choices *conf.Entry) {
	switch {
	case param.Type == TypeChoice && len(param.Choices) == 0:
		f.errorAt(e.At, "value", "the choice "+param.Name+" has no choices", `add choices = ["one", "two"]`)
	case choices != nil && param.Type != TypeChoice && param.Type != TypeString:
		f.errorAt(choices.At, "value", "a "+string(param.Type)+" has no choices", `write type = "choice", or remove them`)
	}
}

func (f matter) paramPattern(param Param, pattern *conf.Entry) {
	if pattern == nil {
		return
	}
	if _, err := regexp.Compile(param.Pattern); err != nil {
		f.errorAt(pattern.At, "value", "the pattern is no regular expression: "+err.Error(), "see RE2 syntax")
	}
}

// paramDefault checks a default as an entered value would be.
func (f matter) paramDefault(e conf.Entry, param Param) {
	var err error
	ok := true
	switch param.Type {
	case TypeInt:
		_, err = strconv.ParseInt(param.Default, 10, 64)
	case TypeNumber:
		_, err = strconv.ParseFloat(param.Default, 64)
	case TypeBool:
		_, err = strconv.ParseBool(param.Default)
	case TypeDuration:
		_, err = time.ParseDuration(param.Default)
	case TypeString, TypeChoice, TypePath, TypeHost, TypeList:
	}
	if len(param.Choices) > 0 {
		ok = slices.Contains(param.Choices, param.Default)
	}
	if re, bad := regexp.Compile("^(?:" + param.Pattern + ")$"); bad == nil && param.Pattern != "" && param.Type != TypeList {
		ok = ok && re.MatchString(param.Default)
	}
	switch {
	case err != nil:
		f.errorAt(e.At, "value", "the default "+quote(param.Default)+" is no "+string(param.Type), "change the default or the type")
	case !ok:
		f.errorAt(e.At, "value", "the default "+quote(param.Default)+" is not among the values that are allowed", "change the default, the choices or the pattern")
	}
}
