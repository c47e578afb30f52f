# sg_begun waits until the program that sudo runs says that it has begun, on both
# outputs, puts away what was printed before, and lets it go on. It finds out by
# writing that there is no such program any more.
sg_begun() {
	for sg_d in out err; do
		until case $(tail -c 80 "$sg_att/$sg_d.sudo") in *"$sg_inner_n begin."*) ;; *) false ;; esac; do
			sg_put "
" || return 1
			sleep 0.02 2>/dev/null || sleep 1
		done
	done
	for sg_d in out err; do
		: >"$sg_att/$sg_d.sudo" && mv "$sg_att/$sg_d.sudo" "$sg_att/$sg_d" || return 1
	done
	sg_put "go
"
}

# sg_become runs the command as sg_user, and ends when that has.
sg_become() {
	trap : HUP TERM
	umask "$sg_umask"
	{
		sg_given "$sg_inner"
		umask 077
		sg_begun
	} 2>/dev/null | sg_sudo sh -c "$sg_stream"
}

# sg_never_begun tells whether sudo has not run the command, and keeps what it said.
sg_never_begun() {
	[ -e "$sg_att/err.sudo" ] || return 1
	mv "$sg_att/out.sudo" "$sg_att/out" 2>/dev/null
	mv "$sg_att/err.sudo" "$sg_att/err"
}

# sg_work runs the command with its output on the way to its files.
sg_work() {
	sg_out=$sg_att/out sg_err=$sg_att/err
	[ -z "$sg_user" ] || sg_out=$sg_out.sudo sg_err=$sg_err.sudo
	[ -z "$sg_masks" ] || sg_filters "$sg_out" "$sg_err"
	(
		if [ -n "$sg_masks" ]; then
			exec >&7 2>&8 7>&- 8>&-
		else
			exec >>"$sg_out" 2>>"$sg_err"
		fi
		if [ -n "$sg_user" ]; then
			sg_become
		else
			sg_command "$sg_att/body"
		fi
	)
	sg_status $?
	[ -z "$sg_masks" ] || sg_drain
	if [ -n "$sg_user" ] && sg_never_begun; then
		sg_exit=126
	fi
}

# sg_runner outlives the connection. Its HUP and TERM are caught, not ignored: an
# ignored signal would be inherited by the command and its daemons.
sg_runner() {
	trap : HUP TERM
	sg_self
	sg_stat "$sg_me" || exit 1
	sg_clock
	sg_began=$sg_now
	mkdir "$sg_att/go" || exit 0
	sg_r_pid=$sg_me sg_r_start=$sg_start
	# A runner that nobody could see again runs nothing.
	if ! { [ -z "$sg_leash" ] || sg_leashed; } || ! { sg_put "$sg_r_pid $sg_r_start
" >"$sg_att/go/runner"; } 2>/dev/null; then
		rm -rf "$sg_att/go"
		exit 1
	fi
	sg_work
	sg_clock
	# The space for this was taken before the command began: a full disk can't
	# hide how it ended.
	sg_put "$sg_exit $((sg_now - sg_began)) ." 1<> "$sg_att/rc.tmp"
	[ -z "$sg_leash" ] || sg_unleash
	sg_sync "$sg_att/rc.tmp"
	mv "$sg_att/rc.tmp" "$sg_att/rc"
}

if [ -n "$sg_masks" ]; then
	{ sg_put "$sg_awk_program" >"$sg_att/filter"; } 2>/dev/null || sg_void "can't write $sg_att/filter: is the disk full?"
	sg_masking || sg_void "the command gets secrets, and masking what it prints takes mkfifo and awk, which this host doesn't have"
	mkfifo "$sg_att/pipe1" "$sg_att/pipe2" 2>/dev/null || sg_void "can't make a pipe in $sg_att for masking what the command prints"
fi

(
	exec </dev/null >/dev/null 2>&1
	sg_runner
) &
sg_say claim started
sg_say end
