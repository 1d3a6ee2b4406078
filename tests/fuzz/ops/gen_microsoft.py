# SPDX-License-Identifier: Apache-2.0
"""com.microsoft: what exported models carry, beside ONNX Runtime, which defines it. Here the operators of floats; attention
is in gen_attention.py, what is quantised in gen_qlinear.py.
"""
import numpy as np

from case import NUMPY, generator
from gen_net import conv_transpose, window


def microsoft(*names):
    return generator(*("com.microsoft." + n for n in names))


def const(c, array):
    return c.add(array, constant=True)


@microsoft("Gelu", "QuickGelu", "FastGelu", "BiasGelu")
def gelu(c):
    t, s = c.type("T", ["float32", "float64"] if c.op == "Gelu" else ["float32"]), c.shape(1, 3, 40, zero=0)
    c.input(s, t)
    if c.op == "BiasGelu" or (c.op == "FastGelu" and c.r.random() < 0.5):
        c.input(s[-1:], t)
    c.floor = 8
    if c.op == "QuickGelu":
        c.maybe("alpha", 1.5)


@microsoft("FusedMatMul")
def fused_matmul(c):
    t, m, k, n = c.type("T", ["float32"]), c.r.randint(1, 20), c.r.randint(1, 40), c.r.randint(1, 20)
    batch = c.shape(0, 2, 3, zero=0)
    ta, tb = c.r.randint(0, 1), c.r.randint(0, 1)
    c.input(batch + ([k, m] if ta else [m, k]), t)
    c.input(batch + ([n, k] if tb else [k, n]), t)
    c.attr("transA", ta)
    c.attr("transB", tb)
    c.maybe("alpha", 0.5)
    c.terms = 2 * k + 8


@microsoft("FusedGemm")
def fused_gemm(c):
    m, k, n = c.r.randint(1, 20), c.r.randint(1, 40), c.r.randint(1, 20)
    tb = c.r.randint(0, 1)
    c.input([m, k], "float32")
    c.input([n, k] if tb else [k, n], "float32")
    if c.r.random() < 0.6:
        c.input([n], "float32")
    c.attr("transB", tb)
    c.maybe("alpha", 0.5)
    activation(c)
    c.terms = 2 * k + 8


def activation(c):
    name = c.r.choice(["Relu", "Sigmoid", "Tanh", "LeakyRelu"])
    c.attr("activation", name)
    if name == "LeakyRelu":
        c.attr("activation_alpha", 0.1)
        c.attr("activation_params", [0.1])


