#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/tflite/main.py in a virtual environment under BUILD, made on the first call. Without LiteRT, which not every
# machine has a package for, it says SKIP.
set -eu
build=${1:-build}
shift 2>/dev/null || true
python=$build/venv-litert/bin/python
if ! "$python" -c 'import ai_edge_litert.interpreter, flatbuffers, onnxruntime, PIL' 2>/dev/null; then
    echo "tflite: installing LiteRT and ONNX Runtime into $build/venv-litert"
    python3 -m venv "$build/venv-litert"
    "$build/venv-litert/bin/pip" install -q --disable-pip-version-check numpy onnxruntime pillow flatbuffers ai-edge-litert || {
        echo "SKIP tflite: LiteRT (ai-edge-litert) cannot be installed here"
        echo "0 passed, 0 failed, 1 skipped"
        exit 0
    }
fi
# The micro front end's own interpreter: where there is no package of it, that comparison is skipped.
"$python" -c 'import tflite_micro' 2>/dev/null ||
    "$build/venv-litert/bin/pip" install -q --disable-pip-version-check tflite-micro 2>/dev/null || true
exec "$python" tests/tflite/main.py "$build" "$@"
