# shellcheck shell=bash
# shellcheck disable=SC2154 # common.sh and start_monitoring.sh set what is used here
# Sourced by start_monitoring.sh and reload_monitoring.sh: with programs of this machine, on loopback. They read the files of
# compose; prometheus.yml and alertmanager.yml alone are copies, in which every NAME:PORT is replaced.

config=$run/config

# Program by service.
declare -A programs

# look_for SERVICE NAMES PACKAGE: the first of the names that is installed.
look_for() {
    local name found
    for name in $2; do
        if found=$(command -v "$name"); then
            programs[$1]=$found
            return
        fi
    done
    missing+=("${2// / or }: package $3")
}

# start_local: starts everything in the order in which one needs the other.
start_local() {
    local missing=() wanted=(tachograph webhook prometheus alertmanager blackbox_exporter node_exporter)
    look_for prometheus prometheus prometheus
    look_for alertmanager "prometheus-alertmanager alertmanager" prometheus-alertmanager
    look_for node_exporter "prometheus-node-exporter node_exporter" prometheus-node-exporter
    look_for blackbox_exporter "prometheus-blackbox-exporter blackbox_exporter" prometheus-blackbox-exporter
    if [[ $long_term ]]; then
        look_for victoria_metrics "victoria-metrics victoria-metrics-prod" victoria-metrics
        wanted+=(victoria_metrics)
    fi
    if ((${#missing[@]})); then
        printf 'missing: %s\n' "${missing[@]}" >&2
        fail "install what is missing, on Debian by apt-get install PACKAGE"
    fi
    # A package may have started a service of its own on a standard port: then this tells.
    check_ports "${wanted[@]}"
    find_tachograph
    mkdir -p "$run/logs" "$run/data/prometheus" "$run/data/alertmanager" "$run/data/victoria_metrics"
    configure
    # One that was made is kept, so that it holds after a restart.
    local token
    token=$(setting TACHOGRAPH_TOKEN "")
    [[ $token ]] || token=$(cat "$run/token" 2>/dev/null) || true
    [[ $token ]] || token=$(make_secret)
    keep_tokens "$token"

    # From here on nothing is left running when this does not end well.
    trap 'give_up $?' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    : >"$processes"
    if [[ $long_term ]]; then
        launch victoria_metrics "${programs[victoria_metrics]}" -storageDataPath="$run/data/victoria_metrics" \
            -httpListenAddr="127.0.0.1:${port[victoria_metrics]}" -retentionPeriod="$(setting VICTORIA_METRICS_RETENTION 2y)"
    fi
    local options
    read -ra options <<<"$(setting TACHOGRAPH_OPTIONS "")"
    # Wherever this was called from.
    [[ " ${options[*]} " == *" --scenes"* ]] || options+=(--scenes "$here/../scenes")
    TACHOGRAPH_TOKEN=$token launch tachograph "$tachograph" serve --listen "127.0.0.1:${port[tachograph]}" \
        --traffic "$(setting TACHOGRAPH_TRAFFIC 20)" --log-format json "${options[@]}"
    read -ra options <<<"$(setting WEBHOOK_OPTIONS "")"
    # Where the container has that folder.
    options=("${options[@]//=\/actions\//=$here/actions/}")
    if [[ -s $run/webhook_token ]]; then
        TACHOGRAPH_WEBHOOK_TOKEN=$(<"$run/webhook_token")
        export TACHOGRAPH_WEBHOOK_TOKEN
    fi
    launch webhook "$tachograph" webhook \
        --listen "127.0.0.1:${port[webhook]}" --log-format json "${options[@]}"
    launch blackbox_exporter "${programs[blackbox_exporter]}" --config.file="$here/blackbox/blackbox.yml" \
        --web.listen-address="127.0.0.1:${port[blackbox_exporter]}"
    launch node_exporter "${programs[node_exporter]}" \
        --web.listen-address="127.0.0.1:${port[node_exporter]}" --no-collector.systemd
    launch alertmanager "${programs[alertmanager]}" --config.file="$config/alertmanager/running.yml" \
        --storage.path="$run/data/alertmanager" --web.listen-address="127.0.0.1:${port[alertmanager]}" \
        --web.external-url="$(url alertmanager)" --cluster.listen-address=
    GRAFANA_URL=$(setting GRAFANA_URL "$(url grafana)") launch prometheus "${programs[prometheus]}" \
        --config.file="$config/prometheus/running.yml" \
        --storage.tsdb.path="$run/data/prometheus" --storage.tsdb.retention.time="$(setting PROMETHEUS_RETENTION 35d)" \
        --storage.tsdb.retention.size="$(setting PROMETHEUS_RETENTION_SIZE 8GB)" \
        --web.console.templates="$here/prometheus/consoles" --web.console.libraries="$here/prometheus/consoles" \
        --web.listen-address="127.0.0.1:${port[prometheus]}" --web.external-url="$(url prometheus)" \
        --enable-feature=exemplar-storage,expand-external-labels
    local service
    for service in "${wanted[@]}"; do
        wait_for "$service"
    done
    record local
    trap - EXIT INT TERM
}

# launch SERVICE PROGRAM ARGUMENTS...: in the background, deaf to the terminal's end; what it says goes to a log.
launch() {
    local service=$1
    shift
    nohup "$@" </dev/null >"$run/logs/$service.log" 2>&1 9>&- &
    # shellcheck disable=SC2034 # look_at sets both
    local birth state
    look_at $!
    echo "$service $! $birth" >>"$processes"
}

# wait_for SERVICE: until it is ready; fails when it has ended, or takes too long.
wait_for() {
    local pid birth deadline=$((SECONDS + 60))
    read -r pid birth <<<"$(awk -v service="$1" '$1 == service { print $2, $3 }' "$processes")"
    until answers "$1"; do
        if ! alive "$pid" "$birth" || ((SECONDS >= deadline)); then
            tail -n 5 "$run/logs/$1.log" >&2
            local what="was not ready after 60 s"
            alive "$pid" "$birth" || what=ended
            fail "$1 $what: its last lines are above, all are in $run/logs/$1.log"
        fi
        sleep 0.1
    done
    # Whoever answers must be ours.
    alive "$pid" "$birth" || fail "$1 ended, and another program answers on port ${port[$1]}: see $run/logs/$1.log"
    echo "$1 is ready"
}

give_up() {
    trap - EXIT INT TERM
    echo "Ending what was started." >&2
    end_all >&2
    exit "$1"
}

# find_tachograph: sets `tachograph` to the built program, and builds it where there is none.
find_tachograph() {
    if [[ ${TACHOGRAPH_BIN:-} ]]; then
        tachograph=$(command -v "$TACHOGRAPH_BIN") || fail "TACHOGRAPH_BIN is '$TACHOGRAPH_BIN', which is no program"
        return
    fi
    command -v cargo >/dev/null ||
        fail "there is no cargo to build tachograph with: install Rust (https://rustup.rs), or set TACHOGRAPH_BIN"
    echo "Building tachograph."
    (cd "$here/.." && cargo build --release --locked --bin tachograph) 9>&- || fail "tachograph could not be built: see above"
    # Wherever that is: by a variable or by a file of cargo's.
    tachograph=$(cd "$here/.." && cargo metadata --no-deps --locked --format-version 1 |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/release/tachograph
    [[ -x $tachograph ]] || fail "cargo has built no $tachograph: set TACHOGRAPH_BIN"
}

# replaced FILE: with addresses on loopback.
replaced() {
    local hosts=() service name standard
    while read -r service name standard; do
        # Not in eu-tachograph:8080, nor in tachograph:80801.
        hosts+=(-e "s#(^|[^[:alnum:]_.-])$name:$standard([^0-9]|\$)#\1127.0.0.1:${port[$service]}\2#g")
    done <<'HOSTS'
webhook webhook 5001
prometheus localhost 9090
alertmanager alertmanager 9093
blackbox_exporter blackbox-exporter 9115
node_exporter node-exporter 9100
victoria_metrics victoria-metrics 8428
HOSTS
    sed -E "${hosts[@]}" "$1"
}

# configure: prometheus.yml and alertmanager.yml with these addresses, beside links to what they name.
configure() {
    local new=$config.new file configuration=prometheus.yml
    [[ ! $long_term ]] || configuration=prometheus_long_term.yml
    rm -rf "$new"
    mkdir -p "$new/prometheus" "$new/alertmanager"
    for file in "$here"/prometheus/*; do
        ln -s "$file" "$new/prometheus/"
    done
    # targets/ is read as it stands, since it may change at any time: there it is Prometheus that replaces.
    replaced "$here/prometheus/$configuration" | awk -v address="127.0.0.1:${port[tachograph]}" '
        function demo() {
            print "      - source_labels: [__address__]\n        regex: tachograph:8080"
            print "        target_label: __address__\n        replacement: " address
        }
        files && /^    relabel_configs:/ { print; demo(); files = 0; next }
        files { print "    relabel_configs:"; demo() }
        { print; files = /files: \[targets\// }
        END { if (files) { print "    relabel_configs:"; demo() } }' >"$new/prometheus/running.yml"
    # Without the channels that have no secret.
    awk -v folder="$here/alertmanager" -f "$here/alertmanager/channels.awk" "$here/alertmanager/alertmanager.yml" \
        >"$new/alertmanager/running.yml" || fail "alertmanager.yml could not be made: see above"
    replaced "$new/alertmanager/running.yml" |
        sed "s#/etc/alertmanager/#$here/alertmanager/#g" >"$new/alertmanager/replaced.yml"
    mv "$new/alertmanager/replaced.yml" "$new/alertmanager/running.yml"
    rm -rf "$config"
    mv "$new" "$config"
}
