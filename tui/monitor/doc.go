// Package monitor draws what the monitors of a run have shown: a strip with a
// sparkline of each, and a chart over time of one, with the run's steps on its axis.
//
// A [Board] takes each sample once, when it comes, however many there are: a day of one
// a second costs a frame no more than a minute of it. Between two views of a run only
// what is new is taken; samples that aren't in the journal yet, which a later view may
// have in other batches, are taken back before.
//
// It reads runbook/run, and touches nothing.
package monitor
