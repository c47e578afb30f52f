sg_identity
[ "$sg_machine_now" = "$sg_machine" ] || sg_fail "this is machine $sg_machine_now, the run's host is $sg_machine"
[ -d "$sg_dir" ] || sg_fail "the attempt directory $sg_dir is gone"
for sg_att in "$sg_rundir"/*; do
	[ -d "$sg_att/go" ] && ! sg_result && sg_runner_lives || continue
	sg_fail "attempt ${sg_att##*/} is still running"
done
: >"$sg_rundir.closed" || sg_fail "can't write $sg_rundir.closed"
sg_error=$(rm -rf "$sg_rundir" 2>&1) || sg_fail "can't remove $sg_rundir: $sg_error"
sg_say end
