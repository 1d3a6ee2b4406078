#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real transforms, single precision, one thread: Linnet beside FFTW (the better of MEASURE and PATIENT), KissFFT and
ONNX Runtime's DFT; and its STFT, on one thread and on all (ONNX Runtime's uses one, whatever it has). They take turns.

    bench/with_python.sh BUILD bench/compare_dft.py BUILD        (`make bench-fft`, which builds BUILD/bench/bench_fft first)

Times are the best of several turns (of Linnet's STFT the fastest tenth), in microseconds. ONNX Runtime's are those of a
graph of one node less those of a graph of one Identity of the same input, so that the price of a call from Python does
not count against it. The exit code is 1 when Linnet falls short of: 1.1 times FFTW in the geometric mean of batch 1, 1.6
times of batch 128, 0.8 in each row, 2 for the prime 1009; 40 times ONNX Runtime's DFT in the geometric mean; 50 times its
STFT in each row.
"""
import json
import math
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

BUILD = sys.argv[1]
LENGTHS = [256, 400, 480, 512, 1000, 1009, 1024, 2048, 4096, 16384]
STFTS = [(100, 1024, 128, 8), (100, 1000, 100, 10)]  # signals, samples, n_fft, hop
TURNS = 3


def model(path, node, shape, weights, threads=1):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", [value], [out], [numpy_helper.from_array(a, n) for n, a in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)
    o = onnxruntime.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])


def bound(session, x):
    """A call without copies; its result."""
    b = session.io_binding()
    b.bind_cpu_input("x", x)
    b.bind_output("y", "cpu")
    session.run_with_iobinding(b)
    return lambda: session.run_with_iobinding(b), b.copy_outputs_to_cpu()[0]


def best(call, seconds=0.15):
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds or len(times) < 3:
        t = time.perf_counter()
        call()
        times.append(time.perf_counter() - t)
    return min(times)


def row(n, batch):
    """Microseconds of Linnet, FFTW, KissFFT, ONNX Runtime."""
    x = np.random.default_rng(1).uniform(-1, 1, (batch, n, 1)).astype(np.float32)
    dft = helper.make_node("DFT", ["x", "", "axis"], ["y"], onesided=1)
    run, y = bound(model(f"{BUILD}/dft.onnx", dft, x.shape, {"axis": np.array(1, np.int64)}), x)
    empty, _ = bound(model(f"{BUILD}/identity.onnx", helper.make_node("Identity", ["x"], ["y"]), x.shape, {}), x)
    assert y.shape == (batch, n // 2 + 1, 2)
    ours, theirs = [], []
    for _ in range(TURNS):
        done = subprocess.run([f"{BUILD}/bench/bench_fft", "--row", str(n), str(batch), f"{BUILD}/bench/fftw"],
                              capture_output=True, text=True, check=True)
        ours.append([float(t) for t in done.stdout.split()])
        theirs.append(1e6 * (best(run) - best(empty)))
    return [min(t) for t in zip(*ours)] + [min(theirs)]


def stft(signals, samples, n, hop, threads):
    x = np.random.default_rng(1).uniform(-1, 1, (signals, samples, 1)).astype(np.float32)
    path = f"{BUILD}/stft.onnx"
    node = helper.make_node("STFT", ["x", "hop", "", "n"], ["y"], onesided=1)
    run, y = bound(model(path, node, x.shape, {"hop": np.array(hop, np.int64), "n": np.array(n, np.int64)}, threads), x)
    np.save(f"{BUILD}/stft_x.npy", x)
    feed, mine = ["-i", f"x={BUILD}/stft_x.npy"], f"{BUILD}/stft_y.npy"
    subprocess.run([f"{BUILD}/linnet", "run", path, *feed, "-o", f"y={mine}"], check=True, stdout=subprocess.DEVNULL)
    error = float(np.abs(np.load(mine) - y).max() / np.abs(y).max())
    ours, theirs = [], []
    for _ in range(TURNS):
        subprocess.run([f"{BUILD}/linnet", "bench", path, *feed, "--threads", str(threads), "--time", "0.3", "--json",
                        f"{BUILD}/stft.json"], check=True, stdout=subprocess.DEVNULL)
        with open(f"{BUILD}/stft.json", encoding="utf-8") as f:
            ours.append(1e6 * json.load(f)["p10_seconds"])
        theirs.append(1e6 * best(run))
    return min(ours), min(theirs), error


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def main():
    bad = []
    for effort in ("measure", "patient"):  # FFTW plans anew in each call of this
        pathlib.Path(f"{BUILD}/bench/fftw.{effort}").unlink(missing_ok=True)
    check = lambda ok, what: ok or bad.append(what)
    head = ["Linnet", "FFTW", "KissFFT", "ORT", "x FFTW", "x ORT"]
    print(f"{'rfft':>6} {'batch':>5} " + " ".join(f"{h:>12}" for h in head))
    to_ort = []
    for batch, least in ((1, 1.1), (128, 1.6)):
        to_fftw = []
        for n in LENGTHS:
            ours, fftw, kiss, ort = row(n, batch)
            to_fftw.append(fftw / ours)
            to_ort.append(ort / ours)
            print(f"{n:6} {batch:5} " + " ".join(f"{t:12.3f}" for t in (ours, fftw, kiss, ort)) +
                  f" {to_fftw[-1]:12.2f} {to_ort[-1]:12.0f}", flush=True)
            check(to_fftw[-1] >= (2 if n == 1009 else 0.8), f"{n} x {batch}: {to_fftw[-1]:.2f} times FFTW")
        print(f"geometric mean of batch {batch}: {mean(to_fftw):.2f} times FFTW")
        check(mean(to_fftw) >= least, f"batch {batch}: {mean(to_fftw):.2f} times FFTW")
    print(f"geometric mean of all: {mean(to_ort):.0f} times ONNX Runtime")
    check(mean(to_ort) >= 40, f"{mean(to_ort):.0f} times ONNX Runtime")
    most = os.cpu_count()
    for signals, samples, n, hop in STFTS:
        for threads in sorted({1, most}):
            ours, ort, error = stft(signals, samples, n, hop, threads)
            what = f"STFT of {signals} x {samples}, n_fft {n}, hop {hop}, threads {threads}"
            print(f"{what}: Linnet {ours:.0f} us, ONNX Runtime {ort:.0f} us, {ort / ours:.0f} times; off by {error:.0e}")
            check(ort / ours >= 50 and error < 1e-4, what)
    for what in bad:
        print("FAIL", what)
    return bool(bad)


sys.exit(main())
