#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The audio commands: front ends against librosa (in a virtual environment under BUILD, made on the first call), join,
# listen. Last line: "N passed, N failed, N skipped".
set -u
build=${1:-build}
linnet=$build/linnet
inputs=${LINNET_SHARED:-../shared}/inputs
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
    python=$build/venv-audio/bin/python
    if ! "$python" -c 'import librosa, soundfile' 2>/dev/null; then
        python3 -m venv "$build/venv-audio" &&
            "$build/venv-audio/bin/pip" install -q --disable-pip-version-check librosa soundfile >"$work/log" 2>&1
    fi
    if "$python" -c 'import librosa, soundfile' 2>/dev/null; then
        check "librosa" "$python" tests/frontend.py "$build" "$inputs"
    else
        skipped=$((skipped + 1)); echo "SKIP: librosa cannot be installed"
    fi
else
    skipped=$((skipped + 5)); echo "SKIP: no sounds in $inputs"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
