# SPDX-License-Identifier: Apache-2.0
"""When two answers are the same. Types and shapes, integers, strings and booleans exactly; quantised results within
int_tolerance codes (a value at the middle between two codes goes either way with the order of two float operations).

Floats: |a - b| <= ulps * eps * |b| + terms * eps' * max|b|: the first part is the rounding of a result, the second the
error of a sum of so many terms, which does not shrink with the sum. eps is that of the result's type, or of the one that
the peer computed in where that is coarser; eps' is float32's for half types, which are computed in it and rounded once
(`steps`: so many roundings on the way). Where all results are small beside the terms, which are of order 1, max|b| says
little: a sum then has a quarter of `terms` in eps' as its least error.
"""
import ml_dtypes
import numpy as np
import onnx
from onnx import numpy_helper

from case import COMPLEX, FLOATS, NUMPY, type_name


def read(path, like):
    with open(path, "rb") as f:
        data = f.read()
    if isinstance(like, list):
        p = onnx.SequenceProto()
        p.ParseFromString(data)
        return [numpy_helper.to_dict(m) for m in p.map_values] if p.map_values else numpy_helper.to_list(p)
    if isinstance(like, dict):
        p = onnx.MapProto()
        p.ParseFromString(data)
        return numpy_helper.to_dict(p)
    p = onnx.TensorProto()
    p.ParseFromString(data)
    return numpy_helper.to_array(p)


def texts(a):
    return [s.decode(errors="replace") if isinstance(s, bytes) else str(s) for s in np.asarray(a).reshape(-1)]


def difference(c, got, want, as_float32=(), declared=None):
    """None, or what differs. declared: the type that the specification gives this output, where it says."""
    if isinstance(want, (list, dict)):
        if len(got) != len(want):
            return f"{len(got)} items, not {len(want)}"
        if isinstance(want, list):
            pairs = zip(got, want)
        else:
            got = {k.decode() if isinstance(k, bytes) else k: v for k, v in got.items()}
            if set(got) != set(want):
                return f"keys {sorted(got)[:4]}, not {sorted(want)[:4]}"
            pairs = [(np.asarray(got[k]).reshape(()), np.asarray(want[k]).reshape(())) for k in want]
        return next((d for d in (difference(c, a, b, as_float32, None if isinstance(want, list) else a.dtype) for a, b in pairs) if d), None)
    want = np.asarray(want)
    if want.dtype.kind in "OUST":
        if got.dtype.kind not in "OUS":
            return f"type {got.dtype}, not string"
        if got.shape != want.shape:
            return f"shape {got.shape}, not {want.shape}"
        return None if texts(got) == texts(want) else f"{texts(got)[:4]}, not {texts(want)[:4]}"
    computed = want.dtype  # the type that the peer computed in
    if declared is not None and declared != want.dtype and want.dtype.kind in "fiub":
        with np.errstate(all="ignore"):
            want = want.astype(declared)
    elif want.dtype == np.float32 and got.dtype != np.float32 and type_name(got) in as_float32:
        with np.errstate(all="ignore"):
            want = want.astype(got.dtype)
    if got.dtype != want.dtype:
        return f"type {got.dtype}, not {want.dtype}"
    if got.shape != want.shape:
        return f"shape {got.shape}, not {want.shape}"
    return numbers(c, got, want, computed) if want.size else None


def exact(c, got, want):
    if want.dtype.kind not in "biu":  # small floats and integers of 4 and 2 bits
        a, b = got.astype(np.float32), want.astype(np.float32)
        return ~((a == b) | (np.isnan(a) & np.isnan(b)))
    if want.dtype.itemsize == 8:
        off = got != want
        return off & (np.abs(got.astype(np.float64) - want.astype(np.float64)) > c.int_tolerance) if c.int_tolerance else off
    return np.abs(got.astype(np.int64) - want.astype(np.int64)) > c.int_tolerance


def numbers(c, got, want, computed):
    if type_name(want) not in FLOATS + COMPLEX:
        off = exact(c, got, want)
        return describe(off, got, want) if off.any() else None
    result = float(ml_dtypes.finfo(want.dtype).eps)
    half = result > 1e-4
    eps = max(result, float(ml_dtypes.finfo(computed).eps) if type_name(np.zeros(1, computed)) in FLOATS + COMPLEX else 0)
    if want.dtype in (np.float64, np.complex128) and c.float32:
        eps = max(eps, 2.0**-23)  # the constants are float32
    if c.steps and not half:  # a half type on the way
        eps = max([eps] + [float(ml_dtypes.finfo(NUMPY[t]).eps) for t in c.low()])
    ulps = c.ulps if c.ulps is not None else 4 if half else 64
    term = 2.0**-23 if half and computed == np.float32 else eps
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    a, b = got.astype(wide), want.astype(wide)
    finite = np.isfinite(b)
    most = np.max(np.abs(b[finite])) if finite.any() else 0.0
    floor = max(c.floor, c.terms / 4 if c.terms > 4 else 0)
    tolerance = ulps * eps * np.abs(b) + (c.terms * term + (c.steps * result if half else 0)) * most + floor * term
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= np.where(finite, tolerance, 0))
    return None if same.all() else describe(~same, got, want)


def describe(off, got, want):
    at = np.unravel_index(np.argmax(off), off.shape)
    return f"{int(off.sum())} of {off.size} differ, the first at {[int(i) for i in at]}: {got[at]!r}, not {want[at]!r}"
