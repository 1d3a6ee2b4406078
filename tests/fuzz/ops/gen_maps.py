# SPDX-License-Identifier: Apache-2.0
"""Element-wise operators: maps of one, two and more inputs, comparisons, logic, casts."""
import numpy as np

from case import FLOATS, INTS, NUMPY, elem, generator

# Where a map has its values: (low, high).
RANGES = {"Acos": (-1, 1), "Acosh": (1, 9), "Asin": (-1, 1), "Atanh": (-0.99, 0.99), "Log": (0.01, 50), "Sqrt": (0, 50),
          "Tan": (-1.4, 1.4), "Sinh": (-4, 4), "Cosh": (-4, 4), "Reciprocal": (0.1, 9)}
EXACT = "Abs Ceil Floor Neg Round Sign Relu Identity Not BitwiseNot IsNaN IsInf".split()


@generator(*"""Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Erf Exp Floor Log Neg Reciprocal Round Sigmoid Sign Sin
Sinh Sqrt Tan Tanh Not BitwiseNot IsNaN Relu LeakyRelu Elu Selu Celu ThresholdedRelu Gelu Mish Softplus Softsign
HardSigmoid HardSwish Swish Shrink Identity""".split())
def unary(c):
    t = c.type("V" if c.op == "Identity" and c.version >= 14 else "T1" if c.op in ("IsNaN",) else "T") \
        if c.op != "Not" else "bool"
    lo, hi = RANGES.get(c.op, (None, None))
    c.input(c.shape(0, 4, 9), t, lo, hi, special=c.op in EXACT or c.r.random() < 0.2)
    for a in ("alpha", "beta", "gamma", "lambd", "bias"):
        c.maybe(a, round(c.r.uniform(0.05, 1.5), 3))
    if c.op in ("Gelu", "Mish", "HardSwish", "Swish", "Elu", "Selu", "Celu"):
        c.floor = 8
    if c.op == "Gelu":
        c.maybe("approximate", c.r.choice(["none", "tanh"]))


@generator("IsInf")
def isinf(c):
    c.input(c.shape(0, 4, 9), c.type("T1"), special=True)
    c.maybe("detect_positive", c.r.randint(0, 1))
    c.maybe("detect_negative", c.r.randint(0, 1))


def broadcast_shapes(c, n, most=6):
    """n shapes that broadcast together."""
    full = c.shape(0, 4, most)
    shapes = []
    for _ in range(n):
        s = [1 if c.r.random() < 0.3 else d for d in full]
        shapes.append(s[c.r.randint(0, len(s)) if c.r.random() < 0.4 else 0:])
    shapes[c.r.randrange(n)] = full
    return shapes


def old_broadcast(c):
    """Before version 7: b is a run of a's dimensions, from `axis` on, where `broadcast` says so."""
    a = c.shape(1, 4)
    if c.r.random() < 0.4:
        return a, a
    at = c.r.randint(0, len(a) - 1)
    n = c.r.randint(1, len(a) - at)
    c.attr("broadcast", 1)
    if at + n != len(a) or c.r.random() < 0.5:
        c.attr("axis", at)
    return a, a[at:at + n]


@generator(*"""Add Sub Mul Div And Or Xor BitwiseAnd BitwiseOr BitwiseXor Equal Greater Less GreaterOrEqual LessOrEqual
BitShift Mod Pow PRelu SwiGLU""".split())
def binary(c):
    if c.has("broadcast"):
        a, b = old_broadcast(c)
    elif c.op == "PRelu":
        a = c.shape(1, 4)
        b = [1 if c.r.random() < 0.4 else d for d in a][c.r.randint(0, len(a)):]
        if c.version < 7:
            b = [1] if c.r.random() < 0.5 or len(a) < 2 else [a[1]]
    elif c.op == "SwiGLU":
        a = b = c.shape(1, 4, 9)
        c.maybe("alpha", round(c.r.uniform(0.2, 2), 2))
    else:
        a, b = broadcast_shapes(c, 2)
    t = c.type("T", ["bool"] if c.op in ("And", "Or", "Xor") else None)
    small = c.op in ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual")
    x = c.array(a, t, *((-3, 3) if small and t in INTS else (None, None)), special=small)
    y = c.array(b, t, *((-3, 3) if small and t in INTS else (None, None)), special=small)
    if c.op in ("Div", "Mod") and t in INTS:
        y = np.where(y == 0, y + 3, y).astype(y.dtype)
    if c.op == "Div" and t in FLOATS:
        y = c.array(b, t, 0.2, 5)
    if c.op == "Mod":
        floats = t in FLOATS
        if floats:
            y = (c.array(b, t, 0.5, 5) * c.r.choice([1, -1])).astype(y.dtype)
        c.attr("fmod", 1 if floats and c.version < 28 else c.r.randint(0, 1))
    if c.op == "BitShift":
        c.attr("direction", c.r.choice(["LEFT", "RIGHT"]))
        y = c.array(b, t, 0, np.dtype(NUMPY[t]).itemsize * 8 - 1)
        x = c.array(a, t, -(1 << 62), 1 << 62)
    if c.op == "Pow":
        e = c.type("T1") if "T1" in c.schema.constraints else t
        x = c.array(a, t, 0.1, 3) if t in FLOATS else c.array(a, t, 0, 4)
        y = c.array(b, e, -2, 3) if e in FLOATS and t in FLOATS else c.array(b, e, 0, 4)
    c.add(x)
    c.add(y)


