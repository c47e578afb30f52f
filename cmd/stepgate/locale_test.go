package main

import (
	"slices"
	"strings"
	"testing"
)

func TestEditionsByLocale(t *testing.T) {
	for _, tc := range []struct{ all, messages, lang, want string }{
		{lang: "zh_CN.UTF-8", want: "openmldb-upgrade.zh"},
		{lang: "en_US.UTF-8", messages: "zh_TW.UTF-8", want: "openmldb-upgrade.zh"},
		{lang: "zh_CN.UTF-8", messages: "C", want: "openmldb-upgrade"},
		{lang: "zh_CN.UTF-8", all: "C.UTF-8", want: "openmldb-upgrade"},
		{want: "openmldb-upgrade"},
	} {
		t.Setenv("LC_ALL", tc.all)
		t.Setenv("LC_MESSAGES", tc.messages)
		t.Setenv("LANG", tc.lang)
		if got := edition("openmldb-upgrade"); got != tc.want {
			t.Errorf("%+v: got %s", tc, got)
		}
		names := readable()
		if !slices.Contains(names, tc.want) {
			t.Errorf("%+v: the list is %v", tc, names)
		}
		var books []string
		for _, n := range names {
			books = append(books, strings.TrimSuffix(n, chinese))
		}
		if slices.Sort(books); len(slices.Compact(books)) != len(names) {
			t.Errorf("%+v: a runbook stands twice in %v", tc, names)
		}
	}
	if got := edition("no-such"); got != "no-such" {
		t.Errorf("got %s", got)
	}
}
