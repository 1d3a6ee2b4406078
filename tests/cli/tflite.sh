#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# TensorFlow Lite models on the command line: every .tflite of ../shared converts and runs, and what some of them say of
# sounds and pictures. tests/tflite.sh compares the numbers with LiteRT. Last line: "N passed, N failed, N skipped".
set -u
build=${1:-build}
linnet=$build/linnet
shared=${LINNET_SHARED:-../shared}
models=$shared/models inputs=$shared/inputs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
check() { # name, then a command that must succeed
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAIL: $name"
        sed 's/^/    /' "$work/log" | tail -n 12
    fi
}
bad() { # name, what it must say, then a command that must end with 2
    name=$1 says=$2
    shift 2
    "$@" >"$work/log" 2>&1
    if [ $? -eq 2 ] && grep -q "$says" "$work/log"; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAIL: $name: no error, or not: $says"
        sed 's/^/    /' "$work/log" | tail -n 3
    fi
}
says() { # what the output must contain, then a command
    pattern=$1
    shift
    "$@" | grep -q -- "$pattern"
}

printf '\040\000\000\000TFL3' >"$work/short.tflite"
bad "a file of 8 bytes" damaged "$linnet" convert "$work/short.tflite" -o "$work/x.onnx"
bad "run takes it for what it is" damaged "$linnet" run "$work/short.tflite"
bad "an output is asked for" output "$linnet" convert "$work/short.tflite"
if [ ! -d "$models" ]; then
    echo "SKIP tflite: $models is not here"
    skipped=1
    echo "$passed passed, $failed failed, $skipped skipped"
    exit $((failed > 0))
fi

find "$models" -name '*.tflite' >"$work/list"
while IFS= read -r model; do
    stem=$(basename "$model" .tflite)
    check "convert $stem" "$linnet" convert "$model" -o "$work/$stem.onnx"
    check "run $stem" "$linnet" run "$model" --random 1
    check "both give the same: $stem" sh -c "'$linnet' run '$model' --random 1 >'$work/a' &&
        '$linnet' run '$work/$stem.onnx' --random 1 >'$work/b' && cmp '$work/a' '$work/b'"
done <"$work/list"
head -c 2000 "$models/micro-speech/micro_speech_quantized.tflite" >"$work/cut.tflite"
bad "a file that is cut off" damaged "$linnet" info "$work/cut.tflite"

# What the publisher's own tests have for speech.wav: of its first window 0.917969 and 0.058594, of its last one 0.957031 and
# 0.019531. A step of the scores is 0.0039 here.
for model in "$models/yamnet/yamnet_audio_classifier_with_metadata.tflite" "$work/yamnet_audio_classifier_with_metadata.onnx"; do
    "$linnet" listen "$model" "$inputs/speech.wav" --labels "$models/yamnet/yamnet_521_labels.txt" --min 0.01 \
        --csv "$work/yamnet.csv" >"$work/log" 2>&1
    hears() { # line of a window, label, score: within 0.002
        check "yamnet: $2 $3 at $1 ($(basename "$model"))" awk -F'"' -v from="$1" -v label="$2" -v score="$3" '
            index($1, from ",") == 1 && $2 == label { d = substr($3, 2) - score; good = d * d < 0.002 * 0.002 }
            END { exit !good }' "$work/yamnet.csv"
    }
    hears 0.000 Speech 0.918
    hears 0.000 "Inside, small room" 0.0586
    hears 3.297 Speech 0.957
    hears 3.297 "Inside, small room" 0.0195
done

names=$models/mobilenetv2-tflite/imagenet_labels.txt
for model in mobilenet_v2_1.0_224_quant tf2_mobilenet_v2_1.0_224_ptq; do
    check "a hotdog ($model)" says hotdog \
        "$linnet" classify "$models/mobilenetv2-tflite/$model.tflite" "$inputs/hot_dog.jpg" --labels "$names" --top 1
done
check "a cheeseburger (MobileNetV1)" says 'class 934' "$linnet" classify \
    "$models/mobilenetv1-tflite/mobilenet_v1_0.25_224_1_default_1.tflite" "$inputs/burger.jpg" --preset mobilenet --top 1

echo "$passed passed, $failed failed, $skipped skipped"
exit $((failed > 0))
