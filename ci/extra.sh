#!/usr/bin/env bash
# ci/extra.sh FOLDER: what is too slow for every change. The benches in full, half an hour of fuzzing for each
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

# A broken budget is said at the end: the rest is worth having.
budgets=kept
cargo bench --locked --bench budgets 2>&1 | tee "$folder/budgets.txt" || budgets=broken
cargo bench --locked --bench formats | tee "$folder/formats.md"
cargo bench --locked --bench curves 2>&1 | tee "$folder/curves.txt"
cargo bench --locked --package peers --bench table -- --seconds 120 | tee "$folder/peers-table.md"
cargo bench --locked --package peers --bench scale -- --out "$folder" 2>&1 | tee "$folder/scale.txt"
for bench in counter labels histogram http_request scrape; do
    cargo bench --locked --package peers --bench "$bench"
done 2>&1 | tee "$folder/peers.txt"
./ci/instructions.sh 2>&1 | tee "$folder/instructions.txt"
LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-5} ./ci/loom.sh 2>&1 | tee "$folder/loom.txt"
FUZZ_SECONDS=${FUZZ_SECONDS:-1800} ./ci/fuzz.sh 2>&1 | tee "$folder/fuzz.txt"
[[ $budgets == kept ]] || fail "a budget is broken: see $folder/budgets.txt"
