package report

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"stepgate/runbook/run"
	"stepgate/runbook/text"
)

// Timeline writes events, a line each, with their number, their time in a zone,
// who, about which step, and what. r names the steps; it may be ahead of the
// events.
func Timeline(w io.Writer, r *run.Run, records []run.Record, zone *time.Location) error {
	var b strings.Builder
	t := NewTeller(r)
	for _, rec := range records {
		e := t.Tell(rec)
		b.WriteString(e.Line(zone) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Events writes events for programs: a JSON object a line, with the fields of
// events in [JSON].
func Events(w io.Writer, records []run.Record) error {
	for _, rec := range records {
		o, err := eventOf(rec)
		if err != nil {
			return err
		}
		b, err := json.Marshal(o)
		if err != nil {
			return fmt.Errorf("write event %d: %w", rec.Seq, err)
		}
		if _, err := w.Write(append(text.VisibleJSON(b), '\n')); err != nil {
			return err
		}
	}
	return nil
}

func eventOf(rec run.Record) (eventObject, error) {
	kind, data, err := run.Encode(rec.Event)
	return eventObject{
		rec.Seq, rec.Epoch, rec.Wall.UTC(), rec.Actor, kind, data, hex.EncodeToString(rec.Prev[:]), hex.EncodeToString(rec.Hash[:]),
	}, err
}

// subject is the cell, or the instance of a walk, that an event is about.
func subject(e run.Event) run.Key {
	switch e := e.(type) {
	case run.InstanceIncluded:
		return run.Key{Step: e.Walk + "[" + e.Instance + "]"}
	case run.BatchEntered:
		return run.Key{Step: e.Walk}
	case run.Note:
		return e.Cell
	case run.MonitorTurned:
		return run.Key{Step: e.Monitor, Target: e.Where}
	case run.MonitorAcknowledged:
		if len(e.Watches) == 1 {
			return run.Key{Step: e.Watches[0].Monitor, Target: e.Watches[0].Where}
		}
	case run.SampleBatch:
		if len(e.Samples) == 1 {
			return run.Key{Step: e.Samples[0].Monitor, Target: e.Samples[0].Where}
		}
	}
	return about(e)
}

// told says in a line what an event says.
func told(r *run.Run, e run.Event) string {
	if s := toldOfRun(r, e); s != "" {
		return s
	}
	if s := toldOfAttempt(e); s != "" {
		return s
	}
	if s := toldOfMonitors(e); s != "" {
		return s
	}
	switch e := e.(type) {
	case run.WhenDecided:
		if e.Applies {
			return "it applies"
		}
		return "it does not apply"
	case run.ChecksTaken:
		return strings.ToLower(phaseWord(e.Phase)) + ": " + e.Verdict().String()
	case run.GateShown:
		return "gate shown; phrase " + quoted(e.Phrase)
	case run.GateGranted:
		return "gate opened, " + quoted(e.Typed) + suffix(" granted ahead by ", e.Pre)
	case run.GateClosed:
		if e.Void {
			return "gate void" + suffix(": ", e.Why)
		}
		return "gate declined" + suffix(": ", e.Why)
	case run.OutcomeResolved:
		return resolution(e) + suffix(": ", e.Reason)
	case run.ManualDone:
		return "ticked" + suffix(": ", e.Evidence)
	case run.CellSkipped:
		return "skipped" + suffix(": ", e.Reason)
	case run.Retried:
		return "made ready to run again" + suffix(": ", e.Why)
	case run.RerunOverride:
		return "to be run again; typed " + quoted(e.Typed)
	case run.RollbackRequested:
		return "rollback asked for"
	case run.Asked:
		if e.Repeated {
			return "answered as before" + suffix(": ", e.Value)
		}
		return "answered" + suffix(": ", e.Value)
	case run.Called:
		return "run out of its place"
	case run.Edited, run.AdHocAsked, run.Jumped:
		return toldOffBook(r, e)
	}
	return line(run.Kind(e))
}

// toldOfAttempt tells an event about what was sent.
func toldOfAttempt(e run.Event) string {
	switch e := e.(type) {
	case run.Intent:
		if e.Role == run.RoleKeep {
			return fmt.Sprintf("its background process is about to be started on %s, attempt %d (%s)", place(e.Dispatch.Where), e.No, line(e.Attempt))
		}
		return fmt.Sprintf("%s is about to be sent to %s, attempt %d (%s): %s", line(string(e.Role)), place(e.Dispatch.Where), e.No, line(e.Attempt), first(e.Dispatch.Shown()))
	case run.NotDispatched:
		return "not sent" + suffix(": ", e.Why)
	case run.Interrupted:
		return "its outcome is not known from here on" + suffix(": ", e.Why)
	case run.Probed:
		return "the host says: " + line(e.Fate) + suffix(", ", e.Detail)
	case run.Reattached:
		return "followed again"
	case run.Outcome:
		return fmt.Sprintf("exit %d after %s: %s", e.Exit, text.Duration(time.Duration(e.TookMS)*time.Millisecond), e.Verdict)
	case run.Returned:
		return fmt.Sprintf("%s is back after %s", line(e.Host.Hostname), text.Duration(time.Duration(e.AwayMS)*time.Millisecond))
	case run.Copied:
		return fmt.Sprintf("%s, %s, of which %s were sent", count(e.Files, "file"), text.Bytes(e.Bytes), text.Bytes(e.Sent))
	}
	return ""
}

// toldOfRun tells an event about the run as a whole.
func toldOfRun(r *run.Run, e run.Event) string {
	switch e := e.(type) {
	case run.RunStarted:
		return "run of " + line(e.Runbook) + " started, plan " + line(e.Digest)
	case run.LeaseTaken:
		if e.Forced {
			return "taken over by force: driven by " + line(e.Holder)
		}
		return "driven by " + line(e.Holder)
	case run.LeaseReleased:
		return "its driver left" + suffix(": ", e.Why)
	case run.HostSeen:
		return "host " + line(e.Host) + " reached: machine " + line(e.Identity.MachineID) + ", boot " + line(e.Identity.BootID)
	case run.Preflighted:
		return preflighted(e, line)
	case run.HostKeyAccepted:
		return "the key of " + line(e.Host) + " was accepted: " + line(e.Key)
	case run.WalkOrdered:
		return "in the order " + line(strings.Join(e.Hosts, ", ")) + suffix(": ", e.Why)
	case run.BatchEntered:
		return "goes on with " + line(strings.Join(e.Hosts, ", "))
	case run.InstanceExcluded:
		return "taken out" + suffix(": ", e.Reason)
	case run.InstanceIncluded:
		return "put back"
	case run.StopRequested:
		if e.After == "" {
			return "asked no longer to stop"
		}
		return "to stop once " + line(e.After) + " is finished"
	case run.RollbackPlanned:
		names := make([]string, len(e.Cells))
		for i, k := range e.Cells {
			names[i] = name(r, k)
		}
		return "rollback of the " + line(string(e.Scope)) + " planned" + suffix(": ", strings.Join(names, ", "))
	case run.Paused:
		return "paused" + suffix(": ", e.Why)
	case run.Continued:
		return "continued"
	case run.AbortRequested:
		return "asks that the run be aborted" + suffix(": ", e.Why)
	case run.PauseRequested:
		return "asks for a pause" + suffix(": ", e.Why)
	case run.Note:
		return "note: " + line(e.Text)
	case run.Exported:
		return "exported as " + line(e.Format)
	case run.Adopted:
		return "goes on with another version of its runbook, plan " + line(e.Digest) + suffix(": ", changes(e.Changes))
	case run.RunClosed:
		return "closed: " + line(string(e.How)) + suffix(": ", e.Why)
	}
	return ""
}

// changes words what two versions have differently.
func changes(list []run.Change) string {
	said := make([]string, len(list))
	for i, c := range list {
		said[i] = c.String()
	}
	return strings.Join(said, ", ")
}
