#!/usr/bin/env bash
# Brings monitoring/docker-compose.yml up for real, with the profile long-term, on a machine that has no Docker and fetches no
# images: compose of Debian trixie talks to podman, and the containers run Debian's programs in images that are made here,
# under the public names. It needs root, and is run by hand: tests/monitoring/podman/up.sh [BINARY_FOLDER], where the folder
# is what monitoring/build_image_stage.sh has made; without it, a dev build is made.
#
# What is real: compose and the compose file; Prometheus 2.53.3, Alertmanager 0.28.1 and VictoriaMetrics 1.112 as in the file,
# exporters a release or two older; networks, names, ports, volumes, limits, users, read-only file systems; the last stage of
# the Dockerfile.
#
# What is not: Grafana is a stand-in that answers /api/health; the images' own layout beside the programs; the first stage of
# the Dockerfile, whose script runs on the host; `init`; podman instead of Docker. podman asks for health by timers of
# systemd: a loop does here.
stage=${1:+$(realpath "$1")}
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../../ci/need.sh"
[[ $(id -u) == 0 ]] || fail "this must be run by root: it makes networks and mounts"
here=tests/monitoring/podman
need podman podman
need runc runc
need iptables iptables
need jq jq
need curl curl
need busybox busybox-static
need_of trixie docker-compose prometheus prometheus-alertmanager prometheus-node-exporter prometheus-blackbox-exporter victoria-metrics
busybox=$(command -v busybox)

# In a network and with mounts of its own: no port of the host is taken, and nothing is left behind.
if [[ ${OWN_NETWORK:-} != yes ]]; then
    exec unshare --net --mount --propagation slave env OWN_NETWORK=yes "$here/up.sh" ${stage:+"$stage"}
fi
ip link set lo up

work=$(mktemp -d)
chmod 755 "$work"
pids=()

# Without it podman asks for the highest limits that there are, which not every root may set.
export CONTAINERS_CONF=$work/containers.conf
echo '[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]' >"$CONTAINERS_CONF"

export GRAFANA_ADMIN_PASSWORD=a-password TACHOGRAPH_TOKEN=a-token PROMETHEUS_CONFIG=prometheus_long_term.yml
export GRAFANA_URL=http://grafana.test
export DOCKER_HOST=unix://$work/podman.sock

compose=("$programs/docker-compose" --env-file /dev/null --project-name tachograph-test --profile long-term --ansi never
    --file monitoring/docker-compose.yml --file "$here/override.yml")
compose() { "${compose[@]}" "$@"; }
podman=(podman --root "$work/storage" --runroot "$work/run" --tmpdir "$work/tmp" --storage-driver vfs
    --runtime "$(command -v runc)" --cgroup-manager cgroupfs --events-backend file)
