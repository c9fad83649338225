#!/usr/bin/env bash
# ci/extra.sh FOLDER: what is too slow for every change. The peers' benches in full, half an hour of fuzzing for each
# target, and loom with a wider search. What they print goes to the folder, with the facts of the machine beside it.
folder=$(realpath -m "${1:?"usage: ci/extra.sh FOLDER"}")
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
mkdir -p "$folder"

{
    date --utc +%FT%TZ
    git describe --always --dirty
    rustc -vV
    uname -srm
    lscpu
} >"$folder/machine.txt"

cargo bench --locked --bench '*' 2>&1 | tee "$folder/bench.txt"
cargo bench --locked --package peers --bench '*' 2>&1 | tee "$folder/peers.txt"
./ci/instructions.sh 2>&1 | tee "$folder/instructions.txt"
LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-7} ./ci/loom.sh 2>&1 | tee "$folder/loom.txt"
FUZZ_SECONDS=${FUZZ_SECONDS:-1800} ./ci/fuzz.sh 2>&1 | tee "$folder/fuzz.txt"
