#!/usr/bin/env bash
# The documentation builds without a warning: for the engine alone, with health and no server, in full, and for those who work on the insides.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
export RUSTDOCFLAGS="-D warnings"
cargo doc --quiet --locked --no-deps --no-default-features
cargo doc --quiet --locked --no-deps --no-default-features --features health
cargo doc --quiet --locked --no-deps
cargo doc --quiet --locked --no-deps --package tachograph-check
cargo doc --quiet --locked --no-deps --package tachograph-derive
cargo doc --quiet --locked --no-deps --document-private-items --target-dir "$target/doc-private"
