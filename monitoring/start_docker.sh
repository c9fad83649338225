# shellcheck shell=bash
# shellcheck disable=SC2154 # common.sh and start_monitoring.sh set what is used here
# Sourced by start_monitoring.sh: with Docker compose, which reads the same settings.

# start_docker: brings the stack up, and takes it down again when that fails.
start_docker() {
    local wanted=(tachograph webhook prometheus alertmanager blackbox_exporter node_exporter grafana) service
    if [[ $long_term ]]; then
        export COMPOSE_PROFILES=long-term PROMETHEUS_CONFIG=prometheus_long_term.yml
        wanted+=(victoria_metrics)
    fi
    runs_already
    make_setting GRAFANA_ADMIN_PASSWORD "the password of Grafana's user admin"
    make_setting TACHOGRAPH_TOKEN "the bearer token of the demo"
    [[ ${in_env[GRAFANA_ADMIN_PASSWORD]:-} ]] ||
        echo "Commands of docker compose by hand ask for GRAFANA_ADMIN_PASSWORD too: export it, or write it into $here/.env."
    check_ports "${wanted[@]}"
    # Of a range that address alone that the first instance will have.
    [[ $(setting TACHOGRAPH_URL "") ]] || export TACHOGRAPH_URL=http://localhost:${port[tachograph]}
    trap 'echo "Interrupted: taking down what was started." >&2; take_down; exit 130' INT TERM
    if ! "${compose[@]}" up --detach --build 9>&-; then
        # Of the one that did not come up, among others: why.
        "${compose[@]}" logs --tail 10 >&2 || true
        take_down
        fail "docker compose could not start the stack: see above"
    fi
    note
    for service in "${wanted[@]}"; do
        local deadline=$((SECONDS + 180))
        until answers "$service"; do
            if ((SECONDS >= deadline)); then
                "${compose[@]}" logs --tail 20 "${service//_/-}" >&2 || true
                take_down
                fail "$service did not answer at $(url "$service")${ready[$service]} within 180 s:" \
                    "its last lines are above"
            fi
            sleep 0.5
        done
        echo "$service is ready"
    done
    trap - INT TERM
}

# runs_already: ends this script when all of `wanted` runs, and when a part of it does.
runs_already() {
    local service running=() absent=() there
    there=$(any_password; "${compose[@]}" ps --services --status running 2>/dev/null || true)
    for service in "${wanted[@]}"; do
        if grep -qx "${service//_/-}" <<<"$there"; then running+=("$service"); else absent+=("$service"); fi
    done
    if ((${#running[@]} && ${#absent[@]})); then
        fail "of the stack, ${running[*]} runs and ${absent[*]} does not: ${compose[*]} ps tells more;" \
            "run stop_monitoring.sh first, or ${compose[*]} up --detach"
    elif ((${#running[@]})); then
        # By compose itself, perhaps.
        [[ -f $recorded ]] || (any_password; note)
        echo "It runs already (${running[*]}). stop_monitoring.sh ends it, test_monitoring.sh tests it."
        exit
    fi
}

# note: what runs, for the scripts that come later.
note() {
    local published
    # Docker has chosen one of a range.
    if ((last_of_tachograph > port[tachograph])) && published=$("${compose[@]}" port tachograph 8080) &&
        [[ $published =~ :([0-9]+)$ ]]; then
        port[tachograph]=${BASH_REMATCH[1]}
    fi
    keep_tokens "$(setting TACHOGRAPH_TOKEN "")"
    record docker
}

take_down() {
    "${compose[@]}" down >&2 || true
    rm -f "$run/mode" "$recorded"
}

# make_setting NAME WHAT: there is no default of it. One that is made is written into .env, where compose finds it too when it is
# called by hand; Grafana takes its password at the first start only.
make_setting() {
    [[ ! $(setting "$1" "") ]] || return 0
    local made
    made=$(make_secret)
    # For the owner alone, whoever has made it. Of two lines the last one holds; the one before may not have been ended.
    if ! { touch "$here/.env" && chmod 600 "$here/.env" && printf '\n%s=%s\n' "$1" "$made" >>"$here/.env"; }; then
        fail "$here/.env cannot be written: set $1"
    fi
    in_env[$1]=$made
    # It may be set to nothing, which would count more.
    export "$1=$made"
    echo "$1 was not set: $2 is in $here/.env now."
}
