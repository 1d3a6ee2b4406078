# SPDX-License-Identifier: Apache-2.0
"""Whole models of com.microsoft's operators, as exporters and quantisers write them, with random sizes and choices: an
encoder, a decoder with weights of few bits, a quantised network, one that quantises on the way, a recurrent one in integers,
one for images.
"""
import numpy as np
from onnx import helper

from case import generator, type_name
from gen_quant import codes, scale, zero_point


class Net:
    """Nodes of a case, one after another; a value is its name."""

    def __init__(self, c):
        self.c, c.nodes, c.opsets, c.peer = c, [], {"com.microsoft": 1}, "ort"
        c.opset = 17

    def weight(self, array):
        return self.c.add(array, constant=True)

    def random(self, *shape, size=1.0):
        return self.weight((self.c.rng.normal(size=shape) * size).astype(np.float32))

    def matrix(self, k, n):
        return self.random(k, n, size=k**-0.5)

    def feed(self, array):
        return self.c.add(array, constant=False)

    def node(self, op, *inputs, outputs=1, domain="com.microsoft", **attrs):
        names = [f"n{len(self.c.nodes)}_{k}" for k in range(outputs)] if isinstance(outputs, int) else outputs
        self.c.nodes.append(helper.make_node(op, inputs, names, domain=domain, **attrs))
        return names[0] if len(names) == 1 else names

    def standard(self, op, *inputs, **attrs):
        return self.node(op, *inputs, domain="", **attrs)

    def end(self, *values):
        self.c.outputs = [f"o{k}" for k in range(len(values))]
        for value, out in zip(values, self.c.outputs):
            self.c.nodes.append(helper.make_node("Identity", [value], [out]))


