# SPDX-License-Identifier: Apache-2.0
"""Every code of every type of at most 16 bits, converted to every type by Cast, QuantizeLinear and DequantizeLinear, on every
tier, with and without saturation; and every value halfway between two codes of a float type with its neighbours.

What is expected comes from the layout of the types alone (sign, exponent, mantissa, bias; onnx docs/technical/float8.md and
the operators' texts): a table of all values, the nearest, of two nearest that of the even code.
"""
import os

import numpy as np
import onnx
from onnx import helper, numpy_helper

import compare
import main
from case import BITS, INTS, NUMPY, elem

# bits of exponent and mantissa, bias, what the highest exponent holds: inf (and NaN), nan (in the last code alone), none;
# fnuz: as none, and the code of -0 is NaN.
LAYOUT = {"float16": (5, 10, 15, "inf"), "bfloat16": (8, 7, 127, "inf"), "float8e4m3fn": (4, 3, 7, "nan"),
          "float8e4m3fnuz": (4, 3, 8, "fnuz"), "float8e5m2": (5, 2, 15, "inf"), "float8e5m2fnuz": (5, 2, 16, "fnuz"),
          "float4e2m1": (2, 1, 1, "none"), "float6e2m3": (2, 3, 1, "none"), "float6e3m2": (3, 2, 3, "none")}
STORAGE = {"float16": np.uint16, "bfloat16": np.uint16}
FLOAT8 = [t for t in LAYOUT if t.startswith("float8")]
FINITE = [t for t in LAYOUT if LAYOUT[t][3] == "none"]


def value(t, code):
    e_bits, m_bits, bias, top = LAYOUT[t]
    sign, exponent, mantissa = code >> (e_bits + m_bits), (code >> m_bits) & ((1 << e_bits) - 1), code & ((1 << m_bits) - 1)
    highest = exponent == (1 << e_bits) - 1
    if top == "inf" and highest:
        x = np.nan if mantissa else np.inf
    elif top == "nan" and highest and mantissa == (1 << m_bits) - 1:
        x = np.nan
    elif top == "fnuz" and sign and not exponent and not mantissa:
        return np.nan
    else:
        x = np.ldexp(mantissa + (1 << m_bits if exponent else 0), max(exponent, 1) - bias - m_bits)
    return -x if sign else x


TABLES = {t: np.array([value(t, k) for k in range(1 << (1 + l[0] + l[1]))]) for t, l in LAYOUT.items()}


def nearest(t, x, saturate):
    """x (float64, exact) as values of type t."""
    e_bits, m_bits, _, top = LAYOUT[t]
    half = TABLES[t][:1 << (e_bits + m_bits)]
    grid = half[np.isfinite(half)]  # ascending, codes 0, 1, ...
    most = grid[-1]
    beyond = most + (most - grid[-2]) / 2  # halfway to what the next code would be
    a = np.abs(x)
    with np.errstate(invalid="ignore"):
        k = np.clip(np.searchsorted(grid, a), 1, len(grid) - 1)
        low, high = grid[k - 1], grid[k]
        down = (a - low < high - a) | ((a - low == high - a) & ((k - 1) % 2 == 0))
        y = np.where(down, low, high)
        over = a >= beyond if (len(grid) - 1) % 2 else a > beyond
        y = np.where(a > most, most, y)
    limit = most if top == "none" or (saturate and t in FLOAT8) else np.inf if top == "inf" else np.nan
    y = np.where(over, limit, y)
    if top == "none":
        return np.where(np.isnan(x), np.nan, np.copysign(y, x))  # it has no NaN: not determined
    y = np.where(np.isnan(x), np.nan, y)
    return np.where((y == 0) & (top == "fnuz"), 0.0, np.copysign(y, x))


def codes(t):
    """Every code of the type as an array of it."""
    if t in LAYOUT:
        n = len(TABLES[t])
        return np.arange(n).astype(STORAGE.get(t, np.uint8)).view(NUMPY[t])
    low, high = BITS.get(t) or (np.iinfo(NUMPY[t]).min, np.iinfo(NUMPY[t]).max)
    return np.arange(low, high + 1).astype(NUMPY[t])


def exact(t, array):
    return TABLES[t].copy() if t in LAYOUT and len(array) == len(TABLES[t]) else array.astype(np.float64)


def halves(t):
    """float32 at, just below and just above the middles between the type's neighbouring values."""
    grid = np.unique(TABLES[t][np.isfinite(TABLES[t])])
    middle = ((grid[1:] + grid[:-1]) / 2).astype(np.float32)
    return np.concatenate([middle, np.nextafter(middle, np.float32(np.inf)), np.nextafter(middle, np.float32(-np.inf))])


def to_int(x, t):
    """Toward zero; what the type does not hold is not determined (NaN here)."""
    low, high = BITS.get(t) or (np.iinfo(NUMPY[t]).min, np.iinfo(NUMPY[t]).max)
    with np.errstate(invalid="ignore"):
        y = np.trunc(x)
        return np.where((y >= low) & (y < float(high + 1)), y, np.nan)


SOURCES = list(LAYOUT) + ["int8", "uint8", "int16", "uint16", "int4", "uint4", "int2", "uint2"]
TARGETS = list(LAYOUT) + ["float32", "float64"] + INTS + list(BITS) + ["bool"]


