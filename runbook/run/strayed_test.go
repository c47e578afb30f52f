package run

// sentSince counts what was sent of a cell since a RERUN was typed for it.
func sentSince(w *world, k Key) (n int) {
	for _, old := range w.records {
		switch x := old.Event.(type) {
		case RerunOverride:
			if x.Cell == k {
				n = 0
			}
		case Intent:
			if x.Cell == k {
				n++
			}
		}
	}
	return n
}

// lastEdit is the text that a cell's command was given last; "": none.
func lastEdit(w *world, k Key) (body string) {
	for _, old := range w.records {
		if x, ok := old.Event.(Edited); ok && x.Cell == k {
			body = x.Body
		}
	}
	return body
}
