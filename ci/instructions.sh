#!/usr/bin/env bash
# Counts the instructions of the hot operations and compares them with benches/record/instructions.txt.
# Counts repeat where times do not, so a change that makes an operation dearer by more than 2 % fails.
# Other compilers make other code: counts are kept for each rustc, and for one without a record they are only printed.
#   ci/instructions.sh            compare
#   ci/instructions.sh --record   write what was counted into the record
# shellcheck source=ci/need.sh
source "$(dirname "${BASH_SOURCE[0]}")/need.sh"
need valgrind valgrind
record=benches/record/instructions.txt
rustc=$(rustc --version | cut -d' ' -f2)-$(uname -m)

program=$(cargo bench --locked --bench instructions --no-default-features --features derive --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*\/instructions-[^"]*\)".*/\1/p')
[[ -x $program ]] || fail "cargo bench did not say where the program lies"

# count OPERATION ITERATIONS: the instructions of the whole run, the fewest of three: hash seeds and the threads beside
# the counted one add now more, now less.
count() {
    for _ in 1 2 3; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
            sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
    done | sort -n | head -1
}

# per_iteration OPERATION: the difference between two lengths, so that start and end of the process drop out.
per_iteration() {
    local short long
    short=$(count "$1" 20000)
    long=$(count "$1" 120000)
    [[ $short && $long ]] || fail "valgrind did not count '$1'"
    echo $(((long - short + 5000) / 10000)) # in tenths of an instruction
}

baseline=$(per_iteration baseline)
declare -A counted
for operation in counter_inc counter_inc_rotating family_inc typed_inc typed_string_inc histogram_observe http_observe; do
    whole=$(per_iteration "$operation")
    counted[$operation]=$((whole - baseline))
done

tenths() {
    echo "$(($1 / 10)).$(($1 % 10))"
}
slower=()
printf '%-22s %12s %12s   (rustc %s)\n' operation instructions recorded "$rustc"
for operation in $(printf '%s\n' "${!counted[@]}" | sort); do
    now=${counted[$operation]}
    before=$(awk -v rustc="$rustc" -v name="$operation" '$1 == rustc && $2 == name { print $3 * 10 }' "$record" 2>/dev/null || true)
    printf '%-22s %12s %12s\n' "$operation" "$(tenths "$now")" "$([[ $before ]] && tenths "$before" || echo -)"
    if [[ $before ]] && ((now * 100 > before * 102)); then
        slower+=("$operation")
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
elif ((${#slower[@]})); then
    fail "dearer than recorded by more than 2 %: ${slower[*]}. If it is meant, run ci/instructions.sh --record and say why in the commit"
fi
