# shellcheck shell=bash
# shellcheck disable=SC2034 # those who source this use what it sets
# Sourced by the scripts *_monitoring.sh: settings, and which processes are ours.

# A Mac has 3.2, for which an array that is empty is not set.
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "error: this is bash $BASH_VERSION, and 4.4 or later is needed: install a newer one, which comes first on the PATH" >&2
    exit 1
fi
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# State: which processes run, their logs, their data.
run=${MONITORING_RUN:-$here/.run}
mkdir -p "$run"
run=$(cd "$run" && pwd)

# Colour where a person reads it.
red='' green='' yellow='' bold='' plain=''
if [[ -t 1 && ! ${NO_COLOR:-} ]]; then
    red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' bold=$'\e[1m' plain=$'\e[0m'
fi

fail() {
    echo "${red}error:${plain} $*" >&2
    exit 1
}

# usage_of SCRIPT: the comment at its head.
usage_of() {
    awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$1"
}

# one_at_a_time: of the scripts that change what runs, only one works in this folder. The lock goes with its process.
one_at_a_time() {
    command -v flock >/dev/null || return 0
    exec 9>"$run/lock"
    flock -n 9 || fail "another script starts, stops or reloads what is in $run: wait for it, or interrupt it"
}

# What start_monitoring.sh was told, for those who look at what it started.
recorded=$run/settings

# Settings of .env, as compose reads them.
declare -A in_env=()

# read_env FILE: `export`, quotes, spaces around a value and a comment behind it are not part of it. What compose would make
# something else of than these scripts is refused.
read_env() {
    local line name value number=0
    while IFS= read -r line || [[ $line ]]; do
        number=$((number + 1))
        [[ ! $line =~ ^[[:space:]]*(#.*)?$ ]] || continue
        [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=[[:space:]]*(.*)$ ]] ||
            fail "$1, line $number: write NAME=VALUE"
        name=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
        if [[ $value =~ ^\'([^\']*)\'[[:space:]]*(#.*)?$ || $value =~ ^\"([^\"\$\\]*)\"[[:space:]]*(#.*)?$ ]]; then
            value=${BASH_REMATCH[1]}
        elif [[ $value == [\'\"]* || $value == *'$'* ]]; then
            fail "$1, line $number: write the value of $name in single quotes, with nothing but a comment behind them"
        else
            value=${value%%' #'*}
            value=${value%"${value##*[![:space:]]}"}
        fi
        in_env[$name]=$value
    done <"$1"
}
[[ ! -f $here/.env ]] || read_env "$here/.env"

# setting NAME DEFAULT: of the environment, else of .env. Who sets `as_started` takes what was recorded first.
setting() {
    local line value
    if [[ ${as_started:-} ]] && line=$(grep -s "^$1=." "$recorded"); then
        value=${line#*=}
    elif [[ -v $1 ]]; then
        value=${!1}
    else
        value=${in_env[$1]:-}
    fi
    printf '%s\n' "${value:-$2}"
}

# Port by service, as docker-compose.yml names the settings; and the path that answers 200 when it is ready.
services=(tachograph webhook prometheus alertmanager blackbox_exporter node_exporter grafana victoria_metrics)
declare -A port ready
for service in "${services[@]}"; do
    case $service in
        tachograph) standard=8080 path=/health/ready ;;
        webhook) standard=5001 path=/health/live ;;
        prometheus) standard=9090 path=/-/ready ;;
        alertmanager) standard=9093 path=/-/ready ;;
        blackbox_exporter) standard=9115 path=/-/healthy ;;
        node_exporter) standard=9100 path=/ ;;
        grafana) standard=3000 path=/api/health ;;
        victoria_metrics) standard=8428 path=/health ;;
    esac
    ready[$service]=$path
    port[$service]=$(setting "${service^^}_PORT" "$standard")
    # The demo may have a range, of which each of several instances takes one.
    last=${port[$service]}
    if [[ $service == tachograph && $last == *-* ]]; then
        port[$service]=${last%%-*} last=${last#*-}
    fi
    for number in "${port[$service]}" "$last"; do
        if ! [[ $number =~ ^[1-9][0-9]{0,4}$ ]] || ((number > 65535 || number < port[$service])); then
            fail "${service^^}_PORT is '$(setting "${service^^}_PORT" "")': it must be a port from 1 to 65535" \
                "(or two for TACHOGRAPH_PORT, such as 8080-8089)"
        fi
    done
    [[ $service != tachograph ]] || last_of_tachograph=$last
done

# record MODE: what was started, for the scripts that come later.
record() {
    local service
    for service in "${services[@]}"; do
        echo "${service^^}_PORT=${port[$service]}"
    done >"$recorded"
    echo "LONG_TERM=${long_term:-no}" >>"$recorded"
    echo "$1" >"$run/mode"
}

# url SERVICE: where it answers.
url() {
    echo "http://127.0.0.1:${port[$1]}"
}

# make_secret: 32 letters and digits.
make_secret() {
    head -c 1024 /dev/urandom | LC_ALL=C tr -dc 'a-zA-Z0-9' | head -c 32
}

boot=''
[[ ! -r /proc/sys/kernel/random/boot_id ]] || read -r boot </proc/sys/kernel/random/boot_id

# look_at PID: sets `birth`, when it was started and in which boot, and `state`. A number that is used again has another birth.
# Without $(…), which bash 5.2 cannot parse to its end while a signal comes.
look_at() {
    local stat fields
    birth='' state=''
    if [[ $boot ]]; then
        read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
        # What stands in parentheses is the name, which may hold anything.
        read -ra fields <<<"${stat##*) }"
        state=${fields[0]} birth=$boot/${fields[19]}
    else
        birth=$(ps -o lstart= -p "$1" 2>/dev/null | tr ' ' _) || true
    fi
}

# Of each process that was started, in order: its service, its number, its birth.
processes=$run/processes

# alive PID BIRTH: whether that very process still runs. One that has ended and was not waited for yet does not.
alive() {
    local birth state
    look_at "$1"
    [[ $2 && $birth == "$2" && $state != Z ]]
}

# end_all: ends what was started, the last first, and waits for it.
end_all() {
    [[ -f $processes ]] || return 0
    local service pid birth deadline
    local -a all
    mapfile -t all <"$processes"
    local index
    for ((index = ${#all[@]} - 1; index >= 0; index--)); do
        read -r service pid birth <<<"${all[index]}"
        if ! alive "$pid" "$birth"; then
            echo "$service had ended already"
            continue
        fi
        kill -TERM "$pid" || true
        deadline=$((SECONDS + 30))
        while alive "$pid" "$birth" && ((SECONDS < deadline)); do
            sleep 0.1
        done
        if alive "$pid" "$birth"; then
            kill -KILL "$pid" || true
            echo "$service did not end within 30 s, and was killed"
        else
            echo "$service has ended"
        fi
    done
    rm -f "$processes"
}

# Sets `compose` to the command, if Docker has an engine that answers; says why else, and fails.
find_compose() {
    command -v docker >/dev/null || { echo "docker is not installed"; return 1; }
    docker info >/dev/null 2>&1 || { echo "docker has no engine that answers (docker info)"; return 1; }
    if docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose=(docker-compose)
    else
        echo "there is neither 'docker compose' nor docker-compose"
        return 1
    fi
    compose+=(--project-directory "$here" --file "$here/docker-compose.yml")
}

# any_password: compose asks for Grafana's, whatever it is to do. start_monitoring.sh alone must have the right one.
any_password() {
    [[ $(setting GRAFANA_ADMIN_PASSWORD "") ]] || export GRAFANA_ADMIN_PASSWORD=unknown
}
