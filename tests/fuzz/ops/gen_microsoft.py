# SPDX-License-Identifier: Apache-2.0
"""com.microsoft: what exported models carry, beside ONNX Runtime, which defines it."""
import copy

import numpy as np

from case import NUMPY, generator
from gen_net import conv_transpose, window
from gen_quant import codes, scale, zero_point

FLOAT = ["float32", "float64", "float16"]


def microsoft(*names):
    return generator(*("com.microsoft." + n for n in names))


def const(c, array):
    return c.add(array, constant=True)


# -- floats --

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


# -- attention --

@microsoft("Attention")
def attention(c):
    b, s, i, n, d = c.r.randint(1, 2), c.r.randint(1, 7), c.r.randint(1, 12), c.r.randint(1, 3), c.r.choice([2, 4, 8])
    h = n * d
    v, past = h, c.r.choice([0, 0, 3])
    if not past and c.r.random() < 0.3:
        v = n * c.r.randint(1, 6)
        c.attr("qkv_hidden_sizes", [h, h, v])
    c.input([b, s, i], "float32")
    const(c, c.array([i, 2 * h + v], "float32", -0.5, 0.5))
    const(c, c.array([2 * h + v], "float32"))
    mask = c.r.choice(["none", "keys", "lengths", "ends", "square"])
    if mask == "none":
        c.none()
    elif mask == "keys":
        m = c.rng.integers(0, 2, (b, s + past))
        m[:, 0] = 1
        c.add(m.astype(np.int32), constant=False)
    elif mask == "lengths":
        c.add(c.rng.integers(1, s + past + 1, (b,)).astype(np.int32), constant=False)
    elif mask == "ends":  # and where the keys start
        ends = c.rng.integers(1, s + past + 1, b)
        c.add(np.concatenate([ends, c.rng.integers(0, ends)]).astype(np.int32), constant=False)
    else:
        m = c.rng.integers(0, 2, (b, s, s + past))
        m[:, :, 0] = 1
        c.add(m.astype(np.int32), constant=False)
    if past:
        c.input([2, b, n, past, d], "float32", constant=False)
    elif c.r.random() < 0.3:
        c.none()
    if len(c.inputs) == 5 and c.r.random() < 0.4:
        c.input([c.r.choice([1, b]), n, s, s + past], "float32", constant=False)
    c.attr("num_heads", n)
    c.maybe("unidirectional", 1, 0.3)
    c.maybe("scale", 0.3, 0.3)
    c.maybe("mask_filter_value", -100.0, 0.2)
    c.outputs = 2 if past else 1
    c.terms = 256


@microsoft("MultiHeadAttention")
def multi_head(c):
    b, s, l, n, d = c.r.randint(1, 2), c.r.randint(1, 7), c.r.randint(1, 9), c.r.randint(1, 3), c.r.choice([2, 4, 8])
    h = n * d
    way = c.r.choice(["qkv", "packed", "kv", "cross", "past"])
    c.attr("num_heads", n)
    c.maybe("scale", 0.3, 0.3)
    bias = c.r.random() < 0.5
    f = lambda *s: c.input(list(s), "float32", constant=False)
    if way == "packed":
        f(b, s, n, 3, d)
    elif way == "kv":
        f(b, s, h)
        f(b, l, n, 2, d)
    elif way == "cross":
        f(b, s, h)
        f(b, n, l, d)
        f(b, n, l, d)
    else:
        l = s if way == "past" else l
        f(b, s, h)
        v = h if c.r.random() < 0.7 or way == "past" else n * c.r.randint(1, 6)
        f(b, l, h)
        f(b, l, v)
        c.input([2 * h + v], "float32") if bias else c.none()
        past = 3 if way == "past" else 0
        kind = c.r.choice(["none", "keys", "lengths", "square", "starts"]) if way == "qkv" else c.r.choice(["none", "keys", "square"])
        mask = lambda a: c.add(np.asarray(a).astype(np.int32), constant=False)
        if kind in ("keys", "square"):
            m = c.rng.integers(0, 2, (b, l + past) if kind == "keys" else (b, s, l + past))
            m[..., 0] = 1
            mask(m)
        elif kind == "lengths":
            mask(c.rng.integers(1, l + 1, (b,)))
        elif kind == "starts":
            lengths = [np.arange(b + 1) * x for x in (s, l)]
            mask(np.concatenate([c.rng.integers(1, l + 1, b), *lengths]))
        else:
            c.none()
        f(c.r.choice([1, b]), n, s, l + past) if c.r.random() < 0.4 else c.none()
        if past:
            f(b, n, past, d)
            f(b, n, past, d)
            c.outputs = 3
    c.maybe("unidirectional", 1, 0.3)
    c.maybe("mask_filter_value", -100.0, 0.2)
    c.terms = 256
    if way in ("packed", "kv"):  # which ONNX Runtime's CPU does not take
        c.instead = copy.copy(c)
        c.instead.inputs = [("q" + str(k), a, False) for k, a in enumerate(unpacked(c))]


