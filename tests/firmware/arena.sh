#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Prints for every model the arena and its lower bound, which is what lives at the fullest step, as it is and with the first
# layers by rows; more than a twentieth above the bound fails. Models with steps that can only be planned when data is there
# are no firmware: of them, the memory of a session is looked at.
#
# usage: tests/firmware/arena.sh BUILD [FOLDER]
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$1 models=${2:-../shared/models}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
[ -d "$models" ] || { echo "SKIP: $models is not here"; exit 0; }

session() { # model
    "$build/linnet" info "$1" | awk -v name="${1#"$models"/}" '
        function bytes(n, unit) { return n * (unit ~ /^K/ ? 1024 : unit ~ /^M/ ? 1048576 : 1) }
        / run memory: / { run = bytes($3, $4); for (i = 5; i < NF; i++) if ($i == "step:") full = bytes($(i + 1), $(i + 2))
            printf "%s %s: in a session %d bytes, bound %d\n", (run <= 1.05 * full ? "pass" : "FAIL"), name, run, full; seen = 1 }
        END { if (!seen) print "FAIL " name ": no figures" }' >"$work/out"
    cat "$work/out"
    if grep -q '^pass' "$work/out"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

one() { # model, arguments...
    model=$1
    shift
    if ! "$build/linnet" compile "$model" -o "$work" --target cortex-m7 --name m "$@" >"$work/out" 2>"$work/err"; then
        if grep -q 'can only be planned when' "$work/err"; then
            session "$model"
        else
            echo "FAIL ${model#"$models"/}: $(head -n 1 "$work/err")"
            failed=$((failed + 1))
        fi
        return
    fi
    line=$(sed -n 's/^  RAM: .*(\(arena [^,]*\),.* no arena is below \([^,]*\), this is \([0-9.]*\) %.*/\1, bound \2, \3 %/p' "$work/out")
    rows=$(sed -n 's/^  rows: \(.*\)/; \1/p' "$work/out")
    if [ -n "$line" ] && echo "$line" | awk '{ exit !($(NF - 1) <= 105) }'; then
        echo "pass ${model#"$models"/}: $line$rows"
        passed=$((passed + 1))
    else
        echo "FAIL ${model#"$models"/}: ${line:-no figures}$rows"
        failed=$((failed + 1))
    fi
}

for model in $(find -L "$models" -name '*.onnx' -o -name '*.tflite' | sort); do
    case $model in
    */melspectrogram.onnx) one "$model" --input-dim samples=1280 ;;
    */sentence-lstm/*) one "$model" --input-dim length=6 ;;
    *) one "$model"
       one "$model" --rows ;;
    esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
