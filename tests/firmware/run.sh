#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compiles the models of models.txt for targets, links them with the examples' start-up code, runs them under QEMU and
# compares their outputs with a session's of the scalar tier on the host: every byte, but floats of kernels that sum in
# another order (neon, rvv) by the formula of `linnet conformance`. Prints what they take: code (what an image with the
# model has more than one without), constants of the model, RAM, stack, and instructions of a run. What budget.txt and
# limits.txt allow may not be passed. A target may name other kernels than its own, cortex-m4:scalar, or the length of
# registers that rvv is compiled for, rv64gcv:512 (or rv64gcv:512@1024, on a machine that has longer ones).
#
# usage: tests/firmware/run.sh BUILD TARGET[:TIER|:VLEN]...  ONLY=NAMES: these models; UPDATE=1: writes what was seen as the budget
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$1
shift
budget=tests/firmware/budget.txt limits=tests/firmware/limits.txt
seen=$build/firmware/seen.txt
mkdir -p "$build/firmware"
: >"$seen"
passed=0 failed=0 skipped=0

board_of() { # library, compiler, folder of the start-up code, linker script, emulator, ticks to instructions
    machine=${1%%:*} options= registers=128
    core=build/$machine/liblinnet-core.a
    case $1 in
    *:[0-9]*) registers=${1#*[:@]} options="--vlen ${registers%@*}" registers=${registers#*@} ;;
    *:*) options="--tier ${1#*:}" core=build/$machine-${1#*:}/liblinnet-core.a ;;
    esac
    cc="$(make -s --no-print-directory TARGET="$machine" print-CC)"
    per_tick=1 floats= libc=-lc
    case $machine in
    cortex-m0plus) board=cortex-m script=mps2.ld per_tick=40 emulator="qemu-system-arm -M mps2-an385" ;;
    cortex-m4) board=cortex-m script=mps2.ld per_tick=40 emulator="qemu-system-arm -M mps2-an386" ;;
    cortex-m7) board=cortex-m script=mps2.ld per_tick=40 emulator="qemu-system-arm -M mps2-an500" ;;
    cortex-m55) board=cortex-m script=mps3-an547.ld per_tick=31.25 emulator="qemu-system-arm -M mps3-an547" ;;
    rv64gcv)
        board=riscv script=virt.ld floats=close
        emulator="qemu-system-riscv64 -M virt -bios none -cpu rv64,v=true,vext_spec=v1.0,vlen=$registers" ;;
    aarch64)
        board=aarch64 script=virt.ld floats=close libc=
        emulator="qemu-system-aarch64 -M virt -cpu cortex-a53 -nic none" ;;
    rv32imac) board=riscv script=virt.ld emulator="qemu-system-riscv32 -M virt -bios none" ;;
    *) echo "run.sh: no board for $1" >&2; exit 2 ;;
    esac
    tools=${cc%%gcc*}
}

# bytes FILE SECTION...: of the sections whose names begin so
bytes() {
    file=$1
    shift
    "${tools}size" -A "$file" | awk -v want="$*" 'BEGIN { n = split(want, w, " ") }
        { for (i = 1; i <= n; i++) if (index($1, w[i]) == 1) { sum += $2; break } } END { print sum + 0 }'
}

# The image of a program.
link() { # image, objects...
    image=$1
    shift
    # shellcheck disable=SC2086
    $cc -nostartfiles -nostdlib -Ldocs/firmware/$board -T$script -Wl,--gc-sections,--no-warn-rwx-segments,--build-id=none -Wl,-Map="$image.map" \
        "$@" "$core" $libc -lgcc -o "$image"
}

# What an image has without a model.
empty() {
    dir=$build/firmware/$target
    mkdir -p "$dir"
    flags="-Os -ffunction-sections -fdata-sections -Iengine -Idocs/firmware"
    # shellcheck disable=SC2086
    $cc -std=c11 -ffreestanding $flags -c docs/firmware/$board/startup.c -o "$dir/startup.o" &&
        $cc -std=c11 -ffreestanding $flags -c tests/firmware/bare.c -o "$dir/empty.o" &&
        link "$dir/empty" "$dir/empty.o" "$dir/startup.o" || exit 1
    without=$(bytes "$dir/empty" .text .rodata)
}

