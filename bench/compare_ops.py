#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linnet beside ONNX Runtime on models of one operator.

    make bench-ops ARGS="[--threads N] [--scale] [--rounds N] [--time S] [--assert] [--list] [GLOB]..."

A round is one `linnet bench` and as long a run of ONNX Runtime (inputs and outputs bound, so that nothing is copied),
one after the other; the table shows the medians over the rounds. ratio: ONNX Runtime's time over Linnet's, above 1
Linnet is faster. That the outputs are right is shown by `linnet conformance` and the kernel checks, not here. --assert
fails where a ratio is below what the operator promises: 1, 3 for depthwise convolutions with stride 2, or 4 for those in
FOUR. With --scale the rows are the products, each with one thread and with as many as --threads says:

    make bench-ops ARGS="--scale --threads 2"

shows how many times as fast those make either engine, in the same run; --assert then asks for 1.85 of two threads.
"""
import argparse
import fnmatch
import json
import math
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T
from onnx import helper as h

# What ONNX Runtime computes one element at a time.
FOUR = ("Log", "Sin", "Cos", "Softplus", "Mish", "Elu", "Pow", "CumSum", "LayerNormalization", "ReduceLogSumExp", "ArgMax", "TopK")
ELEMENTS = 65536
ROWS = ((64, 1000), (1536, 128), (128, 768))
rng = np.random.default_rng(1)


def f32(*shape, low=-3.0, high=3.0):
    return rng.uniform(low, high, shape).astype(np.float32)


class Case:
    """A node with its inputs: an array is an input of the model, an array in a list a constant, None is left out."""

    def __init__(self, name, op, *inputs, out=1, opset=20, domain="", **attrs):
        self.name, self.op, self.inputs, self.out, self.attrs = name, op, inputs, out, attrs
        self.opset, self.domain = opset, domain

    def save(self, folder):
        feed, constants, names = {}, [], []
        for i, x in enumerate(self.inputs):
            name = "" if x is None else f"x{i}"
            names.append(name)
            if isinstance(x, list):
                constants.append(onnx.numpy_helper.from_array(x[0], name))
            elif x is not None:
                feed[name] = x
        outs = [f"y{i}" for i in range(self.out)]
        node = h.make_node(self.op, names, outs, domain=self.domain, **self.attrs)
        inputs = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in feed.items()]
        graph = h.make_graph([node], "one", inputs, [onnx.ValueInfoProto(name=o) for o in outs], constants)
        opsets = [h.make_opsetid("", self.opset)] + ([h.make_opsetid(self.domain, 1)] if self.domain else [])
        model = h.make_model(graph, opset_imports=opsets, ir_version=9)
        path, files = os.path.join(folder, "one.onnx"), {}
        onnx.save(model, path)
        for n, x in feed.items():
            files[n] = os.path.join(folder, n + ".npy")
            np.save(files[n], x)
        return path, feed, files


def maps():
    """Element-wise operators on 65536 elements."""
    x, positive, n = f32(ELEMENTS), f32(ELEMENTS, low=0.01), ELEMENTS
    for op in ("Relu Neg Abs Exp Sigmoid Tanh Erf Sin Cos Floor Round Softplus Elu LeakyRelu HardSwish HardSigmoid Mish "
               "Atan Celu Selu Gelu").split():
        yield Case(op, op, x, opset=22 if op == "Mish" else 20)
    for op in "Sqrt Log Reciprocal".split():
        yield Case(op, op, positive)
    yield Case("Gelu tanh", "Gelu", x, approximate="tanh")
    for op in "Add Mul Div Max".split():
        yield Case(op, op, x, positive)
    yield Case("Pow", "Pow", positive, x)
    yield Case("Pow 2.5", "Pow", positive, [np.float32(2.5)])
    yield Case("Pow 2", "Pow", x, [np.float32(2)])
    yield Case("Mod", "Mod", x, positive, fmod=1)
    yield Case("Cast f32>f16", "Cast", x, to=T.FLOAT16)
    yield Case("Cast f16>f32", "Cast", x.astype(np.float16), to=T.FLOAT)
    yield Case("Cast f32>u8", "Cast", f32(n, low=0, high=255), to=T.UINT8)
    yield Case("Cast u8>f32", "Cast", rng.integers(0, 255, n).astype(np.uint8), to=T.FLOAT)
    scale, zero = [np.float32(0.02)], [np.uint8(128)]
    yield Case("QuantizeLinear u8", "QuantizeLinear", x, scale, zero)
    yield Case("DequantizeLinear u8", "DequantizeLinear", rng.integers(0, 255, n).astype(np.uint8), scale, zero)
    yield Case("Where", "Where", rng.integers(0, 2, n).astype(bool), x, positive)


def rows():
    for r, c in ROWS:
        x, size = f32(r, c), f" {r}x{c}"
        yield Case("Softmax" + size, "Softmax", x)
        yield Case("LogSoftmax" + size, "LogSoftmax", x)
        yield Case("LayerNormalization" + size, "LayerNormalization", x, [f32(c)], [f32(c)])
        yield Case("RMSNormalization" + size, "RMSNormalization", x, [f32(c)], opset=23)
        for op in "ReduceSum ReduceMean ReduceMax ReduceL2 ReduceSumSquare ReduceLogSumExp".split():
            for axis in 0, 1:
                yield Case(f"{op} axis {axis}" + size, op, x, [np.array([axis], np.int64)])
        yield Case("ArgMax" + size, "ArgMax", x, axis=1)
        yield Case("TopK 5" + size, "TopK", x, [np.array([5], np.int64)], out=2)
        yield Case("CumSum" + size, "CumSum", x, [np.int64(1)])
        yield Case("Add row" + size, "Add", x, f32(c))
        yield Case("Add column" + size, "Add", x, f32(r, 1))
        yield Case("Transpose 10" + size, "Transpose", x, perm=[1, 0])


def images():
    x = f32(1, 64, 56, 56)
    yield Case("Transpose NCHW>NHWC 64@56", "Transpose", x, perm=[0, 2, 3, 1])
    yield Case("Transpose NHWC>NCHW 64@56", "Transpose", f32(1, 56, 56, 64), perm=[0, 3, 1, 2])
    yield Case("Transpose 0213 12x128x64", "Transpose", f32(1, 12, 128, 64), perm=[0, 2, 1, 3])
    yield Case("Transpose 0132 12x128x64", "Transpose", f32(1, 12, 128, 64), perm=[0, 1, 3, 2])
    yield Case("MaxPool 3x3s2 64@112", "MaxPool", f32(1, 64, 112, 112), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    yield Case("MaxPool 5x5s1 128@20", "MaxPool", f32(1, 128, 20, 20), kernel_shape=[5, 5], pads=[2, 2, 2, 2])
    yield Case("AveragePool 3x3s1 64@56", "AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    yield Case("GlobalAveragePool 2048@7", "GlobalAveragePool", f32(1, 2048, 7, 7))
    channel = lambda: [f32(64, low=0.5)]
    yield Case("BatchNormalization 64@56", "BatchNormalization", x, channel(), channel(), channel(), channel())
    yield Case("InstanceNormalization 64@56", "InstanceNormalization", x, channel(), channel())
    yield Case("LRN 64@56", "LRN", x, size=5)
    yield Case("PRelu 64@56", "PRelu", x, [f32(64, 1, 1)])
    yield Case("Add channel 64@56", "Add", x, f32(64, 1, 1))
    scales = [np.array([1, 1, 2, 2], np.float32)]
    for mode, how in ("nearest", {}), ("linear", {}), ("cubic", {}):
        yield Case(f"Resize x2 {mode} 64@56", "Resize", x, None, scales, mode=mode, **how)
    yield Case("Concat channels 2x64@56", "Concat", x, f32(1, 64, 56, 56), axis=1)
    yield Case("Split channels 2x32@56", "Split", x, axis=1, num_outputs=2, out=2)
    yield Case("Pad 1 64@56", "Pad", x, [np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)])
    i64 = lambda *v: [np.array(v, np.int64)]
    yield Case("Slice step 2 64@56", "Slice", x, i64(0, 0), i64(56, 56), i64(2, 3), i64(2, 2))
    yield Case("DepthToSpace 2 64@56", "DepthToSpace", x, blocksize=2)
    yield Case("SpaceToDepth 2 64@56", "SpaceToDepth", x, blocksize=2)
    yield Case("Gather 128 rows of 768", "Gather", f32(1000, 768), rng.integers(0, 1000, 128).astype(np.int64))
    yield Case("Expand 1x64x1x1 to 56", "Expand", f32(1, 64, 1, 1), i64(1, 64, 56, 56))
    yield Case("Tile 2 64@56", "Tile", x, i64(1, 2, 1, 1))


def products():
    """MatMul with a constant B: squares, the 1x1 convolutions of ResNet50 and MobileNetV2 as products, BERT's."""
    shapes = [(n, n, n) for n in (64, 128, 256, 512, 1024, 2048)]
    shapes += [(3136, 64, 64), (3136, 256, 64), (3136, 64, 256), (784, 128, 512), (784, 512, 128), (196, 256, 1024),
               (196, 1024, 256), (49, 512, 2048), (49, 2048, 512)]
    shapes += [(12544, 16, 32), (12544, 96, 16), (3136, 24, 96), (3136, 144, 24), (784, 32, 144), (784, 192, 32),
               (196, 64, 384), (196, 384, 64), (196, 96, 576), (49, 160, 960), (49, 960, 160), (49, 1280, 320)]
    shapes += [(128, 768, 768), (128, 3072, 768), (128, 768, 3072), (16, 768, 768)]
    for m, n, k in shapes:
        yield Case(f"MatMul {m}x{n}x{k}", "MatMul", f32(m, k), [f32(k, n)])


