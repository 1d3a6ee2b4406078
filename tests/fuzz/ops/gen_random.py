# SPDX-License-Identifier: Apache-2.0
"""Operators that draw: no two implementations draw the same numbers, so a result is checked as what it is. Its type and
shape are the specification's, its values lie where they must, mean and variance (or the number of each outcome) are
within 5 standard deviations of those of the distribution; and with a seed main.py compares the bytes that all its
settings give (tiers, threads, passes).
"""
import ml_dtypes
import numpy as np

from case import NUMPY, elem, generator

SIGMAS = 5


def sized(got, type, shape):
    """What is wrong with type and shape."""
    if got.dtype != np.dtype(NUMPY[type]):
        return f"type {got.dtype}, not {type}"
    return None if got.shape == tuple(shape) else f"shape {got.shape}, not {tuple(shape)}"


def near(what, value, expected, sigma, rounding=0.0):
    if abs(value - expected) <= SIGMAS * sigma + rounding:
        return None
    return f"the {what} is {value:.6g}, not {expected:.6g} within {SIGMAS} * {sigma:.3g}"


def moments(x, mean, variance, fourth, rounding):
    """fourth: the variance of (x - mean)^2."""
    n, x = x.size, x.astype(np.float64)
    if not n:
        return None
    return near("mean", x.mean(), mean, (variance / n)**0.5, rounding) or \
        near("variance", ((x - mean)**2).mean(), variance, (fourth / n)**0.5,
             4 * rounding * variance**0.5 + rounding**2 + 29 * variance / n)  # the tail of chi-squared: Laurent and Massart, e^-14.5


def seeded(c):
    if c.r.random() < 0.7:
        c.attr("seed", float(c.r.randint(0, 10**6)))
        c.repeats = True


def dtype(c, among, default):
    """The attribute, or its default."""
    t = c.r.choice(among)
    if t != default or c.r.random() < 0.5:
        c.attr("dtype", elem(t))
    return t


@generator("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
def tensor(c):
    like, shape = c.op.endswith("Like"), c.shape(1, 3, 40)
    default, outputs = "float32", c.allowed("T2" if like else "T")
    if like:
        default = c.type("T1", None if c.r.random() < 0.3 else outputs)
        c.input(shape, default)
    else:
        c.attr("shape", shape)
    t = dtype(c, outputs, default)
    seeded(c)
    eps = float(ml_dtypes.finfo(NUMPY[t]).eps)
    if "Normal" in c.op:
        c.maybe("mean", round(c.r.uniform(-3, 3), 2))
        c.maybe("scale", round(c.r.uniform(0.1, 3), 2))
        mean, scale = c.attrs.get("mean", 0), c.attrs.get("scale", 1)

        def check(y):
            far = abs(y.astype(np.float64) - mean).max(initial=0) / scale
            if not far < 9:
                return f"a value {far} sigmas off"
            return moments(y, mean, scale**2, 2 * scale**4, eps * (abs(mean) + 4 * scale))
    else:
        c.maybe("low", round(c.r.uniform(-3, 0), 2))
        c.maybe("high", round(c.r.uniform(1, 3), 2))
        low, high = c.attrs.get("low", 0), c.attrs.get("high", 1)
        width, edge = high - low, eps * max(abs(low), high)

        def check(y):
            wide = y.astype(np.float64)
            if wide.size and not (wide.min() >= low - edge and wide.max() <= high + edge):
                return f"values from {wide.min()} to {wide.max()}"
            return moments(y, (low + high) / 2, width**2 / 12, width**4 / 180, edge)
    c.check = lambda out: sized(out[0], t, shape) or check(out[0])


@generator("Bernoulli")
def bernoulli(c):
    t1, shape = c.type("T1"), c.shape(1, 3, 40)
    x = c.input(shape, t1, 0, 1)
    x.reshape(-1)[::5] = 0
    x.reshape(-1)[1::5] = 1
    t2 = dtype(c, c.allowed("T2"), t1)
    seeded(c)
    p = x.astype(np.float64)

    def check(y):
        wide = y.astype(np.float64)
        if not np.isin(wide, [0, 1]).all():
            return "values other than 0 and 1"
        if (wide[p == 0] != 0).any() or (wide[p == 1] != 1).any():
            return "a trial of probability 0 that came, or of 1 that did not"
        return near("number of ones", wide.sum(), p.sum(), (p * (1 - p)).sum()**0.5)
    c.check = lambda out: sized(out[0], t2, shape) or check(out[0])


@generator("Multinomial")
def multinomial(c):
    rows, classes = c.r.randint(1, 3), c.r.randint(1, 6)
    x = c.input([rows, classes], c.type("T1"), -2, 2)
    n = c.r.choice([1, 50, 1000])
    c.attr("sample_size", n)
    t2 = dtype(c, c.allowed("T2"), "int32")
    seeded(c)
    e = np.exp(x.astype(np.float64))
    p = e / e.sum(1, keepdims=True)

    def check(y):
        if y.min() < 0 or y.max() >= classes:
            return f"outcomes from {y.min()} to {y.max()} of {classes}"
        found = (near(f"number of outcome {k} in row {r}", (y[r] == k).sum(), n * p[r, k], (n * p[r, k] * (1 - p[r, k]))**0.5, 0.5)
                 for r in range(rows) for k in range(classes))
        return next((f for f in found if f), None)
    c.check = lambda out: sized(out[0], t2, [rows, n]) or check(out[0])
