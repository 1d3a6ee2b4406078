#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The fuzzer of operators (or standard.py with --standard, tools/operators.py with --docs) in the virtual environment of tests/compare.sh, which
# is made on the first call; a build with sanitizers uses that of the plain one. Without one, and without PyPI: SKIP.
set -u
program=tests/fuzz/ops/main.py
case ${1-} in
--standard) program=tests/fuzz/ops/standard.py && shift ;;
--docs) program=tools/operators.py && shift ;;
esac
build=${1:-build}
venv=${build%/san}/venv
if ! "$venv/bin/python" -c 'import numpy, onnx, onnxruntime, ml_dtypes, PIL' 2>/dev/null; then
    { python3 -m venv "$venv" &&
        "$venv/bin/pip" install -q --disable-pip-version-check numpy onnx onnxruntime ml_dtypes pillow; } || {
        echo "SKIP $program: numpy, onnx, onnxruntime and pillow cannot be installed into $venv"
        echo "0 passed, 0 failed, 1 skipped"
        exit 0
    }
fi
exec "$venv/bin/python" $program "$@"
