#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/OPERATORS.md has what this program says of its operators. The columns after that, which tiers have kernels and how
# many tests pass, are left to `make docs`.
build=$1
"$build/linnet" ops --markdown | tail -n +3 >"$build/operators.txt"
if sed -n 's/^\(| [^|]* | [A-Za-z0-9]* | [0-9 ]* | [^|]* |\) [^|]*|[^|]*|$/\1/p' docs/OPERATORS.md | diff - "$build/operators.txt"; then
    echo "1 passed, 0 failed, 0 skipped"
else
    echo "docs/OPERATORS.md is stale: make docs"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
