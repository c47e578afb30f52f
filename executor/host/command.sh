# sg_command runs the program in the file $1. It replaces the subshell it's called
# in. The umask is the login's; so is the environment, without what loaders and
# shells act on; then come the command's own variables.
sg_command() {
	[ -z "$sg_cwd" ] || cd -- "$sg_cwd" || exit 126
	IFS='
'
	set -f
	for sg_w in $(env); do
		case $sg_w in
		LD_*=* | STEPGATE_*=*) ;;
		*) continue ;;
		esac
		sg_w=${sg_w%%=*}
		case $sg_w in
		*[!A-Za-z0-9_]*) ;;
		*) unset "$sg_w" ;;
		esac
	done
	set +f
	unset BASH_ENV ENV IFS PS4 PROMPT_COMMAND
	umask "$sg_umask"
	case $sg_login,${sg_interpreter##*/} in
	,*) set -- "$sg_interpreter" "$1" ;;
	*,sh | *,bash | *,dash | *,ash | *,ksh | *,mksh | *,zsh) set -- "$sg_interpreter" -l "$1" ;;
	*) set -- sh -l -c 'exec "$0" "$@"' "$sg_interpreter" "$1" ;;
	esac
	! sg_ignores || set -- env --default-signal=INT,QUIT "$@"
	sg_env
	exec "$@"
}

# sg_ignores tells whether INT or QUIT are ignored, as in whatever a shell puts into
# the background, and env can undo it: few shells can.
sg_ignores() {
	trap - INT QUIT
	[ -r /proc/self/status ] || return 1
	while read -r sg_k sg_w; do
		[ "$sg_k" != SigIgn: ] || break
	done </proc/self/status
	case $sg_w in
	*[2-7a-f]) env --default-signal=INT,QUIT true 2>/dev/null ;;
	*) return 1 ;;
	esac
}

# sg_status CODE sets sg_exit to an exit code as sh tells it; ksh has 256+n for death
# by signal n.
sg_status() {
	sg_exit=$1
	[ "$sg_exit" -le 255 ] || sg_exit=$((sg_exit - 128))
}

# sg_place puts the command's text into a file of its own, sg_tmp/body, because
# interpreters differ in how they take it otherwise; false when no disk takes it.
sg_place() {
	for sg_d in "${TMPDIR:-/tmp}" /tmp /var/tmp /dev/shm "${HOME:-/}"; do
		sg_tmp=$sg_d/.look-$sg_n
		[ -d "$sg_d" ] && mkdir "$sg_tmp" 2>/dev/null || continue
		if { sg_put "$sg_body" >"$sg_tmp/body"; } 2>/dev/null; then
			return 0
		fi
		rm -rf "$sg_tmp"
	done
	sg_tmp=
	return 1
}
