# SPDX-License-Identifier: Apache-2.0
"""Small models, of one operator or a few, for tests/tflite.py."""
import numpy as np
from flatbuffers import flexbuffers
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tflite_models import Model, Tensor, const, fed, schema

F, I32, I64, I8, U8, I16, BOOL = np.float32, np.int32, np.int64, np.int8, np.uint8, np.int16, np.bool_
rng = np.random.default_rng(1)


def floats(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape).astype(F)


def ints(low, high, *shape, dtype=I32):
    return rng.integers(low, high, shape).astype(dtype)


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


def elementwise():
    x, y, p = floats(2, 3, 4), floats(2, 3, 4), floats(2, 3, 4, low=0.1, high=3)
    for op in ["FLOOR", "LOGISTIC", "TANH", "EXP", "SIN", "COS", "NEG", "ABS", "CEIL", "ELU", "ROUND", "HARD_SWISH",
               "SQUARE", "RELU", "RELU_N1_TO_1", "RELU6", "RELU_0_TO_1", "ZEROS_LIKE", "SIGN", "LOG_SOFTMAX"]:
        yield one(op, op, [fed(3 * x)], [F])
    for op in ["LOG", "SQRT", "RSQRT"]:
        yield one(op, op, [fed(p)], [F])
    for approximate in (False, True):
        yield one(f"GELU_{approximate}", "GELU", [fed(x)], [F], "GeluOptions", approximate=approximate)
    yield one("LEAKY_RELU", "LEAKY_RELU", [fed(x)], [F], "LeakyReluOptions", alpha=0.3)
    yield one("PRELU", "PRELU", [fed(floats(1, 2, 3, 4)), const(floats(1, 1, 4))], [F])
    yield one("SOFTMAX", "SOFTMAX", [fed(x)], [F], "SoftmaxOptions", beta=1.0)
    yield one("SOFTMAX_beta", "SOFTMAX", [fed(x)], [F], "SoftmaxOptions", beta=0.5)
    for op, act in [("ADD", 0), ("SUB", 1), ("MUL", 3), ("DIV", 2)]:
        yield one(f"{op}_{act}", op, [fed(x), fed(floats(3, 1, low=0.5))], [F], op.title() + "Options",
                  fusedActivationFunction=act)
    for op in ["MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE"]:
        yield one(op, op, [fed(x), fed(floats(4))], [F])
    yield one("ATAN2", "ATAN2", [fed(x), fed(y)], [F])
    yield one("POW", "POW", [fed(p), fed(y)], [F])
    yield one("FLOOR_DIV", "FLOOR_DIV", [fed(3 * x), fed(y)], [F])
    yield one("FLOOR_MOD", "FLOOR_MOD", [fed(3 * x), fed(y)], [F])
    a, b = ints(-20, 20, 2, 5), ints(1, 6, 2, 5) * np.array([1, -1, 1, -1, 1], I32)
    yield one("FLOOR_DIV_int", "FLOOR_DIV", [fed(a, I32), fed(b, I32)], [I32])
    yield one("FLOOR_MOD_int", "FLOOR_MOD", [fed(a, I32), fed(b, I32)], [I32])
    yield one("ADD_int", "ADD", [fed(a, I32), fed(b, I32)], [I32], "AddOptions", fusedActivationFunction=1)
    yield one("DIV_int", "DIV", [fed(a, I32), fed(b, I32)], [I32], "DivOptions")
    yield one("ADD_N", "ADD_N", [fed(x), fed(y), fed(p)], [F])
    for op in ["LESS", "GREATER", "EQUAL", "NOT_EQUAL", "LESS_EQUAL", "GREATER_EQUAL"]:
        yield one(op, op, [fed(a, I32), fed(b, I32)], [BOOL])
    c, d = a > 0, b > 0
    yield one("LOGICAL_AND", "LOGICAL_AND", [fed(c, BOOL), fed(d, BOOL)], [BOOL])
    yield one("LOGICAL_OR", "LOGICAL_OR", [fed(c, BOOL), fed(d, BOOL)], [BOOL])
    yield one("LOGICAL_NOT", "LOGICAL_NOT", [fed(c, BOOL)], [BOOL])
    yield one("BITWISE_XOR", "BITWISE_XOR", [fed(a, I32), fed(b, I32)], [I32])
    yield one("RIGHT_SHIFT", "RIGHT_SHIFT", [fed(a, I32), fed(np.abs(b), I32)], [I32])
    yield one("SELECT", "SELECT", [fed(np.array([True, False]), BOOL), fed(floats(2, 3)), fed(floats(2, 3))], [F])
    yield one("SELECT_V2", "SELECT_V2", [fed(c, BOOL), fed(floats(2, 5)), fed(floats(1))], [F])
    yield one("CAST", "CAST", [fed(3 * x)], [I32], "CastOptions", inDataType=0, outDataType=2)
    yield one("CAST_bool", "CAST", [fed(c, BOOL)], [F], "CastOptions", inDataType=6, outDataType=0)
    yield one("L2_NORMALIZATION", "L2_NORMALIZATION", [fed(x)], [F], "L2NormOptions")
    yield one("LRN", "LOCAL_RESPONSE_NORMALIZATION", [fed(floats(1, 2, 3, 8))], [F],
              "LocalResponseNormalizationOptions", radius=2, bias=1.0, alpha=0.1, beta=0.5)
    yield one("FAKE_QUANT", "FAKE_QUANT", [fed(x)], [F], "FakeQuantOptions", min=-1.0, max=1.5, numBits=8)
    yield one("CUMSUM", "CUMSUM", [fed(x), const(1, I32)], [F], "CumsumOptions", exclusive=True, reverse=True)
    yield one("BUCKETIZE", "BUCKETIZE", [fed(x)], [I32], "BucketizeOptions", boundaries=[-1.0, 0.0, 1.0])


