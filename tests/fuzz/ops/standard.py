#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Linnet has of the standard, by the schemas of the onnx package, and what the standard says of itself.

    tests/fuzz/ops.sh --standard BUILD

  operators  every operator of ai.onnx, ai.onnx.ml and ai.onnx.preview*, every version from opset 6 on, every type of the
             first input is in `linnet ops`
  types      a node with every type of every type parameter of every version runs
  containers what a map or a sequence holds is checked as it comes in
  bodies     an operator that the standard defines as a function gives by its kernel what its body gives
  random     what draws numbers gives the same for the same seed, whatever the tier and the number of threads, and other
             numbers for another seed
  convert    every code of every type of at most 16 bits, converted to every type (convert.py)
"""
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import onnx
import onnx.defs
import onnx.inliner
from onnx import TensorProto, helper, numpy_helper

import compare
import convert
import main
from case import GENERATORS, NAMES, Case, elem, full_name, make_case, newest_opset, standard_schemas, types_of

BUILD = sys.argv[1]
WORK = BUILD + "/fuzz/ops/standard"
passed = failed = 0


def check(fine, text):
    global passed, failed
    passed, failed = passed + bool(fine), failed + (not fine)
    if not fine:
        print("fail", text, flush=True)


def fresh(name):
    shutil.rmtree(f"{WORK}/{name}", ignore_errors=True)
    os.makedirs(f"{WORK}/{name}")
    return f"{WORK}/{name}"


# -- operators --

# Not in the table: engine/gradient.c expands it.
EXPANDED = {("ai.onnx.preview.training", "Gradient")}
# Strings have no sum.
WITHOUT = {("", "Col2Im"): {"string"}}


def operators():
    listed = {(o["domain"], o["operator"]): o for o in json.loads(subprocess.check_output([BUILD + "/linnet", "ops", "--json"]))}
    inputs = {(s.domain, s.name, s.since_version): s for s in onnx.defs.get_all_schemas_with_history()}
    for key, versions in standard_schemas().items():
        if key in EXPANDED or not versions:
            continue
        check(key in listed, f"{full_name(*key)} is missing")
        if key not in listed:
            continue
        mine = listed[key]
        for version in versions:
            check(version in mine["versions"], f"{full_name(*key)}: version {version} is missing")
            s = inputs[(*key, version)]
            first = (list(s.inputs) or list(s.outputs))[0].type_str
            constraint = {t.type_param_str: t.allowed_type_strs for t in s.type_constraints}.get(first, [first])
            types = {t for text in constraint for t in types_of(text)} - WITHOUT.get(key, set())
            lacking = types - set(mine["types"]) if mine["types"] else set()  # without a list: any
            check(not lacking or key == ("", "Loop"), f"{full_name(*key)}-{version}: no {', '.join(sorted(lacking))}")


# -- types --

def typed(schemas, key, version, parameter, type):
    """A case of the version with that type for the parameter; None: its generator made none."""
    for seed in range(40):
        c = Case(*key, version, seed, schemas[key][version])
        c.opset = c.opset if key[0] else max(newest_opset(schemas[key], version, c.r), 6)
        c.types[parameter] = type
        try:
            GENERATORS[full_name(*key)](c)
            c.model()
        except (IndexError, KeyError, TypeError, ValueError):  # no choice that goes with this type
            continue
        if c.types.get(parameter) == type:
            return c
    return None


def types():
    """A node of every operator, version and type parameter with every type of it runs."""
    schemas, folder, names = standard_schemas(), fresh("types"), []
    for key, versions in schemas.items():
        for version, schema in versions.items() if full_name(*key) in GENERATORS and key != ("", "ImageDecoder") else ():
            for parameter, all in schema.constraints.items():
                for type in set(all) - WITHOUT.get(key, set()):
                    c = typed(schemas, key, version, parameter, type)
                    names.append(f"{full_name(*key)}-{version}-{parameter}-{type}")
                    check(c, f"{names[-1]}: no case")
                    if not c:
                        names.pop()
                    else:
                        main.save(c, f"{folder}/{names[-1]}")
    verdicts = main.run_linnet(BUILD, folder, [], ("avx512", 1, None))
    for name in names:
        verdict = verdicts.get(name, ("fail", "not run"))
        check(verdict[0] in ("pass", "skip"), f"{name}: {verdict}")
    print(f"{len(names)} operators, versions, parameters and types")


# -- bodies --

def body(schema, c, node):
    """The function of a node, at the node's opset."""
    fit = [v for v in schema.function_opset_versions if v <= c.opset]
    if fit:
        return onnx.FunctionProto.FromString(schema.get_function_with_opset_version(max(fit)))
    fit = [v for v in schema.context_dependent_function_opset_versions if v <= c.opset]
    if not fit:
        return None
    types = [onnx.TypeProto() if a is None else helper.make_tensor_type_proto(elem(NAMES.get(a.dtype, "string")), a.shape)
             for _, a, _ in c.inputs]
    made = schema.get_context_dependent_function_with_opset_version(max(fit), node.SerializeToString(),
                                                                    [t.SerializeToString() for t in types])
    return onnx.FunctionProto.FromString(made) if made else None


