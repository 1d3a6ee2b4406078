#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/OPERATORS.md: `linnet ops --markdown` with two more columns.

    tools/operators.py BUILD OBJECTS RESULTS >docs/OPERATORS.md          (make docs)

SIMD: the tiers of kernels/kernels.def for which a kernel that the operator's functions reach has a variant of its own. The
reach is that of the relocations between functions in OBJECTS, a build with -DLN_TIER=scalar, where a kernel is a symbol;
conversions of half types, which nearly every operator has, count for those alone that convert. Tests: those with
the operator in their models that passed, by RESULTS (`linnet conformance --json`).
"""
import glob
import json
import re
import subprocess
import sys

import onnx

BUILD, OBJECTS, RESULTS = sys.argv[1:4]
TIERS = ["scalar", "avx2", "avx512", "neon", "neondot", "rvv", "wasm"]
CONVERT = {"Cast", "CastLike", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}

HEAD = """# Operators

What Linnet runs: the versions of the specification at which an operator changed and that are handled (a model of any
opset from 6 to 28 falls under one of them), the element types of the first input (of the first output where there is
none), the instruction sets for which a kernel that it uses is written, and how many tests of the ONNX suite with the
operator in them pass. Made by `make docs`; types of further inputs are the specification's. Gradient
(ai.onnx.preview.training) is no row: it is expanded into others when a model is loaded.
"""


def kernels():
    """{kernel: (its tiers, whether it converts)}."""
    rows = {}
    with open("kernels/kernels.def") as f:
        for kind, args in re.findall(r"^([KD])\(([^)]*)\)", f.read(), re.M):
            signature, name, *cells = [a.strip() for a in args.split(",")]
            rows[name] = ([t for t, c in zip(TIERS, cells) if c != "scalar"], signature == "VCONVERT")
    return rows


def relocations():
    """{section or symbol: what it refers to}; a global symbol refers to the section that it is in."""
    graph = {}
    for path in glob.glob(OBJECTS + "/obj/ops/**/*.o", recursive=True) + glob.glob(OBJECTS + "/obj/engine/c*.o"):
        where = None
        for line in subprocess.run(["objdump", "-t", "-r", path], capture_output=True, text=True).stdout.splitlines():
            symbol = re.match(r"[0-9a-f]{16} (.{7}) (\.\S+)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$", line)
            section = re.match(r"RELOCATION RECORDS FOR \[(\S+)\]:", line)
            reloc = re.match(r"[0-9a-f]{16} R_\S+\s+([^\s+-]+)", line)
            if symbol and symbol[1][0] == "g":
                graph.setdefault(symbol[3], set()).add(path + symbol[2])
            elif section:
                where = path + section[1]
            elif reloc and where:
                target = reloc[1]
                graph.setdefault(where, set()).add(path + target if target.startswith(".") else target)
    return graph


def reach(graph, start):
    seen, todo = set(), [start]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += graph.get(at, ())
    return seen


def descriptors():
    """{(domain, type): descriptor's symbol}, as the sources have them."""
    found = {}
    for path in glob.glob("ops/*.c") + glob.glob("ops/host/*.c"):
        with open(path) as f:
            text = f.read()
        for name, rest in re.findall(r"^LN_OP\((\w+)\) = \{(.*?)\};", text, re.M | re.S):
            domain = re.search(r'\.domain = "([^"]*)"', rest)
            macro = re.search(r"\.domain = (\w+)", rest)
            if macro:
                domain = re.search(rf'#define {macro[1]} "([^"]*)"', text)
            type = re.search(r'\.type = "([^"]*)"', rest) or re.search(r'"([A-Z]\w*)"', rest)
            found[domain[1] if domain else "", type[1] if type else name] = f"ln_op_{name}"
    return found


def tests():
    """{operator: tests that passed}."""
    counts = {}
    with open(RESULTS) as f:
        results = json.load(f)["results"]
    for r in results:
        if r["result"] != "pass":
            continue
        try:
            graph = onnx.load(r["path"] + "/model.onnx", load_external_data=False).graph
        except OSError:  # a real network: its model lies elsewhere
            continue
        for op in {("" if n.domain == "ai.onnx" else n.domain, n.op_type) for n in graph.node}:
            counts[op] = counts.get(op, 0) + 1
    return counts


def main():
    rows = subprocess.check_output([BUILD + "/linnet", "ops", "--markdown"], text=True).splitlines()
    table, graph, symbols, passed = kernels(), relocations(), descriptors(), tests()
    print(HEAD)
    print(rows[0] + " SIMD | tests |")
    print(rows[1] + "---|---|")
    for row in rows[2:]:
        domain, op = [c.strip() for c in row.split("|")[1:3]]
        key = ("" if domain == "ai.onnx" else domain, op)
        if key not in symbols:
            sys.exit(f"no descriptor of {key} found in the sources")
        names = {re.sub(r"^ln_(.*)_scalar$", r"\1", s) for s in reach(graph, symbols[key])} & set(table)
        tiers = {t for n in names for t in table[n][0] if not table[n][1] or op in CONVERT}
        print(f"{row} {', '.join(t for t in TIERS if t in tiers)} | {passed.get(key, 0) or ''} |")


main()
