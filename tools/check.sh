#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What `make check` asks of the sources: format, the directions of includes (docs/ARCHITECTURE.md), a licence line at the
# head of every file, nothing left to do in comments.
set -u
cd "$(dirname "$0")/.." || exit 2
bad=0
complain() { echo "check: $*"; bad=1; }

sources=$(git ls-files '*.c' '*.h' '*.inc')

# shellcheck disable=SC2086
clang-format --dry-run -Werror $sources 2>"${TMPDIR:-/tmp}/linnet-format.$$" ||
    complain "clang-format differs in $(sed -n 's/^\([^:]*\):.*error.*/\1/p' "${TMPDIR:-/tmp}/linnet-format.$$" | sort -u | tr '\n' ' ')"
rm -f "${TMPDIR:-/tmp}/linnet-format.$$"

# directions FILES PATTERN: every #include "..." of the files matches the pattern
directions() {
    # shellcheck disable=SC2086
    wrong=$(git ls-files "$1/*.c" "$1/*.h" "$1/*.inc" | xargs -r grep -nE '^ *# *include "' | grep -vE "include \"($2)" || true)
    [ -z "$wrong" ] || complain "an include points the wrong way:
$wrong"
}
directions kernels 'kernels/'
directions ops 'engine/op\.h"|engine/library\.h"|kernels/|ops/'
directions engine 'engine/|kernels/|ops\.inc"|linnet\.h"|libraries\.h"' # linnet_compiled.h is installed beside linnet.h
directions onnx 'onnx/|engine/|onnx\.pb-c\.h"'
directions tools 'tools/|onnx/|engine/|kernels/'
wrong=$(git ls-files '*.c' '*.h' | grep -v '^onnx/' | xargs grep -lE 'protobuf-c|pb-c\.h' || true)
[ -z "$wrong" ] || complain "only onnx/ may see protobuf-c: $wrong"

for f in $sources; do
    head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$f: no licence line at the head"
done
# shellcheck disable=SC2086
left=$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' $sources || true)
[ -z "$left" ] || complain "left to do:
$left"

# The example of ADDING-AN-OPERATOR is the operator's source.
sed -n '/^```c$/,/^```$/p' docs/ADDING-AN-OPERATOR.md | sed '1d;$d' | cmp -s - ops/elu.c ||
    complain "docs/ADDING-AN-OPERATOR.md does not show ops/elu.c as it is"

[ "$bad" -eq 0 ] && echo "check: sources are well"
exit "$bad"
