#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compiled models on this machine beside sessions of the same models, with one thread. Fails where a compiled one is slower
# than its session by more than what medians vary by.
#
# usage: bench/compiled.sh BUILD [MODEL]...
set -u
cd "$(dirname "$0")/.." || exit 2
build=$1
shift
[ $# -gt 0 ] || set -- models/digits/digits.onnx ../shared/models/mlperf-tiny/kws_ref_model.tflite \
    ../shared/models/mlperf-tiny/vww_96_int8.tflite ../shared/models/mlperf-tiny/pretrainedResnet.tflite \
    ../shared/models/micro-kws/micro_kws_m_static_fp32.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make -s --no-print-directory B="$build" install PREFIX="$work/linnet" >"$work/log" 2>&1 || { cat "$work/log"; exit 2; }
export PKG_CONFIG_PATH="$work/linnet/lib/pkgconfig"
slower=0
for model; do
    [ -e "$model" ] || { echo "SKIP $model: not here"; continue; }
    case $model in
    *.onnx) cp "$model" "$work/model.onnx" ;;
    *) "$build/linnet" convert "$model" -o "$work/model.onnx" >"$work/log" 2>&1 || { cat "$work/log"; exit 2; } ;;
    esac
    # shellcheck disable=SC2046
    "$build/linnet" compile "$work/model.onnx" -o "$work" --name m >"$work/log" 2>&1 &&
        cc -std=c11 -D_GNU_SOURCE -O2 -I"$work" -DMODEL='"m.h"' -DINIT=m_init -DRUN=m_run -DARENA=M_ARENA_BYTES bench/compiled.c \
            "$work/m.c" $(pkg-config --cflags --libs linnet) -o "$work/program" 2>>"$work/log" || { cat "$work/log"; exit 2; }
    printf '%-60s ' "${model#../shared/models/}"
    "$work/program" "$work/model.onnx" || slower=$((slower + 1))
done
[ $slower -eq 0 ] || { echo "$slower slower than their sessions"; exit 1; }
