#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A short run of the operators' fuzzer, always the same cases; com.microsoft, which no suite tests, on top.
count=600
[ -z "${LINNET_QUICK-}" ] || count=120
code=0
log=$1/ops-test.txt
tests/fuzz/ops.sh "$1" --count $count --seed 1 >"$log" || code=1
tests/fuzz/ops.sh "$1" --count $((count / 2)) --seed 1 --only 'com.microsoft.*' >>"$log" || code=1
sed '/^[0-9]* passed, /d' "$log"
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
     END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$log"
exit $code
