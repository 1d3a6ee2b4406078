# SPDX-License-Identifier: Apache-2.0
"""com.microsoft: quantised operators."""
import numpy as np

from case import NUMPY
from gen_microsoft import const, microsoft
from gen_net import window
from gen_quant import codes, scale, zero_point


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