def quantised_ones():
    x = floats(1, 6, 6, 4)
    for dtype, name in ((I8, "i8"), (U8, "u8")):
        q = qin(x, dtype)
        zero = 0 if dtype == I8 else 128
        yield one(f"LOGISTIC_{name}", "LOGISTIC", [q], [qout(1 / 256, -128 if dtype == I8 else 0, dtype)])
        yield one(f"TANH_{name}", "TANH", [q], [qout(1 / 128, zero, dtype)])
        yield one(f"SOFTMAX_{name}", "SOFTMAX", [q], [qout(1 / 256, -128 if dtype == I8 else 0, dtype)],
                  "SoftmaxOptions", beta=1.0)
        for op in ["ADD", "SUB", "MUL"]:
            yield one(f"{op}_{name}", op, [q, qin(floats(1, 6, 6, 4), dtype)], [qout(0.033, zero, dtype)],
                      op.title() + "Options", fusedActivationFunction=1)
        yield one(f"MEAN_{name}", "MEAN", [q, const([1, 2], I32)], [qout(0.01, zero, dtype)], "ReducerOptions",
                  keepDims=True)
        yield one(f"CONCATENATION_{name}", "CONCATENATION", [q, qin(x, dtype)],
                  [Tensor(dtype=dtype, quant=q.quant)], "ConcatenationOptions", axis=3)
        yield one(f"PAD_{name}", "PAD", [q, const([[0, 0], [1, 2], [0, 1], [0, 0]], I32)],
                  [Tensor(dtype=dtype, quant=q.quant)])
        yield one(f"REQUANTIZE_{name}", "QUANTIZE", [q], [qout(0.03, zero, dtype)])
        for op in ["AVERAGE_POOL_2D", "MAX_POOL_2D"]:
            yield one(f"{op}_{name}", op, [q], [Tensor(dtype=dtype, quant=q.quant)], "Pool2DOptions", padding=0,
                      strideW=2, strideH=2, filterWidth=3, filterHeight=2)
    for dtype, zeros in ((I8, (3, -20)), (U8, (131, 90)), (I16, (0, 0))):  # what is rounded twice
        for shape, axes, ratio in (((1, 3, 2, 64), [1, 2], 1.05), ((2, 5, 40), [-2], 0.7), ((1, 2, 2, 50), [1, 2], 1)):
            few = fed(quantised(floats(*shape), 4 / 255, zeros[0], dtype), dtype, (4 / 255, zeros[0]))
            yield one(f"MEAN_few_{dtype.__name__}_{len(shape)}_{ratio}", "MEAN", [few, const(axes, I32)],
                      [qout(4 / 255 / ratio, zeros[1], dtype)], "ReducerOptions", exact=True, keepDims=False)
    w = quantised(floats(8, 3, 3, 4), 0.016)
    scales = np.linspace(0.01, 0.02, 8)
    bias = ints(-500, 500, 8)
    q, xs = qin(x), 4 / 255
    yield one("CONV_2D_i8", "CONV_2D", [q, const(w, I8, (scales, 0, 0)), const(bias, I32, (xs * scales, 0, 0))],
              [qout(0.1)], "Conv2DOptions", padding=0, strideW=2, strideH=1, fusedActivationFunction=3,
              dilationWFactor=1, dilationHFactor=1)
    dw = quantised(floats(1, 3, 3, 8), 0.016)
    yield one("DEPTHWISE_CONV_2D_i8", "DEPTHWISE_CONV_2D",
              [q, const(dw, I8, (scales, 0, 3)), const(bias, I32, (xs * scales, 0, 0))], [qout(0.05)],
              "DepthwiseConv2DOptions", padding=0, strideW=1, strideH=2, depthMultiplier=2, dilationWFactor=1,
              dilationHFactor=1)
    fw = quantised(floats(8, 4), 0.016)
    yield one("FULLY_CONNECTED_i8", "FULLY_CONNECTED",
              [qin(floats(3, 4)), const(fw, I8, (0.016, 0)), const(bias, I32, (xs * 0.016, 0))], [qout(0.1)],
              "FullyConnectedOptions", fusedActivationFunction=1)
    yield one("TRANSPOSE_CONV_i8", "TRANSPOSE_CONV",
              [const([1, 12, 12, 8], I32), const(w, I8, (scales, 0, 0)), q], [qout(0.1)], "TransposeConvOptions",
              padding=0, strideW=2, strideH=2)


