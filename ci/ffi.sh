#!/usr/bin/env bash
# The C ABI: its tests in Rust, real programs in C and C++ that link the shared and the static library, under valgrind, and Python.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need gcc gcc
need g++ g++
need valgrind valgrind
need python3 python3

# Both libraries lie where the tests are built: with the same features as those, in one build.
cargo test --locked --package tachograph-ffi
# That the bench finds what it measures; the times mean nothing here.
cargo test --locked --package tachograph-ffi --bench ffi -- --test
libraries=$target/debug/deps
programs=$target/ffi
mkdir -p "$programs"
include=(-I tachograph-ffi/include)
strict=(-Wall -Wextra -Werror -pedantic -g)
# What the static library needs beside it: what `cargo rustc -p tachograph-ffi -- --print native-static-libs` says, and README.md.
static=("$libraries/libtachograph_ffi.a" -lpthread -ldl -lm)
shared=(-L "$libraries" -ltachograph_ffi "-Wl,-rpath,$libraries" -pthread)

# checked PROGRAM ARGUMENT...: runs it under valgrind: no error, and nothing that nobody can free any more.
checked() {
    timeout 300 valgrind --quiet --child-silent-after-fork=yes --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
        --show-leak-kinds=definite "$@" || fail "$* failed, or valgrind has found something"
}

for source in tachograph-ffi/tests/c/*.c; do
    name=$(basename "$source" .c)
    echo "-- $name"
    gcc -std=c11 -D_GNU_SOURCE "${strict[@]}" "${include[@]}" "$source" "${shared[@]}" -o "$programs/$name-shared"
    gcc -std=c11 -D_GNU_SOURCE "${strict[@]}" "${include[@]}" "$source" "${static[@]}" -o "$programs/$name-static"
    checked "$programs/$name-shared" "$libraries/libtachograph_ffi.so"
    checked "$programs/$name-static" "$libraries/libtachograph_ffi.so"
done

echo "-- header.cpp"
g++ -std=c++17 "${strict[@]}" "${include[@]}" tachograph-ffi/tests/c/header.cpp "${shared[@]}" -o "$programs/header"
checked "$programs/header"
# C++ before there was a std::string_view.
g++ -std=c++11 "${strict[@]}" "${include[@]}" -fsyntax-only -include tachograph.h -x c++ /dev/null

echo "-- values.py"
timeout 60 python3 tachograph-ffi/tests/python/values.py "$libraries/libtachograph_ffi.so"
