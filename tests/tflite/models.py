# SPDX-License-Identifier: Apache-2.0
"""Writing small .tflite files: the schema as ai-edge-litert brings it, and a builder over its object API."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {np.dtype(k): getattr(schema.TensorType, v) for k, v in {
    "float32": "FLOAT32", "float16": "FLOAT16", "int32": "INT32", "uint8": "UINT8", "int64": "INT64", "bool": "BOOL",
    "int16": "INT16", "complex64": "COMPLEX64", "int8": "INT8", "float64": "FLOAT64", "uint32": "UINT32"}.items()}


class Tensor:
    """data: None for a value of the run. fed: the data is an input, not a constant. quant: (scales, zeros, axis). int4: two
    elements in a byte of the file. sparse: rows are lists of what is not zero. strings: a constant of them; []: of the run."""

    def __init__(self, data=None, dtype=None, shape=None, quant=None, fed=False, variable=False, resource=False,
                 int4=False, sparse=False, strings=None):
        self.strings = strings
        if strings is not None:  # the data is only for the shape
            data, dtype = np.zeros(len(strings), np.int8) if strings else None, np.int8
        self.data = None if data is None else np.asarray(data, dtype)
        self.dtype = np.dtype(dtype if dtype is not None else self.data.dtype if self.data is not None else np.float32)
        self.shape = list(self.data.shape if self.data is not None else shape or [])
        self.quant, self.fed, self.variable, self.resource = quant, fed, variable, resource
        self.int4, self.sparse = int4, sparse

    def bytes(self):
        if self.strings is not None:
            texts, head = [t.encode() for t in self.strings], 4 * (len(self.strings) + 2)
            ends = np.cumsum([head] + [len(t) for t in texts])
            return np.frombuffer(np.int32([len(texts), *ends]).tobytes() + b"".join(texts), np.uint8)
        if self.int4:
            flat = np.append(self.data.ravel() & 15, 0).astype(np.uint8)
            return flat[0 : self.data.size : 2] | flat[1 : self.data.size + 1 : 2] << 4
        data = self.data[self.data != 0] if self.sparse else self.data
        return np.frombuffer(data.tobytes(), np.uint8)

    def sparsity(self):
        """Dense rows of compressed columns, as the schema has them."""
        s, rows, columns = schema.SparsityParametersT(), schema.DimensionMetadataT(), schema.DimensionMetadataT()
        rows.format, rows.denseSize = schema.DimensionType.DENSE, self.shape[0]
        columns.format = schema.DimensionType.SPARSE_CSR
        columns.arraySegments, columns.arrayIndices = schema.Int32VectorT(), schema.Uint8VectorT()
        columns.arraySegmentsType, columns.arrayIndicesType = 1, 3
        columns.arraySegments.values = [0, *np.cumsum((self.data != 0).sum(1)).tolist()]
        columns.arrayIndices.values = np.nonzero(self.data)[1].astype(np.uint8)
        s.traversalOrder, s.dimMetadata = [0, 1], [rows, columns]
        return s


def fed(data, dtype=np.float32, quant=None):
    return Tensor(data, dtype, quant=quant, fed=True)


def const(data, dtype=np.float32, quant=None):
    return Tensor(data, dtype, quant=quant)


class Model:
    def __init__(self):
        self.m = schema.ModelT()
        self.m.version, self.m.description = 3, b"test"
        self.m.operatorCodes, self.m.subgraphs, self.m.buffers = [], [], [schema.BufferT()]

    def graph(self):
        g = schema.SubGraphT()
        g.tensors, g.operators, g.inputs, g.outputs = [], [], [], []
        self.m.subgraphs.append(g)
        return g

    def tensor(self, g, t):
        if t is None:
            return -1
        if isinstance(t, int):
            return t
        x = schema.TensorT()
        x.name = b"t%d" % len(g.tensors)
        x.shape, x.type, x.buffer, x.isVariable = t.shape, TYPES[t.dtype], 0, t.variable
        if t.resource:
            x.type = schema.TensorType.RESOURCE
        if t.strings is not None:
            x.type = schema.TensorType.STRING
        if t.quant:
            x.quantization = schema.QuantizationParametersT()
            x.quantization.scale = np.atleast_1d(np.float32(t.quant[0]))
            x.quantization.zeroPoint = np.broadcast_to(np.int64(t.quant[1]), x.quantization.scale.shape).copy()
            x.quantization.quantizedDimension = t.quant[2] if len(t.quant) > 2 else 0
        if t.data is not None and not t.fed:
            b = schema.BufferT()
            b.data = t.bytes()
            if t.int4:
                x.type = schema.TensorType.INT4
            if t.sparse:
                x.sparsity = t.sparsity()
            x.buffer = len(self.m.buffers)
            self.m.buffers.append(b)
        g.tensors.append(x)
        i = len(g.tensors) - 1
        if t.fed:
            g.inputs.append(i)
        return i

    def op(self, g, kind, ins, outs, options=None, **fields):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = 1
        self.m.operatorCodes.append(code)
        o = schema.OperatorT()
        o.opcodeIndex = len(self.m.operatorCodes) - 1
        o.inputs = [self.tensor(g, t) for t in ins]
        o.outputs = [self.tensor(g, t) for t in outs]
        if options:
            table = getattr(schema, options + "T")()
            for k, v in fields.items():
                assert hasattr(table, k), k
                setattr(table, k, v)
            if hasattr(schema.BuiltinOptions, options):
                o.builtinOptions, o.builtinOptionsType = table, getattr(schema.BuiltinOptions, options)
            else:
                o.builtinOptions2, o.builtinOptions2Type = table, getattr(schema.BuiltinOptions2, options)
        g.operators.append(o)
        return o.outputs[0] if len(o.outputs) == 1 else o.outputs

    def custom(self, g, name, ins, outs, options):
        result = self.op(g, "CUSTOM", ins, outs)
        self.m.operatorCodes[-1].customCode = name.encode()
        g.operators[-1].customOptions = np.frombuffer(options, np.uint8)
        return result

    def bytes(self):
        b = flatbuffers.Builder(1024)
        b.Finish(self.m.Pack(b), b"TFL3")
        return bytes(b.Output())