def by_body(model, function, schema):
    """The model with its node replaced by a call of the function."""
    node = model.graph.node[0]
    have = {a.name for a in node.attribute}
    for name, a in schema.attributes.items():  # a call gives the attributes of a function no defaults
        if name not in have and a.default_value.name and name in function.attribute:
            node.attribute.append(a.default_value)
    function.domain, function.name, node.domain = "body", node.op_type, "body"
    imports = {o.domain for o in function.opset_import}
    function.opset_import.extend([o for o in model.opset_import if o.domain not in imports])
    model.functions.append(function)
    known = {o.domain for o in model.opset_import}
    model.opset_import.extend([helper.make_opsetid("body", 1)])
    model.opset_import.extend([o for o in function.opset_import if o.domain not in known])
    for o in model.opset_import:
        for f in function.opset_import:
            if o.domain == f.domain:
                f.version = o.version
    return model


def well_typed(model):
    """Some bodies are written for float32 alone (a constant of it beside the input) and say nothing of other types."""
    try:
        onnx.shape_inference.infer_shapes(onnx.inliner.inline_local_functions(model), check_type=True, strict_mode=True)
        return True
    except Exception:
        return False


def functions():
    """Cases of every operator with a body; both ways are tests of one folder."""
    schemas, folder, cases = standard_schemas(), fresh("bodies"), {}
    for s in onnx.defs.get_all_schemas_with_history():
        key = (s.domain, s.name)
        if s.name == "Bernoulli":  # its body is 1 with probability 1 - p: docs/DIFFERENCES.md
            continue
        if not (s.has_function or s.has_context_dependent_function) or full_name(*key) not in GENERATORS or \
                s.since_version not in schemas.get(key, {}):
            continue
        for seed in range(8):
            c = make_case(schemas, *key, s.since_version, seed)
            model, feeds, _ = c.model()
            function = body(s, c, model.graph.node[0]) if c.nodes is None else None
            if function is None or any(f"{n.domain}.{n.op_type}" == f"{s.domain}.{s.name}" for n in function.node):
                continue
            called = by_body(model, function, s)
            if not well_typed(called):
                continue
            main.save(c, f"{folder}/{c.name}-kernel")
            main.save(c, f"{folder}/{c.name}-body")
            onnx.save(called, f"{folder}/{c.name}-body/model.onnx")
            cases[c.name] = c
    verdicts = main.run_linnet(BUILD, folder, [], ("avx512", 1, "all"))
    seen = set()
    for name, c in cases.items():
        both = [verdicts[f"{name}-{way}"] for way in ("kernel", "body")]
        if any(v[0] != "pass" for v in both):
            check(False, f"{name}: by kernel {both[0]}, by body {both[1]}")
            continue
        seen.add(c.op)
        for k in range(c.outputs):
            got, want = (compare.read(f"{folder}/{name}-{way}/test_data_set_0/result_{k}.pb", np.zeros(1)) for way in ("kernel", "body"))
            c.steps = max(c.steps, 8)  # a body rounds to the half type after every node
            wrong = compare.difference(c, got, want)
            check(not wrong, f"{name}: output {k} by kernel and by body: {wrong}")
    check(len(seen) > 30, f"only {len(seen)} operators have been compared with their bodies")
    print(f"bodies of {len(seen)} operators: {' '.join(sorted(seen))}")


