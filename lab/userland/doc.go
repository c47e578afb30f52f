// Package userland is what every simulated host has beside its system: scripts that
// run a simulated program, the tools that the machine may lack, and processes that
// look as they do in the original.
//
// It imports lab/site and nothing else of the project.
package userland
