#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every row of kernels.def that has vectors on x86 has them on neon, neondot, rvv and wasm, or a reason in the head of that
# file: a line "scalar on TIER: KERNEL ..., as ...". A reason for a kernel that has vectors there is wrong, too.
awk '
BEGIN {
    split("scalar avx2 avx512 neon neondot rvv wasm", tier, " ")
}
match($0, /scalar on [a-z]+: [a-z0-9_ ]+/) {
    text = substr($0, RSTART, RLENGTH)
    split(text, half, ": ")
    split(half[1], word, " ")
    n = split(half[2], kernel, " ")
    for (i = 1; i <= n; i++)
        reason[word[3] " " kernel[i]] = 1
}
/^[KD]\([A-Za-z]/ && !/^D\(\.\.\./ {
    sub(/^[KD]\(/, "")
    sub(/\).*/, "")
    gsub(/ /, "")
    if (split($0, cell, ",") < 9) {
        print "not a row: " $0
        failed++
        next
    }
    rows++
    for (t = 4; t <= 7; t++) {
        name = tier[t] " " cell[2]
        scalar = cell[t + 2] == "scalar"
        vectors = cell[4] != "scalar" || cell[5] != "scalar"
        if (scalar && vectors && !(name in reason))
            print cell[2] " is scalar on " tier[t] " without a reason"
        else if (!scalar && name in reason)
            print cell[2] " is not scalar on " tier[t] ", which a reason says"
        else {
            passed++
            continue
        }
        failed++
    }
}
END {
    if (rows < 100) {
        print rows + 0 " rows only"
        failed++
    }
    print passed + 0 " passed, " failed + 0 " failed, 0 skipped"
    exit failed > 0
}' kernels/kernels.def