def widths():
    """Other widths than 8 bits, and sparse weights."""
    x = quantised(floats(1, 6, 6, 4), 2 / 32767, 0, I16)
    q, scales = fed(x, I16, (2 / 32767, 0)), np.linspace(0.01, 0.02, 8)
    out = lambda scale: Tensor(dtype=I16, quant=(scale, 0))
    bias = const(ints(-10**6, 10**6, 8), I64, (2 / 32767 * scales, 0, 0))
    yield one("CONV_2D_i16", "CONV_2D", [q, const(quantised(floats(8, 3, 3, 4), 0.016), I8, (scales, 0, 0)), bias],
              [out(20 / 32767)], "Conv2DOptions", padding=0, strideW=2, strideH=1, dilationWFactor=1, dilationHFactor=1)
    yield one("DEPTHWISE_CONV_2D_i16", "DEPTHWISE_CONV_2D",
              [q, const(quantised(floats(1, 3, 3, 8), 0.016), I8, (scales, 0, 3)), bias], [out(10 / 32767)],
              "DepthwiseConv2DOptions", padding=0, strideW=1, strideH=1, depthMultiplier=2, dilationWFactor=1,
              dilationHFactor=1)
    yield one("ADD_i16", "ADD", [q, fed(x[:, ::-1], I16, (2 / 32767, 0))], [out(4 / 32767)], "AddOptions",
              potScaleInt16=False)
    int4 = Tensor(ints(-8, 8, 6, 5, dtype=I8), I8, quant=(np.linspace(0.05, 0.1, 6), 0, 0), int4=True)
    yield one("FULLY_CONNECTED_i4", "FULLY_CONNECTED", [qin(floats(3, 5)), int4, None], [qout(0.1)],
              "FullyConnectedOptions")
    uneven = const(rng.integers(0, 256, (8, 3, 3, 4)).astype(U8), U8, (0.016, 120))
    yield one("CONV_2D_u8", "CONV_2D", [qin(floats(1, 6, 6, 4), U8), uneven, const(ints(-500, 500, 8), I32, (4 / 255 * 0.016, 0))],
              [qout(0.2, 100, U8)], "Conv2DOptions", padding=0, strideW=1, strideH=2, dilationWFactor=1,
              dilationHFactor=1)

    def densify():
        m = Model()
        g = m.graph()
        data = floats(7, 9) * (rng.random((7, 9)) < 0.3)
        w = m.op(g, "DENSIFY", [Tensor(data, F, sparse=True)], [F_()])
        g.outputs = [m.op(g, "FULLY_CONNECTED", [fed(floats(2, 9)), w, None], [F_()], "FullyConnectedOptions")]
        return m, g.outputs
    yield Case("DENSIFY", densify, [floats(2, 9)])


