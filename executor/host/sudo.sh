# Tells whether the login may become sg_user, and whether that takes a password; with
# sg_asked, whether sg_password is right. One try is one line: sudo gets no second one.
if [ "$(id -un)" = "$sg_user" ]; then
	sg_say may self
elif ! command -v sudo >/dev/null 2>&1; then
	sg_say may missing
elif sg_text=$(export LC_ALL=C && sg_given | sg_sudo sh -c : 2>&1); then
	sg_say may yes
else
	sg_say may no
	sg_flat "$sg_text"
	sg_say said "$sg_flat"
fi
sg_say end
