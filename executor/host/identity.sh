# sg_identity sets sg_machine_now and sg_boot_now. A login environment may say
# that this is a machine of its own (a container, a simulated host).
sg_identity() {
	sg_machine_now=${STEPGATE_MACHINE_ID-}
	for sg_f in /etc/machine-id /var/lib/dbus/machine-id /sys/class/dmi/id/product_uuid; do
		[ -z "$sg_machine_now" ] || break
		[ -r "$sg_f" ] || continue
		{ read -r sg_machine_now <"$sg_f"; } 2>/dev/null
		[ "$sg_machine_now" != uninitialized ] || sg_machine_now=
	done
	if [ -z "$sg_machine_now" ] && command -v ioreg >/dev/null 2>&1; then
		sg_machine_now=$(ioreg -rd1 -c IOPlatformExpertDevice | sed -n 's/.*IOPlatformUUID" = "\([^"]*\)".*/\1/p')
	fi
	[ -n "$sg_machine_now" ] || sg_machine_now=${sg_hostkey:-hostname:$(uname -n)}

	sg_boot_now=${STEPGATE_BOOT_ID-}
	if [ -z "$sg_boot_now" ] && [ -r /proc/sys/kernel/random/boot_id ]; then
		read -r sg_boot_now </proc/sys/kernel/random/boot_id
	fi
	if [ -z "$sg_boot_now" ]; then
		sg_boot_now=$( (sysctl -n kern.boottime || who -b) 2>/dev/null)
		set -- $sg_boot_now
		sg_boot_now=$*
	fi
}
