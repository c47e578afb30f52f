package tui

import (
	tea "charm.land/bubbletea/v2"

	"stepgate/tui/keys"
	"stepgate/tui/prompt"
	"stepgate/tui/wording"
)

func (m *home) key(k tea.KeyPressMsg) tea.Cmd {
	b, _ := m.o.Keys.Lookup(keys.InHome, k.String())
	switch {
	case m.small():
		if b.ID == keys.Interrupt {
			return tea.Quit
		}
		return nil
	case m.Trouble != "":
		m.Trouble = ""
		return nil
	case m.help:
		m.helpKey(k)
		return nil
	case m.typing:
		return m.typed(k)
	}
	m.say("", false)
	switch b.ID {
	case keys.Up:
		m.move(-1)
	case keys.Down:
		m.move(1)
	case keys.PageUp:
		m.move(-m.page())
	case keys.PageDown:
		m.move(m.page())
	case keys.Top:
		m.move(-1 << 20)
	case keys.End:
		m.move(1 << 20)
	case keys.NextPane:
		m.list, m.moved = (m.list+1)%lists, true
	case keys.Filter:
		m.typing = true
	case keys.Help:
		m.help = true
	case keys.Enter:
		return m.enter()
	case keys.Watch:
		return m.watch()
	case keys.Demo:
		return m.choose(ToDemo, "")
	case keys.Leave, keys.Interrupt:
		if b.ID == keys.Leave && m.find.Value() != "" {
			m.search("")
			return nil
		}
		return tea.Quit
	default:
	}
	return nil
}

// typed takes a key while the words that are looked for are typed.
func (m *home) typed(k tea.KeyPressMsg) tea.Cmd {
	b, _ := m.o.Keys.Lookup(keys.InPalette, k.String())
	switch b.ID {
	case keys.Cancel, keys.Interrupt:
		m.typing = false
		m.search("")
	case keys.Enter:
		m.typing = false
	case keys.Up:
		m.move(-1)
	case keys.Down:
		m.move(1)
	default:
		m.find.Key(k)
		m.clamp()
	}
	return nil
}

// look4 sets the words that are looked for.
func (m *home) search(words string) {
	m.find = prompt.New(prompt.Config{Value: words})
	m.clamp()
}

// clamp keeps the cursors on what is shown, and gives the keys to a list that shows
// something.
func (m *home) clamp() {
	for i := range m.at {
		m.at[i] = max(min(m.at[i], len(m.shown(i))-1), 0)
	}
	if other := (m.list + 1) % lists; len(m.shown(m.list)) == 0 && len(m.shown(other)) > 0 {
		m.list = other
	}
}

func (m *home) move(n int) {
	m.at[m.list] += n
	m.clamp()
}

func (m *home) page() int { return max((m.places[m.list].h-2)/2-1, 1) }

func (m *home) choose(do Wanted, name string) tea.Cmd {
	m.chosen = Chosen{do, name}
	return tea.Quit
}

// enter resumes the run or begins the runbook under the cursor. A run that can't be
// resumed is only looked at.
func (m *home) enter() tea.Cmd {
	if b, ok := m.book(); ok {
		if b.Problem != "" {
			m.say(wording.Line(b.Problem), true)
			return nil
		}
		return m.choose(ToBegin, b.Name)
	}
	r, ok := m.run()
	switch {
	case !ok:
		return nil
	case r.Problem != "" || r.Holder != "" || r.Closed != "":
		return m.watch()
	}
	return m.choose(ToResume, r.ID)
}

func (m *home) watch() tea.Cmd {
	r, ok := m.run()
	switch {
	case !ok:
		m.say("choose a run to look at it", false)
	case r.Problem != "":
		m.say("it can't be read: "+wording.Line(r.Problem)+"; see: stepgate verify "+r.ID, true)
	default:
		return m.choose(ToWatch, r.ID)
	}
	return nil
}

func (m *home) click(mouse tea.Mouse) tea.Cmd {
	if m.small() || m.help || m.Trouble != "" || mouse.Button != tea.MouseLeft {
		return nil
	}
	for list, d := range m.places {
		line := mouse.Y - d.y - 1
		if mouse.X < d.x || mouse.X >= d.x+d.w || line < 0 || line >= d.h-2 {
			continue
		}
		if line += m.scroll[list].Top; line >= len(d.owner) || d.owner[line] < 0 {
			return nil
		}
		at := d.owner[line]
		if m.list == list && m.at[list] == at {
			return m.enter()
		}
		m.list, m.at[list], m.moved = list, at, true
		m.say("", false)
	}
	return nil
}

func (m *home) wheel(mouse tea.Mouse) {
	n := 1
	switch mouse.Button {
	case tea.MouseWheelUp:
		n = -1
	case tea.MouseWheelDown:
	default:
		return
	}
	for list, d := range m.places {
		if mouse.X >= d.x && mouse.X < d.x+d.w && mouse.Y >= d.y && mouse.Y < d.y+d.h {
			m.list, m.moved = list, true
		}
	}
	m.move(n)
}
