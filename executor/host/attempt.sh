# Where an attempt is kept, and what its claim says.
sg_rundir=$sg_dir/$sg_run
sg_att=$sg_rundir/$sg_id

# sg_kept tells whether the attempt directory is the one that was chosen: it may have
# been removed, and made anew by a later contact.
sg_kept() {
	[ -d "$sg_dir" ] || return 1
	[ -n "$sg_dirid" ] || return 0
	sg_w=
	{ read -r sg_w <"$sg_dir/id"; } 2>/dev/null
	[ "$sg_w" = "$sg_dirid" ]
}

# sg_listed tells whether the attempt was ever claimed. Where its directory is asked
# for, too, it comes first: a claim is listed when it has its directory.
sg_listed() {
	[ -f "$sg_rundir.claims" ] || return 1
	case $(cat "$sg_rundir.claims") in
	*"$sg_id"*) return 0 ;;
	esac
	return 1
}

# sg_list puts a claim on the run's list, from which its removal shows.
sg_list() {
	sg_put "$sg_id
" >>"$sg_rundir.claims"
}

# sg_meta reads the claim: sg_m_hash sg_m_machine sg_m_boot sg_m_pgid sg_m_leader. Its
# last line says that it's complete.
sg_meta() {
	sg_m_hash= sg_m_machine= sg_m_boot= sg_m_pgid= sg_m_leader= sg_m_end= sg_m_record=
	[ -f "$sg_att/meta" ] || return 1
	while read -r sg_k sg_w; do
		case $sg_k in
		hash) sg_m_hash=$sg_w ;;
		machine) sg_m_machine=$sg_w ;;
		boot) sg_m_boot=$sg_w ;;
		pgid) sg_m_pgid=$sg_w ;;
		leader) sg_m_leader=$sg_w ;;
		end)
			sg_m_end=1
			break
			;;
		esac
		sg_m_record="$sg_m_record${sg_m_record:+, }$sg_k $sg_w"
	done <"$sg_att/meta"
	[ -n "$sg_m_end" ]
}

# sg_theirs tells whether the attempt is another machine's, which keeps its own here,
# too.
sg_theirs() {
	sg_meta && [ "$sg_m_machine" != "$sg_machine_now" ]
}

# sg_result reads the exit code: sg_exit sg_took. An empty file, as a power loss may
# leave, is none.
sg_result() {
	[ -f "$sg_att/rc" ] || return 1
	sg_exit= sg_took=
	read -r sg_exit sg_took sg_w <"$sg_att/rc"
	case $sg_exit in
	'' | *[!0-9]*) return 1 ;;
	esac
	case $sg_took in
	'' | *[!0-9]*) return 1 ;;
	esac
}

# sg_sizes sets sg_size1 and sg_size2 to the bytes of output so far.
sg_sizes() {
	sg_size1=0 sg_size2=0
	set -- $(cd -- "$sg_att" 2>/dev/null && LC_ALL=C ls -ln out err 2>/dev/null)
	[ $# -ge 18 ] || return 0
	# ls sorts by name: err, then out.
	sg_size1=${14} sg_size2=$5
}

# sg_clock sets sg_now to seconds of a clock that isn't set while the host is up.
sg_clock() {
	if [ -r /proc/uptime ]; then
		read -r sg_now sg_w </proc/uptime
		sg_now=${sg_now%%.*}
	else
		sg_now=$(date +%s)
	fi
}
