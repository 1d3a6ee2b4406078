#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the examples of docs/firmware against an installation, by their own Makefiles, and runs them.
#
# usage: tests/firmware/examples.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0 failed=0
make -s --no-print-directory B="$build" install PREFIX="$root/linnet" >"$root/log" 2>&1 || { cat "$root/log"; exit 1; }

example() { # folder, target
    mkdir -p "$root/$2"
    if make -s --no-print-directory TARGET="$2" install PREFIX="$root/linnet" >"$root/log" 2>&1 &&
        timeout 60 make -s --no-print-directory -C "docs/firmware/$1" run LINNET="$root/linnet" TARGET="$2" O="$root/$2" \
            >"$root/log" 2>&1 </dev/null && grep -q '^this is a 3' "$root/log"; then
        echo "example $1 on $2: $(tail -n 1 "$root/log")"
        passed=$((passed + 1))
    else
        echo "FAIL example $1 on $2"
        tail -n 20 "$root/log"
        failed=$((failed + 1))
    fi
}
example cortex-m cortex-m4
example cortex-m cortex-m7
example riscv rv64gcv
example aarch64 aarch64
example riscv rv32imac

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
