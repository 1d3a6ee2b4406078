#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Adds up the totals of test runs: every line "N passed, N failed, N skipped" of the files. A file without one, or that is not
# there, is a run that did not get to its end: a failure.
set -u
passed=0 failed=0 skipped=0
for file in "$@"; do
    # shellcheck disable=SC2046
    set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$file" 2>/dev/null)
    [ $# -gt 0 ] || { echo "sum.sh: $file has no total"; set -- 0 1 0; }
    while [ $# -ge 3 ]; do
        passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
        shift 3
    done
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
