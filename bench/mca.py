#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cycles that the inner loops of the kernels take on cores that are not at hand, by llvm-mca.

A kernel is compiled to assembly with the build's own flags, and its hottest loop is found there: of the innermost
loops (from a label to a branch back to it) of the named functions, the one with the most multiply-adds. llvm-mca runs
it on its model of a core. Beside the cycles of an iteration stand the bounds that the multiply-adds alone, the loads
alone and all instructions together (ports and dispatch) set; `share` is the multiply-adds' bound in percent of the
cycles, and `bound by` says what the loop waits for: the largest bound, or latency where that is not near.

usage: bench/mca.py [WORD ...]    only rows in which each WORD occurs
"""
import re
import subprocess
import sys

MCA = "llvm-mca-19"
ITERATIONS = 200

# Per target: the mnemonics of loads, how a branch names its label, what begins a comment, options of llvm-mca.
TARGETS = {
    "aarch64-linux-gnu": {
        "loads": r"ld[rpnu1-4]\w*",
        "branch": r"(?:b\.?\w+|cbn?z|tbn?z)\s.*?(\.L\w+)$",
        "comment": r"//|\t#",
        "options": ["-mtriple=aarch64-linux-gnu", "-mattr=+dotprod,+fullfp16"],
    },
    "riscv64-linux-gnu": {
        "loads": r"f?l[bhwd]u?|vl[\w.]+",
        "branch": r"(?:b\w+|j)\s.*?(\.L\w+)$",
        "comment": r"#",
        "options": ["-mtriple=riscv64-linux-gnu", "-mattr=+v"],
    },
}

OLD = ["cortex-a53", "cortex-a72", "cortex-a76", "neoverse-n1"]
NEW = ["cortex-a76", "neoverse-n1"]  # those that have dot products
RVV = ["sifive-x280", "sifive-p670"]  # spacemit-x60 has no model in LLVM 19

# target, kernel, its file without .c, functions, mnemonics of multiply-adds, cores
ROWS = [
    ("aarch64-linux-gnu", "gemm f32", "gemm_f32_neon", r"rows_8", r"fmla", OLD),
    ("aarch64-linux-gnu", "gemm int8", "qgemm_neon", r"rows_2", r"smull2?|smlsl2?|sadalp", OLD),
    ("aarch64-linux-gnu", "gemm int8 sdot (s8 x s8)", "qgemm_neondot", r"s_whole_8", r"sdot", NEW),
    ("aarch64-linux-gnu", "gemm int8 sdot (u8 x s8)", "qgemm_neondot", r"u_whole_8", r"sdot", NEW),
    ("aarch64-linux-gnu", "depthwise f32 3x3", "dwconv_neon", r"row_3_1", r"fmla", OLD),
    ("aarch64-linux-gnu", "depthwise int8", "qgemm_neon", r"ln_qdepthwise_neon", r"smull2?|smlsl2?|saddw2?", OLD),
    ("aarch64-linux-gnu", "depthwise int8 sdot", "qgemm_neondot", r"depthwise16|ln_qdepthwise_neondot", r"sdot", NEW),
    ("aarch64-linux-gnu", "fft radix 4, f32", "fft_f32_neon", r"stage4", r"fmul|fadd|fsub", OLD),
    ("aarch64-linux-gnu", "exp f32", "vunary_neon", r"ln_exp_f32_neon", r"fml[as]|fmul|fadd|fsub", OLD),
    ("riscv64-linux-gnu", "gemm f32", "gemm_f32_rvv", r"ln_gemm_f32_tile_rvv256", r"vfm(?:acc|add)\.vf", RVV),
    ("riscv64-linux-gnu", "gemm int8, to 2 registers", "qgemm_rvv", r"twelve\w*", r"vwmacc\.vx", RVV),
    ("riscv64-linux-gnu", "gemm int8, to 4 registers", "qgemm_rvv", r"narrow\w*", r"vwmacc\.vx", RVV),
    ("riscv64-linux-gnu", "gemm int8, to 8 registers", "qgemm_rvv", r"wide\w*", r"vwmacc\.vx", RVV),
    ("riscv64-linux-gnu", "depthwise f32", "dwconv_rvv", r"ln_dwconv_f32_rvv", r"vfmacc\.vv", RVV),
    ("riscv64-linux-gnu", "depthwise int8", "qgemm_rvv", r"ln_qdepthwise_rvv", r"vwmacc\.vv", RVV),
    ("riscv64-linux-gnu", "fft, widest pass, f32", "fft_f32_rvv", r"run_stages", r"vfmul.*|vfadd.*|vfsub.*", RVV),
    ("riscv64-linux-gnu", "exp f32", "vunary_rvv", r"ln_exp_f32_rvv", r"vfn?m(?:acc|add|sub|sac).*|vfmul.*|vfadd.*|vfsub.*", RVV),
]


def assembly(target, stem):
    path = f"build/{target}/asm/{stem}.s"
    subprocess.run(["make", "--no-print-directory", "-s", f"TARGET={target}", path], check=True)
    with open(path, encoding="utf-8", errors="replace") as f:
        return [re.split(TARGETS[target]["comment"], line)[0].rstrip() for line in f]


def functions(lines, pattern):
    """The lines of each function whose name matches; compilers add suffixes to copies."""
    name = re.compile(rf"({pattern})(\.\w+)*:$")
    inside = []
    for line in lines:
        if re.match(r"\w[\w.]*:$", line):
            if inside:
                yield inside
            inside = [line] if name.match(line) else []
        elif inside:
            inside.append(line)
    if inside:
        yield inside


def loops(lines, branch):
    """Innermost loops, as lists of instructions."""
    found, labels, code = [], {}, []
    for line in lines:
        label = re.match(r"(\.L\w+):", line)
        if label:
            labels[label.group(1)] = len(code)
        elif re.match(r"\s+[a-z]", line):
            code.append(line.strip().replace("\t", " "))
            back = re.match(branch, code[-1])
            if back and back.group(1) in labels:
                found.append((labels[back.group(1)], len(code)))
    return [vtype(code[:a]) + code[a:b] for a, b in found
            if not any((c, d) != (a, b) and a <= c and d <= b for c, d in found)]


def vtype(before):
    """RISC-V: what the last vsetvli in front of a loop set, as llvm-mca is told it."""
    for i in reversed(before):
        found = re.match(r"vseti?vli .*e(\d+), m(f?\d)", i)
        if found:
            return [f"# LLVM-MCA-RISCV-LMUL M{found.group(2).upper()}", f"# LLVM-MCA-RISCV-SEW E{found.group(1)}"]
    return []


def is_a(instruction, mnemonics):
    return re.fullmatch(mnemonics, instruction.split()[0]) is not None


def mca(code, cpu, target, options=()):
    """Cycles of an iteration, and its bound by ports and dispatch."""
    # The label of the branch is not there any more: any will do.
    text = ".Lloop:\n" + "\n".join(re.sub(r"\.L\w+$", ".Lloop", i) for i in code) + "\n"
    command = [MCA, f"-mcpu={cpu}", f"-iterations={ITERATIONS}", *TARGETS[target]["options"], *options]
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)}: {run.stderr}")
    cycles = int(re.search(r"Total Cycles:\s+(\d+)", run.stdout).group(1)) / ITERATIONS
    return cycles, float(re.search(r"Block RThroughput:\s+([\d.]+)", run.stdout).group(1))


def hottest(target, stem, pattern, macs):
    all_loops = [loop for f in functions(assembly(target, stem), pattern)
                 for loop in loops(f, TARGETS[target]["branch"])]
    best = max(all_loops, key=lambda loop: sum(is_a(i, macs) for i in loop), default=[])
    if not any(is_a(i, macs) for i in best):
        raise SystemExit(f"mca: {stem}: no loop with {macs} in {pattern}")
    return best


def main():
    words = sys.argv[1:]
    print(f"{'kernel':26}{'core':14}{'instr':>6}{'m-a':>5}{'loads':>6}"
          f"{'cycles':>8}{'m-a':>7}{'loads':>7}{'all':>7}{'share':>7}  bound by")
    for target, kernel, stem, pattern, macs, cpus in ROWS:
        cpus = [c for c in cpus if all(w in f"{target} {kernel} {stem} {c}" for w in words)]
        if not cpus:
            continue
        code = hottest(target, stem, pattern, macs)
        loads = TARGETS[target]["loads"]
        size = sum(not i.startswith("#") for i in code)
        # What sets the type of a vector goes with each of them.
        mul = [i for i in code if is_a(i, macs) or i.startswith(("#", "vset"))]
        load = [i for i in code if is_a(i, loads) or i.startswith(("#", "vset"))] if any(is_a(i, loads) for i in code) else []
        for cpu in cpus:
            cycles, every = mca(code, cpu, target)
            by_mul = mca(mul, cpu, target)[1]
            by_load = mca(load, cpu, target)[1] if load else 0
            top = max(by_mul, by_load, every)
            if cycles > 1.15 * top:
                why = "latency"
            elif by_mul >= 0.9 * top:
                why = "multiply-adds"
            elif by_load >= 0.9 * top:
                why = "loads"
            else:
                why = "dispatch, other ports"
            print(f"{kernel:26}{cpu:14}{size:6}{sum(is_a(i, macs) for i in mul):5}{sum(is_a(i, loads) for i in load):6}"
                  f"{cycles:8.1f}{by_mul:7.1f}{by_load:7.1f}{every:7.1f}{100 * by_mul / cycles:6.0f}%  {why}")


if __name__ == "__main__":
    main()
