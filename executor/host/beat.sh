# Renews what the watchdog of an attempt looks at. It is written in place, so that a full
# disk can't end the command.
sg_identity
[ "$sg_machine_now" = "$sg_machine" ] || sg_fail "this is machine $sg_machine_now, the intent names $sg_machine"
[ "$sg_boot_now" = "$sg_boot" ] || sg_fail "the host was booted since the intent"
sg_kept || sg_fail "the attempt directory $sg_dir was removed since the intent"
[ -f "$sg_att/go/beat" ] || sg_fail "it has no leash on this host, or hasn't begun, or its record was removed"
{ sg_put "$sg_n
" 1<>"$sg_att/go/beat"; } 2>/dev/null || sg_fail "can't write $sg_att/go/beat"
sg_say end
