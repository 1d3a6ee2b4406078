#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linnet beside ONNX Runtime on whole models: median run, start to first result and peak memory, taking turns.

    bench/compare_ort.sh BUILD [--threads N] [--rounds N] [--time S] [SUBSTRING]...

The models are those of ../shared/models, the light networks of the ONNX suite with random weights, and the networks of
bench/networks.py. Both get the same seeded random inputs (dynamic dimensions are 1, or as SHAPES says). A round is one
process of each; the table shows medians over the rounds, and ratios of ONNX Runtime's time to Linnet's: above 1
Linnet is faster. Outputs are checked against each other: |a - b| <= 1e-4 max|b| + 1e-3 |b| (quantised models: 0.1 max|b|,
for a rounding that falls the other way is a step of the scale).

start is, for Linnet, a whole process `linnet run` until it has ended; for ONNX Runtime from the loading of its library to
the first result, in a process that has Python and numpy already. peak is the most resident memory of that process, less what
Python and numpy had taken. allowed is 1.2 times the weights (as the file or as the plan holds them, whichever is more) and the
memory of a run, and 5 MB; what takes more, or of small models over half of ONNX Runtime's, is named at the end.
"""
import argparse
import glob
import json
import math
import os
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx

import networks

SHARED = os.environ.get("LINNET_SHARED", "../shared")
SHAPES = {
    "wakeword/melspectrogram.onnx": {"input": [1, 16000]},
    "silero-vad/silero_vad.onnx": {"input": [1, 576], "state": [2, 1, 128]},
    "gpt2-graph/GPT2Model.onnx": {"input_ids": [1, 8], "input1": [1, 1, 8]},
    "tinybert-untrained/tinybert.onnx": {k: [1, 64] for k in ("input_ids", "attention_mask", "token_type_ids")},
    "sentence-lstm/model.onnx": {"input": [1, 64]},
}
VALUES = {"sr": 16000}
INTEGER = ("mobilenetv2-qdq", "_qdq", "_qoperator", "qlstm")  # the rest computes in floats
# Class probabilities of a quantised model move by steps of the scale.
RTOL, ATOL, ATOL_INTEGER = 1e-3, 1e-4, 0.1
MIB = 1 << 20
SMALL = 20  # MiB of weights

RUN = r"""
import json, sys, time
import numpy as np
path, threads, seconds, files, save = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), json.loads(sys.argv[4]), sys.argv[5]
feed = {name: np.load(f) for name, f in files.items()}
def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = resident()
t0 = time.perf_counter()
import onnxruntime.capi.onnxruntime_pybind11_state
t1 = time.perf_counter()
import onnxruntime as ort
t2 = time.perf_counter()
o = ort.SessionOptions()
o.intra_op_num_threads, o.inter_op_num_threads, o.log_severity_level = threads, 1, 4
s = ort.InferenceSession(path, o, providers=["CPUExecutionProvider"])
got = s.run(None, feed)
t3 = time.perf_counter()
peak = resident() - before
if save:
    for i, v in enumerate(got):
        if isinstance(v, np.ndarray) and v.dtype.kind in "fiub":
            np.save(f"{save}{i}.npy", v)
times = []
s.run(None, feed)
begin = time.perf_counter()
while time.perf_counter() - begin < seconds or len(times) < 3:
    a = time.perf_counter()
    s.run(None, feed)
    times.append(time.perf_counter() - a)