@generator("Max", "Min", "Sum", "Mean")
def variadic(c):
    n = c.r.randint(1, 4)
    shapes = broadcast_shapes(c, n) if c.version >= 8 else [c.shape(1, 4)] * n
    t, c.steps = c.type("T"), n
    for s in shapes:
        c.input(s, t, special=c.op in ("Max", "Min"))


@generator("Where")
def where(c):
    a, b, d = broadcast_shapes(c, 3)
    t = c.type("T")
    c.input(a, "bool")
    c.input(b, t, special=True)
    c.input(d, t, special=True)


@generator("Clip")
def clip(c):
    t = c.type("T")
    c.input(c.shape(0, 4), t, special=True)
    lo, hi = sorted([c.r.randint(-6, 6), c.r.randint(-6, 6)])
    if t.startswith("u"):
        lo, hi = lo + 6, hi + 6
    if c.has("min"):
        c.maybe("min", float(lo), 0.7)
        c.maybe("max", float(hi), 0.7)
        return
    for v in (lo, hi):
        if c.r.random() < 0.7:
            c.add(np.array(v, NUMPY[t]))
        else:
            c.none()


# -- types --

def castable(c, t):
    """Data whose conversion the specification determines: in range for integers."""
    shape = c.shape(0, 3, 9)
    if t == "string":
        return np.array([c.r.choice(["1", "-7", "12", "3", "100"]) for _ in range(int(np.prod(shape)))],
                        object).reshape(shape)
    return c.array(shape, t, 0, 12) if t in INTS or t in FLOATS else c.array(shape, t)


NARROW = "float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz float8e8m0 float4e2m1 float6e2m3 float6e3m2".split()


@generator("Cast", "CastLike")
def cast(c):
    c.widen = False
    a, b = c.type("T1"), c.type("T2")
    if (a, b) == ("bool", "string"):
        b = c.types["T2"] = "int64"  # "True", "true" or "1": not said
    if b == "string" and a in FLOATS + NARROW:
        b = c.types["T2"] = "float32"  # digits of a float are for the implementation to choose
    if b in NARROW or (a == "string" and b not in NUMPY):
        c.maybe("saturate", c.r.randint(0, 1))
    x = castable(c, a)
    if a in ("float32", "float64", "float16", "bfloat16") and (b in NARROW or b in FLOATS):
        x = c.array(x.shape, a, special=True)
        if b in NARROW and x.size:
            x = (x * x.dtype.type(c.r.choice([1, 100, 0.01]))).astype(x.dtype)
    elif a in FLOATS + NARROW and b in INTS + ["int4", "uint4", "int2", "uint2"]:
        most = {"int2": 1, "uint2": 3, "int4": 7}.get(b, 12)
        x = np.minimum(np.abs(x.astype(np.float32)), most).astype(x.dtype)
    elif a in INTS and b in ("int4", "uint4", "int2", "uint2"):
        most = {"int2": 1, "uint2": 3, "int4": 7, "uint4": 12}[b]
        x = (x % (most + 1)).astype(x.dtype)
    elif b == "bool" and a == "string":
        b = c.types["T2"] = "int32"
    if b == "float8e8m0" and a != "float8e8m0":
        x = np.abs(x.astype(np.float32)).astype(x.dtype) if a not in ("string", "bool") else x
        c.maybe("round_mode", c.r.choice(["up", "down", "nearest"]))
    c.add(x)
    if b in NARROW + ["int4", "uint4", "int2", "uint2"]:
        c.peer = "ref"  # ONNX Runtime's Python has no such outputs
    if c.op == "Cast":
        c.attr("to", elem(b))
    else:
        c.input([1], b)


@generator("BitCast")
def bitcast(c):
    c.widen = False
    size = lambda t: {"int4": 4, "uint4": 4, "float4e2m1": 4, "int2": 2, "uint2": 2}.get(
        t, np.dtype(NUMPY[t]).itemsize * 8)
    a = c.type("T1")
    b = c.r.choice([t for t in c.allowed("T2") if size(t) == size(a) and t != "bool"] or [a])
    if a == "bool":
        b = "bool"
    c.input(c.shape(0, 3), a, special=True)
    c.attr("to", elem(b))
