package runbook

import (
	"fmt"
	"strings"
	"unicode"
)

// slug makes an id of a title: letters and digits of any script, in lower case,
// the rest as single dashes.
func slug(title string) string {
	const most = 80
	var b strings.Builder
	dash := false
	for _, r := range title {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			dash = b.Len() > 0
			continue
		}
		if b.Len() >= most {
			break
		}
		if dash {
			b.WriteByte('-')
			dash = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// unique sees to it that no two siblings have one id. In a plain document ids
// are numbered, since its author never meant titles to be ids.
func (p *parser) unique(items []Item) {
	seen := map[string]Pos{}
	next := map[string]int{}
	for _, item := range items {
		id, at := identity(item)
		first, taken := seen[*id]
		if taken && !p.book.Annotated {
			base := *id
			for n := max(next[base], 2); ; n++ {
				if _, ok := seen[fmt.Sprintf("%s-%d", base, n)]; !ok {
					rename(item, fmt.Sprintf("%s-%d", base, n))
					next[base] = n + 1
					break
				}
			}
			taken = false
		}
		if taken {
			p.report(at, Error, "duplicate-id",
				fmt.Sprintf("the id %s is taken by line %d of the same section", quote(*id), first.Line), "give one of them an id of its own, such as {#"+*id+"-2}")
			continue
		}
		seen[*id] = at
	}
}

// rename gives an item another id, and with it the monitors that are called as it.
func rename(item Item, id string) {
	own, _ := identity(item)
	if st, ok := item.(*Step); ok {
		for _, f := range st.Monitors {
			if f.ID == *own {
				f.ID = id
			}
		}
	}
	*own = id
}

func identity(item Item) (*string, Pos) {
	switch it := item.(type) {
	case *Section:
		return &it.ID, it.Pos
	case *Step:
		return &it.ID, it.Pos
	}
	panic(fmt.Sprintf("unknown item %T", item)) // Item is sealed
}