def images():
    x = floats(2, 7, 6, 4)
    for padding in (0, 1):
        yield one(f"CONV_2D_{padding}", "CONV_2D", [fed(x), const(floats(5, 3, 2, 4)), const(floats(5))], [F],
                  "Conv2DOptions", padding=padding, strideW=2, strideH=1, fusedActivationFunction=1,
                  dilationWFactor=1, dilationHFactor=1)
        yield one(f"DEPTHWISE_{padding}", "DEPTHWISE_CONV_2D", [fed(x), const(floats(1, 3, 3, 8)), const(floats(8))],
                  [F], "DepthwiseConv2DOptions", padding=padding, strideW=2, strideH=2, depthMultiplier=2,
                  fusedActivationFunction=3, dilationWFactor=1, dilationHFactor=1)
        for op in ["AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"]:
            yield one(f"{op}_{padding}", op, [fed(x)], [F], "Pool2DOptions", padding=padding, strideW=2, strideH=2,
                      filterWidth=3, filterHeight=2)
        out = [2, 14, 12, 5] if padding == 0 else [2, 15, 13, 5]
        yield one(f"TRANSPOSE_CONV_{padding}", "TRANSPOSE_CONV",
                  [const(out, I32), const(floats(5, 3, 3, 4)), fed(x), const(floats(5))], [F], "TransposeConvOptions",
                  padding=padding, strideW=2, strideH=2)
        yield one(f"CONV_3D_{padding}", "CONV_3D", [fed(floats(1, 4, 5, 6, 3)), const(floats(2, 3, 2, 3, 4)), const(floats(4))], [F],
                  "Conv3DOptions", padding=padding, strideD=1, strideW=2, strideH=1, dilationDFactor=1,
                  dilationWFactor=1, dilationHFactor=1)
    yield one("CONV_3D_TRANSPOSE", "CONV_3D_TRANSPOSE",
              [const([1, 4, 10, 6, 2], I32), const(floats(2, 3, 2, 2, 3)), fed(floats(1, 2, 5, 3, 3))], [F],
              "Conv3DOptions", padding=0, strideD=2, strideW=2, strideH=2, dilationDFactor=1, dilationWFactor=1,
              dilationHFactor=1)
    yield one("CONV_2D_dilated", "CONV_2D", [fed(x), const(floats(5, 3, 2, 4)), const(floats(5))], [F],
              "Conv2DOptions", padding=0, strideW=1, strideH=1, dilationWFactor=2, dilationHFactor=3)
    yield one("CONV_2D_grouped", "CONV_2D", [fed(x), const(floats(6, 3, 2, 2)), const(floats(6))], [F],
              "Conv2DOptions", padding=1, strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)
    for op in ["BILINEAR", "NEAREST_NEIGHBOR"]:
        options = "ResizeBilinearOptions" if op == "BILINEAR" else "ResizeNearestNeighborOptions"
        for corners, half in ((0, 0), (1, 0), (0, 1)):
            for size in ([13, 11], [3, 4]):
                yield one(f"RESIZE_{op}_{corners}{half}_{size[0]}", "RESIZE_" + op, [fed(x), const(size, I32)], [F],
                          options, alignCorners=bool(corners), halfPixelCenters=bool(half))
    yield one("DEPTH_TO_SPACE", "DEPTH_TO_SPACE", [fed(floats(2, 3, 2, 8))], [F], "DepthToSpaceOptions", blockSize=2)
    yield one("SPACE_TO_DEPTH", "SPACE_TO_DEPTH", [fed(floats(2, 4, 6, 3))], [F], "SpaceToDepthOptions", blockSize=2)
    yield one("SPACE_TO_BATCH_ND", "SPACE_TO_BATCH_ND",
              [fed(x), const([2, 3], I32), const([[1, 0], [0, 3]], I32)], [F])
    yield one("BATCH_TO_SPACE_ND", "BATCH_TO_SPACE_ND",
              [fed(floats(12, 3, 2, 4)), const([2, 3], I32), const([[1, 0], [0, 2]], I32)], [F])


def matrices():
    for keep in (False, True):
        yield one(f"FULLY_CONNECTED_{keep}", "FULLY_CONNECTED",
                  [fed(floats(2, 3, 4)), const(floats(5, 4)), const(floats(5))], [F], "FullyConnectedOptions",
                  keepNumDims=keep, fusedActivationFunction=1)
    for x, y in ((0, 0), (1, 0), (0, 1)):
        yield one(f"BATCH_MATMUL_{x}{y}", "BATCH_MATMUL",
                  [fed(floats(2, 4, 3) if x else floats(2, 3, 4)), fed(floats(2, 5, 4) if y else floats(2, 4, 5))],
                  [F], "BatchMatMulOptions", adjX=bool(x), adjY=bool(y))


def hybrid():
    """Numbers with integer weights."""
    for rows in (1, 3):
        w = const(quantised(floats(8, 6), 0.016), I8, (np.linspace(0.01, 0.02, 8), 0, 0))
        yield one(f"FULLY_CONNECTED_hybrid_{rows}", "FULLY_CONNECTED", [fed(floats(rows, 6)), w, const(floats(8))], [F],
                  "FullyConnectedOptions", delegate=True)
    for size in (1, 3):
        w = const(quantised(floats(8, size, size, 6), 0.016), I8, (0.016, 0))
        yield one(f"CONV_2D_hybrid_{size}", "CONV_2D", [fed(floats(1, 5, 5, 6)), w, const(floats(8))], [F],
                  "Conv2DOptions", delegate=True, padding=0, strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)


