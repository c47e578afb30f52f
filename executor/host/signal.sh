# sg_others sets sg_rest to the group without its runner. The runner is spared: it
# writes down how the command ended.
sg_others() {
	sg_group
	sg_rest=
	for sg_d in $sg_alive; do
		[ "$sg_d" = "$sg_r_pid" ] || sg_rest="$sg_rest $sg_d"
	done
}

sg_identity
sg_fate 0
case $sg_fate in
running | orphan)
	sg_runner_lives
	sg_tries=0
	while :; do
		sg_others
		if [ "$sg_signal" = KILL ] || [ "$sg_tries" -eq 0 ]; then
			[ -z "$sg_rest" ] || kill -"$sg_signal" $sg_rest 2>/dev/null
		fi
		sg_fate 0
		case $sg_fate in
		running | orphan) ;;
		*) break ;;
		esac
		[ "$sg_tries" -lt 20 ] || break
		sg_tries=$((sg_tries + 1))
		sg_pause
	done
	# A command that forks faster than it can be listed ends with its group.
	if [ "$sg_signal" = KILL ] && [ -n "$sg_m_pgid" ]; then
		case $sg_fate in
		running | orphan)
			kill -KILL "-$sg_m_pgid" 2>/dev/null
			sg_pause
			;;
		esac
	fi
	;;
esac
sg_report 0
