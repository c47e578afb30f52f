package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/adrg/xdg"

	"stepgate/checks"
	"stepgate/runbook/conf"
	"stepgate/runbook/text"
	"stepgate/tui/keys"
)

// maxConfig bounds a configuration file, in bytes.
const maxConfig = 1 << 20

// file reads one file over what is known so far. One that isn't there says nothing.
func (c *config) file(path string, project bool) error {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("read configuration: %w", err)
	case !fi.Mode().IsRegular() || fi.Size() > maxConfig:
		return fmt.Errorf("read configuration %q: it is no file of at most %d bytes", path, maxConfig)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	c.read = append(c.read, path)
	table, p := conf.Read(string(src))
	if p != nil {
		return fmt.Errorf("%s:%d:%d: %s", path, p.At.Line, p.At.Col, p.Text)
	}
	f := &configFile{c, path, project, nil}
	f.table("", table, settings)
	return errors.Join(f.wrong...)
}

// configFile is a file being read.
type configFile struct {
	*config
	path    string
	project bool
	wrong   []error
}

func (f *configFile) bad(e conf.Entry, format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Errorf("%s:%d:%d: %s", f.path, e.At.Line, e.At.Col, fmt.Sprintf(format, args...)))
}

// setting is a key of the configuration.
type setting struct {
	mine  bool // only the user's own file may set it
	below map[string]setting
	take  func(*configFile, conf.Entry)
}

// settings is every key.
var settings = map[string]setting{
	"operator":  {mine: true, take: func(f *configFile, e conf.Entry) { f.text(e, &f.operator) }},
	"inventory": {take: (*configFile).inventoryFile},
	"theme":     {take: func(f *configFile, e conf.Entry) { f.oneOf(e, &f.theme, "auto", "dark", "light", "none") }},
	"ascii":     {take: func(f *configFile, e conf.Entry) { f.flag(e, &f.ascii) }},
	"keys":      {mine: true, take: (*configFile).keyTable},
	"notify": {below: map[string]setting{
		"bell":  {take: func(f *configFile, e conf.Entry) { f.flag(e, &f.bell) }},
		"osc9":  {take: func(f *configFile, e conf.Entry) { f.flag(e, &f.osc9) }},
		"after": {take: func(f *configFile, e conf.Entry) { f.duration(e, &f.after) }},
	}},
}

// table takes the entries of a table whose keys are known.
func (f *configFile) table(under string, t conf.Table, known map[string]setting) {
	for _, e := range t {
		name := under + e.Key
		s, ok := known[e.Key]
		sub, isTable := e.Value.(conf.Table)
		switch {
		case !ok:
			f.unknown(e, name, known)
		case s.mine && f.project:
			f.bad(e, "%s may only be set in your own configuration, %s", name, userConfig())
		case s.below != nil && isTable:
			f.table(name+".", sub, s.below)
		case s.below != nil:
			f.bad(e, "%s is a table: [%s]", name, name)
		default:
			f.from[name] = f.path
			s.take(f, e)
		}
	}
}

func (f *configFile) unknown(e conf.Entry, name string, known map[string]setting) {
	var names []string
	for k := range known {
		names = append(names, k)
	}
	slices.Sort(names)
	if did := checks.Did(e.Key, names); did != "" {
		f.bad(e, "unknown key %q; did you mean %s?", text.Line(text.Untrusted(name)), did)
		return
	}
	f.bad(e, "unknown key %q; known here: %s", text.Line(text.Untrusted(name)), strings.Join(names, ", "))
}

func (f *configFile) text(e conf.Entry, into *string) {
	s, ok := e.Value.(string)
	if !ok || strings.TrimSpace(s) == "" {
		f.bad(e, "%s is a text", e.Key)
		return
	}
	*into = s
}

func (f *configFile) oneOf(e conf.Entry, into *string, words ...string) {
	s, ok := e.Value.(string)
	if !ok || !slices.Contains(words, s) {
		f.bad(e, "%s is one of %s", e.Key, strings.Join(words, ", "))
		return
	}
	*into = s
}

func (f *configFile) flag(e conf.Entry, into **bool) {
	b, ok := e.Value.(bool)
	if !ok {
		f.bad(e, "%s is true or false", e.Key)
		return
	}
	*into = &b
}

func (f *configFile) duration(e conf.Entry, into **time.Duration) {
	s, _ := e.Value.(string)
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		f.bad(e, "%s is a duration like \"30s\" or \"2m\"", e.Key)
		return
	}
	*into = &d
}

// inventoryFile takes the inventory that is used where none is named. Its path goes
// by the directory of the configuration.
func (f *configFile) inventoryFile(e conf.Entry) {
	f.text(e, &f.inventory)
	f.inventory = fromHome(f.inventory)
	if f.inventory != "" && !filepath.IsAbs(f.inventory) {
		f.inventory = filepath.Join(filepath.Dir(f.path), f.inventory)
	}
}

// fromHome is a path that may begin at the home directory, where no shell has read it.
func fromHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(xdg.Home, rest)
	}
	return path
}

// keyTable takes other keys for what the screen does: a key, or a list of them.
func (f *configFile) keyTable(e conf.Entry) {
	t, ok := e.Value.(conf.Table)
	if !ok {
		f.bad(e, "keys is a table: [keys]")
		return
	}
	if f.keys == nil {
		f.config.keys = map[string][]string{}
	}
	known := keyNames()
	for _, k := range t {
		if _, ok := known[k.Key]; !ok {
			f.unknown(k, "keys."+k.Key, known)
			continue
		}
		list, ok := k.Value.([]any)
		if s, one := k.Value.(string); one {
			list, ok = []any{s}, true
		}
		var names []string
		for _, v := range list {
			s, isText := v.(string)
			ok = ok && isText && s != ""
			names = append(names, s)
		}
		if !ok || len(names) == 0 {
			f.bad(k, "keys.%s is a key or a list of keys, as \"ctrl+r\"", text.Line(text.Untrusted(k.Key)))
			continue
		}
		f.config.keys[k.Key] = names
	}
}

// keyNames are the names of all keys.
func keyNames() map[string]setting {
	names := map[string]setting{}
	for _, b := range keys.Default().Bindings() {
		names[b.ID.String()] = setting{}
	}
	return names
}
