#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Front ends of `linnet frontend` against librosa on real sound: at most 1e-5 relative on powers, 1e-3 dB on
logarithms. Arguments: build folder, folder of .wav files. Last line: N passed, N failed, N skipped."""
import subprocess
import sys
import tempfile

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

with tempfile.TemporaryDirectory() as work:
    for path in (f"{sounds}/speech.wav", f"{sounds}/birdnet_48k_3s.wav"):
        y, sr = soundfile.read(path, dtype="float32")
        np.save(f"{work}/audio.npy", y[None])
        for options, reference, db in CASES:
            name = f"{path.rsplit('/', 1)[-1]} {options or 'defaults'}"
            subprocess.run([linnet, "frontend", "-o", f"{work}/f.onnx", "--sr", str(sr), *options.split()], check=True,
                           stdout=subprocess.DEVNULL)
            kind = options.split()[1] if options.startswith("-k") else "mel"
            subprocess.run([linnet, "run", f"{work}/f.onnx", "-i", f"audio={work}/audio.npy", "-o",
                            f"{kind}={work}/out.npy"], check=True, stdout=subprocess.DEVNULL)
            got = np.load(f"{work}/out.npy")[0]
            want = reference(y.astype(np.float64), sr)
            error = np.abs(got - want)
            error = error.max() if db else (error / np.abs(want).clip(1e-30)).max()
            if got.shape == want.shape and error <= (1e-3 if db else 1e-5):
                passed += 1
            else:
                failed += 1
                print(f"FAIL: {name}: off by {error}, {got.shape}")
print(f"{passed} passed, {failed} failed, 0 skipped")
sys.exit(failed != 0)
