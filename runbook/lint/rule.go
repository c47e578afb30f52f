package lint

import (
	"sort"
	"strings"

	"stepgate/runbook"
)

// Rule is one thing that a runbook may do wrong.
type Rule struct {
	ID       string           // kebab-case, never reused for something else
	Severity runbook.Severity // in a runbook with front matter; a plain document has warnings at most
	Summary  string           // one line
	Why      string           // what goes wrong, Markdown
	Remedy   string           // what to write instead, Markdown
	// Bad breaks this rule and no other, Good keeps it; both are whole runbooks.
	Bad, Good string
	// Files are what both include, by name. Stock is the inventory that both are
	// held against; empty: none.
	Files map[string]string
	Stock string
}

// Rules are all rules, those of reading a runbook included, by id.
var Rules = assemble(operations, commands, language, matter, parts, inventories)

// assemble makes one list. In the tables of rules a fence is written with ~~~,
// since Go's raw strings can't hold its backticks.
func assemble(tables ...[]Rule) []Rule {
	var all []Rule
	for _, table := range tables {
		all = append(all, table...)
	}
	for i := range all {
		r := &all[i]
		for _, text := range []*string{&r.Why, &r.Remedy, &r.Bad, &r.Good} {
			*text = strings.ReplaceAll(*text, "~~~", "```")
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID < all[j].ID })
	return all
}

// Lookup returns the rule of that id.
func Lookup(id string) (Rule, bool) {
	i := sort.Search(len(Rules), func(i int) bool { return Rules[i].ID >= id })
	if i < len(Rules) && Rules[i].ID == id {
		return Rules[i], true
	}
	return Rule{}, false
}

// severities are those of the rules that this package judges by.
var severities = func() map[string]runbook.Severity {
	m := map[string]runbook.Severity{}
	for _, table := range [][]Rule{operations, commands} {
		for _, r := range table {
			m[r.ID] = r.Severity
		}
	}
	return m
}()

// inventoryRules are what [Inventory] reports.
var inventoryRules = func() map[string]bool {
	m := map[string]bool{}
	for _, r := range inventories {
		m[r.ID] = true
	}
	return m
}()
