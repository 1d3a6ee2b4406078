#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `linnet compile` for this machine: what it writes has no warning as C99 by gcc and clang, is the same twice, and gives
# bit for bit what a session gives, float and int8, on every tier that this machine has. And what it refuses.
set -u
build=${1:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

check() { # NAME COMMAND...
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: $name"
        tail -n 20 "$work/log"
    fi
}

compile() { "$build/linnet" compile "$@"; }

says() { # CODE TEXT COMMAND...: fails with that code and says that
    code=$1 text=$2
    shift 2
    "$@" >"$work/said" 2>&1
    [ $? -eq "$code" ] && grep -qF -- "$text" "$work/said" || { cat "$work/said"; return 1; }
}

same_twice() { # MODEL ARGUMENTS...: another run of the program, another folder, the same bytes
    compile "$@" -o "$work/one" && compile "$@" -o "$work/two" && diff -r "$work/one" "$work/two"
}

warnings() { # COMPILER FILE
    "$1" -std=c99 -Wall -Wextra -pedantic -Werror -Iengine -c "$2" -o "$work/o.o"
}

runs() { # NAME MODEL ARGUMENTS...: three runs of the compiled model and of a session give the same bytes
    name=$1 model=$2
    shift 2
    compile "$model" -o "$work/$name" --name "$name" $(for a in "$@"; do
        case $a in dim:*) echo "--input-dim ${a#dim:}" ;; *) echo "--state $a" ;; esac
    done) && "$build/test/reference" "$model" "$name" "$work/$name/expect.h" 3 "$@" &&
        warnings gcc "$work/$name/$name.c" && warnings clang "$work/$name/$name.c" &&
        gcc -std=c11 -O1 -I. -Iengine -Idocs/firmware -I"$work/$name" -DEXPECT='"expect.h"' \
            tests/firmware/image.c tests/firmware/host.c "$work/$name/$name.c" \
            "$build/liblinnet-core.a" ${LINNET_TEST_FLAGS:-} -lm -pthread -o "$work/$name/image" &&
        "$work/$name/image" | tee "$work/answer" && grep -q '^pass ' "$work/answer"
}

digits=models/digits/digits.onnx
check 'the same bytes twice' same_twice $digits --target cortex-m4 --name digits
check 'the same bytes on another tier' env LINNET_CPU=scalar "$build/linnet" compile $digits -o "$work/three" --target cortex-m4 --name digits
check 'they are the same' diff -r "$work/one" "$work/three"
check 'no warning by gcc' warnings gcc "$work/one/digits.c"
check 'no warning by clang' warnings clang "$work/one/digits.c"
check 'weights in a file' compile $digits -o "$work/file" --weights file
check 'the file' test -s "$work/file/digits.bin"
check 'no warning by gcc with a file' warnings gcc "$work/file/digits.c"
check 'the map' says 0 'the largest' compile $digits -o "$work/one" --memory
check 'over the budget of RAM' says 1 'of RAM, 16.0 KiB are allowed' compile $digits -o "$work/no" --budget ram=16K
check 'over the budget of flash' says 1 'of flash, 1.0 KiB are allowed' compile $digits -o "$work/no" --budget flash=1K,ram=1M
check 'nothing was written' test ! -e "$work/no"
check 'within the budget' compile $digits -o "$work/yes" --target cortex-m7 --budget flash=256K,ram=256K
check 'code is counted in a library' says 0 "code: what the program links" compile $digits -o "$work/code" --library "$build/liblinnet-core.a"
check 'and in the budget' says 1 'code of ' compile $digits -o "$work/no" --library "$build/liblinnet-core.a" --budget flash=1K
check 'no library' says 2 'not an archive' compile $digits -o "$work/no" --library $digits
archive() { # object, as printf has it; its size
    printf '!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10s`\n' a.o/ 0 0 0 644 "$2" >"$work/wasm.a"
    # shellcheck disable=SC2059
    printf "$1" >>"$work/wasm.a"
}
archive '\0asm\1\0\0\0' 8
check 'a library of WebAssembly without the kernels' says 2 'of another version or tier' \
    compile $digits -o "$work/no" --target wasm32 --library "$work/wasm.a"
archive '\0asm\1\0\0\0\12\377' 10
check 'a broken one' says 2 'not an archive' compile $digits -o "$work/no" --target wasm32 --library "$work/wasm.a"
check 'vectors of another length' compile $digits -o "$work/one" --target rv64gcv --vlen 512 --name digits
check 'the same bytes on another tier for vectors' env LINNET_CPU=scalar "$build/linnet" compile $digits -o "$work/three" --target rv64gcv --vlen 512 --name digits
check 'they are the same' diff -r "$work/one" "$work/three"
check 'a model for WebAssembly' compile $digits -o "$work/wasm" --target wasm32 --name digits
check 'no such length' says 2 '128, 256, 512 or 1024' compile $digits -o "$work/no" --target rv64gcv --vlen 200
check 'a length for what has one' says 2 'only tier rvv' compile $digits -o "$work/no" --target aarch64 --vlen 256
check 'a tier that is not for targets' says 2 'not for aarch64' compile $digits -o "$work/no" --target aarch64 --tier avx2
check 'no such target' says 2 'not known' compile $digits -o "$work/no" --target z80
check 'no folder' says 2 '--output DIR is missing' compile $digits
check 'no such state' says 2 'not INPUT=OUTPUT' compile $digits -o "$work/no" --state a=b
shared=${LINNET_SHARED:-../shared}
suite=${LINNET_SUITE:-$shared/onnx-suite}/node
if [ -d "$suite" ]; then
    check 'a late step is refused by name' says 2 "NonZero" compile "$suite/test_nonzero_example/model.onnx" -o "$work/no"
    check 'a state' runs state "$suite/test_add/model.onnx" y=sum
    check 'a state of another shape' says 2 "input 'y' is float32[5], output 'sum' is float32[3,4,5]" \
        compile "$suite/test_add_bcast/model.onnx" -o "$work/no" --state y=sum
else
    echo "SKIP: late steps and states: $suite is not here"
    skipped=$((skipped + 1))
fi

for tier in scalar avx2 avx512; do
    if LINNET_CPU=$tier "$build/linnet" kernels | grep -q ", $tier runs$"; then
        export LINNET_CPU=$tier
        check "digits on $tier" runs digits $digits
        kws=$shared/models/micro-kws/micro_kws_m_static_qdq.onnx
        [ ! -e "$kws" ] || check "int8 on $tier" runs kws "$kws"
        lstm=$shared/models/sentence-lstm/model.onnx
        [ ! -e "$lstm" ] || check "LSTM on $tier" runs lstm "$lstm" dim:length=5
    else
        echo "SKIP: $tier does not run here"
        skipped=$((skipped + 1))
    fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