def unpacked(c):
    """Q, K, V as three inputs."""
    first = c.inputs[0][1]
    if first.ndim == 5:
        return [first[:, :, :, k].reshape(*first.shape[:2], -1) for k in range(3)]
    both = c.inputs[1][1]
    return [first] + [both[:, :, :, k].reshape(*both.shape[:2], -1) for k in range(2)]


@microsoft("GroupQueryAttention")
def group_query(c):
    b, kv, group, d = c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(1, 3), c.r.choice([16, 32])
    n = kv * group
    past = c.r.choice([0, 3, 6])
    s = c.r.randint(1, 5) if not past else c.r.choice([1, 1, 3]) if b == 1 else 1
    f = lambda *s: c.input(list(s), "float32", constant=False)
    if c.r.random() < 0.3:
        f(b, s, (n + 2 * kv) * d)
        c.none()
        c.none()
    else:
        f(b, s, n * d)
        f(b, s, kv * d)
        f(b, s, kv * d)
    if past:
        f(b, kv, past, d)
        f(b, kv, past, d)
    else:
        c.none()
        c.none()
    c.add(np.full(b, past + s - 1, np.int32), constant=False)
    c.add(np.array(past + s, np.int32), constant=False)
    if c.r.random() < 0.5:
        c.input([32, d // 2], "float32", -1, 1)
        c.input([32, d // 2], "float32", -1, 1)
        c.attr("do_rotary", 1)
        c.maybe("rotary_interleaved", c.r.randint(0, 1))
    else:
        c.none()
        c.none()
    total = past + s
    if c.r.random() < 0.3 and "do_rotary" in c.attrs:
        c.add(np.tile(np.arange(past, total), (b, 1)).astype(np.int64), constant=False)
    else:
        c.none()
    f(c.r.choice([1, b]), c.r.choice([1, n]), s, total) if c.r.random() < 0.3 else c.none()
    f(n) if c.r.random() < 0.2 else c.none()
    c.attr("num_heads", n)
    c.attr("kv_num_heads", kv)
    c.maybe("softcap", 3.0, 0.2)
    c.maybe("local_window_size", 2, 0.2)
    c.maybe("scale", 0.4, 0.3)
    c.maybe("smooth_softmax", 1, 0.2)
    c.outputs = 3
    c.terms = 256


@microsoft("QAttention")
def quant_attention(c):
    b, s, i, n, d = c.r.randint(1, 2), c.r.randint(1, 7), c.r.randint(1, 12), c.r.randint(1, 3), c.r.choice([2, 4, 8])
    h, w = n * d, c.type("T2")
    c.type("T1", ["uint8"])
    c.add(codes(c, [b, s, i], "uint8"))
    const(c, codes(c, [i, 3 * h], w))
    const(c, c.array([3 * h], "float32"))
    columns = [3 * h] if c.r.random() < 0.4 else []
    const(c, scale(c, [], 0.01, 0.02))
    const(c, scale(c, columns, 0.005, 0.01))
    past = c.r.choice([0, 3])
    c.add(c.rng.integers(1, s + past + 1, (b,)).astype(np.int32), constant=False) if c.r.random() < 0.4 else c.none()
    const(c, np.array(120, np.uint8))
    const(c, np.full(columns, 128 if w == "uint8" else 0, NUMPY[w]))
    if past:
        c.input([2, b, n, past, d], "float32", constant=False)
        c.outputs = 2
    c.attr("num_heads", n)
    c.maybe("unidirectional", 1, 0.3)
    c.terms = 256


# -- integers --

def parameters(c, t, shape=(), lo=0.01, hi=0.1):
    const(c, scale(c, shape, lo, hi))
    const(c, zero_point(c, list(shape), t))


@microsoft("QLinearAdd", "QLinearMul")
def qlinear_binary(c):
    t = c.type("T")
    a, b = c.r.choice([((3, 4, 5), (3, 4, 5)), ((3, 4, 5), (5,)), ((1,), (2, 3)), ((2, 3, 1), (1, 3, 7)), ((1, 8, 33), (4, 8, 33))])
    for s in (a, b):
        c.add(codes(c, s, t), constant=False)
        parameters(c, t)
    parameters(c, t, (), 0.05, 0.2)
    c.int_tolerance = 1


@microsoft("QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax")
def qlinear_unary(c):
    t = c.type("T")
    s = c.shape(1, 3, 40, zero=0)
    c.add(codes(c, s, t))
    soft = c.op == "QLinearSoftmax"
    parameters(c, t, (), 0.01, 0.03 if soft else 0.1)
    if c.op == "QLinearLeakyRelu":
        parameters(c, t)
        c.attr("alpha", 0.1)
    else:
        const(c, np.array(1 / 256, np.float32))
        const(c, np.array(0 if t == "uint8" else -128, NUMPY[t]))
    if soft:
        c.attr("opset", c.r.choice([12, 13]))
        c.attr("axis", c.r.randrange(len(s)) if c.attrs["opset"] == 12 else -1)
    c.int_tolerance = 1


@microsoft("QLinearAveragePool", "QLinearGlobalAveragePool", "NhwcMaxPool", "QLinearReduceMean")
def qlinear_pool(c):
    t = c.type("T")
    n, ch, sizes = c.r.randint(1, 2), c.r.choice([1, 3, 8, 17]), [c.r.randint(3, 9), c.r.randint(3, 9)]
    last = c.op == "NhwcMaxPool" or c.r.random() < 0.4
    if c.op == "QLinearReduceMean":
        c.attr("axes", c.r.sample([0, 1, 2, -1], c.r.randint(1, 3)))
        c.attr("keepdims", c.r.randint(0, 1))
        last = False
    elif c.op != "QLinearGlobalAveragePool":
        c.attr("kernel_shape", window(c, sizes, dilate=c.op == "NhwcMaxPool"))
    if last:
        c.attr("channels_last", 1)
    c.maybe("count_include_pad", c.r.randint(0, 1))
    c.add(codes(c, [n] + sizes + [ch] if last else [n, ch] + sizes, t))
    if c.op != "NhwcMaxPool":
        parameters(c, t)
        parameters(c, t)
    c.int_tolerance = 1


@microsoft("QLinearConcat")
def qlinear_concat(c):
    t = c.type("T8")
    parameters(c, t)
    s, a = c.shape(1, 3, zero=0), 0
    a = c.r.randrange(len(s))
    for _ in range(c.r.randint(1, 3)):
        d = list(s)
        d[a] = c.r.randint(1, 4)
        c.add(codes(c, d, t), constant=False)
        parameters(c, t)
    c.attr("axis", a)
    c.int_tolerance = 1


@microsoft("QLinearWhere")
def qlinear_where(c):
    t, s = c.type("T"), c.shape(1, 3, zero=0)
    c.input(s, "bool", constant=False)
    c.add(codes(c, s, t), constant=False)
    parameters(c, t)
    c.add(codes(c, s[-1:], t), constant=False)
    parameters(c, t)
    parameters(c, t)
    c.int_tolerance = 1


@microsoft("QGemm", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")
def integer_product(c):
    m, k, n = c.r.randint(1, 33), c.r.randint(1, 90), c.r.randint(1, 60)
    a, w = c.r.choice([("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8")])
    column = [n] if c.r.random() < 0.5 else []
    if c.op == "DynamicQuantizeMatMul":
        c.input([m, k], "float32", constant=False)
        const(c, codes(c, [k, n], w))
        const(c, scale(c, column))
        if c.r.random() < 0.6:
            const(c, zero_point(c, column, w))
        elif c.r.random() < 0.5:
            c.none()
        if len(c.inputs) == 4 and c.r.random() < 0.5:
            const(c, c.array([n], "float32"))
    elif c.op == "MatMulIntegerToFloat":
        c.add(codes(c, [m, k], a), constant=False)
        const(c, codes(c, [k, n], w))
        const(c, scale(c))
        const(c, scale(c, column))
        const(c, zero_point(c, [], a))
        const(c, zero_point(c, column, w))
        if c.r.random() < 0.5:
            const(c, c.array([n], "float32"))
    else:
        tb = c.r.randint(0, 1)
        c.add(codes(c, [m, k], a), constant=False)
        parameters(c, a)
        const(c, codes(c, [n, k] if tb else [k, n], w))
        const(c, scale(c, column))
        const(c, zero_point(c, column, w))
        const(c, c.array([n], "int32", -1000, 1000)) if c.r.random() < 0.5 else c.none()
        if c.r.random() < 0.7:
            const(c, np.array(0.5 * k**0.5, np.float32))
            const(c, zero_point(c, [], a))
        c.attr("transB", tb)
        c.maybe("alpha", 0.7)
        c.int_tolerance = 1
    c.terms = 64


@microsoft("QLinearConv")
def qlinear_conv(c):
    from case import GENERATORS
    t = c.r.choice([("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8")])
    c.types.update(T1=t[0], T2=t[1], T3=t[0])
    GENERATORS["QLinearConv"](c)
    c.constants = True
    c.inputs = [(n, a, k > 0) for k, (n, a, _) in enumerate(c.inputs)]


@microsoft("QuantizeLinear", "DequantizeLinear")
def quantize(c):
    c.widen = False
    s = c.shape(1, 3, zero=0)
    axis = c.r.randrange(len(s))
    per = c.r.random() < 0.5
    rows = [s[axis]] if per else []
    if per:
        c.attr("axis", axis)
    if c.op == "QuantizeLinear":
        out = c.type("T2", ["int8", "uint8", "int16", "uint16"])
        c.input(s, "float32")
        c.add(scale(c, rows, 0.05, 0.3))
        c.add(zero_point(c, rows, out))
    else:
        t = c.type("T1", ["int8", "uint8", "int16", "uint16", "int32"])
        c.add(codes(c, s, t))
        c.add(scale(c, rows))
        c.add(np.zeros(rows, NUMPY[t]) if t == "int32" else zero_point(c, rows, t))


@microsoft("MatMulNBits")
def nbits(c):
    bits, m, n, block = c.r.choice([2, 4, 4, 8]), c.r.choice([1, 1, 2, 5, 33]), c.r.randint(1, 40), c.r.choice([16, 32, 64, 128])
    k = c.r.choice([block, 3 * block, 64, 100, 7])
    blocks = -(-k // block)
    c.input(c.shape(0, 2, 3, zero=0) + [m, k], "float32", constant=False)
    const(c, codes(c, [n, blocks, block * bits // 8], "uint8"))
    const(c, c.array([n * blocks] if c.r.random() < 0.5 else [n, blocks], "float32", 0.01, 0.1))
    zero = c.r.choice(["none", "packed", "float"])
    if zero == "packed":
        const(c, codes(c, [n * (-(-blocks * bits // 8))], "uint8"))
    elif zero == "float":
        const(c, c.array([n * blocks], "float32", 0, 4))
    elif c.r.random() < 0.5:
        c.none()
    if len(c.inputs) == 4 and c.r.random() < 0.5:
        c.none()
        const(c, c.array([n], "float32"))
    for key, v in (("K", k), ("N", n), ("bits", bits), ("block_size", block)):
        c.attr(key, v)
    c.maybe("accuracy_level", c.r.choice([0, 1]), 0.2)
    c.terms = 256


@microsoft("DynamicQuantizeLSTM")
def dynamic_lstm(c):
    way = c.r.choice(["forward", "reverse", "bidirectional"])
    d = 2 if way == "bidirectional" else 1
    w, per = c.type("T2"), c.r.random() < 0.5
    steps, b, i, h = c.r.randint(1, 6), c.r.randint(1, 3), c.r.randint(1, 12), c.r.randint(1, 9)
    z = lambda: np.full((d, 4 * h) if per else (d,), 128 if w == "uint8" else 0, NUMPY[w])
    s = lambda: scale(c, (d, 4 * h) if per else (d,), 0.002, 0.01)
    some = lambda make: make() if c.r.random() < 0.5 else c.none()
    c.input([steps, b, i], "float32", constant=False)
    const(c, codes(c, [d, i, 4 * h], w))
    const(c, codes(c, [d, h, 4 * h], w))
    some(lambda: const(c, c.array([d, 8 * h], "float32", -1, 1)))
    some(lambda: c.add(c.rng.integers(1, steps + 1, b).astype(np.int32), constant=False))
    some(lambda: c.input([d, b, h], "float32", -0.5, 0.5, constant=False))
    some(lambda: c.input([d, b, h], "float32", -0.5, 0.5, constant=False))
    some(lambda: const(c, c.array([d, 3 * h], "float32", -1, 1)))
    for make in (s, z, s, z):
        const(c, make())
    c.attr("hidden_size", h)
    c.attr("direction", way)
    c.maybe("input_forget", 1, 0.3)
    c.maybe("clip", 1.5, 0.2)
    if c.r.random() < 0.3:
        c.attr("activations", [c.r.choice(["Sigmoid", "Tanh", "Relu"][:2 + k % 3 // 2]) for k in range(3 * d)])
    c.outputs = 3
    c.terms = 1 << 14
