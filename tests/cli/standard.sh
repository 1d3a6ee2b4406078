#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Operators, versions and types against the schemas of the onnx package; function bodies against kernels; random operators.
if [ -n "${LINNET_QUICK-}" ]; then # bodies take minutes with sanitizers
    echo "SKIP: done by the plain build"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
exec tests/fuzz/ops.sh --standard "$1"
