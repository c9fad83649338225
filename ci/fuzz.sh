#!/usr/bin/env bash
# Each fuzz target for FUZZ_SECONDS (default 30). Names of targets as arguments choose among them.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need_cargo_fuzz

# libFuzzer's coverage flags are unstable: a nightly compiler where there is one, else the stable one told to take them.
if cargo +nightly --version >/dev/null 2>&1; then
    export RUSTUP_TOOLCHAIN=nightly
else
    export RUSTC_BOOTSTRAP=1
fi

if (($# == 0)); then
    mapfile -t all < <(cargo fuzz list)
    set -- "${all[@]}"
fi
(($# > 0)) || fail "there is no fuzz target"

for name in "$@"; do
    echo "-- fuzz target $name"
    # No sanitizer: the code is safe Rust, what is looked for are panics and wrong answers, and it runs faster without.
    # The corpus lies beside the build, so that the next run goes on where this one ends.
    mkdir -p "$target/fuzz-corpus/$name"
    # New inputs go to the first folder; the seeds are only read.
    corpus=("$target/fuzz-corpus/$name")
    [[ ! -d fuzz/seeds/$name ]] || corpus+=("fuzz/seeds/$name")
    cargo fuzz run --sanitizer none --target-dir "$target/fuzz" "$name" "${corpus[@]}" -- \
        -max_total_time="${FUZZ_SECONDS:-30}" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
done
