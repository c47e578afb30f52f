package run

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// kinds is every event type with its name in the journal. A name, once
// shipped, never changes its meaning; fields are only added.
var kinds = map[string]Event{
	"RunStarted": RunStarted{}, "LeaseTaken": LeaseTaken{}, "LeaseReleased": LeaseReleased{},
	"HostSeen": HostSeen{}, "WalkOrdered": WalkOrdered{}, "WhenDecided": WhenDecided{},
	"ChecksTaken": ChecksTaken{}, "GateShown": GateShown{}, "GateGranted": GateGranted{},
	"GateClosed": GateClosed{}, "Intent": Intent{}, "Interrupted": Interrupted{},
	"Probed": Probed{}, "Reattached": Reattached{}, "Outcome": Outcome{},
	"OutcomeResolved": OutcomeResolved{}, "ManualDone": ManualDone{}, "CellSkipped": CellSkipped{},
	"Retried": Retried{}, "RerunOverride": RerunOverride{}, "RollbackRequested": RollbackRequested{},
	"Paused": Paused{}, "Continued": Continued{}, "Note": Note{}, "Exported": Exported{},
	"RunClosed": RunClosed{}, "NotDispatched": NotDispatched{}, "BatchEntered": BatchEntered{},
	"InstanceExcluded": InstanceExcluded{}, "InstanceIncluded": InstanceIncluded{}, "Asked": Asked{},
	"StopRequested": StopRequested{}, "RollbackPlanned": RollbackPlanned{}, "Called": Called{},
	"HostKeyAccepted": HostKeyAccepted{}, "Returned": Returned{}, "NotReturned": NotReturned{}, "AbortRequested": AbortRequested{},
	"PauseRequested": PauseRequested{}, "Adopted": Adopted{}, "Copied": Copied{},
	"Edited": Edited{}, "AdHocAsked": AdHocAsked{}, "Jumped": Jumped{}, "Preflighted": Preflighted{},
	"WatchBegun": WatchBegun{}, "SampleBatch": SampleBatch{}, "MonitorTurned": MonitorTurned{},
	"MonitorAcknowledged": MonitorAcknowledged{}, "BackgroundUp": BackgroundUp{}, "BackgroundDown": BackgroundDown{},
}

// UnknownKindError is an event of a kind that this version doesn't know. The
// run can be read up to it and not driven.
type UnknownKindError struct{ Kind string }

func (e *UnknownKindError) Error() string {
	return fmt.Sprintf("journal has an event %q that this version doesn't know", e.Kind)
}

// Kind returns the event's name in the journal.
func Kind(e Event) string { return reflect.TypeOf(e).Name() }

// Encode returns the event's name and its canonical JSON.
func Encode(e Event) (kind string, payload []byte, err error) {
	payload, err = json.Marshal(e)
	if err != nil {
		return "", nil, fmt.Errorf("encode event %q: %w", Kind(e), err)
	}
	return Kind(e), payload, nil
}

// Decode is the reverse of [Encode].
func Decode(kind string, payload []byte) (Event, error) {
	proto, ok := kinds[kind]
	if !ok {
		return nil, &UnknownKindError{kind}
	}
	v := reflect.New(reflect.TypeOf(proto))
	if err := json.Unmarshal(payload, v.Interface()); err != nil {
		return nil, fmt.Errorf("decode event %q: %w", kind, err)
	}
	return v.Elem().Interface().(Event), nil
}

// KeyOf returns the cell an event is about, and the attempt.
func KeyOf(e Event) (cell Key, attempt string) {
	switch e := e.(type) {
	case ChecksTaken:
		return e.Cell, e.Attempt
	case Intent:
		return e.Cell, e.Attempt
	case Interrupted:
		return e.Cell, e.Attempt
	case Probed:
		return e.Cell, e.Attempt
	case Reattached:
		return e.Cell, e.Attempt
	case Outcome:
		return e.Cell, e.Attempt
	case OutcomeResolved:
		return e.Cell, e.Attempt
	case Returned:
		return e.Cell, e.Attempt
	case NotReturned:
		return e.Cell, e.Attempt
	case Copied:
		return e.Cell, e.Attempt
	case BackgroundUp:
		return e.Cell, e.Attempt
	case BackgroundDown:
		return e.Cell, e.Attempt
	}
	return cellOf(e), ""
}

// cellOf is the cell of an event that is about no attempt.
func cellOf(e Event) Key {
	switch e := e.(type) {
	case WhenDecided:
		return e.Cell
	case GateShown:
		return e.Cell
	case GateGranted:
		return e.Cell
	case GateClosed:
		return e.Cell
	case NotDispatched:
		return e.Cell
	case ManualDone:
		return e.Cell
	case CellSkipped:
		return e.Cell
	case Retried:
		return e.Cell
	case RerunOverride:
		return e.Cell
	case RollbackRequested:
		return e.Cell
	case Note:
		return e.Cell
	case Asked:
		return e.Cell
	case Called:
		return e.Cell
	case Edited:
		return e.Cell
	case AdHocAsked:
		return e.Cell
	case WatchBegun:
		return e.Cell
	}
	return Key{}
}