print(json.dumps({"start": t3 - t2 + t1 - t0, "median": sorted(times)[len(times) // 2], "peak": peak / 1024}))
"""


def weight_bytes(graph):
    """Of the initializers, the constants that nodes hold, and those of bodies."""
    tensors = list(graph.initializer)
    for a in (a for n in graph.node for a in n.attribute):
        tensors += [a.t] if a.HasField("t") else list(a.tensors)
    bodies = [g for n in graph.node for a in n.attribute for g in ([a.g] if a.HasField("g") else a.graphs)]
    own = sum(int(np.prod(t.dims)) * onnx.helper.tensor_dtype_to_np_dtype(t.data_type).itemsize for t in tensors)
    return own + sum(map(weight_bytes, bodies))


def make_inputs(path, name, folder):
    """A file of seeded random numbers for each input that is no initializer."""
    model = onnx.load(path, load_external_data=False)
    weights = {i.name for i in model.graph.initializer} | {o for n in model.graph.node for o in n.output}
    rng, files = np.random.default_rng(1), {}
    os.makedirs(folder, exist_ok=True)
    for k, i in enumerate(i for i in model.graph.input if i.name not in weights):
        t = i.type.tensor_type
        shape = SHAPES.get(name, {}).get(i.name, [max(d.dim_value, 0) or 1 for d in t.shape.dim])
        kind = onnx.helper.tensor_dtype_to_np_dtype(t.elem_type)
        files[i.name] = os.path.join(folder, f"in{k}.npy")
        np.save(files[i.name], rng.random(shape).astype(kind) if kind.kind == "f" else np.full(shape, VALUES.get(i.name, 1), kind))
    outputs = [o.name for o in model.graph.output if o.type.WhichOneof("value") != "sequence_type"]
    return files, outputs, weight_bytes(model.graph) / MIB


def onnxruntime(path, threads, seconds, files, save=""):
    done = subprocess.run([sys.executable, "-c", RUN, path, str(threads), str(seconds), json.dumps(files), save],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def linnet(build, path, threads, seconds, files, outputs, save):
    feed = [x for name, file in files.items() for x in ("--input", f"{name}={file}")]
    program, options = os.path.join(build, "linnet"), ["--threads", str(threads)] + feed
    begin = time.perf_counter()
    subprocess.run([program, "run", path] + options, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    start = time.perf_counter() - begin
    # /usr/bin/time is small: what a child seems to take is never less than what its parent takes.
    kept = [x for i, name in enumerate(outputs) for x in ("--output", f"{name}={save}{i}.npy")]
    done = subprocess.run(["/usr/bin/time", "-f", "%M", program, "run", path] + options + kept, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=True)
    peak = int(done.stderr.split()[-1]) / 1024
    out = os.path.join(build, "bench.json")
    subprocess.run([program, "bench", path, "--time", str(seconds), "--json", out] + options,
                   capture_output=True, text=True, check=True)
    with open(out, encoding="utf-8") as f:
        report = json.load(f)
    return {"start": start, "median": report["median_seconds"], "peak": peak,
            "run": report["run_bytes"] / MIB, "packed": report["packed_bytes"] / MIB}


def agree(ours, theirs, outputs, integer):
    for i in range(len(outputs)):
        if not os.path.exists(f"{theirs}{i}.npy"):
            continue
        a, b = np.load(f"{ours}{i}.npy"), np.load(f"{theirs}{i}.npy")
        if a.shape != b.shape:
            return f"shape {a.shape} and {b.shape}"
        if b.dtype.kind in "f" and b.size:
            off = np.abs(a.astype(np.float64) - b) - (ATOL_INTEGER if integer else ATOL) * np.max(np.abs(b)) - RTOL * np.abs(b)
            if not np.all(off <= 0):
                return f"output {i} differs by {np.max(np.abs(a - b)):.2g} of {np.max(np.abs(b)):.2g}"
    return ""


def models(build, only):
    wanted = lambda name: not only or any(o in name for o in only)
    found = [(os.path.relpath(p, SHARED + "/models"), p) for p in sorted(glob.glob(SHARED + "/models/*/*.onnx"))]
    light = sorted(glob.glob(SHARED + "/onnx-suite/light/*.onnx"))
    made = networks.make(build + "/bench-models", only, light)
    return [(n, p) for n, p in found if wanted(n)] + [(os.path.basename(p), p) for p in made]


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def summary(title, rows):
    for kind, integer in (("float", False), ("int8", True)):
        some = [r for r in rows if r["integer"] == integer]
        if some:
            low = [r["name"] for r in some if r["ratio"] < 0.95]
            print(f"{title}, {len(some)} {kind} models: geometric mean of the ratios {mean([r['ratio'] for r in some]):.2f}, start "
                  f"{mean([r['start'] for r in some]):.2f}; below 0.95: {', '.join(low) or 'none'}")
    slow = [r["name"] for r in rows if r["start"] < (3 if r["weights"] < SMALL else 2)]
    large = [r["name"] for r in rows if r["peak"] > r["allowed"] or (r["weights"] < SMALL and r["peak"] > r["theirs"] / 2)]
    print(f"{title}: start less than 3 times as fast ({SMALL} MB of weights and more: 2): {', '.join(slow) or 'none'}; more memory "
          f"than allowed: {', '.join(large) or 'none'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--threads", default="1", help="comma-separated counts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--time", type=float, default=0.5, help="seconds of runs in a round")
    parser.add_argument("only", nargs="*")
    a = parser.parse_intermixed_args()
    folder = os.path.join(a.build, "bench-io") + "/"
    counts, rows, wrong = [int(n) for n in a.threads.split(",")], {}, 0
    print("| model | threads | Linnet ms | ORT ms | ratio | start ms | ORT | ratio | peak MiB | allowed | ORT | weights MiB |")
    print("|--|--|--|--|--|--|--|--|--|--|--|--|")
    for name, path in models(a.build, a.only):
        files, outputs, weights = make_inputs(path, name, folder)
        for threads in counts:
            ours, theirs, note = [], [], ""
            for old in glob.glob(folder + "[ab]*.npy"):
                os.remove(old)
            try:
                for i in range(a.rounds):
                    first = i == 0
                    theirs.append(onnxruntime(path, threads, a.time, files, folder + "b" if first else ""))
                    ours.append(linnet(a.build, path, threads, a.time, files, outputs, folder + "a"))
                    if first:
                        note = agree(folder + "a", folder + "b", outputs, any(k in name for k in INTEGER))
            except subprocess.CalledProcessError as e:
                print(f"| {name} | {threads} | failed: {(e.stderr or '').strip().splitlines()[-1:]} |")
                wrong += 1
                continue
            wrong += note != ""
            o, t = ({k: statistics.median(r[k] for r in runs) for k in runs[0]} for runs in (ours, theirs))
            row = {"name": name, "integer": any(k in name for k in INTEGER), "ratio": t["median"] / o["median"],
                   "start": t["start"] / o["start"], "weights": weights, "peak": o["peak"], "theirs": t["peak"],
                   "allowed": 1.2 * (max(weights, o["packed"]) + o["run"]) + 5}
            rows.setdefault(threads, []).append(row)
            print(f"| {name} | {threads} | {1e3 * o['median']:.3f} | {1e3 * t['median']:.3f} | {row['ratio']:.2f} | "
                  f"{1e3 * o['start']:.1f} | {1e3 * t['start']:.1f} | {row['start']:.2f} | {o['peak']:.0f} | {row['allowed']:.0f} | {t['peak']:.0f} | "
                  f"{weights:.1f} |{' ' + note if note else ''}", flush=True)
    for threads in counts:
        summary(f"{threads} thread{'s' * (threads > 1)}", rows.get(threads, []))
    sys.exit(wrong > 0)


main()
