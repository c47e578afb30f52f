# What a process is, from /proc without a single fork, else from ps.
sg_proc=/proc
[ -r "$sg_proc/self/stat" ] || sg_proc=

# sg_stat PID sets sg_state sg_ppid sg_pgrp sg_start; false when there is none.
sg_stat() {
	sg_line=
	if [ -n "$sg_proc" ]; then
		{
			while IFS= read -r sg_part || [ -n "$sg_part" ]; do
				sg_line="$sg_line$sg_part "
			done <"$sg_proc/$1/stat"
		} 2>/dev/null
		case $sg_line in
		*') '*) ;;
		*) return 1 ;;
		esac
		set -- ${sg_line##*') '}
		[ $# -ge 20 ] || return 1
		sg_state=$1 sg_ppid=$2 sg_pgrp=$3
		shift 19
		sg_start=$1
		return 0
	fi
	set -- $(LC_ALL=C ps -o stat= -o ppid= -o pgid= -o lstart= -p "$1" 2>/dev/null)
	[ $# -ge 4 ] || return 1
	sg_state=$1 sg_ppid=$2 sg_pgrp=$3
	shift 3
	sg_start=
	for sg_part in "$@"; do
		sg_start="$sg_start${sg_start:+_}$sg_part"
	done
}

# sg_self sets sg_me to the process that calls it, which in a subshell isn't $$.
sg_self() {
	if [ -n "$sg_proc" ]; then
		read -r sg_me sg_part <"$sg_proc/self/stat"
	else
		sg_me=$(exec sh -c 'echo $PPID')
	fi
}

# sg_lives PID START: that very process is alive. A zombie isn't, though kill -0
# says so.
sg_lives() {
	sg_stat "$1" && [ "$sg_start" = "$2" ] || return 1
	case $sg_state in
	[ZXx]*) return 1 ;;
	esac
}

# sg_members PGID sets sg_alive to the pids of the group that are no zombies.
sg_members() {
	sg_alive=
	[ -n "$1" ] && [ "$1" -gt 1 ] || return 0
	if [ -z "$sg_proc" ]; then
		sg_alive=$(LC_ALL=C ps -A -o pid= -o pgid= -o stat= | while read -r sg_d sg_g sg_state; do
			[ "$sg_g" = "$1" ] || continue
			case $sg_state in
			[ZXx]*) ;;
			*) echo "$sg_d" ;;
			esac
		done)
		return 0
	fi
	for sg_d in "$sg_proc"/[0-9]*; do
		sg_d=${sg_d##*/}
		sg_stat "$sg_d" && [ "$sg_pgrp" = "$1" ] || continue
		case $sg_state in
		[ZXx]*) ;;
		*) sg_alive="$sg_alive $sg_d" ;;
		esac
	done
}

# sg_argv PID prints its arguments on one line, cut at 4000 bytes.
sg_argv() {
	if [ -n "$sg_proc" ]; then
		tr '\000\n' '  ' <"$sg_proc/$1/cmdline" 2>/dev/null | head -c 4000
	else
		LC_ALL=C ps -o args= -p "$1" 2>/dev/null | tr '\n' ' ' | head -c 4000
	fi
}

# sg_pause is a tenth of a second, or a second where sleep takes whole ones only.
sg_pause() {
	sleep 0.1 2>/dev/null || sleep 1
}
