#!/usr/bin/env bash
# What `tachograph webhook --run HTTPAPIDown=…` runs in the test: it starts the server again where it was. An alert may come
# twice, and Prometheus may only not know its targets yet, so it looks first whether the server answers.
set -euo pipefail
alert=$(cat)
[[ $(jq -r .labels.alertname <<<"$alert") == HTTPAPIDown ]]
if curl --silent --fail --max-time 5 --output /dev/null "http://$LIVE_TARGET/health/live"; then
    echo "it answers: nothing to do" >&2
    exit 0
fi
# In a session of its own, so that it outlives this script.
setsid "$TACHOGRAPH_BIN" serve --listen "$LIVE_TARGET" --token "$LIVE_TOKEN" --health-interval 500 \
    >"$LIVE_FOLDER/server.log" 2>&1 </dev/null &
echo $! >"$LIVE_FOLDER/pid"
echo "started again" >&2
