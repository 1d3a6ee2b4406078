#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""BirdNET V2.4 as an ONNX graph, and Linnet beside ONNX Runtime on it.

    bench/with_python.sh BUILD bench/birdnet_v24.py BUILD [--form stft|dft] [--rounds N] [--time S] [--write FILE]

The graph is built from the Keras topology that is published without its weights (../shared/models/birdnet): samples
in, two mel layers with their published filterbanks, the whole network, 6522 scores out. The weights are random and
seeded, so anyone gets the same graph, and scaled so that no score saturates; what it hears means nothing, how long it
takes does. A mel layer scales its samples to -1 .. 1, takes the real part of a windowed transform (the original casts the
complex result to float), the filterbank, a power of the square that is learnt, and turns frequencies around.

--write FILE only writes the graph. Otherwise the outputs are compared on a sound and the two take turns, on one thread:
the exit code is 1 when they differ, Linnet is less than 2 times as fast, or transforms take 15 % of its time or more.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SHARED = os.environ.get("LINNET_SHARED", "../shared")
TOPOLOGY = SHARED + "/models/birdnet/V2.4_tfjs_model.json"
SOUND = SHARED + "/inputs/birdnet_48k_3s.wav"
SAMPLES, CLASSES = 144000, 6522
# What a transform and all that prepares it for the network may be called in `linnet bench`.
TRANSFORMS = {"DFT", "STFT", "Spectrogram"}


