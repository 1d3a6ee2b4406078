# SPDX-License-Identifier: Apache-2.0
"""StableHLO, and what has subgraphs or tables."""
import numpy as np

from case import F, I32, I64, BOOL, floats, ints, Case, one
from models import Model, Tensor, const, fed, schema


def stablehlo():
    """LiteRT has kernels for few of these; what the others give, numpy says."""
    x, y, h = floats(2, 3, 4), floats(2, 3, 4), "STABLEHLO_"
    for op in ["ADD", "MULTIPLY", "MAXIMUM", "MINIMUM"]:
        yield one(h + op, h + op, [fed(x), fed(y)], [F])
    yield one(h + "PAD", h + "PAD", [fed(x), const(np.float32(2))], [F], "StablehloPadOptions",
              edgePaddingLow=[0, 1, 2], edgePaddingHigh=[1, 0, -1], interiorPadding=[0, 0, 0])

    def known(op, ins, result, options=None, **fields):
        return one(h + op, h + op, ins, [Tensor(dtype=result.dtype, shape=result.shape)], options, expected=result,
                   **fields)

    a, b = floats(2, 3, 4), floats(5, 4, 2)
    yield known("REMAINDER", [fed(3 * x), fed(y)], np.fmod(3 * x, y))
    yield known("CBRT", [fed(x)], np.cbrt(x))
    yield known("CLAMP", [const(np.float32(-1)), fed(x), const(np.float32(0.5))], np.clip(x, F(-1), F(0.5)))
    yield known("COMPARE", [fed(x), fed(y)], x >= y, "StablehloCompareOptions", comparisonDirection=2)
    yield known("AND", [fed(x > 0, BOOL), fed(y > 0, BOOL)], (x > 0) & (y > 0))
    yield known("OR", [fed([1, 6], I32), fed([2, 3], I32)], np.array([3, 7], I32))
    yield known("RESHAPE", [fed(x)], x.reshape(4, 6))
    yield known("TRANSPOSE", [fed(x)], x.transpose(2, 0, 1), "StablehloTransposeOptions", permutation=[2, 0, 1])
    yield known("SLICE", [fed(x)], x[0:2, 1:3, 0:4:2], "StablehloSliceOptions", startIndices=[0, 1, 0],
                limitIndices=[2, 3, 4], strides=[1, 1, 2])
    yield known("CONCATENATE", [fed(x), fed(y)], np.concatenate([x, y], 1), "StablehloConcatenateOptions", dimension=1)
    yield known("IOTA", [fed(x)], np.broadcast_to(np.arange(3, dtype=F)[None, :, None], (2, 3, 4)),
                "StablehloIotaOptions", iotaDimension=1)
    yield known("DOT_GENERAL", [fed(a), fed(b)], np.einsum("abc,dca->abd", a, b), "StablehloDotGeneralOptions",
                lhsBatchingDimensions=[0], rhsBatchingDimensions=[2], lhsContractingDimensions=[2],
                rhsContractingDimensions=[1])
    yield known("BROADCAST_IN_DIM", [fed(x[0, :, 0]), const([1], I64)],
                np.broadcast_to(x[0, :, 0][None, :, None], (2, 3, 4)))
    yield known("SHIFT_LEFT", [fed([1, -3, 5], I32), fed([4, 2, 0], I32)], np.array([16, -12, 5], I32))
    start = [fed(np.array(n, I32), I32) for n in (1, 9, 2)]
    yield known("DYNAMIC_SLICE", [fed(x)] + start, x[1:2, 1:3, 2:4], "StablehloDynamicSliceOptions", sliceSizes=[1, 2, 2])
    z = x.copy()
    z[1:2, 1:3, 2:4] = y[:1, :2, :2]
    yield known("DYNAMIC_UPDATE_SLICE", [fed(x), fed(y[:1, :2, :2])] + start, z)
    yield known("CONVERT", [fed(3 * x)], (3 * x).astype(I32))

    def reduction():
        m = Model()
        g, body = m.graph(), m.graph()
        g.outputs = [m.op(g, "STABLEHLO_REDUCE", [fed(x), const(np.float32(1))], [Tensor(dtype=F, shape=[2, 4])],
                          "StablehloReduceOptions", dimensions=[1], bodySubgraphIndex=1)]
        body.inputs = [m.tensor(body, Tensor(dtype=F, shape=[])) for _ in range(2)]
        body.outputs = [m.op(body, "STABLEHLO_ADD", body.inputs, [Tensor(dtype=F, shape=[])])]
        return m, g.outputs
    yield Case("STABLEHLO_REDUCE", reduction, [x], expected=x.sum(1) + F(1))

    between = np.stack([x, np.full_like(x, 9)], -1).reshape(2, 3, 8)[..., :7]
    yield known("PAD", [fed(x), const(np.float32(9))], np.pad(between, [(0, 0), (1, 0), (0, 0)], constant_values=9),
                "StablehloPadOptions", edgePaddingLow=[0, 1, 0], edgePaddingHigh=[0, 0, 0], interiorPadding=[0, 0, 1])

    def composite():
        m = Model()
        g, body = m.graph(), m.graph()
        body.inputs = [m.tensor(body, Tensor(dtype=F, shape=[2, 3, 4]))]
        body.outputs = [m.op(body, "TANH", body.inputs, [Tensor(dtype=F, shape=[2, 3, 4])])]
        g.outputs = [m.op(g, "STABLEHLO_COMPOSITE", [fed(x)], [Tensor(dtype=F, shape=[2, 3, 4])], "StableHLOCompositeOptions", name=b"f",
                          decompositionSubgraphIndex=1)]
        return m, g.outputs
    yield Case("STABLEHLO_COMPOSITE", composite, [x], expected=np.tanh(x))


