#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tables and a roofline of the kernel benchmarks.

    bench/with_python.sh BUILD bench/summary.py BUILD [FILE.json]...

Reads what the programs of `make bench-kernels` wrote (all of BUILD/bench/*.json where no file is named): the median over
the repetitions of each kind/shape/who. Prints for each shape the rate in 1e9 a second, the share of the measured peak, and
the ratio of Linnet's best tier to each peer of the same file, with geometric means for each kind; and draws
BUILD/bench/roofline.png of the products: rate over operations per byte, below the peaks and the bandwidths measured.
"""
import glob
import json
import math
import os
import re
import statistics
import sys

TIERS = ("avx512", "avx2", "scalar")


def load(path):
    """{kind/shape: {who: median}}, by kind and size: the file has them in random order."""
    with open(path, encoding="utf-8") as f:
        runs = json.load(f)["benchmarks"]
    found = {}
    for r in runs:
        if r.get("run_type") == "aggregate" or r.get("error_occurred") or "G/s" not in r:
            continue
        shape, who = r.get("run_name", r["name"]).rsplit("/", 1)
        found.setdefault(shape, {}).setdefault(who, []).append(r["G/s"])
    numbers = lambda s: (s.split("/")[0], [int(n) for n in re.findall(r"\d+", s.partition("/")[2])])
    return {s: {w: statistics.median(v) for w, v in found[s].items()} for s in sorted(found, key=numbers)}


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def peak_of(kind, peaks, tier="avx512"):
    if "gemv" in kind: # is bound by memory
        return None
    if kind.startswith(("u8", "s8")):
        return peaks.get("vnni", {}).get("avx512")
    return peaks.get("bf16" if kind.startswith("bf16") else "fma", {}).get(tier)


def table(name, rates):
    peaks = {s.split("/")[1]: d for s, d in rates.items() if s.startswith("peak/")}
    rows = {s: d for s, d in rates.items() if not s.startswith("peak/")}
    whos = []
    for d in rows.values():
        whos += [w for w in d if w not in whos]
    peers = [w for w in whos if w not in TIERS]
    print(f"\n## {name}\n\npeaks, 1e9 a second: " + ", ".join(f"{k} {w} {v:.0f}" for k, d in peaks.items() for w, v in d.items()) + "\n")
    products = any(peak_of(s.split("/")[0], peaks) for s in rows) and name != "rows"
    head = ["shape"] + whos + (["of the peak"] if products else []) + ["/ " + p for p in peers]
    print("| " + " | ".join(head) + " |\n" + "|--" * len(head) + "|")
    ratios, shares = {}, {}
    for shape, d in rows.items():
        kind = shape.split("/")[0]
        best = max((d[t] for t in TIERS if t in d), default=None)
        cells = [shape] + [f"{d[w]:.1f}" if w in d else "" for w in whos]
        if products:
            share = best / peak_of(kind, peaks) if best and peak_of(kind, peaks) else None
            cells.append(f"{100 * share:.0f} %" if share else "")
            if share:
                shares.setdefault(kind, []).append(share)
        for p in peers:
            if best and p in d:
                ratios.setdefault(p, {}).setdefault(kind, []).append(best / d[p])
                cells.append(f"{best / d[p]:.2f}")
            else:
                cells.append("")
        print("| " + " | ".join(cells) + " |")
    for p, kinds in ratios.items():
        every = [r for v in kinds.values() for r in v]
        print(f"\nLinnet / {p}: geometric mean of {len(every)}: {mean(every):.3f} (" +
              ", ".join(f"{k} {mean(v):.2f}" for k, v in kinds.items()) + ")")
    return peaks, rows


def roofline(path, points, peaks):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(9, 6))
    low, high = min(p[0] for p in points) / 2, max(p[0] for p in points) * 2
    roofs = [(w, v) for k in ("fma", "bf16", "vnni") for w, v in ((f"{k} {t}", r) for t, r in peaks.get(k, {}).items())]
    for label, value in roofs:
        axes.plot([low, high], [value, value], "k-" if "fma" in label else "k--", linewidth=0.8)
        axes.annotate(f"{label}: {value:.0f}", (high, value), ha="right", va="bottom", fontsize=8)
    top = max(v for _, v in roofs)
    for level, bandwidth in peaks.get("read", {}).items():
        xs = [low, min(high, top / bandwidth)]
        axes.plot(xs, [bandwidth * x for x in xs], ":", linewidth=0.8, color="gray")
        axes.annotate(f"{level} {bandwidth:.0f} GB/s", (xs[0], bandwidth * xs[0]), fontsize=8, color="gray", rotation=30)
    for who in sorted({p[2] for p in points}):
        mine = [p for p in points if p[2] == who]
        axes.scatter([p[0] for p in mine], [p[1] for p in mine], s=14, label=who)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("operations per byte (each operand and result once)")
    axes.set_ylabel("1e9 operations a second, one thread")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    print(f"\nroofline: {path}")


def intensity(shape):
    """Operations per byte of kind/MxNxK, or None."""
    kind, size = shape.split("/")[:2]
    parts = size.split("x")
    if len(parts) != 3 or not all(p.isdigit() for p in parts):
        return None
    m, n, k = map(int, parts)
    size = 1 if kind.startswith(("u8", "s8")) else 2 if kind.startswith("bf16") else 4
    return 2 * m * n * k / ((m * k + k * n) * size + m * n * 4)


def main():
    build = sys.argv[1]
    files = sys.argv[2:] or sorted(glob.glob(os.path.join(build, "bench", "*.json")))
    points, peaks = [], {}
    for path in files:
        found, rows = table(os.path.basename(path)[:-5], load(path))
        for k, d in found.items():
            peaks.setdefault(k, {}).update(d)
        for shape, d in rows.items():
            x = intensity(shape)
            points += [(x, rate, who + (" int8" if shape[1] == "8" else "")) for who, rate in d.items() if x and who != "scalar"]
    if points:
        roofline(os.path.join(build, "bench", "roofline.png"), points, peaks)


main()
