#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/fuzz/ops/main.py in the virtual environment of tests/compare.sh, which is made on the first call. Without one, and
# without PyPI: SKIP.
set -u
build=${1:-build}
python=$build/venv/bin/python
if ! "$python" -c 'import numpy, onnx, onnxruntime, ml_dtypes' 2>/dev/null; then
    python3 -m venv "$build/venv" &&
        "$build/venv/bin/pip" install -q --disable-pip-version-check numpy onnx onnxruntime ml_dtypes || {
        echo "SKIP fuzz-ops: numpy, onnx and onnxruntime cannot be installed into $build/venv"
        echo "0 passed, 0 failed, 1 skipped"
        exit 0
    }
fi
exec "$python" tests/fuzz/ops/main.py "$@"
