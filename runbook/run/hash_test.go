package run

import (
	"reflect"
	"testing"

	"stepgate/runbook/plan"
)

func dispatched() Dispatch {
	return Dispatch{
		Where: "a", SSH: "a:22", Interpreter: "sh", Prefix: "set -eu\n", Body: "do\n", Dir: "/opt",
		Env: []Var{{Name: "host", Value: "a"}, {Name: "v", Value: "值"}}, TimeoutMS: 1000,
	}
}

// What names a dispatch covers every part of it that runs; how long is
// waited for what does not.
func TestDispatchHash(t *testing.T) {
	t.Parallel()
	was := dispatched().Hash("m")
	covered := map[string]bool{"TimeoutMS": false, "ReconnectMS": false, "Reboot": false}
	typ := reflect.TypeFor[Dispatch]()
	for i := range typ.NumField() {
		d := dispatched()
		switch f := reflect.ValueOf(&d).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Bool:
			f.SetBool(!f.Bool())
		default:
			d.Env[1].Value = "other"
		}
		want, listed := covered[typ.Field(i).Name]
		if !listed {
			want = true
		}
		if got := d.Hash("m") != was; got != want {
			t.Errorf("a change of %s changes the hash: %v, want %v", typ.Field(i).Name, got, want)
		}
	}
	d := dispatched()
	d.Prefix, d.Body = "set -eu\nd", "o\n"
	if d.Hash("m") == was {
		t.Error("the border between prefix and body is not covered")
	}
	d = dispatched()
	d.Env = []Var{{Name: "host", Value: "av"}, {Name: "", Value: "值"}}
	if d.Hash("m") == was {
		t.Error("the borders of the environment are not covered")
	}
	if dispatched().Hash("other") == was {
		t.Error("the machine is not covered")
	}
}

func TestAttemptID(t *testing.T) {
	t.Parallel()
	ids := map[string]string{}
	for name, id := range map[string]string{
		"first":       AttemptID("r", Key{"s", "h"}, 1, "d"),
		"second try":  AttemptID("r", Key{"s", "h"}, 2, "d"),
		"other run":   AttemptID("r2", Key{"s", "h"}, 1, "d"),
		"other step":  AttemptID("r", Key{"s2", "h"}, 1, "d"),
		"other host":  AttemptID("r", Key{"s", "h2"}, 1, "d"),
		"other bytes": AttemptID("r", Key{"s", "h"}, 1, "d2"),
	} {
		if len(id) != 32 {
			t.Errorf("%s: %q is no 128 bits", name, id)
		}
		if other, taken := ids[id]; taken {
			t.Errorf("%s and %s are one attempt", name, other)
		}
		ids[id] = name
	}
	if ids[AttemptID("r", Key{"s", "h"}, 1, "d")] != "first" {
		t.Error("an attempt has two ids")
	}
}

func TestBinding(t *testing.T) {
	t.Parallel()
	bind := func(change func(r *Run, k *Key, d *Dispatch, id *Identity)) string {
		r := &Run{ID: "r", Epoch: 1, Plan: &plan.Plan{Digest: "p"}, Start: RunStarted{Closure: "c"}}
		k, d, id := Key{"s", "h"}, dispatched(), Identity{MachineID: "m", HostKey: "key"}
		change(r, &k, &d, &id)
		return Binding(r, k, &d, id)
	}
	was := bind(func(*Run, *Key, *Dispatch, *Identity) {})
	for name, change := range map[string]func(*Run, *Key, *Dispatch, *Identity){
		"run":      func(r *Run, _ *Key, _ *Dispatch, _ *Identity) { r.ID = "r2" },
		"epoch":    func(r *Run, _ *Key, _ *Dispatch, _ *Identity) { r.Epoch = 2 },
		"plan":     func(r *Run, _ *Key, _ *Dispatch, _ *Identity) { r.Plan = &plan.Plan{Digest: "p2"} },
		"sources":  func(r *Run, _ *Key, _ *Dispatch, _ *Identity) { r.Start.Closure = "c2" },
		"cell":     func(_ *Run, k *Key, _ *Dispatch, _ *Identity) { k.Target = "h2" },
		"bytes":    func(_ *Run, _ *Key, d *Dispatch, _ *Identity) { d.Body += " " },
		"value":    func(_ *Run, _ *Key, d *Dispatch, _ *Identity) { d.Env[0].Value = "b" },
		"timeout":  func(_ *Run, _ *Key, d *Dispatch, _ *Identity) { d.TimeoutMS = 0 },
		"machine":  func(_ *Run, _ *Key, _ *Dispatch, id *Identity) { id.MachineID = "m2" },
		"host key": func(_ *Run, _ *Key, _ *Dispatch, id *Identity) { id.HostKey = "key2" },
	} {
		if bind(change) == was {
			t.Errorf("a grant is not bound to the %s", name)
		}
	}
}

// What a gate shows as its phrase names the cell it is for.
func TestPhraseNamesTheCell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gatedPlan(t))
	for key, want := range map[Key]string{
		{"one", plan.Local}: "one", {"each[a]/two", "a"}: "two on a", {"each[b]/two", "b"}: "two on b",
		{"each[a]/enter", ""}: "each",
	} {
		if got := w.r.Phrase(w.r.Cell(key)); got != want {
			t.Errorf("%s is opened by %q, want %q", key, got, want)
		}
	}
}
