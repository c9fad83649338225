#!/usr/bin/env bash
# test_monitoring.sh [--json] [--wait SECONDS]
#
# Tests what start_monitoring.sh has started, with Docker or without: every endpoint, target, rule, route, runbook and query
# of the dashboard, and the way of an alert from a rule to the webhook. Says what failed and what to do about it; exit status
# 0 when all is well, else 1.
#
#   --json          writes the results as JSON, and nothing else, to standard output
#   --wait SECONDS  what needs some scrapes or evaluations first may take so long, 90 in all: what a rule tells before
#                   Prometheus has found Alertmanager is told again after a minute
#
# Needs curl and jq; and amtool for the routes, with Docker that of Alertmanager's container, else that of Debian's
# prometheus-alertmanager: where there is none, that test fails. Colour where a terminal is, unless NO_COLOR is set.
as_started=yes
# shellcheck source=monitoring/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=monitoring/test_parts.sh
source "$here/test_parts.sh"

json='' patience=90
while (($#)); do
    case $1 in
        --json) json=yes ;;
        --wait)
            [[ ${2:-} =~ ^[0-9]+$ ]] || fail "--wait needs a number of seconds"
            patience=$2
            shift
            ;;
        -h | --help)
            usage_of "${BASH_SOURCE[0]}"
            exit
            ;;
        *) fail "'$1' is no option; --help tells which there are" ;;
    esac
    shift
done
for needed in curl jq; do
    command -v "$needed" >/dev/null || fail "$needed is not installed: package $needed"
done
mode=$(cat "$run/mode" 2>/dev/null || true)
[[ $mode && $mode != docker-stopped ]] || fail "nothing runs that was started in $run: start_monitoring.sh starts it"

if [[ $mode == docker ]]; then
    why=$(find_compose) || fail "it was started with Docker, but $why"
    find_compose
    any_password
fi

deadline=$((SECONDS + patience))
names=() outcomes=() reasons=() hints=()
passed=0 failed=0

section() {
    [[ $json ]] || printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

# result NAME HINT REASON: a test that passed has no reason.
result() {
    names+=("$1")
    hints+=("$2")
    reasons+=("${3:0:600}")
    if [[ $3 ]]; then
        failed=$((failed + 1))
        outcomes+=(failed)
        [[ $json ]] ||
            printf '  %sFAIL%s  %s\n        %s\n        %s%s%s\n' "$red" "$plain" "$1" "${3:0:600}" "$yellow" "$2" "$plain"
    else
        passed=$((passed + 1))
        outcomes+=(passed)
        [[ $json ]] || printf '  %sok%s    %s\n' "$green" "$plain" "$1"
    fi
}

# check NAME HINT COMMAND...: it passes when the command does; what the command writes is the reason if not.
check() {
    local name=$1 hint=$2 reason=''
    shift 2
    reason=$("$@" 2>&1) && reason='' || reason=${reason:-"$* failed"}
    result "$name" "$hint" "$reason"
}

# eventually NAME HINT COMMAND...: the same, tried again until the patience is over.
eventually() {
    local name=$1 hint=$2 reason=''
    shift 2
    while :; do
        if reason=$("$@" 2>&1); then
            reason=''
            break
        fi
        # A failure without a word is one too.
        reason=${reason:-"$* failed"}
        ((SECONDS < deadline)) || break
        sleep 1
    done
    result "$name" "$hint" "$reason"
}

api
prometheus
alertmanager
exporters
rules
routes
runbooks
dashboard
[[ $mode != docker ]] || grafana
[[ $(setting LONG_TERM no) != yes ]] || long_term

if [[ $json ]]; then
    for ((i = 0; i < ${#names[@]}; i++)); do
        printf '%s\0%s\0%s\0%s\0' "${names[i]}" "${outcomes[i]}" "${reasons[i]}" "${hints[i]}"
    done | jq --raw-input --slurp --argjson passed "$passed" --argjson failed "$failed" '
        split("\u0000")[:-1] as $all
        | [range(0; $all | length; 4) as $i | {name: $all[$i], outcome: $all[$i + 1]}
            + if $all[$i + 1] == "failed" then {reason: $all[$i + 2], hint: $all[$i + 3]} else {} end]
        | {passed: $passed, failed: $failed, tests: .}'
else
    colour=$green
    ((!failed)) || colour=$red
    printf '\n%s%d passed, %d failed%s\n' "$colour" "$passed" "$failed" "$plain"
fi
((!failed))
