# SPDX-License-Identifier: Apache-2.0
"""What an operator gives, computed with numpy from its definition: a peer for those that neither ONNX Runtime nor the
reference evaluator has. A definition is a function of a Case that returns the outputs, under the operator's name; floats
are computed in float64 and rounded to the type of the result once.
"""
import copy
import io

import numpy as np
from onnx.reference import ReferenceEvaluator

import rules
from case import FLOATS, NUMPY, type_name

DEFINITIONS = {}


def definition(*names):
    def add(f):
        for name in names:
            DEFINITIONS[name] = f
        return f
    return add


def given(c):
    return [a for _, a, _ in c.inputs]


@definition("com.microsoft.Rfft", "com.microsoft.Irfft")
def rfft(c):
    """"the n-point one dimensional Fourier transform for a real-valued input where n is an even number"; signal_ndim:
    "number of dimensions comprising the signal, collected in reverse order (e.g. 1 = last dimension is the signal)"."""
    x, axes = given(c)[0], tuple(range(-c.attrs["signal_ndim"], 0))
    wide = x.astype(np.float64)
    if c.op == "Rfft":
        z = np.fft.rfftn(wide, axes=axes)
        return [np.stack([z.real, z.imag], -1).astype(x.dtype)]
    z = wide[..., 0] + 1j * wide[..., 1]
    points = [2 * (d - 1) if k == len(axes) - 1 else d for k, d in enumerate(z.shape[-len(axes):])]
    return [np.fft.irfftn(z, points, axes).astype(x.dtype)]


@definition("ai.onnx.ml.DictVectorizer")
def dict_vectorizer(c):
    """"the output will be a vector of the same size as the vocabulary, with the value of the key or 0", as a row [1, n]."""
    values, _, t = c.maps["i0"]
    words = c.attrs.get("string_vocabulary") or c.attrs["int64_vocabulary"]
    return [np.array([[values.get(w, "" if t == "string" else 0) for w in words]], NUMPY[t])]


@definition("ai.onnx.ml.CastMap")
def cast_map(c):
    """Values "ordered in ascending order" of the keys, or with "the key of the map as the index of the output", as a row; of
    strings, which ONNX Runtime's Python cannot feed. Between the keys is what ONNX Runtime puts there."""
    values, _, t = c.maps["i0"]
    assert t == "string"
    cast, fill, to = {"TO_FLOAT": (np.float32, 0, np.float32), "TO_STRING": (str, "0.f", object), "TO_INT64": (int, 0, np.int64)}[c.attrs["cast_to"]]
    if c.attrs["map_form"] == "SPARSE":
        return [np.array([[cast(values[k]) if k in values else fill for k in range(c.attrs["max_map"])]], to)]
    return [np.array([[cast(values[k]) for k in sorted(values)]], to)]


def quantized(x, scale, zero):
    info = np.iinfo(zero.dtype)
    return np.clip(np.rint(x / np.float64(scale)) + zero.astype(np.int64), info.min, info.max).astype(zero.dtype)


@definition("com.microsoft.QLinearReduceMean")
def reduce_mean(c):
    """"Computes the mean of the low-precision input tensor's element along the provided axes", with (scale, zero point)
    of the data and of the result."""
    x, scale, zero, to_scale, to_zero = given(c)
    real = (x.astype(np.float64) - np.float64(zero)) * np.float64(scale)
    return [quantized(real.mean(tuple(c.attrs["axes"]), keepdims=bool(c.attrs["keepdims"])), to_scale, to_zero)]


@definition("com.microsoft.Trilu")
def trilu(c):
    """As the standard's: "Returns the upper or lower triangular part of a 2-D matrix, or batches of 2-D matrices"."""
    x, k = (given(c) + [np.array(0)])[:2]
    keep = np.tri(*x.shape[-2:], k=int(k) - 1, dtype=bool)
    return [np.where(~keep if c.attrs.get("upper", 1) else np.tri(*x.shape[-2:], k=int(k), dtype=bool), x, np.zeros((), x.dtype))]


@definition("com.microsoft.SimplifiedLayerNormalization")
def simplified(c):
    """As the standard's RMSNormalization over the last axis."""
    x, scale = (a.astype(np.float64) for a in given(c))
    return [(x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float64(np.float32(c.attrs["epsilon"]))) * scale).astype(given(c)[0].dtype)]


