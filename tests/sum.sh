#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Adds up the totals of test runs, files with a line "N passed, N failed, N skipped" each. A file that is not there is a run
# that did not get to its end: a failure.
set -u
passed=0 failed=0 skipped=0
for file in "$@"; do
    line=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$file" 2>/dev/null)
    [ -n "$line" ] || { echo "sum.sh: $file has no total"; line='0 1 0'; }
    read -r p f s <<END
$line
END
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
