# Sends output from sg_off1 and sg_off2 on as "data STREAM OFFSET LENGTH" and bytes,
# until the attempt has ended or looks as if it won't.
exec 2>/dev/null

# sg_slice STREAM FILE OFFSET SIZE
sg_slice() {
	sg_say data "$1" "$3" "$(($4 - $3))"
	tail -c "+$(($3 + 1))" "$2" | head -c "$(($4 - $3))"
}

sg_identity
sg_idle=0 sg_turn=
while :; do
	# In this order: what was written before the result is delivered, and what a
	# daemon left behind still writes doesn't keep us.
	sg_ended=
	! sg_result || sg_ended=1
	sg_sizes
	if [ "$sg_size1" -gt "$sg_off1" ]; then
		sg_slice 1 "$sg_att/out" "$sg_off1" "$sg_size1"
		sg_off1=$sg_size1 sg_idle=0
	fi
	if [ "$sg_size2" -gt "$sg_off2" ]; then
		sg_slice 2 "$sg_att/err" "$sg_off2" "$sg_size2"
		sg_off2=$sg_size2 sg_idle=0
	fi
	if [ -n "$sg_ended" ]; then
		sg_say exit "$sg_exit $sg_took"
		sg_say bytes "$sg_size1 $sg_size2"
		sg_say end
		exit 0
	fi
	# What there was is delivered: a session that has to give way may go.
	[ -n "$sg_turn" ] || sg_say alive || exit 1
	sg_turn=1
	sg_idle=$((sg_idle + 1))
	if [ "$((sg_idle % 8))" -eq 0 ]; then
		# Also what ends this loop when nobody listens any more.
		sg_say alive || exit 1
		if { [ "$sg_boot_now" != "$sg_boot" ] || ! sg_runner_lives; } && ! sg_result; then
			# A claim gets a while to pass its point of no return.
			if [ -d "$sg_att/go" ] || [ ! -d "$sg_att" ] || [ "$sg_idle" -ge 40 ]; then
				sg_say look
				sg_say end
				exit 0
			fi
		fi
	fi
	if [ "$sg_idle" -le 4 ]; then
		sleep 0.02 || sleep 1
	elif [ "$sg_idle" -le 40 ]; then
		sg_pause
	else
		sleep 0.25 || sleep 1
	fi
done
