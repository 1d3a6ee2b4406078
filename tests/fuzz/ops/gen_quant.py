# SPDX-License-Identifier: Apache-2.0
"""Quantisation and integer products of ai.onnx."""
import numpy as np

from case import BITS, FLOAT8, INTS, NUMPY, elem, generator
from gen_net import window

SMALL_FLOATS = FLOAT8 + ["float4e2m1", "float6e2m3", "float6e3m2"]


def codes(c, shape, t):
    """Any code of an integer type."""
    if t in BITS:
        return c.array(shape, t)
    info = np.iinfo(NUMPY[t])
    return c.array(shape, t, info.min, info.max)


def zero_point(c, shape, t):
    return c.array(shape, t, 100, 150) if t == "uint8" else c.array(shape, t, -10, 10)


def scale(c, shape=(), lo=0.01, hi=0.1, type="float32"):
    return c.rng.uniform(lo, hi, shape).astype(NUMPY[type])


def layout(c):
    """Shape, scale's shape and the attributes of a per-tensor, per-axis or blocked quantisation."""
    s = c.shape(2, 4, 6, zero=0)
    way = c.r.choice(["tensor", "axis"] + ["block"] * c.has("block_size"))
    if way == "tensor" or not c.has("axis"):
        return s, []
    a = c.r.randrange(len(s))
    c.attr("axis", a - len(s) if c.r.random() < 0.4 else a)
    if way == "axis":
        return s, [s[a]]
    block = c.r.randint(1, 3)
    s[a] = block * c.r.randint(1, 3)
    c.attr("block_size", block)
    return s, [d // block if k == a else d for k, d in enumerate(s)]


@generator("QuantizeLinear")
def quantize(c):
    c.widen = False
    s, ss = layout(c)
    one = c.version < 19
    t = c.type("T1", ["float32"] if one else ["float32", "float16", "bfloat16"])
    out = c.type("T2" if c.version < 23 else "T3")
    y = t if c.version < 23 else c.type("T2", [t])
    c.add((c.array(s, t).astype(np.float32) * c.r.choice([1, 0.3, 5])).astype(NUMPY[t]))
    c.add(c.rng.uniform(0.05, 0.5, ss).astype(NUMPY[y]))
    if c.has("output_dtype") and c.r.random() < 0.3:
        c.attr("output_dtype", elem(out))
    elif out != "uint8" or c.r.random() < 0.7:
        c.add(np.zeros(ss, NUMPY[out]) if out in SMALL_FLOATS else zero_point(c, ss, out) if out not in BITS else codes(c, ss, out))
    if out in SMALL_FLOATS + list(BITS):
        c.peer = "ref"  # ONNX Runtime's Python has no such outputs
    if out in FLOAT8:
        c.maybe("saturate", c.r.randint(0, 1))


@generator("DequantizeLinear")
def dequantize(c):
    c.widen = False
    s, ss = layout(c)
    t = c.type("T" if "T" in c.schema.constraints else "T1")
    x = c.array(s, t) if t in SMALL_FLOATS else codes(c, s, t)
    out = c.type("T2", ["float32", "float16", "bfloat16"]) if c.version >= 19 else "float32"
    c.add(x)
    c.add(scale(c, ss, type=out))
    if t != "int32" and c.r.random() < 0.7:
        c.add(np.zeros(ss, NUMPY[t]) if t in SMALL_FLOATS else codes(c, ss, t))
    c.ulps = 2


@generator("DynamicQuantizeLinear")
def dynamic_quantize(c):
    c.input(c.shape(1, 3, 9, zero=0), "float32")
    c.outputs = 3


@generator("MatMulInteger")
def matmul_integer(c):
    a, b = c.type("T1"), c.type("T2")
    m, k, n = c.r.randint(1, 12), c.r.randint(1, 70), c.r.randint(1, 40)
    batch = c.shape(0, 2, 3, zero=0)
    c.add(codes(c, batch + [m, k], a))
    c.add(codes(c, (batch if c.r.random() < 0.5 else []) + [k, n], b))
    if c.r.random() < 0.7:
        c.add(zero_point(c, [], a))
        if c.r.random() < 0.7:
            c.add(zero_point(c, [n] if c.r.random() < 0.5 else [], b))


@generator("QLinearMatMul")
def qlinear_matmul(c):
    c.widen = False
    f8 = c.version >= 21 and c.r.random() < 0.2
    among = FLOAT8 if f8 else ["int8", "uint8"]
    ts = c.type("TS", ["float32"] if c.r.random() < 0.7 else None) if c.version >= 21 else "float32"
    a, b, y = c.type("T1", among), c.type("T2", among), c.type("T3", among)
    m, k, n = c.r.randint(1, 12), c.r.randint(1, 70), c.r.randint(1, 40)
    batch = c.shape(0, 2, 3, zero=0)
    any = (lambda s, t: c.array(s, t)) if f8 else (lambda s, t: codes(c, s, t))
    zero = (lambda s, t: np.zeros(s, NUMPY[t])) if f8 else (lambda s, t: zero_point(c, s, t))
    columns = [n] if c.r.random() < 0.4 else []
    c.add(any(batch + [m, k], a))
    c.add(scale(c, [], type=ts))
    c.add(zero([], a))
    c.add(any((batch if c.r.random() < 0.5 else []) + [k, n], b))
    c.add(scale(c, columns, type=ts))
    c.add(zero(columns, b))
    c.add(np.array(0.1 * k**0.5 * 5, NUMPY[ts]))
    c.add(zero([], y))
    c.int_tolerance = 1


@generator("ConvInteger", "QLinearConv")
def conv_integer(c):
    q = c.op == "QLinearConv"
    x, w = c.type("T1"), c.type("T2")
    g = c.r.choice([1, 1, 2])
    cin, cout = g * c.r.randint(1, 5), g * c.r.randint(1, 5)
    if c.r.random() < 0.2:
        g = cin = cout = c.r.choice([4, 17])
    sizes = [c.r.randint(3, 9) for _ in range(c.r.choice([1, 2, 2, 3]))]
    kernel = window(c, sizes)
    data, weight = codes(c, [c.r.randint(1, 2), cin] + sizes, x), codes(c, [cout, cin // g] + kernel, w)
    c.attr("group", g)
    if not q:
        c.add(data)
        c.add(weight)
        if c.r.random() < 0.6:
            c.add(zero_point(c, [], x))
            if c.r.random() < 0.6:
                c.add(zero_point(c, [], w))
        return
    y, rows = c.type("T3"), [cout] if c.r.random() < 0.5 else []
    c.add(data)
    c.add(scale(c))
    c.add(zero_point(c, [], x))
    c.add(weight)
    c.add(scale(c, rows))
    c.add(np.full(rows, zero_point(c, [], w), NUMPY[w]))
    c.add(np.array(0.05 * (int(np.prod(kernel)) * cin // g)**0.5 * 20, np.float32))
    c.add(zero_point(c, [], y))
    if c.r.random() < 0.6:
        c.add(c.array([cout], "int32", -1000, 1000))
    c.int_tolerance = 1
    c.constants = c.constants or c.r.random() < 0.7  # peers want constant parameters