class Graph:
    """Nodes and weights; every value has a name and, in `shape`, its dimensions without the batch."""

    def __init__(self, seed):
        self.nodes, self.weights, self.shape = [], [], {}
        self.rng = np.random.default_rng(seed)

    def weight(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def ints(self, *values):
        return self.weight(np.array(values, np.int64))

    def add(self, op, inputs, name=None, shape=None, **attributes):
        name = name or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        self.shape[name] = shape
        return name


def mel_layer(g, c, x, form):
    """[1, samples] -> [1, 1, bands, frames]"""
    length, step = c["frame_length"], c["frame_step"]
    frames = (SAMPLES - length) // step + 1
    bank = np.array(c["mel_filterbank"], np.float32)
    assert bank.shape == (length // 2 + 1, c["spec_shape"][0])
    window = np.float32(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length))
    x = g.add("Sub", [x, g.add("ReduceMin", [x], axes=[1])])
    x = g.add("Div", [x, g.add("Add", [g.add("ReduceMax", [x], axes=[1]), g.weight(np.float32(1e-6))])])
    x = g.add("Mul", [g.add("Sub", [x, g.weight(np.float32(0.5))]), g.weight(np.float32(2))])
    if form == "stft":
        x = g.add("Unsqueeze", [x, g.ints(2)])
        x = g.add("STFT", [x, g.weight(np.int64(step)), g.weight(window), g.weight(np.int64(length))], onesided=1)
    else:
        at = np.arange(frames)[:, None] * step + np.arange(length)
        x = g.add("Mul", [g.add("Gather", [x, g.weight(at.astype(np.int64))], axis=1), g.weight(window)])
        x = g.add("DFT", [g.add("Unsqueeze", [x, g.ints(3)])], axis=2, onesided=1)
    x = g.add("Gather", [x, g.weight(np.int64(0))], axis=3)
    x = g.add("Pow", [g.add("MatMul", [x, g.weight(bank)]), g.weight(np.float32(2))])
    scale = 1.23 + 0.1 * g.rng.standard_normal()
    x = g.add("Pow", [x, g.weight(np.float32(1 / (1 + np.exp(scale))))])
    x = g.add("Slice", [x, g.ints(-1), g.ints(-2**31), g.ints(2), g.ints(-1)])
    x = g.add("Transpose", [x], perm=[0, 2, 1])
    return g.add("Unsqueeze", [x, g.ints(1)], c["name"], (1, bank.shape[1], frames))


def activation(g, x, kind, name):
    shape = g.shape[x]
    if kind == "linear":
        return g.add("Identity", [x], name, shape)
    if kind == "swish":
        return g.add("Mul", [x, g.add("Sigmoid", [x])], name, shape)
    return g.add({"relu": "Relu", "sigmoid": "Sigmoid"}[kind], [x], name, shape)


def convolution(g, c, x, depthwise):
    channels, *size = g.shape[x]
    kernel, strides, same = c["kernel_size"], c["strides"], c["padding"] == "same"
    assert c["dilation_rate"] == [1, 1] and c["groups"] == 1
    out = [-(-n // s) if same else (n - k) // s + 1 for n, k, s in zip(size, kernel, strides)]
    pads = [max(0, (o - 1) * s + k - n) if same else 0 for o, n, k, s in zip(out, size, kernel, strides)]
    pads = [p // 2 for p in pads] + [p - p // 2 for p in pads]
    filters, each = (channels, 1) if depthwise else (c["filters"], channels)
    w = g.rng.standard_normal((filters, each, *kernel)) * np.sqrt(1 / (each * np.prod(kernel)))
    inputs = [x, g.weight(w.astype(np.float32))]
    if c["use_bias"]:
        inputs.append(g.weight(np.float32(0.1 * g.rng.standard_normal(filters))))
    x = g.add("Conv", inputs, None, (filters, *out), kernel_shape=kernel, strides=strides, pads=pads,
              group=channels if depthwise else 1)
    return activation(g, x, c["activation"], c["name"])


def layer(g, kind, c, inputs, form):
    name, x = c["name"], inputs[0]
    shape = g.shape[x]
    if kind == "MelSpecLayerSimple":
        return mel_layer(g, c, x, form)
    if kind in ("Conv2D", "DepthwiseConv2D"):
        return convolution(g, c, x, kind[0] == "D")
    if kind == "Activation":
        return activation(g, x, c["activation"], name)
    if kind == "BatchNormalization":
        n = shape[0]
        draw = lambda low, high: g.weight(np.float32(g.rng.uniform(low, high, n)))
        return g.add("BatchNormalization", [x, draw(0.8, 1.2), draw(-0.1, 0.1), draw(-0.1, 0.1), draw(0.8, 1.2)], name,
                     shape, epsilon=c["epsilon"])
    if kind == "Dropout":
        return g.add("Identity", [x], name, shape)
    if kind == "Concatenate":
        return g.add("Concat", inputs, name, (sum(g.shape[i][0] for i in inputs), *shape[1:]), axis=1)
    if kind in ("MaxPooling2D", "AveragePooling2D"):
        assert c["padding"] == "valid"
        size = [(n - k) // s + 1 for n, k, s in zip(shape[1:], c["pool_size"], c["strides"])]
        return g.add(kind[:-9] + "Pool", [x], name, (shape[0], *size), kernel_shape=c["pool_size"], strides=c["strides"])
    if kind == "ZeroPadding2D":
        (t, b), (l, r) = c["padding"]
        return g.add("Pad", [x, g.ints(0, 0, t, l, 0, 0, b, r)], name, (shape[0], shape[1] + t + b, shape[2] + l + r))
    if kind == "GlobalAveragePooling2D":
        return g.add("GlobalAveragePool", [x], name, (shape[0], 1, 1))
    if kind == "Reshape":  # to what GlobalAveragePool has kept
        assert c["target_shape"] == [1, 1, shape[0]]
        return g.add("Identity", [x], name, shape)
    if kind in ("Multiply", "Add"):
        return g.add(kind[:3] if kind == "Add" else "Mul", inputs, name, shape)
    if kind == "Dense":
        w = g.rng.standard_normal((shape[0], c["units"])) * np.sqrt(1 / shape[0])
        bias = 0.1 * g.rng.standard_normal(c["units"])
        x = g.add("Gemm", [g.add("Flatten", [x]), g.weight(w.astype(np.float32)), g.weight(np.float32(bias))], None,
                  (c["units"],))
        return activation(g, x, c["activation"], name)
    raise ValueError(f"{name}: no layer of kind {kind} was expected")


def build(form, seed=24):
    with open(TOPOLOGY, encoding="utf-8") as f:
        config = json.load(f)["modelTopology"]["model_config"]["config"]
    g, at = Graph(seed), {}
    for l in config["layers"]:
        c = l["config"]
        if l["class_name"] == "InputLayer":
            assert c["batch_input_shape"] == [None, SAMPLES]
            at[c["name"]], g.shape[c["name"]] = c["name"], (SAMPLES,)
            continue
        inputs = [at[i[0]] for i in l["inbound_nodes"][0]]
        at[c["name"]] = layer(g, l["class_name"], c, inputs, form)
    (source, *_), = config["input_layers"]
    (last, *_), = config["output_layers"]
    assert g.shape[at[last]] == (CLASSES,)
    value = lambda name, n: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n])
    graph = helper.make_graph(g.nodes, f"birdnet_v24_{form}", [value(source, SAMPLES)], [value(at[last], CLASSES)],
                              g.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def sound():
    import wave
    with wave.open(SOUND) as w:
        assert w.getframerate() == 48000 and w.getsampwidth() == 2 and w.getnchannels() == 1
        x = np.frombuffer(w.readframes(w.getnframes()), "<i2").astype(np.float32) / 32768
    return np.resize(x, (1, SAMPLES))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build")
    p.add_argument("--form", choices=["stft", "dft"], default="stft")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--time", type=float, default=1, help="seconds of runs in a round, of each")
    p.add_argument("--write", metavar="FILE")
    a = p.parse_args()
    if a.write:
        onnx.save(build(a.form), a.write)
        return 0
    import onnxruntime
    path = f"{a.build}/birdnet_v24_{a.form}.onnx"
    audio, ours = f"{a.build}/birdnet_v24.npy", f"{a.build}/birdnet_v24_out.npy"
    onnx.save(build(a.form), path)
    feed = {"INPUT": sound()}
    np.save(audio, feed["INPUT"])
    linnet = f"{a.build}/linnet"
    o = onnxruntime.SessionOptions()
    o.intra_op_num_threads = o.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    want = session.run(None, feed)[0]
    name = session.get_outputs()[0].name
    subprocess.run([linnet, "run", path, "-i", f"INPUT={audio}", "-o", f"{name}={ours}"], check=True,
                   stdout=subprocess.DEVNULL)
    error = float(np.abs(np.load(ours) - want).max())
    print(f"{want.size} scores from {want.min():.3f} to {want.max():.3f}; largest difference {error:.1e}")
    rounds, theirs = [], []
    for _ in range(a.rounds):
        out = f"{a.build}/birdnet_v24.json"
        subprocess.run([linnet, "bench", path, "--threads", "1", "--time", str(a.time), "-i", f"INPUT={audio}",
                        "--json", out], check=True, stdout=subprocess.DEVNULL)
        with open(out, encoding="utf-8") as f:
            rounds.append(json.load(f))
        began, times = time.perf_counter(), []
        while time.perf_counter() - began < a.time or len(times) < 3:
            t = time.perf_counter()
            session.run(None, feed)
            times.append(time.perf_counter() - t)
        theirs.append(statistics.median(times))
    mine = statistics.median(r["median_seconds"] for r in rounds)
    theirs = statistics.median(theirs)
    least = lambda name: min(r["seconds"] for one in rounds for r in one["operators"] if r["operator"] == name)
    table = [dict(r, seconds=least(r["operator"])) for r in rounds[0]["operators"]]
    total = sum(r["seconds"] for r in table)
    for r in table:
        print(f"  {r['operator']:24} {r['steps']:4} steps {1e3 * r['seconds']:8.3f} ms {100 * r['seconds'] / total:5.1f} %")
    share = sum(r["seconds"] for r in table if r["operator"].split(".")[-1] in TRANSFORMS) / total
    print(f"Linnet {1e3 * mine:.2f} ms, ONNX Runtime {1e3 * theirs:.2f} ms, {theirs / mine:.2f} times as fast; "
          f"transforms {100 * share:.1f} % of the time")
    good = error <= 1e-4 * (want.max() - want.min()) and theirs >= 2 * mine and share < 0.15
    print("good" if good else "FAIL")
    return not good


sys.exit(main())