# What limits.txt has against a figure.
held() { # target, model, what, figure
    awk -v t="$1" -v n="$2" -v w="$3" -v x="$4" '
        ($1 == t || $1 == "*") && $2 == n && $3 == w && x > $4 { print w " " x " over " $4 " in limits.txt " }' $limits
}

# Bytes of an image that come from the compiler's libraries, by the linker's map.
foreign() {
    awk 'function hex(text, i, n) { for (i = 3; i <= length(text); i++) n = 16 * n + index("0123456789abcdef", substr(text, i, 1)) - 1; return n }
         /^ \./ { section = $1 }
         section ~ /^\.(text|rodata)/ && /lib(gcc|c)[^ ]*\.a\(/ { for (i = 1; i < NF; i++) if ($i ~ /^0x/ && $(i + 1) ~ /^0x/ && hex($i)) { sum += hex($(i + 1)); break } }
         END { print sum + 0 }' "$1.map"
}

# The code that `linnet compile` counted is what was linked, but for the model's own functions, the compiler's, what a
# linker for RISC-V relaxes, and AArch64's pages of detours around an erratum.
counted() {
    awk -v target="$target" -v code=$((code - $(foreign "$dir/bare") + $(foreign "$build/firmware/$target/empty"))) '/ flash: / {
        for (i = 1; i < NF; i++) if ($i == "(code") n = $(i + 1) * ($(i + 2) ~ /^KiB/ ? 1024 : 1)
        if (n > (target ~ /^rv/ ? 1.2 : 1.05) * code + 128 || n + 512 + (target ~ /aarch64/ ? 8192 : 0) < code) print "code " code ", counted were " n }' "$dir/compile.txt"
}

# How many times fewer instructions the kernels of a target take than the scalar ones.
ratios() {
    awk 'NR == FNR { seen[$1 " " $2] = $6; next }
         $3 == "times" && seen[$1 " " $2] && seen[$1 ":scalar " $2] {
             x = seen[$1 ":scalar " $2] / seen[$1 " " $2]
             printf "%s %s %s: %.2f times fewer instructions than the scalar kernels, %s are asked for\n", (x < $4 ? "FAIL" : "pass"), $1, $2, x, $4
         }' "$seen" $limits
}

fail() { echo "FAIL $target $name: $*"; failed=$((failed + 1)); }

