#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The polynomials of kernels/vmath.inc and vpow.inc: minimax fits, one coefficient after the other rounded to float32.

    python3 bench/fit_poly.py          (needs numpy)

fit() minimises the greatest |w(x) (P(t(x)) - f(x))| over an interval by Lawson's iteration of weighted least squares in long
double. The first coefficient is rounded to float and the rest fitted anew, and so on: the rounding of one is made up
for by the next. Printed: the error before and after rounding, and the coefficients as C writes them.
"""
import math

import numpy as np

L = np.longdouble


def nodes(a, b, n=400):
    return (L(a) + L(b)) / 2 + (L(b) - L(a)) / 2 * np.cos(np.pi * (np.arange(n) + 0.5) / n).astype(L)


def least_squares(a, y):
    """Gram-Schmidt, twice: numpy's solvers have no long double."""
    n = a.shape[1]
    q, r = a.copy(), np.zeros((n, n), L)
    for i in range(n):
        for _ in range(2):
            for j in range(i):
                p = q[:, j] @ q[:, i]
                r[j, i] += p
                q[:, i] -= p * q[:, j]
        r[i, i] = np.sqrt(q[:, i] @ q[:, i])
        q[:, i] /= r[i, i]
    z, c = q.T @ y, np.zeros(n, L)
    for i in range(n - 1, -1, -1):
        c[i] = (z[i] - r[i, i + 1:] @ c[i + 1:]) / r[i, i]
    return c


def fit(name, f, w, a, b, degree, t=lambda x: x):
    x = nodes(a, b)
    y, weight, v = f(x), w(x), t(x)
    done, ideal = [], None
    for k in range(degree + 1):
        base = sum((L(c) * v**i for i, c in enumerate(done)), np.zeros_like(v))
        m = np.stack([v**i for i in range(k, degree + 1)], 1)
        lawson, best = np.ones(len(x), L), None
        for _ in range(120 if k == 0 else 60):
            s = np.sqrt(lawson) * weight
            c = least_squares(m * s[:, None], (y - base) * s)
            e = np.abs(weight * (m @ c + base - y))
            if best is None or e.max() < best[0]:
                best = (e.max(), c)
            lawson = lawson * (e / e.max() + L(1e-3))
            lawson /= lawson.sum()
        ideal = ideal or best[0]
        done.append(np.float32(best[1][0]))
    error = np.abs(weight * (sum(L(c) * v**i for i, c in enumerate(done)) - y)).max()
    print(f"{name}: 2^{math.log2(ideal):.1f}, rounded 2^{math.log2(error):.1f}")
    print("    " + ", ".join(float(c).hex().replace("0000000p", "p") + "f" for c in done))


def each(f):
    return lambda x: np.array([f(float(v)) for v in x], L)


def series(term):
    """Sum of term(k) x^k, smallest first."""
    return lambda x: sum(term(k) * x**k for k in range(100, -1, -1))


def odd(f):
    return lambda x: (f(x) - x) / x**3


def mills(x):
    """Phi(-z) e^(z^2/2): by erfc near 0, by its continued fraction beyond."""
    out = []
    for z in map(float, x):
        if z < 4:
            out.append(0.5 * math.erfc(z / math.sqrt(2)) * math.exp(z * z / 2))
            continue
        c = 0.0
        for k in range(200, 0, -1):
            c = k / (z + c)
        out.append(1 / (z + c) / math.sqrt(2 * math.pi))
    return np.array(out, L)


def square(x):
    return x * x


erf, erfc = each(math.erf), each(math.erfc)
fit("exp: (e^r - 1 - r) / r^2", series(lambda k: 1 / L(math.factorial(k + 2)) if k < 25 else L(0)),
    lambda r: r * r / np.abs(np.expm1(r)), -0.3475, 0.3475, 4)
fit("log: (ln(1 + f) - f + f^2 / 2) / f^3", series(lambda k: (-1)**k / L(k + 3)),
    lambda f: np.abs(f**3 / np.log1p(f)), -0.33335, 0.33335, 7)
ln2 = np.log(L(2))
fit("2^f: (2^f - 1) / f", lambda f: np.expm1(f * ln2) / f, lambda f: np.abs(f) / np.exp(f * ln2), -0.5005, 0.5005, 5)
fit("sin: odd", odd(np.sin), lambda x: x**3 / np.sin(x), 0.02, 0.787, 3, square)
fit("cos: (cos x - 1 + x^2 / 2) / x^4", lambda x: (np.cos(x) - 1 + x * x / 2) / x**4, lambda x: x**4 / np.cos(x), 0.05, 0.787,
    3, square)
fit("atan: odd", odd(np.arctan), lambda x: x**3 / np.arctan(x), 0.02, 1.0, 8, square)
fit("asin: odd", odd(np.arcsin), lambda x: x**3 / np.arcsin(x), 0.02, 0.5001, 4, square)
fit("sinh: odd", odd(np.sinh), lambda x: x**3 / np.sinh(x), 0.02, 1.001, 3, square)
fit("erf near 0: erf(x) / x - 1", lambda x: erf(x) / x - 1, lambda x: x / erf(x), 0.001, 0.93, 5, square)
fit("erf beyond: -ln(erfc(x)) / x - 1", lambda x: -np.log(erfc(x)) / x - 1, lambda x: x * erfc(x) / erf(x), 0.926, 3.95, 6)
phi = lambda x: erf(x / np.sqrt(L(2))) / 2
fit("gelu near 0: (Phi(x) - 1/2) / x", lambda x: phi(x) / x, lambda x: x / (0.5 - phi(x)), 0.001, 0.87, 4, square)
# scaled by e^-4e-8, so that the first coefficient is all but a float
fit("gelu beyond: z Phi(-z) e^(z^2/2)", lambda z: z * mills(z) * np.exp(L(-4e-8)), lambda z: 1 / (z * mills(z)), 0.79, 15, 9,
    lambda z: (z - 2) / (z + 2))
fit("pow: (2 atanh(s) - 2 s) / s^3", lambda s: sum(2 / L(2 * k + 1) * s**(2 * k - 2) for k in range(60, 0, -1)),
    lambda s: s * s / 2, 0.001, 0.172, 3, square)
