# Runs sg_inner as sg_user and ends as it did. Signals are for the processes of that
# user; sudo and this shell follow them.
trap : HUP TERM
sg_as
sg_status $?
exit "$sg_exit"
