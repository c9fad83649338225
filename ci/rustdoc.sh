#!/usr/bin/env bash
# rustdoc that takes unstable options, for cargo's RUSTDOC: what it writes as JSON is no stable format. Told to rustdoc alone, so that
# cargo builds no dependency anew for it.
export RUSTC_BOOTSTRAP=1
exec rustdoc "$@"
