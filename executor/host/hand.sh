# The command on the terminal that this is. There is no runner: what is known of its
# end is what the terminal's session says.
mkdir "$sg_att/go" 2>/dev/null || sg_refuse "a probe has fenced this attempt: it was never started and never will be"
sg_say claim started
sg_say end
stty "$sg_t"
if [ -n "$sg_user" ]; then
	umask "$sg_umask"
	exec sudo -H -u "$sg_user" -- sh -c "$sg_hand"
fi
sg_command "$sg_att/body"
