#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a step costs beside its kernel: chains of nodes on one element, in Linnet and in ONNX Runtime, taking turns.

    bench/with_python.sh BUILD bench/step_cost.py BUILD

A chain of N Neg nodes does nothing worth counting but be called, so (time of 1001 nodes - time of one) / 1000 is the cost of a
step with the call of its kernel, and the time of one node that of a whole run. Fails above 100 ns a step.
"""
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

LENGTHS, LIMIT, ROUNDS = (1, 1001), 100e-9, 5


def chain(path, n):
    names = ["x"] + [f"v{i}" for i in range(n - 1)] + ["y"]
    nodes = [helper.make_node("Neg", [a], [b]) for a, b in zip(names, names[1:])]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])
    graph = helper.make_graph(nodes, "chain", [value("x")], [value("y")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)


def linnet(build, path, n):
    out = os.path.join(build, "bench-io", "step.json")
    done = subprocess.run([os.path.join(build, "linnet"), "bench", path, "--random", "1", "--time", "0.2", "--json", out],
                          capture_output=True, text=True, check=True)
    with open(out, encoding="utf-8") as f:
        report = json.load(f)
    steps = sum(o.get("steps", 0) for o in report.get("operators", []))
    assert steps == n, f"{steps} steps of {n} nodes:\n{done.stdout}"
    return report["median_seconds"]


def onnxruntime(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session, feed, times = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"]), {"x": np.ones(1, np.float32)}, []
    begin = time.perf_counter()
    while time.perf_counter() - begin < 0.2:
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    build = sys.argv[1]
    os.makedirs(os.path.join(build, "bench-io"), exist_ok=True)
    ours, theirs = {}, {}
    for n in LENGTHS:
        path = os.path.join(build, "bench-io", f"chain{n}.onnx")
        chain(path, n)
        a, b = zip(*[(linnet(build, path, n), onnxruntime(path)) for _ in range(ROUNDS)])
        ours[n], theirs[n] = min(a), min(b)
    step = lambda t: (t[LENGTHS[1]] - t[LENGTHS[0]]) / (LENGTHS[1] - LENGTHS[0])
    print(f"a run of one node: Linnet {1e9 * ours[1]:.0f} ns, ONNX Runtime {1e9 * theirs[1]:.0f} ns (from Python)")
    print(f"each further node: Linnet {1e9 * step(ours):.0f} ns, ONNX Runtime {1e9 * step(theirs):.0f} ns")
    sys.exit(step(ours) > LIMIT)


main()
