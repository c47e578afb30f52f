package text

// Form is a text by which a [Redactor] recognises a secret.
type Form struct {
	Text string
	Word bool // only where it stands as a word; see [MinSecret]
}

// Forms are all texts that are looked for now, for whoever masks where a Redactor
// can't be: longest first of those that begin alike.
func (r *Redactor) Forms() []Form {
	if r == nil {
		return nil
	}
	f := r.forms.Load()
	var out []Form
	for _, some := range f.long {
		for _, form := range some {
			out = append(out, Form{Text: string(form)})
		}
	}
	for _, w := range f.words {
		out = append(out, Form{Text: string(w), Word: true})
	}
	return out
}
