#!/usr/bin/env bash
# Every bench runs once and asserts its result (the times mean nothing here), then the instruction counts are compared.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
# Without link-time optimisation: these runs measure nothing, and it would take most of the time.
(
    export CARGO_TARGET_DIR=$target/bench-test CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16
    cargo bench --locked --bench '*' -- --test
    cargo bench --locked --package peers --bench '*' -- --test
)
./ci/instructions.sh
