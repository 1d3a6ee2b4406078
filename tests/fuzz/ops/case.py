# SPDX-License-Identifier: Apache-2.0
"""A case: one node (or a small graph around it) with random valid attributes, shapes, types and data, made from the
operator's name, a version of it and a seed, and from nothing else.

A generator is a function of a Case, under the operator's name in GENERATORS. It picks the types by the schema's type
parameters, adds inputs and attributes, and names the outputs; what differs by version it asks the schema for.
"""
import copy
import random
import re

import ml_dtypes
import numpy as np
import onnx.defs
from onnx import helper, numpy_helper

ORT_NEWEST = 26
NEWEST = {"": 28, "ai.onnx.ml": 5, "ai.onnx.preview": 1, "ai.onnx.preview.training": 1, "com.microsoft": 1}
# In the standard's domain, but of ONNX Runtime: opsets at which it has them.
EXPERIMENTAL = {"ImageScaler": (7, 9), "SimplifiedLayerNormalization": (7, 22)}
MODELS = ["encoder", "decoder", "quantized", "dynamic", "recurrent", "image", "layers"]  # gen_models.py, gen_graphs.py
LINNET = {"SumTo": ["float32", "float64", "float16", "bfloat16"], "Attention": ["float32"], "Spectrogram": ["float32", "float64"],
          "ByteMap": ["int8", "uint8"], "QLinearLSTM": ["int8", "uint8"]}

