# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements: shapes, slices, gathers and scatters, padding, tiling, and what is counted or searched."""
import numpy as np

from case import BITS, INTS, NUMPY, elem, generator

BIG = 2**31 - 1


def axis_of(c, rank, old=11):
    a = c.r.randrange(rank)
    return a - rank if c.version >= old and c.r.random() < 0.4 else a


@generator("Transpose")
def transpose(c):
    s = c.shape(1, 5)
    s = [c.r.choice([17, 33, 40, 3]) if c.r.random() < 0.2 else d for d in s]
    perm = list(range(len(s)))
    c.r.shuffle(perm)
    c.input(s, c.type("T"))
    c.maybe("perm", perm, 0.9)


@generator("Reshape")
def reshape(c):
    s = c.shape(1, 4)
    n, target = int(np.prod(s)), []
    c.input(s, c.type("T"))
    if n == 0:
        c.ints(s[::-1] if c.has("allowzero") else s)
        c.attr("allowzero", 1)
        return
    for d in (2, 3, 5, 2):
        if n % d == 0 and c.r.random() < 0.6:
            target.append(d)
            n //= d
    target.insert(c.r.randint(0, len(target)), c.r.choice([-1, n]))
    c.ints(target)


@generator("Squeeze", "Unsqueeze")
def squeeze(c):
    s = c.shape(0 if c.op == "Unsqueeze" else 1, 3)
    rank = len(s)
    if c.op == "Squeeze":
        axes = c.r.sample(range(rank), c.r.randint(0, rank))
        s = [1 if k in axes else d for k, d in enumerate(s)]
        full = rank
    else:
        n = c.r.randint(1, 3)
        full = rank + n
        axes = c.r.sample(range(full), n)
    axes = [a - full if c.version >= 11 and c.r.random() < 0.4 else a for a in axes]
    c.input(s, c.type("T"))
    if c.has("axes"):
        if axes:
            c.attr("axes", axes if c.version >= 11 else sorted(axes))
    elif axes or c.op == "Unsqueeze":
        c.ints(axes)


@generator("Flatten")
def flatten(c):
    s = c.shape(1, 4)
    c.input(s, c.type("T"))
    c.maybe("axis", c.r.randint(-len(s) if c.version >= 11 else 0, len(s)))


@generator("Shape", "Size")
def shape(c):
    s = c.shape(0, 4)
    c.input(s, c.type("T"))
    c.maybe("start", c.r.randint(-5, 5))
    c.maybe("end", c.r.randint(-5, 5))


@generator("Concat")
def concat(c):
    s, t = c.shape(), c.type("T")
    a = axis_of(c, len(s))
    for _ in range(c.r.randint(1, 4)):
        d = list(s)
        d[a] = c.r.randint(0, 4)
        c.input(d, t)
    c.attr("axis", a)


@generator("Split")
def split(c):
    s = c.shape()
    a, n = axis_of(c, len(s)), c.r.randint(1, 4)
    parts = [c.r.randint(0, 4) for _ in range(n)]
    even = c.r.random() < 0.4
    s[a] = n * c.r.randint(1, 3) if even else sum(parts)
    if even and c.has("num_outputs") and n > 1:
        s[a] -= c.r.randint(0, 1) if s[a] // n > 1 and n == 2 else 0  # the last chunk may be smaller
    c.input(s, c.type("T"))
    c.attr("axis", a)
    if even:
        c.attr("num_outputs", n)
    elif c.has("split"):
        c.attr("split", parts)
    else:
        c.ints(parts)
    c.outputs = n


