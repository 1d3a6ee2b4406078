# SPDX-License-Identifier: Apache-2.0
"""Reductions, searches along an axis, running sums, softmax and normalisations."""
import numpy as np

from case import FLOATS, INTS, NUMPY, generator


def axis_of(c, rank):
    a = c.r.randrange(rank)
    return a - rank if c.r.random() < 0.4 and c.version >= 11 else a


@generator(*("Reduce" + k for k in "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare".split()))
def reduce(c):
    t = c.type("T")
    shape = c.shape(1, 4, 5, zero=0)
    positive = c.op == "ReduceLogSum"
    c.input(shape, t, 1 if positive else -2 if t in INTS else None, 4 if t in INTS or positive else None)
    c.maybe("keepdims", c.r.randint(0, 1))
    axes = c.r.sample(range(len(shape)), c.r.randint(1, len(shape)))
    if c.version >= 11:
        axes = [a - len(shape) if c.r.random() < 0.3 else a for a in axes]
    if c.has("axes"):
        c.maybe("axes", axes, 0.8)
    elif c.r.random() < 0.8:
        c.ints(axes)
    elif c.r.random() < 0.5:
        c.ints([])
        c.maybe("noop_with_empty_axes", c.r.randint(0, 1))
    c.terms = 16


@generator("ArgMax", "ArgMin")
def arg(c):
    shape = c.shape(1, 4, 6, zero=0)
    c.input(shape, c.type("T"), -3, 3)
    c.maybe("keepdims", c.r.randint(0, 1))
    c.maybe("axis", axis_of(c, len(shape)), 0.8)
    c.maybe("select_last_index", c.r.randint(0, 1))


@generator("CumSum", "CumProd")
def cumulate(c):
    t = c.type("T")
    shape = c.shape(1, 4)
    c.input(shape, t, *((0, 3) if t in INTS else (0.5, 1.5)))
    c.add(np.array(c.r.randrange(-len(shape), len(shape)), NUMPY[c.type("T2")]))
    c.maybe("exclusive", c.r.randint(0, 1))
    c.maybe("reverse", c.r.randint(0, 1))
    c.terms = 16


@generator("Softmax", "LogSoftmax", "Hardmax")
def softmax(c):
    shape = c.shape(1, 4, 9, zero=0)
    c.input(shape, c.type("T"))
    c.maybe("axis", axis_of(c, len(shape)), 0.8)
    if c.version < 13 and "axis" not in c.attrs and len(shape) < 2:
        c.attr("axis", 0)


@generator("TopK")
def topk(c):
    t = c.type("T") if "T" in c.schema.constraints else "float32"
    shape = c.shape(1, 3, 20, zero=0)
    axis = axis_of(c, len(shape))
    k = c.r.randint(1, shape[axis])
    c.input(shape, t, -9, 30)
    if c.has("k"):
        c.attr("k", k)
    else:
        c.ints([k])
    c.attr("axis", axis)
    c.maybe("largest", c.r.randint(0, 1))
    c.outputs = 2


# -- normalisations --

@generator("BatchNormalization")
def batchnorm(c):
    t = c.type("T")
    shape = c.shape(2, 4, 5, zero=0)
    n = [shape[1]]
    c.input(shape, t)
    s = c.type("T1", [t]) if "T1" in c.schema.constraints and "T2" in c.schema.constraints else t
    m = c.type("T2") if "T2" in c.schema.constraints else t
    if m != t and {m, t} & {"float16", "bfloat16"}:
        m = c.types["T2"] = t
    c.input(n, s)
    c.input(n, s)
    c.input(n, m)
    c.input(n, m, 0.2, 3)
    c.maybe("epsilon", 1e-3)
    if c.version == 6:
        c.attr("is_test", 1)
    if c.version < 9 and c.has("spatial"):
        c.attr("spatial", 1)
    if c.has("training_mode") and c.r.random() < 0.4 and len({t, s, m}) == 1:
        c.attr("training_mode", 1)
        c.maybe("momentum", 0.7)
        c.outputs = 3
        if int(np.prod(shape)) == shape[1]:
            c.outputs = 1
            c.attrs.pop("training_mode")


