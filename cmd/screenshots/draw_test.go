package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDraw(t *testing.T) {
	t.Parallel()
	got := string(draw([]byte("\x1b[1;38;2;255;0;16mgate\x1b[m <&>\n\x1b[7m节点 a\x1b[m\n"), 10, 2))
	for _, want := range []string{
		`viewBox="0 0 114 58"`,
		`<text x="12" y="25" textLength="36" lengthAdjust="spacingAndGlyphs" fill="#FF0010" font-weight="bold">gate</text>`,
		`<text x="57" y="25" textLength="27" lengthAdjust="spacingAndGlyphs" fill="#D7DAE0">&lt;&amp;&gt;</text>`,
		// A wide character has two cells, and what follows stands behind both.
		`<text x="12" y="42" textLength="18" lengthAdjust="spacingAndGlyphs" fill="#16181D">节</text>`,
		`<text x="30" y="42" textLength="18" lengthAdjust="spacingAndGlyphs" fill="#16181D">点</text>`,
		`<text x="57" y="42" textLength="9" lengthAdjust="spacingAndGlyphs" fill="#16181D">a</text>`,
		`<rect x="12" y="29" width="18" height="17" fill="#D7DAE0"/>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the picture lacks\n%s\nin\n%s", want, got)
		}
	}
	d := xml.NewDecoder(strings.NewReader(got))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
	}
}

func TestDrawAll(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "pictures")
	if err := drawAll(from, to); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("without frames: %v", err)
	}
	for _, name := range []string{"run-4x1.ansi", "run.ansi"} {
		if err := os.WriteFile(filepath.Join(from, name), []byte("abcd"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := drawAll(from, to); err == nil || !strings.Contains(err.Error(), "-WIDTHxHEIGHT.ansi") {
		t.Errorf("a name without a size: %v", err)
	}
	if err := os.Remove(filepath.Join(from, "run.ansi")); err != nil {
		t.Fatal(err)
	}
	if err := drawAll(from, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(to, "run.svg")); err != nil || !strings.Contains(string(got), ">abcd</text>") {
		t.Errorf("picture: %v\n%s", err, got)
	}
}
