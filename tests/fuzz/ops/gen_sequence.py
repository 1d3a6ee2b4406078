# SPDX-License-Identifier: Apache-2.0
"""Recurrent networks, attention, and what stands around it in a language model."""
import numpy as np

from case import NUMPY, generator

ACTIVATIONS = "Sigmoid HardSigmoid Relu Affine LeakyRelu ThresholdedRelu ScaledTanh Elu Softsign Softplus Tanh".split()
ALPHA = {"HardSigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "Elu"}
BETA = {"HardSigmoid", "Affine", "ScaledTanh"}


@generator("RNN", "GRU", "LSTM")
def recurrent(c):
    t = c.type("T", ["float32", "float64"])
    gates, functions = {"RNN": (1, 1), "GRU": (3, 2), "LSTM": (4, 3)}[c.op]
    way = c.r.choice(["forward", "reverse", "bidirectional"])
    d = 2 if way == "bidirectional" else 1
    steps, b, i, h = c.r.randint(1, 6), c.r.randint(1, 3), c.r.randint(1, 6), c.r.randint(1, 9)
    small = lambda *s: c.array(s, t, -1, 1)
    c.add(small(steps, b, i))
    c.add(small(d, gates * h, i))
    c.add(small(d, gates * h, h))
    more = [lambda: c.add(small(d, 2 * gates * h)),
            lambda: c.add(c.rng.integers(1, steps + 1, b).astype(np.int32)),
            lambda: c.add(small(d, b, h))]
    if c.op == "LSTM":
        more += [lambda: c.add(small(d, b, h)), lambda: c.add(small(d, 3 * h))]
    for f in more:
        f() if c.r.random() < 0.6 else c.none()
    c.attr("hidden_size", h)
    c.maybe("direction", way, 1.0 if d == 2 or way == "reverse" else 0.5)
    if c.r.random() < 0.3:
        names = [c.r.choice(ACTIVATIONS) for _ in range(functions * d)]
        c.attr("activations", names)
        if set(names) & ALPHA:
            c.attr("activation_alpha", [round(c.r.uniform(0.1, 0.9), 2) for n in names if n in ALPHA])
        if set(names) & BETA:
            c.attr("activation_beta", [round(c.r.uniform(0.1, 0.9), 2) for n in names if n in BETA])
    c.maybe("clip", 1.5, 0.15)
    c.maybe("linear_before_reset", 1)
    c.maybe("input_forget", 1, 0.15)
    if c.version == 1 or (c.has("output_sequence") and c.r.random() < 0.5):
        c.attr("output_sequence", 1)
    c.outputs = 3 if c.op == "LSTM" else 2
    c.terms = 256


@generator("RotaryEmbedding")
def rotary(c):
    t, b, n, s, half = c.type("T"), c.r.randint(1, 2), c.r.randint(1, 3), c.r.randint(1, 5), c.r.randint(1, 5)
    partial = c.r.random() < 0.3
    size = 2 * half + (4 if partial else 0)
    flat = c.r.random() < 0.5
    c.input([b, s, n * size] if flat else [b, n, s, size], t)
    ids = c.r.random() < 0.6
    cache = [30, half] if ids else [b, s, half]
    c.input(cache, t, -1, 1)
    c.input(cache, t, -1, 1)
    if ids:
        c.ints(c.rng.integers(0, 30, [b, s]))
    if flat:
        c.attr("num_heads", n)
    if partial:
        c.attr("rotary_embedding_dim", 2 * half)
    c.maybe("interleaved", c.r.randint(0, 1))
    c.steps = 2


@generator("Attention")
def attention(c):
    t = c.type("T1")
    c.type("T2", [t])
    b, kv, group = c.r.randint(1, 2), c.r.randint(1, 3), c.r.randint(1, 2)
    heads, s, d, dv = kv * group, c.r.randint(1, 6), c.r.randint(1, 9), c.r.randint(1, 9)
    keys, past = c.r.randint(1, 7), c.r.choice([0, 0, c.r.randint(1, 4)])
    flat = c.r.random() < 0.4
    shape = (lambda n, rows, width: [b, rows, n * width]) if flat else (lambda n, rows, width: [b, n, rows, width])
    c.input(shape(heads, s, d), t)
    c.input(shape(kv, keys, d), t)
    c.input(shape(kv, keys, dv), t)
    mask = c.r.choice(["none", "bool", "float"])
    if mask == "none":
        c.none()
    else:
        lead = c.r.choice([[], [1], [heads], [b, 1], [b, heads]])
        m = c.array(lead + [s, keys + past], "bool" if mask == "bool" else t)
        if mask == "bool":
            m[..., 0] = True  # a row with nothing to attend to has no determined answer
        c.add(m)
    if past:
        c.input([b, kv, past, d], t)
        c.input([b, kv, past, dv], t)
    if flat:
        c.attr("q_num_heads", heads)
        c.attr("kv_num_heads", kv)
    if mask != "bool":
        c.maybe("is_causal", 1, 0.4)
    c.maybe("scale", 0.4, 0.3)
    c.maybe("softcap", 3.0, 0.3)
    c.outputs = 3 if past or c.r.random() < 0.2 else 1
    if c.outputs == 3 and c.r.random() < 0.4:
        c.outputs = 4
        c.maybe("qk_matmul_output_mode", c.r.randint(0, 3), 0.7)
    c.terms, c.steps = 128, 8


@generator("ai.onnx.preview.FlexAttention")
def flex_attention(c):
    t = c.type("T1")
    b, kv, group, s, keys, d, dv = (c.r.randint(1, k) for k in (2, 3, 2, 6, 6, 9, 9))
    c.input([b, kv * group, s, d], t)
    c.input([b, kv, keys, d], t)
    c.input([b, kv, keys, dv], t)
    c.maybe("scale", 0.4)
    c.terms, c.steps = 128, 8


@generator("CausalConvWithState")
def causal_conv(c):
    t, b, n, s, k = c.type("T"), c.r.randint(1, 2), c.r.randint(1, 9), c.r.randint(1, 7), c.r.randint(1, 4)
    c.input([b, n, s], t)
    c.input([n, 1, k], t)
    c.input([n], t) if c.r.random() < 0.5 else c.none()
    if c.r.random() < 0.6:
        c.input([b, n, k - 1], t)
    c.maybe("activation", c.r.choice(["none", "silu", "swish"]))
    c.outputs = 2
    c.terms = 32


@generator("LinearAttention")
def linear_attention(c):
    t = c.type("T")
    rule = c.r.choice(["linear", "gated", "delta", "gated_delta"])
    b, kv, group, s, d, dv = c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(1, 5), c.r.randint(1, 6), c.r.randint(1, 6)
    c.input([b, s, kv * group * d], t, -1, 1)
    c.input([b, s, kv * d], t, -0.5, 0.5)
    c.input([b, s, kv * dv], t)
    if c.r.random() < 0.5:
        c.input([b, kv, d, dv], c.type("S", [t]))
    else:
        c.types["S"] = t
        c.none()
    c.input([b, s, kv] if c.r.random() < 0.5 else [b, s, kv * d], t, -1, 0) if "gated" in rule else c.none()
    if "delta" in rule:
        c.input([b, s, kv], t, 0, 1)
    c.attr("update_rule", rule)
    c.attr("q_num_heads", kv * group)
    c.attr("kv_num_heads", kv)
    c.maybe("scale", 0.4)
    c.outputs = 2
    c.terms = 512
