package runbook_test

import (
	"strings"
	"testing"

	"stepgate/runbook"
)

func TestPlacesOfACopy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]runbook.Place{
		"web-1:/srv/a":   {Host: "web-1", Path: "/srv/a"},
		"web-1:a":        {Host: "web-1", Path: "a"},
		"/srv/a:b":       {Path: "/srv/a:b"},
		"./a:b":          {Path: "./a:b"},
		"dir/x":          {Path: "dir/x"},
		"web-1:/srv/a:b": {Host: "web-1", Path: "/srv/a:b"},
	} {
		if got := runbook.PlaceOf(text); got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		} else if got.String() != text {
			t.Errorf("%q is written %q", text, got)
		}
	}
	if got := (runbook.Place{Path: "a:b"}).String(); got != "./a:b" {
		t.Errorf("a path that looks like a host is written %q", got)
	}
}

func TestLinesOfACopy(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"from web-1:/a\nto /b\nexclude *.log\n": "",
		"from a\n":                              `"to" names no path`,
		"from a\nto /\n":                        "isn't the name",
		"from a\nto web-1:..\n":                 "isn't the name",
		"from a\nto ~/b\n":                      "begins with ~",
		"from a\nto b\nexclude [\n":             "no pattern",
		"from a\nto b\nunto c\n":                "no line of a copy",
	} {
		tr, err := runbook.TransferOf(body)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", body, err)
		case want == "" && tr.String() != body:
			t.Errorf("%q is written %q", body, tr)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", body, err, want)
		}
	}
}
