#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converted .tflite models beside LiteRT: every .tflite of ../shared/models, and small models of single operators that
nodes.py, graphs.py and stablehlo.py write. Each runs in Linnet from the .tflite, and in ONNX Runtime from what `linnet convert` wrote.

    tests/tflite.sh BUILD [SUBSTRING]...      only the cases whose name has one of the substrings

Tolerances: floats 1e-4 of the output's range; integers one step on 99 of 100 elements and three on all. The last line is
"N passed, N failed, N skipped".
"""
import glob
import os
import shutil
import subprocess
import sys
import wave

import numpy as np
import onnxruntime as ort
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image

from graphs import control, recurrent, signals
from nodes import (detections, elementwise, hybrid, images, lookups, matrices, quantised_ones, reductions, shapes,
                   widths)
from stablehlo import places, stablehlo, tables

BUILD, ONLY = sys.argv[1], sys.argv[2:]
SHARED = os.environ.get("LINNET_SHARED", "../shared")
LINNET = os.path.join(BUILD, "linnet")
WORK = os.path.join(BUILD, "tflite")
counts = {"passed": 0, "failed": 0, "skipped": 0}


def report(name, fault):
    counts["failed" if fault else "passed"] += 1
    if fault:
        print(f"FAIL: {name}: {fault}")


def wanted(name):
    return not ONLY or any(s in name for s in ONLY)


# -- running ------------------------------------------------------------------------------------------------------


def litert(path, feeds=None, delegate=True):
    """Inputs (feeds where given by index, or seeded) and outputs by name, in the file's order."""
    kind = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    run = Interpreter(path, num_threads=1, experimental_op_resolver_type=kind)
    run.allocate_tensors()
    rng, inputs = np.random.default_rng(0), {}
    for i, d in enumerate(run.get_input_details()):
        shape, dtype = d["shape"], d["dtype"]
        if feeds is not None:
            x = feeds[i]
        elif np.issubdtype(dtype, np.floating):
            x = rng.uniform(-1, 1, shape).astype(dtype)
        else:
            x = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape).astype(dtype)
        run.set_tensor(d["index"], x)
        inputs[d["name"]] = x
    run.invoke()
    return inputs, {d["name"]: run.get_tensor(d["index"]) for d in run.get_output_details()}


def linnet(path, inputs, names):
    shutil.rmtree(WORK + "/io", ignore_errors=True)
    os.makedirs(WORK + "/io")
    command = [LINNET, "run", path]
    for i, (name, x) in enumerate(inputs.items()):
        np.save(f"{WORK}/io/in{i}.npy", x)
        command += ["-i", f"{name}={WORK}/io/in{i}.npy"]
    for i, name in enumerate(names):
        command += ["-o", f"{name}={WORK}/io/out{i}.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return {name: np.load(f"{WORK}/io/out{i}.npy") for i, name in enumerate(names)}


def runtime(path, inputs, names):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if "LSTM_int8" in path:  # or ONNX Runtime makes the bytes unsigned, and fails where it moved some of them before
        options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(list(names), inputs)))


# -- comparing ----------------------------------------------------------------------------------------------------


def fault(got, expected):
    """None, or what is wrong."""
    if np.iscomplexobj(expected):
        expected = np.stack([expected.real, expected.imag], -1)
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return f"{got.dtype}{got.shape}, not {expected.dtype}{expected.shape}"
    if expected.size == 0:
        return None
    if expected.dtype == np.bool_:
        return None if (got == expected).all() else f"{(got != expected).sum()} differ"
    if np.issubdtype(expected.dtype, np.integer):
        if expected.dtype.itemsize > 2:
            return None if (got == expected).all() else f"{(got != expected).sum()} differ"
        step = np.abs(got.astype(np.int64) - expected.astype(np.int64))
        good = step.max() <= 3 and (step <= 1).mean() >= 0.99
        return None if good else f"off by {step.max()} steps, {(step <= 1).mean():.4f} within one"
    a, b = got.astype(np.float64), expected.astype(np.float64)
    whole = np.isfinite(b)
    if not (np.isnan(a) == np.isnan(b)).all() or not (a[~whole & ~np.isnan(b)] == b[~whole & ~np.isnan(b)]).all():
        return "not a number, or infinite, at other places"
    b, a = b[whole], a[whole]
    if not b.size:
        return None
    worst = np.abs(a - b).max() / max(b.max() - b.min(), np.abs(b).max(), 1e-30)
    return None if worst <= 1e-4 else f"off by {worst:.2e} of the range"


