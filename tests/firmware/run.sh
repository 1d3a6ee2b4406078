#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compiles the models of models.txt for targets, links them with the examples' start-up code, runs them under QEMU and
# compares every byte of their outputs with a session's on the host. Prints what they take: code (with the tables of
# kernels), constants of the model, RAM, stack, and instructions of a run. What budget.txt allows may not be passed.
#
# usage: tests/firmware/run.sh BUILD TARGET...      ONLY=NAMES: these models; UPDATE=1: writes what was seen as the budget
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$1
shift
budget=tests/firmware/budget.txt
seen=$build/firmware/seen.txt
mkdir -p "$build/firmware"
: >"$seen"
passed=0 failed=0 skipped=0

board_of() { # compiler, folder of the start-up code, linker script, emulator, ticks to instructions
    cc="$(make -s --no-print-directory TARGET="$1" print-CC)"
    per_tick=1
    case $1 in
    cortex-m0plus) board=cortex-m script=mps2.ld per_tick=40 emulator="qemu-system-arm -M mps2-an385" ;;
    cortex-m4) board=cortex-m script=mps2.ld per_tick=40 emulator="qemu-system-arm -M mps2-an386" ;;
    cortex-m7) board=cortex-m script=mps2.ld per_tick=40 emulator="qemu-system-arm -M mps2-an500" ;;
    cortex-m55) board=cortex-m script=mps3-an547.ld per_tick=31.25 emulator="qemu-system-arm -M mps3-an547" ;;
    rv64gcv) board=riscv script=virt.ld emulator="qemu-system-riscv64 -M virt -bios none -cpu rv64,v=true,vlen=128" ;;
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

fail() { echo "FAIL $target $name: $*"; failed=$((failed + 1)); }

one() {
    dir=$build/firmware/$target/$name
    mkdir -p "$dir"
    states=$(for a in "$@"; do case $a in dim:*) echo "--input-dim ${a#dim:}" ;; *) echo "--state $a" ;; esac done)
    # shellcheck disable=SC2086
    "$build/linnet" compile "$path" -o "$dir" --name "$name" --target "$target" $states >"$dir/compile.txt" 2>&1 ||
        { fail "$(head -n 1 "$dir/compile.txt")"; return; }
    LINNET_CPU=scalar REFERENCE_DISABLE=winograd "$build/test/reference" "$path" "$name" "$dir/expect.h" 2 "$@" ||
        { fail reference; return; }
    flags="-Os -ffunction-sections -fdata-sections -Iengine -Idocs/firmware/$board -I$dir"
    # shellcheck disable=SC2086
    $cc -std=c99 -Wall -Wextra -pedantic -Werror $flags -c "$dir/$name.c" -o "$dir/$name.o" &&
        $cc -std=c11 -ffreestanding $flags -DEXPECT='"expect.h"' -c tests/firmware/image.c -o "$dir/image.o" &&
        $cc -std=c11 -ffreestanding $flags -c docs/firmware/$board/startup.c -o "$dir/startup.o" &&
        $cc -nostartfiles -nostdlib -Ldocs/firmware/$board -T$script -Wl,--gc-sections,--no-warn-rwx-segments -Wl,-Map="$dir/map" \
            "$dir/image.o" "$dir/startup.o" "$dir/$name.o" "build/$target/liblinnet-core.a" -lc -lgcc -o "$dir/image" ||
        { fail "does not link"; return; }
    bad=$("${tools}nm" "$dir/image" | grep -E ' [A-Za-z] _?(malloc|free|calloc|realloc|printf|puts|errno|__errno|_sbrk|pthread_|protobuf|ln_op_|ln_fail)' |
        head -n 3)
    [ -z "$bad" ] || { fail "has $bad"; return; }
    # shellcheck disable=SC2086
    said=$(timeout 300 $emulator -icount shift=0 -nographic -monitor none -serial stdio \
        -semihosting-config enable=on,target=native -kernel "$dir/image" </dev/null 2>&1 | tee "$dir/said.txt" | grep -E '^(pass|FAIL|fault)')
    case $said in pass*) ;; *) fail "${said:-no answer; $(head -n 1 "$dir/said.txt")}"; return ;; esac
    own=$(($(bytes "$dir/image.o" .rodata .text) + $(bytes "$dir/$name.o" .rodata)))
    code=$(($(bytes "$dir/image" .text .rodata) - own))
    constants=$(bytes "$dir/$name.o" .rodata)
    ram=$(bytes "$dir/image" .data .bss)
    # shellcheck disable=SC2086
    set -- $said
    instructions=$(awk -v t="$2" -v per="$per_tick" 'BEGIN { printf "%.0f", t * per }')
    printf '%-14s %-16s %8d %9d %8d %7d %12s\n' "$target" "$name" "$code" "$constants" "$ram" "$3" "$instructions"
    echo "$target $name $code $constants $((ram + $3)) $instructions" >>"$seen"
    over=$(awk -v t="$target" -v n="$name" -v c="$code" -v k="$constants" -v r="$((ram + $3))" -v i="$instructions" '
        $1 == t && $2 == n { found = 1
            if (c > $3) print "code " c " over " $3
            if (k > $4) print "constants " k " over " $4
            if (r > $5) print "RAM " r " over " $5
            if (i > $6) print "instructions " i " over " $6 }
        END { if (!found) print "no row in budget.txt" }' "$budget")
    if [ -n "$over" ] && [ -z "${UPDATE-}" ]; then
        fail "$over"
    else
        passed=$((passed + 1))
    fi
}

printf '%-14s %-16s %8s %9s %8s %7s %12s\n' target model code constants RAM stack instructions
for target; do
    board_of "$target"
    while read -r name path arguments; do
        case $name in '' | '#'*) continue ;; esac
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
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
