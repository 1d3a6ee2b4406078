#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the network of `make demo`: handwritten digits of 8 x 8 pixels, by two convolutions and two dense layers.

The data is the "Optical Recognition of Handwritten Digits" set (E. Alpaydin, C. Kaynak, 1998, UCI, CC BY 4.0) as
scikit-learn ships it: 1797 real digits of 43 writers. The training is plain NumPy, seeded, under a minute on one core.
It writes digits.onnx and, from the digits that it was not trained on, one PNG of each class.

    python3 -m venv /tmp/digits && /tmp/digits/bin/pip install numpy scikit-learn onnx pillow
    /tmp/digits/bin/python models/digits/train.py
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCHS, BATCH, RATE = 60, 64, 2e-3
rng = np.random.default_rng(7)


def patches(x):
    """The 3 x 3 neighbourhood of every pixel: N, C, H, W -> N, H, W, C * 9."""
    n, c, h, w = x.shape
    p = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    s = [p[:, :, i:i + h, j:j + w] for i in range(3) for j in range(3)]
    return np.stack(s, axis=2).transpose(0, 3, 4, 1, 2).reshape(n, h, w, c * 9)


def unpatch(d, shape):
    """The adjoint of patches."""
    n, c, h, w = shape
    d = d.reshape(n, h, w, c, 9).transpose(0, 3, 4, 1, 2)
    p = np.zeros((n, c, h + 2, w + 2), d.dtype)
    for k in range(9):
        p[:, :, k // 3:k // 3 + h, k % 3:k % 3 + w] += d[:, :, k]
    return p[:, :, 1:-1, 1:-1]


def conv(x, w, b):
    q = patches(x)
    return q, (q @ w.reshape(len(w), -1).T + b).transpose(0, 3, 1, 2)


def forward(p, x):
    q1, a1 = conv(x, p["w1"], p["b1"])
    r1 = np.maximum(a1, 0)
    q2, a2 = conv(r1, p["w2"], p["b2"])
    r2 = np.maximum(a2, 0)
    n, c, h, w = r2.shape
    t = r2.reshape(n, c, h // 2, 2, w // 2, 2)
    m = t.max(axis=(3, 5))
    f = m.reshape(n, -1)
    a3 = f @ p["w3"].T + p["b3"]
    r3 = np.maximum(a3, 0)
    return (q1, a1, r1, q2, a2, t, m, f, a3, r3), r3 @ p["w4"].T + p["b4"]


def gradients(p, x, y):
    (q1, a1, r1, q2, a2, t, m, f, a3, r3), z = forward(p, x)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    d = e / e.sum(axis=1, keepdims=True)
    d[np.arange(len(y)), y] -= 1
    d /= len(y)
    g = {"w4": d.T @ r3, "b4": d.sum(0)}
    d = (d @ p["w4"]) * (a3 > 0)
    g["w3"], g["b3"] = d.T @ f, d.sum(0)
    d = (d @ p["w3"]).reshape(m.shape)[:, :, :, None, :, None] * (t == m[:, :, :, None, :, None])
    d = d.reshape(a2.shape) * (a2 > 0)
    d = d.transpose(0, 2, 3, 1)
    g["w2"] = np.tensordot(d, q2, ((0, 1, 2), (0, 1, 2))).reshape(p["w2"].shape)
    g["b2"] = d.sum((0, 1, 2))
    d = unpatch(d @ p["w2"].reshape(len(p["w2"]), -1), r1.shape) * (a1 > 0)
    d = d.transpose(0, 2, 3, 1)
    g["w1"] = np.tensordot(d, q1, ((0, 1, 2), (0, 1, 2))).reshape(p["w1"].shape)
    g["b1"] = d.sum((0, 1, 2))
    return g


def shifted(x):
    """Each image moved by up to one pixel."""
    out = np.empty_like(x)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    for i, (dy, dx) in enumerate(rng.integers(0, 3, (len(x), 2))):
        out[i] = padded[i, :, dy:dy + 8, dx:dx + 8]
    return out


def accuracy(p, x, y):
    return float((forward(p, x)[1].argmax(1) == y).mean())


def train(x, y):
    sizes = {"w1": (16, 1, 3, 3), "w2": (32, 16, 3, 3), "w3": (48, 512), "w4": (10, 48)}
    p = {k: (rng.standard_normal(s) * np.sqrt(2 / np.prod(s[1:]))).astype(np.float32) for k, s in sizes.items()}
    p.update({"b" + k[1]: np.zeros(s[0], np.float32) for k, s in sizes.items()})
    first = {k: np.zeros_like(v) for k, v in p.items()}
    second = {k: np.zeros_like(v) for k, v in p.items()}
    step = 0
    for epoch in range(EPOCHS):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(x))
        for at in range(0, len(x), BATCH):
            pick = order[at:at + BATCH]
            step += 1
            for k, g in gradients(p, shifted(x[pick]), y[pick]).items():  # Adam
                first[k] = 0.9 * first[k] + 0.1 * g
                second[k] = 0.999 * second[k] + 0.001 * g * g
                m, v = first[k] / (1 - 0.9 ** step), second[k] / (1 - 0.999 ** step)
                p[k] = (p[k] - rate * (m / (np.sqrt(v) + 1e-8) + 1e-4 * p[k])).astype(np.float32)
    return p


def export(p, path):
    """Pixels of 0 to 255 in, probabilities out."""
    node = helper.make_node
    nodes = [
        node("Mul", ["image", "scale"], ["scaled"], name="scale"),
        node("Conv", ["scaled", "w1", "b1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["c1"], ["r1"], name="relu1"),
        node("Conv", ["r1", "w2", "b2"], ["c2"], name="conv2", pads=[1, 1, 1, 1]),
        node("Relu", ["c2"], ["r2"], name="relu2"),
        node("MaxPool", ["r2"], ["pool"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["pool"], ["flat"], name="flatten"),
        node("Gemm", ["flat", "w3", "b3"], ["d3"], name="dense3", transB=1),
        node("Relu", ["d3"], ["r3"], name="relu3"),
        node("Gemm", ["r3", "w4", "b4"], ["d4"], name="dense4", transB=1),
        node("Softmax", ["d4"], ["probabilities"], name="softmax", axis=1),
    ]
    weights = [numpy_helper.from_array(v, k) for k, v in sorted(p.items())]
    weights.append(numpy_helper.from_array(np.array(1 / 255, np.float32), "scale"))
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])], weights)
    model = helper.make_model(graph, producer_name="linnet models/digits/train.py",
                              opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"preset": "raw", "labels": ",".join("0123456789")})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    y = digits.target
    order = np.random.default_rng(1).permutation(len(x))
    held, rest = order[:360], order[360:]
    # What the network sees is what a PNG holds: 0..16 in 256 steps.
    x = np.round(x * 255).astype(np.float32) / 255
    p = train(x[rest], y[rest])
    print(f"accuracy: {accuracy(p, x[rest], y[rest]):.4f} on {len(rest)} training images, "
          f"{accuracy(p, x[held], y[held]):.4f} on {len(held)} held out")
    path = os.path.join(HERE, "digits.onnx")
    export(p, path)
    print(f"{path}: {os.path.getsize(path)} bytes")
    for digit in range(10):
        i = next(i for i in held if y[i] == digit)
        Image.fromarray(np.round(x[i, 0] * 255).astype(np.uint8)).save(os.path.join(HERE, f"digit_{digit}.png"))


main()
