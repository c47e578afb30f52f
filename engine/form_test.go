package engine_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
	"stepgate/runbook"
	"stepgate/runbook/run"
)

// as makes a fence of another form of what stands in a shell fence.
func as(t *testing.T, f *runbook.Fence, form runbook.Form, expect, capture string) {
	t.Helper()
	f.Form, f.Lang, f.Body = form, map[runbook.Form]string{runbook.SQL: "sql", runbook.HTTP: "http", runbook.TCP: "tcp"}[form], strings.TrimSpace(f.Body)
	of := map[runbook.Form]checks.Kind{runbook.SQL: checks.OfSQL, runbook.HTTP: checks.OfHTTP, runbook.TCP: checks.OfTCP}[form]
	var problems []checks.Problem
	if expect != "" {
		f.Expect, problems = checks.CompileExpect(expect, checks.Names{}, of)
	}
	if capture != "" && problems == nil {
		f.Capture, problems = checks.CompileCapture(capture, checks.Names{}, of)
	}
	if problems != nil {
		t.Fatalf("compile: %v", problems)
	}
}

// emptyFile is a database without tables.
func emptyFile(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sqlite makes statements of a step's fences, on a database of the test.
func sqlite(t *testing.T, path, id, expect, capture string) func(*runbook.Runbook) {
	return func(rb *runbook.Runbook) {
		conn := &runbook.Connection{Name: "db", Driver: "sqlite", Database: path}
		s := stepOf(rb, id)
		if s.Command != nil {
			as(t, s.Command, runbook.SQL, "", "")
			s.Command.Connection = conn
		}
		for _, f := range append(append([]*runbook.Fence{}, s.Before...), s.After...) {
			as(t, f, runbook.SQL, expect, capture)
			f.Connection = conn
		}
	}
}

func TestStatementsAreJournaledAndChecksOnlyRead(t *testing.T) {
	t.Parallel()
	db := emptyFile(t, "t.db")
	st := newStage(t, front+
		step("make", sh("", "create table t(n integer, s text); insert into t values (1, 'one'), (2, NULL)"))+
		step("see", sh(".check", "select * from t order by n"))+
		step("write", sh(".check", "delete from t"))+step("use", sh("", "use")),
		sqlite(t, db, "make", "", ""), sqlite(t, db, "see", `len(rows) == 2`, `top = rows[0].s`), sqlite(t, db, "write", "", ""))
	d := st.start()
	d.at(run.WaitGo, "make")
	d.do(run.Go{})
	s := d.at(run.WaitGo, "see")
	a := s.Run.Cell(run.Key{Step: "make", Target: "local"}).Latest()
	if a.Intent.Dispatch.Form != "sql" || a.Intent.Dispatch.Server != "sqlite "+db || a.Outcome == nil || a.Outcome.Exit != 0 {
		t.Errorf("attempt %+v, outcome %+v", a.Intent.Dispatch, a.Outcome)
	}
	d.do(run.Go{})
	s = d.at(run.WaitGo, "write")
	c := s.Run.Cell(run.Key{Step: "see", Target: "local"})
	if got := c.Checks[run.Before].Checks[0].Stdout; got != "n\ts\n1\tone\n2\t\\N\n" {
		t.Errorf("kept of the result: %q", got)
	}
	d.do(run.Go{})
	d.at(run.WaitFailure, "write") // it doesn't only read
	d.do(run.Skip{Reason: "as expected"})
	d.at(run.WaitGo, "use")
	d.do(run.Go{})
	d.closed()
	for _, r := range st.events() {
		if in, ok := r.Event.(run.Intent); ok && in.Cell.Step == "use" && !strings.Contains(envText(in.Dispatch), "top=one") {
			t.Errorf("captured: %s", envText(in.Dispatch))
		}
	}
}

// endless is a statement that lasts until it is cut off, and has no effect then.
const endless = "insert into t with recursive r(n) as (select 1 union all select n+1 from r) select n from r"

func TestAStatementThatIsCutOffIsUnknown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check string // its postcondition
		wait  run.Wait
	}{
		"its postcondition holds":        {"select 1", run.WaitManual},
		"its postcondition doesn't hold": {"select * from t", run.WaitUnknown},
	} {
		for _, how := range []string{"crash", "stop", "time"} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				db := emptyFile(t, "t.db")
				st := newStage(t, front+step("make", sh("", "create table t(n integer)"))+
					step("fill", sh("", endless), sh(".check", tt.check))+step("tick"),
					sqlite(t, db, "make", "", ""), sqlite(t, db, "fill", "len(rows) == 1", ""),
					commanding("fill", func(f *runbook.Fence) {
						if how == "time" {
							f.Timeout = 100 * time.Millisecond
						}
					}))
				d := st.start()
				d.at(run.WaitGo, "make")
				d.do(run.Go{})
				d.at(run.WaitGo, "fill")
				d.do(run.Go{})
				if how != "time" {
					d.until("the statement to run", func(s *run.Snapshot) bool { return s.Busy != nil && s.Busy.Attempt != "" })
				}
				switch how {
				case "crash":
					d.leave("crash")
					st.reopen()
					d = st.resume()
				case "stop":
					d.do(run.StopNow{})
				}
				s := d.until("what follows", func(s *run.Snapshot) bool { return s.Wait == tt.wait && s.Busy == nil })
				c := s.Run.Cell(run.Key{Step: "fill", Target: "local"})
				if len(c.Attempts) != 1 || c.Latest().Fate != "unclaimed" {
					t.Errorf("%d attempts, fate %q", len(c.Attempts), c.Latest().Fate)
				}
				if tt.wait == run.WaitUnknown {
					if a := s.Action(run.VerbRetry); a.OK() {
						t.Error("it may be sent again while it is unknown")
					}
				} else if c.Resolved == nil || c.Resolved.Method != run.ByCheck {
					t.Errorf("resolved: %+v", c.Resolved)
				}
			})
		}
	}
}

