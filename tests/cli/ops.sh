#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A short run of the operators' fuzzer, always the same cases; com.microsoft, which no suite tests, on top.
set -e
count=600
[ -z "${LINNET_QUICK-}" ] || count=240
tests/fuzz/ops.sh "$1" --count $count --seed 1
tests/fuzz/ops.sh "$1" --count $((count / 2)) --seed 1 --only 'com.microsoft.*'
