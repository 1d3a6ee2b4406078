# SPDX-License-Identifier: Apache-2.0
"""ai.linnet: what passes put in the place of others, as nodes of a model."""
import numpy as np

from case import NUMPY, generator
from gen_quant import codes, scale, zero_point


@generator("ai.linnet.SumTo")
def sum_to(c):
    t, shape = c.type("T"), c.shape(1, 4)
    like = [d if c.r.random() < 0.6 else 1 for d in shape][c.r.randint(0, len(shape)):]
    c.input(shape, t)
    c.input(like, t)
    c.widen, c.terms = False, 256


@generator("ai.linnet.ByteMap")
def byte_map(c):
    t = c.type("T")
    c.add(codes(c, c.shape(1, 3, 40), t))
    c.add(codes(c, [256], c.r.choice(["int8", "uint8"])), constant=True)


@generator("ai.linnet.Attention")
def heads(c):
    b, n, s, l, d, e = (c.r.randint(1, most) for most in (2, 3, 40, 50, 40, 40))
    batch = [b] if c.r.random() < 0.6 else []
    for name, length, size in (("q", s, d), ("k", l, d), ("v", l, e)):
        last = c.r.randint(0, 1)
        c.attr(name + "_last", last, always=True)
        c.input(batch + ([length, n, size] if last else [n, length, size]), "float32", constant=False)
    c.attr("y_last", c.r.randint(0, 1), always=True)
    c.attr("scale", round(c.r.uniform(0.1, 1), 2), always=True)
    if c.r.random() < 0.6:
        c.input(batch * c.r.randint(0, 1) + [c.r.choice([1, n]), c.r.choice([1, s]), l] if c.r.random() < 0.7 else [s, l], "float32")
    c.terms = 256


@generator("ai.linnet.Spectrogram")
def spectrogram(c):
    t, n, get = c.type("T"), c.r.randint(2, 80), c.r.random
    step = c.r.choice([0, c.r.randint(1, 2 * n)])
    samples = n if get() < 0.6 else c.r.randint(1, n)
    rows = [c.r.randint(1, 3)] if get() < 0.7 else []
    x = c.input(rows + ([samples + c.r.randint(0, 300)] if step else [c.r.randint(1, samples)]), t)
    length = x.shape[-1] if not step else samples
    window = get() < 0.5 and (step or length == samples)
    c.input([samples], t, 0.1, 1, constant=True) if window else c.none()
    if get() < 0.4:
        c.add(np.maximum(c.array([n // 2 + 1, c.r.randint(1, 12)], t, -0.5, 1), 0).astype(x.dtype), constant=True)
    c.attr("frame_length", n, always=True)
    c.attr("frame_step", step, always=True)
    c.attr("power", c.r.choice([1, 2, 3]), always=True)
    if samples != n:
        c.attr("samples", samples, always=True)
    if t == "float32" and get() < 0.4:
        c.attr("log", 1, always=True)
        c.attr("least", 0.125, always=True)
        c.attr("add", 0.25, always=True)
    c.terms = 256


@generator("ai.linnet.QLinearLSTM")
def integer_lstm(c):
    x, w, state, cell = (c.r.choice(types) for types in (["int8", "uint8"],) * 3 + (["int8", "uint8", "int16", "uint16"],))
    way = c.r.choice(["forward", "reverse", "bidirectional"])
    d = 2 if way == "bidirectional" else 1
    steps, b, k, h, layout = c.r.randint(1, 40), c.r.randint(1, 5), c.r.randint(1, 70), c.r.randint(1, 40), c.r.randint(0, 1)
    const = lambda a: c.add(a, constant=True)
    some = lambda make: make() if c.r.random() < 0.5 else c.none()
    states = [b, d, h] if layout else [d, b, h]
    c.add(codes(c, [b, steps, k] if layout else [steps, b, k], x), constant=False)
    const(codes(c, [d, 4 * h, k], w))
    const(codes(c, [d, 4 * h, h], w))
    some(lambda: const(c.array([d, 8 * h], "float32", -1, 1)))
    some(lambda: c.add(c.rng.integers(0, steps + 1, b).astype(np.int32), constant=False))
    some(lambda: c.add(codes(c, states, state), constant=False))
    some(lambda: c.add(codes(c, states, cell), constant=False))
    some(lambda: const(c.array([d, 3 * h], "float32", -1, 1)))
    const(scale(c))
    const(zero_point(c, [], x))
    for depth in (k, h):
        shape = c.r.choice([[], [d], [4 * h], [d, 4 * h]])
        const(scale(c, shape, 0.2 / depth**0.5, 1 / depth**0.5) / np.float32(30))
        const(zero_point(c, shape if c.r.random() < 0.5 else [], w) if w == "uint8" or c.r.random() < 0.5 else np.zeros([], NUMPY[w]))
    const(scale(c, [], 0.004, 0.02))
    const(zero_point(c, [], state))
    const(scale(c, [], 0.01, 0.05) / np.float32(64 if "16" in cell else 1))
    const(zero_point(c, [], cell) if "8" in cell else np.asarray(32000 if cell == "uint16" else 0, NUMPY[cell]))
    c.attr("hidden_size", h, always=True)
    c.attr("direction", way, always=True)
    c.attr("layout", layout, always=True)
    if c.r.random() < 0.15:
        c.attr("clip", c.r.choice([0.75, 1.5]), always=True)
    c.attr("input_forget", int(c.r.random() < 0.15), always=True)
    c.outputs = 3
