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