@microsoft("FusedConv")
def fused_conv(c):
    g = c.r.choice([1, 1, 2])
    cin, cout = g * c.r.randint(1, 5), g * c.r.randint(1, 5)
    sizes = [c.r.randint(3, 9), c.r.randint(3, 9)]
    kernel = window(c, sizes)
    n = c.r.randint(1, 2)
    c.input([n, cin] + sizes, "float32")
    c.input([cout, cin // g] + kernel, "float32")
    if c.r.random() < 0.6:
        c.input([cout], "float32")
    c.attr("group", g)
    c.attr("kernel_shape", kernel)
    activation(c)
    c.terms = 64


@microsoft("ConvTransposeWithDynamicPads")
def dynamic_pads(c):
    c.schema.constraints = dict(c.schema.constraints, T=["float32"])
    conv_transpose(c)
    pads = c.attrs.pop("pads", None)
    bias = c.inputs[2:]
    c.inputs = c.inputs[:2]
    c.attrs.pop("auto_pad", None)
    spatial = c.inputs[0][1].ndim - 2
    c.ints(pads or [0] * (2 * spatial))
    for _, a, _ in bias:
        c.add(a)


@microsoft("Inverse")
def inverse(c):
    n = c.r.randint(1, 6)
    t = c.type("T", ["float32", "float64"])
    x = c.array(c.shape(0, 2, 3, zero=0) + [n, n], t, -1, 1)
    c.add((x + 3 * np.eye(n)).astype(x.dtype))
    c.terms = 256


@microsoft("Trilu", "Range", "Unique", "Pad")
def as_standard(c):
    t = c.type("x" if "x" in c.schema.constraints else "T")
    if c.op == "Trilu":
        c.input(c.shape(2, 4), t)
        if c.r.random() < 0.7:
            c.add(np.array(c.r.randint(-4, 4), np.int64))
        c.maybe("upper", c.r.randint(0, 1))
    elif c.op == "Range":
        for v in (c.r.randint(-5, 0), c.r.randint(0, 9), c.r.randint(1, 3))[:c.r.choice([2, 3])]:
            c.add(np.array(v, NUMPY[t]))
    elif c.op == "Unique":
        c.types["T"] = t = "float32"
        c.add(np.round(c.array([c.r.randint(1, 20)], t)).astype(np.float32) + np.float32(0))
        c.outputs = 3
    else:
        mode = c.r.choice(["constant", "reflect", "edge"])
        s = [c.r.randint(3, 6) for _ in range(c.r.randint(1, 4))]
        c.input(s, t)
        c.ints([c.r.randint(0, 2) for _ in s + s])
        if mode == "constant" and c.r.random() < 0.5:
            c.add(c.array([1], t))
        c.attr("mode", mode)


@microsoft("CropAndResize")
def crop_and_resize(c):
    n = c.r.randint(1, 4)
    c.input([2, c.r.randint(1, 3), c.r.randint(2, 8), c.r.randint(2, 8)], "float32")
    lo = c.rng.random((n, 2)) * 0.6
    c.add(np.concatenate([lo, lo + c.rng.random((n, 2)) * 0.6], 1).astype(np.float32))
    c.add(c.rng.integers(0, 2, n).astype(np.int32))
    c.add(np.array([c.r.randint(1, 5), c.r.randint(1, 5)], np.int32))
    c.maybe("mode", c.r.choice(["bilinear", "nearest"]))
    c.maybe("extrapolation_value", 2.5)
    c.terms = 64


@microsoft("SimplifiedLayerNormalization", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization")
def skip_norm(c):
    t, b, s, h = "float32", c.r.randint(1, 2), c.r.randint(1, 5), c.r.randint(1, 40)
    c.input([b, s, h], t)
    if c.op.startswith("Skip"):
        c.input([b, s, h], t)
    c.input([h], t)
    if c.op == "SkipLayerNormalization":
        c.input([h], t) if c.r.random() < 0.7 else c.none()
    if c.op.startswith("Skip") and c.r.random() < 0.5:
        c.input([h], t)
    c.attr("epsilon", 1e-3)
    if c.op.startswith("Skip") and c.r.random() < 0.3:
        c.nodes = [c.node(outputs=["o0", "", "", "o1"])]
        c.outputs = 2
    c.terms = 64


@microsoft("EmbedLayerNormalization")
def embed(c):
    b, s, h, words = c.r.randint(1, 3), c.r.randint(1, 6), c.r.randint(1, 20), 12
    segments = c.r.random() < 0.6
    c.add(c.rng.integers(0, words, (b, s)).astype(np.int32), constant=False)
    c.add(c.rng.integers(0, 2, (b, s)).astype(np.int32), constant=False) if segments else c.none()
    c.input([words, h], "float32")
    c.input([9, h], "float32")
    c.input([2, h], "float32") if segments else c.none()
    c.input([h], "float32")
    c.input([h], "float32")
    if c.r.random() < 0.6:
        m = np.ones((b, s), np.int32)
        m[-1, s // 2 + 1:] = 0
        c.add(m, constant=False)
    else:
        c.none()
    if c.r.random() < 0.4:
        c.add(c.rng.integers(0, 9, (c.r.choice([1, b]), s)).astype(np.int32), constant=False)
    c.dynamic = False  # ONNX Runtime derives the shapes of no embedding that is not known
    c.attr("epsilon", 1e-3)
    c.outputs = c.r.choice([2, 3])
    c.terms = 64


@microsoft("RotaryEmbedding")
def rotary(c):
    b, s, n, d = c.r.randint(1, 2), c.r.randint(1, 6), c.r.randint(1, 3), c.r.choice([8, 16, 32])
    way = c.r.random()
    c.input([b, n, s, d] if way < 0.3 else [b, s, n * d], "float32")
    c.ints([c.r.randint(0, 9)]) if c.r.random() < 0.5 else c.ints(c.rng.integers(0, 30, (b, s)))
    partial = way > 0.7
    c.input([40, (8 if partial and d > 8 else d) // 2], "float32", -1, 1)
    c.input([40, (8 if partial and d > 8 else d) // 2], "float32", -1, 1)
    if partial and d > 8:
        c.attr("num_heads", n)
        c.attr("rotary_embedding_dim", 8)
    c.maybe("interleaved", c.r.randint(0, 1))


@microsoft("Rfft", "Irfft")
def rfft(c):
    t, dims, longest = c.type("T"), c.r.choice([1, 1, 2, 3]), c.r.choice([6, 40])
    signal = [c.r.randint(1, longest) for _ in range(dims - 1)]
    n = c.r.choice([2 * c.r.randint(1, 20), c.r.randint(1, 40)]) if c.op == "Rfft" else c.r.randint(2, 21)
    c.input(c.shape(0, 2, 3) + signal + ([n] if c.op == "Rfft" else [n, 2]), t)
    c.attr("signal_ndim", dims)
    c.maybe("onesided", 1)
    c.maybe("normalized", 0)
    c.widen, c.terms = False, 64