one() {
    dir=$build/firmware/$target/$name
    mkdir -p "$dir"
    states=$(for a in "$@"; do case $a in rows) echo --rows ;; dim:*) echo "--input-dim ${a#dim:}" ;; *) echo "--state $a" ;; esac done)
    # shellcheck disable=SC2086
    "$build/linnet" compile "$path" -o "$dir" --name "$name" --target "$machine" --library "$core" $options $states >"$dir/compile.txt" 2>&1 ||
        { fail "$(head -n 1 "$dir/compile.txt")"; return; }
    LINNET_CPU=scalar REFERENCE_DISABLE=winograd REFERENCE_FLOATS=$floats "$build/test/reference" "$path" "$name" "$dir/expect.h" 2 "$@" ||
        { fail reference; return; }
    start=$build/firmware/$target/startup.o
    upper=$(echo "$name" | tr '[:lower:]' '[:upper:]')
    # shellcheck disable=SC2086
    $cc -std=c99 -Wall -Wextra -pedantic -Werror $flags -c "$dir/$name.c" -o "$dir/$name.o" &&
        $cc -std=c11 -ffreestanding $flags -I"$dir" -DEXPECT='"expect.h"' -c tests/firmware/image.c -o "$dir/image.o" &&
        $cc -std=c11 -ffreestanding $flags -I"$dir" -DMODEL="\"$name.h\"" -DINIT="${name}_init" -DRUN="${name}_run" \
            -DARENA="${upper}_ARENA_BYTES" -c tests/firmware/bare.c -o "$dir/bare.o" &&
        link "$dir/image" "$dir/image.o" "$start" "$dir/$name.o" && link "$dir/bare" "$dir/bare.o" "$start" "$dir/$name.o" ||
        { fail "does not link"; return; }
    bad=$("${tools}nm" "$dir/image" | grep -E ' [A-Za-z] _?(malloc|free|calloc|realloc|printf|puts|errno|__errno|_sbrk|pthread_|protobuf|ln_op_|ln_fail)' |
        head -n 3)
    [ -z "$bad" ] || { fail "has $bad"; return; }
    # shellcheck disable=SC2086
    said=$(timeout 300 $emulator -icount shift=0 -nographic -monitor none -serial stdio \
        -semihosting-config enable=on,target=native -kernel "$dir/image" </dev/null 2>&1 | tee "$dir/said.txt" | grep -E '^(pass|FAIL|fault)')
    case $said in pass*) ;; *) fail "${said:-no answer; $(head -n 1 "$dir/said.txt")}"; return ;; esac
    constants=$(bytes "$dir/$name.o" .rodata)
    code=$(($(bytes "$dir/bare" .text .rodata) - without - constants))
    arena=$(awk '/_ARENA_BYTES / { print $3; exit }' "$dir/$name.h")
    ram=$(bytes "$dir/image" .data .bss)
    # shellcheck disable=SC2086
    set -- $said
    instructions=$(awk -v t="$2" -v per="$per_tick" 'BEGIN { printf "%.0f", t * per }')
    printf '%-14s %-16s %8d %9d %8d %7d %12s\n' "$target" "$name" "$code" "$constants" "$ram" "$3" "$instructions"
    echo "${target%@*} $name $code $constants $((ram + $3)) $instructions" >>"$seen"
    over=$(awk -v t="${target%@*}" -v n="$name" -v c="$code" -v k="$constants" -v r="$((ram + $3))" -v i="$instructions" '
        $1 == t && $2 == n { found = 1
            if (c > $3) print "code " c " over " $3
            if (k > $4) print "constants " k " over " $4
            if (r > $5) print "RAM " r " over " $5
            if (i > $6) print "instructions " i " over " $6 }
        END { if (!found) print "no row in budget.txt" }' "$budget")
    [ -z "${UPDATE-}" ] || over=
    # shellcheck disable=SC2086
    over="$over$(held "$target" "$name" code "$code")$(held "$target" "$name" arena "$arena")$(held "$target" "$name" ram $((ram + $3)))$(counted)"
    if [ -n "$over" ]; then
        fail "$over"
    else
        passed=$((passed + 1))
    fi
}

"$build/test/lstm" "$build/firmware/keyword_lstm.onnx" || exit 1
printf '%-14s %-16s %8s %9s %8s %7s %12s\n' target model code constants RAM stack instructions
for target; do
    board_of "$target"
    empty
    while read -r name path arguments; do
        case $path in build/*) path=$build/${path#build/} ;; esac
        case $name in '' | '#'*) continue ;; esac
        case $target in
        *:[a-z]*) # other kernels than the target's are there to be compared
            grep -q "^$machine  *$name  *times " $limits || [ -n "${ONLY-}" ] || continue ;;
        esac
        case $arguments in
        *on:*) case ,${arguments##*on:}, in *,"$target",*) ;; *) continue ;; esac ;;
        esac
        arguments=${arguments%%on:*}
        case $arguments in
        fpu*) case $machine in cortex-m0plus | rv32imac) continue ;; esac ;;
        esac
        arguments=${arguments#fpu}
        [ -z "${ONLY-}" ] || case " $ONLY " in *" $name "*) ;; *) continue ;; esac
        if [ ! -e "$path" ]; then
            echo "SKIP $target $name: $path is not here"
            skipped=$((skipped + 1))
            continue
        fi
        # shellcheck disable=SC2086
        one $arguments
    done <tests/firmware/models.txt
done
if [ -n "${UPDATE-}" ]; then # a twentieth of room for another compiler
    awk 'NR == FNR { if ($0 ~ /^#/) head = head $0 "\n"; else old[$1 " " $2] = $0; next }
         { new = $1 " " $2; for (i = 3; i <= 6; i++) new = new " " int($i * 1.05 + 16); old[$1 " " $2] = new }
         END { printf "%s", head; for (k in old) print old[k] | "sort" }' "$budget" "$seen" >"$seen.new" && mv "$seen.new" "$budget"
fi
ratios | tee "$seen.times"
passed=$((passed + $(grep -c '^pass' "$seen.times"))) failed=$((failed + $(grep -c '^FAIL' "$seen.times")))
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
