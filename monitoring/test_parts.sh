# shellcheck shell=bash
# shellcheck disable=SC2154 # common.sh and test_monitoring.sh set what is used here
# Sourced by test_monitoring.sh: what is tested. Who fails writes why.

logs_hint() {
    if [[ $mode == docker ]]; then
        echo "Look at: ${compose[*]} logs ${1//_/-}; is it up? ${compose[*]} ps"
    else
        echo "Look at $run/logs/$1.log; if it has ended: stop_monitoring.sh, then start_monitoring.sh --local"
    fi
}

# fetch URL OPTIONS...: the body; anything but 200 fails.
fetch() {
    local url=$1 body status
    shift
    body=$(curl --silent --show-error --max-time 10 --write-out '\n%{http_code}' "$@" "$url" 2>&1) ||
        { echo "$url: ${body%$'\n'*}"; return 1; }
    status=${body##*$'\n'}
    body=${body%$'\n'*}
    [[ $status == 200 ]] || { echo "$url answers $status: ${body:0:200}"; return 1; }
    printf '%s' "$body"
}

# answers URL PATTERN OPTIONS...: 200, and a body that matches.
answers() {
    local body pattern=$2
    body=$(fetch "$1" "${@:3}") || { echo "$body"; return 1; }
    [[ $body =~ $pattern ]] || { echo "$1 answers ${body:0:200}, where $pattern should be"; return 1; }
}

# refuses STATUSES URL OPTIONS...: it answers with one of them, as in 401|404.
refuses() {
    local status
    status=$(curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "${@:2}") || true
    [[ $status =~ ^($1)$ ]] || { echo "$2 answers $status, and not $1"; return 1; }
}

# header URL NAME PATTERN OPTIONS...: the answer has such a header.
header() {
    local value
    value=$(curl --silent --max-time 10 --output /dev/null --dump-header - "${@:4}" "$1" |
        tr -d '\r' | awk -v name="$2:" 'tolower($1) == name { sub(/^[^ ]* /, ""); print }') || true
    [[ $value =~ $3 ]] || { echo "$1 answers with $2 '$value', where $3 should be"; return 1; }
}

# authorized FILE COMMAND...: with the token in it, which no command line shows.
authorized() {
    "${@:2}" -H @<(printf 'Authorization: Bearer %s\n' "$(<"$1")")
}

# streams URL: server-sent events, of which the first ones come at once.
streams() {
    header "$1" content-type '^text/event-stream' --max-time 2 || return 1
    local first
    # It has no end.
    first=$(curl --silent --no-buffer --max-time 10 "$1" 2>/dev/null | head -n 20) || true
    [[ $first =~ (^|$'\n')data: ]] || { echo "$1 begins with '${first:0:200}', where an event should be"; return 1; }
}

# query EXPRESSION: what Prometheus answers.
query() {
    curl --silent --show-error --max-time 20 --get --data-urlencode "query=$1" "$(url prometheus)/api/v1/query"
}

# holds EXPRESSION: it yields something.
holds() {
    local answer
    answer=$(query "$1") || { echo "$answer"; return 1; }
    [[ $(jq '.data.result | length' <<<"$answer") -gt 0 ]] || { echo "$1 yields nothing"; return 1; }
}

api() {
    local base hint path
    base=$(url tachograph)
    hint=$(logs_hint tachograph)
    section "API at $base"
    check "the page at / is there" "$hint" answers "$base/" '<html'
    check "/metrics is Prometheus text" "$hint" header "$base/metrics" content-type '^text/plain; version=0\.0\.4'
    check "/metrics is OpenMetrics for who asks" "$hint" \
        header "$base/metrics" content-type '^application/openmetrics-text; version=1\.0\.0' \
        -H 'Accept: application/openmetrics-text; version=1.0.0'
    check "/metrics is protobuf for who asks" "$hint" header "$base/metrics" content-type '^application/vnd.google.protobuf' \
        -H 'Accept: application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'
    check "/metrics is compressed for who asks" "$hint" header "$base/metrics" content-encoding gzip -H 'Accept-Encoding: gzip'
    check "/metrics has the requests" "$hint" answers "$base/metrics" 'http_requests_total\{'
    check "/health is healthy or degraded" \
        "Ask with the token, it says why: curl -H 'Authorization: Bearer TOKEN' $base/health" \
        answers "$base/health" '^\{"status":"(healthy|degraded)"'
    for path in quick live ready startup check/memory; do
        check "/health/$path answers" \
            "Ask with the token, it says why: curl -H 'Authorization: Bearer TOKEN' $base/health/$path" \
            answers "$base/health/$path" '"status":"(healthy|degraded)"'
    done
    check "/events streams what the page shows" "$hint" streams "$base/events"
    check "/scenes lists scenes" "Start it with --scenes FOLDER: there is none, or it is empty" answers "$base/scenes" '\.tscn'
    for path in "" /summary /flamegraph; do
        closed GET "/debug/profile$path"
    done
    closed POST /debug/profile/clear
    closed POST /scene
    # With --demo-faults alone they are there.
    for path in fault engine; do
        closed GET "/demo/$path" '401|404'
        closed POST "/demo/$path" '401|404'
    done
    if [[ -s $run/token ]]; then
        hint="Is the token in $run/token that of the server? Else start both anew"
        for path in "" /summary /flamegraph; do
            check "/debug/profile$path opens with the token" "$hint" \
                authorized "$run/token" answers "$base/debug/profile$path" .
        done
        check "POST /scene loads a scene with the token" "$hint. Are the scenes there?" \
            authorized "$run/token" answers "$base/scene" '"scene":' --data "$(scene)"
        check "/scene tells which is loaded" "$hint" answers "$base/scene" '\.tscn'
    fi
}

# closed METHOD PATH [STATUSES]: the API asks for a token there.
closed() {
    check "$1 $2 is closed without the token" "It must never be open: do not publish this port, and tell us" \
        refuses "${3:-401}" "$(url tachograph)$2" --request "$1"
}

# scene: what loads the scene that is loaded, so that nothing changes, or one of those that are listed.
scene() {
    { curl --silent --max-time 5 "$(url tachograph)/scene"; curl --silent --max-time 5 "$(url tachograph)/scenes"; } |
        jq --slurp --compact-output '{path: ([.[0].scene.name, (.[1].scenes[]?.name | select(. != "broken.tscn"))]
            | map(values) | first)}' 2>/dev/null || true
}

