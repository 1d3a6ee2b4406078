# SPDX-License-Identifier: Apache-2.0
"""Control flow, sequences and optionals: small graphs around the operator."""
import numpy as np
from onnx import TensorProto, helper

from case import NUMPY, elem, generator


def value(name, type, shape=None):
    return helper.make_tensor_value_info(name, elem(type), shape)


def const(name, array):
    from onnx import numpy_helper
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(array), name))


NUMERIC = ["float32", "float64", "int32", "int64"]


@generator("If")
def if_(c):
    t, shape = c.r.choice(NUMERIC), c.shape(1, 3)
    c.input([], "bool", constant=False)
    x, y = f"i{1}", f"i{2}"
    c.input(shape, t)
    c.input(shape, t)
    branch = lambda name, op: helper.make_graph([helper.make_node(op, [x, y], [name])], name, [], [value(name, t)])
    ops = c.r.sample(["Add", "Sub", "Mul", "Max"] if c.opset >= 8 and (t not in ("int32", "int64") or c.opset >= 12) else ["Add", "Sub", "Mul"], 2)
    c.attrs["then_branch"], c.attrs["else_branch"] = branch("a", ops[0]), branch("b", ops[1])
    c.opset = max(c.opset, 7)
    c.nodes = [c.node(["i0"], ["o0"])]


@generator("Loop")
def loop(c):
    t, shape = c.r.choice(["float32", "int64"]), c.shape(1, 2)
    c.opset = max(c.opset, 7)
    trips = c.r.randint(0, 4)
    c.add(np.array(trips, np.int64))
    c.add(np.array(True))
    c.input(shape, t, -2, 2)
    stop = c.r.randint(0, 5)
    body = [const("limit", np.array(stop, np.int64)),
            helper.make_node("Cast", ["n"], ["nf"], to=TensorProto.FLOAT), helper.make_node("Cast", ["limit"], ["lf"], to=TensorProto.FLOAT),
            helper.make_node("Less", ["nf", "lf"], ["go"]), helper.make_node("Add", ["v", "i2"], ["w"]),
            helper.make_node("Mul", ["w", "w"], ["scan"])]
    c.attrs["body"] = helper.make_graph(body, "body", [value("n", "int64", []), value("go_in", "bool", []), value("v", t)],
                                        [value("go", "bool", []), value("w", t), value("scan", t)])
    c.nodes = [c.node(outputs=["o0", "o1"])]
    c.outputs = 2


@generator("Scan")
def scan(c):
    t, b, n, w = "float32", c.r.randint(1, 2), c.r.randint(1, 5), c.r.randint(1, 4)
    c.opset = max(c.opset, 8)
    nodes = [helper.make_node("Add", ["s", "x"], ["t"]), helper.make_node("Mul", ["t", "x"], ["y"])]
    graph = helper.make_graph(nodes, "body", [value("s", t, [w]), value("x", t, [w])], [value("t", t, [w]), value("y", t, [w])])
    if c.version == 8:
        c.input([b, w], t, constant=False)
        c.input([b, n, w], t, constant=False)
        c.maybe("directions", [c.r.randint(0, 1)])
        names = ["", "i0", "i1"]
    else:
        axis, out = c.r.randint(0, 1), c.r.randint(0, 1)
        c.input([w], t)
        c.input([n, w] if axis == 0 else [w, n], t)
        if axis:
            c.attr("scan_input_axes", [axis if c.version < 11 else c.r.choice([1, -1])])
        if out:
            c.attr("scan_output_axes", [out])
        c.maybe("scan_input_directions", [c.r.randint(0, 1)])
        c.maybe("scan_output_directions", [c.r.randint(0, 1)])
        names = ["i0", "i1"]
    c.attrs["body"] = graph
    c.attr("num_scan_inputs", 1)
    c.nodes = [c.node(names, ["o0", "o1"])]
    c.outputs = 2


