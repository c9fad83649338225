#!/usr/bin/env bash
# The program as its users run it: three generations of Prometheus, VictoriaMetrics, promtool and Python's client library judge it.
# speedscope, d3-flame-graph, Perfetto and chrome://tracing in a browser, inferno and Go's pprof judge its flame graphs.
# The dashboard is looked at in tmux.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
# A package may start a server of its own; the tests start theirs, on free ports, and leave that one alone.
need prometheus prometheus
need promtool prometheus
need victoria-metrics victoria-metrics
need prometheus-node-exporter prometheus-node-exporter
need tmux tmux
need strace strace
# Of every Linux.
need unshare util-linux
need gcc gcc
# Later generations: the last 2, and a 3. Of VictoriaMetrics one that takes OTLP.
need_of trixie prometheus
export TACHOGRAPH_PROMETHEUS_TRIXIE=$programs/prometheus
need_of forky prometheus victoria-metrics
export TACHOGRAPH_PROMETHEUS_FORKY=$programs/prometheus TACHOGRAPH_VICTORIA_FORKY=$programs/victoria-metrics
need_python
need_browser
need_perfetto
need_inferno
need_pprof

# The dev profile: what is judged here are counts, which do not depend on speed.
cargo build --locked --bin tachograph
export TACHOGRAPH_BIN=$target/debug/tachograph TACHOGRAPH_PYTHON=$python
# But for the million requests of one test: optimised as bench.sh does, in its folder, where most of it lies already.
env CARGO_TARGET_DIR="$target/bench-test" CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 \
    cargo build --locked --profile bench --bin tachograph
export TACHOGRAPH_OPTIMISED_BIN=$target/bench-test/release/tachograph
# Each of them, though one fails: what the next one finds is told in the same run.
cargo test --locked --no-fail-fast --package system
