#!/usr/bin/env bash
# The tests, exactly as the README says to run them.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
cargo test --locked
