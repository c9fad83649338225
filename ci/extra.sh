#!/usr/bin/env bash
# ci/extra.sh FOLDER: what is too slow for every change. The benches in full, half an hour of fuzzing for each
# target, loom with a wider search, an hour of soak, and the compose file brought up under podman, as root; the API against its record, and by
# the rules of semver against BASELINE (by default the commit that recorded it last); dependencies, packages, other targets. What they
# print goes to the folder, with the facts of the machine beside it.
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

{
    ./ci/public_api.sh
    need_cargo cargo-semver-checks '^0.51'
    baseline=${BASELINE:-$(git log -1 --format=%H -- docs/public-api)}
    cargo semver-checks --package tachograph --package tachograph-check --all-features --baseline-rev "$baseline" --release-type minor
    need_cargo cargo-deny '^0.20'
    cargo deny --locked check licenses bans sources
    cargo publish --workspace --dry-run --locked
    ./ci/targets.sh
} 2>&1 | tee "$folder/api.txt"

# A broken budget is said at the end: the rest is worth having.
budgets=kept
cargo bench --locked --bench budgets 2>&1 | tee "$folder/budgets.txt" || budgets=broken
cargo bench --locked --bench formats | tee "$folder/formats.md"
cargo bench --locked --bench curves 2>&1 | tee "$folder/curves.txt"
cargo bench --locked --package peers --bench table -- --seconds 120 | tee "$folder/peers-table.md"
cargo bench --locked --package peers --bench scale -- --out "$folder" 2>&1 | tee "$folder/scale.txt"
for bench in counter labels histogram http_request facade scrape; do
    cargo bench --locked --package peers --bench "$bench"
done 2>&1 | tee "$folder/peers.txt"
need wrk wrk
cargo bench --locked --package layers | tee "$folder/layers.md"
./ci/instructions.sh 2>&1 | tee "$folder/instructions.txt"
./monitoring/build_image_stage.sh "$target/image" 2>&1 | tee "$folder/image.txt"
as_root env CARGO_TARGET_DIR="$target" ./tests/monitoring/podman/up.sh "$target/image" 2>&1 | tee "$folder/compose.txt"
LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-5} ./ci/loom.sh 2>&1 | tee "$folder/loom.txt"
FUZZ_SECONDS=${FUZZ_SECONDS:-1800} ./ci/fuzz.sh 2>&1 | tee "$folder/fuzz.txt"
SOAK_MINUTES=${SOAK_MINUTES:-60} ./ci/soak.sh --record "$folder/soak.txt"
[[ $budgets == kept ]] || fail "a budget is broken: see $folder/budgets.txt"