def with_body(name, op, ins, outs, types, body_ops, options, **fields):
    """An operator with a subgraph of scalars: of two arguments, or of two for each of what is sorted. outs: shapes of the
    results where LiteRT does not find them. body_ops: operator, its arguments, type of its result, options and fields."""
    def make():
        m = Model()
        g, body = m.graph(), m.graph()
        result = m.op(g, op, ins, [Tensor(dtype=t, shape=s) for t, s in zip(types, outs)], options, **fields)
        g.outputs = result if isinstance(result, list) else [result]
        body.inputs = [m.tensor(body, Tensor(dtype=t, shape=[])) for t in types for _ in range(2)]
        body.outputs = body.inputs[1:2]
        for kind, args, dtype, *more in body_ops:
            body.outputs = [m.op(body, kind, [body.inputs[i] for i in args], [Tensor(dtype=dtype, shape=[])],
                                 *more[:1], **(more[1] if more[1:] else {}))]
        return m, g.outputs
    expected = fields.pop("expected", None)
    return Case(name, make, [t.data for t in ins if t.fed], expected=expected)


def places():
    """Gather, scatter, sort, windows: what has no kernel in LiteRT beside numpy."""
    x, h = floats(4, 5, 6), "STABLEHLO_"
    for name, shape, index, fields in (
            ("rows", (3, 5, 6), ints(0, 6, 3, 1), dict(offsetDims=[1, 2], collapsedSliceDims=[0], startIndexMap=[0],
                                            indexVectorDim=1, sliceSizes=[1, 5, 6])),
            ("blocks", (2, 3, 3), ints(0, 6, 3, 2), dict(offsetDims=[0, 2], collapsedSliceDims=[1], startIndexMap=[2, 0],
                                              indexVectorDim=1, sliceSizes=[2, 1, 3])),
            ("vector_first", (3, 4), ints(0, 5, 2, 3), dict(offsetDims=[1], collapsedSliceDims=[0, 1], startIndexMap=[0, 1],
                                                    indexVectorDim=0, sliceSizes=[1, 1, 4]))):
        yield one(f"{h}GATHER_{name}", h + "GATHER", [fed(x), fed(index, I32)], [Tensor(dtype=F, shape=shape)],
                  "StablehloGatherOptions", **fields)
    for kind in (None, "ADD", "MULTIPLY", "MAXIMUM", "MINIMUM"):
        body = [(h + kind, (0, 1), F)] if kind else []
        index = np.array([[0, 2], [3, 0], [9, 1]], I32)  # the last is outside
        yield with_body(f"{h}SCATTER_{kind}", h + "SCATTER", [fed(x), fed(index, I32), fed(floats(3, 2, 3))], [x.shape],
                        [F], body, "StablehloScatterOptions", updateWindowDims=[1, 2], insertedWindowDims=[1],
                        scatterDimsToOperandDims=[0, 2], indexVectorDim=1, updateComputationSubgraphIndex=1)
    for axis, kind, fields in ((1, h + "COMPARE", dict(comparisonDirection=5)), (2, h + "COMPARE", dict(comparisonDirection=3))):
        down, labels = fields["comparisonDirection"] == 3, ints(0, 100, 4, 5, 6)
        order = np.argsort(-x if down else x, axis, kind="stable")
        case = with_body(f"{h}SORT_{axis}", h + "SORT", [fed(x), fed(labels, I32)], [x.shape, x.shape], [F, I32],
                         [(kind, (0, 1), BOOL, "StablehloCompareOptions", fields)], "StablehloSortOptions",
                         dimension=axis, isStable=True, comparatorSubgraphIndex=1)
        case.expected = np.take_along_axis(x, order, axis)
        yield case
    for kind, start in (("ADD", 0.5), ("MAXIMUM", -9), ("MINIMUM", 9), ("MULTIPLY", 1)):
        yield with_body(f"{h}REDUCE_WINDOW_{kind}", h + "REDUCE_WINDOW", [fed(x), const(np.float32(start))], [[5, 2, 9]],
                        [F], [(h + kind, (0, 1), F)], "StablehloReduceWindowOptions", windowDimensions=[2, 3, 2],
                        windowStrides=[1, 2, 1], baseDilations=[1, 1, 2], windowDilations=[1, 1, 2],
                        padding=[1, 1, 0, 1, 0, 0], bodySubgraphIndex=1)
    for kind in range(1, 5):
        yield one(f"REDUCE_WINDOW_{kind}", "REDUCE_WINDOW",
                  [fed(x), const(np.float32(1)), const([2, 1, 3], I64), const([1, 2, 1], I64), const([2, 1, 1], I64)], [F],
                  "ReduceWindowOptions", reduceFunction=kind)
    for kind in (5, 6):
        yield one(f"REDUCE_WINDOW_{kind}", "REDUCE_WINDOW",
                  [fed(x > 0.2, BOOL), const(np.array(kind == 5), BOOL), const([2, 1, 2], I64), const([1, 2, 1], I64),
                   const([1, 1, 1], I64)], [BOOL], "ReduceWindowOptions", reduceFunction=kind)
    table, index = floats(7, 3), np.array([[0, 0], [0, 2], [2, 0], [2, 1], [2, 5]], I32)
    for combiner in range(3):
        yield one(f"EMBEDDING_LOOKUP_SPARSE_{combiner}", "EMBEDDING_LOOKUP_SPARSE",
                  [fed([1, 6, 0, 3, 3], I32), fed(index, I32), const([4, 6], I32), fed(floats(5, low=0.5)), const(table)],
                  [F], "EmbeddingLookupSparseOptions", combiner=combiner)
    case = one("BITCAST", "BITCAST", [fed(x)], [Tensor(dtype=I32, shape=x.shape)], exact=True)
    case.opset = 26
    yield case
    yield from convolutions()
    for at in (0, 1, 2, 7, -1):
        yield case_of(at)