NUMPY = {
    "float32": np.float32, "float64": np.float64, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
    "bool": np.bool_, "string": object, "complex64": np.complex64, "complex128": np.complex128,
    "float8e4m3fn": ml_dtypes.float8_e4m3fn, "float8e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8e5m2": ml_dtypes.float8_e5m2, "float8e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8e8m0": ml_dtypes.float8_e8m0fnu, "float4e2m1": ml_dtypes.float4_e2m1fn,
    "int4": ml_dtypes.int4, "uint4": ml_dtypes.uint4, "int2": ml_dtypes.int2, "uint2": ml_dtypes.uint2,
    "float6e2m3": ml_dtypes.float6_e2m3fn, "float6e3m2": ml_dtypes.float6_e3m2fn,
}
NAMES = {np.dtype(v): k for k, v in NUMPY.items()}
FLOATS = ["float32", "float64", "float16", "bfloat16"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
NUMBERS = FLOATS + INTS
COMPLEX = ["complex64", "complex128"]
FLOAT8 = ["float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"]
BITS = {"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}
# Of com.microsoft: those whose every float input may be of a half type (ONNX Runtime's CPU kernels take float32).
HALF = """GroupQueryAttention MultiHeadAttention MatMulNBits RotaryEmbedding SkipLayerNormalization
SkipSimplifiedLayerNormalization Gelu FastGelu BiasGelu QuickGelu FusedMatMul Inverse ConvTransposeWithDynamicPads""".split()
GENERATORS = {}


def generator(*names):
    def add(f):
        for name in names:
            GENERATORS[name] = f
        return f
    return add


def type_name(array):
    return "string" if array.dtype.kind in "OUS" else NAMES[array.dtype]


def elem(type):
    return helper.np_dtype_to_tensor_dtype(np.dtype(NUMPY[type])) if type != "string" else onnx.TensorProto.STRING


def types_of(text):
    """'tensor(float)' -> ['float32']; what is no tensor -> []."""
    m = re.fullmatch(r"tensor\((\w+)\)", text)
    name = {"float": "float32", "double": "float64"}.get(m[1], m[1]) if m else None
    return [name] if name else []


def full_name(domain, op):
    return f"{domain}.{op}" if domain else op


class Case:
    def __init__(self, domain, op, version, seed, schema):
        self.domain, self.op, self.version, self.seed, self.schema = domain, op, version, seed, schema
        self.r = random.Random(f"{op} {version} {seed}")
        self.rng = np.random.default_rng(self.r.getrandbits(63))
        self.opset = version if not domain else 22
        self.inputs = []      # (name, array, constant); array None: absent
        self.attrs = {}
        self.types = {}       # type parameter -> the type chosen
        self.nodes = None     # set by generators of more than one node
        self.maps = {}        # inputs that are maps: {name: (dict, type of keys, type of values)}
        self.outputs = 1
        self.opsets = {}      # other opset imports of the model
        self.dynamic = self.r.random() < 0.25
        self.constants = self.r.random() < 0.5
        # How close is close (compare.py): units in the last place of a result, and terms of a sum.
        self.ulps, self.terms, self.int_tolerance = None, 4, 0
        self.steps = 0        # roundings to a half type on the way
        self.floor = 0        # absolute error, in eps: of a difference of two numbers near 1
        self.widen = True     # half types: the peer computes in float32 (and float64, where it cannot else)
        self.float32 = schema.float32
        self.peer = None      # "ort", "ref" or "numpy" (definitions.py): only this one
        self.instead = None   # the same for a peer that lacks a form of it: a Case
        self.check = None     # of what has no peer: a function of the outputs, None where they are right
        self.repeats = False  # and the same bytes with every setting of main.py

    @property
    def name(self):
        return f"{full_name(self.domain, self.op)}-{self.version}-{self.seed}"

    # -- types and attributes --

    def allowed(self, param):
        return self.schema.types(param)

    def type(self, param="T", among=None):
        """The type of a parameter, the same at every call."""
        if param not in self.types:
            all = [t for t in self.allowed(param) if among is None or t in among]
            usual = [t for t in all if t in ("float32", "int64")]
            self.types[param] = self.r.choice(usual if usual and self.r.random() < 0.25 else all)
        return self.types[param]

    def has(self, attr):
        return attr in self.schema.attributes

    def attr(self, name, value, always=False):
        if always or self.has(name):
            self.attrs[name] = value

    def maybe(self, name, value, p=0.5):
        if self.r.random() < p:
            self.attr(name, value)

    # -- data --

    def shape(self, lo=1, hi=4, most=6, zero=0.03):
        return [0 if self.r.random() < zero else self.r.randint(1, most) for _ in range(self.r.randint(lo, hi))]

    def array(self, shape, type, lo=None, hi=None, special=False):
        n, shape = int(np.prod(shape)), tuple(int(d) for d in shape)
        if type == "string":
            words = ["", "a", "bc", "Zebra", "zebra", "été", "a b", "10", "word"]
            return np.array([self.r.choice(words) for _ in range(n)], dtype=object).reshape(shape)
        if type == "bool":
            return self.rng.integers(0, 2, shape).astype(bool)
        if type in BITS:
            return self.rng.integers(BITS[type][0], BITS[type][1] + 1, shape).astype(NUMPY[type])
        if type in INTS:
            info = np.iinfo(NUMPY[type])
            a = max(-20, info.min) if lo is None else max(lo, info.min)
            b = min(50, info.max) if hi is None else min(hi, info.max)
            return self.rng.integers(int(a), int(b), shape, endpoint=True, dtype=NUMPY[type])
        if type in COMPLEX:
            return (self.rng.normal(size=shape) + 1j * self.rng.normal(size=shape)).astype(NUMPY[type])
        if lo is None and hi is None:
            x = self.rng.normal(size=shape) * 2
        else:
            x = self.rng.uniform(-4 if lo is None else lo, 4 if hi is None else hi, shape)
        if type == "float8e8m0":
            x = np.exp2(np.round(x))
        x = np.asarray(x).astype(NUMPY[type])
        if special and n and type in FLOATS:
            flat = x.reshape(-1)
            for _ in range(self.r.randint(0, 4)):
                flat[self.r.randrange(n)] = self.r.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0])
        return x

    # -- inputs --

    def add(self, array, constant=None):
        """An input. constant: None leaves it to chance (never the first)."""
        if constant is None:
            constant = self.constants and len(self.inputs) > 0
        name = f"i{len(self.inputs)}"
        self.inputs.append((name, np.asarray(array), constant))
        return name

    def input(self, shape, type, lo=None, hi=None, special=False, constant=None):
        a = self.array(shape, type, lo, hi, special)
        self.add(a, constant)
        return a

    def ints(self, values, type="int64", constant=None):
        return self.add(np.array(values, NUMPY[type]), constant)

    def none(self):
        self.inputs.append(("", None, False))

    # -- the model --

    def node(self, inputs=None, outputs=None, **more):
        names = [n for n, _, _ in self.inputs] if inputs is None else inputs
        while names and not names[-1]:
            names = names[:-1]
        outs = outputs or [f"o{k}" for k in range(self.outputs)]
        return helper.make_node(self.op, names, outs, domain=self.domain, **self.attrs, **more)

    def float_types(self):
        return {type_name(a) for _, a, _ in self.inputs if a is not None} & set(FLOATS)

    def low(self):
        """The half types among the inputs."""
        return self.float_types() & {"float16", "bfloat16"}

    def at(self, opset):
        """The same node at an opset at which it means the same."""
        other = copy.copy(self)
        other.opset = opset
        return other

    def as_opset_8(self):
        """The same node in version 7 or 8, for a peer that has no kernel of the version before: those differ by attributes
        that say what is the only way since."""
        later = copy.copy(self)
        later.opset, later.attrs, later.inputs = 8, dict(self.attrs), list(self.inputs)
        axis = later.attrs.pop("axis", None) if self.has("broadcast") else None
        for gone in ("broadcast", "output_sequence", "is_test", "spatial"):
            later.attrs.pop(gone, None)
        if "height_scale" in later.attrs:
            later.attrs["scales"] = [1.0, 1.0, later.attrs.pop("height_scale"), later.attrs.pop("width_scale")]
        if axis is not None or self.op == "PRelu":
            name, b, constant = self.inputs[1]
            tail = self.inputs[0][1].ndim - (1 if axis is None else axis) - b.ndim
            later.inputs[1] = (name, b.reshape(b.shape + (1,) * tail) if b.size > 1 else b, constant)
        return later

    def model(self, as_float32=()):
        """ModelProto, feeds, names of the outputs. as_float32: types that become float32."""
        def cast(a):
            return a.astype(np.float32) if type_name(a) in as_float32 else a
        infos, feeds, weights = [], {}, []
        for name, a, constant in self.inputs:
            if a is None:
                continue
            a = cast(a)
            if constant:
                weights.append(numpy_helper.from_array(a, name))
                continue
            dims = [f"{name}_{k}" if self.dynamic else d for k, d in enumerate(a.shape)]
            infos.append(helper.make_tensor_value_info(name, elem(type_name(a)), dims))
            feeds[name] = a
        for name, (values, key, value) in self.maps.items():
            infos.append(helper.make_value_info(name, helper.make_map_type_proto(elem(key), helper.make_tensor_type_proto(elem(value), []))))
            feeds[name] = values
        nodes = self.nodes or [self.node()]
        outs = self.outputs if isinstance(self.outputs, list) else [f"o{k}" for k in range(self.outputs)]
        graph = helper.make_graph(nodes, "g", infos, [helper.make_empty_tensor_value_info(o) for o in outs if o], weights)
        opsets = {"": self.opset, **self.opsets}
        if self.domain and self.domain != "model":
            opsets[self.domain] = self.version if self.domain != "com.microsoft" else 1
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid(d, v) for d, v in opsets.items()])
        model.ir_version = 10 if self.opset < 25 else 13
        return model, feeds, [o for o in outs if o]


