# Files of this host, for copies. Paths begin with / or ./, so that no tool takes
# one for an option. sg_whole has been called.

# sg_entry PATH tells what PATH is: st_mode in hex, size, time, owner, group.
sg_entry() {
	if sg_st=$(stat -c '%f %s %Y %u %g' "$1" 2>/dev/null); then
		:
	elif sg_st=$(stat -f '%Xp %z %m %u %g' "$1" 2>/dev/null); then
		:
	elif [ -e "$1" ] || [ -L "$1" ]; then
		sg_fail "stat isn't there, or doesn't tell what a file is"
	else
		sg_say absent
		return
	fi
	sg_say entry "$sg_st"
	sg_text name "${1##*/}"
	if [ -L "$1" ]; then
		sg_to=$(readlink "$1" && echo .) || sg_fail "a symbolic link can't be read"
		sg_to=${sg_to%??}
		sg_text link "$sg_to"
	else
		sg_say link
	fi
}

# sg_text KEY TEXT is a line of the answer about any text: as it is, or in octal.
sg_text() {
	case $2 in
	*"
"*) sg_say "$1" "o$(sg_put "$2" | od -An -v -to1 | tr -d ' \n')" ;;
	*) sg_say "$1" "p$2" ;;
	esac
}

# sg_list DIR tells what is in DIR.
sg_list() {
	[ -d "$1" ] && [ ! -L "$1" ] || sg_why "it is no directory"
	[ -r "$1" ] && [ -x "$1" ] || sg_why "permission denied"
	for sg_f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
		if [ -e "$sg_f" ] || [ -L "$sg_f" ]; then
			sg_entry "$sg_f"
		fi
	done
}

# sg_why REASON is a verdict: it can't be done.
sg_why() {
	sg_flat "$*"
	sg_say why "$sg_flat"
	sg_say end
	exit 0
}

# sg_sha is SHA-256 of stdin.
sg_shatool=none
if command -v sha256sum >/dev/null 2>&1; then
	sg_shatool=y
	sg_sha() { sha256sum; }
elif command -v shasum >/dev/null 2>&1; then
	sg_shatool=y
	sg_sha() { shasum -a 256; }
elif command -v openssl >/dev/null 2>&1; then
	sg_shatool=y
	sg_sha() { openssl dgst -sha256 -r; }
elif command -v busybox >/dev/null 2>&1 && busybox sha256sum </dev/null >/dev/null 2>&1; then
	sg_shatool=y
	sg_sha() { busybox sha256sum; }
fi

# sg_sum PATH LENGTH is the checksum of a beginning; -1 is all.
sg_sum() {
	[ -f "$1" ] && [ ! -L "$1" ] || sg_why "it is no file: $1"
	[ -r "$1" ] || sg_why "permission denied: $1"
	case $2 in
	-1) sg_hex=$(sg_sha <"$1") ;;
	0) sg_hex=$(sg_sha </dev/null) ;;
	*) sg_hex=$(head -c "$2" <"$1" | sg_sha) ;;
	esac || sg_why "it can't be read: $1"
	sg_say sum "${sg_hex%% *}"
}

# sg_try COMMAND... does it, or tells why not.
sg_try() {
	sg_out=$("$@" 2>&1) || sg_why "$sg_out"
}

# sg_append PATH OFFSET adds the decoded sg_data behind exactly OFFSET bytes.
sg_append() {
	[ ! -L "$1" ] || sg_why "it is a symbolic link"
	if [ "$2" = 0 ]; then
		sg_out=$( (: >"$1") 2>&1) || sg_why "$sg_out"
	fi
	chmod 600 "$1" || sg_why "it can't be written"
	set -- "$1" "$2" $(wc -c <"$1")
	if [ "$3" -gt "$2" ]; then
		sg_try dd if=/dev/null of="$1" bs=1 seek="$2"
	elif [ "$3" -lt "$2" ]; then
		sg_why "it has $3 bytes, and $2 were there"
	fi
	if command -v base64 >/dev/null 2>&1; then
		sg_out=$( (sg_put "$sg_data" | base64 -d >>"$1") 2>&1) || sg_why "$sg_out"
	elif command -v openssl >/dev/null 2>&1; then
		sg_out=$( (sg_put "$sg_data" | openssl base64 -d -A >>"$1") 2>&1) || sg_why "$sg_out"
	else
		sg_why "the host has neither sftp, nor base64, nor openssl: nothing can be written there"
	fi
	set -- "$1" "$2" "$3" $(wc -c <"$1")
	[ "$4" -eq $(($2 + sg_len)) ] || sg_why "not all of it could be written: is the disk full?"
}

# sg_rename OLD NEW gives OLD its name, when nothing has it.
sg_rename() {
	[ ! -e "$2" ] && [ ! -L "$2" ] || sg_why "file exists"
	sg_try mv "$1" "$2"
}

# sg_disk PATH puts PATH on disk where the tool takes files; never all disks.
sg_disk() {
	if command -v sync >/dev/null 2>&1; then
		sync "$1" >/dev/null 2>&1 || :
	fi
}

# sg_room PATH tells the free space in KiB.
sg_room() {
	set -- $(df -Pk "$1" 2>/dev/null | sed -n '2s/.* \([0-9][0-9]*\)  *[0-9][0-9]*% .*/\1/p')
	sg_say room "${1:--1}"
}

sg_whole
sg_calls
sg_say end
