// Package lab is a simulated cluster on this machine: five hosts, each an SSH
// server on loopback with a directory tree, a host key and a user of its own,
// where real shells run the programs of a simulated system as real processes.
// It serves the demo, rehearsals, and the end-to-end tests.
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
// DIR/hosts/NAME stands for its file system: home/USER, opt/openmldb (the deploy
// directory: bin conf logs db tools), opt/packages (one directory that all hosts
// share, with the unpacked new version), usr/bin (first on PATH), var/tmp. The
// environment has LAB_DIR, by which the watcher knows the lab's processes,
// STEPGATE_MACHINE_ID and STEPGATE_BOOT_ID.
//
// The simulated programs are scripts of one line that run
// `stepgate lab program NAME PATH ARGS…`: bin/openmldb (its version is in the
// script, so that replacing bin is an upgrade), bin/start.sh, and
// tools/openmldb_ops.py by way of python on PATH. `ledger NAME…` appends a line
// to the ledger and does nothing else.
//
// # What a runbook gets
//
// The inventory has the groups ops (ns-1), nameserver (ns-1, ns-2) and tablet
// (tablet-1 to tablet-3), and per host ssh, endpoint and home (the deploy
// directory). [Cluster].Params has cluster, zk, zk_root, ops_dir, statdir,
// old_version, new_version, new_package_dir, probe_db, probe_table, writes and
// single. Called as on a real host, with the deploy directory as cwd:
//
//	bash bin/start.sh start|stop|restart nameserver|tablet
//	./bin/openmldb --version
//	./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --role=ns_client --interactive=false --cmd=showns
//	./bin/openmldb --role=client --endpoint=$endpoint --interactive=false --cmd=gettablestatus
//	echo 'show components;' | ./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --role=sql_client --interactive=false
//	python tools/openmldb_ops.py --openmldb_bin_path=./bin/openmldb --zk_cluster=$zk --zk_root_path=$zk_root --cmd=pre-upgrade --endpoints=$endpoint --statfile=FILE
//
// # Faults and ledger
//
// [Fault] takes HOST:WHAT=VALUE, and an empty value to clear it:
//
//	start=fail         the component ends at once when it is started
//	start=hang         it runs but never answers
//	stop=survive       it ignores SIGTERM
//	preupgrade=fail    pre-upgrade of this tablet dies of an exception
//	changeleader=fail  a change of leader from or to this tablet fails
//	recover=never      its partitions stay kTableLoading
//
// Every command that changes something is in the ledger, synced before it acts:
// see [Ledger].
//
// The package imports lab/site, lab/sshd and lab/openmldb, and of the rest of the
// project only runbook/text. It never listens but on loopback.
//
// The invariant: whatever is killed, and when, the next [Start] or [Down] of the
// directory leaves no process of a former life behind.
package lab
