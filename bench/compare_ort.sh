#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/compare_ort.py in a virtual environment under BUILD, made on the first call.
set -eu
build=${1:-build}
shift 2>/dev/null || true
python=$build/venv/bin/python
if ! "$python" -c 'import numpy, onnx, onnxruntime' 2>/dev/null; then
    echo "bench: installing numpy, onnx and onnxruntime into $build/venv"
    python3 -m venv "$build/venv"
    "$build/venv/bin/pip" install -q --disable-pip-version-check numpy onnx onnxruntime
fi
exec "$python" bench/compare_ort.py "$build" "$@"
