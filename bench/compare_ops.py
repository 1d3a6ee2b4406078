#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linnet beside ONNX Runtime on models of one operator.

    make bench-ops ARGS="[--threads N] [--scale] [--rounds N] [--time S] [--assert] [--list] [GLOB]..."

A round is one `linnet bench` and as long a run of ONNX Runtime (inputs and outputs bound, so that nothing is copied),
one after the other; the table shows the medians over the rounds. ratio: ONNX Runtime's time over Linnet's, above 1
Linnet is faster. That the outputs are right is shown by `linnet conformance` and the kernel checks, not here. --assert
fails where a ratio is below what the case promises (op_cases.py): 1, 3 for depthwise convolutions with stride 2, 4 for
what ONNX Runtime computes one element at a time. With --scale the rows are the products, each with one thread and with as
many as --threads says:

    make bench-ops ARGS="--scale --threads 2"

shows how many times as fast those make either engine, in the same run; --assert then asks for 1.85 of two threads.
"""
import argparse
import fnmatch
import json
import math
import os
import statistics
import subprocess
import sys
import time

import onnxruntime as ort

from op_cases import GROUPS, products, promise


def linnet(build, path, files, a, threads=None):
    out = os.path.join(build, "bench.json")
    command = [os.path.join(build, "linnet"), "bench", path, "--threads", str(threads or a.threads), "--time", str(a.time), "--json", out]
    for name, file in files.items():
        command += ["--input", f"{name}={file}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["?"])[-1])
    with open(out, encoding="utf-8") as f:
        return 1e6 * json.load(f)["median_seconds"]


class Peer:
    def __init__(self, path, feed, threads):
        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads, o.log_severity_level = threads, 1, 4
        o.add_session_config_entry("session.intra_op.allow_spinning", "1")
        self.session = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
        self.io = self.session.io_binding()
        self.kept = [ort.OrtValue.ortvalue_from_numpy(x) for x in feed.values()]
        for name, value in zip(feed, self.kept):
            self.io.bind_ortvalue_input(name, value)
        for o, y in zip(self.session.get_outputs(), self.session.run(None, feed)):
            self.kept.append(ort.OrtValue.ortvalue_from_numpy(y))
            self.io.bind_ortvalue_output(o.name, self.kept[-1])

    def run(self, seconds):
        times, end = [], time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            begin = time.perf_counter()
            self.session.run_with_iobinding(self.io)
            times.append(time.perf_counter() - begin)
        return 1e6 * statistics.median(times)


def scale(a, folder):
    """The products with one thread and with more: GFLOP/s, and how many times as fast."""
    mine, theirs, head = [], [], f"{a.threads} threads"
    print(f"{'GFLOP/s':24} {'Linnet':>8} {head:>10} {'times':>6} {'ORT':>8} {head:>10} {'times':>6} {'Linnet/ORT':>11}")
    for case in products():
        if a.only and not any(fnmatch.fnmatch(case.name, o) for o in a.only):
            continue
        path, feed, files = case.save(folder)
        times = [[], [], [], []]
        for _ in range(a.rounds):
            for i, threads in enumerate((1, a.threads)):
                times[i].append(linnet(a.build, path, files, a, threads))
                times[2 + i].append(Peer(path, feed, threads).run(a.time))
        us = [statistics.median(t) for t in times]
        m, n, k = map(int, case.name.split()[1].split("x"))
        rate = [2e-3 * m * n * k / t for t in us]
        mine.append(us[0] / us[1])
        theirs.append(us[2] / us[3])
        print(f"{case.name:24} {rate[0]:8.1f} {rate[1]:10.1f} {mine[-1]:6.2f} {rate[2]:8.1f} {rate[3]:10.1f} {theirs[-1]:6.2f} "
              f"{us[3] / us[1]:11.2f}", flush=True)
    mean = lambda v: math.exp(sum(map(math.log, v)) / len(v))
    print(f"geometric means, {a.threads} threads over one: Linnet {mean(mine):.2f}, ONNX Runtime {mean(theirs):.2f}")
    return 1 if a.check and mean(mine) < 1.85 / 2 * a.threads else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--time", type=float, default=0.1, help="seconds of runs in a round")
    parser.add_argument("--assert", action="store_true", dest="check")
    parser.add_argument("--list", action="store_true", help="print the names only")
    parser.add_argument("--scale", action="store_true", help="products with one thread and with --threads")
    parser.add_argument("only", nargs="*")
    a = parser.parse_intermixed_args()
    folder = os.path.join(a.build, "bench-ops")
    os.makedirs(folder, exist_ok=True)
    if a.scale:
        return scale(a, folder)
    ratios, below = [], []
    print(f"{'operator':36} {'Linnet us':>10} {'ORT us':>10} {'ratio':>7}")
    for case in (c for group in GROUPS for c in group()):
        if a.only and not any(fnmatch.fnmatch(case.name, o) for o in a.only):
            continue
        if a.list:
            print(case.name)
            continue
        path, feed, files = case.save(folder)
        try:
            peer, ours, theirs = Peer(path, feed, a.threads), [], []
        except Exception as e:  # pylint: disable=broad-except
            print(f"{case.name:36} ONNX Runtime cannot: {str(e).splitlines()[0][:60]}; Linnet {linnet(a.build, path, files, a):.2f} us")
            continue
        try:
            for _ in range(a.rounds):
                ours.append(linnet(a.build, path, files, a))
                theirs.append(peer.run(a.time))
        except RuntimeError as e:
            print(f"{case.name:36} {e}")
            below.append(case.name)
            continue
        mine, other = statistics.median(ours), statistics.median(theirs)
        ratios.append(other / mine)
        missed = ratios[-1] < promise(case)
        if missed:
            below.append(case.name)
        print(f"{case.name:36} {mine:10.2f} {other:10.2f} {ratios[-1]:7.2f}" + (f"  below {promise(case)}" if missed else ""), flush=True)
    if ratios:
        print(f"geometric mean of {len(ratios)} ratios: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}; "
              f"{len(below)} below what is promised")
    return 1 if a.check and below else 0


sys.exit(main())
