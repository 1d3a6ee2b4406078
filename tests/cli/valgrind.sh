#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# One run of each subcommand under valgrind: no leak, no error. A subcommand without a run here is a failure. Valgrind knows
# no AVX-512, so the tier is avx2 at most. Last line: "N passed, N failed, N skipped".
set -u
build=${1:-build}
linnet=$build/linnet
digits=models/digits/digits.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LINNET_CPU=avx2
passed=0 failed=0 code=0 done=' '
command -v valgrind >/dev/null || {
    echo "SKIP: no valgrind"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

clean() { # the subcommand and its arguments; it ends with exit code $code
    done="$done$1 "
    valgrind -q --leak-check=full --error-exitcode=99 --child-silent-after-fork=yes "$linnet" "$@" >"$work/out" 2>"$work/err"
    if [ $? -eq "$code" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: linnet $*"
        sed 's/^/    /' "$work/err" | head -n 30
    fi
}

# Half a second of a tone.
python3 - "$work" <<'END'
import math, os, struct, sys, wave
with wave.open(sys.argv[1] + "/tone.wav", "wb") as f:
    f.setparams((1, 2, 8000, 0, "NONE", ""))
    f.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(0.3 * i))) for i in range(4000)))
END

clean run $digits --random 1 --output "probabilities=$work/p.pb"
clean classify $digits models/digits/digit_1.png models/digits/digit_2.png
clean info $digits --memory
clean bench $digits --time 0.1 --threads 2 --json "$work/b.json" --trace "$work/t.json"
clean ops
clean kernels
clean optimize $digits -o "$work/o.onnx"
clean compile $digits -o "$work/c" --target cortex-m4
tflite=${LINNET_SHARED:-../shared}/models/mlperf-tiny/kws_ref_model.tflite
[ ! -f "$tflite" ] || clean convert "$tflite" -o "$work/kws.onnx"
code=2
clean convert models/digits/digit_1.png -o "$work/none.onnx"
code=0
clean frontend -k fbank --sr 8000 -o "$work/fbank.onnx"
clean listen "$work/fbank.onnx" "$work/tone.wav" --rate 8000 --window 0.25 --min -100 --csv "$work/l.csv" --png "$work/l.png"
"$linnet" frontend -k spectrogram --n-fft 4 --hop 2 --samples 10 -o "$work/ten.onnx" >"$work/out"
clean join $digits "$work/ten.onnx" -o "$work/j.onnx"
test=$work/suite/test_ten
mkdir -p "$test/test_data_set_0"
cp "$work/ten.onnx" "$test/model.onnx"
cp "$work/p.pb" "$test/test_data_set_0/input_0.pb"
"$linnet" run "$work/ten.onnx" -i "audio=$work/p.pb" -o "spectrogram=$test/test_data_set_0/output_0.pb" >"$work/out"
clean conformance "$work/suite"

for command in $("$linnet" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    case $done in *" $command "*) ;; *)
        failed=$((failed + 1))
        echo "FAIL: no run of '$command' in $0" ;;
    esac
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