def compare(name, path, feeds=None, delegate=True, known=None, exact=False, opset=21):
    """known: the output where LiteRT does not say it; the tensors have the names of models.py. opset: the
    file's, where ONNX Runtime may be too old for it."""
    onnx = f"{WORK}/{name}.onnx"
    done = subprocess.run([LINNET, "convert", path, "-o", onnx], capture_output=True, text=True)
    if done.returncode:
        report(name, done.stderr.strip())
        return
    if known is None:
        inputs, expected = litert(path, feeds, delegate)
    else:
        session = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"])
        inputs = {i.name: x for i, x in zip(session.get_inputs(), feeds)}
        expected = {session.get_outputs()[0].name: np.ascontiguousarray(known)}
    for peer in ("linnet", "ONNX Runtime") if opset == 21 else ("linnet",):
        try:
            got = linnet(path, inputs, expected) if peer == "linnet" else runtime(onnx, inputs, expected)
            wrong = [f"{n} {w}" for n, y in expected.items() if (w := fault(got[n], y))]
            wrong += [f"{n} is not the same" for n, y in expected.items() if exact and not np.array_equal(got[n], y)]
        except Exception as error:  # what a peer says is the result
            wrong = [str(error).strip().split("\n")[0][:200]]
        report(f"{name} ({peer})", "; ".join(wrong))


# -- the cases ----------------------------------------------------------------------------------------------------


def cases():
    for family in (elementwise, quantised_ones, widths, images, matrices, hybrid, shapes, reductions, lookups, detections,
                   signals, recurrent, control, stablehlo, places, tables):
        yield from family()


def operators():
    for case in cases():
        if not wanted(case.name):
            continue
        path = f"{WORK}/{case.name}.tflite"
        try:
            case.write(path)
        except Exception as error:
            report(case.name, f"LiteRT does not take the model: {str(error).splitlines()[0][:160]}")
            continue
        compare(case.name, path, case.feeds, case.delegate, case.expected, case.exact, case.opset)


def photo(path, size):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((size, size), Image.BILINEAR))[None]


def shared():
    models = sorted(glob.glob(SHARED + "/models/**/*.tflite", recursive=True))
    if not models:
        print(f"SKIP: {SHARED}/models is not here")
        counts["skipped"] += 1
    for path in models:
        name = os.path.basename(path)[:-7]
        if not wanted(name) or "audio_preprocessor" in name or "yamnet" in name:
            continue  # LiteRT does not have the operators of the former; yamnet() and micro() have sounds for them
        if "mobilenet_v2" in name:
            compare_photos(name, path)
        else:
            compare(name, path)


def compare_photos(name, path):
    """Photographs: on noise the networks say nothing, and a rounding in an early layer becomes several steps at the end, in
    LiteRT's own two sets of kernels as well. ONNX Runtime rounds its own way and must find the same class."""
    for picture in ["hot_dog.jpg", "parrot.jpg", "owl.jpg"]:
        onnx = f"{WORK}/{name}.onnx"
        subprocess.run([LINNET, "convert", path, "-o", onnx], check=True, capture_output=True)
        run = Interpreter(path, num_threads=1)
        run.allocate_tensors()
        detail, out = run.get_input_details()[0], run.get_output_details()[0]
        x = photo(f"{SHARED}/inputs/{picture}", detail["shape"][1])
        run.set_tensor(detail["index"], x)
        run.invoke()
        expected, inputs = run.get_tensor(out["index"]), {detail["name"]: x}
        got = linnet(path, inputs, [out["name"]])[out["name"]]
        report(f"{name} {picture} (linnet)", fault(got, expected))
        got = runtime(onnx, inputs, [out["name"]])[out["name"]]
        report(f"{name} {picture} (ONNX Runtime)", None if got.argmax() == expected.argmax() else "another class")


def samples(name):
    with wave.open(f"{SHARED}/inputs/{name}.wav") as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16)


