#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzes operators by the specification: random valid nodes of every operator and version, and small random networks, on
Linnet and on a peer.

    tests/fuzz/ops.sh BUILD [--time SECONDS | --count CASES] [--seed N] [--only GLOB]... [--case NAME]...

Linnet runs a batch as a folder of backend tests (`linnet conformance --save`), on a tier, a number of threads and with
passes on or off as the batch's turn is. What differs is reported with the case's name, from which --case makes it
again, and kept in BUILD/fuzz/ops/found. The last line is "N passed, N failed, N skipped"; skipped are cases for which no
peer has an answer (--verbose lists them).
"""
import argparse
import fnmatch
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import time
import traceback

import numpy as np
import onnx
from onnx import numpy_helper

import compare
import peers
import rules
from case import GENERATORS, MODELS, NUMPY, elem, full_name, make_case, other_schemas, standard_schemas

for module in glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gen_*.py")):
    __import__(os.path.basename(module)[:-3])

BATCH = 120
SETTINGS = [("avx512", 1, None), ("avx2", 2, None), ("scalar", 1, None), ("avx512", 3, "all")]


def map_proto(values, key, value):
    """numpy_helper.from_dict has no strings."""
    proto = onnx.MapProto(key_type=elem(key))
    if key == "string":
        proto.string_keys.extend(k.encode() for k in values)
    else:
        proto.keys.extend(values)
    proto.values.elem_type = onnx.SequenceProto.TENSOR
    proto.values.tensor_values.extend(numpy_helper.from_array(np.array(v, NUMPY[value])) for v in values.values())
    return proto


def save(c, folder, want=None):
    os.makedirs(folder + "/test_data_set_0")
    model, feeds, outs = c.model()
    onnx.save(model, folder + "/model.onnx")
    for k, (name, a) in enumerate(feeds.items()):
        with open(f"{folder}/test_data_set_0/input_{k}.pb", "wb") as f:
            proto = map_proto(a, *c.maps[name][1:]) if name in c.maps else numpy_helper.from_array(a, name)
            f.write(proto.SerializeToString())
    for k, a in enumerate(want or []):
        if isinstance(a, (np.ndarray, np.generic)) and np.asarray(a).dtype.kind not in "OU":
            with open(f"{folder}/test_data_set_0/output_{k}.pb", "wb") as f:
                f.write(numpy_helper.from_array(np.asarray(a), outs[k]).SerializeToString())


def run_linnet(build, folder, cases, setting):
    """{case's name: (verdict, reason)}."""
    tier, threads, passes = setting
    command = [build + "/linnet", "conformance", folder, "--save", "--quiet", "--threads", str(threads), "--json",
               folder + "/report.json", "--jobs", "2"]
    if passes:
        command += ["--disable-passes", passes]
    subprocess.run(command, env=dict(os.environ, LINNET_CPU=tier), capture_output=True)
    with open(folder + "/report.json") as f:
        results = json.load(f)["results"]
    return {t["name"]: (t["result"], t["reason"]) for t in results}


def same_bytes(a, b):
    try:
        with open(a, "rb") as f, open(b, "rb") as g:
            return f.read() == g.read()
    except OSError:
        return False


def declared_types(model):
    """{output: type by the specification's inference}; a peer's answer of another type is converted."""
    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # it does not know the domain
        return {}
    return {o.name: onnx.helper.tensor_dtype_to_np_dtype(o.type.tensor_type.elem_type) for o in graph.output
            if o.type.tensor_type.elem_type not in (0, onnx.TensorProto.STRING)}


def judge(c, folder, verdict, answer):
    """None: the same; else what differs."""
    _, as_float32, want = answer
    if verdict[0] not in ("pass", "skip"):
        return f"{verdict[0]}: {verdict[1]}"
    model, _, outs = c.model()
    if c.check:
        return c.check([compare.read(f"{folder}/test_data_set_0/result_{k}.pb", None) for k in range(len(outs))])
    declared = declared_types(model) if c.op != "RMSNormalization" else {}  # its inference forgets the scale's type
    for k, (name, expected) in enumerate(zip(outs, want)):
        if expected is None:
            continue
        try:
            got = compare.read(f"{folder}/test_data_set_0/result_{k}.pb", expected)
        except Exception as e:
            return f"output {name} cannot be read: {e}"
        wrong = compare.difference(c, got, expected, as_float32, declared.get(name))
        if wrong:
            return f"output {name}: {wrong}"
    return None


class Fuzzer:
    def __init__(self, options):
        self.options = options
        self.schemas = {**standard_schemas(), **other_schemas()}
        listed = json.loads(subprocess.check_output([options.build + "/linnet", "ops", "--json"]))
        listed = sorted((o["domain"], o["operator"]) for o in listed)
        self.targets = [t for t in listed + [("model", name) for name in MODELS] if t in self.schemas and full_name(*t) in GENERATORS]
        self.without = [full_name(*t) for t in listed if t not in self.targets]
        if options.only:
            self.targets = [t for t in self.targets if any(fnmatch.fnmatch(full_name(*t), g) for g in options.only)]
        self.work = options.build + "/fuzz/ops"
        self.passed = self.failed = self.skipped = self.broken = 0
        self.seen, self.lonely, self.by_peer = set(), {}, {"ort": 0, "ref": 0, "numpy": 0, "itself": 0}
        shutil.rmtree(self.work + "/found", ignore_errors=True)

    def pick(self, seed):
        r = random.Random(seed)
        domain, op = r.choice(self.targets)
        return domain, op, r.choice(sorted(self.schemas[domain, op])), seed

    def named(self, name):
        full, version, seed = name.rsplit("-", 2)
        domain, _, op = full.rpartition(".")
        return domain, op, int(version), int(seed)

    def make(self, what):
        try:
            c = make_case(self.schemas, *what)
            c.model()
            return c
        except Exception:
            self.broken += 1
            print(f"the generator of {what} failed:\n{traceback.format_exc()}", flush=True)
            return None

    def batch(self, whats, setting):
        cases = [c for c in map(self.make, whats) if c]
        folder = f"{self.work}/batch-{os.getpid()}"
        shutil.rmtree(folder, ignore_errors=True)
        for c in cases:
            try:
                save(c, f"{folder}/{c.name}")
            except Exception as e:
                print("cannot save", c.name, e)
        verdicts = run_linnet(self.options.build, folder, cases, setting)
        self.repeat(folder, [c for c in cases if c.repeats], setting)
        for c, answer in zip(cases, peers.ask_all(cases)):
            self.count(c, folder, verdicts.get(c.name, ("fail", "not run")), answer, setting)

    def repeat(self, folder, cases, first):
        """Runs them with the other settings: what differs from the first in a byte is in self.unsteady."""
        self.unsteady = {}
        again = f"{self.work}/repeat-{os.getpid()}"
        for setting in [s for s in SETTINGS if s != first] if cases else []:
            shutil.rmtree(again, ignore_errors=True)
            for c in cases:
                save(c, f"{again}/{c.name}")
            run_linnet(self.options.build, again, cases, setting)
            for c in cases:
                if not same_bytes(*(f"{at}/{c.name}/test_data_set_0/result_0.pb" for at in (folder, again))):
                    self.unsteady[c.name] = f"other numbers with {setting}"
        shutil.rmtree(again, ignore_errors=True)

    def count(self, c, folder, verdict, answer, setting):
        name = full_name(c.domain, c.op)
        if answer[0] is None and not (verdict[0] == "fail" and "crashed" in verdict[1]):
            self.skipped += 1
            self.lonely[name] = self.lonely.get(name, 0) + 1
            if self.options.verbose:
                print(f"skip {c.name}: {verdict[0]} {verdict[1]} | {answer[2]}", flush=True)
            return
        self.seen.add(name)
        wrong = judge(c, f"{folder}/{c.name}", verdict, answer) or self.unsteady.get(c.name)
        if not wrong:
            self.passed += 1
            self.by_peer[answer[0]] += 1
            return
        self.failed += 1
        found = f"{self.work}/found/{c.name}"
        save(c, found, answer[2] if answer[0] and answer[2] and not answer[1] else None)
        types = ",".join(f"{k}={v}" for k, v in c.types.items())
        attrs = {k: v for k, v in c.attrs.items() if isinstance(v, (int, float, str, list))}
        shapes = [None if a is None else list(a.shape) for _, a, _ in c.inputs] + list(c.maps.values())
        print(f"differs {c.name} opset {c.opset} [{types}] {shapes} {attrs} ({setting[0]}, {setting[1]} threads"
              f"{', passes off' if setting[2] else ''}) from {answer[0]}: {wrong}", flush=True)

    def run(self):
        o, begin, n = self.options, time.time(), 0
        if o.case:
            self.batch([self.named(x) for x in o.case], SETTINGS[0])
        while not o.case and (time.time() - begin < o.time if o.time else n < o.count):
            size = BATCH if o.time else min(BATCH, o.count - n)
            first = o.seed * 10_000_000 + n
            self.batch([self.pick(first + k) for k in range(size)], SETTINGS[n // BATCH % len(SETTINGS)])
            n += size
        print(f"{self.passed + self.failed + self.skipped} cases of {len(self.seen)} operators in {time.time() - begin:.0f} s; "
              f"the same as ONNX Runtime {self.by_peer['ort']}, as the reference evaluator {self.by_peer['ref']}, "
              f"as numpy by the definition {self.by_peer['numpy']}; random and plausible {self.by_peer['itself']}")
        shutil.rmtree(f"{self.work}/batch-{os.getpid()}", ignore_errors=True)
        if self.without:
            print("operators without a generator:", " ".join(self.without))
        never = sorted(full_name(*t) for t in self.targets if full_name(*t) in self.lonely and full_name(*t) not in self.seen)
        if never:
            print("operators without any peer:", " ".join(never))
        print(f"{self.passed} passed, {self.failed + self.broken} failed, {self.skipped} skipped")
        return 1 if self.failed or self.broken else 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("--time", type=float)
    p.add_argument("--count", type=int, default=1000)
    p.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    p.add_argument("--only", action="append")
    p.add_argument("--case", action="append")
    p.add_argument("--verbose", action="store_true")
    options = p.parse_args()
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../docs/DIFFERENCES.md")) as f:
        missing = rules.missing(f.read())
    if missing:
        print("docs/DIFFERENCES.md has no line for:", "; ".join(missing))
        return 1
    print(f"seed {options.seed}", flush=True)
    return Fuzzer(options).run()


if __name__ == "__main__":
    sys.exit(main())
