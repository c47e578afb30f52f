# An attempt with a leash: its watchdog, and the end of its process group.

# sg_leashed starts the watchdog, and returns when others can tell who it is. What it
# ignores it ignores from its beginning, so that no signal to the group can end it.
sg_leashed() {
	{ sg_put "$sg_n
" >"$sg_att/go/beat"; } 2>/dev/null || return 1
	trap '' HUP TERM USR1
	sg_watch &
	sg_watchdog=$!
	trap : HUP TERM
	trap - USR1
	sg_stat "$sg_watchdog" && { sg_put "$sg_watchdog $sg_start
" >"$sg_att/go/watch"; } 2>/dev/null && return
	kill -KILL "$sg_watchdog" 2>/dev/null
	return 1
}

# sg_watch ends the group when nobody has beaten for as many looks as the leash is long.
# It counts looks, not time: a host that was suspended has looked at nothing. If it ends
# in any other way than it means to, the group ends with it.
sg_watch() {
	trap '' HUP INT QUIT PIPE ALRM TERM USR2
	trap : USR1
	trap 'kill -KILL "-$sg_pgid"' EXIT
	sg_self
	sg_wd=$sg_me sg_beat=$sg_n sg_missed=0
	while [ "$sg_missed" -lt "$sg_looks" ]; do
		sg_nap "$sg_every"
		sg_slept=$?
		! sg_over || sg_off
		sg_w=
		{ read -r sg_w <"$sg_att/go/beat"; } 2>/dev/null
		if [ "$sg_w" != "$sg_beat" ]; then
			sg_beat=$sg_w sg_missed=0
		elif [ "$sg_slept" -ne 1 ]; then
			sg_missed=$((sg_missed + 1))
		fi
		sg_lives "$sg_r_pid" "$sg_r_start" || sg_left || sg_off
	done
	sg_halves=0 sg_sent=
	until sg_over; do
		if ! sg_push; then
			sg_lives "$sg_r_pid" "$sg_r_start" || sg_off
			sg_nap 1
		fi
	done
	sg_off
}

# sg_off ends the watchdog.
sg_off() {
	trap - EXIT
	exit 0
}

# sg_nap SECONDS sleeps. It returns 1 when it was woken, more when sleep doesn't take
# that.
sg_nap() {
	(
		trap - TERM
		exec sleep "$1" 2>/dev/null
	) &
	sg_napper=$!
	wait "$sg_napper"
	sg_status $?
	[ "$sg_exit" -ne 0 ] || return 0
	[ "$sg_exit" -gt 128 ] || return 2
	kill -KILL "$sg_napper" 2>/dev/null
	return 1
}

# sg_over tells whether the runner has written down how the command ended.
sg_over() {
	sg_w=
	{ read -r sg_w sg_x <"$sg_att/rc.tmp"; } 2>/dev/null
	[ -n "$sg_w" ] || [ -f "$sg_att/rc" ]
}

# sg_left sets sg_rest to what is left of the group, also when the claim was removed.
sg_left() {
	sg_members "$sg_pgid"
	sg_unwatch
	sg_others
	[ -n "$sg_rest" ]
}

# sg_push goes on with ending the group: TERM, ten seconds later KILL, ten seconds later
# KILL to all of it. False when nothing is left. sudo isn't asked more often than that:
# a password that it takes no longer would lock the login out.
sg_push() {
	sg_left || return 1
	if [ "$sg_halves" -ge 40 ]; then
		sg_send KILL "-$sg_pgid"
		kill -KILL "-$sg_pgid"
	elif [ "$sg_halves" -ge 20 ]; then
		[ -n "$sg_user" ] && [ "$sg_sent" = KILL ] || sg_send KILL $sg_rest
		sg_sent=KILL
	elif [ -z "$sg_sent" ]; then
		sg_send TERM $sg_rest
		sg_sent=TERM
	fi
	sg_nap 0.5
	case $? in
	0) sg_halves=$((sg_halves + 1)) ;;
	2)
		sg_nap 1
		sg_halves=$((sg_halves + 2))
		;;
	esac
}

# sg_unleash is the runner's, when the command has ended: it ends the watchdog, and then
# what the command has left behind. A signal may come just before the watchdog waits for
# one.
sg_unleash() {
	sg_tries=0
	while sg_alone "$sg_watchdog" && [ "$sg_tries" -lt 100 ]; do
		kill -USR1 "$sg_watchdog" 2>/dev/null
		sg_tries=$((sg_tries + 1))
		sleep 0.02 2>/dev/null || sleep 1
	done
	kill -KILL "$sg_watchdog" 2>/dev/null
	sg_wd= sg_halves=0 sg_sent=
	while sg_push; do :; done
}
