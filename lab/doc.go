// Package lab is a simulated cluster on this machine: hosts, each an SSH server on
// loopback with a directory tree, a host key and a user of its own, where real
// shells run the programs of a simulated system as real processes. It serves the
// demo, rehearsals, and the end-to-end tests.
//
// A lab begins with a scene: a system, where it stands, and the shipped runbook that
// it rehearses. [Scenes] lists them. What a [System] is, its hosts, files and
// programs, is said in lab/openmldb and lab/dolphindb.
//
// # Processes
//
// A lab is one directory and one process, `stepgate lab serve DIR`, in a session
// of its own. [Create] lays the directory out and copies the running program
// into it; [Start] finds the process or starts it again; [Down] ends both. It
// ends by itself when nobody has been connected for [Options].Idle, and then
// leaves neither a process nor the directory. A watcher, `stepgate lab watch
// DIR`, ends what runs on the hosts when the lab process is gone.
//
// A lab that was killed and is started again is, to its hosts, a reboot: the same
// ports, keys, files and machine ids, new boot ids, and nothing running but what
// the hosts' init starts, with the binaries that are on disk now.
//
// # A host
//
// DIR/hosts/NAME stands for its file system: home/USER, usr/bin (first on PATH),
// var/tmp, and what its system lays out. The environment has LAB_DIR, by which the
// watcher knows the lab's processes, LAB_HOST, STEPGATE_MACHINE_ID and
// STEPGATE_BOOT_ID.
//
// The simulated programs are scripts of one line that run
// `stepgate lab program NAME PATH ARGS…`; those that have to look as in the original
// in a listing of processes become it by [userland.Become]. `ledger NAME…` appends a
// line to the ledger and does nothing else.
//
// An inventory, DIR/inventory.toml, lists the hosts and the places on them, with what
// a runbook has to know of each; [Cluster].Params has values for the runbook's
// parameters.
//
// # Faults and ledger
//
// [Fault] takes HOST:WHAT=VALUE, and an empty value to clear it; [SceneFaults] lists
// them.
//
// Every command that changes something is in the ledger, synced before it acts:
// see [Ledger].
//
// The package imports lab/site, lab/userland, lab/sshd and the systems, and of the
// rest of the project only runbook/text. It never listens but on loopback.
//
// The invariant: whatever is killed, and when, the next [Start] or [Down] of the
// directory leaves no process of a former life behind.
package lab
