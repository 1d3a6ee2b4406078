#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linnet beside published outputs, or ONNX Runtime where none are published, on every model of ../shared/models and on
the nine light networks of the ONNX suite with seeded random weights; with graph passes on and off.

    tests/compare.sh BUILD [SUBSTRING]...      only the cases whose name has one of the substrings

Tolerances: |a - b| <= 1e-5 + 1e-3 |b|, integers and strings exactly. ONNX Runtime runs as it does by default. The last
line is "N passed, N failed, N skipped".
"""
import glob
import os
import shutil
import subprocess
import sys
import wave

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

sys.path.insert(0, "bench")
import networks

BUILD = sys.argv[1]
ONLY = sys.argv[2:]
SHARED = os.environ.get("LINNET_SHARED", "../shared")
MODELS = os.path.join(SHARED, "models")
LINNET = os.path.join(BUILD, "linnet")
WORK = os.path.join(BUILD, "compare")
RTOL, ATOL = 1e-3, 1e-5
passed = failed = skipped = 0


class Failure(Exception):
    pass


# -- running ------------------------------------------------------------------------------------------------------


def linnet(path, inputs, disable=None):
    """All outputs by name. Sequences of maps come as lists of dictionaries."""
    shutil.rmtree(WORK + "/io", ignore_errors=True)
    os.makedirs(WORK + "/io")
    model = onnx.load(path, load_external_data=False)
    command = [LINNET, "run", path]
    for i, (name, value) in enumerate(inputs.items()):
        np.save(f"{WORK}/io/in{i}.npy", value)
        command += ["--input", f"{name}={WORK}/io/in{i}.npy"]
    files = {}
    for i, out in enumerate(model.graph.output):
        end = "npy" if out.type.WhichOneof("value") == "tensor_type" else "pb"
        files[out.name] = f"{WORK}/io/out{i}.{end}"
        command += ["--output", f"{out.name}={files[out.name]}"]
    if disable:
        command += ["--disable-passes", disable]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Failure((done.stderr or done.stdout).strip() or f"exit code {done.returncode}")
    return {name: np.load(f) if f.endswith("npy") else read_maps(f) for name, f in files.items()}


def read_maps(path):
    sequence = onnx.SequenceProto()
    with open(path, "rb") as f:
        sequence.ParseFromString(f.read())
    return [numpy_helper.to_dict(m) for m in sequence.map_values]


def runtime(path, inputs):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs)))


# -- comparing ----------------------------------------------------------------------------------------------------


def difference(got, want):
    """The largest |a - b| / (ATOL + RTOL |b|): at most 1 is well."""
    if isinstance(want, list):
        if len(got) != len(want):
            raise Failure(f"{len(got)} items, not {len(want)}")
        worst = 0.0
        for a, b in zip(got, want):
            a = {k.decode() if isinstance(k, bytes) else k: v for k, v in a.items()}
            if a.keys() != b.keys():
                raise Failure("the keys of a map differ")
            worst = max([worst] + [difference(np.asarray(a[k]).reshape(()), np.asarray(b[k])) for k in b])
        return worst
    want = np.asarray(want)
    if got.shape != want.shape:
        raise Failure(f"shape {got.shape}, not {want.shape}")
    if want.dtype.kind in "OUS":
        text = [s.decode() if isinstance(s, bytes) else str(s) for s in got.reshape(-1)]
        return 0.0 if text == [str(s) for s in want.reshape(-1)] else np.inf
    if want.dtype.kind in "biu":
        return 0.0 if np.array_equal(got, want) else np.inf
    if want.size == 0:
        return 0.0
    a, b = got.astype(np.float64), want.astype(np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        off = np.where(same, 0, np.abs(a - b) / (ATOL + RTOL * np.abs(b)))
    return float(np.max(np.where(np.isnan(off), np.inf, off)))


def report(name, against, passes, error, worst):
    global passed, failed
    if error is None and worst > 1:
        error = "differs"
    passed, failed = passed + (error is None), failed + (error is not None)
    print(f"{'fail' if error else 'pass':5} {name:52} {against:10} {passes:4} {worst:9.2g} {error or ''}", flush=True)


def check(name, path, inputs, want=None):
    """want: published outputs, by name or in order; None: ONNX Runtime is asked."""
    if ONLY and not any(o in name for o in ONLY):
        return
    against = "published" if want is not None else "ORT"
    if want is None:
        want = runtime(path, inputs)
    for passes, disable in (("on", None), ("off", "all")):
        worst, error = 0.0, None
        try:
            got = linnet(path, inputs, disable)
            for key in want:
                worst = max(worst, difference(got[key], want[key]))
        except Failure as e:
            error = str(e)
        report(name, against, passes, error, worst)


# -- inputs -------------------------------------------------------------------------------------------------------


def seeded(*shape, scale=1.0, shift=0.0):
    rng = np.random.default_rng(sum(shape) + len(shape))
    return (rng.standard_normal(shape) * scale + shift).astype(np.float32)


def ids(limit, *shape):
    return np.random.default_rng(sum(shape)).integers(0, limit, shape).astype(np.int64)


def published_sets():
    for path in sorted(glob.glob(f"{MODELS}/*/*.onnx")):
        graph = onnx.load(path, load_external_data=False).graph
        weights = {i.name for i in graph.initializer}
        names = [i.name for i in graph.input if i.name not in weights]
        for folder in sorted(glob.glob(os.path.dirname(path) + "/test_data_set_*")):
            values = {}
            for kind, keys in (("input", names), ("output", [o.name for o in graph.output])):
                for i, key in enumerate(keys):
                    tensor = onnx.TensorProto()
                    with open(f"{folder}/{kind}_{i}.pb", "rb") as f:
                        tensor.ParseFromString(f.read())
                    values[kind, key] = numpy_helper.to_array(tensor)
            check(f"{os.path.relpath(path, MODELS)} {folder[-1]}", path,
                  {k: v for (kind, k), v in values.items() if kind == "input"},
                  {k: v for (kind, k), v in values.items() if kind == "output"})
        archive = os.path.dirname(path) + "/io.npz"
        if os.path.exists(archive):
            arrays = dict(np.load(archive))
            inputs = {n: arrays[n] for n in names}
            outputs = {o.name for o in graph.output}
            want = {k: v for k, v in arrays.items() if k in outputs}
            if not want:  # the publisher's name of the only output is an inner one
                want = {graph.output[0].name: v for k, v in arrays.items() if k not in inputs}
            check(f"{os.path.relpath(path, MODELS)} io", path, inputs, want)


def beside_runtime():
    """Models without published outputs, and every model with free dimensions at two sizes."""
    cases = []

    def add(model, label, **inputs):
        cases.append((f"{model} {label}", f"{MODELS}/{model}", inputs))

    for n, length in ((1, 3), (2, 8)):  # it has 8 positions
        add("gpt2-graph/GPT2Model.onnx", f"{n}x{length}", input_ids=ids(18, n, length))
    for n, length in ((1, 7), (2, 19)):
        mask = np.ones((n, length), np.int64)
        mask[-1, length // 2:] = 0
        add("tinybert-untrained/tinybert.onnx", f"{n}x{length}", input_ids=ids(1656, n, length), attention_mask=mask,
            token_type_ids=ids(2, n, length))
        add("sentence-lstm/model.onnx", f"{n}x{length}", input=ids(128, n, length).astype(np.uint8))
    for n in (1, 5):
        add("lgbm/model.onnx", f"{n}", input=seeded(n, 13))
        add("xgboost/model.onnx", f"{n}", input=seeded(n, 13))
        add("qlstm/model.onnx", f"{n}", input=seeded(n, 3))
        add("wakeword/embedding_model.onnx", f"{n}", input_1=seeded(n, 76, 32, 1, shift=2))
    for n in (1, 2):
        add("mobilenetv2-qdq/model.onnx", f"{n}", image=seeded(n, 3, 244, 244))
        add("squeezenet-snacks/squeezenet_tensor_input.onnx", f"{n}", data=seeded(n, 3, 227, 227, scale=64, shift=128))
        add("super-resolution/model.onnx", f"{n}", input=seeded(n, 1, 224, 224))
        add("micro-kws/micro_kws_m_static_qdq.onnx", f"{n}",
            **{"serving_default_input:0": np.abs(seeded(n, 1960, scale=30))})
    for kind in ("fp32", "qoperator"):
        add(f"micro-kws/micro_kws_m_static_{kind}.onnx", "1",
            **{"serving_default_input:0": np.abs(seeded(1, 1960, scale=30))})
    add("mnist-external/mnist.onnx", "1", input=seeded(1, 1, 28, 28))
    for kind in ("RFB", "slim"):
        add(f"ultraface/version-{kind}-320.onnx", "1", input=seeded(1, 3, 240, 320))
    add("yolox-nano/yolox_nano.onnx", "1", images=seeded(1, 3, 416, 416, scale=64, shift=114))
    for n in (1280, 16000):
        add("wakeword/melspectrogram.onnx", f"1x{n}", input=seeded(1, n, scale=1000))
    add("wakeword/alexa_v0.1.onnx", "1", **{"onnx::Flatten_0": seeded(1, 16, 96, scale=10)})
    for n in (1, 3):
        add("silero-vad/silero_vad.onnx", f"{n}x576", input=seeded(n, 576, scale=0.1),
            state=seeded(2, n, 128, scale=0.1), sr=np.array(16000, np.int64))
    add("silero-vad/silero_vad.onnx", "1x288 8 kHz", input=seeded(1, 288, scale=0.1), state=seeded(2, 1, 128, scale=0.1),
        sr=np.array(8000, np.int64))
    for case in cases:
        check(*case)


# -- whole tasks --------------------------------------------------------------------------------------------------


def samples(name):
    with wave.open(f"{SHARED}/inputs/{name}.wav") as w:
        return np.frombuffer(w.readframes(w.getnframes()), np.int16)


def wakeword():
    """As openWakeWord does it: mel frames / 10 + 2, windows of 76 frames every 8, 16 embeddings to a decision. The clip
    is shorter than a decision, so there is silence before and after."""
    if ONLY and not any(o in "wakeword chain" for o in ONLY):
        return
    best, error = 0.0, None
    try:
        clip = samples("alexa_test").astype(np.float32)
        audio = np.concatenate([np.zeros(32000, np.float32), clip, np.zeros(16000, np.float32)])[None]
        mel = linnet(f"{MODELS}/wakeword/melspectrogram.onnx", {"input": audio})["output"].reshape(-1, 32) / 10 + 2
        windows = np.stack([mel[i:i + 76] for i in range(0, len(mel) - 75, 8)])[..., None].astype(np.float32)
        features = linnet(f"{MODELS}/wakeword/embedding_model.onnx", {"input_1": windows})["conv2d_19"].reshape(-1, 96)
        for i in range(len(features) - 15):
            out = linnet(f"{MODELS}/wakeword/alexa_v0.1.onnx", {"onnx::Flatten_0": features[None, i:i + 16]})
            best = max(best, float(out["13"].max()))
        if best < 0.5:
            error = f"the highest score is {best:.3f}, below 0.5"
    except Failure as e:
        error = str(e)
    report(f"wakeword chain on alexa_test.wav: score {best:.3f}", "0.5", "on", error, 0)


def voice():
    """Silero over two seconds of speech, chunk by chunk with the state carried on, beside ONNX Runtime."""
    name = "silero-vad on speech_20s.wav"
    if ONLY and not any(o in name for o in ONLY):
        return
    path, worst, error, most = f"{MODELS}/silero-vad/silero_vad.onnx", 0.0, None, 0.0
    audio = np.concatenate([np.zeros(64, np.float32), samples("speech_20s").astype(np.float32) / 32768])
    state = {"a": np.zeros((2, 1, 128), np.float32), "b": np.zeros((2, 1, 128), np.float32)}
    try:
        for i in range(64):
            chunk = {"input": audio[None, 512 * i:512 * i + 576], "sr": np.array(16000, np.int64)}
            want = runtime(path, dict(chunk, state=state["a"]))
            got = linnet(path, dict(chunk, state=state["b"]))
            state = {"a": want["stateN"], "b": got["stateN"]}
            most = max(most, float(got["output"].max()))
            worst = max(worst, difference(got["output"], want["output"]))
        if most < 0.5:
            error = f"no speech found: at most {most:.3f}"
    except Failure as e:
        error = str(e)
    report(f"{name}: {most:.3f} at most", "ORT", "on", error, worst)


# -- the light networks with weights that mean something ----------------------------------------------------------


def random_weights(source, target, inputs):
    """The last layer is scaled so that a softmax behind it does not saturate."""
    model = onnx.load(source)
    nodes = networks.random_weights(model)
    if nodes[-1].op_type == "Softmax":
        logits = nodes[-1].input[0]
        outputs = list(model.graph.output)
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(logits))
        onnx.save(model, target)
        spread = float(np.std(runtime(target, inputs)[logits]))
        del model.graph.output[:]
        model.graph.output.extend(outputs)
        last = [n for n in nodes if n.op_type in ("Conv", "Gemm")][-1]
        for w in model.graph.initializer:
            if w.name in last.input[1:]:
                w.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(w) * np.float32(2 / spread), w.name))
    onnx.save(model, target)


def light():
    for source in sorted(glob.glob(f"{SHARED}/onnx-suite/light/*.onnx")):
        name = os.path.basename(source)
        if ONLY and not any(o in name for o in ONLY):
            continue
        target = f"{WORK}/{name}"
        graph = onnx.load(source).graph
        constant = {i.name for i in graph.initializer} | {n.output[0] for n in graph.node if n.op_type == "ConstantOfShape"}
        first = next(i for i in graph.input if i.name not in constant)
        shape = [d.dim_value or 1 for d in first.type.tensor_type.shape.dim]
        inputs = {first.name: seeded(*shape)}
        random_weights(source, target, inputs)
        check(f"{name}, random weights", target, inputs)
        os.remove(target)


def generated():
    """The networks of bench/networks.py, the large ones in small."""
    small = {"bert_base": dict(layers=2, width=64, length=21, heads=4), "resnet_18": None,
             "gpt_step": dict(layers=2, width=64, heads=4, past=7, words=50),
             "conformer": dict(blocks=1, width=32, frames=60, kernel=7), "tcn": dict(repeats=1, blocks=4, samples=2000)}
    for network in networks.NETWORKS:
        name, sizes = network.__name__, small.get(network.__name__, {})
        if sizes is None or ONLY and not any(o in name for o in ONLY):
            continue
        path = f"{WORK}/{name}.onnx"
        network(**sizes).save(path)
        inputs = {}
        for i in onnx.load(path).graph.input:
            shape = [d.dim_value for d in i.type.tensor_type.shape.dim]
            if i.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
                inputs[i.name] = seeded(*shape)
            else:
                inputs[i.name] = ids(2 if "mask" in i.name else 50, *shape)
        check(f"{name}, generated", path, inputs)
        os.remove(path)


def main():
    global skipped
    if not os.path.isdir(MODELS):
        print(f"SKIP: {MODELS} is not here")
        skipped += 1
    else:
        os.makedirs(WORK, exist_ok=True)
        print(f"{'':5} {'model and input':52} {'against':10} {'pass':4} {'error/tol':>9}")
        published_sets()
        beside_runtime()
        wakeword()
        voice()
        light()
        generated()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)


main()
