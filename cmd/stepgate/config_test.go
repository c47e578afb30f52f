package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stepgate/tui"
	"stepgate/tui/keys"
	"stepgate/tui/theme"
)

// atHome gives the test a configuration directory, a state directory and a current
// directory of its own.
func atHome(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	work := filepath.Join(dir, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The name that was given is found again, above whatever stood in the file, and a link
// to where the file is kept stays a link.
func TestKeepOperator(t *testing.T) {
	dir := atHome(t)
	for _, name := range []string{"李伟", `Ann "the op" O'Neil \ co`} {
		if err := os.RemoveAll(filepath.Join(dir, "config")); err != nil {
			t.Fatal(err)
		}
		if err := keepOperator(name); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig()
		if err != nil || c.operator != name {
			t.Errorf("kept %q, read %+v, %v", name, c, err)
		}
		fi, err := os.Stat(userConfig())
		if err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("the file has mode %v, %v", fi, err)
		}
	}
	dots := filepath.Join(dir, "dots", "stepgate.toml")
	write(t, dots, "theme = \"light\"\n[notify]\nbell = false\n")
	if err := os.Remove(userConfig()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dots, userConfig()); err != nil {
		t.Fatal(err)
	}
	if err := keepOperator("li"); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig()
	if err != nil || c.operator != "li" || c.theme != "light" || c.bell == nil || *c.bell {
		t.Errorf("read %+v, %v", c, err)
	}
	if fi, err := os.Lstat(userConfig()); err != nil || fi.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is gone: %v, %v", fi, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", ".config-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestThemeOfTheConfiguration(t *testing.T) {
	atHome(t)
	t.Setenv("NO_COLOR", "")
	t.Setenv("LC_ALL", "C.UTF-8")
	for src, want := range map[string]theme.Options{
		"":                  {},
		"theme = \"auto\"":  {},
		"theme = \"dark\"":  {Fixed: true},
		"theme = \"light\"": {Fixed: true, Light: true},
		"theme = \"none\"":  {NoColor: true},
		"ascii = true":      {ASCII: true},
	} {
		write(t, userConfig(), src)
		c, err := loadConfig()
		if err != nil {
			t.Fatal(err)
		}
		if got := c.themeOptions(); got != want {
			t.Errorf("%s: %+v, want %+v", src, got, want)
		}
	}
	t.Setenv("STEPGATE_ASCII", "1")
	write(t, userConfig(), "ascii = false")
	if c, err := loadConfig(); err != nil || !c.themeOptions().ASCII {
		t.Errorf("STEPGATE_ASCII doesn't come first: %v", err)
	}
}

func TestNotificationsOfTheConfiguration(t *testing.T) {
	atHome(t)
	for src, want := range map[string]tui.Notify{
		"":                                       {Bell: true, OSC9: true, After: 30 * time.Second},
		"[notify]\nbell = false\nafter = \"2m\"": {OSC9: true, After: 2 * time.Minute},
		"[notify]\nosc9 = false":                 {Bell: true, After: 30 * time.Second},
	} {
		write(t, userConfig(), src)
		c, err := loadConfig()
		if err != nil {
			t.Fatal(err)
		}
		if got := c.notify(); got != want {
			t.Errorf("%q: %+v, want %+v", src, got, want)
		}
	}
}

func TestKeysOfTheConfiguration(t *testing.T) {
	atHome(t)
	write(t, userConfig(), "[keys]\nmatrix = [\"W\", \"f2\"]\nretry = \"ctrl+r\"\n")
	c, err := loadConfig()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]keys.ID{"f2": keys.Matrix, "ctrl+r": keys.Retry, "r": 0} {
		if b, _ := c.keymap.Lookup(keys.InRun, key); b.ID != want {
			t.Errorf("%q does %q, want %q", key, b.ID, want)
		}
	}
}

// What the home screen says of how a choice ended: nothing, when it only waits.
func TestTrouble(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{exitWith(exitWaiting, nil), ""},
		{exitWith(exitFailed, nil), ""},
		{exitWith(exitAborted, errors.New("left at the preflight")), ""},
		{fmt.Errorf("ask for values: %w", tui.ErrCancelled), ""},
		{fmt.Errorf("ask for values: %w", context.Canceled), ""},
		{usage("do this", "read value: %w", errors.New("it is bad")), "read value: it is bad\n\ndo this"},
		{held(errors.New("no lease"), "r1"), "no lease"},
	} {
		if got := troubleOf(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
