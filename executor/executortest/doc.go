// Package executortest holds the conformance suite that every kind of executor
// passes ([Suite]), and a scripted executor for the tests of those who use one
// ([Fake]).
//
// It is imported by tests only. The invariant: the suite judges by what real
// processes did on the host (files they wrote, processes that are alive), not by
// what an executor says of itself.
package executortest