p() { "${podman[@]}" "$@"; }
# What the last health checks said.
unwell() {
    local container
    for container in $(p ps --quiet); do
        p inspect --format '{{.Name}} {{json .Config.Healthcheck}} {{json .State.Health}}' "$container" | tail -c 700
    done
}
end() {
    local status=$?
    trap - EXIT
    ((status == 0)) || { compose ps --all; compose logs --tail 10; unwell; } || true
    compose down --volumes --timeout 5 || true
    if ((${#pids[@]})); then
        kill "${pids[@]}" 2>/dev/null || true
        wait "${pids[@]}" 2>/dev/null || true
    fi
    p rm --all --force >/dev/null || true
    p network prune --force >/dev/null || true
    # Who has watched a program that was run in a container stays for minutes.
    ps -C conmon -o pid=,args= | awk -v work="$work/" 'index($0, work) { print $1 }' | xargs --no-run-if-empty kill -KILL || true
    umount "$work"/storage/* "$work"/run/* 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap end EXIT

# --- Images ---

# rootfs FOLDER FILE:PLACE...: busybox, and each program at the place where its public image has it, with the libraries it
# needs.
rootfs() {
    local folder=$1 file library applet
    shift
    mkdir -p "$folder"/{bin,dev,etc,lib,lib64,proc,rootfs,sys,tmp}
    chmod 1777 "$folder/tmp"
    install "$busybox" "$folder/bin/busybox"
    while read -r applet; do ln -sf busybox "$folder/bin/$applet"; done < <("$busybox" --list | grep -vx busybox)
    # That of Debian 12's busybox crashes (1:1.35.0-4+deb12u1), with every address.
    rm "$folder/bin/wget"
    install "$here/wget.sh" "$folder/bin/wget"
    for file in "$@"; do
        install -D "${file%%:*}" "$folder/${file#*:}"
        while read -r library; do
            cp -Lf "$library" "$folder/lib/"
        done < <(ldd "${file%%:*}" | awk '$2 == "=>" && $3 { print $3 }')
    done
    cp -Lf /lib64/ld-linux-*.so.* "$folder/lib64/"
}

# image SERVICE CHANGE...: packs the folder of the service under the name that the compose file has for it.
image() {
    local service=$1 name change changes=()
    name=$(compose config --format json | jq -re --arg service "$service" '.services[$service].image')
    [[ $name == */* ]] || name=library/$name
    shift
    for change in "$@"; do changes+=(--change "$change"); done
    tar -C "$work/$service" -c . | p import "${changes[@]}" - "docker.io/$name" >/dev/null 2>&1 || fail "no image for $service"
}

rootfs "$work/prometheus" "$programs/prometheus:bin/prometheus"
install -d -o 65534 -g 65534 "$work/prometheus/prometheus"
image prometheus 'ENTRYPOINT ["/bin/prometheus"]'

rootfs "$work/alertmanager" "$programs/prometheus-alertmanager:bin/alertmanager" "$programs/amtool:bin/amtool"
install -d -o 65534 -g 65534 "$work/alertmanager/alertmanager"
# Debian's build reads from a file what others have inside.
mkdir -p "$work/alertmanager/usr/share/prometheus"
cp -R "$programs/../share/prometheus/alertmanager" "$work/alertmanager/usr/share/prometheus/"
image alertmanager 'ENTRYPOINT ["/bin/alertmanager"]'

rootfs "$work/blackbox-exporter" "$programs/prometheus-blackbox-exporter:bin/blackbox_exporter"
image blackbox-exporter 'ENTRYPOINT ["/bin/blackbox_exporter"]'

rootfs "$work/node-exporter" "$programs/prometheus-node-exporter:bin/node_exporter"
image node-exporter 'ENTRYPOINT ["/bin/node_exporter"]'

rootfs "$work/victoria-metrics" "$programs/victoria-metrics:victoria-metrics-prod"
image victoria-metrics 'ENTRYPOINT ["/victoria-metrics-prod"]'

rootfs "$work/grafana"
install -d "$work/grafana/www/api" && echo '{"database": "ok"}' >"$work/grafana/www/api/health"
install -d -o 472 -g 0 "$work/grafana/var/lib/grafana"
install -d "$work/grafana/var/log/grafana" "$work/grafana/etc/grafana"
image grafana 'ENTRYPOINT ["/bin/httpd", "-f", "-p", "3000", "-h", "/www"]'

# The last stage of the Dockerfile as it stands, on stand-ins for the two images that it begins with: the built folder, and
# busybox with the C library.
if [[ ! $stage ]]; then
    stage=$work/stage
    CARGO_PROFILE=dev ./monitoring/build_image_stage.sh "$stage"
fi
# Of that program the libraries alone, and of them not the one that the stage brings along itself.
rootfs "$work/busybox" "$stage/usr/local/bin/tachograph:unused"
rm "$work/busybox/unused" "$work/busybox"/lib/libgcc_s.so.*
tar -C "$work/busybox" -c . | p import - docker.io/library/busybox:1.37.0-glibc >/dev/null 2>&1
mkdir -p "$work/context/image" && cp -R "$stage/." "$work/context/image"
{
    printf 'FROM scratch AS build\nCOPY image /image\n'
    sed -n '/^FROM busybox:/,$p' monitoring/Dockerfile
} >"$work/context/Dockerfile"
grep -q '^FROM busybox:' "$work/context/Dockerfile" || fail "the last stage is not found in the Dockerfile"
p build --quiet --format docker --isolation chroot --tag docker.io/library/tachograph:0.1.0 "$work/context" >/dev/null
p images --format '{{.Repository}}:{{.Tag}} {{.Size}}'


# --- Up ---

# Not by the function, whose process would be another one.
"${podman[@]}" system service --time 0 "$DOCKER_HOST" >"$work/service.log" 2>&1 &
pids+=($!)
for _ in {1..50}; do
    [[ -S $work/podman.sock ]] && break
    sleep 0.1
done
# What a timer of systemd does for podman.
while sleep 2; do
    for container in $(p ps --quiet); do
        p healthcheck run "$container" >/dev/null 2>&1 || true
    done
done &
pids+=($!)
begin=$SECONDS
timeout 300 "${compose[@]}" up --detach --no-build || fail "it does not come up"
echo "up after $((SECONDS - begin)) s"

# As the scripts call it.
mkdir "$work/shim"
cat >"$work/shim/docker" <<SHIM
#!/usr/bin/env bash
[[ \$1 == compose ]] || exit 0
exec "$programs/docker-compose" "\${@:2}"
SHIM
chmod +x "$work/shim/docker"
# script NAME OPTIONS...: one of monitoring/, whose compose is that of this one.
script() {
    PATH=$work/shim:$PATH COMPOSE_PROJECT_NAME=tachograph-test MONITORING_RUN=$work/scripts "monitoring/$1" "${@:2}"
}

# --- What must hold ---

passed=0
holds() {
    echo "ok: $*"
    passed=$((passed + 1))
}

# eventually WHAT COMMAND...: two minutes long.
eventually() {
    local what=$1
    shift
    for _ in {1..120}; do
        if "$@" >/dev/null 2>&1; then
            holds "$what"
            return
        fi
        sleep 1
    done
    fail "in vain: $what"
}
# must WHAT COMMAND...: at once.
must() {
    "${@:2}" >/dev/null || fail "it does not hold: $1"
    holds "$1"
}
services=$(compose config --services | sort)
container() { compose ps --quiet "$1"; }
inspect() { p inspect --format "$2" "$(container "$1")"; }
inside() { p exec "$(container "$1")" "${@:2}"; }
get() { curl --silent --show-error --fail --max-time 5 "http://127.0.0.1:$1"; }

healthy() { [[ $(inspect "$1" '{{.State.Healthcheck.Status}}{{.State.Health.Status}}' | sed 's/<no value>//g') == healthy* ]]; }
for service in $services; do
    eventually "$service is healthy" healthy "$service"
done

targets() {
    local targets
    targets=$(get "9090/api/v1/targets?state=active" | jq -r '.data.activeTargets[] | .scrapePool + " " + .health')
    [[ $(wc -l <<<"$targets") -ge 7 ]] && ! grep -v ' up$' <<<"$targets"
}
eventually "every target is up, found by its name" targets
get "9090/api/v1/targets?state=active" | jq -r '.data.activeTargets[] | "  \(.scrapePool) \(.scrapeUrl) \(.health)"'
rules() { get "9090/api/v1/rules" | jq -e '[.data.groups[].rules[] | select(.health != "ok")] == []'; }
eventually "every rule is evaluated" rules
watchdog() { get "5001/alerts" | jq -e '[.alerts[].labels.alertname] | index("Watchdog")'; }
eventually "the Watchdog comes through Prometheus and Alertmanager to the webhook" watchdog
stored() { get "8428/api/v1/query?query=up" | jq -e '.data.result | length >= 7'; }
eventually "VictoriaMetrics has what Prometheus has written to it" stored
host() {
    get "9090/api/v1/query?query=node_filesystem_size_bytes%7Bmountpoint=%22/%22%7D" | jq -e '.data.result | length == 1'
}
eventually "the node exporter measures the host's file system" host
covered() { [[ ! $(inside node-exporter ls -A /rootfs/run) ]]; }
must "the node exporter sees nothing of /run" covered
must "names are found by DNS" inside prometheus nslookup tachograph
must "Grafana's stand-in answers on its port" get 3000/api/health
runbook() { get 9090/consoles/Watchdog.html | grep Watchdog; }
must "Prometheus serves the runbooks" runbook

for service in $services; do
    if inside "$service" touch /touched 2>/dev/null; then fail "$service may write to its file system"; fi
    [[ $service == victoria-metrics || $(inside "$service" id -u) != 0 ]] || fail "$service runs as root"
    [[ $(inside "$service" grep CapEff /proc/1/status) == *0000000000000000 ]] || fail "$service has capabilities"
    [[ $(inside "$service" grep NoNewPrivs /proc/1/status) == *1 ]] || fail "$service may gain privileges"
    [[ $(inspect "$service" '{{.HostConfig.Memory}}') -gt 0 ]] || fail "$service has no limit of memory"
    [[ $(inspect "$service" '{{.HostConfig.PidsLimit}}') == 256 ]] || fail "$service has no limit of processes"
done
holds "no container writes to its file system, has capabilities or can gain them; each has its limits; none but one is root"
for address in $(compose ps --format json | jq -rs 'flatten | .[].Publishers[].URL' | sort -u); do
    [[ $address == 127.0.0.1 ]] || fail "a port is published on $address"
done
holds "every port is published on 127.0.0.1 alone"

link() { get 9090/api/v1/alerts | grep -F http://grafana.test/d/http_api_overview; }
must "alerts link to where GRAFANA_URL says" link
actions() { inside webhook cat /actions/README.md; }
must "the webhook finds programs in /actions" actions

# The scripts, of what compose has started.
runs_already() { script start_monitoring.sh --docker --long-term | grep 'It runs already'; }
must "start_monitoring.sh knows that it runs" runs_already
script test_monitoring.sh --json >"$work/tested" || true
jq -r '"\(.passed) tests of test_monitoring.sh pass, and fail: \([.tests[] | select(.outcome == "failed")])"' "$work/tested"
only_grafana() { jq -e '.passed > 100 and ([.tests[] | select(.outcome == "failed").name] == ["it has the dashboard"])' "$work/tested"; }
must "test_monitoring.sh finds fault with the stand-in of Grafana alone" only_grafana
script reload_monitoring.sh
holds "reload_monitoring.sh has them read their configuration, by SIGHUP"

begin=$SECONDS
compose stop
holds "all stop when told to, after $((SECONDS - begin)) s"
for service in tachograph webhook prometheus alertmanager; do
    status=$(p inspect --format '{{.State.ExitCode}}' "$(compose ps --all --quiet "$service")")
    [[ $status == 0 ]] || fail "$service ends with status $status"
done
holds "they end with status 0"
echo "$passed checks passed"
