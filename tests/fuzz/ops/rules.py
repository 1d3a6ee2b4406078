# SPDX-License-Identifier: Apache-2.0
"""Where a peer is known to be wrong, or to have chosen otherwise where the specification is silent: the peer is not asked
then. A rule is a peer, an operator, a condition on the case, and the first cell of its line in docs/DIFFERENCES.md, which
says what the specification has to say; main.py refuses to start where that line is missing.
"""
import numpy as np

from case import FLOATS, INTS, full_name, type_name

RULES = []


def rule(peer, operators, line, condition=lambda c: True):
    RULES.append((peer, operators.split(), line, condition))


def excludes(peer, c, but=None):
    """The first line that says so; but: another than this."""
    name = full_name(c.domain, c.op)
    for who, operators, line, condition in RULES:
        if who == peer and name in operators and line != but and condition(c):
            return line
    return None


def missing(text):
    """The lines that the page of differences does not have."""
    return sorted({line for _, _, line, _ in RULES if f"| {line} |" not in text})


def versions_below(n):
    return lambda c: c.version < n


def spatial_rank(c):
    return c.inputs[0][1].ndim - 2


def same(c):
    return c.attrs.get("auto_pad", "").startswith("SAME")


def dilated(c):
    return any(d > 1 for d in c.attrs.get("dilations", []))


def where(c):
    return c.attrs.get("coordinate_transformation_mode")


def same_size(c):
    data, asked = c.inputs[0][1], c.inputs[-1][1]
    return (asked == (1 if asked.dtype.kind == "f" else data.shape[-len(asked):])).any()


def to_one(c):
    """A Resize makes an axis one element long."""
    data, asked = c.inputs[0][1], c.inputs[-1][1]
    axes = c.attrs.get("axes", range(data.ndim))
    return any(int(a * data.shape[axis] if asked.dtype.kind == "f" else a) == 1 for axis, a in zip(axes, asked))


def nearest(c):
    return c.attrs.get("mode", "nearest") == "nearest"


def beside_a_half(c):
    """A position within float32's error of a multiple of 1/2, where float32 does not hold the scale or it."""
    data, asked = c.inputs[0][1], c.inputs[-1][1].astype(np.float64)
    for size, a in zip(data.shape[-len(asked):], asked):
        scale = a if c.inputs[-1][1].dtype.kind == "f" else a / size
        x = np.arange(max(int(scale * size), 1))
        way = where(c)
        at = x / scale if way == "asymmetric" or c.version < 11 else \
            x * (size - 1) / max(scale * size - 1, 1) if way == "align_corners" else (x + 0.5) / scale - 0.5
        if way == "half_pixel_symmetric":
            at = at + size / 2 * (1 - max(int(scale * size), 1) / (scale * size))
        off = np.abs(2 * at - np.rint(2 * at))
        if (((off > 0) | (np.float32(scale) != scale)) & (off < 1e-5 * (1 + size))).any():
            return True
    return False


def at_the_border(c):
    """tf_crop_and_resize, and a position within float32's error of the first or the last pixel, but not on it."""
    data, asked, roi = c.inputs[0][1], c.inputs[-1][1].astype(np.float64), c.inputs[1][1]
    if where(c) != "tf_crop_and_resize":
        return False
    for k, (size, a) in enumerate(zip(data.shape[-len(asked):], asked)):
        length = a * size if c.inputs[-1][1].dtype.kind == "f" else a
        start, end = np.float64(roi[k]), np.float64(roi[k + len(asked)])
        x = np.arange(max(int(length), 1))
        at = ((length - 1 - x) * start + x * end) * (size - 1) / (length - 1) if length > 1 else (start + end) / 2 * (size - 1)
        off = np.minimum(np.abs(at), np.abs(at - (size - 1)))
        if ((off > 0) & (off < 1e-5 * size)).any():
            return True
    return False


def fractional(c):
    """The scales of a Resize give a length that is no integer."""
    return any(x * d != int(x * d) for x, d in zip(c.inputs[2][1], c.inputs[0][1].shape[-len(c.inputs[2][1]):]))


def has(c, value):
    return any(a is not None and type_name(a) in FLOATS and (a.astype(np.float32) == value).any() for _, a, _ in c.inputs)


# -- element by element --
rule("ref", "Add Sub Mul Div And Or Xor Equal Greater Less Pow", "binary operators before version 7", lambda c: c.has("axis"))
rule("ref", "PRelu", "binary operators before version 7", versions_below(7))
rule("ort", "Add Sub Mul Div And Or Xor Equal Greater Less Pow", "binary operators before version 7",
     lambda c: c.has("axis") and any(a.size == 0 for _, a, _ in c.inputs))
