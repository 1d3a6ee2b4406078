#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The audio commands: front ends against librosa and Kaldi, spectra written as several nodes (both in a virtual
# environment under BUILD, made on the first call), join, listen. Last line: "N passed, N failed, N skipped".
set -u
build=${1:-build}
linnet=$build/linnet
inputs=${LINNET_SHARED:-../shared}/inputs
models=${LINNET_SHARED:-../shared}/models
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

for kind in spectrogram mel mfcc fbank; do
    check "frontend $kind" "$linnet" frontend -k $kind -o "$work/$kind.onnx" --sr 16000
done
if "$linnet" frontend -o "$work/x.onnx" --fmin 9000 --sr 16000 2>/dev/null; then
    failed=$((failed + 1)); echo "FAIL: bands above half the rate were taken"
else
    passed=$((passed + 1))
fi
if [ -f "$inputs/speech.wav" ]; then
    check "listen" "$linnet" listen "$work/fbank.onnx" "$inputs/speech.wav" --window 1 --hop 0.5 --min -100 \
        --csv "$work/l.csv" --png "$work/l.png"
    check "the table has a line for each label" test "$(wc -l <"$work/l.csv")" -gt 10
    check "the picture is one" sh -c "head -c 4 '$work/l.png' | grep -q PNG"
    if "$linnet" listen "$work/fbank.onnx" /dev/null 2>/dev/null; then
        failed=$((failed + 1)); echo "FAIL: no sound at all was taken"
    else
        passed=$((passed + 1))
    fi
    venv=${build%/san}/venv-audio modules="librosa, soundfile, onnx, kaldi_native_fbank"
    if ! "$venv/bin/python" -c "import $modules" 2>/dev/null; then
        python3 -m venv "$venv" &&
            "$venv/bin/pip" install -q --disable-pip-version-check librosa soundfile onnx kaldi-native-fbank >"$work/log" 2>&1
    fi
    if "$venv/bin/python" -c "import $modules" 2>/dev/null; then
        check "librosa and Kaldi" "$venv/bin/python" tests/frontend.py "$build" "$inputs"
        check "spectra of several nodes" "$venv/bin/python" tests/spectral.py "$build"
    else
        skipped=$((skipped + 2)); echo "SKIP: librosa cannot be installed"
    fi
else
    skipped=$((skipped + 6)); echo "SKIP: no sounds in $inputs"
fi

# A front end before a model that wants a spectrogram, in one graph; then what is heard.
if [ -f "$models/birdnet/birdnet_stm32n6_100.tflite" ] && [ -f "$inputs/birdnet_soundscape.wav" ]; then
    check "a front end for the model" "$linnet" frontend -k spectrogram --sr 22050 --n-fft 512 --hop 258 --power 1 \
        --samples 66150 --frames 256 --minmax --channel last -o "$work/front.onnx"
    check "join" "$linnet" join "$work/front.onnx" "$models/birdnet/birdnet_stm32n6_100.tflite" -o "$work/bird.onnx"
    check "listen to birds" sh -c "'$linnet' listen '$work/bird.onnx' '$inputs/birdnet_soundscape.wav' \
        --labels '$models/birdnet/birdnet_stm32n6_100_labels.txt' --csv '$work/b.csv' --png '$work/b.png' >'$work/heard'"
    check "the chiffchaff is heard first" sh -c "tail -n 3 '$work/heard' | head -n 1 | grep -q 'whole.*Common Chiffchaff'"
    check "and in the table" grep -q '^3.000,6.000,"Phylloscopus collybita_Common Chiffchaff",0.23' "$work/b.csv"
    check "shapes that do not fit are said" sh -c "! '$linnet' join '$work/fbank.onnx' \
        '$models/birdnet/birdnet_stm32n6_100.tflite' -o '$work/x.onnx' 2>'$work/said' && grep -q 'differ in type or shape' '$work/said'"
else
    skipped=$((skipped + 6)); echo "SKIP: no bird model in $models"
fi
yamnet=$models/yamnet
if [ -d "$yamnet" ] && [ -f "$inputs/speech.wav" ]; then
    check "listen with yamnet" sh -c "'$linnet' listen '$yamnet'/*.tflite '$inputs/speech.wav' \
        --labels '$yamnet/yamnet_521_labels.txt' >'$work/heard'"
    check "speech is heard first" sh -c "tail -n 3 '$work/heard' | head -n 1 | grep -q 'whole.*Speech'"
else
    skipped=$((skipped + 2)); echo "SKIP: no yamnet in $models"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
