# sg_spare adds the children of those that are spared.
sg_spare() {
	sg_more=
	for sg_d in $sg_alive; do
		sg_stat "$sg_d" || continue
		case $sg_spared in
		*" $sg_ppid "*) sg_more="$sg_more$sg_d " ;;
		esac
	done
	sg_spared="$sg_spared$sg_more"
}

# sg_others sets sg_rest to sg_alive without those that write down how the command
# ended and what it has printed: its runner and its filters, and, of another user's
# command, the runner's own shell and sudo.
sg_others() {
	sg_rest=
	sg_spared=" $sg_r_pid $(cat "$sg_att/go/filters" 2>/dev/null)"
	if [ -n "$sg_user" ]; then
		sg_spare
		sg_spare
	fi
	for sg_d in $sg_alive; do
		case $sg_spared in
		*" $sg_d "*) ;;
		*) sg_rest="$sg_rest $sg_d" ;;
		esac
	done
}

# sg_send SIGNAL PID... sends it, through sudo where the command is another user's.
sg_send() {
	if [ -n "$sg_user" ]; then
		sg_kill "$@"
	else
		sg_sig=$1
		shift
		kill -"$sg_sig" "$@" 2>/dev/null
	fi
}