prometheus() {
    local base hint
    base=$(url prometheus)
    hint=$(logs_hint prometheus)
    section "Prometheus at $base"
    eventually "it is ready" "$hint" answers "$base/-/ready" .
    check "its last configuration was good" "promtool check config says what is wrong with it" \
        holds 'prometheus_config_last_reload_successful == 1 or on () absent(prometheus_config_last_reload_successful)'
    check "it knows Alertmanager" "See alerting: in prometheus.yml" \
        answers "$base/api/v1/alertmanagers" '"activeAlertmanagers":\[\{'
    local job jobs=()
    mapfile -t jobs < <(sed -n 's/^ *- job_name: *//p' "$here/prometheus/prometheus.yml")
    for job in "${jobs[@]}"; do
        eventually "every target of job $job is up" \
            "$base/targets tells the error; are its host and port right in prometheus.yml and targets/?" up "$job"
    done
}

# up JOB: it has targets, and each is up.
up() {
    local targets
    targets=$(fetch "$(url prometheus)/api/v1/targets?state=active") || { echo "$targets"; return 1; }
    jq --raw-output --arg job "$1" '[.data.activeTargets[] | select(.labels.job == $job)]
        | if length == 0 then "there is no target", error("") else .[] | select(.health != "up")
            | "\(.labels.instance) is \(.health): \(.lastError)" end' <<<"$targets" 2>/dev/null | { ! grep .; }
}

alertmanager() {
    local base hint
    base=$(url alertmanager)
    hint=$(logs_hint alertmanager)
    section "Alertmanager at $base"
    check "it is ready" "$hint" answers "$base/-/ready" .
    eventually "Watchdog has arrived, by which every alert would" \
        "Is Prometheus' rule Watchdog firing, and Alertmanager its alertmanager? $hint" \
        answers "$base/api/v2/alerts?filter=alertname%3D%22Watchdog%22" '"alertname":"Watchdog"'
    local as=()
    [[ ! -s $run/webhook_token ]] || as=(authorized "$run/webhook_token")
    check "the webhook is alive" "$(logs_hint webhook)" answers "$(url webhook)/health/live" .
    eventually "the webhook was told of Watchdog" "$hint; and at $(logs_hint webhook | sed 's/^Look at:* //')" \
        "${as[@]}" answers "$(url webhook)/alerts" '"alertname":"Watchdog"'
    eventually "no notification failed within 5 minutes" "A channel is not told: $hint" fails_none
}

