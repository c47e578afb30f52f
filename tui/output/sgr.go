package output

import (
	"stepgate/tui/theme"
)

// paint applies the parameters of SGR (ECMA-48 8.3.117, and the colours of xterm) to
// an ink. Blinking and concealed text stays as it is: all that is printed can be
// read.
func paint(ink theme.Ink, params []byte) theme.Ink {
	var nums [32]int // of one sequence; the rest is left out
	n := 1
	for _, c := range params {
		if c == ';' || c == ':' {
			if n == len(nums) {
				break
			}
			n++
			continue
		}
		nums[n-1] = nums[n-1]*10 + int(c-'0')
	}
	for p := nums[:n]; len(p) > 0; {
		ink, p = attribute(ink, p)
	}
	return ink
}

func attribute(ink theme.Ink, p []int) (theme.Ink, []int) {
	v, rest := p[0], p[1:]
	switch {
	case v == 0:
		ink = theme.Ink{}
	case v == 1:
		ink.Bold = true
	case v == 2:
		ink.Faint = true
	case v == 3:
		ink.Italic = true
	case v == 4:
		ink.Underline = true
	case v == 7:
		ink.Reversed = true
	case v == 9:
		ink.Struck = true
	case v == 22:
		ink.Bold, ink.Faint = false, false
	case v == 23:
		ink.Italic = false
	case v == 24:
		ink.Underline = false
	case v == 27:
		ink.Reversed = false
	case v == 29:
		ink.Struck = false
	case v >= 30 && v <= 37:
		ink.Fore = theme.Indexed(uint8(v - 30))
	case v >= 90 && v <= 97:
		ink.Fore = theme.Indexed(uint8(v - 90 + 8))
	case v >= 40 && v <= 47:
		ink.Back = theme.Indexed(uint8(v - 40))
	case v >= 100 && v <= 107:
		ink.Back = theme.Indexed(uint8(v - 100 + 8))
	case v == 39:
		ink.Fore = 0
	case v == 49:
		ink.Back = 0
	case v == 38:
		ink.Fore, rest = hue(ink.Fore, rest)
	case v == 48:
		ink.Back, rest = hue(ink.Back, rest)
	}
	return ink, rest
}

// hue reads 5;N or 2;R;G;B.
func hue(old theme.Hue, p []int) (theme.Hue, []int) {
	switch {
	case len(p) >= 2 && p[0] == 5:
		return theme.Indexed(uint8(min(p[1], 255))), p[2:]
	case len(p) >= 4 && p[0] == 2:
		return theme.Exact(uint8(min(p[1], 255)), uint8(min(p[2], 255)), uint8(min(p[3], 255))), p[4:]
	}
	return old, nil
}
