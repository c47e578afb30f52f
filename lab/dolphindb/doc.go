// Package dolphindb simulates DolphinDB on the hosts of a lab: the scenes that a lab can begin with,
// install directories and packages, the server processes, and the programs that operators call.
package dolphindb
