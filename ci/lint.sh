#!/usr/bin/env bash
# Format, clippy, shellcheck, and the house rules that no linter knows. Everything is looked at before it fails.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need shellcheck shellcheck
need c++ g++
status=0
broken() {
    echo "error: $*" >&2
    status=1
}

cargo fmt --all --check || broken "run 'cargo fmt --all'"
cargo fmt --manifest-path fuzz/Cargo.toml --check || broken "run 'cargo fmt --manifest-path fuzz/Cargo.toml'"
cargo clippy --quiet --locked --workspace --all-targets -- -D warnings || broken "clippy has findings"
# All targets are not all: benches that only run by name are left out.
cargo clippy --quiet --locked --workspace --bench '*' -- -D warnings || broken "clippy has findings in benches"
cargo clippy --quiet --locked --manifest-path fuzz/Cargo.toml --target-dir "$target/fuzz" -- -D warnings ||
    broken "clippy has findings in fuzz"
./ci/dependencies.sh || broken "what is linked is not as recorded"
shellcheck --external-sources .ci/run ci/*.sh monitoring/*.sh tests/monitoring/podman/*.sh tests/monitoring/tests/live/*.sh tests/support/*.sh tests/fixtures/tls/*.sh || broken "shellcheck has findings"

# House rules: short files, tests that always run, safe Rust only.
while read -r lines file; do
    [[ $file == total ]] || ((lines <= 400)) || broken "$file has $lines lines, 400 is the most: split it"
done < <(find src tests benches tachograph-check tachograph-derive tachograph-ffi monitoring fuzz/fuzz_targets -name '*.rs' -exec wc -l {} +)
if grep -rnE '#\[ignore|#\[cfg_attr\(.*ignore' --include='*.rs' src tests benches monitoring tachograph-check tachograph-derive tachograph-ffi; then
    broken "an ignored test is no test: mend it or take it out"
fi
for root in src/lib.rs src/bin/tachograph/main.rs tachograph-check/src/lib.rs tachograph-derive/src/lib.rs; do
    grep -qx '#!\[forbid(unsafe_code)\]' "$root" || broken "$root does not forbid unsafe code"
done
if grep -rnE '\bunsafe\b *(\{|fn|impl|trait|extern|$)' --include='*.rs' src tachograph-check tachograph-derive; then
    broken "unsafe code in src"
fi
exit "$status"
