# SPDX-License-Identifier: Apache-2.0
"""Single operators, of floats and quantised."""
import numpy as np
from flatbuffers import flexbuffers

from case import F, F_, I32, I64, I8, U8, I16, BOOL, rng, floats, ints, Case, one, quantised, qin, qout
from models import Model, Tensor, const, fed


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