@generator("Slice")
def slice_(c):
    s = c.shape()
    n = c.r.randint(1, len(s))
    axes = c.r.sample(range(len(s)), n)
    starts = [c.r.randint(-7, 7) for _ in axes]
    steps = [c.r.choice([1, 1, 1, 2, 3, -1, -2]) if c.version >= 10 else 1 for _ in axes]
    ends = [c.r.choice([c.r.randint(-8, 8), BIG if k > 0 else -BIG - 1]) for k in steps]
    if c.version >= 11:
        axes = [a - len(s) if c.r.random() < 0.3 else a for a in axes]
    if c.has("starts"):
        c.input(s, c.type("T"))
        c.attr("starts", starts)
        c.attr("ends", ends)
        c.attr("axes", axes)
        return
    i = c.type("Tind")
    c.input(s, c.type("T"))
    c.ints(starts, i)
    c.ints(ends, i)
    c.ints(axes, i)
    if any(k != 1 for k in steps) or c.r.random() < 0.5:
        c.ints(steps, i)


@generator("Pad")
def pad(c):
    s = c.shape(1, 4)
    t = c.type("T", None)
    modes = ["constant", "constant", "reflect", "edge"] + (["wrap"] if c.version >= 19 else [])
    mode = c.r.choice(modes)
    if mode != "constant":
        s = [max(d, 2) for d in s]
    room = (lambda d: d - 1) if mode == "reflect" else (lambda d: 3)
    axes = sorted(c.r.sample(range(len(s)), c.r.randint(1, len(s)))) if c.version >= 18 and c.r.random() < 0.4 else None
    which = [s[a] for a in axes] if axes is not None else s
    pads = [c.r.randint(0, min(room(d), 3)) for d in which + which]
    if mode == "constant" and c.r.random() < 0.2:
        pads = [c.r.randint(-1, 2) if d >= 3 else p for d, p in zip(which + which, pads)]
    c.input(s, t)
    c.attr("mode", mode)
    if c.has("pads"):
        c.attr("pads", pads)
        c.maybe("value", 1.5)
        return
    c.ints(pads)
    if mode == "constant" and c.r.random() < 0.5:
        c.add(c.array([], t))
    elif axes is not None:
        c.none()
    if axes is not None:
        c.ints([a - len(s) if c.r.random() < 0.4 else a for a in axes], c.type("Tind"))


@generator("Tile")
def tile(c):
    s = c.shape(1, 4)
    c.input(s, c.type("T"))
    c.ints([c.r.randint(0, 3) if c.r.random() < 0.8 else 1 for _ in s])


@generator("Expand")
def expand(c):
    s = [1 if c.r.random() < 0.5 else d for d in c.shape(0, 4)]
    c.input(s, c.type("T"))
    c.ints(c.shape(0, 2) * (c.r.random() < 0.4) + [c.r.randint(1, 4) if d == 1 else c.r.choice([d, 1]) for d in s])


@generator("Gather")
def gather(c):
    s = c.shape(zero=0)
    a = axis_of(c, len(s))
    c.input(s, c.type("T"))
    low = -s[a] if c.version >= 11 else 0
    c.add(c.rng.integers(low, s[a], c.shape(0, 2)).astype(NUMPY[c.type("Tind")]))
    c.maybe("axis", a) if a in (0, -len(s)) else c.attr("axis", a)


@generator("GatherElements")
def gather_elements(c):
    s = c.shape(zero=0)
    a = c.r.randrange(len(s))
    k = [c.r.randint(1, d) for d in s]
    k[a] = c.r.randint(1, 6)
    c.input(s, c.type("T"))
    c.add(c.rng.integers(-s[a], s[a], k).astype(NUMPY[c.type("Tind")]))
    c.attr("axis", c.r.choice([a, a - len(s)]))


@generator("GatherND")
def gather_nd(c):
    s = c.shape(1, 4, zero=0)
    b = c.r.randint(0, min(1, len(s) - 1)) if c.has("batch_dims") else 0
    n = c.r.randint(1, len(s) - b)
    pre = s[:b] + c.shape(0, 2, zero=0)
    c.input(s, c.type("T"))
    c.add(np.stack([c.rng.integers(-s[b + i], s[b + i], pre) for i in range(n)], -1).astype(np.int64))
    if b or c.r.random() < 0.3:
        c.attr("batch_dims", b)


