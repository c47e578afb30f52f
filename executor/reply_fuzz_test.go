package executor

import "testing"

// Whatever a host writes: an answer is read only from lines that carry the nonce, and
// what is read of a fate has the form that it must have.
func FuzzReply(f *testing.F) {
	const nonce = "0123456789abcdef"
	for _, seed := range []string{
		nonce + " fate finished\n" + nonce + " exit 0 3\n" + nonce + " bytes 10 0\n" + nonce + " end\n",
		"motd\n" + nonce + " fate running\n" + nonce + " proc sh -c x\n" + nonce + " bytes 1 2\n" + nonce + " end \n",
		nonce + " error no room\n", "fate finished\nend\n", nonce + " fate finished", nonce + "  \n" + nonce + " end\n",
		nonce + " fate finished\n" + nonce + " exit -1 3\n" + nonce + " bytes 99999999999999999999 0\n" + nonce + " end\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		r, err := parseReply(nonce, out)
		if err != nil {
			return
		}
		rep, err := parseReport(r)
		if err != nil {
			return
		}
		if rep.Offsets[0] < 0 || rep.Offsets[1] < 0 || rep.Result.Exit < 0 || rep.Result.Took < 0 {
			t.Errorf("%q was read as %+v", out, rep)
		}
		if rep.Fate != Finished && rep.Result != (Result{}) {
			t.Errorf("%q is %s and has a result", out, rep.Fate)
		}
	})
}
