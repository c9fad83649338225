#!/usr/bin/env bash
# The documentation builds without a warning: for the engine alone, with health and no server, with the server and no page, in full, and for those who work on the insides.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
export RUSTDOCFLAGS="-D warnings"
cargo doc --quiet --locked --no-deps --no-default-features
cargo doc --quiet --locked --no-deps --no-default-features --features health
cargo doc --quiet --locked --no-deps --no-default-features --features server
cargo doc --quiet --locked --no-deps --all-features
cargo doc --quiet --locked --no-deps --package tachograph-check
cargo doc --quiet --locked --no-deps --package tachograph-derive
cargo doc --quiet --locked --no-deps --package tachograph-ffi
cargo doc --quiet --locked --no-deps --document-private-items --target-dir "$target/doc-private"

# What it knows of the API, held against the documentation.
need python3 python3
RUSTDOC=$PWD/ci/rustdoc.sh cargo rustdoc --quiet --locked --lib --all-features -- -Z unstable-options --output-format json
python3 ci/api.py "$target/doc/tachograph.json"
