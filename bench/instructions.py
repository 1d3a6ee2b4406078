#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions that networks and transforms execute on other machines, per target and tier, counted under emulation.

QEMU's emulator runs bench/count.c with a plugin (bench/count_plugin.c) that counts; a module of WebAssembly counts
itself (bench/count_wasm.py) and runs in node. A run is the difference between three runs and one. Tiers are chosen by
LINNET_CPU. The scalar tier is what the compiler makes of portable C, which on AArch64 it may vectorise, as NEON is part
of that architecture.

usage: bench/instructions.py [--assert] [WORD ...]    only rows in which each WORD occurs
--assert: fails where SIMD does not save the factor of 3 on floats, or int8 with SIMD takes more than float
"""
import os
import subprocess
import sys

def riscv(vlen):
    return ["qemu-riscv64", "-cpu", f"rv64,v=true,vlen={vlen},vext_spec=v1.0"]


# name, triple, emulator, tiers: the best last
ROWS = [
    ("aarch64", "aarch64-linux-gnu", ["qemu-aarch64", "-cpu", "max"], ["scalar", "neon", "neondot"]),
    ("riscv64, VLEN 128", "riscv64-linux-gnu", riscv(128), ["scalar", "rvv"]),
    ("riscv64, VLEN 256", "riscv64-linux-gnu", riscv(256), ["scalar", "rvv"]),
    ("riscv64, VLEN 512", "riscv64-linux-gnu", riscv(512), ["scalar", "rvv"]),
    ("wasm32", "wasm32-wasi", ["node", "--no-warnings", "tests/wasi.mjs"], ["scalar", "wasm"]),
]

MODELS = "../shared/models"
# name, file, kind; int8 follows the float network that it is compared with
WORK = [
    ("MobileNetV1 0.25 float", f"{MODELS}/mlperf-tiny/vww_96_float.tflite", "float"),
    ("MobileNetV1 0.25 int8", f"{MODELS}/mlperf-tiny/vww_96_int8.tflite", "int8"),
    ("MNIST float", f"{MODELS}/mnist/model.onnx", "float"),
    ("rfft 1024", "rfft", "float"),
]


def make(*goals):
    subprocess.run(["make", "--no-print-directory", "-s", *goals], check=True)


def prepared(path):
    """A TensorFlow Lite model as ONNX, converted on this machine."""
    if not path.endswith(".tflite"):
        return path
    make("build/linnet")
    onnx = "build/count/" + os.path.basename(path).replace(".tflite", ".onnx")
    subprocess.run(["build/linnet", "convert", path, "-o", onnx], check=True, stdout=subprocess.DEVNULL)
    return onnx


def prepared_program(triple, emulator):
    program = f"build/{triple}/count"
    make(f"TARGET={triple}", program)
    if emulator[0] != "node":
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


def main():
    words = [w for w in sys.argv[1:] if w != "--assert"]
    wrong = []
    os.makedirs("build/count", exist_ok=True)
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "bench/count_plugin.c", "-o", "build/count/plugin.so"], check=True)
    print(f"{'target':20}{'work':26}{'tier':9}{'instructions':>15}{'scalar / it':>13}")
    for target, triple, emulator, tiers in ROWS:
        floats, program = {}, None
        for name, path, kind in WORK:
            if not all(w in f"{target} {name}" for w in words):
                continue
            program = program or prepared_program(triple, emulator)
            work = prepared(path)
            for tier in tiers:
                n = (count(emulator, tier, program, work, 3) - count(emulator, tier, program, work, 1)) // 2
                if tier == "scalar":
                    scalar = n
                print(f"{target:20}{name:26}{tier:9}{n:15,}{scalar / n:13.2f}", flush=True)
                if kind == "float":
                    floats[tier] = n
                elif n > floats.get(tier, n) and tier != "scalar":
                    wrong.append(f"{target}: {name} takes more than float on {tier}")
            if kind == "float" and scalar < 3 * n:
                wrong.append(f"{target}: {name} saves a factor of {scalar / n:.2f}")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong and "--assert" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
