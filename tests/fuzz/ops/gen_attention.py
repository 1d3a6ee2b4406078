# SPDX-License-Identifier: Apache-2.0
"""com.microsoft: attention with the masks, caches and biases that its schemas list."""
import copy

import numpy as np

from case import NUMPY
from gen_microsoft import const, microsoft
from gen_quant import codes, scale


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
