package tui

import (
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"stepgate/tui/theme"
)

// appearance is what the options become once the terminal has said what it can show,
// and whether that is news.
func appearance(o theme.Options, msg tea.Msg) (theme.Options, bool) {
	before := o
	switch m := msg.(type) {
	case tea.BackgroundColorMsg:
		if !o.Fixed {
			o.Light = !m.IsDark()
		}
	case tea.ColorProfileMsg:
		o.Basic = m.Profile == colorprofile.ANSI
		o.NoColor = o.NoColor || m.Profile < colorprofile.ANSI
	}
	return o, o != before
}

// repaint draws everything anew once the terminal has said what it can show.
func (a *app) repaint(msg tea.Msg) {
	o, news := appearance(a.o.Theme, msg)
	if !news {
		return
	}
	a.o.Theme, a.theme = o, theme.New(o)
	for _, d := range a.dialogs {
		if g, ok := d.(*gateDialog); ok {
			g.d.Paint(a.theme)
		}
	}
}