def shapes():
    x = floats(2, 3, 4)
    yield one("RESHAPE", "RESHAPE", [fed(x), const([-1, 4], I32)], [F], "ReshapeOptions", newShape=[-1, 4])
    yield one("RESHAPE_fed", "RESHAPE", [fed(x), fed([4, 6], I32)], [F])
    yield one("SQUEEZE", "SQUEEZE", [fed(floats(1, 3, 1, 4))], [F], "SqueezeOptions", squeezeDims=[-2])
    yield one("SQUEEZE_all", "SQUEEZE", [fed(floats(1, 3, 1, 4))], [F], "SqueezeOptions")
    yield one("EXPAND_DIMS", "EXPAND_DIMS", [fed(x), const(-1, I32)], [F])
    yield one("TRANSPOSE", "TRANSPOSE", [fed(x), const([2, 0, 1], I32)], [F])
    yield one("CONCATENATION", "CONCATENATION", [fed(x), fed(floats(2, 1, 4)), const(floats(2, 2, 4))], [F],
              "ConcatenationOptions", axis=-2)
    yield one("PACK", "PACK", [fed(x), fed(floats(2, 3, 4))], [F], "PackOptions", valuesCount=2, axis=1)
    yield one("UNPACK", "UNPACK", [fed(x)], [F, F, F], "UnpackOptions", num=3, axis=1)
    yield one("SPLIT", "SPLIT", [const(2, I32), fed(x)], [F, F], "SplitOptions", numSplits=2)
    yield one("SPLIT_V", "SPLIT_V", [fed(x), const([1, -1], I32), const(1, I32)], [F, F], "SplitVOptions",
              numSplits=2)
    yield one("TILE", "TILE", [fed(x), const([1, 2, 3], I32)], [F])
    yield one("BROADCAST_TO", "BROADCAST_TO", [fed(floats(3, 1)), const([2, 3, 4], I32)], [F])
    yield one("BROADCAST_ARGS", "BROADCAST_ARGS", [fed([3, 1], I32), fed([2, 1, 4], I32)], [I32])
    yield one("FILL", "FILL", [fed([2, 3], I32), fed(np.float32(1.5))], [F])
    yield one("SHAPE", "SHAPE", [fed(x)], [I32], "ShapeOptions", outType=2)
    yield one("RANK", "RANK", [fed(x)], [I32])
    yield one("RANGE", "RANGE", [fed(1, I32), fed(11, I32), fed(3, I32)], [I32])
    yield one("SLICE", "SLICE", [fed(x), const([0, 1, 2], I32), const([-1, 2, 1], I32)], [F])
    yield one("SLICE_fed", "SLICE", [fed(x), fed([0, 1, 2], I32), fed([-1, 2, 1], I32)], [F])
    for name, begin, end, step, masks in [
            ("plain", [0, 2, -1], [2, 0, -4], [1, -1, -2], {}),
            ("masks", [1, 1, 1], [1, 2, 3], [1, 1, 1], dict(beginMask=1, endMask=4)),
            ("shrink", [1, -1, 0], [2, 0, 4], [1, 1, 2], dict(shrinkAxisMask=3)),
            ("ellipsis", [0, 1], [0, 3], [1, 1], dict(ellipsisMask=1)),
            ("new", [0, 0, 1], [0, 2, 3], [1, 1, 1], dict(newAxisMask=1)),
            ("offset", [0, 1, 1], [2, 1, 2], [1, 1, 1], dict(offset=True))]:
        for given in (const, fed)[:1 if name == "offset" else 2]:  # LiteRT crashes on computed offsets
            yield one(f"STRIDED_SLICE_{name}_{given.__name__}", "STRIDED_SLICE",
                      [fed(x), given(begin, I32), given(end, I32), const(step, I32)], [F], "StridedSliceOptions",
                      **masks)
    pads = const([[0, 1], [2, 0], [1, 1]], I32)
    yield one("PAD", "PAD", [fed(x), pads], [F])
    yield one("PAD_fed", "PAD", [fed(x), fed(pads.data, I32)], [F])
    yield one("PADV2", "PADV2", [fed(x), pads, const(np.float32(7))], [F])
    yield one("MIRROR_PAD_reflect", "MIRROR_PAD", [fed(x), pads], [F], "MirrorPadOptions", mode=0)
    yield one("MIRROR_PAD_symmetric", "MIRROR_PAD", [fed(x), pads], [F], "MirrorPadOptions", mode=1)
    yield one("REVERSE_V2", "REVERSE_V2", [fed(x), const([1], I32)], [F])
    yield one("DILATE", "DILATE", [fed(x), const([2, 1, 3], I32), const(np.float32(7))], [F])
    yield one("DYNAMIC_UPDATE_SLICE", "DYNAMIC_UPDATE_SLICE", [fed(x), fed(floats(1, 2, 2)), fed([1, 3, 1], I32)], [F])


