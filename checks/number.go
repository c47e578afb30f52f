package checks

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	integer    = regexp.MustCompile(`^[+-]?[0-9]{1,400}$`)
	fractional = regexp.MustCompile(`^[+-]?([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})([eE][+-]?[0-9]{1,3})?$`)
	quantities = regexp.MustCompile(`^([+-]?[0-9.]+(?:[eE][+-]?[0-9]{1,3})?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$`)
	versions   = regexp.MustCompile(`^[vV]?([0-9]{1,18}(?:\.[0-9]{1,18}){0,19})($|[-+_ (:,~].*)`)
)

// parseNumber reads decimal numbers; whole ones stay exact.
func parseNumber(s string) (any, error) {
	t := strings.TrimSpace(s)
	switch {
	case integer.MatchString(t):
		return wholeValue(t), nil
	case fractional.MatchString(t):
		f, err := strconv.ParseFloat(t, 64)
		if err == nil {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%s is no number", show(s))
}

// wholeValue is an int where it fits, else the digits.
func wholeValue(digits string) any {
	if i, err := strconv.Atoi(digits); err == nil {
		return i
	}
	return json.Number(strings.TrimPrefix(digits, "+"))
}

var suffixes = map[string]*big.Rat{
	"": big.NewRat(1, 1), "n": big.NewRat(1, 1e9), "u": big.NewRat(1, 1e6), "m": big.NewRat(1, 1e3),
	"k": big.NewRat(1e3, 1), "M": big.NewRat(1e6, 1), "G": big.NewRat(1e9, 1), "T": big.NewRat(1e12, 1), "P": big.NewRat(1e15, 1), "E": big.NewRat(1e18, 1),
	"Ki": big.NewRat(1<<10, 1), "Mi": big.NewRat(1<<20, 1), "Gi": big.NewRat(1<<30, 1), "Ti": big.NewRat(1<<40, 1), "Pi": big.NewRat(1<<50, 1), "Ei": big.NewRat(1<<60, 1),
}

// parseQuantity reads a Kubernetes resource quantity.
func parseQuantity(s string) (any, error) {
	m := quantities.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil || !fractional.MatchString(m[1]) {
		return nil, fmt.Errorf("%s is no quantity", show(s))
	}
	n, ok := new(big.Rat).SetString(m[1])
	if !ok {
		return nil, fmt.Errorf("%s is no quantity", show(s))
	}
	n.Mul(n, suffixes[m[2]])
	if n.IsInt() {
		return wholeValue(n.Num().String()), nil
	}
	f, _ := n.Float64()
	return f, nil
}

// Version is a program's version: numbers between dots. It compares by them,
// missing ones counting as 0; what follows them ("-rc1", " (2023)") doesn't count.
type Version struct {
	numbers []int // without zeros at the end
	text    string
}

// ParseVersion reads a version at the beginning of s, after an optional v.
func ParseVersion(s string) (Version, error) {
	m := versions.FindStringSubmatch(strings.TrimSpace(firstLine(strings.TrimSpace(s))))
	if m == nil {
		return Version{}, fmt.Errorf("%s is no version", show(s))
	}
	v := Version{text: strings.TrimSpace(s)}
	for part := range strings.SplitSeq(m[1], ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return Version{}, fmt.Errorf("%s is no version", show(s))
		}
		v.numbers = append(v.numbers, n)
	}
	for len(v.numbers) > 0 && v.numbers[len(v.numbers)-1] == 0 {
		v.numbers = v.numbers[:len(v.numbers)-1]
	}
	return v, nil
}

// String is the text the version was read from.
func (v Version) String() string { return v.text }

// Compare is -1, 0 or 1 as v is below, equal to or above w.
func (v Version) Compare(w Version) int { return slices.Compare(v.numbers, w.numbers) }