@definition("LRN")
def lrn(c):
    """"Y[n, c, d1, ..., dk] = X[n, c, d1, ..., dk] / (bias + alpha / size * square_sum[n, c, d1, ..., dk] )^beta", square_sum
    over the channels from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2)."""
    x, size = given(c)[0].astype(np.float64), c.attrs["size"]
    get = lambda name, value: np.float64(np.float32(c.attrs.get(name, value)))
    squares = [(x[:, max(0, k - (size - 1) // 2):k + size // 2 + 1]**2).sum(1) for k in range(x.shape[1])]
    sums = np.stack(squares, 1) if squares else x
    return [(x / (get("bias", 1) + get("alpha", 1e-4) / size * sums)**get("beta", 0.75)).astype(given(c)[0].dtype)]


@definition("OneHot")
def one_hot(c):
    """"on_value" where the index is, "off_value" else; from version 11 on, "negative indices ... from the back"."""
    indices, depth, values = given(c)
    n, i = int(depth.reshape(-1)[0]), indices.astype(np.int64)
    i = np.where(i < 0, i + n, i) if c.version >= 11 else i
    axis = c.attrs.get("axis", -1)
    hot = np.moveaxis(i[..., None] == np.arange(n), -1, axis)
    return [np.where(hot, values[1:], values[:1])]


@definition("ImageDecoder")
def decoder(c):
    """"Loads and decodes and image from a file"; the decoder of Pillow. What is no RGB becomes so first, and an alpha
    channel is dropped. Samples of 16 bits are cut to the upper 8; those of PNM, which are parts of a maximum, rounded."""
    from PIL import Image
    image = Image.open(io.BytesIO(given(c)[0].tobytes()))
    if image.mode.startswith("I;16") or image.mode == "I":
        wide = np.asarray(image).astype(np.int64)
        image = Image.fromarray(((wide * 255 + 32767) // 65535 if image.format == "PPM" else wide >> 8).astype(np.uint8))
    rgb = np.asarray(image.convert("RGB"))
    if c.attrs.get("pixel_format") == "Grayscale":
        return [np.asarray(Image.fromarray(rgb).convert("L"))[:, :, None]]
    return [rgb[:, :, ::-1] if c.attrs.get("pixel_format") == "BGR" else rgb]


def evaluated(c, x):
    """The reference evaluator's answer for another first input."""
    other = copy.copy(c)
    other.inputs = [("i0", x, False), *c.inputs[1:]]
    model, feeds, outs = other.model(c.low())
    return ReferenceEvaluator(model).run(outs, feeds)[0]


@definition("GridSample", "Resize")
def sampled(c):
    """Complex numbers part by part; GridSample of integers in float64, rounded. Of the rest others have their own."""
    x = c.inputs[0][1]
    if x.dtype.kind == "c" and not rules.excludes("ref", c, but=f"{c.op} of {'complex numbers' if c.op == 'Resize' else 'integers'}"):
        imaginary = copy.copy(c)  # extrapolation_value is real
        imaginary.attrs = {**c.attrs, "extrapolation_value": 0.0} if "extrapolation_value" in c.attrs else c.attrs
        return [(evaluated(c, x.real) + 1j * evaluated(imaginary, x.imag)).astype(x.dtype)]
    if type_name(x) in FLOATS + ["string"] or x.dtype.kind == "c" or c.op == "Resize":
        raise ValueError("no definition")
    y = np.rint(evaluated(c, x.astype(np.float64)))
    info = np.iinfo(x.dtype) if x.dtype != np.bool_ else None
    return [np.clip(y, info.min, info.max).astype(x.dtype) if info else y > 0]


@definition("ai.linnet.SumTo")
def sum_to(c):
    """Input 0 summed over the axes along which input 1 was broadcast to it (ops/sumto.c)."""
    x, like = given(c)
    lead = x.ndim - like.ndim
    wide = x.astype(np.float64).sum(tuple(range(lead)))
    axes = tuple(k for k, d in enumerate(like.shape) if d != wide.shape[k])
    return [wide.sum(axes, keepdims=True).astype(x.dtype)]


@definition("ai.linnet.ByteMap")
def byte_map(c):
    """The entry of a table that the bits of an element are the number of (ops/qlinearunary.c)."""
    x, table = given(c)
    return [table[x.view(np.uint8)]]


@definition("ai.linnet.Attention")
def heads(c):
    """softmax(scale Q K^T + mask) V of every head (ops/attention_heads.c)."""
    q, k, v, *mask = [a.astype(np.float64) for a in given(c)]
    q, k, v = (a.swapaxes(-3, -2) if c.attrs.get(name) else a for name, a in (("q_last", q), ("k_last", k), ("v_last", v)))
    scores = np.float64(np.float32(c.attrs["scale"])) * (q @ k.swapaxes(-1, -2)) + (mask[0] if mask else 0)
    e = np.exp(scores - scores.max(-1, keepdims=True))
    y = e / e.sum(-1, keepdims=True) @ v
    return [(y.swapaxes(-3, -2) if c.attrs.get("y_last") else y).astype(np.float32)]


@definition("ai.linnet.Spectrogram")
def spectrogram(c):
    """Frames, a window, the transform, a power, a filterbank, the logarithm (ops/spectrogram.c)."""
    x, window, bank, *_ = given(c) + [None, None]
    wide, get = x.astype(np.float64), c.attrs.get
    n, step = get("frame_length"), get("frame_step", 0)
    samples = get("samples", 0) or n
    if step:
        wide = np.lib.stride_tricks.sliding_window_view(wide, samples, axis=-1)[..., ::step, :]
    z = np.fft.rfft(wide if window is None else wide * window, n)
    power = get("power", 2)
    y = np.abs(z) if power == 1 else z.real**2 + z.imag**2 if power == 2 else z.real
    if bank is not None:
        y = y @ bank.astype(np.float64)
    if get("log"):
        y = np.log(np.maximum(y, get("least")) + get("add"))
    return [y.astype(x.dtype)]


@definition("ai.linnet.QLinearLSTM")
def integer_lstm(c):
    """docs/ARCHITECTURE.md, "The integer LSTM", in int64."""
    x, w, r, bias, lens, h0, c0, peep, xs, xz, ws, wz, rs, rz, hs, hz, cs, cz = given(c)
    get, wide = c.attrs.get, lambda a: np.asarray(a).astype(np.int64)
    layout, n, d = get("layout", 0), get("hidden_size"), w.shape[0]
    x = wide(x).swapaxes(0, 1) if layout else wide(x)
    steps, b, _ = x.shape
    points = np.array([round(2**16 * (1 / (1 + np.exp(-k / 16)) - 0.5)) for k in range(194)], np.int64)

    def half(z):
        a = np.minimum(np.abs(z), 12 << 16)
        i = a >> 12
        return np.sign(z) * (points[i] + (((points[i + 1] - points[i]) * (a & 4095) + 2048) >> 12))

    def scaled(v, real):  # below 2^62, as the operator's
        m, e = np.frexp(np.float64(real))
        mul, shift = np.rint(m * 2**31).astype(np.int64), 31 - np.int64(e)
        return np.where(shift > 62, 0, (v * mul + (np.int64(1) << np.minimum(shift, 62) - 1)) >> np.minimum(shift, 62))

    by_direction = lambda a, k: np.asarray(a).reshape(-1) if a.size in (1, 4 * n) else np.asarray(a).reshape(d, -1)[k]
    fixed = lambda a: np.rint(a.astype(np.float64) * 2**16).astype(np.int64)
    limit = lambda a, z: np.clip(a, np.iinfo(z.dtype).min, np.iinfo(z.dtype).max).astype(z.dtype)
    clip = fixed(np.float64(get("clip"))) if get("clip") else 2**31 - 1
    cut = lambda z: np.clip(z, -clip, clip)
    y, y_h, y_c = np.full((steps, d, b, n), hz, hz.dtype), np.empty((d, b, n), hz.dtype), np.empty((d, b, n), cz.dtype)
    one, bits = 1 << 16, 2.0**16
    for k in range(d):
        h = wide(hz) + np.zeros((b, n), np.int64) if h0 is None else wide(h0.swapaxes(0, 1)[k] if layout else h0[k])
        cell = np.zeros((b, n), np.int64)
        if c0 is not None:
            cell = np.clip(scaled(wide(c0.swapaxes(0, 1)[k] if layout else c0[k]) - int(cz), float(cs) * 2**20), -2**31 + 1, 2**31 - 1)
        fw, fr = (by_direction(a, k).astype(np.float64) for a in (ws, rs))
        kernel, recurrent = ((wide(a[k]) - by_direction(wide(z), k).reshape(-1, 1)).T for a, z in ((w, wz), (r, rz)))
        add = 0 if bias is None else np.rint((bias[k, :4 * n].astype(np.float64) + bias[k, 4 * n:]) * bits).astype(np.int64)
        p = np.zeros((3, n), np.int64) if peep is None else fixed(peep[k]).reshape(3, n)
        for t in range(steps)[::-1 if k == 1 or get("direction") == "reverse" else 1]:
            z = scaled((x[t] - int(xz)) @ kernel, float(xs) * fw * bits) + scaled((h - int(hz)) @ recurrent, float(hs) * fr * bits) + add
            zi, zo, zf, zg = np.split(z, 4, 1)
            i = one // 2 + half(cut(zi + (cell * p[0] >> 20)))
            f = one - i if get("input_forget") else one // 2 + half(cut(zf + (cell * p[2] >> 20)))
            g = half(2 * cut(zg))
            new = np.clip((f * cell + i * g * 32 + one // 2) >> 16, -2**31 + 1, 2**31 - 1)
            o = one // 2 + half(cut(zo + (new * p[1] >> 20)))
            result = limit(scaled(o * half(2 * (np.clip(new, -clip * 16, clip * 16) >> 4)), 2.0**-31 / float(hs)) + int(hz), hz)
            for row in range(b):
                if lens is None or t < lens[row]:
                    cell[row], h[row], y[t, k, row] = new[row], wide(result[row]), result[row]
        y_h[k] = h.astype(hz.dtype)
        y_c[k] = limit(scaled(cell, 1 / (float(cs) * 2**20)) + int(cz), cz)
    return [y.transpose(2, 0, 1, 3), y_h.swapaxes(0, 1), y_c.swapaxes(0, 1)] if layout else [y, y_h, y_c]
