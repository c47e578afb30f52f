package checks

// Compare orders two values that an order_by gave: false before true, smaller
// before larger. Values of different kinds, and of kinds that have no order,
// are an error.
func Compare(l, r any) (int, error) {
	a, ok := l.(bool)
	b, ok2 := r.(bool)
	if !ok || !ok2 {
		return order(l, r)
	}
	switch {
	case a == b:
		return 0, nil
	case b:
		return -1, nil
	}
	return 1, nil
}
