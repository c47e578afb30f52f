package tui

import (
	"context"

	"stepgate/tui/output"
)

// printouts are what attempts have printed, as a Source gives it.
type printouts map[string]*[2]string

// Output is [Source.Output].
func (o printouts) Output(_ context.Context, attempt string, stream int, from int64, most int) (data []byte, at, end int64, err error) {
	s := ""
	if p := o[attempt]; p != nil {
		s = p[stream]
	}
	at, end = max(from, int64(len(s))), int64(len(s))
	if from < end {
		data, at = []byte(s[from:min(from+int64(most), end)]), from
	}
	return data, at, end, nil
}

// prints has the shown attempt print something more, which is read as it is wanted.
func (s *still) prints(stream int, data string) {
	if s.printed == nil {
		s.printed = printouts{}
	}
	at := s.out.Source()
	if s.printed[at] == nil {
		s.printed[at] = &[2]string{}
	}
	s.printed[at][stream] += data
	s.Update(outputMsg{request: s.out.Lengths(), reply: answer(s, s.out.Lengths())})
	s.reads()
}

// reads answers what the output pane wants.
func (s *still) reads() {
	for range 1000 {
		if q, ok := s.out.Want(); ok {
			s.Update(outputMsg{request: q, reply: answer(s, q)})
			continue
		}
		scan, ok := s.out.Scan()
		if !ok {
			return
		}
		found, err := scan.Search(context.Background(), s.printed.Output)
		s.Update(scannedMsg{found, err})
	}
}

func answer(s *still, q output.Request) output.Reply {
	r, err := q.Read(context.Background(), s.printed.Output)
	if err != nil {
		panic(err)
	}
	return r
}