func TestAServerThatCantBeReachedGetsNothing(t *testing.T) {
	t.Parallel()
	st := newStage(t, front+step("fill", caution, sh("", "insert into t values (1)")), func(rb *runbook.Runbook) {
		f := stepOf(rb, "fill").Command
		as(t, f, runbook.SQL, "", "")
		f.Connection = &runbook.Connection{Name: "db", Driver: "mysql", Host: "127.0.0.1", Port: deadPort(t), User: "u"}
	})
	d := st.start()
	d.at(run.WaitGo, "fill")
	d.do(run.Go{})
	s := d.at(run.WaitFailure, "fill")
	if c := at1(s); c.Reason != run.NotStarted || len(c.Attempts) != 0 || st.count("GateShown") != 0 {
		t.Errorf("%s (%s), %d attempts", c.Status, c.Reason, len(c.Attempts))
	}
}

// deadPort is a port at which nothing listens.
func deadPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

func TestRequestsAndProbes(t *testing.T) {
	t.Parallel()
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+string(body))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"leader": "n1"}`)
	}))
	t.Cleanup(srv.Close)
	addr := strings.TrimPrefix(srv.URL, "http://")
	st := newStage(t, paired+step("look", sh(".check", "GET "+srv.URL+"/state"))+step("port", sh(".check", addr))+
		step("post", sh("", "POST "+srv.URL+"/stop\n\n  now"))+step("tick"),
		func(rb *runbook.Runbook) {
			as(t, stepOf(rb, "look").Before[0], runbook.HTTP, `status == 200 and json.leader == "n1"`, `leader = json.leader`)
			as(t, stepOf(rb, "port").Before[0], runbook.TCP, "", "")
			stepOf(rb, "port").Before[0].Via = "b"
			as(t, stepOf(rb, "post").Command, runbook.HTTP, "", "")
		})
	d := st.start()
	for _, id := range []string{"look", "port", "post"} {
		d.at(run.WaitGo, id)
		d.do(run.Go{})
	}
	s := d.at(run.WaitManual, "tick")
	if strings.Join(got, ", ") != "GET /state , POST /stop now" {
		t.Errorf("the server got %q", got)
	}
	a := s.Run.Cell(run.Key{Step: "post", Target: "local"}).Latest()
	out, _, _, err := d.e.Output(t.Context(), a.Intent.Attempt, 0, 0, 4096)
	if s := string(out); err != nil || !strings.HasPrefix(s, "HTTP 200 OK\n") || !strings.Contains(s, "\ncontent-type: application/json\n") || !strings.HasSuffix(s, "\n\n"+`{"leader": "n1"}`) {
		t.Errorf("output %q, %v", out, err)
	}
	dialled := 0
	for _, c := range st.fakes["b"].Calls() {
		if c.Method == "Dial" {
			dialled++
		}
	}
	if dialled != 1 {
		t.Errorf("b was dialled through %d times", dialled)
	}
}

// A connection with several hosts goes to the first that its pick holds for and
// that answers: a is not meant, and b has no database.
func TestAConnectionPicksItsHost(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(emptyFile(t, "c.db"))
	pick := value(t, `it.n != "1"`, checks.Names{"it": checks.Any})
	st := newStage(t, trio+step("make", sh("", "create table t(n integer)"))+step("tick"), func(rb *runbook.Runbook) {
		f := stepOf(rb, "make").Command
		as(t, f, runbook.SQL, "", "")
		f.Connection = &runbook.Connection{Name: "db", Driver: "sqlite", Database: dir + "/{{it.host}}.db", Hosts: "trio", Pick: pick}
	})
	d := st.start()
	d.at(run.WaitGo, "make")
	d.do(run.Go{})
	s := d.at(run.WaitManual, "tick")
	if got := s.Run.Cell(run.Key{Step: "make", Target: "local"}).Latest().Intent.Dispatch.Server; got != "sqlite "+dir+"/c.db" {
		t.Errorf("it went to %q", got)
	}
}
