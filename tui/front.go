package tui

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"stepgate/tui/keys"
	"stepgate/tui/pane"
	"stepgate/tui/theme"
)

// The smallest screen on which a run can be chosen and its values be entered.
const (
	frontWidth  = 44
	frontHeight = 12
)

// front is what the screens share that stand before a run: the terminal's size and
// colours, the keys, and the page of keys.
type front struct {
	o     Options
	theme *theme.Theme
	in    keys.Scope
	w, h  int
	help  bool // the page of keys is in front
	page  pane.Scroll
	lines int                // of the page of keys
	words map[keys.ID]string // what keys do now, where the keymap is too general
	word  string             // the screen's last word to the operator
	bad   bool               // it is about something that didn't work
}

func newFront(o Options, in keys.Scope) front {
	o = o.withDefaults()
	return front{o: o, theme: theme.New(o.Theme), in: in}
}

// Init asks the terminal for its background.
func (f *front) Init() tea.Cmd {
	if f.o.Theme.NoColor || f.o.Theme.Fixed {
		return nil
	}
	return tea.RequestBackgroundColor
}

// surroundings takes what the terminal says of itself.
func (f *front) surroundings(msg tea.Msg) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		f.w, f.h = m.Width, m.Height
	case tea.BackgroundColorMsg, tea.ColorProfileMsg:
		f.o.Theme, _ = appearance(f.o.Theme, msg)
		f.theme = theme.New(f.o.Theme)
	}
}

func (f *front) small() bool { return f.w < frontWidth || f.h < frontHeight }

func (f *front) say(word string, bad bool) { f.word, f.bad = word, bad }

// view is a whole screen: a title, the body, the last word, the keys.
func (f *front) view(title, right string, body func(w, h int) string, foot []string) tea.View {
	v := tea.NewView(f.frame(title, right, body, foot))
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "stepgate: " + title
	return v
}

func (f *front) frame(title, right string, body func(w, h int) string, foot []string) string {
	t := f.theme
	switch {
	case f.w <= 0 || f.h <= 0:
		return ""
	case f.small():
		out := f.o.Keys.Bound(f.in, keys.Interrupt)
		text := "This terminal is too small. " + keys.Name(out.Keys[0], "enter") + " leaves."
		return fill(pane.Wrap(text, f.w), f.w, f.h)
	case f.help:
		body, foot = f.keyPage, f.foot(keys.InHelp, keys.Cancel)
	}
	head := pane.Row(" "+t.Accent.Render("stepgate")+"  "+t.Strong.Render(title), right+" ", f.w, t.Glyph.Ellipsis)
	word := t.Muted.Render(f.word)
	if f.bad {
		word = t.Bad.Render(f.word)
	}
	lines := append([]string{head, ""}, strings.Split(body(f.w, f.h-4), "\n")...)
	lines = append(lines, pane.Cut(" "+word, f.w, t.Glyph.Ellipsis), pane.Cut(" "+strings.Join(foot, t.Faint.Render(" "+t.Glyph.Dot+" ")), f.w, ""))
	return fill(lines, f.w, f.h)
}

// bodyTop is the screen's line at which the body begins.
const bodyTop = 2

// foot is the keys of a scope that are shown, as far as there is room. The last of
// them is never squeezed out.
func (f *front) foot(in keys.Scope, ids ...keys.ID) []string {
	t := f.theme
	var parts []string
	used := 0
	part := func(id keys.ID) (string, int) {
		b := f.o.Keys.Bound(in, id)
		k, word := keys.Name(b.Keys[0], t.Glyph.Enter), b.Short
		if now := f.words[id]; now != "" {
			word = now
		}
		return t.Key.Render(k) + " " + t.Muted.Render(word), ansi.StringWidth(k+word) + 4
	}
	last, room := part(ids[len(ids)-1])
	for _, id := range ids[:len(ids)-1] {
		s, n := part(id)
		if used+n > f.w-room {
			break
		}
		used += n
		parts = append(parts, s)
	}
	return append(parts, last)
}

// keyPage is the page of keys.
func (f *front) keyPage(w, h int) string {
	iw, ih := pane.Inner(w, h)
	var lines []string
	for _, b := range f.o.Keys.Bindings() {
		if !slices.Contains(b.In, f.in) {
			continue
		}
		var names []string
		for _, k := range b.Keys {
			names = append(names, keys.Name(k, "enter"))
		}
		head := "  " + f.theme.Key.Render(pane.Fit(strings.Join(names, " "), 16, ""))
		for i, l := range pane.Wrap(b.Long, max(iw-18, 10)) {
			if i > 0 {
				head = strings.Repeat(" ", 18)
			}
			lines = append(lines, head+f.theme.Text.Render(l))
		}
	}
	f.lines = len(lines)
	box := pane.Box{Title: "Keys", Focus: true, Scroll: &f.page}
	return box.Render(f.theme, f.page.Window(lines, ih), w, h)
}

// helpKey takes a key while the page of keys is in front.
func (f *front) helpKey(k tea.KeyPressMsg) {
	_, room := pane.Inner(f.w, f.h-4)
	b, _ := f.o.Keys.Lookup(keys.InHelp, k.String())
	switch b.ID {
	case keys.Up:
		f.page.By(-1, f.lines, room)
	case keys.Down:
		f.page.By(1, f.lines, room)
	case keys.PageUp:
		f.page.By(-room, f.lines, room)
	case keys.PageDown:
		f.page.By(room, f.lines, room)
	default:
		f.help = false
	}
}

// countOf is a number as a word where that reads better.
func countOf(n int) string {
	if words := [...]string{"none", "one", "two", "three", "four", "five", "six"}; n < len(words) {
		return words[n]
	}
	return strconv.Itoa(n)
}
