# SPDX-License-Identifier: Apache-2.0
"""A small model, of one operator or a few, its inputs and what is known of its result."""
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from models import Model, Tensor, fed

F, I32, I64, I8, U8, I16, BOOL = np.float32, np.int32, np.int64, np.int8, np.uint8, np.int16, np.bool_
rng = np.random.default_rng(1)


def floats(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape).astype(F)


def ints(low, high, *shape, dtype=I32):
    return rng.integers(low, high, shape).astype(dtype)


def F_():
    return Tensor(dtype=F)


class Case:
    """delegate: whether LiteRT uses XNNPACK, as it does by default, instead of its reference kernels. expected: the result
    where LiteRT has no kernel. exact: integers are the same, not only near. opset: of what it becomes."""

    def __init__(self, name, make, feeds, delegate=False, expected=None, exact=False, opset=21):
        self.name, self.make, self.feeds, self.opset = name, make, feeds, opset
        self.delegate, self.expected, self.exact = delegate, expected, exact

    def write(self, path):
        """LiteRT finds the shapes of the results, which the file then has, and the versions that it knows."""
        model, _ = self.make()
        if self.expected is not None:
            with open(path, "wb") as f:
                f.write(model.bytes())
            return
        for version in range(1, 5):
            for code in model.m.operatorCodes:
                code.version = version
            try:
                run = Interpreter(model_content=model.bytes(),
                                  experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
                break
            except ValueError:
                if version == 4:
                    raise
        run.allocate_tensors()
        for d, x in zip(run.get_input_details(), self.feeds):
            run.set_tensor(d["index"], x)
        run.invoke()
        g = model.m.subgraphs[0]
        for d in run.get_tensor_details():
            if d["index"] < len(g.tensors) and d["index"] not in g.inputs and g.tensors[d["index"]].buffer == 0:
                g.tensors[d["index"]].shape = [int(n) for n in d["shape"]]
        for d in run.get_output_details():  # what only the run knows
            shape = list(run.get_tensor(d["index"]).shape)
            if g.tensors[d["index"]].shape != shape:
                g.tensors[d["index"]].shape, g.tensors[d["index"]].shapeSignature = shape, [-1] * len(shape)
        with open(path, "wb") as f:
            f.write(model.bytes())


def one(name, op, ins, outs, options=None, delegate=False, expected=None, exact=False, **fields):
    """A model of one operator; outs: types, or tensors for quantised ones."""
    def make():
        m = Model()
        g = m.graph()
        tensors = [Tensor(dtype=o) if not isinstance(o, Tensor) else o for o in outs]
        result = m.op(g, op, ins, tensors, options, **fields)
        g.outputs = result if isinstance(result, list) else [result]
        return m, g.outputs
    return Case(name, make, [t.data for t in ins if isinstance(t, Tensor) and t.fed], delegate, expected, exact)


def quantised(x, scale, zero=0, dtype=I8):
    info = np.iinfo(dtype)
    return np.clip(np.round(x / scale) + zero, info.min, info.max).astype(dtype)


def qin(x, dtype=I8):
    scale, zero = (4 / 255, 3) if dtype == I8 else (4 / 255, 131)
    return fed(quantised(x, scale, zero, dtype), dtype, (scale, zero))


def qout(scale, zero=-5, dtype=I8):
    return Tensor(dtype=dtype, quant=(scale, zero))
