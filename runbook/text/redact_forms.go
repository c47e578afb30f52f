package text

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"unicode/utf16"
)

// minLine is the length from which a line of a secret is looked for by itself: shorter
// ones, such as the brackets of a JSON document, tell nothing.
const minLine = 8

// formsOf are the texts in which a secret is recognised, each at least MinSecret long.
func formsOf(secret string) []string {
	var out []string
	add := func(forms ...string) {
		for _, f := range forms {
			if len(f) >= MinSecret {
				out = append(out, f)
			}
		}
	}
	values := []string{secret}
	trimmed := strings.TrimSpace(secret)
	if trimmed != secret && len(trimmed) >= MinSecret {
		values = append(values, trimmed)
	}
	if lines := strings.Split(trimmed, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= minLine {
				values = append(values, line)
			}
		}
	}
	for _, v := range values {
		add(v, strings.ReplaceAll(v, "\n", "\r\n"))
		add(base64Forms(v)...)
		add(hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v))))
		add(urlForms(v)...)
		add(jsonForms(v)...)
		add(shellForms(v)...)
		add(html.EscapeString(v), strings.ReplaceAll(v, "'", "''"))
	}
	return out
}

// base64Forms are what of the value's base64 doesn't depend on what stands around it,
// for each of the three places in a group, and the whole of it, also as lines of the
// usual widths.
func base64Forms(v string) []string {
	var out []string
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for shift := range 3 {
			text := e.WithPadding(base64.NoPadding).EncodeToString([]byte(strings.Repeat("\x00", shift) + v))
			bits := (shift + len(v)) * 8
			out = append(out, text[(shift*8+5)/6:bits/6])
		}
		whole := e.EncodeToString([]byte(v))
		out = append(out, whole, strings.TrimRight(whole, "="))
		for _, width := range []int{64, 76} {
			for from := 0; len(whole) > width && from < len(whole); from += width {
				if line := whole[from:min(from+width, len(whole))]; len(line) >= minLine {
					out = append(out, line)
				}
			}
		}
	}
	return out
}

// urlForms differ in what programs leave as it is.
func urlForms(v string) []string {
	out := []string{url.QueryEscape(v), url.PathEscape(v)}
	for _, plain := range []string{"-._~", "-._~/", "-._~!'()*", ""} {
		for _, format := range []string{"%%%02X", "%%%02x"} {
			var b strings.Builder
			for _, c := range []byte(v) {
				if c < 0x80 && (wordByte(c) && c != '_' || c == '_' && plain != "" || strings.IndexByte(plain, c) >= 0) {
					b.WriteByte(c)
				} else {
					fmt.Fprintf(&b, format, c)
				}
			}
			out = append(out, b.String())
		}
	}
	return out
}

// jsonForms are the value inside the quotes of a JSON text, as different writers put
// it there.
func jsonForms(v string) []string {
	encode := func(escapeHTML bool) string {
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(escapeHTML)
		if err := e.Encode(v); err != nil { // a string can always be encoded
			return v
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
	inside := func(quoted string) string { return quoted[1 : len(quoted)-1] }
	plain, safe := inside(encode(false)), inside(encode(true))
	out := []string{plain, safe, inside(fmt.Sprintf("%q", v)), inside(fmt.Sprintf("%+q", v))}
	for _, format := range []string{`\u%04x`, `\u%04X`} {
		var b strings.Builder
		for _, r := range plain {
			if r < 0x80 {
				b.WriteRune(r)
				continue
			}
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, format, unit)
			}
		}
		out = append(out, b.String())
	}
	for _, form := range out {
		out = append(out, strings.ReplaceAll(form, "/", `\/`))
	}
	return out
}

// shellForms are the value as shells quote it, in words that are assigned and in traces.
func shellForms(v string) []string {
	escape := func(special string) string {
		var b strings.Builder
		for _, c := range []byte(v) {
			if strings.IndexByte(special, c) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
		return b.String()
	}
	const inDouble = "\"\\$`"
	const inWords = " \t!\"$&'()*;<>?[\\]^`{|}"
	dollar := strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\x1b", `\E`).Replace(v)
	return []string{
		strings.ReplaceAll(v, "'", `'\''`), strings.ReplaceAll(v, "'", `'"'"'`), dollar,
		escape(inDouble), escape(inDouble + "!"), escape(`'\`),
		escape(inWords), escape(inWords + ","), escape(inWords + "#=~"), escape(inWords + ",#=~"), escape(inWords + ",#=~@%+:"),
	}
}