def yamnet():
    """The publisher's results for speech.wav: of its first window, of its last, which is the known answer of the model, and
    of one where LiteRT's two sets of kernels agree; and all scores, whose steps are 1/256, beside LiteRT's own kernels, as
    the publisher's were. XNNPACK rounds a MEAN of six elements otherwise, and says 0.082 and 0.031 of the room."""
    path, onnx = glob.glob(SHARED + "/models/yamnet/*.tflite"), WORK + "/yamnet.onnx"
    if not path or not wanted("yamnet"):
        return
    subprocess.run([LINNET, "convert", path[0], "-o", onnx], check=True, capture_output=True)
    sound = (samples("speech") / 32768).astype(np.float32)
    for first, speech, room in ((0, 0.918, 0.0586), (len(sound) - 15600, 0.957, 0.0195), (52240, 0.957, 0.0195)):
        inputs, expected = litert(path[0], [sound[first : first + 15600]], delegate=False)
        name, expected = list(expected.items())[0]
        for peer, go, file in (("linnet, .tflite", linnet, path[0]), ("linnet, .onnx", linnet, onnx),
                               ("ONNX Runtime", runtime, onnx)):
            got = go(file, inputs, [name])[name]
            print(f"yamnet from sample {first}: Speech {got[0, 0]:.4f}, Inside, small room {got[0, 500]:.4f} ({peer}); "
                  f"LiteRT {expected[0, 0]:.4f}, {expected[0, 500]:.4f}")
            wrong = fault((256 * got).astype(np.int16), (256 * expected).astype(np.int16))
            if abs(got[0, 0] - speech) > 0.002 or abs(got[0, 500] - room) > 0.002:
                wrong = f"not {speech} and {room}"
            report(f"yamnet from sample {first} ({peer})", wrong)


def micro():
    """The micro front end, frame by frame with its state, and the model behind it; beside TensorFlow Lite Micro."""
    front = SHARED + "/models/micro-speech/audio_preprocessor_int8.tflite"
    model = SHARED + "/models/micro-speech/micro_speech_quantized.tflite"
    if not os.path.exists(front) or not wanted("micro"):
        return
    onnx = WORK + "/audio_preprocessor.onnx"
    subprocess.run([LINNET, "convert", front, "-o", onnx], check=True, capture_output=True)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    try:
        from tflite_micro.python.tflite_micro import runtime as tflm
    except ImportError:
        tflm = None
        print("SKIP: tflite-micro is not here")
        counts["skipped"] += 1
    for word, label in (("yes", 2), ("no", 3), ("noise", 0), ("silence", 0)):
        sound, features = samples(word + "_1000ms"), {"linnet": [], "ONNX Runtime": [], "micro": []}
        noise = {name: np.zeros(40, np.uint32) for name in features}
        peer = tflm.Interpreter.from_file(front) if tflm else None
        for k in range(49):
            frame = sound[None, 320 * k : 320 * k + 480]
            for name in ("linnet", "ONNX Runtime"):
                inputs = {"serving_default_audio_frame:0": frame, "noise_estimate": noise[name]}
                outputs = ["PartitionedCall:0", "noise_estimate_next"]
                got = linnet(front, inputs, outputs) if name == "linnet" else dict(zip(outputs, session.run(outputs, inputs)))
                features[name].append(got[outputs[0]].ravel())
                noise[name] = got[outputs[1]]
            if peer:
                peer.set_input(frame, 0)
                peer.invoke()
                features["micro"].append(peer.get_output(0).ravel().copy())
        for name in ("linnet", "ONNX Runtime") if peer else ():
            report(f"micro front end on {word} ({name})",
                   None if np.array_equal(features[name], features["micro"]) else "not TensorFlow Lite Micro's features")
        scores = linnet(model, {"Reshape_1": np.array(features["linnet"]).reshape(1, 1960)}, ["labels_softmax"])
        heard = int(scores["labels_softmax"].argmax())
        report(f"micro speech on {word}", None if heard == label else f"heard {heard}")


os.makedirs(WORK, exist_ok=True)
operators()
shared()
if os.path.isdir(SHARED + "/models"):
    yamnet()
    micro()
print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
sys.exit(counts["failed"] > 0)
