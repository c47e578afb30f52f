# The command on the terminal that this is, as the user that sudo has become.
cd . 2>/dev/null || cd -- "${HOME:-/}" 2>/dev/null || cd /
sg_place || sg_fail "no directory to put the command's text in as this user: every disk tried is full or read-only"
trap : HUP INT QUIT TERM
sg_say begin
stty "$sg_t"
(sg_command "$sg_tmp/body")
sg_status $?
rm -rf "$sg_tmp"
exit "$sg_exit"
