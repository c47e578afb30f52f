# sg_settled waits out the moment between the point of no return and the note of
# who passed it.
sg_settled() {
	sg_waits=0
	while [ ! -e "$sg_att/go/runner" ] && [ ! -e "$sg_att/go/fenced" ] && [ ! -e "$sg_att/rc" ]; do
		[ "$sg_waits" -lt 10 ] || return 0
		sg_waits=$((sg_waits + 1))
		sg_pause
	done
}

# sg_runner_lives reads who runs the attempt and tells whether he is alive.
sg_runner_lives() {
	sg_r_pid= sg_r_start=
	[ -s "$sg_att/go/runner" ] || return 1
	read -r sg_r_pid sg_r_start <"$sg_att/go/runner"
	sg_lives "$sg_r_pid" "$sg_r_start"
}

# sg_group sets sg_alive to what is alive of the attempt's process group. A leader
# that isn't the claim's means that the number was given to others.
sg_group() {
	sg_alive=
	if ! sg_meta; then
		sg_trace
		return 0
	fi
	if [ "$sg_m_leader" != - ] && sg_stat "$sg_m_pgid" && [ "$sg_start" != "$sg_m_leader" ]; then
		return 0
	fi
	sg_members "$sg_m_pgid"
	sg_wd=
	if [ -s "$sg_att/go/watch" ]; then
		read -r sg_wd sg_w <"$sg_att/go/watch"
		sg_lives "$sg_wd" "$sg_w" || sg_wd=
	fi
	sg_unwatch
}

# sg_unwatch takes the watchdog sg_wd and its children out of sg_alive: they are no part
# of the command, and end with it.
sg_unwatch() {
	[ -n "$sg_wd" ] || return 0
	sg_rest=
	for sg_d in $sg_alive; do
		sg_stat "$sg_d" && [ "$sg_d" != "$sg_wd" ] && [ "$sg_ppid" != "$sg_wd" ] || continue
		sg_rest="$sg_rest $sg_d"
	done
	sg_alive=$sg_rest
}

# sg_trace sets sg_alive to the processes whose argv has the attempt's program, for a
# claim that was removed. Others may run without showing.
sg_trace() {
	sg_alive=
	[ -n "$sg_proc" ] || return 0
	# All at once first, for nearly always there is none.
	case $({ cat "$sg_proc"/[0-9]*/cmdline | tr '\000' ' '; } 2>/dev/null) in
	*"$sg_id/body"*) ;;
	*) return 0 ;;
	esac
	for sg_d in "$sg_proc"/[0-9]*; do
		sg_d=${sg_d##*/}
		case $({ tr '\000' ' ' <"$sg_proc/$sg_d/cmdline"; } 2>/dev/null) in
		*"$sg_id/body"*) ;;
		*) continue ;;
		esac
		sg_stat "$sg_d" || continue
		case $sg_state in
		[ZXx]*) ;;
		*) sg_alive="$sg_alive $sg_d" ;;
		esac
	done
}

# sg_lost REASON: what the host knew of the attempt is gone.
sg_lost() {
	sg_trace
	sg_fate=died sg_detail="$1: whether it ran, and whether anything of it still runs, isn't known here"
	[ -z "$sg_alive" ] || sg_fate=orphan sg_detail="$1, and it still runs"
}

# sg_fate sets sg_fate and sg_detail, in the order that makes the answer safe.
# $1 is 1 to fence.
sg_fate() {
	sg_detail=
	if [ "$sg_machine_now" != "$sg_machine" ]; then
		sg_fate=foreign sg_detail="this is machine $sg_machine_now, the intent names $sg_machine"
		return
	fi
	if sg_result; then
		sg_fate=finished
		return
	fi
	if [ "$sg_boot_now" != "$sg_boot" ]; then
		sg_fate=rebooted sg_detail="booted since the intent: $sg_boot_now, then $sg_boot"
		return
	fi
	# With the directory the memory is gone; its absence proves nothing.
	if ! sg_kept; then
		sg_lost "the attempt directory $sg_dir was removed since the intent"
		return
	fi
	if sg_listed && [ ! -d "$sg_att" ]; then
		sg_lost "it was claimed here, and $sg_att was removed since"
		return
	fi
	if [ -e "$sg_rundir.closed" ] && [ ! -d "$sg_att" ]; then
		sg_fate=died sg_detail="the run was closed on this host, with nothing of it running, and its attempts were removed: whether this one ran isn't known here"
		return
	fi
	if [ "$1" = 1 ]; then
		[ -d "$sg_rundir" ] || mkdir "$sg_rundir" 2>/dev/null
		[ -d "$sg_att" ] || mkdir "$sg_att" 2>/dev/null
		if sg_error=$(mkdir "$sg_att/go" 2>&1); then
			: >"$sg_att/go/fenced" || sg_fail "can't write the fence in $sg_att"
		elif [ ! -d "$sg_att/go" ]; then
			sg_fail "can't fence: $sg_error"
		fi
	elif [ ! -d "$sg_att/go" ]; then
		sg_fate=never sg_detail="not claimed"
		[ ! -d "$sg_att" ] || sg_detail="claimed, not begun"
		return
	fi
	sg_settled
	if [ -e "$sg_att/go/fenced" ]; then
		sg_fate=never sg_detail=fenced
		return
	fi
	if sg_runner_lives; then
		sg_fate=running
		return
	fi
	# The runner may have ended between the two looks: then there is a result.
	sg_group
	if sg_result; then
		sg_fate=finished
	elif [ -n "$sg_alive" ]; then
		sg_fate=orphan sg_detail="the runner is gone, processes of the command are alive"
	else
		sg_fate=died sg_detail="begun, no result, nothing of it is alive"
	fi
}

# sg_report answers a probe.
sg_report() {
	sg_fate "$1"
	sg_say fate "$sg_fate"
	[ -z "$sg_detail" ] || sg_say detail "$sg_detail"
	[ "$sg_fate" != finished ] || sg_say exit "$sg_exit $sg_took"
	sg_sizes
	sg_say bytes "$sg_size1 $sg_size2"
	case $sg_fate in
	running | orphan)
		sg_group
		sg_count=0
		for sg_d in $sg_alive; do
			[ "$sg_d" != "$sg_r_pid" ] || continue
			sg_count=$((sg_count + 1))
			[ "$sg_count" -le 50 ] || break
			sg_say proc "$(sg_argv "$sg_d")"
		done
		;;
	esac
	sg_say end
}
