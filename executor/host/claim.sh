# Claims the attempt, or answers why not and ends. What follows in the program passes
# the point of no return.
sg_refuse() {
	sg_say claim refused
	sg_say reason "$1"
	sg_say end
	exit 0
}

# sg_claimed answers for an attempt directory that is there already.
sg_claimed() {
	sg_tries=0
	while ! sg_meta; do
		[ -d "$sg_att/go" ] && break
		[ "$sg_tries" -lt 20 ] || sg_fail "the attempt is claimed, but by whom isn't written"
		sg_tries=$((sg_tries + 1))
		sg_pause
	done
	sg_tries=0
	while [ -d "$sg_att/go" ] && [ ! -e "$sg_att/go/runner" ] && [ ! -e "$sg_att/go/fenced" ] && [ "$sg_tries" -lt 10 ]; do
		sg_tries=$((sg_tries + 1))
		sg_pause
	done
	if [ -e "$sg_att/go/fenced" ]; then
		sg_say record "$sg_m_record"
		sg_refuse "a probe has fenced this attempt: it was never started and never will be"
	fi
	if [ -n "$sg_m_hash" ] && [ "$sg_m_hash" = "$sg_hash" ]; then
		sg_say claim attached
	else
		sg_say claim known
		sg_say reason "the host knows this attempt from another journal"
		sg_say record "$sg_m_record"
	fi
	sg_say end
	exit 0
}

# sg_sync FILE... makes files durable where sync takes files; a bare sync can stall
# a database host.
sg_sync() {
	[ -n "$sg_sync_files" ] || return 0
	sync "$@" 2>/dev/null
}

sg_whole
sg_identity
[ "$sg_machine_now" = "$sg_machine" ] || sg_refuse "this is machine $sg_machine_now, the intent names $sg_machine"
[ "$sg_boot_now" = "$sg_boot" ] || sg_refuse "the host was booted since the intent"
sg_kept || sg_fail "the attempt directory $sg_dir was removed since the intent"
[ ! -e "$sg_rundir.closed" ] || sg_refuse "the run is closed on this host"
(sg_env) </dev/null >/dev/null 2>&1 || sg_refuse "this host's shell doesn't let a variable of the command be set"

sg_sync_files=
if [ -n "$sg_proc" ]; then
	case $(sync --help 2>&1) in
	*FILE*) sg_sync_files=1 ;;
	esac
fi

[ -d "$sg_rundir" ] || mkdir "$sg_rundir" 2>/dev/null
if sg_listed && [ ! -d "$sg_att" ]; then
	sg_say claim known
	sg_say reason "the host has claimed this attempt before, and its record was removed since"
	sg_say record "listed in $sg_rundir.claims"
	sg_say end
	exit 0
fi
if ! sg_error=$(mkdir "$sg_att" 2>&1); then
	[ ! -d "$sg_att" ] || sg_claimed
	sg_fail "can't claim: $sg_error"
fi

sg_stat "$$" || sg_fail "can't read process $$"
sg_pgid=$sg_pgrp
sg_leader=-
! sg_stat "$sg_pgid" || sg_leader=$sg_start
sg_text="hash $sg_hash
run $sg_run
machine $sg_machine_now
boot $sg_boot_now
pgid $sg_pgid
leader $sg_leader
${sg_user:+user $sg_user
}${sg_leash:+leash $sg_leash
}end
"
{
	sg_list && sg_put "$sg_text" >"$sg_att/meta" &&
		sg_put "$sg_body" >"$sg_att/body" &&
		sg_put "                                        
" >"$sg_att/rc.tmp" &&
		: >"$sg_att/out" && : >"$sg_att/err" &&
		{ [ -z "$sg_user" ] || { : >"$sg_att/out.sudo" && : >"$sg_att/err.sudo"; }; }
} 2>/dev/null || sg_fail "can't write the claim: is the disk of $sg_dir full?"
# The claim has to outlast a power loss, for a journal that is older than that; the
# body is evidence only.
sg_sync "$sg_att/meta" "$sg_att" "$sg_rundir"

# sg_void REASON refuses an attempt that is claimed already.
sg_void() {
	mkdir "$sg_att/go" 2>/dev/null && : >"$sg_att/go/fenced"
	sg_refuse "$1"
}

# A Discard that came between is seen here, or its removal of the directory makes
# the runner's mkdir fail.
[ ! -e "$sg_rundir.closed" ] || sg_void "the run is closed on this host"
