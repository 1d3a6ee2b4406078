#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Collects small models and values for the fuzzers: corpus.sh FOLDER. From the ONNX suite where it is, and from models/; the
# .tflite files of ../shared and those that tests/tflite.sh has written go into FOLDER.tflite.
set -eu
to=$1
mkdir -p "$to"
suite=${LINNET_SUITE:-../shared/onnx-suite}
[ -d "$suite" ] || suite=
# shellcheck disable=SC2086
find models $suite ../shared/models -type f \( -name '*.onnx' -o -name '*.pb' \) -size -6k 2>/dev/null |
    awk 'NR % 3 == 0 || /loop|scan|_if_|sequence|optional|string|int4|float4|uint2|function|expanded/' |
    while IFS= read -r file; do
        name=$(printf '%s' "$file" | cksum | cut -d ' ' -f 1)
        [ -e "$to/$name" ] || cp "$file" "$to/$name"
    done

mkdir -p "$to.tflite"
find build/tflite ../shared/models -type f -name '*.tflite' -size -24k 2>/dev/null |
    while IFS= read -r file; do
        name=$(printf '%s' "$file" | cksum | cut -d ' ' -f 1)
        [ -e "$to.tflite/$name" ] || cp "$file" "$to.tflite/$name"
    done
