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

# No sanitizer: the code is safe Rust, what is looked for are panics and wrong answers, and it runs faster without.
cargo fuzz build --sanitizer none --target-dir "$target/fuzz"

# fuzz NAME: what it says at its end is printed, and all of it when something was found.
fuzz() {
    # The corpus lies beside the build, so that the next run goes on where this one ends.
    mkdir -p "$target/fuzz-corpus/$1" "$target/fuzz-logs"
    # New inputs go to the first folder; the seeds are only read.
    local corpus=("$target/fuzz-corpus/$1") log=$target/fuzz-logs/$1.txt shown=(tail -n 9) result=0
    [[ ! -d fuzz/seeds/$1 ]] || corpus+=("fuzz/seeds/$1")
    cargo fuzz run --sanitizer none --target-dir "$target/fuzz" "$1" "${corpus[@]}" -- \
        -max_total_time="${FUZZ_SECONDS:-30}" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1 || {
        result=1
        shown=(cat)
    }
    printf -- '-- fuzz target %s\n%s\n' "$1" "$("${shown[@]}" "$log")"
    return "$result"
}
export -f fuzz
export target

# As many at once as there are processors: each has one thread.
printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' bash -c 'fuzz {}' || fail "a fuzz target found something: see above"
