#!/usr/bin/env bash
# ci/soak.sh [--record FILE]: SOAK_MINUTES of load on the program, by default two, and what it counts held against what its clients
# counted. `SOAK_MINUTES=60 ci/soak.sh --record benches/record/soak.txt` is the hour of the record, for a machine that does nothing else.
# Other options of the soak are passed on, such as --rate.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"

cargo test --locked --package soak

# Optimised as bench.sh does, in its folder, where most of it lies already. Link-time optimisation would take longer than the load; what
# is recorded is the program as it is released.
unlinked=(env CARGO_TARGET_DIR="$target/bench-test" CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 cargo build --locked --profile bench)
"${unlinked[@]}" --package soak
if [[ " $* " == *" --record "* ]]; then
    cargo build --locked --release --bin tachograph
    TACHOGRAPH_BIN=$target/release/tachograph
else
    "${unlinked[@]}" --bin tachograph
    TACHOGRAPH_BIN=$target/bench-test/release/tachograph
fi
export TACHOGRAPH_BIN
"$target/bench-test/release/soak" --minutes "${SOAK_MINUTES:-2}" "$@"
