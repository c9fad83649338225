#!/usr/bin/env bash
# Every bench runs once and asserts its result (the times mean nothing here), the plots are those of the record, and the
# instruction counts are compared. Whether budgets hold is for `cargo bench` to say, on a machine that does nothing else.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need python3 python3
need wrk wrk
# Without link-time optimisation: these runs measure nothing, and it would take most of the time.
(
    export CARGO_TARGET_DIR=$target/bench-test CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16
    # The feature is for hostile_memory below: one build for both.
    cargo bench --locked --features metrics --bench '*' -- --test
    cargo bench --locked --package peers --bench '*' -- --test
    cargo bench --locked --package layers -- --test
    # That all of them count the same, and that the guides in docs/ are right.
    cargo test --locked --profile bench --package peers --lib
    cargo test --locked --profile bench --package peers --doc
    # With a hundred million observations, and a million inventions of each kind, which take too long without optimisation.
    cargo test --locked --profile bench --features metrics --test allocator
    cargo test --locked --profile bench --features metrics --test hostile_memory -- --nocapture
)

mkdir -p "$target/plots"
python3 benches/plots.py "$target/plots"
for plot in "$target"/plots/*.svg; do
    cmp "$plot" "benches/record/${plot##*/}" || fail "benches/record/${plot##*/} is not drawn from its figures: run benches/plots.py"
done

./ci/instructions.sh
