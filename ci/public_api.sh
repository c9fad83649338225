#!/usr/bin/env bash
# The public API of the crates that are published, item by item, held against docs/public-api/: what changes for users is seen in the
# commit that changes it.
#   ci/public_api.sh            compare
#   ci/public_api.sh --record   write it down
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need_cargo cargo-public-api '^0.52'
folder=docs/public-api
mkdir -p "$folder" "$target/public-api"

changed=()
for crate in tachograph tachograph-check; do
    # The format of this JSON is that of the compiler; cargo-public-api reads that of one compiler or a few.
    RUSTDOC=$PWD/ci/rustdoc.sh cargo rustdoc --quiet --locked --lib --all-features --package "$crate" -- \
        -Z unstable-options --output-format json
    # Without what every type has, or has by a derive of the standard library that its neighbours have too.
    cargo public-api --rustdoc-json "$target/doc/${crate//-/_}.json" -sss >"$target/public-api/$crate.txt"
    if [[ ${1:-} == --record ]]; then
        cp "$target/public-api/$crate.txt" "$folder/$crate.txt"
    else
        diff -u "$folder/$crate.txt" "$target/public-api/$crate.txt" || changed+=("$crate")
    fi
done
((${#changed[@]} == 0)) || fail "the API is not as recorded: ${changed[*]}. If it is meant, run ci/public_api.sh --record"