rule("ort", "Sigmoid", "Sigmoid far below zero", lambda c: c.types["T"] == "float32" and (c.inputs[0][1] < -4).any())
rule("ort", "Acos", "Acos of float64", lambda c: c.types["T"] == "float64")
rule("ref", "Gemm", "Gemm before version 7", versions_below(7))
rule("ort", "Clip", "Clip of an infinity without a bound", lambda c: has(c, np.inf) or has(c, -np.inf))
rule("ort", "Gather", "Gather of strings by a negative index", lambda c: c.types["T"] == "string")
for peer in ("ort", "ref"):
    rule(peer, "Gelu Mish HardSwish Swish com.microsoft.Gelu", "Gelu, Mish, Swish, HardSwish of -infinity",
         lambda c: has(c, -np.inf))
rule("ref", "Erf", "Erf")
# -- along axes --
rule("ort", "InstanceNormalization", "InstanceNormalization of one element", lambda c: np.prod(c.inputs[0][1].shape[2:]) == 1)
rule("ref", "LpNormalization", "LpNormalization, `p` = 1", lambda c: c.attrs.get("p", 2) == 1)
rule("ort", "ReduceLogSumExp", "ReduceLogSumExp of integers", lambda c: c.types["T"] not in FLOATS)
rule("ort", "MeanVarianceNormalization", "MeanVarianceNormalization of one element",
     lambda c: np.prod([c.inputs[0][1].shape[a] for a in c.attrs.get("axes", [0, 2, 3])]) == 1)
rule("ort", "Dropout", "Dropout, the mask before version 12", lambda c: c.version < 12 and c.outputs == 2)
rule("ref", "Shape", "Shape with `end` below -rank", lambda c: c.attrs.get("end", 0) < -c.inputs[0][1].ndim)
rule("ref", "Unique", "Unique, `sorted` = 0", lambda c: c.attrs.get("sorted", 1) == 0)
# -- layers --
rule("ref", "LRN", "LRN of half types", lambda c: c.low())
rule("ref", "LRN", "LRN of more channels than images", lambda c: c.inputs[0][1].shape[1] > c.inputs[0][1].shape[0])
rule("ref", "GlobalMaxPool", "GlobalMaxPool", lambda c: spatial_rank(c) != 2)
for peer in ("ort", "ref"):
    rule(peer, "MaxPool AveragePool LpPool com.microsoft.NhwcMaxPool", "pools with `auto_pad` SAME and dilations",
         lambda c: same(c) and dilated(c))
for peer in ("ort", "ref"):
    rule(peer, "MaxPool AveragePool LpPool com.microsoft.QLinearAveragePool com.microsoft.NhwcMaxPool",
         "pools with `auto_pad` SAME, a stride above the kernel",
         lambda c: same(c) and any(s > k for s, k in zip(c.attrs.get("strides", []), c.attrs["kernel_shape"])))
rule("ort", "Resize", "Resize, tf_crop_and_resize of the same size", lambda c: where(c) == "tf_crop_and_resize" and same_size(c))
rule("ort", "Resize", "Resize, tf_crop_and_resize at the border", at_the_border)
rule("ref", "Resize", "Resize, tf_crop_and_resize at the border", lambda c: where(c) == "tf_crop_and_resize")
rule("ort", "Resize", "Resize, tf_crop_and_resize of integers",
     lambda c: where(c) == "tf_crop_and_resize" and c.inputs[0][1].dtype.kind in "iu")
rule("ort", "Resize", "Resize of integers, not nearest",
     lambda c: not nearest(c) and c.types.get("T1") not in FLOATS)
rule("ref", "Resize", "Resize of complex numbers", lambda c: c.types.get("T1") == "complex64")
rule("ref", "GridSample", "GridSample of integers", lambda c: c.types["T1"] not in FLOATS and c.attrs["mode"] != "nearest")
rule("ort", "Resize", "Resize, pytorch_half_pixel to length 1",
     lambda c: where(c) == "pytorch_half_pixel" and to_one(c) and len(c.inputs) == 3 and fractional(c))
rule("ref", "Resize", "Resize, pytorch_half_pixel to length 1", lambda c: where(c) == "pytorch_half_pixel" and to_one(c))
rule("ort", "Resize", "Resize, nearest next to a tie", lambda c: nearest(c) and beside_a_half(c))
rule("ref", "Resize", "Resize, next to a pixel", lambda c: c.attrs.get("mode") == "cubic" or beside_a_half(c))
rule("ort", "Resize", "Resize, align_corners with a fractional length",
     lambda c: where(c) in ("align_corners", "tf_crop_and_resize") and (fractional(c) if len(c.inputs) == 3 else "keep_aspect_ratio_policy" in c.attrs))
