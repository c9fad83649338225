#!/usr/bin/env bash
# What `tachograph webhook --run CriticalSlowRequests=…` runs in the test: it keeps the slowest requests before they are
# forgotten.
set -euo pipefail
curl --silent --fail --max-time 5 --header "Authorization: Bearer $LIVE_TOKEN" --output "$LIVE_FOLDER/slowest.json" \
    "http://$LIVE_TARGET/debug/profile?sort=slowest&limit=10"
