#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Tests the builds for other machines under emulation: for each row of the table below all kernel checks, the unit tests,
# the whole ONNX suite, of which each test has to come out as on this machine, and three real models whose outputs have to
# be those of this machine. The tier of the row must be the one that runs. A row whose emulator or compiler is missing is
# skipped, or fails if LINNET_TARGETS names it.
#
# usage: tests/targets.sh [--brief] [ROW ...]     all rows, or those whose names are given (a shell pattern)
#        tests/targets.sh --table       writes the table of docs/TARGETS.md from the last results in build/targets
# --brief leaves out the suite's whole networks (its folder real): most of the time of a row without SIMD.
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
wasm32/node|wasm32-wasi|node --no-warnings tests/wasi.mjs|wasm
wasm32/relaxed|wasm32-wasi-relaxed|node --no-warnings tests/wasi.mjs|wasm
x86_64/Nehalem||qemu-x86_64 -cpu Nehalem|scalar
END
}
models='mnist/model.onnx mobilenetv2-qdq/model.onnx wakeword/embedding_model.onnx'
sources='kernels ops engine onnx tools tests Makefile' # what a result depends on
shared=${LINNET_SHARED:-../shared}
suite=$shared/onnx-suite
results=build/targets
jobs=$(nproc 2>/dev/null || echo 1)
export LINNET_THREADS=1 CMOCKA_MESSAGE_OUTPUT=TAP
mkdir -p "$results"

table() {
    begin='<!-- from here: tests/targets.sh --table -->' end='<!-- to here -->'
    {
        sed "\|^$begin|q" docs/TARGETS.md
        echo
        echo '| target / core | tier | kernel checks and unit tests | ONNX suite | models like here | commit |'
        echo '|---|---|---|---|---|---|'
        rows | while IFS='|' read -r name _; do
            row=$results/$(echo "$name" | tr / -).md
            if [ ! -f "$row" ]; then
                echo "$name has not run" >&2
                continue
            fi
            cat "$row"
            commit=$(sed 's/.* \([0-9a-f]*\)+* |$/\1/' "$row")
            # shellcheck disable=SC2086
            git diff --quiet "$commit" -- $sources || echo "$name ran on $commit, since when sources have changed" >&2
            ! grep -q '+ |$' "$row" || echo "$name ran on sources that are no commit" >&2
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

slug() { echo "$1" | tr / -; }

# The whole networks of the suite, those that take longest first.
networks() { find "$suite/real" -mindepth 1 -maxdepth 1 | sed 's|.*/||' | sort -r; }

programs() { find tests/unit tests/kernels -name 'test_*.c' -o -name 'check_*.c' | sed 's|.*/||; s|\.c$||' | sort; }

# "name verdict" of every test, sorted, of what `linnet conformance` printed.
verdicts() {
    sed -n 's/^\(pass\|fail\|unsupported\|skip\) \([^ :]*\).*/\2 \1/p' | LC_ALL=C sort
}

# What this machine gives: the verdicts of the suite, kept as long as the program stays, and the outputs of the models.
here() {
    if [ -z "$(find "$results" -name here.passed -newer build/linnet)" ]; then
        if build/linnet conformance "$suite" --jobs "$jobs" >"$results/here.suite" 2>&1; then
            touch "$results/here.passed"
        else
            echo "the suite does not pass on this machine:"
            grep -v '^pass ' "$results/here.suite"
            failed=$((failed + 1))
        fi
    fi
    { [ -z "$brief" ] || networks | sed 's/.*/^& /'; } >"$results/here.left"
    verdicts <"$results/here.suite" | grep -v -f "$results/here.left" >"$results/here.verdicts"
    for model in $models; do
        build/linnet run "$shared/models/$model" --random 1 -o "$results/here.$(slug "$model").npy" >/dev/null
    done
}

# The work of a row: a line for each process, before it the name of its log. What takes longest comes first, so that all
# processors have done at about the same time. A test may take an hour: VGG-19 by scalar code takes ten minutes under
# emulation, more beside other work. Where long double is in software, the reference of the transforms is slow.
work() { # emulator, folder of the build, log
    conform="$1 $2/linnet conformance $suite --limit 3600 --only"
    [ -n "$brief" ] || networks | sed "s|.*|suite-& $conform real/&|"
    echo "suite-node $conform node/test_[!a-m]*"
    echo "suite-node-to-m $conform node/test_[a-m]*"
    echo "suite-rest $conform simple/* --only pytorch-*/*"
    long='check_fft test_stripes check_gemm'
    for test in $long $(programs | grep -v -x "$(echo "$long" | tr ' ' '\n')"); do
        case $test in check_fft) quick=' quick' ;; *) quick= ;; esac
        echo "$test $1 $2/test/$test$quick"
    done
    for model in $models; do
        out=$(slug "$model")
        echo "$out $1 $2/linnet run $shared/models/$model --random 1 -o $3.$out.npy"
    done
}