rule("ort", "QuantizeLinear", "QuantizeLinear of float16", lambda c: c.low())
rule("ort", "RNN GRU LSTM", "RNN, GRU, LSTM, activation Softplus", lambda c: "Softplus" in c.attrs.get("activations", []))
rule("ref", "QLinearConv", "QLinearConv")
rule("ref", "DeformConv", "DeformConv of float64", lambda c: c.types["T"] == "float64")
# -- others --
rule("ort", "Loop", "Scan output of no iterations", lambda c: int(c.inputs[0][1]) == 0)
rule("ref", "Loop", "Loop, scan outputs")
rule("ref", "Optional OptionalGetElement", "Optional")
rule("ref", "SequenceInsert", "SequenceInsert at position n",
     lambda c: c.inputs[-1][1].ndim == 0 and int(c.inputs[-1][1]) == len(c.inputs) - 2)
rule("ref", "ai.onnx.ml.LinearRegressor ai.onnx.ml.SVMRegressor ai.onnx.ml.TreeEnsembleRegressor", "regressors of integers",
     lambda c: c.types["T"] in INTS)
rule("ort", "GridSample", "GridSample, cubic outside the image",
     lambda c: "cubic" in c.attrs["mode"] and c.attrs["padding_mode"] == "border")
rule("ref", "AveragePool", "AveragePool-1, padding", versions_below(7))
rule("ref", "ai.onnx.ml.DictVectorizer", "DictVectorizer, CastMap")
rule("ref", "ai.onnx.ml.LinearClassifier", "LinearClassifier without intercepts", lambda c: "intercepts" not in c.attrs)
rule("ref", "ai.onnx.ml.TreeEnsemble", "TreeEnsemble-5, MIN and MAX without votes", lambda c: c.attrs["aggregate_function"] >= 2)
rule("ref", "StringNormalizer", "StringNormalizer")
rule("ort", "StringSplit", "StringSplit, an empty string and a delimiter",
     lambda c: "delimiter" in c.attrs and "" in c.inputs[0][1].reshape(-1).tolist())
rule("ort", "DFT", "DFT of float64", lambda c: c.types["T1"] == "float64")
rule("ref", "RNN GRU LSTM", "RNN, GRU, LSTM")
rule("ort", "LSTM com.microsoft.DynamicQuantizeLSTM", "LSTM, `clip`", lambda c: "clip" in c.attrs)
rule("ort", "com.microsoft.DynamicQuantizeLSTM", "DynamicQuantizeLSTM, backwards over sequences of several lengths",
     lambda c: c.attrs["direction"] != "forward" and c.inputs[4][1] is not None and len(set(c.inputs[4][1].tolist())) > 1)
rule("ort", "Attention", "Attention, qk_matmul_output of what is masked",
     lambda c: c.outputs == 4 and ("is_causal" in c.attrs or c.inputs[3:4] and c.inputs[3][1] is not None))
rule("ref", "Attention", "Attention, qk_matmul_output with softcap", lambda c: c.outputs == 4 and "softcap" in c.attrs)
rule("ort", "Attention", "Attention, is_causal with a past", lambda c: "is_causal" in c.attrs and len(c.inputs) > 4)
rule("ref", "RMSNormalization", "RMSNormalization, scale of another type", lambda c: c.types["T"] != c.types["V"])
rule("ref", "CenterCropPad Trilu Pad", "padding of strings", lambda c: c.types["T"] == "string")
rule("ref", "GridSample", "padding of strings", lambda c: c.types["T1"] == "string" and c.attrs["padding_mode"] == "zeros")
rule("ort", "com.microsoft.MultiHeadAttention", "MultiHeadAttention, `unidirectional` with other keys than queries",
     lambda c: "unidirectional" in c.attrs and c.inputs[0][1].ndim == 3 and len(c.inputs) > 1
     and keys(c.inputs[1][1]) != c.inputs[0][1].shape[1])


def keys(k):
    """The number of keys: [batch, keys, hidden], [batch, heads, keys, size] or, packed, [batch, keys, heads, 2, size]."""
    return k.shape[2] if k.ndim == 4 else k.shape[1]


def slices(c):
    """(start, step, size) of a Slice by inputs."""
    starts, axes = c.inputs[1][1].tolist(), c.inputs[3][1].tolist()
    steps = c.inputs[4][1].tolist() if len(c.inputs) > 4 else [1] * len(starts)
    return [(a, k, c.inputs[0][1].shape[d]) for a, k, d in zip(starts, steps, axes)]


rule("ref", "Slice", "Slice backwards from before the start",
     lambda c: not c.has("starts") and any(step < 0 and start < -size for start, step, size in slices(c)))
rule("ort", "com.microsoft.QLinearSoftmax", "QLinearSoftmax of a probability of 1",
     lambda c: np.prod(c.inputs[0][1].shape[c.attrs["axis"]:]) == 1)
rule("ref", "RegexFullMatch", "RegexFullMatch", lambda c: "[:" in c.attrs["pattern"])
