#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linnet beside ONNX Runtime: load, first run and median run of whole models, alternating, on the same threads.

    bench/compare_ort.sh BUILD [--threads N] [--rounds N] [--time S] [SUBSTRING]...

Both get the same seeded random inputs (dynamic dimensions are 1, or as SHAPES says); a round is one process of each, and the table shows the medians over the rounds. ratio: ONNX Runtime's time over Linnet's,
above 1 Linnet is faster. Whether the outputs agree is what `make compare` checks. The light networks of the ONNX suite
are measured with the random weights that it makes, so it runs first for them.
"""
import argparse
import glob
import json
import math
import os
import statistics
import subprocess
import sys

import numpy as np
import onnx

SHARED = os.environ.get("LINNET_SHARED", "../shared")
# Dynamic dimensions are 1, but for these inputs of these models (below ../shared/models).
SHAPES = {
    "wakeword/melspectrogram.onnx": {"input": [1, 16000]},
    "silero-vad/silero_vad.onnx": {"input": [1, 576]},
    "gpt2-graph/GPT2Model.onnx": {"input1": [1, 1, 8]},
}
VALUES = {"sr": 16000}

RUN = r"""
import json, sys, time, numpy as np
started = time.perf_counter()
import onnxruntime as ort
path, threads, seconds, files = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), json.loads(sys.argv[4])
o = ort.SessionOptions()
o.intra_op_num_threads, o.inter_op_num_threads, o.log_severity_level = threads, 1, 4
t0 = time.perf_counter()
s = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
t1 = time.perf_counter()
feed = {name: np.load(f) for name, f in files.items()}
s.run(None, feed)
t2 = time.perf_counter()
times = []
while time.perf_counter() - t2 < seconds or len(times) < 5:
    a = time.perf_counter()
    s.run(None, feed)
    times.append(time.perf_counter() - a)
print(json.dumps({"load": t1 - t0, "first": t2 - t1, "median": sorted(times)[len(times) // 2]}))
"""


def make_inputs(path, name, folder):
    """A file of seeded random numbers for each input that is no initializer."""
    model = onnx.load(path, load_external_data=False)
    weights = {i.name for i in model.graph.initializer} | {o for n in model.graph.node for o in n.output}
    rng, files = np.random.default_rng(1), {}
    os.makedirs(folder, exist_ok=True)
    for k, i in enumerate(i for i in model.graph.input if i.name not in weights):
        if i.name.endswith("__SHAPE"):
            continue
        t = i.type.tensor_type
        dims = [d.dim_value or 1 for d in t.shape.dim]
        shape = SHAPES.get(name, {}).get(i.name, [2, 1, 128] if i.name == "state" else dims)
        kind = onnx.helper.tensor_dtype_to_np_dtype(t.elem_type)
        files[i.name] = os.path.join(folder, f"in{k}.npy")
        np.save(files[i.name], rng.random(shape).astype(kind) if kind.kind == "f" else np.full(shape, VALUES.get(i.name, 1), kind))
    return files


def onnxruntime(path, threads, seconds, files):
    done = subprocess.run([sys.executable, "-c", RUN, path, str(threads), str(seconds), json.dumps(files)],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def linnet(build, path, threads, seconds, files):
    out = os.path.join(build, "bench.json")
    command = [os.path.join(build, "linnet"), "bench", path, "--threads", str(threads), "--time", str(seconds), "--json", out]
    for name, file in files.items():
        command += ["--input", f"{name}={file}"]
    subprocess.run(command, capture_output=True, text=True, check=True)
    with open(out, encoding="utf-8") as f:
        j = json.load(f)
    return {"load": j["load_seconds"], "first": j["first_run_seconds"], "median": j["median_seconds"],
            "peak": j["peak_bytes"]}


def models(build, only):
    found = [(os.path.relpath(p, SHARED + "/models"), p) for p in sorted(glob.glob(SHARED + "/models/*/*.onnx"))]
    found += [(os.path.basename(p), p) for p in sorted(glob.glob(build + "/compare/light_*.onnx"))]
    return [(n, p) for n, p in found if not only or any(o in n for o in only)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--time", type=float, default=0.5, help="seconds of runs in a round")
    parser.add_argument("only", nargs="*")
    a = parser.parse_intermixed_args()
    print(f"{'model':48} {'threads':>7} {'load+first ms':>22} {'median ms':>22} {'ratio':>6} {'peak MB':>8}")
    print(f"{'':48} {'':7} {'Linnet':>11}{'ORT':>11} {'Linnet':>11}{'ORT':>11}")
    ratios = []
    for name, path in models(a.build, a.only):
        files = make_inputs(path, name, os.path.join(a.build, "bench-inputs"))
        ours, theirs = [], []
        try:
            for _ in range(a.rounds):
                ours.append(linnet(a.build, path, a.threads, a.time, files))
                theirs.append(onnxruntime(path, a.threads, a.time, files))
        except subprocess.CalledProcessError as e:
            print(f"{name:48} failed: {(e.stderr or '').strip().splitlines()[-1:]}")
            continue
        middle = lambda runs, key: 1e3 * statistics.median(r[key] for r in runs)
        start = [statistics.median(r["load"] + r["first"] for r in runs) * 1e3 for runs in (ours, theirs)]
        run = [middle(ours, "median"), middle(theirs, "median")]
        ratios.append(run[1] / run[0])
        print(f"{name:48} {a.threads:7} {start[0]:11.2f}{start[1]:11.2f} {run[0]:11.3f}{run[1]:11.3f} {ratios[-1]:6.2f} "
              f"{middle(ours, 'peak') / 1e9:8.1f}", flush=True)
    if ratios:
        print(f"geometric mean of {len(ratios)} ratios: {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}")


main()