def convolutions():
    """One dimension: features last, the kernel turned around, zeros between the samples, uneven borders."""
    x, w = floats(2, 9, 4), floats(3, 2, 6)  # batch, time, features; time, features of a group, results
    spread = np.zeros((2, 17, 4), F)
    spread[:, ::2] = x
    padded = np.pad(spread, [(0, 0), (2, 0), (0, 0)])[:, :-1]
    y = np.zeros((2, 6, 6), F)  # batch, results, time
    for t in range(6):
        for k in range(3):
            for group in range(2):
                y[:, 3 * group : 3 * group + 3, t] += (padded[:, 2 * t + 3 * k, 2 * group : 2 * group + 2]
                                                       @ w[2 - k, :, 3 * group : 3 * group + 3])
    yield one("STABLEHLO_CONVOLUTION", "STABLEHLO_CONVOLUTION", [fed(x), const(w)], [Tensor(dtype=F, shape=y.shape)],
              "StablehloConvolutionOptions", expected=y, windowStrides=[2], padding=[2, -1], lhsDilation=[2],
              rhsDilation=[3], windowReversal=[True], inputBatchDimension=0, inputFeatureDimension=2,
              inputSpatialDimensions=[1], kernelInputFeatureDimension=1, kernelOutputFeatureDimension=2,
              kernelSpatialDimensions=[0], outputBatchDimension=0, outputFeatureDimension=1, outputSpatialDimensions=[2],
              featureGroupCount=2, batchGroupCount=1)


