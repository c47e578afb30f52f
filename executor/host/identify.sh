# sg_network DIR: it lies on a network or user-space file system, where mkdir may
# not be a lock.
sg_network() {
	sg_real=$(cd -- "$1" && pwd -P) || return 0
	if [ ! -r /proc/self/mounts ]; then
		set -- $(df -P "$1" 2>/dev/null | sed -n 2p)
		case ${1-} in
		*:* | //*) return 0 ;;
		esac
		return 1
	fi
	sg_best= sg_type=
	while read -r sg_d sg_m sg_t sg_w; do
		case $sg_real/ in
		"${sg_m%/}"/*) ;;
		*) continue ;;
		esac
		if [ "${#sg_m}" -ge "${#sg_best}" ]; then
			sg_best=$sg_m sg_type=$sg_t
		fi
	done </proc/self/mounts
	case $sg_type in
	nfs* | cifs | smb* | 9p | afs | ceph | glusterfs | lustre | gpfs | ncpfs | fuse | fuse.*) return 0 ;;
	esac
	return 1
}

# sg_suits DIR: attempts can be kept there; else sg_why says why not.
sg_suits() {
	sg_why=
	case $1 in
	/*) ;;
	*)
		sg_why="$1 isn't an absolute path"
		return 1
		;;
	esac
	case $1 in
	*'
'*)
		sg_why="its path has a newline"
		return 1
		;;
	esac
	[ -d "$1" ] || sg_why=$(mkdir -p "$1" 2>&1) || return 1
	set -- "$1" $(LC_ALL=C ls -ldn "$1" 2>/dev/null)
	case ${2-} in
	drwx------*) ;;
	*)
		sg_why="$1 isn't a directory with mode 0700"
		return 1
		;;
	esac
	if [ "${4-}" != "$sg_uid" ]; then
		sg_why="$1 belongs to another user"
		return 1
	fi
	if sg_network "$1"; then
		sg_why="$1 is on a network file system ($sg_type)"
		return 1
	fi
	sg_why=$(mkdir "$1/.try-$sg_n" 2>&1) || return 1
	# A full disk may let directories be made.
	{ sg_put "$sg_p" >"$1/.try-$sg_n/file"; } 2>/dev/null || sg_why="$1 can't be written to: is its disk full?"
	rm -rf "$1/.try-$sg_n"
	[ -z "$sg_why" ]
}

# sg_name gives the chosen directory an id, which goes with it when it's removed.
sg_name() {
	[ -s "$sg_dir/id" ] || (
		set -C
		sg_put "$sg_n
" >"$sg_dir/id"
	) 2>/dev/null
	sg_tries=0 sg_dirid=
	until { read -r sg_dirid <"$sg_dir/id"; } 2>/dev/null || [ "$sg_tries" -ge 10 ]; do
		sg_tries=$((sg_tries + 1))
		sg_pause
		# Whoever was to write it has been cut off.
		[ "$sg_tries" -lt 9 ] || sg_put "$sg_n
" >"$sg_dir/id"
	done
}

# sg_choose sets sg_dir, or sg_degraded to the reasons.
sg_choose() {
	sg_dir= sg_degraded=
	for sg_c in "${STEPGATE_DIR-}" \
		"${XDG_STATE_HOME:+$XDG_STATE_HOME/stepgate}" \
		"${HOME:+$HOME/.local/state/stepgate}" \
		"/var/tmp/stepgate-$sg_uid"; do
		[ -n "$sg_c" ] || continue
		if sg_suits "$sg_c"; then
			sg_dir=$sg_c sg_degraded=
			return
		fi
		sg_degraded="$sg_degraded${sg_degraded:+; }$sg_why"
	done
	sg_degraded="no directory for attempts: $sg_degraded"
}

sg_identity
sg_uid=$(id -u)
sg_choose
sg_free=-1 sg_dirid=
if [ -n "$sg_dir" ]; then
	sg_name
	set -- $(LC_ALL=C df -Pk "$sg_dir" 2>/dev/null | tail -n 1)
	while [ $# -ge 2 ]; do
		case $2 in
		*%)
			sg_free=$1
			break
			;;
		esac
		shift
	done
fi
# A command must not share its process group with the server that started it.
if sg_stat "$$" && [ "$sg_pgrp" != "$$" ] && [ "$sg_pgrp" != "$sg_ppid" ]; then
	sg_degraded="the server gives commands no process group of their own"
	sg_dir= sg_dirid=
fi
sg_say machine "$sg_machine_now"
sg_say boot "$sg_boot_now"
sg_say user "$(id -un)"
sg_say hostname "$(uname -n)"
sg_say system "$(uname -s)"
sg_say clock "$(date +%s.%N 2>/dev/null)"
sg_say dir "$sg_dir"
sg_say dir_id "$sg_dirid"
sg_say free_kib "$sg_free"
sg_flat "$sg_degraded"
sg_say degraded "$sg_flat"
sg_say end