def reduction(c, type):
    if not c.has("reduction") or type in ("string", "bool", "complex64", "complex128"):
        return "none"
    return c.r.choice(["none", "add", "mul"] + (["max", "min"] if c.version >= 18 else []))


@generator("Scatter", "ScatterElements")
def scatter_elements(c):
    s, t = c.shape(zero=0), c.type("T")
    a = c.r.randrange(len(s))
    k = [c.r.randint(1, d) for d in s]
    how = reduction(c, t)
    if how == "none":  # no index twice
        rest = int(np.prod(k)) // k[a]
        idx = np.stack([c.rng.permutation(s[a])[:k[a]] for _ in range(rest)])
        idx = np.moveaxis(idx.reshape([k[i] for i in range(len(k)) if i != a] + [k[a]]), -1, a)
    else:
        idx = c.rng.integers(-s[a], s[a], k)
    c.input(s, t, *((-3, 3) if t in INTS else (None, None)))
    c.add(idx.astype(NUMPY[c.type("Tind")]))
    c.input(k, t, *((-3, 3) if t in INTS else (None, None)))
    c.attr("axis", a if c.version < 11 else c.r.choice([a, a - len(s)]))
    if how != "none":
        c.attr("reduction", how)


@generator("ScatterND")
def scatter_nd(c):
    s, t = c.shape(1, 4, zero=0), c.type("T")
    n, how = c.r.randint(1, len(s)), reduction(c, t)
    cells = int(np.prod(s[:n]))
    q = c.r.randint(1, min(cells, 4))
    flat = c.rng.permutation(cells)[:q] if how == "none" else c.rng.integers(0, cells, q)
    c.input(s, t, *((-3, 3) if t in INTS else (None, None)))
    c.add(np.stack(np.unravel_index(flat, s[:n]), -1).astype(np.int64))
    c.input([q] + s[n:], t, *((-3, 3) if t in INTS else (None, None)))
    if how != "none":
        c.attr("reduction", how)


@generator("TensorScatter")
def tensor_scatter(c):
    t, b, n, rows = c.type("T"), c.r.randint(1, 3), c.r.randint(1, 3), c.r.randint(2, 6)
    axis = 2 if c.r.random() < 0.6 else 1
    s = [b, n, 3, 4]
    s[axis] = rows
    u = list(s)
    u[axis] = c.r.randint(1, rows)
    mode = c.r.choice(["linear", "circular"])
    c.input(s, t)
    c.input(u, t)
    if c.r.random() < 0.8:
        c.ints([c.r.randint(0, rows - u[axis] if mode == "linear" else rows - 1) for _ in range(b)])
    c.attr("mode", mode)
    c.attr("axis", axis if c.r.random() < 0.5 else axis - 4)


@generator("Compress")
def compress(c):
    s = c.shape(zero=0)
    n = int(np.prod(s))
    c.input(s, c.type("T"))
    if c.r.random() < 0.6:
        a = axis_of(c, len(s))
        c.attr("axis", a)
        n = s[a]
    c.input([c.r.randint(1, n)], "bool")


@generator("OneHot")
def onehot(c):
    s, d = c.shape(0, 3), c.r.randint(1, 5)
    i = c.type("T1")
    lo = 0 if i.startswith("u") or c.version < 11 else -d
    c.add(c.rng.integers(lo, d, s).astype(NUMPY[i]))
    depth = np.array(d, NUMPY[c.type("T2")])
    c.add(depth if c.r.random() < 0.5 else depth.reshape(1))
    c.input([2], c.type("T3"))
    c.maybe("axis", c.r.randint(-len(s) - 1 if c.version >= 11 else 0, len(s)))


@generator("Trilu")
def trilu(c):
    c.input(c.shape(2, 4), c.type("T"))
    if c.r.random() < 0.7:
        c.add(np.array(c.r.randint(-6, 6), np.int64))
    c.maybe("upper", c.r.randint(0, 1))


