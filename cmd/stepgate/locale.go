package main

import (
	"io/fs"
	"os"
	"strings"

	"stepgate/runbooks"
)

// locale is what the environment says of a category (LC_CTYPE, LC_MESSAGES …), in
// lower case; empty when it says nothing.
func locale(category string) string {
	for _, name := range []string{"LC_ALL", category, "LANG"} {
		if v := os.Getenv(name); v != "" {
			return strings.ToLower(v)
		}
	}
	return ""
}

func utf8Locale() bool {
	l := locale("LC_CTYPE")
	return l == "" || strings.Contains(l, "utf-8") || strings.Contains(l, "utf8")
}

// chinese ends the names of shipped runbooks' Chinese editions.
const chinese = ".zh"

// edition is the edition of a shipped runbook for this reader, by its name.
func edition(book string) string {
	if strings.HasPrefix(locale("LC_MESSAGES"), "zh") {
		if _, err := fs.Stat(runbooks.FS, book+chinese+".md"); err == nil {
			return book + chinese
		}
	}
	return book
}

// readable are the shipped runbooks, each in this reader's edition.
func readable() (names []string) {
	for _, name := range shippedNames() {
		if !strings.HasSuffix(name, chinese) {
			names = append(names, edition(name))
		}
	}
	return names
}
