#!/usr/bin/env bash
# ci/dependencies.sh [--record]: what is linked into a program, and with which features, against its record in
# docs/dependencies.txt: a crate or a feature more is seen by whoever reads the change. With --record the record is written anew.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
record=docs/dependencies.txt

# linked TITLE FEATURES [PACKAGE]: on Linux, tests and their crates left out.
linked() {
    printf '%s\n' "$1"
    cargo tree --locked --package "${3:-tachograph}" --no-default-features --features "$2" --edges normal --prefix none \
        --target x86_64-unknown-linux-gnu --format '{p}|{f}' |
        awk -F '|' '{ sub(/ \(\*\)$/, "", $2); split($1, package, " "); print "  " package[1] ($2 ? " " $2 : "") }' |
        LC_ALL=C sort -u
}

now=$target/dependencies.txt
{
    linked "the engine alone" ""
    linked "server" server
    linked "tls" tls
    linked "page" page
    linked "tower and axum" axum
    linked "metrics" metrics
    linked "remote-write and otlp" remote-write,otlp
    linked "the tachograph binary" cli
    linked "tachograph-ffi" "" tachograph-ffi
} >"$now"

if [[ ${1:-} == --record ]]; then
    cp "$now" "$record"
    exit
fi
diff -u "$record" "$now" || fail "dependencies have changed: look at them, then run ci/dependencies.sh --record"
