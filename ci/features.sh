#!/usr/bin/env bash
# Every combination of features builds without a warning, those that add tests pass them, and the engine alone stays small.
# The default features are what lint.sh and test.sh look at. Two that have nothing to do with each other are built at once.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"

for features in "" "protobuf hdr-log process" "compression tracing runtime" "axum metrics remote-write" "otlp profiles" tls; do
    echo "-- features: ${features:-none}"
    cargo clippy --quiet --locked --all-targets --no-default-features --features "$features" -- -D warnings
    cargo test --quiet --locked --no-default-features --features "$features"
done
# Their tests run as a part of the above and of the default features.
for features in derive health server page; do
    echo "-- features: $features"
    cargo clippy --quiet --locked --all-targets --no-default-features --features "$features" -- -D warnings
done

# All that a service links which wants the engine alone. A new name here is a decision: it costs every user.
allowed="arc-swap atomic_float byteorder crossbeam-utils foldhash hdrhistogram itoa num-traits rustversion triomphe tachograph zmij"
linked=$(cargo tree --locked --package tachograph --no-default-features --edges normal --prefix none --format '{lib}' |
    sort -u)
[[ $linked == *tachograph* ]] || fail "cargo tree does not name tachograph"
for crate in $linked; do
    [[ " ${allowed//-/_} " == *" $crate "* ]] || fail "the engine alone links '$crate', which is not on the list in ci/features.sh"
done
echo "-- the engine alone links: ${linked//$'\n'/ }"
