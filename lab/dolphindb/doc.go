// Package dolphindb simulates DolphinDB on the hosts of a lab: the scenes that a lab
// can begin with, install directories and packages, the server processes, and the
// programs that operators call. What is true of a cluster (who leads, which rows there
// are, what a script of an operator answers) is lab/dolphindb/cluster's.
//
// # Machines and places
//
// A scene's machines are ddb-1, ddb-2, … and ddb-ops, from which scripts are sent.
// Each has a loopback address of its own (ip), and each site of a cluster a port of its
// own in the whole lab, so that ss tells the truth. A place is an install directory on
// a machine: its variables are n, ip, install (the directory that holds server/), data,
// os_user, and alias and port of its controller, agent and data node (ctl_…, agent_…,
// node_…; "" and 0 where there is none). In the scene dolphindb each server is its own
// place. Paths in configuration files that lie on any simulated machine are taken as
// the same path on the machine of the process that reads them: the absolute path of
// what is moved stays, as on real servers.
//
// # Programs
//
// server/dolphindb is a script that carries its version. Without -remoteHost it
// becomes a server process with just the command line that it was called with and the
// working directory clusterDemo, which listens on its localSite and has its faults in
// log/*.log alone. startController.sh and startAgent.sh are real shell scripts: nohup,
// in the background, exit code 0. Agents start and stop data nodes on the leader's
// orders. stopAllNode.sh sends SIGTERM to whatever has "dolphindb" in its command line
// on the machine, the lab's own directory left out; processes go when they have
// flushed. upgrade.sh asks its questions, unpacks with the machine's unzip and
// replaces the programs on disk; what runs keeps its version. With -remoteHost
// dolphindb is the client, which exits with 0 after a script's error and with 1 when
// nobody answers.
//
// Packages are real archives in the lab's packages directory (opt/packages on each
// machine), with plugins and a licence beside. dolphindb.lic is text: licenseType,
// maxNodes, expiration and a signature; the one in packages allows three nodes.
//
// # Boot
//
// A machine's init starts what ran when the lab went down, as an rc.local would:
// controllers, agents, data nodes, each out of the directory it ran in with the program
// that is on disk there. What had been stopped stays down. A new lab's first boot
// starts the scene's cluster and fills its tables.
//
// # Ledger
//
// In the ledger are: each server process that a script or an agent starts
// (dolphindb -mode …), stopAllNode.sh, upgrade.sh with mode and version, and from the
// client the statements that change more than rows.
//
// It imports lab/site, lab/userland, lab/wire and lab/dolphindb/cluster, and nothing
// else of the project.
//
// The invariant: what an operator sees is what DolphinDB 2.00 shows, its exit codes
// that are 0 after failures and its silences among it. Only the waits are shorter,
// divided by the lab's speed. It runs on Linux: it needs /proc and a loopback network
// with more than one address.
package dolphindb
