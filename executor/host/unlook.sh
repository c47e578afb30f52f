# Ends the look of process sg_pid with its group sg_pgid, and says what is left. The
# look's own shell is spared at first, because it cleans up.
sg_tries=0
sg_sig=TERM
sg_members "$sg_pgid"
while [ -n "$sg_alive" ] && [ "$sg_tries" -lt 20 ]; do
	for sg_d in $sg_alive; do
		if [ "$sg_d" != "$sg_pid" ] || [ "$sg_tries" -ge 10 ]; then
			kill -"$sg_sig" "$sg_d" 2>/dev/null
		fi
	done
	[ "$sg_tries" -lt 2 ] || sg_sig=KILL
	sg_tries=$((sg_tries + 1))
	sg_pause
	sg_members "$sg_pgid"
done
rm -rf "$sg_tmp"
sg_say left $sg_alive
sg_say end
