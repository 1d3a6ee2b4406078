#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Front ends of `linnet frontend` against librosa on real sound: at most 1e-5 relative on powers, 1e-3 dB on
logarithms; fbank against kaldi-native-fbank, which computes in floats: 1e-5 of the power or of the frame's strongest
band. Arguments: build folder, folder of .wav files. Last line: N passed, N failed, N skipped."""
import subprocess
import sys
import tempfile

import kaldi_native_fbank
import librosa
import numpy as np
import soundfile

build, sounds = sys.argv[1:3]
linnet = f"{build}/linnet"
passed = failed = 0


def mel(y, sr, **more):
    return librosa.feature.melspectrogram(y=y, sr=sr, **more)


SMALL = dict(n_fft=512, hop_length=160, win_length=400)
CASES = [  # options, the same by librosa, decibels
    ("", lambda y, sr: mel(y, sr), False),
    ("--htk --norm none --pad reflect --n-fft 512 --hop 160 --win 400 --n-mels 40 --fmin 50 --fmax 7000",
     lambda y, sr: mel(y, sr, htk=True, norm=None, pad_mode="reflect", n_mels=40, fmin=50, fmax=7000, **SMALL), False),
    ("--power 1 --window hamming --no-center --n-fft 1024 --hop 280",
     lambda y, sr: mel(y, sr, power=1, window="hamming", center=False, n_fft=1024, hop_length=280), False),
    ("-k spectrogram --n-fft 1000 --hop 250", lambda y, sr: np.abs(librosa.stft(y, n_fft=1000, hop_length=250)) ** 2,
     False),
    ("--log db", lambda y, sr: librosa.power_to_db(mel(y, sr)), True),
    ("-k mfcc --lifter 22 --n-mfcc 13", lambda y, sr: librosa.feature.mfcc(y=y, sr=sr, lifter=22, n_mfcc=13), True),
    ("-k mfcc --dct 3", lambda y, sr: librosa.feature.mfcc(y=y, sr=sr, dct_type=3), True),
]


def kaldi(y, sr):
    o = kaldi_native_fbank.FbankOptions()
    o.frame_opts.dither, o.frame_opts.samp_freq, o.frame_opts.snip_edges = 0, sr, True
    o.mel_opts.num_bins, o.mel_opts.low_freq, o.mel_opts.high_freq, o.energy_floor = 80, 20, 0, 0
    f = kaldi_native_fbank.OnlineFbank(o)
    f.accept_waveform(sr, y.tolist())
    f.input_finished()
    return np.stack([f.get_frame(i) for i in range(f.num_frames_ready)])


def front(options, sr, kind, work):
    subprocess.run([linnet, "frontend", "-o", f"{work}/f.onnx", "--sr", str(sr), *options.split()], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run([linnet, "run", f"{work}/f.onnx", "-i", f"audio={work}/audio.npy", "-o", f"{kind}={work}/out.npy"],
                   check=True, stdout=subprocess.DEVNULL)
    return np.load(f"{work}/out.npy")[0]


def judge(ok, name, text):
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f"FAIL: {name}: {text}")


with tempfile.TemporaryDirectory() as work:
    for path in (f"{sounds}/speech.wav", f"{sounds}/birdnet_48k_3s.wav"):
        y, sr = soundfile.read(path, dtype="float32")
        np.save(f"{work}/audio.npy", y[None])
        for options, reference, db in CASES:
            name = f"{path.rsplit('/', 1)[-1]} {options or 'defaults'}"
            got = front(options, sr, options.split()[1] if options.startswith("-k") else "mel", work)
            want = reference(y.astype(np.float64), sr)
            error = np.abs(got - want)
            error = error.max() if db else (error / np.abs(want).clip(1e-30)).max()
            judge(got.shape == want.shape and error <= (1e-3 if db else 1e-5), name, f"off by {error}, {got.shape}")
        got, want = front("-k fbank", sr, "fbank", work).astype(np.float64), kaldi(y, sr).astype(np.float64)
        power, error = np.exp(want), np.abs(np.exp(got) - np.exp(want))
        judge(got.shape == want.shape and (error <= 1e-5 * power + 1e-5 * power.max(1, keepdims=True)).all()
              and np.median(np.abs(got - want)) <= 1e-5, f"fbank {path}", f"off by {np.abs(got - want).max()}")
        # What a model wants of a front end: so many frames, 0 to 1, an axis for the channel.
        got = front(f"-k spectrogram --power 1 --n-fft 512 --hop 258 --samples {len(y)} --frames 100 --minmax --channel last",
                    sr, "spectrogram", work)
        want = np.abs(librosa.stft(y.astype(np.float64), n_fft=512, hop_length=258))[:, :100]
        want = ((want - want.min()) / (want.max() - want.min()))[..., None]
        judge(got.shape == want.shape and np.abs(got - want).max() <= 1e-6, f"frames, minmax, channel {path}", got.shape)
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed != 0)
