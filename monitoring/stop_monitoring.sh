#!/usr/bin/env bash
# stop_monitoring.sh [--purge]
#
# Ends what start_monitoring.sh has started, and nothing else, and waits for it. With --purge it also removes what was stored:
# the data of Prometheus, Alertmanager, Grafana and VictoriaMetrics, logs and tokens. What is in .env stays.
# shellcheck source=monitoring/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

purge=''
for argument in "$@"; do
    case $argument in
        --purge) purge=yes ;;
        -h | --help)
            usage_of "${BASH_SOURCE[0]}"
            exit
            ;;
        *) fail "'$argument' is no option; --help tells which there are" ;;
    esac
done

one_at_a_time
mode=$(cat "$run/mode" 2>/dev/null || true)
if [[ -f $processes ]]; then
    end_all
    mode=local
elif [[ $mode == docker || $mode == docker-stopped && $purge ]]; then
    why=$(find_compose) || fail "it was started with Docker, but $why"
    find_compose
    any_password
    export COMPOSE_PROFILES=long-term
    "${compose[@]}" down ${purge:+--volumes} || fail "docker compose could not take the stack down: see above"
else
    echo "Nothing runs that was started in $run."
fi
rm -f "$run/mode" "$recorded"
# What is in Docker's volumes can still be asked for to be removed.
if [[ $mode == docker* && ! $purge ]]; then
    echo docker-stopped >"$run/mode"
fi
if [[ $purge ]]; then
    rm -rf "$run/config" "$run/data" "$run/logs" "$run/token" "$run/webhook_token" "$run/lock"
    echo "Removed what was stored in $run."
fi
