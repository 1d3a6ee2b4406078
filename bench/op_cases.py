# SPDX-License-Identifier: Apache-2.0
"""Models of one operator, and of a few, for bench/compare_ops.py: every operator that matters, in the shapes of networks.

A group is a generator of cases; a case has a name, writes its model, and says how many times as fast as ONNX Runtime
Linnet should be with it.
"""
import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

# What ONNX Runtime computes one element at a time.
FOUR = ("Log", "Sin", "Cos", "Softplus", "Mish", "Elu", "Pow", "CumSum", "LayerNormalization", "ReduceLogSumExp", "ArgMax", "TopK")
ELEMENTS = 65536
ROWS = ((64, 1000), (1536, 128), (128, 768))
rng = np.random.default_rng(1)


def f32(*shape, low=-3.0, high=3.0):
    return rng.uniform(low, high, shape).astype(np.float32)


class Case:
    """A node with its inputs: an array is an input of the model, an array in a list a constant, None is left out.
    least: how many times as fast as ONNX Runtime it should be; None is left to promise()."""

    def __init__(self, name, op, *inputs, out=1, opset=20, domain="", least=None, **attrs):
        self.name, self.op, self.inputs, self.out, self.attrs = name, op, inputs, out, attrs
        self.opset, self.domain, self.least = opset, domain, least

    def node(self, feed, constants, before="x", after="y"):
        """The node, what it reads added to feed and constants; names begin with those given."""
        names = []
        for i, x in enumerate(self.inputs):
            name = "" if x is None else f"{before}{i}"
            names.append(name)
            if isinstance(x, list):
                constants.append(onnx.numpy_helper.from_array(np.asarray(x[0]), name))
            elif x is not None:
                feed[name] = x
        return h.make_node(self.op, names, [f"{after}{i}" for i in range(self.out)], domain=self.domain, **self.attrs)

    def nodes(self, feed, constants):
        return [self.node(feed, constants)]

    def save(self, folder):
        feed, constants = {}, []
        nodes = self.nodes(feed, constants)
        inputs = [h.make_tensor_value_info(n, h.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in feed.items()]
        graph = h.make_graph(nodes, "one", inputs, [onnx.ValueInfoProto(name=o) for o in nodes[-1].output], constants)
        opsets = [h.make_opsetid("", self.opset)] + ([h.make_opsetid(self.domain, 1)] if self.domain else [])
        model = h.make_model(graph, opset_imports=opsets, ir_version=9)
        path, files = os.path.join(folder, "one.onnx"), {}
        onnx.save(model, path)
        for n, x in feed.items():
            files[n] = os.path.join(folder, n + ".npy")
            np.save(files[n], x)
        return path, feed, files


class Chain(Case):
    """Cases one after the other, each reading in its first input what the one before made."""

    def __init__(self, name, cases, least=None):
        super().__init__(name, cases[0].op, least=least, **cases[0].attrs)
        self.cases = cases

    def nodes(self, feed, constants):
        nodes = []
        for i, case in enumerate(self.cases):
            unread = {}
            nodes.append(case.node(feed if i == 0 else unread, constants, f"x{i}_", f"y{i}_"))
            if i:
                nodes[-1].input[0] = f"y{i - 1}_0"
                unread.pop(f"x{i}_0", None)
                feed.update(unread)
        return nodes


def maps():
    """Element-wise operators on 65536 elements."""
    x, positive, n = f32(ELEMENTS), f32(ELEMENTS, low=0.01), ELEMENTS
    for op in ("Relu Neg Abs Exp Sigmoid Tanh Erf Sin Cos Floor Round Softplus Elu LeakyRelu HardSwish HardSigmoid Mish "
               "Atan Celu Selu Gelu").split():
        yield Case(op, op, x, opset=22 if op == "Mish" else 20)
    for op in "Sqrt Log Reciprocal".split():
        yield Case(op, op, positive)
    yield Case("Gelu tanh", "Gelu", x, approximate="tanh")
    for op in "Add Mul Div Max".split():
        yield Case(op, op, x, positive)
    yield Case("Pow", "Pow", positive, x)
    yield Case("Pow 2.5", "Pow", positive, [np.float32(2.5)])
    yield Case("Pow 2", "Pow", x, [np.float32(2)])
    yield Case("Mod", "Mod", x, positive, fmod=1)
    yield Case("Cast f32>f16", "Cast", x, to=T.FLOAT16)
    yield Case("Cast f16>f32", "Cast", x.astype(np.float16), to=T.FLOAT)
    yield Case("Cast f32>u8", "Cast", f32(n, low=0, high=255), to=T.UINT8)
    yield Case("Cast u8>f32", "Cast", rng.integers(0, 255, n).astype(np.uint8), to=T.FLOAT)
    scale, zero = [np.float32(0.02)], [np.uint8(128)]
    yield Case("QuantizeLinear u8", "QuantizeLinear", x, scale, zero)
    yield Case("DequantizeLinear u8", "DequantizeLinear", rng.integers(0, 255, n).astype(np.uint8), scale, zero)
    yield Case("Where", "Where", rng.integers(0, 2, n).astype(bool), x, positive)


def rows():
    for r, c in ROWS:
        x, size = f32(r, c), f" {r}x{c}"
        yield Case("Softmax" + size, "Softmax", x)
        yield Case("LogSoftmax" + size, "LogSoftmax", x)
        yield Case("LayerNormalization" + size, "LayerNormalization", x, [f32(c)], [f32(c)])
        yield Case("RMSNormalization" + size, "RMSNormalization", x, [f32(c)], opset=23)
        for op in "ReduceSum ReduceMean ReduceMax ReduceL2 ReduceSumSquare ReduceLogSumExp".split():
            for axis in 0, 1:
                yield Case(f"{op} axis {axis}" + size, op, x, [np.array([axis], np.int64)])
        yield Case("ArgMax" + size, "ArgMax", x, axis=1)
        yield Case("TopK 5" + size, "TopK", x, [np.array([5], np.int64)], out=2)
        yield Case("CumSum" + size, "CumSum", x, [np.int64(1)])
        yield Case("Add row" + size, "Add", x, f32(c))
        yield Case("Add column" + size, "Add", x, f32(r, 1))
        yield Case("Transpose 10" + size, "Transpose", x, perm=[1, 0])


def images():
    x = f32(1, 64, 56, 56)
    yield Case("Transpose NCHW>NHWC 64@56", "Transpose", x, perm=[0, 2, 3, 1])
    yield Case("Transpose NHWC>NCHW 64@56", "Transpose", f32(1, 56, 56, 64), perm=[0, 3, 1, 2])
    yield Case("Transpose 0213 12x128x64", "Transpose", f32(1, 12, 128, 64), perm=[0, 2, 1, 3])
    yield Case("Transpose 0132 12x128x64", "Transpose", f32(1, 12, 128, 64), perm=[0, 1, 3, 2])
    yield Case("MaxPool 3x3s2 64@112", "MaxPool", f32(1, 64, 112, 112), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    yield Case("MaxPool 5x5s1 128@20", "MaxPool", f32(1, 128, 20, 20), kernel_shape=[5, 5], pads=[2, 2, 2, 2])
    yield Case("AveragePool 3x3s1 64@56", "AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    yield Case("GlobalAveragePool 2048@7", "GlobalAveragePool", f32(1, 2048, 7, 7))
    channel = lambda: [f32(64, low=0.5)]
    yield Case("BatchNormalization 64@56", "BatchNormalization", x, channel(), channel(), channel(), channel())
    yield Case("InstanceNormalization 64@56", "InstanceNormalization", x, channel(), channel())
    yield Case("PRelu 64@56", "PRelu", x, [f32(64, 1, 1)])
    yield Case("Add channel 64@56", "Add", x, f32(64, 1, 1))
    scales = [np.array([1, 1, 2, 2], np.float32)]
    for mode, how in ("nearest", {}), ("linear", {}), ("cubic", {}):
        yield Case(f"Resize x2 {mode} 64@56", "Resize", x, None, scales, mode=mode, **how)
    yield Case("Concat channels 2x64@56", "Concat", x, f32(1, 64, 56, 56), axis=1)
    yield Case("Split channels 2x32@56", "Split", x, axis=1, num_outputs=2, out=2)
    yield Case("Pad 1 64@56", "Pad", x, [np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)])
    i64 = lambda *v: [np.array(v, np.int64)]
    yield Case("Slice step 2 64@56", "Slice", x, i64(0, 0), i64(56, 56), i64(2, 3), i64(2, 2))
    yield Case("DepthToSpace 2 64@56", "DepthToSpace", x, blocksize=2)
    yield Case("SpaceToDepth 2 64@56", "SpaceToDepth", x, blocksize=2)
    yield Case("Gather 128 rows of 768", "Gather", f32(1000, 768), rng.integers(0, 1000, 128).astype(np.int64))
    yield Case("Expand 1x64x1x1 to 56", "Expand", f32(1, 64, 1, 1), i64(1, 64, 56, 56))
    yield Case("Tile 2 64@56", "Tile", x, i64(1, 2, 1, 1))


def products():
    """MatMul with a constant B: squares, the 1x1 convolutions of ResNet50 and MobileNetV2 as products, BERT's."""
    shapes = [(n, n, n) for n in (64, 128, 256, 512, 1024, 2048)]
    shapes += [(3136, 64, 64), (3136, 256, 64), (3136, 64, 256), (784, 128, 512), (784, 512, 128), (196, 256, 1024),
               (196, 1024, 256), (49, 512, 2048), (49, 2048, 512)]
    shapes += [(12544, 16, 32), (12544, 96, 16), (3136, 24, 96), (3136, 144, 24), (784, 32, 144), (784, 192, 32),
               (196, 64, 384), (196, 384, 64), (196, 96, 576), (49, 160, 960), (49, 960, 160), (49, 1280, 320)]
    shapes += [(128, 768, 768), (128, 3072, 768), (128, 768, 3072), (16, 768, 768)]
    for m, n, k in shapes:
        yield Case(f"MatMul {m}x{n}x{k}", "MatMul", f32(m, k), [f32(k, n)])


def depthwise():
    """A convolution by itself, channels first before and after, as a model of one node has it; inside of networks both
    engines have layouts of their own (make bench-models)."""
    for kernel, stride, channels, size in ((3, 1, 32, 112), (3, 1, 144, 56), (3, 1, 192, 28), (3, 1, 576, 14), (5, 1, 240, 28),
                                           (3, 2, 12, 112), (3, 2, 30, 112), (3, 2, 96, 112), (3, 2, 144, 56), (3, 2, 100, 56),
                                           (3, 2, 192, 28), (3, 2, 576, 14), (5, 2, 72, 56), (5, 2, 144, 56), (5, 2, 30, 56)):
        yield Case(f"Conv depthwise {kernel}x{kernel}s{stride} {channels}@{size}", "Conv", f32(1, channels, size, size),
                   [f32(channels, 1, kernel, kernel)], [f32(channels)], group=channels, strides=[stride, stride],
                   pads=[kernel // 2] * 4)


def recurrent():
    for op, gates in ("LSTM", 4), ("GRU", 3), ("RNN", 1):
        for n in 64, 128, 256, 512:
            for steps in 1, 100:
                w = [f32(1, gates * n, n, low=-0.1, high=0.1)], [f32(1, gates * n, n, low=-0.1, high=0.1)]
                yield Case(f"{op} hidden {n} steps {steps}", op, f32(steps, 1, n), *w, [f32(1, 2 * gates * n, low=-0.1, high=0.1)],
                           hidden_size=n)


def attention():
    for length, size in (128, 64), (32, 64), (512, 64), (128, 32), (128, 128):
        qkv = [f32(1, 12, length, size) for _ in range(3)]
        name = f"Attention 12 heads {length}x{size}"
        yield Case(name, "Attention", *qkv, opset=23)
        if size == 64:
            yield Case(name + " causal", "Attention", *qkv, opset=23, is_causal=1)
            yield Case(name + " mask", "Attention", *qkv, f32(1, 1, length, length), opset=23)


def small():
    """Many small nodes: what a step costs is nearly all there is; the second is as frames of speech filters are."""
    yield Chain("64 Neg of 1", [Case("", "Neg", f32(1)) for _ in range(64)], least=5)
    x, w, row = f32(1, 1, 64), [f32(64, 64, low=-0.1, high=0.1)], [f32(64)]
    i64 = lambda *v: [np.array(v, np.int64)]
    block = [Case("", "MatMul", x, w), Case("", "Add", x, row), Case("", "Sigmoid", x), Case("", "Mul", x, row),
             Case("", "Reshape", x, i64(1, 8, 8)), Case("", "Transpose", x, perm=[0, 2, 1]),
             Case("", "Pad", x, i64(0, 2, 0, 0, 0, 0)), Case("", "Slice", x, i64(2), i64(10), i64(1)), Case("", "Sub", x, [f32(8)]),
             Case("", "Tanh", x), Case("", "Reshape", x, i64(1, 1, 64))]
    yield Chain("220 small nodes", 20 * block, least=5)


def normalised():
    """LRN as AlexNet, Inception v1 and ZFNet have it."""
    for channels, size in (96, 54), (256, 26), (64, 55), (192, 55), (96, 109):
        yield Case(f"LRN {channels}@{size}", "LRN", f32(1, channels, size, size), size=5, least=4)


def u8(*shape):
    return rng.integers(0, 256, shape).astype(np.uint8)


def s8(*shape):
    return rng.integers(-127, 128, shape).astype(np.int8)


def qconv(name, inputs, outputs, size, kernel, stride=1, group=1, least=None):
    scale, zero = lambda v: [np.float32(v)], [np.uint8(128)]
    return Case(name, "QLinearConv", u8(1, inputs, size, size), scale(0.02), zero, [s8(outputs, inputs // group, kernel, kernel)],
                scale(0.01), [np.int8(0)], scale(0.05), zero, [rng.integers(-1000, 1000, outputs).astype(np.int32)], group=group,
                strides=[stride, stride], pads=[kernel // 2] * 4, kernel_shape=[kernel, kernel], least=least)


def quantised():
    yield qconv("QLinearConv first 3x3s2 3>32@224", 3, 32, 224, 3, 2, least=4)
    yield qconv("QLinearConv first 7x7s2 3>64@224", 3, 64, 224, 7, 2, least=2)
    for kernel, stride, channels, size in (3, 1, 32, 112), (3, 2, 96, 112), (3, 1, 144, 56), (3, 2, 144, 56), (3, 1, 384, 14), \
            (3, 2, 576, 14), (5, 1, 240, 28):
        name = f"{kernel}x{kernel}s{stride} {channels}@{size}"
        yield qconv("QLinearConv depthwise " + name, channels, channels, size, kernel, stride, channels)
        if stride == 1:
            yield Chain("8 QLinearConv depthwise " + name, 8 * [qconv("", channels, channels, size, kernel, 1, channels)])
    scale, zero = [np.float32(0.02)], [np.uint8(128)]
    for m, n, k in ((64, 64, 64), (128, 128, 128), (256, 256, 256), (12544, 16, 32), (12544, 96, 16), (3136, 144, 24), (784, 192, 32),
                    (196, 384, 64), (1, 512, 128)):
        yield Case(f"QLinearMatMul {m}x{n}x{k}", "QLinearMatMul", u8(m, k), scale, zero, [s8(k, n)], scale, [np.int8(0)], [np.float32(0.5)], zero)
    for m, n, k in ((256, 256, 256), (1024, 1024, 1024), (12544, 96, 16)):
        yield Case(f"MatMulInteger u8 s8 {m}x{n}x{k}", "MatMulInteger", u8(m, k), [s8(k, n)], zero)
        yield Case(f"MatMulInteger u8 u8 {m}x{n}x{k}", "MatMulInteger", u8(m, k), [u8(k, n)], zero, zero)


def conv(name, inputs, outputs, size, kernel, stride=1, group=1):
    return Case(name, "Conv", f32(1, inputs, size, size), [f32(outputs, inputs // group, kernel, kernel, low=-0.1, high=0.1)],
                [f32(outputs)], group=group, strides=[stride, stride], pads=[kernel // 2] * 4)


def convolutions():
    """Channels that are no multiple of 16, 1x1 with channels first around them, first layers, and depthwise ones in a row."""
    for channels, size in (33, 80), (36, 80), (76, 40), (105, 40):
        for kernel in 3, 1:
            name = f"Conv {kernel}x{kernel} {channels}>{channels}@{size}"
            yield conv(name, channels, channels, size, kernel)
            yield Chain("8 " + name, 8 * [conv("", channels, channels, size, kernel)])
    for inputs, outputs, size in (16, 96, 112), (64, 64, 56), (64, 256, 56), (512, 128, 28):
        yield conv(f"Conv 1x1 {inputs}>{outputs}@{size}", inputs, outputs, size, 1)
    yield conv("Conv first 3x3s2 3>32@224", 3, 32, 224, 3, 2)
    yield conv("Conv first 7x7s2 3>64@224", 3, 64, 224, 7, 2)
    for kernel, channels, size in (3, 32, 112), (3, 144, 56), (3, 384, 14), (5, 240, 28):
        yield Chain(f"8 Conv depthwise {kernel}x{kernel}s1 {channels}@{size}", 8 * [conv("", channels, channels, size, kernel, 1, channels)])


def promise(case):
    if case.least:
        return case.least
    if case.op == "Conv":
        return 3 if case.attrs["strides"][0] == 2 and case.attrs["group"] > 1 else 1
    return 4 if case.op in FOUR and case.name not in ("Pow 2",) else 1


GROUPS = maps, rows, images, normalised, products, depthwise, convolutions, quantised, recurrent, attention, small
