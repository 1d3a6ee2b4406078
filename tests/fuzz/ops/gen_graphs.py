# SPDX-License-Identifier: Apache-2.0
"""Small graphs of layers as networks have them, with branches that meet, values that are used twice and outputs from the
middle: what passes and the plan of memory make of nodes beside one another, which single nodes do not show.
"""
import numpy as np

from case import generator
from gen_models import Net

CHANNELS = [1, 2, 3, 4, 8, 15, 16, 17, 24, 32, 33]
SIZES = [1, 2, 3, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 40]
MOST = 30000      # elements of a value
PRODUCTS = 4 << 20  # of a layer
STEPS = []


class Misfit(Exception):
    """The layer does not go with the shape that it met."""


def step(weight):
    def add(f):
        STEPS.extend([f] * weight)
        return f
    return add


class Graph(Net):
    def __init__(self, c):
        super().__init__(c)
        c.opset, self.r, self.shapes = 21, c.r, {}

    def put(self, op, shape, *inputs, **attrs):
        if np.prod(shape) > MOST or min(shape) < 1:
            raise Misfit
        name = self.standard(op, *inputs, **attrs)
        self.shapes[name] = list(shape)
        return name

    def like(self, x, op, *more, **attrs):
        return self.put(op, self.shapes[x], x, *more, **attrs)

    def values(self, fits):
        return [v for v, shape in self.shapes.items() if fits(shape)]

    def ints(self, *values):
        return self.weight(np.array(values, np.int64))

    def number(self, value):
        return self.weight(np.float32(value).reshape(self.r.choice([(), (), (1,)])))


