#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Well-known networks with seeded random weights, as exporters write them, for `make bench-models`.

    bench/networks.py FOLDER [NAME]...

What is there is kept. Weights are normal, scaled by the fan-in, so that activations stay near one. Batch normalisations
are folded into convolutions, as the usual export for inference does; attention, LayerNormalization and Gelu are
written out in small nodes, as exports for opsets before 17 do.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Net:
    """A graph that grows node by node; methods return the names of values."""

    def __init__(self, name, seed):
        self.name, self.rng = name, np.random.default_rng(seed)
        self.nodes, self.weights, self.inputs, self.outputs, self.shared = [], [], [], [], {}

    def op(self, kind, *inputs, outputs=1, **attributes):
        names = [f"{kind.lower()}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind}_{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        value = np.asarray(value)
        key = (value.dtype.str, value.shape, value.tobytes()) if value.size < 16 else len(self.weights)
        if key not in self.shared:
            self.shared[key] = f"weight_{len(self.weights)}"
            self.weights.append(numpy_helper.from_array(value, self.shared[key]))
        return self.shared[key]

    def random(self, *shape, fan_in=None, gain=2.0):
        fan_in = fan_in or int(np.prod(shape[1:]))
        return self.constant((self.rng.standard_normal(shape) * np.sqrt(gain / fan_in)).astype(np.float32))

    def small(self, n, around=0.0):
        return self.constant((self.rng.standard_normal(n) * 0.05 + around).astype(np.float32))

    def scalar(self, value):
        return self.constant(np.float32(value))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def input(self, name, shape, kind=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, value, name):
        self.nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))

    def save(self, path, opset=14):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)

    # -- convolutional networks ---------------------------------------------------------------------------------

    def conv(self, x, c_in, c_out, kernel=1, stride=1, group=1, act=None, gain=2.0, pad=None):
        pad = (kernel - 1) // 2 if pad is None else pad
        y = self.op("Conv", x, self.random(c_out, c_in // group, kernel, kernel, gain=gain), self.small(c_out),
                    kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=group)
        return self.act(y, act)

    def act(self, x, act):
        if act == "relu6":
            return self.op("Clip", x, self.scalar(0), self.scalar(6))
        if act == "silu":
            return self.op("Mul", x, self.op("Sigmoid", x))
        return self.op({"relu": "Relu", "hswish": "HardSwish", "sigmoid": "Sigmoid"}[act], x) if act else x

    def squeeze(self, x, channels, middle, act, gate):
        y = self.op("GlobalAveragePool", x)
        y = self.conv(y, channels, middle, act=act)
        y = self.conv(y, middle, channels, gain=1.0)
        y = self.op("HardSigmoid", y, alpha=1 / 6) if gate == "hsigmoid" else self.op("Sigmoid", y)
        return self.op("Mul", y, x)

    def linear(self, x, n_in, n_out):
        return self.op("Gemm", x, self.random(n_out, n_in, gain=1.0), self.small(n_out), transB=1)

    def inverted(self, x, c_in, middle, c_out, kernel, stride, act, squeeze=0, gate="sigmoid"):
        """The block of the mobile networks: wide, depthwise, narrow."""
        y = self.conv(x, c_in, middle, act=act) if middle != c_in else x
        y = self.conv(y, middle, middle, kernel, stride, group=middle, act=act)
        if squeeze:
            y = self.squeeze(y, middle, squeeze, "silu" if act == "silu" else "relu", gate)
        y = self.conv(y, middle, c_out, gain=1.0)
        return self.op("Add", x, y) if stride == 1 and c_in == c_out else y

    # -- transformers -------------------------------------------------------------------------------------------

    def norm(self, x, size):
        centred = self.op("Sub", x, self.op("ReduceMean", x, axes=[-1]))
        variance = self.op("ReduceMean", self.op("Pow", centred, self.scalar(2)), axes=[-1])
        root = self.op("Sqrt", self.op("Add", variance, self.scalar(1e-5)))
        return self.op("Add", self.op("Mul", self.op("Div", centred, root), self.small(size, 1.0)), self.small(size))

    def dense(self, x, n_in, n_out):
        """As the export writes a Linear of a tensor of rank 3."""
        return self.op("Add", self.small(n_out), self.op("MatMul", x, self.random(n_in, n_out, fan_in=n_in, gain=1.0)))

    def gelu(self, x):
        y = self.op("Add", self.op("Erf", self.op("Div", x, self.scalar(np.sqrt(2)))), self.scalar(1))
        return self.op("Mul", self.op("Mul", x, y), self.scalar(0.5))

    def gelu_tanh(self, x):
        inner = self.op("Add", x, self.op("Mul", self.op("Pow", x, self.scalar(3)), self.scalar(0.044715)))
        y = self.op("Add", self.op("Tanh", self.op("Mul", inner, self.scalar(np.sqrt(2 / np.pi)))), self.scalar(1))
        return self.op("Mul", self.op("Mul", x, self.scalar(0.5)), y)

    def heads(self, x, length, heads, size, perm):
        return self.op("Transpose", self.op("Reshape", x, self.ints(1, length, heads, size)), perm=perm)

    def attention(self, q, k, v, size, mask=None):
        """q, v: [1, heads, length, size]; k: [1, heads, size, length]."""
        scores = self.op("Div", self.op("MatMul", q, k), self.scalar(np.sqrt(size)))
        scores = self.op("Add", scores, mask) if mask else scores
        return self.op("MatMul", self.op("Softmax", scores, axis=-1), v)

    def joined(self, x, length, width):
        return self.op("Reshape", self.op("Transpose", x, perm=[0, 2, 1, 3]), self.ints(1, length, width))


def mobilenet_v2():
    n = Net("mobilenet_v2", 1)
    x = n.conv(n.input("image", [1, 3, 224, 224]), 3, 32, 3, 2, act="relu6")
    c = 32
    for expand, out, repeat, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                        (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(repeat):
            x = n.inverted(x, c, c * expand, out, 3, stride if i == 0 else 1, "relu6")
            c = out
    x = n.conv(x, 320, 1280, act="relu6")
    n.output(n.linear(n.op("Flatten", n.op("GlobalAveragePool", x)), 1280, 1000), "logits")
    return n


def mobilenet_v3_small():
    n = Net("mobilenet_v3_small", 2)
    x = n.conv(n.input("image", [1, 3, 224, 224]), 3, 16, 3, 2, act="hswish")
    c = 16
    for kernel, middle, out, squeeze, act, stride in (
            (3, 16, 16, 8, "relu", 2), (3, 72, 24, 0, "relu", 2), (3, 88, 24, 0, "relu", 1), (5, 96, 40, 24, "hswish", 2),
            (5, 240, 40, 64, "hswish", 1), (5, 240, 40, 64, "hswish", 1), (5, 120, 48, 32, "hswish", 1),
            (5, 144, 48, 40, "hswish", 1), (5, 288, 96, 72, "hswish", 2), (5, 576, 96, 144, "hswish", 1),
            (5, 576, 96, 144, "hswish", 1)):
        x = n.inverted(x, c, middle, out, kernel, stride, act, squeeze, "hsigmoid")
        c = out
    x = n.conv(x, 96, 576, act="hswish")
    x = n.op("HardSwish", n.linear(n.op("Flatten", n.op("GlobalAveragePool", x)), 576, 1024))
    n.output(n.linear(x, 1024, 1000), "logits")
    return n


def efficientnet_b0():
    n = Net("efficientnet_b0", 3)
    x = n.conv(n.input("image", [1, 3, 224, 224]), 3, 32, 3, 2, act="silu")
    c = 32
    for expand, out, repeat, stride, kernel in ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
                                                (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)):
        for i in range(repeat):
            x = n.inverted(x, c, c * expand, out, kernel, stride if i == 0 else 1, "silu", max(1, c // 4))
            c = out
    x = n.conv(x, 320, 1280, act="silu")
    n.output(n.linear(n.op("Flatten", n.op("GlobalAveragePool", x)), 1280, 1000), "logits")
    return n


def resnet_18():
    n = Net("resnet_18", 4)
    x = n.conv(n.input("image", [1, 3, 224, 224]), 3, 64, 7, 2, act="relu")
    x = n.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    c = 64
    for out in (64, 128, 256, 512):
        for i in range(2):
            stride = 2 if i == 0 and out != 64 else 1
            y = n.conv(n.conv(x, c, out, 3, stride, act="relu"), out, out, 3, gain=1.0)
            x = n.conv(x, c, out, 1, stride, gain=1.0) if stride == 2 else x
            x, c = n.op("Relu", n.op("Add", y, x)), out
    n.output(n.linear(n.op("Flatten", n.op("GlobalAveragePool", x)), 512, 1000), "logits")
    return n


def bert_base(layers=12, width=768, length=128, heads=12):
    n = Net("bert_base", 5)
    ids, size = n.input("input_ids", [1, length], TensorProto.INT64), width // heads
    mask = n.input("attention_mask", [1, length], TensorProto.INT64)
    mask = n.op("Cast", n.op("Unsqueeze", n.op("Unsqueeze", mask, n.ints(1)), n.ints(2)), to=TensorProto.FLOAT)
    mask = n.op("Mul", n.op("Sub", n.scalar(1), mask), n.scalar(-3.4028235e38))
    x = n.op("Gather", n.random(30522, width, fan_in=1, gain=1.0), ids)
    x = n.norm(n.op("Add", x, n.random(1, length, width, fan_in=1, gain=0.1)), width)
    for _ in range(layers):
        q = n.heads(n.dense(x, width, width), length, heads, size, [0, 2, 1, 3])
        k = n.heads(n.dense(x, width, width), length, heads, size, [0, 2, 3, 1])
        v = n.heads(n.dense(x, width, width), length, heads, size, [0, 2, 1, 3])
        y = n.joined(n.attention(q, k, v, size, mask), length, width)
        x = n.norm(n.op("Add", n.dense(y, width, width), x), width)
        y = n.dense(n.gelu(n.dense(x, width, 4 * width)), 4 * width, width)
        x = n.norm(n.op("Add", y, x), width)
    n.output(x, "hidden")
    pooled = n.op("Gather", x, n.constant(np.int64(0)), axis=1)
    n.output(n.op("Tanh", n.linear(pooled, width, width)), "pooled")
    return n


def gpt_step(layers=8, width=512, heads=8, past=255, words=10000):
    """One token of a decoder of 30 million parameters, with the cache of the ones before."""
    n = Net("gpt_step", 6)
    ids, size = n.input("input_ids", [1, 1], TensorProto.INT64), width // heads
    words_table = n.random(words, width, fan_in=1, gain=1.0)
    x = n.op("Add", n.op("Gather", words_table, ids), n.random(1, 1, width, fan_in=1, gain=0.1))
    for layer in range(layers):
        y = n.op("Reshape", n.norm(x, width), n.ints(-1, width))
        y = n.op("Gemm", y, n.random(width, 3 * width, fan_in=width, gain=1.0), n.small(3 * width))
        y = n.op("Split", n.op("Reshape", y, n.ints(1, 1, 3 * width)), n.ints(width, width, width), outputs=3, axis=2)
        q, k, v = (n.heads(part, 1, heads, size, [0, 2, 1, 3]) for part in y)
        for name in ("key", "value"):
            old = n.input(f"past_{name}_{layer}", [1, heads, past, size])
            joined = n.op("Concat", old, k if name == "key" else v, axis=-2)
            n.output(joined, f"present_{name}_{layer}")
            k, v = (joined, v) if name == "key" else (k, joined)
        y = n.attention(q, n.op("Transpose", k, perm=[0, 1, 3, 2]), v, size)
        y = n.op("Reshape", n.joined(y, 1, width), n.ints(-1, width))
        y = n.op("Gemm", y, n.random(width, width, gain=1.0), n.small(width))
        x = n.op("Add", n.op("Reshape", y, n.ints(1, 1, width)), x)
        y = n.op("Reshape", n.norm(x, width), n.ints(-1, width))
        y = n.op("Gemm", y, n.random(width, 4 * width, fan_in=width, gain=1.0), n.small(4 * width))
        y = n.op("Gemm", n.gelu_tanh(y), n.random(4 * width, width, gain=1.0, fan_in=4 * width), n.small(width))
        x = n.op("Add", n.op("Reshape", y, n.ints(1, 1, width)), x)
    n.output(n.op("MatMul", n.norm(x, width), n.op("Transpose", words_table, perm=[1, 0])), "logits")
    return n


def conformer(blocks=4, width=256, heads=4, frames=400, mels=80, kernel=31):
    """Four blocks of a conformer behind its subsampling by 4, on 4 seconds of mel frames."""
    n = Net("conformer", 7)
    x = n.op("Unsqueeze", n.input("mel", [1, frames, mels]), n.ints(1))
    x = n.conv(n.conv(x, 1, width, 3, 2, act="relu", pad=0), width, width, 3, 2, act="relu", pad=0)
    length, bands = ((frames - 1) // 2 - 1) // 2, ((mels - 1) // 2 - 1) // 2
    x = n.op("Reshape", n.op("Transpose", x, perm=[0, 2, 1, 3]), n.ints(1, length, width * bands))
    x = n.dense(x, width * bands, width)

    def feed_forward(x):
        y = n.act(n.dense(n.norm(x, width), width, 4 * width), "silu")
        return n.op("Add", x, n.op("Mul", n.dense(y, 4 * width, width), n.scalar(0.5)))

    def conv1d(x, c_in, c_out, kernel=1, group=1):
        return n.op("Conv", x, n.random(c_out, c_in // group, kernel, gain=1.0), n.small(c_out), kernel_shape=[kernel],
                    pads=[kernel // 2] * 2, group=group)

    for _ in range(blocks):
        x = feed_forward(x)
        y, size = n.norm(x, width), width // heads
        q = n.heads(n.dense(y, width, width), length, heads, size, [0, 2, 1, 3])
        k = n.heads(n.dense(y, width, width), length, heads, size, [0, 2, 3, 1])
        v = n.heads(n.dense(y, width, width), length, heads, size, [0, 2, 1, 3])
        x = n.op("Add", x, n.dense(n.joined(n.attention(q, k, v, size), length, width), width, width))
        y = conv1d(n.op("Transpose", n.norm(x, width), perm=[0, 2, 1]), width, 2 * width)
        y, gate = n.op("Split", y, n.ints(width, width), outputs=2, axis=1)
        y = n.act(conv1d(n.op("Mul", y, n.op("Sigmoid", gate)), width, width, kernel, width), "silu")
        x = n.op("Add", x, n.op("Transpose", conv1d(y, width, width), perm=[0, 2, 1]))
        x = n.norm(feed_forward(x), width)
    n.output(x, "encoded")
    return n


def tcn(repeats=2, blocks=8, width=128, middle=512, samples=16000):
    """Separation of one second of sound by a temporal convolutional network: encoder, mask, decoder."""
    n = Net("tcn", 8)
    encoded = n.op("Relu", n.op("Conv", n.input("audio", [1, 1, samples]), n.random(256, 1, 16), n.small(256),
                                kernel_shape=[16], strides=[8]))

    def conv(x, c_in, c_out, kernel=1, dilation=1, group=1):
        pad = (kernel - 1) * dilation // 2
        return n.op("Conv", x, n.random(c_out, c_in // group, kernel, gain=1.0), n.small(c_out), kernel_shape=[kernel],
                    dilations=[dilation], pads=[pad] * 2, group=group)

    x = conv(encoded, 256, width)
    for _ in range(repeats):
        for block in range(blocks):
            y = n.op("PRelu", conv(x, width, middle), n.constant(np.full((1, 1), 0.25, np.float32)))
            y = conv(y, middle, middle, 3, 2 ** block, middle)
            y = n.op("PRelu", y, n.constant(np.full((1, 1), 0.25, np.float32)))
            x = n.op("Add", x, conv(y, middle, width))
    masked = n.op("Mul", encoded, n.op("Sigmoid", conv(x, width, 256)))
    n.output(n.op("ConvTranspose", masked, n.random(256, 1, 16, fan_in=512), kernel_shape=[16], strides=[8]), "separated")
    return n


def random_weights(model, seed=2026):
    """Makes every ConstantOfShape of a light model of the ONNX suite an initializer: normal, scaled by the fan-in; what
    a BatchNormalization reads stays near one (scale, variance) or zero. Returns the nodes that are left."""
    rng = np.random.default_rng(seed)
    shapes = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    role = {name: (node.op_type, slot) for node in model.graph.node for slot, name in enumerate(node.input)}
    nodes = []
    for node in model.graph.node:
        if node.op_type != "ConstantOfShape":
            nodes.append(node)
            continue
        name, shape = node.output[0], tuple(int(n) for n in shapes[node.input[0]])
        op, slot = role.get(name, ("", 0))
        if op == "BatchNormalization" and slot in (1, 4):
            value = rng.uniform(0.5, 1.5, shape)
        elif len(shape) < 2:
            value = rng.standard_normal(shape) * 0.1
        else:
            value = rng.standard_normal(shape, dtype=np.float32) * np.sqrt(2 / np.prod(shape[1:]))
        model.graph.initializer.append(numpy_helper.from_array(value.astype(np.float32), name))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return nodes


NETWORKS = (mobilenet_v2, mobilenet_v3_small, efficientnet_b0, resnet_18, bert_base, gpt_step, conformer, tcn)


def make(folder, only=(), light=()):
    """Paths of the networks, and of those of the light models, made where they are not there."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for source in light:
        name = os.path.basename(source)
        if only and not any(o in name for o in only):
            continue
        paths.append(os.path.join(folder, name))
        if not os.path.exists(paths[-1]):
            model = onnx.load(source)
            random_weights(model)
            onnx.save(model, paths[-1] + ".part")
            os.replace(paths[-1] + ".part", paths[-1])
    for network in NETWORKS:
        if only and not any(o in network.__name__ for o in only):
            continue
        paths.append(os.path.join(folder, network.__name__ + ".onnx"))
        if not os.path.exists(paths[-1]):
            network().save(paths[-1] + ".part")
            os.replace(paths[-1] + ".part", paths[-1])
    return paths


if __name__ == "__main__":
    print("\n".join(make(sys.argv[1], sys.argv[2:])))
