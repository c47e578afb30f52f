# Becoming sg_user by sudo. The program that runs as that user is sg_inner, a whole
# frame: it goes through sudo's stdin, behind the password where sg_asked says that
# sudo wants one, and is read there by sg_stream, a constant.

# sg_sudo ARG... is sudo. -k, so that a ticket from elsewhere changes nothing: a
# password that wasn't wanted would be read as the frame.
sg_sudo() {
	if [ -n "$sg_asked" ]; then
		sudo -k -S -p '' -H -u "$sg_user" -- "$@"
	else
		sudo -k -n -H -u "$sg_user" -- "$@"
	fi
}

# sg_given is what sudo, and then the program, gets to read.
sg_given() {
	[ -z "$sg_asked" ] || sg_put "$sg_password
" || return
	sg_put "${1-}"
}

# sg_as runs sg_inner as the user, with this shell's output.
sg_as() {
	umask "$sg_umask"
	sg_given "$sg_inner" 2>/dev/null | sg_sudo sh -c "$sg_stream"
}

# sg_kill SIGNAL PID... sends it as the user: a login may not end processes of another.
# sudo and the login's own shells follow when the command has ended.
sg_kill() {
	sg_sig=$1
	shift
	sg_given 2>/dev/null | sg_sudo sh -c "kill -$sg_sig $*" >/dev/null 2>&1
}
