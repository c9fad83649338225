#!/usr/bin/env bash
# The program as its users run it: a real Prometheus, promtool and Python's client library judge the built binary.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
# The package may start a Prometheus of its own; the tests start theirs, on free ports, and leave that one alone.
need prometheus prometheus
need promtool prometheus
need_python

# The dev profile: what is judged here are counts, which do not depend on speed.
cargo build --locked --bin tachograph
TACHOGRAPH_BIN=$target/debug/tachograph TACHOGRAPH_PYTHON=$python cargo test --locked --package system