class Suite:
    """Models of one input and many nodes, and what each output is to be."""

    def __init__(self, folder):
        self.folder, self.expected = folder, {}

    def add(self, name, x, nodes, weights, expected, opset=28):
        at = f"{self.folder}/{name}"
        os.makedirs(at + "/test_data_set_0")
        graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
                                  [helper.make_empty_tensor_value_info(n.output[0]) for n in nodes], weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=13), at + "/model.onnx")
        with open(at + "/test_data_set_0/input_0.pb", "wb") as f:
            f.write(numpy_helper.from_array(x, "x").SerializeToString())
        self.expected[name] = expected

    def check(self, build, setting, check):
        verdicts = main.run_linnet(build, self.folder, [], setting)
        for name, expected in self.expected.items():
            if verdicts[name][0] != "pass":
                check(False, f"{name}: {verdicts[name]}")
                continue
            for k, (label, want) in enumerate(expected):
                got = compare.read(f"{self.folder}/{name}/test_data_set_0/result_{k}.pb", want)
                with np.errstate(invalid="ignore"):
                    got = got.astype(np.float64)
                ask = ~np.isnan(want) if label.endswith("?") else np.ones(want.shape, bool)
                same = (got == want) & (np.signbit(got) == np.signbit(want)) | (np.isnan(got) & np.isnan(want)) | ~ask
                at = int(np.argmin(same)) if not same.all() else 0
                check(same.all(), f"{name} {label} on {setting[0]}: element {at} is {got[at]}, not {want[at]}")


def casts(suite):
    inputs = [(s, codes(s)) for s in SOURCES] + [(f"float32-{t}", halves(t)) for t in LAYOUT]
    for name, x in inputs:
        source = name.split("-")[0]
        e, nodes, expected = exact(source, x), [], []
        for t in TARGETS:
            for saturate in (1, 0) if t in FLOAT8 else (1,):
                attrs = {"saturate": saturate} if t in FLOAT8 else {}
                nodes.append(helper.make_node("Cast", ["x"], [f"y{len(nodes)}"], to=elem(t), **attrs))
                if t == source:
                    want, label = e, f"to {t}"
                elif t in LAYOUT:
                    want, label = nearest(t, e, saturate), f"to {t}, saturate {saturate}{'?' * (t in FINITE)}"
                elif t == "bool":
                    want, label = (e != 0).astype(np.float64), "to bool"
                elif t.startswith("float"):
                    want, label = e, f"to {t}"
                else:
                    want, label = to_int(e, t) + 0.0, f"to {t}?"
                expected.append((label, want))
        suite.add(f"cast-{name}", x, nodes, [], expected)


def quantize(suite):
    for source in ("float16", "bfloat16", "float32"):
        x = codes("float16").astype(np.float32) if source == "float32" else codes(source)
        nodes, expected = [], []
        with np.errstate(all="ignore"):
            scale = np.array(2.0, NUMPY[source])
            q = (x / scale + 0).astype(np.float64)  # and a zero point of 0: there is no -0
        weights = [numpy_helper.from_array(scale, "s")]
        for t in ["int8", "uint8", "int16", "uint16", "int4", "uint4", "int2", "uint2"] + FLOAT8 + FINITE:
            integer = t not in LAYOUT
            zero = np.array(1 if integer else 0, NUMPY[t])
            weights.append(numpy_helper.from_array(zero, f"z{t}"))
            for saturate in (1, 0) if t in FLOAT8 else (1,):
                attrs = {"saturate": saturate} if t in FLOAT8 else {}
                nodes.append(helper.make_node("QuantizeLinear", ["x", "s", f"z{t}"], [f"y{len(nodes)}"], **attrs))
                if integer:
                    low, high = BITS.get(t) or (np.iinfo(NUMPY[t]).min, np.iinfo(NUMPY[t]).max)
                    expected.append((f"to {t}?", np.clip(np.rint(q) + 1, low, high)))
                else:
                    expected.append((f"to {t}, saturate {saturate}{'?' * (t in FINITE)}", nearest(t, q, saturate)))
        suite.add(f"quantize-{source}", x, nodes, weights, expected)


def dequantize(suite):
    for t in ["int8", "uint8", "int16", "uint16", "int4", "uint4", "int2", "uint2"] + FLOAT8 + FINITE:
        x, nodes, expected, weights = codes(t), [], [], []
        zero = 0 if t in LAYOUT else 1
        weights.append(numpy_helper.from_array(np.array(zero, NUMPY[t]), "z"))
        for out in ("float32", "float16", "bfloat16"):
            weights.append(numpy_helper.from_array(np.array(0.5, NUMPY[out]), f"s{out}"))
            nodes.append(helper.make_node("DequantizeLinear", ["x", f"s{out}", "z"], [f"y{out}"]))
            want = (exact(t, x) - zero) * 0.5
            expected.append((f"to {out}", want if out == "float32" else nearest(out, want, 0)))
        suite.add(f"dequantize-{t}", x, nodes, weights, expected)


def run(build, folder, check):
    suite = Suite(folder)
    casts(suite)
    quantize(suite)
    dequantize(suite)
    for tier in ("scalar", "avx2", "avx512"):
        suite.check(build, (tier, 1, None), check)