@generator("InstanceNormalization")
def instancenorm(c):
    t, shape = c.type("T"), c.shape(3, 5, 5, zero=0)
    c.input(shape, t)
    c.input([shape[1]], t)
    c.input([shape[1]], t)
    c.maybe("epsilon", 1e-2)
    c.terms = 64


@generator("GroupNormalization")
def groupnorm(c):
    t = c.type("T")
    groups, each = c.r.randint(1, 3), c.r.randint(1, 4)
    n = groups if c.version < 21 else groups * each
    c.input([c.r.randint(1, 3), groups * each] + c.shape(1, 3, 5, zero=0), t)
    c.input([n], t)
    c.input([n], t)
    c.attr("num_groups", groups)
    c.maybe("epsilon", 1e-2)
    c.terms = 64


@generator("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
def layernorm(c):
    t = c.type("T")
    shape = c.shape(1, 4, 9, zero=0)
    axis = c.r.randrange(len(shape))
    rest = shape[axis:]
    c.input(shape, t)
    s = t if c.op != "RMSNormalization" else c.type("V", [t] if c.r.random() < 0.6 else None)
    c.steps = 2
    c.input(rest, s)
    if c.op == "LayerNormalization":
        if c.r.random() < 0.6:
            c.input(rest, t)
        c.outputs = 1 if c.low() else c.r.choice([1, 3])
    if axis != len(shape) - 1 or c.r.random() < 0.5:
        c.attr("axis", c.r.choice([axis, axis - len(shape)]))
    c.maybe("epsilon", 1e-2)
    c.terms = 64


@generator("LpNormalization")
def lpnorm(c):
    shape = c.shape(1, 4, zero=0)
    c.input(shape, c.type("T"))
    c.maybe("p", c.r.choice([1, 2]))
    c.maybe("axis", c.r.randrange(-len(shape), len(shape)) if c.version >= 22 else c.r.randrange(len(shape)))


@generator("MeanVarianceNormalization")
def mvn(c):
    shape = c.shape(4, 4, 5, zero=0)
    c.input(shape, c.type("T"))
    c.maybe("axes", sorted(c.r.sample(range(4), c.r.randint(1, 4))))
    c.terms = 64


@generator("LRN")
def lrn(c):
    c.input(c.shape(3, 4, 7, zero=0), c.type("T"))
    c.attr("size", c.r.choice([1, 3, 5]))
    c.maybe("alpha", 0.01)
    c.maybe("beta", 0.6)
    c.maybe("bias", 1.5)


@generator("Dropout")
def dropout(c):
    c.widen = False
    t = c.type("T")
    c.input(c.shape(1, 4), t)
    if c.has("ratio"):
        c.maybe("ratio", 0.3)
        if c.has("is_test"):
            c.attr("is_test", 1)
    else:
        if c.r.random() < 0.6:
            c.add(np.array(0.3, NUMPY[c.type("T1", FLOATS)]))
            if c.r.random() < 0.5:
                c.add(np.array(False))
    c.outputs = 2 if c.version >= 10 and c.r.random() < 0.5 else 1


@generator("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(c):
    t = c.type("T")
    n, classes, rest = c.r.randint(1, 4), c.r.randint(2, 6), c.shape(0, 2, 4, zero=0)
    c.input([n, classes] + rest, t)
    ignore = c.r.random() < 0.4
    labels = c.rng.integers(0, classes, [n] + rest)
    if ignore:
        c.attr("ignore_index", 1)
        labels.reshape(-1)[0] = 0
    c.add(labels.astype(NUMPY[c.type("Tind")]), constant=False)
    if c.r.random() < 0.5:
        c.input([classes], t, 0.2, 2)
    c.maybe("reduction", c.r.choice(["none", "sum", "mean"]), 0.8)
    if c.op == "SoftmaxCrossEntropyLoss":
        c.outputs = c.r.choice([1, 2])
    c.terms = 32
