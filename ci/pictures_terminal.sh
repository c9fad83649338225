#!/usr/bin/env bash
# Makes pictures/dashboard.svg: `tachograph dashboard` in a terminal of 132 by 40, beside a demo with traffic and a fault, after
# a minute and a half. Takes two minutes. Run it by hand when the dashboard looks different.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need tmux tmux
need node nodejs
need curl curl

# Bytes that a reader of the README has to load at most.
most=250000

cargo build --locked --bin tachograph
program=$target/debug/tachograph
folder=$(mktemp -d)
# A token of this run alone.
token=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
export TACHOGRAPH_TOKEN=$token
"$program" serve --listen 127.0.0.1:0 --traffic 40 --demo-faults >"$folder/out" 2>"$folder/log" &
server=$!
tmux=(tmux -u -L "tachograph-picture-$$")
finish() {
    "${tmux[@]}" kill-server 2>/dev/null || true
    kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
address=
for _ in $(seq 200); do
    address=$(sed -n 's#^listening on http://\([0-9.:]*\).*#\1#p' "$folder/out")
    [[ $address ]] && break
    sleep 0.1
done
[[ $address ]] || fail "the demo did not start: $(cat "$folder/log")"

fault() {
    curl -sS -o "$folder/answer" -w '%{http_code}' -H "authorization: Bearer $token" -H 'content-type: application/json' \
        -d "$1" "http://$address/demo/fault" | grep -qx 200 || fail "the fault was refused: $(cat "$folder/answer")"
}

export LC_ALL=C.UTF-8
"${tmux[@]}" -f /dev/null new-session -d -x 132 -y 40 \
    "env -u NO_COLOR '$program' dashboard --color always --url '$address' 2>'$folder/told'"
# What a person would look at: well at first, then a fault for a while.
sleep 45
fault '{"error_share": 0.3, "delay_ms": 60}'
sleep 15
fault '{}'
sleep 25
"${tmux[@]}" capture-pane -e -p >"$folder/screen" || fail "the dashboard has ended: $(cat "$folder/told")"
grep -q 'latency' "$folder/screen" || fail "the dashboard shows no latency: $(cat "$folder/screen")"
mkdir -p pictures
node tests/system/node/terminal_svg.js <"$folder/screen" >"$folder/picture"
bytes=$(wc -c <"$folder/picture")
((bytes < most)) || fail "the picture has $bytes bytes, of at most $most"
cp "$folder/picture" pictures/dashboard.svg
echo "pictures/dashboard.svg: $bytes bytes"
