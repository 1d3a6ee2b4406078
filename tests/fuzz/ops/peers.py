# SPDX-License-Identifier: Apache-2.0
"""What others make of a case: ONNX Runtime where it has a kernel for it, the onnx package's reference evaluator else, and
numpy by the definition (definitions.py) where that has none. What draws random numbers is checked as what it is. A batch runs in a process of its own, since a peer may crash; the case at which it did counts as one without a peer.
"""
import multiprocessing
import os
import signal
import warnings

import numpy as np

import rules
from case import COMPLEX, INTS, ORT_NEWEST, full_name, type_name
from definitions import DEFINITIONS

NATIVE = {"float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
          "string"} | set(COMPLEX)


class TooLong(Exception):
    pass


def ort_run(model, feeds, outs):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(outs, feeds)


def ref_run(model, feeds, outs):
    from onnx.reference import ReferenceEvaluator
    return ReferenceEvaluator(model).run(outs, feeds)


RUN = {"ort": ort_run, "ref": ref_run}


def attempts(c):
    """(peer, case, types that it gets as float32) in the order of trust."""
    half = c.low() if c.widen else set()
    names = {type_name(a) for _, a, _ in c.inputs if a is not None} - half
    if names <= NATIVE:
        known = c.at(ORT_NEWEST) if not c.domain and c.opset > ORT_NEWEST >= c.version else c
        yield "ort", known, half
        if c.widen and "float64" in names:  # many of its kernels have no float64
            yield "ort", known, half | {"float64"}
        if c.domain == "ai.onnx.ml" and names & set(INTS):  # nor all integers
            yield "ort", c, names - {"string", "bool"}
        if c.instead:
            yield "ort", c.instead, half
        if not c.domain and c.version == 22 and not c.nodes:
            yield "ort", c.at(21), half  # version 22 added bfloat16 to types, and nothing else
        if not c.domain and c.opset < 7 and not c.nodes:
            yield "ort", c.as_opset_8(), half
            yield "ort", c.as_opset_8(), half | ({"float64"} if c.widen else set())
    yield "ref", c, half
    if full_name(c.domain, c.op) in DEFINITIONS:
        yield "numpy", c, set()


def ask(c):
    """(peer, types that it got as float32, outputs) of the first peer that answers; (None, None, why) where none does."""
    if c.check:
        return "itself", set(), []
    reasons = []
    for peer, node, as_float32 in attempts(c):
        if c.peer not in (None, peer):
            continue
        rule = rules.excludes(peer, c)
        if rule:
            reasons.append(f"{peer}: {rule}")
            continue
        try:
            if peer == "numpy":
                return peer, as_float32, DEFINITIONS[full_name(c.domain, c.op)](c)
            return peer, as_float32, RUN[peer](*node.model(as_float32))
        except TooLong:
            reasons.append(f"{peer}: takes too long")
        except Exception as e:  # a peer may fail in any way it likes
            reasons.append(f"{peer}: {str(e).strip()[:300]}")
    return None, None, "; ".join(reasons)


def work(cases, pipe):
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    warnings.filterwarnings("ignore")
    np.seterr(all="ignore")

    def late(*_):
        raise TooLong()
    signal.signal(signal.SIGALRM, late)
    for c in cases:
        signal.alarm(20)
        try:
            answer = ask(c)
        except TooLong:
            answer = None, None, "takes too long"
        signal.alarm(0)
        try:
            pipe.send(answer)
        except Exception as e:
            pipe.send((None, None, f"an answer that cannot be sent: {e}"))
    pipe.close()


def ask_all(cases):
    answers = []
    while len(answers) < len(cases):
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=work, args=(cases[len(answers):], there))
        process.start()
        there.close()
        try:
            while len(answers) < len(cases):
                answers.append(here.recv())
        except EOFError:
            answers.append((None, None, "the peer crashed"))
        process.join()
    return answers
