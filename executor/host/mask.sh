# Masking what a command prints before it is kept. awk reads what to mask, and then
# the output, from one pipe: nothing of it is in its arguments or environment.

# sg_awk_program goes into a file, because an operator may be shown awk's arguments.
# A record is decided when its newline is there; the newline itself goes with the next
# record, because only that tells whether it is the output's. What may be the beginning
# of a text of several lines is held back.
sg_awk_program='
function decode(s,    out, i) {
	out = ""
	while ((i = index(s, "\\")) > 0) {
		out = out substr(s, 1, i - 1) (substr(s, i + 1, 1) == "n" ? "\n" : "\\")
		s = substr(s, i + 2)
	}
	return out s
}
function learn(s,    i, n) {
	n = ++known
	word[n] = substr(s, 1, 1) == "w"
	mask[n] = decode(substr(s, 2))
	for (i = 1; i < length(mask[n]); i++)
		if (substr(mask[n], i + 1, 1) == "\n" && !(substr(mask[n], 1, i) in starts)) {
			starts[substr(mask[n], 1, i)] = 1
			start[++several] = substr(mask[n], 1, i)
		}
}
function part(c) { return c ~ /[A-Za-z0-9_]/ }
function stands(a, b) {
	return !part(a > 1 ? substr(text, a - 1, 1) : before) && !part(substr(text, b, 1))
}
function put(cut,    a, b, n, k, w, from, found) {
	split("", to)
	found = 0
	for (n = 1; n <= known; n++) {
		from = 1
		while ((k = index(from == 1 ? text : substr(text, from), mask[n])) > 0) {
			a = from + k - 1
			b = a + length(mask[n])
			if (!word[n] || stands(a, b)) {
				found = 1
				if (to[a] < b) to[a] = b
			}
			from = a + 1
		}
	}
	w = over + 1
	if (found)
		for (a = 1; a <= cut; a++)
			if (a in to && to[a] != "") {
				if (a > w) {
					printf "%s", substr(text, w, a - w)
					touching = 0
				}
				if (!touching) printf "%s", with
				touching = 1
				if (to[a] > w) w = to[a]
			}
	if (w <= cut) {
		printf "%s", substr(text, w, cut - w + 1)
		w = cut + 1
		touching = 0
	}
	over = w - cut - 1
	if (cut > 0) before = substr(text, cut, 1)
	text = substr(text, cut + 1)
	fflush()
}
function held(    n, most, l) {
	most = 0
	for (n = 1; n <= several; n++) {
		l = length(start[n])
		if (l > most && l <= length(text) && substr(text, length(text) - l + 1) == start[n]) most = l
	}
	return most
}
BEGIN { FS = "\n" }
NR == 1 { nonce = $0; next }
NR == 2 { inner = $0; next }
NR == 3 { with = $0; next }
NR == 4 { count = $0 + 4; next }
NR <= count { learn($0); next }
$0 == nonce " end" {
	put(length(text))
	open = 0
	printf "" >ENVIRON["sg_ended"]
	close(ENVIRON["sg_ended"])
	next
}
$0 == inner " begin." {
	put(length(text))
	open = 0
	print
	fflush()
	next
}
{
	text = text (open ? "\n" : "") $0
	open = 1
	put(length(text) - held())
}
END {
	put(length(text))
	if (open) printf "\n"
}
'

# sg_awk FILE ENDED filters with the program in a file. mawk waits for a whole block of
# input unless it is told not to; gawk alone passes NUL on.
sg_awk() {
	for sg_d in gawk awk mawk 'busybox awk' original-awk ''; do
		command -v "${sg_d%% *}" >/dev/null 2>&1 && break
	done
	[ -n "$sg_d" ] || return 127
	case $($sg_d -W version 2>/dev/null </dev/null) in
	mawk*) sg_d="$sg_d -W interactive" ;;
	esac
	LC_ALL=C sg_ended=$2
	export LC_ALL sg_ended
	exec $sg_d -f "$1"
}

# sg_masking tells whether the host can do it, by doing it.
sg_masking() {
	command -v mkfifo >/dev/null 2>&1 || return 1
	sg_tmp=$(
		{
			sg_put "nonce
inner
M
2
mse\\\\c\\nret
mabcdef
xse\\c
retabcdef.
nonce end
"
		} | sg_awk "$sg_att/filter" "$sg_att/filter.ended"
	)
	rm -f "$sg_att/filter.ended"
	[ "$sg_tmp" = xM. ]
}

# sg_filter N FILE masks what comes from pipe N for a file, and outlives the command
# for whoever of its processes still writes. TERM isn't for it.
sg_filter() {
	(
		trap '' HUP INT TERM
		sg_awk "$sg_att/filter" "$sg_att/pipe$1.ended" <"$sg_att/pipe$1" >>"$2"
	) &
	sg_put "$! " >>"$sg_att/go/filters"
}

# sg_filters OUT ERR opens pipes to the filters as 7 and 8, and tells them what to mask.
sg_filters() {
	sg_filter 1 "$1"
	sg_filter_out=$!
	sg_filter 2 "$2"
	sg_filter_err=$!
	exec 7>"$sg_att/pipe1" 8>"$sg_att/pipe2"
	rm -f "$sg_att/pipe1" "$sg_att/pipe2"
	sg_put "$sg_n
${sg_inner_n-}
$sg_masks" >&7
	sg_put "$sg_n
${sg_inner_n-}
$sg_masks" >&8
}

# sg_drain waits until what the command has printed is kept; it doesn't wait for
# processes that it has left behind.
sg_drain() {
	sg_put "
$sg_n end
" >&7
	sg_put "
$sg_n end
" >&8
	exec 7>&- 8>&-
	until { [ -e "$sg_att/pipe1.ended" ] || ! sg_alone "$sg_filter_out"; } &&
		{ [ -e "$sg_att/pipe2.ended" ] || ! sg_alone "$sg_filter_err"; }; do
		sleep 0.02 2>/dev/null || sleep 1
	done
}

# sg_alone PID: the child is alive.
sg_alone() {
	sg_stat "$1" || return 1
	case $sg_state in
	[ZXx]*) return 1 ;;
	esac
}
