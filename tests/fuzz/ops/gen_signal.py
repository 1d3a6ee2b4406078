# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms, windows, mel weights."""
import numpy as np

from case import FLOATS, NUMPY, elem, generator


@generator("DFT")
def dft(c):
    t, s = c.type("T1"), c.shape(1, 3, 20, zero=0)
    axis = c.r.randrange(1 if c.version < 20 and len(s) > 1 else 0, len(s))
    inverse, onesided = c.r.randint(0, 1), c.r.randint(0, 1)
    width = 1 if c.r.random() < 0.5 and not inverse else 2
    if onesided and not inverse:
        width = 1
    if onesided and inverse:
        onesided, width = 0, 2
    c.input(s + [width], t)
    n = c.r.randint(1, 24)
    if c.r.random() < 0.4:
        c.add(np.array(n, NUMPY[c.type("T2")]))
    elif c.version >= 20:
        c.none()
    if c.version >= 20:
        c.ints(axis if c.r.random() < 0.6 else axis - len(s) - 1)
    else:
        c.attr("axis", axis)
    c.attr("inverse", inverse)
    c.attr("onesided", onesided)
    c.terms = 64


@generator("STFT")
def stft(c):
    t = c.type("T1", FLOATS)
    b, n, length, step = c.r.randint(1, 2), c.r.randint(20, 60), c.r.randint(2, 20), c.r.randint(1, 12)
    onesided = c.r.randint(0, 1)
    width = 1 if onesided or c.r.random() < 0.6 else 2
    i = c.type("T2")
    c.input([b, n, width], t)
    c.add(np.array(step, NUMPY[i]), constant=True)
    window = c.r.random() < 0.6
    c.input([length], t, 0.1, 1) if window else c.none()
    if not window or c.r.random() < 0.5:
        c.add(np.array(length, NUMPY[i]), constant=True)
    c.attr("onesided", onesided)
    c.terms = 64


@generator("BlackmanWindow", "HammingWindow", "HannWindow")
def window(c):
    c.add(np.array(c.r.randint(2, 40), NUMPY[c.type("T1")]))
    c.maybe("periodic", c.r.randint(0, 1))
    c.maybe("output_datatype", elem(c.type("T2", FLOATS)))
    c.terms, c.floor = 16, 1


@generator("MelWeightMatrix")
def mel(c):
    i, f = c.type("T1"), c.type("T2", ["float32", "float64"])
    c.add(np.array(c.r.randint(1, 20), NUMPY[i]))
    c.add(np.array(c.r.choice([16, 40, 64, 256]), NUMPY[i]))
    c.add(np.array(c.r.choice([8000, 16000]), NUMPY[i]))
    c.add(np.array(c.r.choice([0, 20.0, 125.0]), NUMPY[f]))
    c.add(np.array(c.r.choice([3000.0, 3900.0]), NUMPY[f]))
    c.maybe("output_datatype", elem(c.type("T3", ["float32", "float64"])))