fails_none() {
    holds 'alertmanager_notifications_total' || return 1
    local answer
    answer=$(query 'sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) > 0')
    jq --raw-output '.data.result[] | "\(.metric.integration): \(.value[1]) failed"' <<<"$answer" | { ! grep .; }
}

exporters() {
    section "Exporters"
    check "the node exporter answers" "$(logs_hint node_exporter)" answers "$(url node_exporter)/metrics" 'node_'
    check "the blackbox exporter answers" "$(logs_hint blackbox_exporter)" \
        answers "$(url blackbox_exporter)/metrics" 'blackbox_'
    eventually "the probe of /health succeeds" \
        "Ask the exporter: curl '$(url blackbox_exporter)/probe?module=health&debug=true&target=$(url tachograph)/health'" \
        holds 'probe_success{job="health_probe"} == 1'
}

rules() {
    local file group groups=()
    section "Rules"
    for file in recording_rules prometheus_alerts slo_rules meta_alerts; do
        mapfile -t groups < <(sed -n 's/^  - name: *//p' "$here/prometheus/$file.yml")
        for group in "${groups[@]}"; do
            eventually "group $group of $file.yml is evaluated" \
                "promtool check rules $here/prometheus/$file.yml; $(url prometheus)/rules tells the error of a rule" \
                evaluated "$file" "$group"
        done
    done
}

# evaluated FILE GROUP: it is loaded, has as many rules as the file, and each was evaluated without an error.
evaluated() {
    local loaded wanted
    loaded=$(fetch "$(url prometheus)/api/v1/rules") || { echo "$loaded"; return 1; }
    wanted=$(awk -v group="$2" '/^  - name:/ { inside = $3 == group } inside && /^ +- (alert|record):/ { n++ }
        END { print n + 0 }' "$here/prometheus/$1.yml")
    jq --raw-output --arg file "/$1.yml" --arg group "$2" --argjson wanted "$wanted" '
        [.data.groups[] | select(.name == $group and (.file | endswith($file))) | .rules[]]
        | if length != $wanted then "\(length) rules are loaded, and not \($wanted)"
            else .[] | select(.health != "ok") | "\(.name) is \(.health): \(.lastError // "not evaluated yet")" end
        ' <<<"$loaded" | { ! grep .; }
}

# alerts: name, and labels as NAME=VALUE, of each alert that is loaded.
alerts() {
    fetch "$(url prometheus)/api/v1/rules" | jq --raw-output '.data.groups[].rules[] | select(.type == "alerting")
        | [.name] + [.labels | to_entries[] | "\(.key)=\(.value)"] | join(" ")'
}

routes() {
    section "Routes"
    local temporary configuration line
    temporary=$(mktemp -d)
    configuration=$temporary/alertmanager.yml
    # The configuration that runs, from the program that runs it.
    fetch "$(url alertmanager)/api/v2/status" | jq --raw-output .config.original >"$configuration" 2>/dev/null || true
    local all=()
    mapfile -t all < <(alerts 2>/dev/null)
    if ! amtool_of "$configuration"; then
        result "alerts go to their receivers" "Install amtool: package prometheus-alertmanager" "there is no amtool to ask"
    elif [[ ! -s $configuration ]]; then
        result "alerts go to their receivers" "$(logs_hint alertmanager)" "Alertmanager does not tell its configuration"
    elif ((!${#all[@]})); then
        result "alerts go to their receivers" "$(logs_hint prometheus)" "Prometheus tells of no alert"
    else
        for line in "${all[@]}"; do
            local labels=()
            read -ra labels <<<"$line"
            check "${labels[0]} goes to $(receiver "$line")" "See route: in alertmanager/alertmanager.yml" \
                routed "$(receiver "$line")" "alertname=${labels[0]}" "${labels[@]:1}"
        done
    fi
    rm -rf "$temporary"
}

# amtool_of FILE: sets `amtool` to a command that asks for routes of that configuration.
amtool_of() {
    if [[ $mode == docker ]]; then
        # That of the same version: what 0.28 shows of its configuration, that of 0.25 cannot read.
        amtool=("${compose[@]}" exec -T alertmanager amtool config routes test --config.file=/tmp/alertmanager.yml)
    elif command -v amtool >/dev/null; then
        amtool=(amtool config routes test "--config.file=$1")
    else
        return 1
    fi
}

# receiver ALERT: who has to be told, by its labels. Security before severity.
receiver() {
    case " $1 " in
        " Watchdog "*) echo watchdog ;;
        *" component=security "*) echo security ;;
        *" severity=critical "*) echo critical ;;
        *" severity=warning "*) echo warning ;;
        *) echo info ;;
    esac
}

