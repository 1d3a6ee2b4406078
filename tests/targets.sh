#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Tests the builds for other machines under emulation: for each row of the table below all kernel checks, the unit tests,
# the whole ONNX suite, and three real models whose outputs have to be those of this machine. The tier of the row must be
# the one that runs. A row whose emulator or compiler is missing is skipped, or fails if LINNET_TARGETS names it.
#
# usage: tests/targets.sh [ROW ...]     all rows, or those whose names are given (a shell pattern)
#        tests/targets.sh --table       writes the table of docs/TARGETS.md from the last results in build/targets
set -uf

# name | triple ("": this machine's build) | emulator | tier that has to run
rows() {
    cat <<'END'
aarch64/cortex-a53|aarch64-linux-gnu|qemu-aarch64 -cpu cortex-a53|neon
aarch64/cortex-a72|aarch64-linux-gnu|qemu-aarch64 -cpu cortex-a72|neon
aarch64/max|aarch64-linux-gnu|qemu-aarch64 -cpu max|neondot
riscv64/vlen-128|riscv64-linux-gnu|qemu-riscv64 -cpu rv64,v=true,vlen=128,vext_spec=v1.0|rvv
riscv64/vlen-256|riscv64-linux-gnu|qemu-riscv64 -cpu rv64,v=true,vlen=256,vext_spec=v1.0|rvv
riscv64/vlen-512|riscv64-linux-gnu|qemu-riscv64 -cpu rv64,v=true,vlen=512,vext_spec=v1.0|rvv
riscv64/vlen-1024|riscv64-linux-gnu|qemu-riscv64 -cpu rv64,v=true,vlen=1024,vext_spec=v1.0|rvv
riscv64/no-vectors|riscv64-linux-gnu|qemu-riscv64 -cpu rv64|scalar
armhf/cortex-a7|arm-linux-gnueabihf|qemu-arm -cpu cortex-a7|scalar
wasm32/node|wasm32-wasi|node --no-warnings --single-threaded tests/wasi.mjs|wasm
x86_64/Nehalem||qemu-x86_64 -cpu Nehalem|scalar
END
}
models='mnist/model.onnx mobilenetv2-qdq/model.onnx wakeword/embedding_model.onnx'
shared=${LINNET_SHARED:-../shared}
results=build/targets
jobs=$(nproc 2>/dev/null || echo 1)
export LINNET_THREADS=1
mkdir -p "$results"

table() {
    begin='<!-- from here: tests/targets.sh --table -->' end='<!-- to here -->'
    {
        sed "\|^$begin|q" docs/TARGETS.md
        echo
        echo '| target / core | tier | kernel checks and unit tests | ONNX suite | models like here |'
        echo '|---|---|---|---|---|'
        rows | while IFS='|' read -r name _; do
            cat "$results/$(echo "$name" | tr / -).md" 2>/dev/null || true
        done
        echo
        sed -n "\|^$end|,\$p" docs/TARGETS.md
    } >"$results/TARGETS.md"
    cp "$results/TARGETS.md" docs/TARGETS.md
}

# Outputs of a model as numbers near those of this machine's (.npy of float32).
near() {
    python3 - "$1" "$2" <<'END'
import array, ast, math, sys
def read(path):
    data = open(path, "rb").read()
    n = int.from_bytes(data[8:10], "little")
    head = ast.literal_eval(data[10:10 + n].decode())
    assert head["descr"] == "<f4", head
    return head["shape"], array.array("f", data[10 + n:])
(s, a), (t, b) = read(sys.argv[1]), read(sys.argv[2])
bad = sum(not math.isclose(x, y, rel_tol=1e-3, abs_tol=1e-4) for x, y in zip(a, b))
sys.exit(s != t or len(a) == 0 or bad > 0)
END
}

