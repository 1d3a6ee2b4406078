#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench/with_python.sh BUILD SCRIPT [ARG]...: runs the script with numpy, onnx, onnxruntime and matplotlib at hand, in a
# virtual environment below BUILD that the first call makes.
set -eu
build=$1 script=$2
shift 2
python=$build/venv/bin/python
if ! "$python" -c 'import numpy, onnx, onnxruntime, matplotlib' 2>/dev/null; then
    echo "bench: installing numpy, onnx, onnxruntime and matplotlib into $build/venv"
    python3 -m venv "$build/venv"
    "$build/venv/bin/pip" install -q --disable-pip-version-check numpy onnx onnxruntime matplotlib
fi
exec "$python" "$script" "$@"
