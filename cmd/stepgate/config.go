package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"stepgate/checks"
	"stepgate/runbook/conf"
	"stepgate/runbook/text"
	"stepgate/tui"
	"stepgate/tui/keys"
	"stepgate/tui/theme"
)

// projectFile is the configuration of a directory and what is below it.
const projectFile = ".stepgate.toml"

// config is what the configuration files say; docs/config.md tells what each key
// means.
type config struct {
	operator  string
	inventory string
	theme     string // auto, dark, light or none; empty: auto
	ascii     *bool
	keys      map[string][]string
	bell      *bool
	osc9      *bool
	after     *time.Duration
	keymap    keys.Map

	read    []string          // the files that were read, the user's first
	ignored map[string]string // files that weren't, and why
	from    map[string]string // by key: the file that set it
}

// userConfig is where the user's configuration is.
func userConfig() string {
	xdg.Reload() // asked anew: the environment decides
	return filepath.Join(xdg.ConfigHome, "stepgate", "config.toml")
}

// loadConfig reads the user's configuration, and those of the project from the
// outermost directory inwards: the nearest wins, key by key.
func loadConfig() (*config, error) {
	c := &config{ignored: map[string]string{}, from: map[string]string{}}
	var problems []error
	problems = append(problems, c.file(userConfig(), false))
	for _, path := range projectFiles() {
		if why := foreign(path); why != "" {
			c.ignored[path] = why
			continue
		}
		problems = append(problems, c.file(path, true))
	}
	err := errors.Join(problems...)
	if err == nil {
		c.keymap, err = keys.Default().With(c.keys)
		if err != nil {
			err = text.WithHint(fmt.Errorf("%s: %w", c.from["keys"], err), text.HintOf(err))
		}
	}
	if err != nil {
		hint := cmp.Or(text.HintOf(err), "docs/config.md tells every key; `stepgate doctor` says which files are read")
		return nil, exitWith(exitUsage, text.WithHint(err, hint))
	}
	return c, nil
}

// configures reads the configuration before a command. What only reads a journal or a
// runbook works whatever stands there.
func (s streams) configures(cmd *cobra.Command, _ []string) error {
	c, err := loadConfig()
	if slices.Contains(reading, cmd.Name()) {
		if err != nil {
			return nil
		}
		c.ignored = nil // it is said where it matters
	}
	if err != nil {
		return err
	}
	*s.conf = *c
	for _, path := range slices.Sorted(maps.Keys(c.ignored)) {
		_, _ = fmt.Fprintf(s.err, "stepgate: configuration %q isn't read: %s\n", path, c.ignored[path])
	}
	if os.Getenv(operatorVariable) == "" && c.operator != "" {
		if err := os.Setenv(operatorVariable, c.operator); err != nil {
			return fmt.Errorf("take the operator's name: %w", err)
		}
	}
	return c.presets(cmd)
}

// presets sets the flags that the configuration has a value for.
func (c *config) presets(cmd *cobra.Command) error {
	f := cmd.Flags().Lookup("inventory")
	if f == nil || f.Changed || c.inventory == "" || cmd.Flags().Lookup("extra-var") == nil {
		return nil
	}
	if lab := cmd.Flags().Lookup("lab"); lab != nil && lab.Changed {
		return nil
	}
	if _, err := os.Stat(c.inventory); err != nil {
		return exitWith(exitUsage, text.WithHint(fmt.Errorf("read the inventory that %q names: %w", c.from["inventory"], err),
			"correct it there, or name another with -i FILE"))
	}
	return f.Value.Set(c.inventory)
}

// reading are the commands that only read, and those that complete others.
var reading = []string{
	"doctor", "export", "fmt", "help", "lint", "list", "show", "timeline", "verify", "version",
	"bash", "zsh", "fish", "powershell", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd,
}

// projectFiles are the configurations of the current directory and those above it,
// the outermost first.
func projectFiles() (paths []string) {
	dir, err := os.Getwd()
	if err != nil {
		return nil
	}
	for {
		path := filepath.Join(dir, projectFile)
		if _, err := os.Lstat(path); err == nil {
			paths = append(paths, path)
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	slices.Reverse(paths)
	return paths
}

// foreign says why a project's configuration isn't trusted: somebody else could
// have put it there, as into /tmp.
func foreign(path string) string {
	for _, look := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} { // a link, and what it leads to
		fi, err := look(path)
		if err != nil {
			return err.Error()
		}
		if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() && st.Uid != 0 {
			return fmt.Sprintf("it belongs to user id %d, and you are %d", st.Uid, os.Geteuid())
		}
		if fi.Mode().Type() != fs.ModeSymlink && fi.Mode().Perm()&0o002 != 0 {
			return fmt.Sprintf("everybody can write it (mode %04o)", fi.Mode().Perm())
		}
	}
	return ""
}

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

// themeOptions is what the terminal can show and the operator wants.
func (c *config) themeOptions() theme.Options {
	o := theme.Options{NoColor: noColour(), ASCII: os.Getenv("STEPGATE_ASCII") == "1" || !utf8Locale()}
	if c.ascii != nil && os.Getenv("STEPGATE_ASCII") == "" {
		o.ASCII = *c.ascii
	}
	switch c.theme {
	case "none":
		o.NoColor = true
	case "dark", "light":
		o.Fixed, o.Light = true, c.theme == "light"
	}
	return o
}

// noColour is the environment's wish for no colours, as no-color.org and CLICOLOR
// have it.
func noColour() bool {
	return os.Getenv("NO_COLOR") != "" || os.Getenv("CLICOLOR") == "0" && os.Getenv("CLICOLOR_FORCE") == ""
}

// longEnough is how long something has to have run for a person to be called behind it,
// unless the configuration says otherwise.
const longEnough = 30 * time.Second

// notify is how a person is called who is needed: by everything that isn't switched off.
func (c *config) notify() tui.Notify {
	n := tui.Notify{Bell: c.bell == nil || *c.bell, OSC9: c.osc9 == nil || *c.osc9, After: longEnough}
	if c.after != nil {
		n.After = *c.after
	}
	return n
}

// screen is what every screen needs of its surroundings.
func (s streams) screen() tui.Options {
	return tui.Options{In: s.in, Out: s.out, Theme: s.conf.themeOptions(), Keys: s.conf.keymap, Notify: s.conf.notify()}
}