SEQUENCE_TYPES = ["float32", "int64", "string", "bool", "float64", "int8"]


def make_sequence(c, n, same=False):
    """Nodes that make the sequence "s" of n tensors, all of them inputs; their type."""
    t = c.r.choice(SEQUENCE_TYPES)
    shape = c.shape(1, 3)
    names = []
    for _ in range(n):
        s = shape if same else c.shape(len(shape), len(shape))
        c.input(s, t)
        names.append(c.inputs[-1][0])
    c.opset = max(c.opset, 11)
    if n:
        return [helper.make_node("SequenceConstruct", names, ["s"])], t
    return [helper.make_node("SequenceEmpty", [], ["s"], dtype=elem(t))], t


@generator("SequenceConstruct", "SequenceEmpty", "SequenceLength", "SequenceAt", "SequenceErase", "SequenceInsert",
           "ConcatFromSequence")
def sequence(c):
    n = 0 if c.op == "SequenceEmpty" else c.r.randint(1, 4)
    before, t = make_sequence(c, n, same=c.op == "ConcatFromSequence")
    extra = []
    if c.op == "SequenceInsert":
        c.input(c.shape(1, 2), t)
        extra = [c.inputs[-1][0]]
    if c.op in ("SequenceAt", "SequenceErase", "SequenceInsert") and (c.op == "SequenceAt" or c.r.random() < 0.7):
        most = n if c.op == "SequenceInsert" else n - 1
        extra.append(c.add(np.array(c.r.randint(-n, most), np.int32 if c.r.random() < 0.5 else np.int64)))
    if c.op == "ConcatFromSequence":
        rank = c.inputs[0][1].ndim
        c.attr("axis", c.r.randrange(-rank, rank))
        c.maybe("new_axis", c.r.randint(0, 1))
    if c.op in ("SequenceConstruct", "SequenceEmpty"):
        before[-1].output[0] = "o0"
        c.nodes = before
    else:
        c.nodes = before + [c.node(["s"] + extra, ["o0"])]


@generator("SplitToSequence")
def split_to_sequence(c):
    s, t = c.shape(1, 3, 7, zero=0), c.type("T")
    a = c.r.randrange(len(s))
    c.input(s, t)
    way = c.r.random()
    if way < 0.4:
        c.add(np.array(c.r.randint(1, s[a]), NUMPY[c.type("I")]))
    elif way < 0.8:
        cut = c.r.randint(0, s[a])
        c.ints([cut, s[a] - cut], c.type("I"))
    else:
        c.attr("keepdims", c.r.randint(0, 1))
    c.attr("axis", c.r.choice([a, a - len(s)]))
    c.opset = max(c.opset, 11)


@generator("SequenceMap")
def sequence_map(c):
    n, t, shape = c.r.randint(1, 4), c.r.choice(["float32", "int64"]), c.shape(1, 2)
    names = []
    for _ in range(n):
        c.input(shape, t)
        names.append(c.inputs[-1][0])
    body = helper.make_graph([helper.make_node("Add", ["x", "k"], ["y"])], "body", [value("x", t), value("k", t)], [value("y", t)])
    c.input(shape, t)
    c.attrs["body"] = body
    c.nodes = [helper.make_node("SequenceConstruct", names, ["s"]), c.node(["s", c.inputs[-1][0]], ["o0"])]


@generator("Optional", "OptionalGetElement", "OptionalHasElement")
def optional(c):
    t = c.r.choice(SEQUENCE_TYPES)
    c.input(c.shape(1, 3), t)
    c.opset = max(c.opset, 15)
    wrap = helper.make_node("Optional", ["i0"], ["p"])
    if c.op == "Optional":
        c.nodes = [wrap, helper.make_node("OptionalGetElement", ["p"], ["o0"])]
    elif c.version >= 18 and c.r.random() < 0.4:
        c.nodes = [c.node(["i0"], ["o0"])]
    else:
        c.nodes = [wrap, c.node(["p"], ["o0"])]