def window(g, sizes):
    """Kernel, attributes, the sizes that come out."""
    k, n = g.r.choice([1, 2, 3, 3, 3, 5]), len(sizes)
    kernel = [k if g.r.random() < 0.8 else g.r.randint(1, 4) for _ in sizes]
    strides, dilations = [g.r.choice([1, 1, 1, 2, 3])] * n, [g.r.choice([1, 1, 1, 1, 2])] * n
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    pads = [s // 2 for s in span] * 2 if g.r.random() < 0.6 else [g.r.randint(0, k - 1) for k in kernel * 2]
    out = [(d + pads[i] + pads[n + i] - span[i]) // strides[i] + 1 for i, d in enumerate(sizes)]
    if any(d + pads[i] + pads[n + i] < span[i] for i, d in enumerate(sizes)):
        raise Misfit
    return kernel, dict(strides=strides, dilations=dilations, pads=pads), out


@step(5)
def conv(g, x):
    n, channels, *sizes = g.shapes[x]
    kernel, attrs, out = window(g, sizes)
    way, to = g.r.random(), g.r.choice(CHANNELS)
    groups = channels if way < 0.35 else g.r.choice([d for d in range(1, channels + 1) if channels % d == 0]) if way < 0.5 else 1
    to = groups * g.r.choice([1, 1, 2, 3]) if groups > 1 else to
    each = channels // groups * int(np.prod(kernel))
    if n * to * np.prod(out) * each > PRODUCTS:
        raise Misfit
    bias = [g.random(to)] if g.r.random() < 0.6 else []
    return g.put("Conv", [n, to, *out], x, g.random(to, channels // groups, *kernel, size=each**-0.5), *bias, group=groups, **attrs)


@step(2)
def pointwise(g, x):
    n, channels, *sizes = g.shapes[x]
    to = g.r.choice(CHANNELS)
    return g.put("Conv", [n, to, *sizes], x, g.random(to, channels, *[1] * len(sizes), size=channels**-0.5), g.random(to))


@step(2)
def pool(g, x):
    kernel, attrs, out = window(g, g.shapes[x][2:])
    if any(p >= k for p, k in zip(attrs["pads"], kernel * 2)):
        raise Misfit
    for size, k, n, stride, dilation, pad in zip(g.shapes[x][2:], kernel, out, attrs["strides"], attrs["dilations"], attrs["pads"]):
        if not all(any(0 <= i * stride + j * dilation - pad < size for j in range(k)) for i in range(n)):
            raise Misfit  # a window of padding alone, whose maximum is each engine's own
    return g.put(g.r.choice(["MaxPool", "AveragePool"]), g.shapes[x][:2] + out, x, kernel_shape=kernel, **attrs)


@step(5)
def activation(g, x):
    way = g.r.choice(["Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "HardSwish", "Elu", "Softplus", "Mish", "none", "tanh", "Swish", "relu6",
                      "PRelu"])
    if way == "Clip":
        return g.like(x, way, g.number(-0.5), g.number(1))
    if way in ("none", "tanh"):
        return g.like(x, "Gelu", approximate=way)
    if way == "Swish":
        return g.like(x, "Mul", g.like(x, "Sigmoid"))
    if way == "relu6":
        clipped = g.like(g.like(x, "Add", g.number(3)), "Clip", g.number(0), g.number(6))
        return g.like(g.like(x, "Mul", clipped), "Div", g.number(6))
    return g.like(x, way, *([g.random(g.shapes[x][1], *[1] * len(g.shapes[x][2:]))] if way == "PRelu" else []))


@step(2)
def norm(g, x):
    ch = g.shapes[x][1]
    spread = g.weight(g.c.rng.uniform(0.5, 1.5, ch).astype(np.float32))
    return g.like(x, "BatchNormalization", g.random(ch), g.random(ch), g.random(ch), spread, epsilon=1e-3)


@step(2)
def per_channel(g, x):
    constant = g.random(g.shapes[x][1], *[1] * len(g.shapes[x][2:]))
    pair = [x, constant] if g.r.random() < 0.6 else [constant, x]
    return g.put(g.r.choice(["Add", "Mul", "Sub"]), g.shapes[x], *pair)


@step(3)
def meet(g, x):
    other = g.r.choice(g.values(lambda shape: shape == g.shapes[x]))
    return g.put(g.r.choice(["Add", "Add", "Mul", "Sub"]), g.shapes[x], *g.r.sample([x, other], 2))


@step(3)
def join(g, x):
    shape, axis = g.shapes[x], g.r.choice([0, 1, 1, 1, len(g.shapes[x]) - 1])
    rest = lambda s: s[:axis] + s[axis + 1:]
    parts = [x] + g.r.choices(g.values(lambda s: len(s) == len(shape) and rest(s) == rest(shape)), k=g.r.randint(1, 2))
    whole = list(shape)
    whole[axis] = sum(g.shapes[p][axis] for p in parts)
    return g.put("Concat", whole, *g.r.sample(parts, len(parts)), axis=axis)


@step(2)
def split(g, x):
    shape, axis = g.shapes[x], g.r.choice([1, 1, len(g.shapes[x]) - 1])
    if shape[axis] < 2:
        raise Misfit
    first = g.r.randint(1, shape[axis] - 1)
    names = g.node("Split", x, g.ints(first, shape[axis] - first), outputs=2, domain="", axis=axis)
    for name, size in zip(names, (first, shape[axis] - first)):
        g.shapes[name] = shape[:axis] + [size] + shape[axis + 1:]
    return g.r.choice(names)


@step(1)
def cut(g, x):
    shape, axis = list(g.shapes[x]), g.r.randint(1, len(g.shapes[x]) - 1)
    start, pace = g.r.randint(0, shape[axis] - 1), g.r.choice([1, 2])
    shape[axis] = -(-(shape[axis] - start) // pace)
    return g.put("Slice", shape, x, g.ints(start), g.ints(1 << 31), g.ints(axis), g.ints(pace))


@step(3)
def pad(g, x):
    rank = len(g.shapes[x])
    some = [g.r.randint(0, 2) if i >= 2 or g.r.random() < 0.1 else 0 for i in list(range(rank)) * 2]
    return g.put("Pad", [d + some[i] + some[rank + i] for i, d in enumerate(g.shapes[x])], x, g.ints(*some))


@step(2)
def channels_last(g, x):
    """To channels last, something there, and mostly back."""
    rank = len(g.shapes[x])
    last, first = [0, *range(2, rank), 1], [0, rank - 1, *range(1, rank - 1)]
    turn = lambda v, perm: g.put("Transpose", [g.shapes[v][i] for i in perm], v, perm=perm)
    y = turn(x, last) if g.r.random() < 0.7 else x
    for _ in range(g.r.randint(0, 2)):
        inside = g.r.choice([pad, activation, lambda g, v: g.like(v, "Mul", g.random(g.shapes[v][-1])), lambda g, v: g.like(v, "Softmax", axis=-1)])
        y = inside(g, y)
    return turn(y, first) if g.r.random() < 0.8 else y


@step(1)
def gate(g, x):
    """Squeeze and excitation."""
    n, ch, *sizes = g.shapes[x]
    ones, few = [1] * len(sizes), max(1, ch // 4)
    y = g.put("Relu", [n, few, *ones], g.put("Conv", [n, few, *ones], g.put("GlobalAveragePool", [n, ch, *ones], x), g.random(few, ch, *ones), g.random(few)))
    return g.like(x, "Mul", g.put("Sigmoid", [n, ch, *ones], g.put("Conv", [n, ch, *ones], y, g.random(ch, few, *ones), g.random(ch))))


@step(1)
def larger(g, x):
    shape = g.shapes[x][:2] + [2 * d for d in g.shapes[x][2:]]
    return g.put("Resize", shape, x, "", "", g.ints(*shape), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")


@step(2)
def product(g, x):
    *outer, k = g.shapes[x]
    n = g.r.choice(CHANNELS + [64])
    y = g.put("MatMul", [*outer, n], x, g.matrix(k, n))
    return g.like(y, "Add", g.random(n)) if g.r.random() < 0.6 else y


@generator("model.layers")
def layers(c):
    g = Graph(c)
    rank = c.r.choice([3, 4, 4, 4])
    shape = [c.r.randint(1, 3), c.r.choice(CHANNELS), *(c.r.choice(SIZES) for _ in range(rank - 2))]
    g.shapes[g.feed(c.array(shape, "float32"))] = shape
    wanted = c.r.randint(2, 10)
    for _ in range(60):
        values = list(g.shapes)
        x = values[-1] if c.r.random() < 0.7 else c.r.choice(values)
        before = len(c.nodes), dict(g.shapes)
        try:
            c.r.choice(STEPS)(g, x)
            wanted -= 1
        except Misfit:
            del c.nodes[before[0]:]
            g.shapes = before[1]
        if wanted == 0:
            break
    used, made = {i for n in c.nodes for i in n.input}, [o for n in c.nodes for o in n.output]
    g.end(*(v for v in made if v not in used or c.r.random() < 0.1))
    c.ulps, c.terms = 1 << 10, 1 << 10  # of one layer after another