# -- random --

def drawing(op, seed):
    like, attrs = op in ("RandomUniformLike", "RandomNormalLike", "Bernoulli", "Multinomial", "Dropout"), {"seed": seed}
    x = np.full((40, 50), 0.5, np.float32)
    if op in ("RandomUniform", "RandomNormal"):
        attrs["shape"] = [40, 50]
    if op == "Multinomial":
        attrs["sample_size"] = 60
    if op == "Dropout":
        attrs["seed"] = int(seed)
    nodes, names = [], ["x"] if like else []
    if op == "Dropout":
        nodes = [helper.make_node("Constant", [], ["r"], value_float=0.5),
                 helper.make_node("Constant", [], ["t"], value=numpy_helper.from_array(np.array(True), "t"))]
        names += ["r", "t"]
    nodes.append(helper.make_node(op, names, ["y"], **attrs))
    if not like:  # conformance wants an input
        nodes.append(helper.make_node("Identity", ["x"], ["z"]))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_empty_tensor_value_info("y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), x


def random():
    ops = "RandomUniform RandomNormal RandomUniformLike RandomNormalLike Bernoulli Multinomial Dropout".split()
    folder, results = fresh("random"), {}
    for op in ops:
        for seed in (1.0, 2.0):
            at = f"{folder}/{op}-{int(seed)}"
            os.makedirs(at + "/test_data_set_0")
            model, x = drawing(op, seed)
            onnx.save(model, at + "/model.onnx")
            with open(at + "/test_data_set_0/input_0.pb", "wb") as f:
                f.write(numpy_helper.from_array(x, "x").SerializeToString())
    for setting in (("avx512", 1, None), ("avx512", 1, None), ("avx512", 2, None), ("avx512", 7, "all"), ("avx2", 1, None), ("scalar", 3, None)):
        main.run_linnet(BUILD, folder, [], setting)
        for op in ops:
            for seed in (1, 2):
                try:
                    with open(f"{folder}/{op}-{seed}/test_data_set_0/result_0.pb", "rb") as f:
                        results.setdefault((op, seed), set()).add(f.read())
                except OSError:
                    check(False, f"{op}: no result with {setting}")
    for op in ops:
        check(len(results.get((op, 1), ())) == 1, f"{op}: {len(results.get((op, 1), ()))} results of one seed")
        check(results.get((op, 1)) != results.get((op, 2)), f"{op}: two seeds, one result")


# -- containers --

def containers():
    """A map and a sequence that hold what the model does not declare are refused."""
    folder = fresh("containers")
    of = lambda t: helper.make_tensor_type_proto(elem(t), [])
    word = dict(string_vocabulary=["a", "b"])
    for name, op, domain, attrs, type, data, reason in (
            ("values", "DictVectorizer", "ai.onnx.ml", word, helper.make_map_type_proto(TensorProto.STRING, of("float32")),
             main.map_proto({"a": 1.5}, "string", "float64"), "float64"),
            ("keys", "DictVectorizer", "ai.onnx.ml", word, helper.make_map_type_proto(TensorProto.STRING, of("float32")),
             main.map_proto({1: 1.5}, "int64", "float32"), "int64"),
            ("items", "SequenceLength", "", {}, helper.make_sequence_type_proto(of("float32")),
             numpy_helper.from_list([np.zeros(2, np.float32), np.zeros(2, np.int64)]), "int64")):
        graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], domain=domain, **attrs)], "g",
                                  [helper.make_value_info("x", type)], [helper.make_empty_tensor_value_info("y")])
        os.makedirs(f"{folder}/{name}/test_data_set_0")
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=9),
                  f"{folder}/{name}/model.onnx")
        with open(f"{folder}/{name}/test_data_set_0/input_0.pb", "wb") as f:
            f.write(data.SerializeToString())
        verdict = main.run_linnet(BUILD, folder, [], ("avx512", 1, None))[name]
        check(verdict[0] == "fail" and f"holds {reason}, the model wants" in verdict[1], f"another type of {name}: {verdict}")


operators()
types()
containers()
functions()
random()
convert.run(BUILD, fresh("convert"), check)
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed > 0)