def case_of(at):
    x = floats(2, 3)
    results = [np.tanh(x), np.abs(x), np.square(x)]

    def make():
        m = Model()
        g = m.graph()
        for op in ("TANH", "ABS", "SQUARE"):
            body = m.graph()
            body.inputs = [m.tensor(body, Tensor(dtype=F, shape=[2, 3]))]
            body.outputs = [m.op(body, op, body.inputs, [Tensor(dtype=F, shape=[2, 3])])]
        g.outputs = [m.op(g, "STABLEHLO_CASE", [fed(np.array(at, I32), I32), fed(x)], [Tensor(dtype=F, shape=[2, 3])],
                          "StablehloCaseOptions", branchSubgraphIndices=[1, 2, 3])]
        return m, g.outputs
    return Case(f"STABLEHLO_CASE_{at}", make, [np.array(at, I32), x], expected=results[at if 0 <= at < 3 else 2])


def tables():
    """Numbers to words and words to numbers, with tables that CALL_ONCE fills."""
    words, query = ["crow", "", "wren", "linnet"], np.array([[7, 1], [30, 9], [4, 7]], I64)

    def make():
        m = Model()
        g, init = m.graph(), m.graph()
        resource = lambda: Tensor(dtype=I32, shape=[1], resource=True)
        kinds = ((1, schema.TensorType.INT64, schema.TensorType.STRING), (2, schema.TensorType.STRING, schema.TensorType.INT64))
        contents = ((const([7, 4, 9, 30], I64), Tensor(strings=words)),
                    (Tensor(strings=["linnet", "crow", "none"]), const([3, 1, -5], I64)))
        handle = lambda graph, k: m.op(graph, "HASHTABLE", [], [resource()], "HashtableOptions", tableId=kinds[k][0],
                                       keyDtype=kinds[k][1], valueDtype=kinds[k][2])
        for k in range(2):
            m.op(init, "HASHTABLE_IMPORT", [handle(init, k), *contents[k]], [], "HashtableImportOptions")
        m.op(g, "CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
        found = m.op(g, "HASHTABLE_FIND", [handle(g, 0), fed(query, I64), Tensor(strings=["none"])],
                     [Tensor(strings=[], shape=[3, 2])], "HashtableFindOptions")
        back = handle(g, 1)
        numbers = m.op(g, "HASHTABLE_FIND", [back, found, const([-1], I64)], [Tensor(dtype=I64, shape=[3, 2])],
                       "HashtableFindOptions")
        size = m.op(g, "HASHTABLE_SIZE", [back], [Tensor(dtype=I64, shape=[1])], "HashtableSizeOptions")
        g.outputs = [m.op(g, "ADD", [numbers, size], [Tensor(dtype=I64, shape=[3, 2])], "AddOptions")]
        return m, g.outputs
    yield Case("HASHTABLE", make, [query])
