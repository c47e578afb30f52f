package runbook

// closure is what all files of a runbook share while they are read.
type closure struct {
	book  *Runbook
	diags []Diagnostic

	steps, fences int
	tooMany       bool

	names             naming
	defaults          func(context) context // of [defaults]; nil: none
	declaredLanguages map[string]bool       // of [languages]
}

func newClosure(file string, src []byte) *closure {
	return &closure{book: &Runbook{File: file, Sources: []Source{{Name: file, Text: src}}}}
}
