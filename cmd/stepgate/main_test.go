package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is the program itself when a test, or a lab that a test has
// started, asks it to be.
func TestMain(m *testing.M) {
	if os.Getenv("STEPGATE_AS_PROGRAM") != "" || len(os.Args) > 1 && os.Args[1] == "lab" {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"stepgate": main})
}
