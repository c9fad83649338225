#!/usr/bin/env bash
# Counts the instructions of the hot operations and compares them with benches/record/instructions.txt.
# Counts repeat where times do not, so a change that makes an operation dearer by more than 2 % fails; so does one that
# makes it cheaper, because the next one could then spend the difference unseen: record it.
# Other compilers make other code: counts are kept for each rustc, and for one without a record they are only printed.
#   ci/instructions.sh            compare
#   ci/instructions.sh --record   write what was counted into the record
#
# Why not gungraun: tried, 0.20 with valgrind 3.19, and its counts are as good. But its runner is a second program that must be installed
# in just the version of the library (two minutes of building on two cores, more than all of this takes), it brings 25 crates
# along, and what it compares with are callgrind's own files under target/, not a record in the repository that is kept for each rustc.
# The idea that makes it quick, to collect within one function only, needs no more than one flag of valgrind.
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need valgrind valgrind
record=benches/record/instructions.txt
rustc=$(rustc --version | cut -d' ' -f2)-$(uname -m)
iterations=20480 # ten times all tables and rounds of benches/instructions.rs

program=$(cargo bench --locked --bench instructions --no-default-features --features derive --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*\/instructions-[^"]*\)".*/\1/p')
[[ -x $program ]] || fail "cargo bench did not say where the program lies"

# count OPERATION: instructions of one, in tenths, the fewest of three runs: hash seeds add now more, now less.
count() {
    local counted
    counted=$(for _ in 1 2 3; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*counted_calls*' \
            "$program" "$1" "$iterations" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
    done | sort -n | head -1)
    ((${counted:-0} >= iterations)) || fail "valgrind did not count '$1'"
    echo $(((counted * 10 + iterations / 2) / iterations))
}

mapfile -t operations < <("$program" list)
baseline=$(count "${operations[0]}")
declare -A counted
for operation in "${operations[@]:1}"; do
    counted[$operation]=$(($(count "$operation") - baseline))
done

tenths() {
    echo "$(($1 / 10)).$(($1 % 10))"
}
changed=()
printf '%-22s %12s %12s   (rustc %s)\n' operation instructions recorded "$rustc"
for operation in "${operations[@]:1}"; do
    now=${counted[$operation]}
    before=$(awk -v rustc="$rustc" -v name="$operation" '$1 == rustc && $2 == name { print $3 * 10 }' "$record" 2>/dev/null || true)
    printf '%-22s %12s %12s\n' "$operation" "$(tenths "$now")" "$([[ $before ]] && tenths "$before" || echo -)"
    if [[ $before ]] && ((now * 100 > before * 102 || now * 100 < before * 98)); then
        changed+=("$operation")
    fi
done

if [[ ${1:-} == --record ]]; then
    mkdir -p "$(dirname "$record")"
    {
        echo "# Instructions of one operation, loop taken off: rustc, operation, count. Written by ci/instructions.sh --record."
        grep -sv -e '^#' -e "^$rustc " "$record" || true
        for operation in "${!counted[@]}"; do
            echo "$rustc $operation $(tenths "${counted[$operation]}")"
        done | sort
    } >"$record.new"
    mv "$record.new" "$record"
elif ((${#changed[@]})); then
    fail "not within 2 % of the record: ${changed[*]}. If it is meant, run ci/instructions.sh --record and say why in the commit"
fi