class Schema:
    """What generators ask a schema for, of onnx.defs and of ONNX Runtime alike."""

    def __init__(self, attributes, constraints, deprecated=False, float32=True):
        self.attributes, self.constraints, self.deprecated = attributes, constraints, deprecated
        self.last = None         # the opset before that at which it is deprecated
        self.float32 = float32  # it has attributes of type float, or is a function of float constants

    def types(self, param):
        return self.constraints[param]


def standard_schemas():
    """{(domain, op): {version: Schema}} of the versions in force from opset 6 on."""
    all = {}
    for s in onnx.defs.get_all_schemas_with_history():
        constraints = {t.type_param_str: sorted({x for a in t.allowed_type_strs for x in types_of(a)})
                       for t in s.type_constraints}
        all.setdefault((s.domain, s.name), {})[s.since_version] = Schema(
            set(s.attributes), constraints, s.deprecated,
            s.has_function or s.has_context_dependent_function or any(a.type == onnx.defs.OpSchema.AttrType.FLOAT for a in s.attributes.values()))
    for (domain, _), versions in all.items():
        for v in sorted(versions):
            newer = [w for w in versions if v < w <= 6]
            if not domain and newer:
                del versions[v]
        for v, s in versions.items():
            s.last = min((w for w in versions if w > v and versions[w].deprecated), default=NEWEST[""] + 1) - 1
    return {k: {v: s for v, s in vs.items() if not s.deprecated} for k, vs in all.items()}


def other_schemas():
    """com.microsoft and the experimental ones, as ONNX Runtime has them; ai.linnet; whole models."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state
    all = {}
    for s in state.get_all_operator_schema():
        if s.domain == "com.microsoft" or s.domain == "" and s.name in EXPERIMENTAL:
            constraints = {t.type_param_str: sorted({x for a in t.allowed_type_strs for x in types_of(a)}) for t in s.type_constraints}
            all[s.domain, s.name] = {1: Schema(set(s.attributes), constraints)}
    all["com.microsoft", "SimplifiedLayerNormalization"] = all["", "SimplifiedLayerNormalization"]  # models have it in either
    all.update({("model", name): {1: Schema(set(), {})} for name in MODELS})
    return {**all, **{("ai.linnet", name): {1: Schema(set(), {"T": types})} for name, types in LINNET.items()}}


def newest_opset(versions, version, r):
    """An opset at which this version is the one in force: mostly the first."""
    later = [v for v in versions if v > version]
    last = min(later) - 1 if later else versions[version].last
    if r.random() < 0.85:  # ONNX Runtime knows those alone
        last = min(last, ORT_NEWEST)
    return version if r.random() < 0.6 else r.randint(version, max(version, last))


def make_case(schemas, domain, op, version, seed):
    versions = schemas[domain, op]
    c = Case(domain, op, version, seed, versions[version])
    if not domain and op in EXPERIMENTAL:
        c.opset = c.r.randint(*EXPERIMENTAL[op])
    elif not domain:
        c.opset = max(newest_opset(versions, version, c.r), 6)
    GENERATORS[full_name(domain, op)](c)
    if domain == "com.microsoft" and op in HALF and c.widen and c.r.random() < 0.3:
        half = NUMPY[c.r.choice(["float16", "bfloat16"] if "bfloat16" in c.allowed("T1" if op == "MatMulNBits" else "T") else ["float16"])]
        for x in (c, c.instead) if c.instead else (c,):
            x.inputs = [(n, a.astype(half) if a is not None and type_name(a) == "float32" else a, k) for n, a, k in x.inputs]
            x.steps = max(x.steps, 8)
    return c
