# sg_command runs the program in the file $1. It replaces the subshell it's called
# in. The environment is the login's without what loaders and shells act on; then
# the command's own variables.
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
	sg_env
	exec "$sg_interpreter" "$1"
}

# sg_status CODE sets sg_exit to an exit code as sh tells it; ksh has 256+n for death
# by signal n.
sg_status() {
	sg_exit=$1
	[ "$sg_exit" -le 255 ] || sg_exit=$((sg_exit - 128))
}
