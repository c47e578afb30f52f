package tui

import (
	"testing"

	"stepgate/runbook/run"
)

// editedGate is at the gate of a command whose text was changed.
func editedGate(t *testing.T) *story {
	s := tablets(t).stopFails()
	c := s.cell("tablets[tablet-1]/stop@tablet-1")
	e, err := s.run.Edited(c, "bash bin/start.sh stop tablet --force\nsleep 2\n")
	if err != nil {
		t.Fatal(err)
	}
	s.then(e, run.Retried{Cell: c.Key, Why: "with another text"})
	return s.gate(c.Key)
}

// askedBeside is at the gate of a command that is not in the runbook.
func askedBeside(t *testing.T) *story {
	s := tablets(t).stopFails()
	e, err := s.run.AdHocAsked(run.AdHoc{Where: "tablet-1", Body: "rm -rf /data/旧/core.*"})
	if err != nil {
		t.Fatal(err)
	}
	return s.then(e).gate(e.Cell)
}

// The gate of what leaves the runbook says so.
func TestGatesOfWhatLeavesTheRunbook(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(*testing.T) *story{"gate-edited": editedGate, "gate-beside": askedBeside} {
		for size, wh := range map[string][2]int{"-80x24": {80, 24}, "-120x40": {120, 40}} {
			t.Run(name+size, func(t *testing.T) {
				t.Parallel()
				golden(t, name+size, pose(tell(t), wh[0], wh[1]).text())
			})
		}
	}
}
