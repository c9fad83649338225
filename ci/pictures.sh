#!/usr/bin/env bash
# Makes the README's pictures of the live page, in pictures/: ci/pictures.sh [SECONDS]. The demo works for so long before, 75 s by default,
# so that a minute of it is to be seen. Not a part of the checks: who changes the page runs it, and looks at what it made.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need_browser

cargo build --locked --bin tachograph
mkdir -p pictures
log=$(mktemp)
token=picture
TACHOGRAPH_TOKEN=$token "$target/debug/tachograph" serve --listen 127.0.0.1:0 --traffic 40 --log-level off >"$log" 2>&1 &
demo=$!
trap 'kill "$demo" 2>/dev/null || true; rm -f "$log"' EXIT
for _ in {1..100}; do
    url=$(sed -n 's/^listening on //p' "$log")
    [[ $url ]] && break
    sleep 0.1
done
[[ $url ]] || fail "the demo does not listen: $(cat "$log")"
sleep "${1:-75}"
NODE_PATH=$TACHOGRAPH_NODE_MODULES node tests/system/node/pictures.js "${url%/}/" "$token" pictures
ls -l pictures
