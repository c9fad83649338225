#!/usr/bin/env bash
# What lies under monitoring/, judged by the programs that use it: two generations of Prometheus and promtool, Alertmanager, amtool,
# the exporters, VictoriaMetrics.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need prometheus prometheus
need promtool prometheus
need prometheus-alertmanager prometheus-alertmanager
need amtool prometheus-alertmanager
need prometheus-node-exporter prometheus-node-exporter
need prometheus-blackbox-exporter prometheus-blackbox-exporter
need victoria-metrics victoria-metrics
need curl curl
need jq jq
# Its awk is that of the image of Alertmanager.
need busybox busybox
# A network of its own, for a test that has a server of names.
need unshare util-linux
need ip iproute2
need_of trixie prometheus promtool
export TACHOGRAPH_PROMETHEUS_TRIXIE=$programs/prometheus TACHOGRAPH_PROMTOOL_TRIXIE=$programs/promtool
need_grafana_schema
need_compose

# What is generated is what would be generated.
cargo run --locked --package monitoring -- --check

# The dev profile: what is judged here does not depend on speed.
cargo build --locked --bin tachograph
export TACHOGRAPH_BIN=$target/debug/tachograph
cargo test --locked --package monitoring
# They wait for others most of the time.
RUST_TEST_THREADS=5 cargo test --locked --no-fail-fast --package monitoring-tests