def reductions():
    x = floats(2, 3, 4)
    for op in ["MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN"]:
        yield one(op, op, [fed(x), const([-1, 0], I32)], [F], "ReducerOptions", keepDims=False)
        yield one(op + "_keep", op, [fed(x), const(1, I32)], [F], "ReducerOptions", keepDims=True)
    for keep in (False, True):
        yield one(f"MEAN_image_{keep}", "MEAN", [fed(floats(2, 5, 3, 4)), const([1, 2], I32)], [F], "ReducerOptions",
                  keepDims=keep)
    for op in ["REDUCE_ANY", "REDUCE_ALL"]:
        yield one(op, op, [fed(x > 0.5, BOOL), const([1], I32)], [BOOL], "ReducerOptions", keepDims=False)
    for op in ["ARG_MAX", "ARG_MIN"]:
        yield one(op, op, [fed(x), const(-1, I32)], [I32], op.title().replace("_", "") + "Options", outputType=2)
    yield one("TOPK_V2", "TOPK_V2", [fed(x), const(2, I32)], [F, I32])


def lookups():
    x = floats(4, 3, 5)
    yield one("GATHER", "GATHER", [fed(x), fed([[2, 0], [1, 1]], I32)], [F], "GatherOptions", axis=1)
    yield one("GATHER_batch", "GATHER", [fed(x), fed(ints(0, 5, 4, 2), I32)], [F], "GatherOptions", axis=2,
              batchDims=1)
    yield one("GATHER_batch1", "GATHER", [fed(x), fed(ints(0, 3, 4, 2), I32)], [F], "GatherOptions", axis=1,
              batchDims=1)
    yield one("GATHER_ND", "GATHER_ND", [fed(x), fed([[2, 0], [1, 1]], I32)], [F])
    yield one("SCATTER_ND", "SCATTER_ND", [fed([[1], [3], [1]], I32), fed(floats(3, 2)), const([5, 2], I32)], [F])
    yield one("EMBEDDING_LOOKUP", "EMBEDDING_LOOKUP", [fed([2, 0, 1], I32), const(x)], [F])
    yield one("HASHTABLE_LOOKUP", "HASHTABLE_LOOKUP",
              [fed([5, 9, -1], I32), const([-1, 5, 7], I32), const(floats(3, 2))], [F, U8])
    yield one("ONE_HOT", "ONE_HOT", [fed([0, 4, -1, 2], I32), const(3, I32), const(np.float32(2)), const(np.float32(-1))],
              [F], "OneHotOptions", axis=-1)
    yield one("SPARSE_TO_DENSE", "SPARSE_TO_DENSE",
              [fed([[0, 1], [2, 3]], I32), const([3, 4], I32), fed(floats(2)), const(np.float32(9))], [F])
    yield one("SEGMENT_SUM", "SEGMENT_SUM", [fed(x), const([0, 0, 1, 2], I32)], [F])
    for kind in ["SUM", "PROD", "MAX", "MIN"]:
        yield one(f"UNSORTED_SEGMENT_{kind}", f"UNSORTED_SEGMENT_{kind}",
                  [fed(x), fed([1, 0, -1, 1], I32), const(2, I32)], [F])
    yield one("WHERE", "WHERE", [fed(x > 0, BOOL)], [I64])
    yield one("UNIQUE", "UNIQUE", [fed([3, 1, 3, 2, 1], I32)], [I32, I32], "UniqueOptions", idxOutType=2)
    yield one("MATRIX_DIAG", "MATRIX_DIAG", [fed(floats(2, 4))], [F])
    yield one("MATRIX_SET_DIAG", "MATRIX_SET_DIAG", [fed(floats(2, 4, 3)), fed(floats(2, 3))], [F])
    yield one("REVERSE_SEQUENCE", "REVERSE_SEQUENCE", [fed(x), const([2, 5, 1], I32)], [F], "ReverseSequenceOptions",
              seqDim=2, batchDim=1)
    boxes = np.sort(floats(8, 4, low=0, high=4).reshape(8, 2, 2), 1).reshape(8, 4)
    scores = floats(8, low=0, high=1)
    nms = [fed(boxes), fed(scores), const(6, I32), const(np.float32(0.3)), const(np.float32(0.2))]
    yield one("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V4", nms, [I32, I32])
    yield one("NON_MAX_SUPPRESSION_V5", "NON_MAX_SUPPRESSION_V5", nms + [const(np.float32(0))], [I32, F, I32])


