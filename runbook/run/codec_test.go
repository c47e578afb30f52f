package run

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stepgate/checks"
)

// declared are the types of the package that are events.
func declared(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil && fn.Name.Name == "event" {
				names = append(names, fn.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	return names
}

func TestEveryEventHasItsKind(t *testing.T) {
	t.Parallel()
	names := declared(t)
	if len(names) < 20 {
		t.Fatalf("only %d events found", len(names))
	}
	for _, n := range names {
		proto, ok := kinds[n]
		if !ok {
			t.Errorf("event %s can't be read back from a journal: it isn't in kinds", n)
			continue
		}
		if Kind(proto) != n {
			t.Errorf("kind %q holds a %s", n, Kind(proto))
		}
	}
	for n := range kinds {
		if !slices.Contains(names, n) {
			t.Errorf("kind %q is no event", n)
		}
	}
}

// Every event with a cell is applied to that cell.
func TestKeyOfKnowsEveryCell(t *testing.T) {
	t.Parallel()
	for n, proto := range kinds {
		v := reflect.New(reflect.TypeOf(proto)).Elem()
		fill(t, v, n)
		want, attempt := Key{}, ""
		if f := v.FieldByName("Cell"); f.IsValid() {
			want = f.Interface().(Key)
		}
		if f := v.FieldByName("Attempt"); f.IsValid() {
			attempt = f.String()
		}
		if k, a := KeyOf(v.Interface().(Event)); k != want || a != attempt {
			t.Errorf("KeyOf(%s) = %v, %q, want %v, %q", n, k, a, want, attempt)
		}
	}
}

// fill gives every field of v a value that isn't zero.
func fill(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Date(2026, 11, 21, 3, 14, 15, 926535897, time.UTC)
		return
	case *checks.Verdict:
		*x = checks.Pass
		return
	case *json.RawMessage:
		*x = json.RawMessage(`{"n":12345678901234567890}`)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(name + " 值 \" \u2028")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(-1 << 53)
	case reflect.Uint64:
		v.SetUint(1 << 53)
	case reflect.Float64:
		v.SetFloat(1.0 / 3)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() { // what is kept beside a value isn't journaled
				fill(t, v.Field(i), f.Name)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), name)
		fill(t, v.Index(1), name+"2")
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), name)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), name)
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fill(t, e, name)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k 键").Convert(v.Type().Key()), e)
	default:
		t.Fatalf("field %s has kind %s: teach fill about it", name, v.Kind())
	}
}

func TestEventsRoundTrip(t *testing.T) {
	t.Parallel()
	for n, proto := range kinds {
		v := reflect.New(reflect.TypeOf(proto)).Elem()
		fill(t, v, n)
		for _, want := range []Event{proto, v.Interface().(Event)} {
			kind, payload, err := Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(kind, payload)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s came back as %+v, %v, want %+v", n, got, err, want)
			}
			_, again, err := Encode(got)
			if err != nil || string(again) != string(payload) {
				t.Errorf("%s is encoded as %s, then as %s", n, payload, again)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	_, err := Decode("Teleported", []byte(`{}`))
	var unknown *UnknownKindError
	if !errors.As(err, &unknown) || unknown.Kind != "Teleported" {
		t.Errorf("an unknown kind is %v", err)
	}
	if _, err := Decode("Intent", []byte(`{"added_later":1}`)); err != nil {
		t.Errorf("a field that is added later is refused: %v", err)
	}
	for _, payload := range []string{"", "{", "[]", `{"no":"one"}`, "nul"} {
		if e, err := Decode("Intent", []byte(payload)); err == nil {
			t.Errorf("payload %q became %+v", payload, e)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for n, proto := range kinds {
		_, payload, err := Encode(proto)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(n, payload)
	}
	f.Add("ChecksTaken", []byte(`{"checks":[{"verdict":"maybe"}]}`))
	f.Add("Outcome", []byte(`{"values":{"a":null},"bytes":[1,2,3]}`))
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		e, err := Decode(kind, payload)
		if err != nil {
			return
		}
		k, again, err := Encode(e)
		if err != nil || k != kind {
			t.Fatalf("what was read can't be written: %v", err)
		}
		back, err := Decode(k, again)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		_, third, err := Encode(back)
		if err != nil || string(third) != string(again) {
			t.Fatalf("%s, then %s", again, third)
		}
	})
}
