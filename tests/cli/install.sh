#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs into a folder, and compiles and runs docs/example.c against what is there, by pkg-config alone; once as C++.
set -u
build=${1:-build}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0 failed=0 skipped=0

check() { # NAME COMMAND...
    name=$1
    shift
    if "$@" >"$root/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: $name"
        tail -n 20 "$root/log"
    fi
}

compile() { # COMPILER SOURCE PROGRAM [FLAGS]
    compiler=$1 source=$2 program=$3
    shift 3
    # shellcheck disable=SC2046,SC2086
    $compiler "$@" "$source" $(pkg-config --cflags --libs linnet) ${LINNET_TEST_FLAGS:-} -o "$program"
}

example_answers() { # the digit of a white picture of one pixel is anybody's guess, but there are ten probabilities
    "$1" models/digits/digits.onnx 0 0 255 >"$root/answer" && [ "$(wc -w <"$root/answer")" -eq 11 ] &&
        grep -q '^probabilities: ' "$root/answer"
}

check 'make install' make --no-print-directory B="$build" install DESTDIR="$root/stage" PREFIX=/opt/linnet
for file in bin/linnet lib/liblinnet.a lib/liblinnet-core.a include/linnet.h lib/pkgconfig/linnet.pc \
    share/man/man1/linnet.1 share/bash-completion/completions/linnet share/zsh/site-functions/_linnet; do
    check "$file" test -s "$root/stage/opt/linnet/$file"
done
check 'the example has at most 60 lines' test "$(wc -l <docs/example.c)" -le 60
check 'completion for bash' bash -n "$root/stage/opt/linnet/share/bash-completion/completions/linnet"

export PKG_CONFIG_PATH="$root/stage/opt/linnet/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root/stage"
if command -v pkg-config >/dev/null; then
    check 'version by pkg-config' test "linnet $(pkg-config --modversion linnet)" = "$("$root/stage/opt/linnet/bin/linnet" --version)"
    check 'compile the example' compile "${CC:-cc}" docs/example.c "$root/example" -std=c11 -Wall -Wextra -Wpedantic -Werror
    check 'run the example' example_answers "$root/example"
    check 'the example says what is wrong' sh -c "'$root/example' nosuch.onnx 2>&1 | grep -q nosuch"
    if command -v c++ >/dev/null; then
        printf '#include <linnet.h>\nint main() { return linnet_status_name(LINNET_OK)[0] != '"'o'"'; }\n' >"$root/cpp.cc"
        check 'compile as C++' compile c++ "$root/cpp.cc" "$root/cpp" -Wall -Wextra -Werror
        check 'run as C++' "$root/cpp"
    else
        echo 'SKIP: no C++ compiler'
        skipped=$((skipped + 1))
    fi
else
    echo 'SKIP: no pkg-config'
    skipped=$((skipped + 1))
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
