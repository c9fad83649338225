#!/usr/bin/env bash
# start_monitoring.sh [--local | --docker] [--long-term]
#
# Starts the monitoring stack and waits until it works: the demo API, Prometheus, Alertmanager, the exporters and the receiver
# of alerts, all on 127.0.0.1.
#
#   --docker      with Docker compose (docker-compose.yml), and Grafana; the default where there is an engine
#   --local       with the programs of this machine and the same configuration, without Grafana; the default elsewhere
#   --long-term   VictoriaMetrics too, which keeps for longer what Prometheus sees
#
# Settings, from the environment or from .env (.env.example names them all): the ports TACHOGRAPH_PORT 8080, PROMETHEUS_PORT
# 9090, ALERTMANAGER_PORT 9093, GRAFANA_PORT 3000, NODE_EXPORTER_PORT 9100, BLACKBOX_EXPORTER_PORT 9115, WEBHOOK_PORT 5001,
# VICTORIA_METRICS_PORT 8428; GRAFANA_ADMIN_PASSWORD and TACHOGRAPH_TOKEN, which are made if they are not set (with Docker they
# are written into .env, for commands of compose by hand); GRAFANA_URL and TACHOGRAPH_URL, where links lead; TACHOGRAPH_TRAFFIC,
# requests a second that the demo sends to itself, 20; TACHOGRAPH_OPTIONS, such as --demo-faults; PROMETHEUS_RETENTION 35d. In
# local mode also TACHOGRAPH_BIN, a built tachograph, and MONITORING_RUN, the folder for logs, data and processes (.run).
#
# Ended by stop_monitoring.sh, tested by test_monitoring.sh; reload_monitoring.sh has changed configuration read.
# shellcheck source=monitoring/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=monitoring/start_docker.sh
source "$here/start_docker.sh"
# shellcheck source=monitoring/start_local.sh
source "$here/start_local.sh"

mode='' long_term=''
for argument in "$@"; do
    case $argument in
        --local | --docker) mode=${argument#--} ;;
        --long-term) long_term=yes ;;
        -h | --help)
            usage_of "${BASH_SOURCE[0]}"
            exit
            ;;
        *) fail "'$argument' is no option; --help tells which there are" ;;
    esac
done
command -v curl >/dev/null || fail "curl is not installed: package curl"
one_at_a_time

if [[ -f $processes ]]; then
    ended=() running=()
    while read -r service pid birth; do
        if alive "$pid" "$birth"; then running+=("$service"); else ended+=("$service"); fi
    done <"$processes"
    if ((${#running[@]} && !${#ended[@]})); then
        echo "It runs already (${running[*]}). stop_monitoring.sh ends it, test_monitoring.sh tests it."
        exit
    elif ((${#running[@]})); then
        fail "of what was started, ${ended[*]} ended and ${running[*]} still runs:" \
            "run stop_monitoring.sh first; logs are in $run/logs"
    fi
    rm -f "$processes" "$run/mode" "$recorded"
fi

if [[ $mode != local ]]; then
    if why=$(find_compose); then
        # Again, since the first time was in a shell of its own.
        find_compose
        mode=docker
    elif [[ $mode == docker ]]; then
        fail "cannot start with Docker: $why. --local needs none."
    else
        echo "Without Docker, since $why."
        mode=local
    fi
fi

# in_use PORT: whether somebody listens there.
in_use() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# check_ports SERVICE...: that each is free, and no two are the same.
check_ports() {
    local service
    declare -A taken=()
    # Of a range the first that is free.
    while ((port[tachograph] < last_of_tachograph)) && in_use "${port[tachograph]}"; do
        port[tachograph]=$((port[tachograph] + 1))
    done
    for service in "$@"; do
        local number=${port[$service]}
        [[ ! ${taken[$number]:-} ]] ||
            fail "$service and ${taken[$number]} cannot both have port $number: set ${service^^}_PORT"
        taken[$number]=$service
        ! in_use "$number" ||
            fail "port $number, which is for $service, is in use. Choose another one:" \
                "${service^^}_PORT=$((number % 50000 + 10000)) $0"
    done
}

# answers SERVICE: whether it says that it is ready.
answers() {
    curl --silent --fail --max-time 2 --output /dev/null "$(url "$1")${ready[$1]}"
}

# keep_tokens TOKEN: those of what runs, for test_monitoring.sh and for people.
keep_tokens() {
    local webhook
    webhook=$(setting TACHOGRAPH_WEBHOOK_TOKEN "")
    rm -f "$run/token" "$run/webhook_token"
    (umask 077 && printf %s "$1" >"$run/token" && printf %s "$webhook" >"$run/webhook_token")
}

"start_$mode"

# Every target is scraped within its interval, so that none is down any more.
echo "Waiting for the first scrapes."
deadline=$((SECONDS + 60))
while :; do
    targets=$(curl --silent --max-time 5 "$(url prometheus)/api/v1/targets?state=active" || true)
    up=$(grep -o '"health":"up"' <<<"$targets" | wc -l || true)
    known=$(grep -o '"health":"' <<<"$targets" | wc -l || true)
    if ((known && up == known)); then
        echo "${green}All $known targets are up.${plain}"
        break
    elif ((SECONDS >= deadline)); then
        echo "${yellow}Of $known targets $up are up.${plain} $(url prometheus)/targets says why," \
            "test_monitoring.sh what to do."
        break
    fi
    sleep 0.5
done

cat <<END

${bold}Where to look${plain}
  API, its live page  $(url tachograph)/
  its metrics         $(url tachograph)/metrics
  its health          $(url tachograph)/health
  Prometheus          $(url prometheus)/alerts, /targets, /graph
  Alertmanager        $(url alertmanager)/#/alerts
  alerts received     $(url webhook)/alerts
  bearer token        in $run/token
END
[[ ! $long_term ]] || echo "  VictoriaMetrics     $(url victoria_metrics)/"
if [[ $mode == docker ]]; then
    echo "  Grafana             $(url grafana)/d/http_api_overview, user admin"
    echo "  logs                ${compose[*]} logs"
else
    echo "  Grafana             needs Docker (--docker); its dashboard is grafana/dashboards/http_api_overview.json"
    echo "  logs                $run/logs"
fi
cat <<END

It reads the files of $here: targets/ by itself when they change, rules and the rest by
reload_monitoring.sh.
END
echo "Test it by test_monitoring.sh, end it by stop_monitoring.sh."
