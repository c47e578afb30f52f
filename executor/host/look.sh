# A look: nothing is claimed, and output goes straight to the caller. The program
# is a file, also because a look for a process must not find itself. The caller ends a
# look by its process group.
sg_place || sg_fail "no directory to put the command's text in: every disk tried is full or read-only"
(sg_env) </dev/null >/dev/null 2>&1 || {
	rm -rf "$sg_tmp"
	sg_fail "this host's shell doesn't let a variable of the command be set"
}

# Caught, not ignored, so that the command itself isn't immune; this shell stays
# to clean up. What it has to say of its child's death isn't the command's output.
trap : HUP TERM
sg_stat "$$"
sg_say begin "$$" "$sg_start" "$sg_pgrp" "$sg_tmp"
sg_say begin >&2
exec 3>&2 2>/dev/null
(
	exec 2>&3 3>&-
	sg_command "$sg_tmp/body"
) </dev/null
sg_status $?
rm -rf "$sg_tmp"
# The end is said, too: a process left in the background may hold both streams open.
sg_say exit "$sg_exit"
sg_say exit "$sg_exit" >&3
