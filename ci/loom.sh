#!/usr/bin/env bash
# Model-checks the engine's protocols with loom. LOOM_MAX_PREEMPTIONS bounds the search.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-4}
export RUSTFLAGS="--cfg tachograph_loom"
# A folder of its own, since the flags would build everything else anew. Models are short programs run very often:
# optimisation pays, link-time optimisation does not.
export CARGO_TARGET_DIR=$target/loom CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16

output=$target/loom-output.txt
cargo test --locked --release --lib --no-default-features loom 2>&1 | tee "$output"

# The models are found by their name, so a rename could drop them all without a sound.
models=$(sed -n 's/^test result: ok\. \([0-9]*\) passed.*/\1/p' "$output")
((${models:-0} >= 31)) || fail "only ${models:-0} loom models ran, there are 31: is 'loom' in the names of all?"