@generator("EyeLike")
def eyelike(c):
    c.input(c.shape(2, 2, 7), c.type("T1"))
    c.maybe("k", c.r.randint(-4, 4))
    c.attr("dtype", elem(c.type("T2")))


@generator("NonZero")
def nonzero(c):
    s, t = c.shape(1, 4), c.type("T")
    x = c.array(s, t, *((-1, 1) if t in INTS else (None, None)))
    if t not in ("string", "bool") and t not in BITS:
        x = np.where(c.rng.random(s) < 0.5, x, np.zeros((), x.dtype)).astype(x.dtype)
    c.add(x)


@generator("Unique")
def unique(c):
    s, t = c.shape(1, 3, 5, zero=0), c.type("T")
    x = c.array(s, t, *((0, 3) if t in INTS else (None, None)))
    if x.dtype.kind == "f" or t == "bfloat16":
        x = np.round(x).astype(x.dtype) + x.dtype.type(0)
    c.add(x)
    c.maybe("sorted", c.r.randint(0, 1))
    c.maybe("axis", c.r.randrange(-len(s), len(s)))
    c.outputs = c.r.choice([1, 4])


@generator("ReverseSequence")
def reverse_sequence(c):
    s, b = c.shape(2, 4, zero=0), c.r.randint(0, 1)
    c.input(s, c.type("T"))
    c.ints(c.rng.integers(1, s[1 - b] + 1, s[b]))
    c.attr("batch_axis", b)
    c.attr("time_axis", 1 - b)


@generator("DepthToSpace", "SpaceToDepth")
def depth_space(c):
    b, n = c.r.randint(1, 3), c.r.randint(1, 2)
    deep = c.op == "DepthToSpace"
    h, w = c.r.randint(1, 4), c.r.randint(1, 4)
    c.input([n, c.r.randint(1, 3) * (b * b if deep else 1), h * (1 if deep else b), w * (1 if deep else b)], c.type("T"))
    c.attr("blocksize", b)
    c.maybe("mode", c.r.choice(["DCR", "CRD"]))


@generator("CenterCropPad")
def center(c):
    s = c.shape(1, 4, 7, zero=0)
    axes = c.r.sample(range(len(s)), c.r.randint(1, len(s))) if c.r.random() < 0.5 else list(range(len(s)))
    c.input(s, c.type("T"))
    c.ints([c.r.randint(1, 8) for _ in axes], c.type("Tind"))
    if len(axes) < len(s) or c.r.random() < 0.3:
        c.attr("axes", axes)


@generator("Range")
def range_(c):
    t = c.type("T")
    a, b, d = c.r.randint(-9, 9), c.r.randint(-9, 9), c.r.choice([1, 2, 3, -1, -2])
    if t not in INTS:
        a, d = a + 0.25, d * 0.5
    for v in (a, b, d):
        c.add(np.array(v, NUMPY[t]))


@generator("Constant")
def constant(c):
    from onnx import numpy_helper
    c.attr("value", numpy_helper.from_array(c.array(c.shape(0, 3), c.type("T")), "v"))
    c.widen, c.peer = False, "ref"


@generator("ConstantOfShape")
def constant_of_shape(c):
    from onnx import numpy_helper
    c.ints(c.shape(1, 3))
    if c.r.random() < 0.8:
        c.attr("value", numpy_helper.from_array(c.array([1], c.type("T2")), "v"))
    c.widen, c.peer = False, "ref"


@generator("NonMaxSuppression")
def nms(c):
    b, k, n = c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(1, 19)
    lo = c.rng.random((b, n, 2))
    c.add(np.concatenate([lo, lo + c.rng.random((b, n, 2)) * 0.5], 2).astype(np.float32))
    c.add(c.rng.random((b, k, n)).astype(np.float32))
    c.ints([c.r.randint(1, 8)])
    c.add(np.array([c.r.choice([0.0, 0.3, 0.5])], np.float32))
    c.add(np.array([c.r.choice([0.0, 0.4])], np.float32))
    c.maybe("center_point_box", c.r.randint(0, 1))
