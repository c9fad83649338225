#!/usr/bin/env bash
# The tests, exactly as the README says to run them, and those of the checker and the derives.
# Two of the derives' errors are written by rustc and read as 1.95 writes them: `TRYBUILD=overwrite` takes others over.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
cargo test --locked
cargo test --locked --package tachograph-check
cargo test --locked --package tachograph-derive
