sg_identity
sg_fate 0
case $sg_fate in
running | orphan)
	sg_runner_lives
	sg_tries=0
	while :; do
		sg_group
		sg_others
		if [ "$sg_signal" = KILL ] || [ "$sg_tries" -eq 0 ]; then
			[ -z "$sg_rest" ] || sg_send "$sg_signal" $sg_rest
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
			sg_send KILL "-$sg_m_pgid"
			sg_pause
			;;
		esac
	fi
	;;
esac
sg_report 0
