#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs all tests and adds up their counts: the programs and scripts named as arguments, then the ONNX suite. A program
# ends in a line "N passed, N failed, N skipped", or is a cmocka program, which then speaks TAP. Whatever fails is
# shown; logs are in BUILD/log. The last line is the sum, the exit code 1 when anything failed.
set -u
build=$1
shift
log=$build/log
mkdir -p "$log"
passed=0 failed=0 skipped=0

add() { # name, log, exit code
    counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$2" | tail -n 1)
    if [ -z "$counts" ] && grep -q '^1\.\.[0-9]' "$2"; then
        counts="$(grep -c '^ok ' "$2") $(grep -c '^not ok ' "$2") 0"
    fi
    # shellcheck disable=SC2086
    set -- "$1" "$2" "$3" ${counts:-0 0 0}
    f=$5
    [ "$3" -ne 0 ] && [ "$f" -eq 0 ] && f=1
    [ -z "$counts" ] && [ "$3" -eq 0 ] && f=1 # it said nothing: not a pass
    printf '%-32s %s passed, %s failed, %s skipped\n' "$1" "$4" "$f" "$6"
    [ "$f" -eq 0 ] || tail -n 40 "$2"
    passed=$((passed + $4)) failed=$((failed + f)) skipped=$((skipped + $6))
}

for test in "$@"; do
    name=$(basename "$test" .sh)
    case $test in tests/*) name=$(basename "$(dirname "$test")")-$name ;; esac
    CMOCKA_MESSAGE_OUTPUT=TAP "$test" "$build" >"$log/$name.log" 2>&1
    add "$name" "$log/$name.log" $?
done

# Tiers that must run here (LINNET_TIERS, which CI sets): a machine or a build that lacks one must not pass by skipping.
for tier in ${LINNET_TIERS-}; do
    if LINNET_CPU=$tier "$build/linnet" kernels | grep -q ", $tier runs$"; then
        passed=$((passed + 1))
    else
        echo "tier $tier does not run here"
        failed=$((failed + 1))
    fi
done

# The ONNX suite on a tier (LINNET_CPU), under a name. Linnet has every operator of it: unsupported is a failure.
# BUILD/log/NAME.hash has a line for every test with a hash of its outputs.
suite=${LINNET_SUITE:-../shared/onnx-suite}
jobs=$(nproc 2>/dev/null || echo 1)
conformance() { # name, tier, further arguments
    name=$1 tier=$2
    shift 2
    LINNET_CPU=$tier "$build/linnet" conformance "$suite" --hash --jobs "$jobs" "$@" >"$log/$name.hash" 2>&1
    code=$?
    grep -v '^pass ' "$log/$name.hash" >"$log/$name.log"
    # shellcheck disable=SC2046
    set -- $(sed -n 's/^[0-9]* tests: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) unsupported, \([0-9]*\) skipped$/\1 \2 \3 \4/p' \
        "$log/$name.log") 0 0 0 0
    echo "$1 passed, $(($2 + $3)) failed, $4 skipped" >>"$log/$name.log"
    add "$name" "$log/$name.log" $code
}

# The outputs of two runs are the same, bit for bit.
same_bits() { # name, name
    log_file=$log/$2-bits.log
    if diff "$log/$1.hash" "$log/$2.hash" >"$log_file"; then
        echo "1 passed, 0 failed, 0 skipped" >>"$log_file"
    else
        echo "0 passed, 1 failed, 0 skipped" >>"$log_file"
    fi
    add "$2-bits" "$log_file" 0
}

if [ ! -d "$suite" ]; then
    echo "SKIP conformance: $suite is not here"
    skipped=$((skipped + 1))
elif [ -n "${LINNET_QUICK-}" ]; then
    conformance conformance avx512
else
    conformance conformance avx512 --threads 1 --junit "$build/conformance.xml" --json "$build/conformance.json"
    case $(uname -m) in x86_64) conformance conformance-avx2 avx2 ;; esac
    conformance conformance-scalar scalar
    conformance conformance-passes-off avx512 --disable-passes all
    for threads in 2 7; do
        conformance conformance-threads-$threads avx512 --threads $threads
        same_bits conformance conformance-threads-$threads
    done
fi

echo "$passed passed, $failed failed, $skipped skipped" | tee "$log/total"
[ "$failed" -eq 0 ]
