# Evaluated by the bootstrap, which has read the header (sg_v sg_n sg_l sg_h) and
# the whole payload (sg_p) and has seen the end mark. All names begin with sg_ and
# none is exported. POSIX sh only. A shell that a profile has put in the bootstrap's
# place reads this from its stdin, and stops here.
[ "${sg_v-}" = SG1 ] || exit 76
sg_umask=$(umask)
umask 077
unset CDPATH
# Options and functions that a login's bash hands down; they'd change what is below.
set +aefuC
case ${BASH_VERSION-} in
?*)
	set +o pipefail
	shopt -u failglob nullglob dotglob nocaseglob nocasematch
	export -n SHELLOPTS BASHOPTS sg_v sg_n sg_l sg_h sg_p
	unset -f cat cd command date df du echo env head id kill ls mkdir mv printf ps pwd read rm rmdir sed sha256sum \
		shasum sleep sync tail test tr uname wc [
	;;
esac

# sg_put TEXT writes TEXT without a newline; printf isn't built into mksh, and a
# program's argument is limited where a builtin's isn't.
case ${KSH_VERSION-} in
*MIRBSD*) sg_put() { print -rn -- "$1"; } ;;
*) sg_put() { printf %s "$1"; } ;;
esac

# What a profile printed last may lack its newline.
sg_put "
"

# sg_say WORD... is one line of the answer.
sg_say() {
	sg_put "$sg_n $*
"
}

# sg_flat TEXT sets sg_flat to TEXT on one line.
sg_flat() {
	sg_flat=
	while IFS= read -r sg_fl || [ -n "$sg_fl" ]; do
		sg_flat="$sg_flat${sg_flat:+ }$sg_fl"
	done <<SG_FLAT
$1
SG_FLAT
}

# sg_fail REASON: no verdict. The caller asks again, with a probe.
sg_fail() {
	sg_say error "$*"
	sg_say end
	exit 75
}

# sg_whole checks that the payload is what was sent, before anything is done.
sg_whole() {
	if command -v sha256sum >/dev/null 2>&1; then
		set -- $(sg_put "$sg_p" | sha256sum)
		[ "$1" = "$sg_h" ] || sg_fail "the payload arrived with another checksum"
	elif command -v shasum >/dev/null 2>&1; then
		set -- $(sg_put "$sg_p" | shasum -a 256)
		[ "$1" = "$sg_h" ] || sg_fail "the payload arrived with another checksum"
	else
		set -- $(sg_put "$sg_p" | wc -c)
		[ "$1" -eq "$sg_l" ] || sg_fail "the payload arrived with another length"
	fi
}
