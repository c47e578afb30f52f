# The command, as the user that sg_become has become. It waits for the runner, which
# by then has put away what sudo and its modules have printed.
cd . 2>/dev/null || cd -- "${HOME:-/}" 2>/dev/null || cd /
sg_place || {
	sg_put "no directory to put the command's text in as this user: every disk tried is full or read-only
" >&2
	exit 126
}
trap : HUP TERM
sg_say begin.
sg_say begin. >&2
sg_go=
while read -r sg_go && [ "$sg_go" != go ]; do :; done
if [ "$sg_go" = go ]; then
	exec 3>&2 2>/dev/null
	(
		exec 2>&3 3>&-
		sg_command "$sg_tmp/body"
	) </dev/null
	sg_status $?
else
	sg_exit=76
fi
rm -rf "$sg_tmp"
exit "$sg_exit"