@generator("model.encoder")
def encoder(c):
    net, b, s, heads, size = Net(c), c.r.randint(1, 2), c.r.randint(1, 8), c.r.randint(1, 3), c.r.choice([4, 8])
    h, words = heads * size, 12
    ids, kinds = (net.feed(c.rng.integers(0, n, (b, s)).astype(np.int32)) for n in (words, 2))
    mask = np.ones((b, s), np.int32)
    mask[-1, s // 2 + 1:] = 0
    keys = net.feed(mask)
    norm = lambda: (net.random(h), net.random(h))
    x = net.node("EmbedLayerNormalization", ids, kinds, net.random(words, h), net.random(s, h), net.random(2, h), *norm(), keys,
                 outputs=["x0", "lengths"], epsilon=1e-5)[0]
    for _ in range(c.r.randint(1, 3)):
        if c.r.random() < 0.5:
            y = net.node("Attention", x, net.matrix(h, 3 * h), net.random(3 * h), c.r.choice(["lengths", keys]), num_heads=heads)
        else:
            q, k, v = (net.node("FusedMatMul", x, net.matrix(h, h), alpha=1.0) for _ in range(3))
            y = net.node("MultiHeadAttention", q, k, v, net.random(3 * h), keys, num_heads=heads)
        x = net.node("SkipLayerNormalization", net.standard("MatMul", y, net.matrix(h, h)), x, *norm(), net.random(h), epsilon=1e-5)
        y, wide = net.standard("MatMul", x, net.matrix(h, 2 * h)), net.random(2 * h)
        kind = c.r.choice(["BiasGelu", "FastGelu", "Gelu", "QuickGelu"])
        y = net.node(kind, y, wide) if kind in ("BiasGelu", "FastGelu") else net.node(kind, net.standard("Add", y, wide))
        x = net.node("SkipLayerNormalization", net.standard("MatMul", y, net.matrix(2 * h, h)), x, *norm(), epsilon=1e-5)
    net.end(x)
    c.terms = 256


def few_bits(net, x, k, n):
    """MatMulNBits of weights near 1 / sqrt(k)."""
    c, bits, block = net.c, net.c.r.choice([2, 4, 8]), net.c.r.choice([16, 32])
    blocks = -(-k // block)
    inputs = [net.weight(codes(c, [n, blocks, block * bits // 8], "uint8")),
              net.weight((c.rng.uniform(0.5, 1, n * blocks) * k**-0.5 * 2.0**(1 - bits)).astype(np.float32))]
    if c.r.random() < 0.5:
        inputs.append(net.weight(codes(c, [n * (-(-blocks * bits // 8))], "uint8")))
    return net.node("MatMulNBits", x, *inputs, K=k, N=n, bits=bits, block_size=block)


@generator("model.decoder")
def decoder(c):
    net, b, s, kv, group, size = Net(c), c.r.randint(1, 2), c.r.randint(1, 6), c.r.randint(1, 2), c.r.randint(1, 2), 16
    heads, h = kv * group, kv * group * size
    x = net.feed(c.array([b, s, h], "float32"))
    ends, total = net.feed(np.full(b, s - 1, np.int32)), net.feed(np.array(s, np.int32))
    angle = np.outer(np.arange(16), 0.3**np.arange(size // 2))
    cos, sin = net.weight(np.cos(angle).astype(np.float32)), net.weight(np.sin(angle).astype(np.float32))
    caches = []
    y = net.standard("SimplifiedLayerNormalization", x, net.random(h), axis=-1, epsilon=1e-5)
    for _ in range(c.r.randint(1, 2)):
        q, k, v = few_bits(net, y, h, h), few_bits(net, y, h, kv * size), few_bits(net, y, h, kv * size)
        inside = c.r.random() < 0.5
        if not inside:
            start = net.weight(np.array([0], np.int64))
            q, k = (net.node("RotaryEmbedding", t, start, cos, sin, num_heads=n, rotary_embedding_dim=size)
                    for t, n in ((q, heads), (k, kv)))
        y, *cache = net.node("GroupQueryAttention", q, k, v, "", "", ends, total, *([cos, sin] if inside else []), outputs=3,
                             num_heads=heads, kv_num_heads=kv, do_rotary=int(inside))
        caches += cache
        names = [f"y{len(c.nodes)}", "", "", f"x{len(c.nodes)}"]
        y, _, _, x = net.node("SkipSimplifiedLayerNormalization", few_bits(net, y, h, h), x, net.random(h), outputs=names, epsilon=1e-5)
        gate = net.node("QuickGelu", few_bits(net, y, h, 2 * h), alpha=1.0)
        y = few_bits(net, net.standard("Mul", gate, few_bits(net, y, h, 2 * h)), 2 * h, h)
        y = net.node("SkipSimplifiedLayerNormalization", y, x, net.random(h), epsilon=1e-5)
    net.end(y, *caches)
    c.terms = 256


@generator("model.quantized")
def quantized(c):
    net, t, ch, size = Net(c), c.r.choice(["uint8", "int8"]), c.r.choice([3, 4, 8]), c.r.randint(6, 12)
    type = np.dtype(t)
    one = lambda: (net.weight(scale(c, [], 0.03, 0.06)), net.weight(zero_point(c, [], t)))
    def conv(x, q, cin, cout):
        to, w = one(), codes(c, [cout, cin, 3, 3], "int8")
        return net.standard("QLinearConv", x, *q, net.weight(w), net.weight(scale(c, [cout], 0.001, 0.004)), net.weight(np.zeros(cout, np.int8)),
                            *to, net.weight(c.array([cout], "int32", -200, 200)), pads=[1, 1, 1, 1], kernel_shape=[3, 3]), to
    q = one()
    x = net.standard("QuantizeLinear", net.feed(c.array([c.r.randint(1, 2), ch, size, size], "float32")), *q)
    for _ in range(c.r.randint(1, 2)):
        y, qy = conv(x, q, ch, ch)
        kind = c.r.choice(["QLinearLeakyRelu", "QLinearSigmoid", ""])
        if kind:
            to = one() if kind == "QLinearLeakyRelu" else (net.weight(np.array(1 / 256, np.float32)), net.weight(np.array(0 if t == "uint8" else -128, type)))
            y, qy = net.node(kind, y, *qy, *to, **({"alpha": 0.1} if kind == "QLinearLeakyRelu" else {})), to
        to = one()
        x, q = net.node(c.r.choice(["QLinearAdd", "QLinearMul"]), x, *q, y, *qy, *to), to
    y, qy = conv(x, q, ch, ch)
    to = one()
    x, q = net.node("QLinearConcat", *to, x, *q, y, *qy, axis=1), to
    if c.r.random() < 0.5:
        to = one()
        x, q = net.node("QLinearAveragePool", x, *q, *to, kernel_shape=[2, 2], strides=[2, 2]), to
    to = one()
    x, q = net.node("QLinearGlobalAveragePool", x, *q, *to), to
    x, n, to = net.standard("Flatten", x), c.r.randint(2, 10), one()
    w = codes(c, [n, 2 * ch], "int8")
    x, q = net.node("QGemm", x, *q, net.weight(w), net.weight(scale(c, [], 0.002, 0.005)), net.weight(np.array(0, np.int8)), "", *to, transB=1), to
    if c.r.random() < 0.5:
        to = (net.weight(np.array(1 / 256, np.float32)), net.weight(np.array(0 if t == "uint8" else -128, type)))
        x, q = net.node("QLinearSoftmax", x, *q, *to, axis=-1, opset=13), to
    net.end(x)
    c.int_tolerance = 3  # a code that goes the other way early moves those behind it


@generator("model.recurrent")
def recurrent(c):
    """An LSTM between DequantizeLinear and QuantizeLinear, which ONNX Runtime computes in floats and Linnet in integers: h is
    rounded to a step after every step of time there. Weights are such that the network forgets (rows of R are of length 1)."""
    net, steps, b, k, h = Net(c), c.r.randint(1, 40), c.r.randint(1, 4), c.r.randint(1, 70), c.r.randint(1, 70)
    way, t, w = c.r.choice(["forward", "reverse", "bidirectional"]), *(c.r.choice(["int8", "uint8"]) for _ in range(2))
    c.opset, d, type = 21, 2 if way == "bidirectional" else 1, np.dtype(t)
    dequantised = lambda x, q, **attrs: net.standard("DequantizeLinear", x, *q, **attrs)
    quantised = lambda x, q: net.standard("QuantizeLinear", x, *q)

    def weights(depth):
        shape, axis = c.r.choice([([], {}), ([d], {"axis": 0}), ([4 * h], {"axis": 1})])
        q = net.weight(scale(c, shape, 0.7, 1.3) / np.float32(74 * depth**0.5)), net.weight(np.full(shape, 128 if w == "uint8" else 0, w))
        return dequantised(net.weight(codes(c, [d, 4 * h, depth], w)), q, **axis)

    x = dequantised(net.feed(codes(c, [steps, b, k], t)), (net.weight(np.float32(0.02)), net.weight(zero_point(c, [], t))))
    bias = net.random(d, 8 * h, size=0.3) if c.r.random() < 0.6 else ""
    lens = net.feed(c.rng.integers(1, steps + 1, b).astype(np.int32)) if c.r.random() < 0.4 else ""
    of_h = net.weight(np.float32(1 / 128)), net.weight(np.array(0 if t == "int8" else 128, type))
    of_c = net.weight(np.float32(2**-7)), net.weight(np.array(0, c.r.choice(["int8", "int16"])))
    states = c.r.random() < 0.6
    h0 = dequantised(net.feed(codes(c, [d, b, h], t)), of_h) if states else ""
    c0 = dequantised(net.feed(c.array([d, b, h], type_name(c.inputs[int(of_c[1][1:])][1]), -100, 100)), of_c) if states else ""
    peepholes = [net.random(d, 3 * h, size=0.2)] if c.r.random() < 0.2 else []
    y, y_h, y_c = net.node("LSTM", x, weights(k), weights(h), bias, lens, h0, c0, *peepholes, outputs=3, domain="", hidden_size=h, direction=way)
    last = [quantised(y_h, of_h), quantised(y_c, of_c)] if states else []
    if d == 1 and c.r.random() < 0.5:
        y = net.standard("Squeeze", y, net.weight(np.array([1], np.int64)))
    net.end(quantised(y, of_h), *last)
    c.int_tolerance = 2


@generator("model.dynamic")
def dynamic(c):
    net, steps, b, k, h = Net(c), c.r.randint(1, 6), 1, c.r.randint(4, 40), c.r.randint(2, 9)
    x = net.feed(c.array([steps, b, k], "float32"))
    w = lambda *s: net.weight(codes(c, s, "int8"))
    small = lambda *s: net.weight(scale(c, s, 0.001, 0.004))
    none = net.weight(np.array(0, np.int8))
    x = net.node("BiasGelu", net.node("DynamicQuantizeMatMul", x, w(k, k), small(k), "", net.random(k)), net.random(k))
    q = [f"q{i}" for i in range(3)]
    c.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], q))
    x = net.node("MatMulIntegerToFloat", q[0], w(k, k), q[1], small(), q[2], none, net.random(k))
    s, z = (lambda: small(1)), net.weight(np.zeros(1, np.int8))
    y, last, cell = net.node("DynamicQuantizeLSTM", x, w(1, k, 4 * h), w(1, h, 4 * h), net.random(1, 8 * h), "", "", "", "", s(), z, s(), z,
                             outputs=3, hidden_size=h)
    net.end(net.node("FusedMatMul", net.standard("Squeeze", y, net.weight(np.array([1], np.int64))), net.matrix(h, k), alpha=0.5), last, cell)
    c.terms = 1 << 14  # a code that goes the other way is a 256th of the largest value


@generator("model.image")
def image(c):
    net, n, ch, size = Net(c), c.r.randint(1, 2), c.r.randint(1, 4), c.r.randint(6, 10)
    x = net.feed(c.array([n, ch, size, size], "float32"))
    for _ in range(c.r.randint(1, 3)):
        to = c.r.randint(1, 6)
        x = net.node("FusedConv", x, net.random(to, ch, 3, 3, size=(9 * ch)**-0.5), net.random(to), activation=c.r.choice(["Relu", "Tanh", "Sigmoid"]),
                     kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        ch = to
    to = c.r.randint(1, 4)
    x = net.node("ConvTransposeWithDynamicPads", x, net.random(ch, to, 3, 3, size=(9 * ch)**-0.5), net.weight(np.array([1, 1, 1, 1], np.int64)),
                 net.random(to), kernel_shape=[3, 3], strides=[2, 2], dilations=[1, 1], group=1)
    x = net.node("Pad", x, net.weight(np.array([0, 0, 1, 2, 0, 0, 2, 1], np.int64)), mode=c.r.choice(["constant", "reflect", "edge"]))
    many, lo = c.r.randint(1, 4), c.rng.random((4, 2)) * 0.5
    boxes = np.concatenate([lo, lo + 0.1 + c.rng.random((4, 2)) * 0.5], 1)[:many].astype(np.float32)
    x = net.node("CropAndResize", x, net.feed(boxes), net.feed(c.rng.integers(0, n, many).astype(np.int32)), net.weight(np.array([3, 4], np.int32)))
    x = net.node("FusedGemm", net.standard("Flatten", x), net.random(12 * to, 9, size=(12 * to)**-0.5), net.random(9), activation="Tanh")
    x = net.standard("Reshape", x, net.weight(np.array([-1, 3, 3], np.int64)))
    net.end(net.node("Inverse", net.standard("Add", x, net.weight((5 * np.eye(3)).astype(np.float32)))))
    c.terms = 256
