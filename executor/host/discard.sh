sg_identity
[ "$sg_machine_now" = "$sg_machine" ] || sg_fail "this is machine $sg_machine_now, the run's host is $sg_machine"
if ! sg_kept; then
	# Whatever was to be removed is; what comes late is refused for the same reason.
	[ -z "$sg_dirid" ] || {
		sg_say end
		exit 0
	}
	sg_fail "the attempt directory $sg_dir is gone"
fi
for sg_att in "$sg_rundir"/*; do
	[ -d "$sg_att/go" ] && ! sg_theirs && ! sg_result && sg_runner_lives || continue
	sg_fail "attempt ${sg_att##*/} is still running"
done
: >"$sg_rundir.closed" || sg_fail "can't write $sg_rundir.closed"
sg_others=
for sg_att in "$sg_rundir"/*; do
	[ -d "$sg_att" ] || continue
	if sg_theirs; then
		sg_others=1
		continue
	fi
	sg_error=$(rm -rf "$sg_att" 2>&1) || sg_fail "can't remove $sg_att: $sg_error"
done
if [ -z "$sg_others" ]; then
	sg_error=$(rm -rf "$sg_rundir" "$sg_rundir.claims" 2>&1) || sg_fail "can't remove $sg_rundir: $sg_error"
fi
sg_say end