# The part of a row after its build: sets passed, failed.
passed=0 failed=0
one() { # name, folder of the build, emulator, tier
    log=$results/$(echo "$1" | tr / -)
    set +f
    rm -f "$log".*
    set -- "$@" "$2"/test/check_* "$2"/test/test_*
    set -f
    name=$1 build=$2 emulator=$3 tier=$4
    shift 4
    ran=$($emulator "$build/linnet" kernels 2>&1 | sed -n 's/.*, \([a-z0-9]*\) runs$/\1/p')
    if [ "$ran" != "$tier" ]; then
        echo "$name: tier '$ran' runs, not $tier"
        failed=$((failed + 1))
        return
    fi

    # Programs, as many at a time as there are processors; each leaves its log and its exit code. Where long double is in
    # software, the reference of the transforms is slow.
    for test; do
        [ -x "$test" ] || continue
        arguments=
        case $test in */check_fft) arguments=quick ;; esac
        echo "$test $arguments"
    done >"$log.programs"
    xargs -P "$jobs" -I{} sh -c '
        set -- $1 "$2" "$3"; name=$(basename "$1")
        [ $# = 3 ] && { program=$1 argument= emulator=$2 log=$3; } || { program=$1 argument=$2 emulator=$3 log=$4; }
        CMOCKA_MESSAGE_OUTPUT=TAP $emulator "$program" $argument >"$log.$name.log" 2>&1
        echo "$? $name" >>"$log.codes"' sh {} "$emulator" "$log" <"$log.programs"
    programs=$(wc -l <"$log.programs")
    good=$(grep -c '^0 ' "$log.codes")
    grep -v '^0 ' "$log.codes" | while read -r _ test; do
        echo "$name: $test failed"
        tail -n 20 "$log.$test.log"
    done
    passed=$((passed + good)) failed=$((failed + programs - good))

    # A test may take an hour: VGG-19 by scalar code takes ten minutes under emulation, more beside other work. The image
    # libraries of ImageDecoder are not built for targets.
    $emulator "$build/linnet" conformance "$shared/onnx-suite" --jobs "$jobs" --limit 3600 >"$log.suite" 2>&1
    # (node 20 may crash when a program of WebAssembly has ended: its collector took start()'s object meanwhile. What counts is
    # that the suite came to its total.)
    suite=$(grep '^[0-9]* tests: ' "$log.suite" | tail -n 1)
    if echo "$suite" | grep -q '^[0-9]* tests: [1-9]' &&
        ! grep -v '^pass \|^skip \|^[0-9]* tests: \|^Segmentation fault$' "$log.suite" | grep -v '^unsupported test_image_decoder_' | grep .; then
        passed=$((passed + 1))
    else
        echo "$name: $suite"
        failed=$((failed + 1))
    fi

    alike=0
    for model in $models; do
        out=$log.$(echo "$model" | tr / -)
        if build/linnet run "$shared/models/$model" --random 1 -o "$out.here.npy" >/dev/null &&
            $emulator "$build/linnet" run "$shared/models/$model" --random 1 -o "$out.npy" >/dev/null && near "$out.here.npy" "$out.npy"; then
            alike=$((alike + 1))
        else
            echo "$name: $model gives other outputs than on this machine"
            failed=$((failed + 1))
        fi
    done
    passed=$((passed + alike))
    echo "| $name | $tier | $good of $programs | ${suite#* tests: } | $alike of $(echo "$models" | wc -w) |" >"$log.md"
    printf '%-22s %-8s programs %s of %s; %s; models %s\n' "$name" "$tier" "$good" "$programs" "$suite" "$alike"
}

if [ "${1-}" = --table ]; then
    table
    exit
fi
wanted=${*:-*}
skipped=0
while IFS='|' read -r name triple emulator tier; do
    match=
    for pattern in $wanted; do
        # shellcheck disable=SC2254
        case $name in $pattern) match=1 ;; esac
    done
    [ -n "$match" ] || continue
    folder=build${triple:+/$triple}
    if ! command -v "${emulator%% *}" >/dev/null; then
        reason="there is no ${emulator%% *}"
    elif ! make --no-print-directory -s -j"$jobs" ${triple:+TARGET="$triple"} test-programs >"$results/make.log" 2>&1; then
        reason="it does not build: $(tail -n 3 "$results/make.log")"
    else
        one "$name" "$folder" "$emulator" "$tier" </dev/null
        continue
    fi
    must=
    for target in ${LINNET_TARGETS-}; do
        case $name in "$target" | "$target"/*) must=1 ;; esac
    done
    if [ -n "$must" ]; then
        echo "$name: $reason"
        failed=$((failed + 1))
    else
        echo "SKIP $name: $reason"
        skipped=$((skipped + 1))
    fi
done <<END
$(rows)
END
echo "$passed passed, $failed failed, $skipped skipped" | tee "$results/total"
[ "$failed" -eq 0 ]