def depthwise():
    """A convolution by itself, channels first before and after, as a model of one node has it; inside of networks both
    engines have layouts of their own (make bench-models)."""
    for kernel, stride, channels, size in ((3, 1, 32, 112), (3, 1, 144, 56), (3, 1, 192, 28), (3, 1, 576, 14), (5, 1, 240, 28),
                                           (3, 2, 12, 112), (3, 2, 30, 112), (3, 2, 96, 112), (3, 2, 144, 56), (3, 2, 100, 56),
                                           (3, 2, 192, 28), (3, 2, 576, 14), (5, 2, 72, 56), (5, 2, 144, 56), (5, 2, 30, 56)):
        yield Case(f"Conv depthwise {kernel}x{kernel}s{stride} {channels}@{size}", "Conv", f32(1, channels, size, size),
                   [f32(channels, 1, kernel, kernel)], [f32(channels)], group=channels, strides=[stride, stride],
                   pads=[kernel // 2] * 4)


def recurrent():
    for op, gates in ("LSTM", 4), ("GRU", 3):
        for n in 64, 128, 256, 512:
            for steps in 1, 100:
                w = [f32(1, gates * n, n, low=-0.1, high=0.1)], [f32(1, gates * n, n, low=-0.1, high=0.1)]
                yield Case(f"{op} hidden {n} steps {steps}", op, f32(steps, 1, n), *w, [f32(1, 2 * gates * n, low=-0.1, high=0.1)],
                           hidden_size=n)
    q = lambda: f32(1, 12, 128, 64)
    yield Case("Attention 12 heads 128x64", "Attention", q(), q(), q(), opset=23)


def promise(case):
    if case.op == "Conv":
        return 3 if case.attrs["strides"][0] == 2 else 1
    return 4 if case.op in FOUR and case.name not in ("Pow 2",) else 1


def linnet(build, path, files, a, threads=None):
    out = os.path.join(build, "bench.json")
    command = [os.path.join(build, "linnet"), "bench", path, "--threads", str(threads or a.threads), "--time", str(a.time), "--json", out]
    for name, file in files.items():
        command += ["--input", f"{name}={file}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["?"])[-1])
    with open(out, encoding="utf-8") as f:
        return 1e6 * json.load(f)["median_seconds"]


class Peer:
    def __init__(self, path, feed, threads):
        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads, o.log_severity_level = threads, 1, 4
        o.add_session_config_entry("session.intra_op.allow_spinning", "1")
        self.session = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
        self.io = self.session.io_binding()
        self.kept = [ort.OrtValue.ortvalue_from_numpy(x) for x in feed.values()]
        for name, value in zip(feed, self.kept):
            self.io.bind_ortvalue_input(name, value)
        for o, y in zip(self.session.get_outputs(), self.session.run(None, feed)):
            self.kept.append(ort.OrtValue.ortvalue_from_numpy(y))
            self.io.bind_ortvalue_output(o.name, self.kept[-1])

    def run(self, seconds):
        times, end = [], time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            begin = time.perf_counter()
            self.session.run_with_iobinding(self.io)
            times.append(time.perf_counter() - begin)
        return 1e6 * statistics.median(times)


def scale(a, folder):
    """The products with one thread and with more: GFLOP/s, and how many times as fast."""
    mine, theirs, head = [], [], f"{a.threads} threads"
    print(f"{'GFLOP/s':24} {'Linnet':>8} {head:>10} {'times':>6} {'ORT':>8} {head:>10} {'times':>6} {'Linnet/ORT':>11}")
    for case in products():
        if a.only and not any(fnmatch.fnmatch(case.name, o) for o in a.only):
            continue
        path, feed, files = case.save(folder)
        times = [[], [], [], []]
        for _ in range(a.rounds):
            for i, threads in enumerate((1, a.threads)):
                times[i].append(linnet(a.build, path, files, a, threads))
                times[2 + i].append(Peer(path, feed, threads).run(a.time))
        us = [statistics.median(t) for t in times]
        m, n, k = map(int, case.name.split()[1].split("x"))
        rate = [2e-3 * m * n * k / t for t in us]
        mine.append(us[0] / us[1])
        theirs.append(us[2] / us[3])
        print(f"{case.name:24} {rate[0]:8.1f} {rate[1]:10.1f} {mine[-1]:6.2f} {rate[2]:8.1f} {rate[3]:10.1f} {theirs[-1]:6.2f} "
              f"{us[3] / us[1]:11.2f}", flush=True)
    mean = lambda v: math.exp(sum(map(math.log, v)) / len(v))
    print(f"geometric means, {a.threads} threads over one: Linnet {mean(mine):.2f}, ONNX Runtime {mean(theirs):.2f}")
    return 1 if a.check and mean(mine) < 1.85 / 2 * a.threads else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--time", type=float, default=0.1, help="seconds of runs in a round")
    parser.add_argument("--assert", action="store_true", dest="check")
    parser.add_argument("--list", action="store_true", help="print the names only")
    parser.add_argument("--scale", action="store_true", help="products with one thread and with --threads")
    parser.add_argument("only", nargs="*")
    a = parser.parse_intermixed_args()
    folder = os.path.join(a.build, "bench-ops")
    os.makedirs(folder, exist_ok=True)
    if a.scale:
        return scale(a, folder)
    ratios, below = [], []
    print(f"{'operator':36} {'Linnet us':>10} {'ORT us':>10} {'ratio':>7}")
    for case in (c for group in (maps, rows, images, products, depthwise, recurrent) for c in group()):
        if a.only and not any(fnmatch.fnmatch(case.name, o) for o in a.only):
            continue
        if a.list:
            print(case.name)
            continue
        path, feed, files = case.save(folder)
        try:
            peer, ours, theirs = Peer(path, feed, a.threads), [], []
        except Exception as e:  # pylint: disable=broad-except
            print(f"{case.name:36} ONNX Runtime cannot: {str(e).splitlines()[0][:60]}; Linnet {linnet(a.build, path, files, a):.2f} us")
            continue
        try:
            for _ in range(a.rounds):
                ours.append(linnet(a.build, path, files, a))
                theirs.append(peer.run(a.time))
        except RuntimeError as e:
            print(f"{case.name:36} {e}")
            below.append(case.name)
            continue
        mine, other = statistics.median(ours), statistics.median(theirs)
        ratios.append(other / mine)
        missed = ratios[-1] < promise(case)
        if missed:
            below.append(case.name)
        print(f"{case.name:36} {mine:10.2f} {other:10.2f} {ratios[-1]:7.2f}" + (f"  below {promise(case)}" if missed else ""), flush=True)
    if ratios:
        print(f"geometric mean of {len(ratios)} ratios: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}; "
              f"{len(below)} below what is promised")
    return 1 if a.check and below else 0


sys.exit(main())
