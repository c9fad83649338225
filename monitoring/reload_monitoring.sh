#!/usr/bin/env bash
# reload_monitoring.sh
#
# Has what start_monitoring.sh has started read its configuration again, without a restart: rules, prometheus.yml,
# alertmanager.yml with its secrets, and blackbox.yml. A configuration that is wrong is not taken: then this says so, and what
# was there before still holds. targets/ needs none of this.
#
# It sends SIGHUP. Prometheus could be asked by HTTP too, but then any page in a browser could, and could end it.
as_started=yes
# shellcheck source=monitoring/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=monitoring/start_local.sh
source "$here/start_local.sh"

for argument in "$@"; do
    case $argument in
        -h | --help)
            usage_of "${BASH_SOURCE[0]}"
            exit
            ;;
        *) fail "'$argument' is no option; --help tells which there are" ;;
    esac
done
one_at_a_time
mode=$(cat "$run/mode" 2>/dev/null || true)
[[ $mode == docker || $mode == local ]] || fail "nothing runs that was started in $run: start_monitoring.sh starts it"

# hang_up SERVICE: sends it SIGHUP.
hang_up() {
    local pid birth
    if [[ $mode == docker ]]; then
        "${compose[@]}" kill --signal SIGHUP "${1//_/-}"
    else
        read -r pid birth <<<"$(awk -v service="$1" '$1 == service { print $2, $3 }' "$processes")"
        alive "$pid" "$birth" || fail "$1 has ended: run stop_monitoring.sh, then start_monitoring.sh --local"
        kill -HUP "$pid"
    fi
}

# when METRICS: when the last configuration was taken, and whether none was refused since.
when() {
    curl --silent --max-time 5 "$1" |
        awk '/^[a-z_]+_config_last_reload_success_timestamp_seconds/ { at = $2 }
            /^[a-z_]+_config_last_reload_successful/ { good = $2 } END { print at, good }'
}

# reload SERVICE: and waits until it has.
reload() {
    local before now deadline
    before=$(when "$(url "$1")/metrics") || true
    hang_up "$1"
    deadline=$((SECONDS + 15))
    until now=$(when "$(url "$1")/metrics") && [[ $now != "$before" && $now == *" 1" ]]; do
        # What was refused before too looks like what was not read yet.
        [[ ($now == "$before" || $now == *" 1") && $SECONDS -lt $deadline ]] ||
            fail "$1 has not taken its configuration, and goes on with the one before: its log says why," \
                "and promtool check config, amtool check-config or blackbox_exporter --config.check"
        sleep 0.2
    done
    echo "$1 has read its configuration"
}

if [[ $mode == docker ]]; then
    why=$(find_compose) || fail "it was started with Docker, but $why"
    find_compose
    any_password
    # As its container does at the start.
    "${compose[@]}" exec -T alertmanager sh -ec 'cd /etc/alertmanager
        awk -v folder=. -f channels.awk alertmanager.yml >/tmp/new.yml && mv /tmp/new.yml /tmp/alertmanager.yml' ||
        fail "alertmanager.yml could not be made: see above"
else
    long_term=$(setting LONG_TERM "")
    [[ $long_term == yes ]] || long_term=''
    configure
fi
for service in prometheus alertmanager blackbox_exporter; do
    reload "$service"
done
