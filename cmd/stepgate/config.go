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
	"syscall"
	"time"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

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
