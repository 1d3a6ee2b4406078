#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions that networks and transforms execute on other machines, per target and tier, counted under emulation.

QEMU's emulator runs bench/count.c with a plugin (bench/count_plugin.c) that counts; a module of WebAssembly counts
itself (bench/count_wasm.py) and runs in node. A run is the difference between three runs and one. Tiers are chosen by
LINNET_CPU. The scalar tier is what the compiler makes of portable C, which on AArch64 it may vectorise, as NEON is part
of that architecture.

usage: bench/instructions.py [--assert] [--table] [WORD ...]    only rows in which each WORD occurs
--assert: fails where SIMD does not save the factor of 3 on a work of FLOATS, or a target's best tier takes as many for
          int8 as for float
--table: writes the table of docs/TARGETS.md; of all rows
"""
import os
import subprocess
import sys


def riscv(vlen):
    return ["qemu-riscv64", "-cpu", f"rv64,v=true,vlen={vlen},vext_spec=v1.0"]


ARM64 = ["qemu-aarch64", "-cpu", "max"]
NODE = ["node", "--no-warnings", "tests/wasi.mjs"]
# target, triple, then name, tier and emulator of its rows; the scalar one first
TARGETS = [
    ("aarch64", "aarch64-linux-gnu",
     [("scalar", "scalar", ARM64), ("neon", "neon", ARM64), ("neondot", "neondot", ARM64)]),
    ("riscv64", "riscv64-linux-gnu",
     [("scalar", "scalar", riscv(128))] + [(f"rvv, VLEN {v}", "rvv", riscv(v)) for v in (128, 256, 512, 1024)]),
    ("wasm32", "wasm32-wasi", [("scalar", "scalar", NODE), ("wasm", "wasm", NODE)]),
    ("armhf", "arm-linux-gnueabihf", [("scalar", "scalar", ["qemu-arm", "-cpu", "cortex-a7"])]),
]

MODELS = "../shared/models"
FLOAT, INT8, MNIST, RFFT = "MobileNetV1 0.25, float", "MobileNetV1 0.25, int8", "MNIST, float", "real FFT of 1024"
WORK = [
    (FLOAT, f"{MODELS}/mlperf-tiny/vww_96_float.tflite"),
    (INT8, f"{MODELS}/mlperf-tiny/vww_96_int8.tflite"),
    (MNIST, f"{MODELS}/mnist/model.onnx"),
    (RFFT, "rfft"),
]
FLOATS = [FLOAT, RFFT]
BEGIN, END = "<!-- from here: bench/instructions.py --table -->", "<!-- instructions end here -->"


def make(*goals):
    subprocess.run(["make", "--no-print-directory", "-s", f"-j{os.cpu_count()}", *goals], check=True)


def prepared(path):
    """A TensorFlow Lite model as ONNX, converted on this machine."""
    if not path.endswith(".tflite"):
        return path
    make("build/linnet")
    onnx = "build/count/" + os.path.basename(path).replace(".tflite", ".onnx")
    subprocess.run(["build/linnet", "convert", path, "-o", onnx], check=True, stdout=subprocess.DEVNULL)
    return onnx


def prepared_program(triple):
    program = f"build/{triple}/count"
    make(f"TARGET={triple}", program)
    if not triple.startswith("wasm"):
        return program
    subprocess.run(["bench/count_wasm.py", program, "build/count/count.wasm"], check=True)
    return "build/count/count.wasm"


def count(emulator, tier, program, work, runs):
    out = "build/count/instructions.txt"
    plugin = [] if emulator[0] == "node" else ["-plugin", f"build/count/plugin.so,out={out}"]
    command = [*emulator, *plugin, program, work, str(runs)]
    subprocess.run(command, check=True, env={**os.environ, "LINNET_CPU": tier, "INSTRUCTIONS": out})
    with open(out, encoding="utf-8") as f:
        return int(f.read())


def wrong_of(target, counts):
    """What one target's counts, by tier and work, do not hold."""
    scalar = counts.get("scalar", {})
    for row, seen in counts.items():
        for name in FLOATS:
            if row != "scalar" and name in seen and scalar[name] < 3 * seen[name]:
                yield f"{target} {row}: {name} saves a factor of {scalar[name] / seen[name]:.2f} only"
        only = row == "scalar" and len(counts) == 1
        if (row != "scalar" or only) and INT8 in seen and FLOAT in seen and seen[INT8] >= seen[FLOAT]:
            yield f"{target} {row}: int8 takes as many as float or more"


def short(n):
    return f"{n / 1e6:.{2 if n < 1e7 else 1}f} M" if n >= 1e5 else f"{n / 1e3:.1f} k"


def write_table(results):
    lines = ["", "| target | tier | " + " | ".join(name for name, _ in WORK) + " |", "|---|---|" + "---|" * len(WORK)]
    for target, counts in results.items():
        for row, seen in counts.items():
            cells = [short(n) + (f" ({counts['scalar'][name] / n:.1f} x fewer)" if row != "scalar" else "")
                     for name, n in seen.items()]
            lines.append(f"| {target} | {row} | " + " | ".join(cells) + " |")
    with open("docs/TARGETS.md", encoding="utf-8") as f:
        text = f.read()
    before, after = text[:text.index(BEGIN) + len(BEGIN)], text[text.index(END):]
    with open("docs/TARGETS.md", "w", encoding="utf-8") as f:
        f.write(before + "\n" + "\n".join(lines) + "\n\n" + after)


def main():
    words = [w for w in sys.argv[1:] if not w.startswith("--")]
    results, wrong = {}, []
    os.makedirs("build/count", exist_ok=True)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "bench/count_plugin.c", "-o", "build/count/plugin.so"], check=True)
    print(f"{'target':10}{'tier':16}{'work':26}{'instructions':>15}{'scalar / it':>13}")
    for target, triple, rows in TARGETS:
        counts, program = results.setdefault(target, {}), None
        for name, path in WORK:
            if not all(w in f"{target} {name}" for w in words):
                continue
            program = program or prepared_program(triple)
            work = prepared(path)
            for row, tier, emulator in rows:
                seen = counts.setdefault(row, {})
                seen[name] = (count(emulator, tier, program, work, 3) - count(emulator, tier, program, work, 1)) // 2
                ratio = counts["scalar"][name] / seen[name]
                print(f"{target:10}{row:16}{name:26}{seen[name]:15,}{ratio:13.2f}", flush=True)
        wrong += wrong_of(target, counts)
    if "--table" in sys.argv and not words:
        write_table(results)
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong and "--assert" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