def detections():
    """The boxes of SSD, of encodings, scores of classes (the first is the background) and anchors."""
    n, classes = 24, 5
    anchors = np.concatenate([floats(n, 2, low=0.2, high=0.8), floats(n, 2, low=0.1, high=0.3)], 1)
    scores = floats(1, n, classes + 1, low=0, high=1)
    options = dict(max_detections=6, max_classes_per_detection=1, detections_per_class=1, use_regular_nms=False,
                   nms_score_threshold=0.3, nms_iou_threshold=0.5, num_classes=classes, y_scale=10.0, x_scale=10.0,
                   h_scale=5.0, w_scale=5.0)
    b = flexbuffers.Builder()
    with b.Map():
        for key in sorted(options):
            b.Key(key)
            {bool: b.Bool, int: b.Int, float: b.Float}[type(options[key])](options[key])
    feeds = [floats(1, n, 4, low=-3, high=3), scores]

    def make():
        m = Model()
        g = m.graph()
        g.outputs = m.custom(g, "TFLite_Detection_PostProcess", [fed(feeds[0]), fed(scores), const(anchors)],
                             [F_() for _ in range(4)], bytes(b.Finish()))
        return m, g.outputs
    yield Case("TFLite_Detection_PostProcess", make, feeds)


def signals():
    x = floats(3, 5, 16)
    for rows, columns in ((4, 16), (4, 8), (8, 32)):
        def make(rows=rows, columns=columns):
            m = Model()
            g = m.graph()
            z = m.op(g, "RFFT2D", [fed(x), const([rows, columns], I32)], [Tensor(dtype=np.complex64)])
            g.outputs = [m.op(g, op, [z], [F_()], *o) for op, *o in (("COMPLEX_ABS",), ("REAL",), ("IMAG",))]
            return m, g.outputs
        yield Case(f"RFFT2D_{rows}_{columns}", make, [x])
    for n, part, of in ((16, "REAL", np.real), (12, "IMAG", np.imag), (25, "COMPLEX_ABS", np.abs)):
        def flex(n=n, part=part):  # TensorFlow's own, which LiteRT has no kernel for
            m = Model()
            g = m.graph()
            shape = [3, 5, n // 2 + 1]
            z = m.custom(g, "FlexRFFT", [fed(x), const([n], I32)], [Tensor(dtype=np.complex64, shape=shape)], b"")
            g.outputs = [m.op(g, part, [z], [Tensor(dtype=F, shape=shape)])]
            return m, g.outputs
        yield Case(f"FlexRFFT_{n}_{part}", flex, [x], expected=of(np.fft.rfft(x.astype(np.float64), n)).astype(F))


def F_():
    return Tensor(dtype=F)


def lstm_inputs(n, m, peephole, coupled, projection, norm):
    w = lambda *s: const(floats(*s, low=-0.5, high=0.5))
    out = projection or m
    gate = lambda there, *s: w(*s) if there else None
    ins = [None if coupled and i == 0 else w(m, n) for i in range(4)]
    ins += [None if coupled and i == 0 else w(m, out) for i in range(4)]
    ins += [gate(peephole and not (coupled and i == 0), m) for i in range(3)]
    ins += [None if coupled and i == 0 else w(m) for i in range(4)]
    ins += [gate(projection, projection, m), gate(projection, projection)]
    return ins, [gate(norm and not (coupled and i == 0), m) for i in range(4)]


def recurrent():
    state = lambda *s: Tensor(shape=list(s), dtype=F, variable=True)
    for name, peephole, coupled, projection, norm, major, clip in [
            ("plain", 0, 0, 0, 0, False, 0.0), ("major", 0, 0, 0, 0, True, 0.0), ("peephole", 1, 0, 0, 0, False, 0.0),
            ("coupled", 1, 1, 0, 0, False, 0.0), ("projection", 0, 0, 3, 0, False, 0.0),
            ("everything", 1, 0, 3, 1, True, 0.4)]:
        n, m, batch, time = 5, 6, 2, 4
        x = floats(time, batch, n) if major else floats(batch, time, n)
        ins, norms = lstm_inputs(n, m, peephole, coupled, projection, norm)
        ins = [fed(x)] + ins + [state(batch, projection or m), state(batch, m)] + norms
        yield one(f"SEQUENCE_LSTM_{name}", "UNIDIRECTIONAL_SEQUENCE_LSTM", ins, [F],
                  "UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, timeMajor=major, cellClip=clip)
    x = floats(2, 5)
    ins, norms = lstm_inputs(5, 6, 1, 0, 3, 0)
    yield one("LSTM", "LSTM", [fed(x)] + ins + [state(2, 3), state(2, 6)], [F], "LSTMOptions",
              fusedActivationFunction=4)
    a, _ = lstm_inputs(5, 6, 0, 0, 0, 0)
    b, _ = lstm_inputs(5, 6, 0, 0, 0, 0)
    for merge in (False, True):
        yield one(f"BIDIRECTIONAL_LSTM_{merge}", "BIDIRECTIONAL_SEQUENCE_LSTM",
                  [fed(floats(1, 4, 5))] + a + b + [state(1, 6) for _ in range(4)] + [None] * 9,
                  [F] if merge else [F, F], "BidirectionalSequenceLSTMOptions", fusedActivationFunction=4,
                  mergeOutputs=merge, timeMajor=False)
    w = lambda *s: const(floats(*s, low=-0.5, high=0.5))
    rnn = lambda: [w(6, 5), w(6, 6), w(6), state(2, 6)]
    for act in (0, 1, 4):
        yield one(f"SEQUENCE_RNN_{act}", "UNIDIRECTIONAL_SEQUENCE_RNN", [fed(floats(2, 4, 5))] + rnn(), [F],
                  "SequenceRNNOptions", fusedActivationFunction=act, timeMajor=False)
    yield one("RNN", "RNN", [fed(x)] + rnn(), [F], "RNNOptions", fusedActivationFunction=4)
    yield one("BIDIRECTIONAL_RNN", "BIDIRECTIONAL_SEQUENCE_RNN", [fed(floats(2, 4, 5))] + rnn() + rnn() + [None] * 3,
              [F], "BidirectionalSequenceRNNOptions", fusedActivationFunction=4, mergeOutputs=True, timeMajor=False)
    yield one("SVDF", "SVDF", [fed(x), w(8, 5), w(8, 7), w(4), state(2, 56)], [F], "SVDFOptions", rank=2,
              fusedActivationFunction=1)


def control():
    x = floats(2, 3)

    def branches():
        m = Model()
        g, then, other = m.graph(), m.graph(), m.graph()
        c, v = m.tensor(g, fed(np.array(True), BOOL)), m.tensor(g, fed(x))
        g.outputs = [m.op(g, "IF", [c, v], [F_()], "IfOptions", thenSubgraphIndex=1, elseSubgraphIndex=2)]
        for s, op in ((then, "ADD"), (other, "MUL")):
            a = m.tensor(s, Tensor(dtype=F, shape=[2, 3]))
            s.inputs, s.outputs = [a], [m.op(s, op, [a, const(floats(3))], [Tensor(dtype=F, shape=[2, 3])])]
        return m, g.outputs
    for taken in (True, False):
        yield Case(f"IF_{taken}", branches, [np.array(taken), x])

    def loop():
        m = Model()
        g, cond, body = m.graph(), m.graph(), m.graph()
        i, v = m.tensor(g, fed(np.array(0, I32), I32)), m.tensor(g, fed(x))
        g.outputs = m.op(g, "WHILE", [i, v], [Tensor(dtype=I32), F_()], "WhileOptions", condSubgraphIndex=1,
                         bodySubgraphIndex=2)
        for s in (cond, body):
            s.inputs = [m.tensor(s, Tensor(dtype=I32, shape=[])), m.tensor(s, Tensor(dtype=F, shape=[2, 3]))]
        cond.outputs = [m.op(cond, "LESS", [cond.inputs[0], const(5, I32)], [Tensor(dtype=BOOL, shape=[])])]
        body.outputs = [m.op(body, "ADD", [body.inputs[0], const(1, I32)], [Tensor(dtype=I32, shape=[])], "AddOptions"),
                        m.op(body, "MUL", [body.inputs[1], const(floats(3))], [Tensor(dtype=F, shape=[2, 3])], "MulOptions")]
        return m, g.outputs
    yield Case("WHILE", loop, [np.array(0, I32), x])

    def variables():
        m = Model()
        g, init = m.graph(), m.graph()
        handle = lambda s: m.op(s, "VAR_HANDLE", [], [Tensor(dtype=I32, shape=[1], resource=True)],
                                "VarHandleOptions", container=b"", sharedName=b"sum")
        h = handle(init)
        m.op(init, "ASSIGN_VARIABLE", [h, const(floats(2, 3))], [])
        m.op(g, "CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=1)
        h = handle(g)
        old = m.op(g, "READ_VARIABLE", [h], [Tensor(dtype=F, shape=[2, 3])])
        new = m.op(g, "ADD", [old, fed(x)], [Tensor(dtype=F, shape=[2, 3])], "AddOptions")
        m.op(g, "ASSIGN_VARIABLE", [h, new], [])
        g.outputs = [m.op(g, "READ_VARIABLE", [h], [Tensor(dtype=F, shape=[2, 3])])]
        return m, g.outputs

    def half():
        m = Model()
        g = m.graph()
        w = m.op(g, "DEQUANTIZE", [const(floats(5, 4), np.float16)], [F_()])
        g.outputs = [m.op(g, "FULLY_CONNECTED", [fed(floats(2, 4)), w, None], [F_()], "FullyConnectedOptions")]
        return m, g.outputs
    yield Case("float16_weights", half, [floats(2, 4)])
    yield Case("variables", variables, [x])


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


def cases():
    for family in (elementwise, quantised_ones, widths, images, matrices, hybrid, shapes, reductions, lookups, detections,
                   signals, recurrent, control, stablehlo, places, tables):
        yield from family()