routed() {
    local told
    told=$("${amtool[@]}" "--verify.receivers=$1" job=http_api "${@:2}" 2>&1 </dev/null) ||
        { echo "amtool says: ${told//$'\n'/ }"; return 1; }
}

runbooks() {
    section "Runbooks"
    local links=() link
    mapfile -t links < <(fetch "$(url prometheus)/api/v1/rules" 2>/dev/null | jq --raw-output --arg base "$(url prometheus)" '
        [.data.groups[].rules[] | select(.type == "alerting") | .annotations.runbook_url // "\(.name) has none"
            | sub("^\\{\\{ *\\$externalURL *\\}\\}"; $base)] | unique[]' 2>/dev/null)
    ((${#links[@]})) || result "runbooks are served" "$(logs_hint prometheus)" "Prometheus tells of no alert"
    for link in ${links[@]+"${links[@]}"}; do
        link=${link// /%20}
        check "${link##*/}" \
            "Prometheus serves prometheus/consoles, which 'cargo run --package monitoring' writes: $(logs_hint prometheus)" \
            answers "$link" '[Mm]itigation'
    done
}

# What is empty as long as nothing is wrong.
may_be_empty='ALERTS|max_connections|tachograph_health_changes_total'
# What is empty until a rule has recorded it that is evaluated every two minutes, and so many seconds.
late='job:slo_availability' late_seconds=300

# young: whether Prometheus has only just begun.
young() {
    holds "time() - process_start_time_seconds{job=\"prometheus\"} < $late_seconds" >/dev/null
}

dashboard() {
    section "Queries of the dashboard"
    local file=$here/grafana/dashboards/http_api_overview.json place expression
    while IFS=$'\t' read -r place expression; do
        eventually "$place" "Ask yourself: $(url prometheus)/graph; does traffic come, and do rules and targets work (above)?" \
            shown "$(jq --raw-output . <<<"$expression")"
    done < <(jq --raw-output '[.panels[], (.panels[].panels[]?)] | .[] | .title as $title | .targets[]?
        | ["\($title) \(.refId)", (.expr
            | gsub("\\$__rate_interval"; "1m") | gsub("\\$__range"; "1h") | gsub("\\$__interval"; "15s")
            | gsub("\\$job"; "http_api") | gsub("\\$(instance|endpoint)"; ".+") | tojson)] | join("\t")' "$file")
}

# shown EXPRESSION: Prometheus understands it, and it yields something, if it has to.
shown() {
    local answer
    answer=$(query "$1") || { echo "$answer"; return 1; }
    jq --exit-status '.status == "success"' <<<"$answer" >/dev/null || { jq --raw-output .error <<<"$answer"; return 1; }
    jq --exit-status '.data.result | length > 0' <<<"$answer" >/dev/null && return
    [[ $1 =~ $may_be_empty ]] && return
    [[ $1 =~ $late ]] && young && return
    echo "no data: $1"
    return 1
}

grafana() {
    section "Grafana at $(url grafana)"
    check "it is ready" "$(logs_hint grafana)" answers "$(url grafana)/api/health" '"database": *"ok"'
    local password
    password=$(setting GRAFANA_ADMIN_PASSWORD "")
    # As curl reads a text in quotes.
    password=${password//\\/\\\\}
    check "it has the dashboard" "$(logs_hint grafana); is GRAFANA_ADMIN_PASSWORD that of its first start?" \
        answers "$(url grafana)/api/dashboards/uid/http_api_overview" '"uid": *"http_api_overview"' \
        --config <(printf 'user = "admin:%s"\n' "${password//\"/\\\"}")
}

long_term() {
    section "VictoriaMetrics at $(url victoria_metrics)"
    check "it is ready" "$(logs_hint victoria_metrics)" answers "$(url victoria_metrics)/health" .
    eventually "what Prometheus sees arrives there" \
        "Is Prometheus started with prometheus_long_term.yml? $(logs_hint prometheus)" \
        answers "$(url victoria_metrics)/api/v1/series?match%5B%5D=up%7Bjob%3D%22http_api%22%7D" '"job":"http_api"'
}