# A row after its build: sets passed, failed. Of the work, $log.codes has the exit codes, $log.NAME.log what it said.
passed=0 failed=0
one() { # name, folder of the build, emulator, tier
    name=$1 tier=$4 log=$results/$(slug "$1")
    commit=$(git describe --always --abbrev=7 --exclude '*' --dirty=+)
    began=$(date +%s)
    find "$results" -name "$(slug "$1").*" -delete
    ran=$($3 "$2/linnet" kernels 2>&1 | sed -n 's/.*, \([a-z0-9]*\) runs$/\1/p')
    if [ "$ran" != "$tier" ]; then
        echo "$name: tier '$ran' runs, not $tier"
        failed=$((failed + 1))
        return
    fi
    work "$3" "$2" "$log" >"$log.work"
    # shellcheck disable=SC2016
    xargs -P "$jobs" -I{} sh -fc 'name=${1%% *}
        ${1#* } >"$2.$name.log" 2>&1
        echo "$name $?" >>"$2.codes"' sh {} "$log" <"$log.work"

    # A program ends with code 0 and names something that passed, or why it skips all: instructions of other processors.
    good=0 all=0
    for test in $(programs); do
        if grep -q -x "$test 0" "$log.codes" && grep -q '^SKIP ' "$log.$test.log" &&
            grep -q '^0 passed, 0 failed, [1-9]' "$log.$test.log"; then
            skipped=$((skipped + 1))
            continue
        fi
        all=$((all + 1))
        if grep -q -x "$test 0" "$log.codes" && grep -q '^ok \|^[1-9][0-9]* passed, 0 failed' "$log.$test.log"; then
            good=$((good + 1))
        else
            echo "$name: $test failed"
            tail -n 20 "$log.$test.log"
        fi
    done
    passed=$((passed + good)) failed=$((failed + all - good))

    # The suite: the tests of this machine with the verdicts of this machine, of processes that came to their end.
    find "$results" -name "$(slug "$1").suite-*.log" -exec cat {} + | verdicts >"$log.verdicts"
    LC_ALL=C join -a 1 -a 2 -e nothing -o 0,1.2,2.2 "$results/here.verdicts" "$log.verdicts" |
        sed '/ \(.*\) \1$/d; s/ \(.*\) \(.*\)/: \2, here \1/' >"$log.differ"
    sed -n '/^suite-.* 0$/d; s/^\(suite-.*\) /\1 ended with code /p' "$log.codes" >>"$log.differ"
    count() { cut -d ' ' -f 2 "$log.verdicts" | grep -c -x "$1"; }
    total="$(count pass) passed, $(count skip) skipped${brief:+, without whole networks}"
    if [ -s "$results/here.verdicts" ] && [ ! -s "$log.differ" ]; then
        total="$total, each as here"
        passed=$((passed + 1))
    else
        total="$total, $(grep -c '' "$log.differ") not as here"
        echo "$name: of the suite"
        cat "$log.differ"
        failed=$((failed + 1))
    fi

    alike=0
    for model in $models; do
        model=$(slug "$model")
        if grep -q -x "$model 0" "$log.codes" && near "$results/here.$model.npy" "$log.$model.npy"; then
            alike=$((alike + 1))
        else
            echo "$name: $model gives other outputs than on this machine"
            failed=$((failed + 1))
        fi
    done
    passed=$((passed + alike))
    echo "| $name | $tier | $good of $all | $total | $alike of $(echo "$models" | wc -w) | $commit |" >"$log.md"
    printf '%-18s %-7s programs %s of %s; suite: %s; models %s; %s s\n' "$name" "$tier" "$good" "$all" "$total" "$alike" \
        $(($(date +%s) - began))
}

if [ "${1-}" = --table ]; then
    table
    exit
fi
brief=
if [ "${1-}" = --brief ]; then
    brief=1
    shift
fi
here
wanted=${*:-*}
for pattern in $wanted; do
    # shellcheck disable=SC2254
    rows | { while read -r row; do case ${row%%|*} in $pattern) exit 0 ;; esac; done; exit 1; } || {
        echo "there is no row $pattern"
        failed=$((failed + 1))
    }
done
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
