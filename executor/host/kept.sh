# Lists what is kept as "run ID ATTEMPTS KIB", and "closed ID" for a mark alone.
sg_identity
[ "$sg_machine_now" = "$sg_machine" ] || sg_fail "this is machine $sg_machine_now, not $sg_machine"
[ -d "$sg_dir" ] || sg_fail "the attempt directory $sg_dir is gone"
for sg_d in "$sg_dir"/*/; do
	sg_d=${sg_d%/}
	case ${sg_d##*/} in
	*[!A-Za-z0-9_.-]*) continue ;;
	esac
	[ -d "$sg_d" ] && [ ! -h "$sg_d" ] || continue
	sg_count=0 sg_others=
	for sg_att in "$sg_d"/*; do
		[ -d "$sg_att" ] || continue
		if sg_theirs; then
			sg_others=1
		else
			sg_count=$((sg_count + 1))
		fi
	done
	if [ -z "$sg_others" ]; then
		set -- $(du -sk "$sg_d" 2>/dev/null)
		sg_say run "${sg_d##*/} $sg_count ${1:--1}"
	elif [ "$sg_count" -gt 0 ]; then
		sg_say run "${sg_d##*/} $sg_count -1"
	elif [ -e "$sg_d.closed" ]; then
		sg_say closed "${sg_d##*/}"
	fi
done
for sg_d in "$sg_dir"/*.closed; do
	[ -f "$sg_d" ] || continue
	sg_d=${sg_d%.closed}
	case ${sg_d##*/} in
	*[!A-Za-z0-9_.-]*) continue ;;
	esac
	[ -d "$sg_d" ] || sg_say closed "${sg_d##*/}"
done
sg_say end
