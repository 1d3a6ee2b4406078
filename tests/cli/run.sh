#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Every subcommand of the program, on the demo model and (where ../shared is there) on real ones; inputs in every
# format; bad use and bad input. Last line: "N passed, N failed, N skipped".
set -u
build=${1:-build}
linnet=$build/linnet
shared=${LINNET_SHARED:-../shared}
digits=models/digits/digits.onnx
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

good() { passed=$((passed + 1)); }
wrong() { failed=$((failed + 1)); echo "FAIL: $*"; sed 's/^/    /' "$work/out" "$work/err" 2>/dev/null | head -n 12; }
skip() { skipped=$((skipped + 1)); echo "SKIP: $*"; }

# exits CODE NAME COMMAND...: the exit code; what it says is in out and err
exits() {
    want=$1 name=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
    if [ "$code" -eq "$want" ]; then good; else wrong "$name: exit code $code, not $want"; return 1; fi
}
# says NAME PATTERN: the last command's output has it
says() { if grep -qE -- "$2" "$work/out"; then good; else wrong "$1: no '$2' in the output"; fi; }
# bad NAME PATTERN COMMAND...: exit code 2, a message "linnet: ..." with the pattern on stderr, nothing but that line
bad() {
    name=$1 pattern=$2
    shift 2
    exits 2 "$name" "$@" || return
    if [ "$(wc -l <"$work/err")" -eq 1 ] && grep -qE "^linnet: .*$pattern" "$work/err"; then
        good
    else
        wrong "$name: the message does not have '$pattern'"
    fi
}

# -- help ---------------------------------------------------------------------------------------------------------
exits 0 help "$linnet" --help && says help 'linnet COMMAND'
exits 0 version "$linnet" --version && says version '^linnet [0-9]+\.[0-9]+\.[0-9]+$'
exits 2 'no command' "$linnet"
for command in run classify listen info bench conformance ops optimize kernels; do
    exits 0 "$command --help" "$linnet" $command --help && says "$command --help" "usage: linnet $command "
    for option in $(sed -n 's/^  .. --\([a-z-]*\).*/\1/p' "$work/out"); do
        [ "$option" = help ] || grep -q -- "$(echo "--$option" | sed 's/-/\\\\-/g')" docs/linnet.1 ||
            wrong "the man page does not have --$option of $command"
    done
done
bad 'unknown command' "'frobnicate'" "$linnet" frobnicate
bad 'unknown option' "'--frob'" "$linnet" info $digits --frob
bad 'option without value' '--json' "$linnet" bench $digits --json
bad 'option twice' '--seed|--random is given twice' "$linnet" run $digits --random 1 --random 2
bad 'no number' "'x'" "$linnet" run $digits --random x
bad 'too few arguments' 'usage' "$linnet" classify $digits
bad 'too many arguments' "'b'" "$linnet" info $digits b

# -- bad models ---------------------------------------------------------------------------------------------------
bad 'no file' 'no-such.onnx' "$linnet" info no-such.onnx
: >"$work/empty.onnx"
bad 'empty model' 'empty.onnx' "$linnet" info "$work/empty.onnx"
head -c 60000 $digits >"$work/cut.onnx"
bad 'truncated model' 'cut.onnx' "$linnet" run "$work/cut.onnx" --random 1
bad 'not a model' 'digit_0.png' "$linnet" info models/digits/digit_0.png
bad 'a folder' 'models' "$linnet" info models

# -- run ----------------------------------------------------------------------------------------------------------
exits 0 'run --random' "$linnet" run $digits --random 7 && says 'run --random' '^probabilities: float32\[1,10\] '
cp "$work/out" "$work/first"
exits 0 'run again' "$linnet" run $digits --random 7 && { cmp -s "$work/out" "$work/first" && good || wrong 'a seed gives the same numbers'; }
exits 0 'run --dim' "$linnet" run $digits --random 7 --dim batch=3 && says 'run --dim' 'float32\[3,10\]'
exits 0 'run --shape' "$linnet" run $digits --random 7 --shape image=2x1x8x8 && says 'run --shape' 'float32\[2,10\]'
exits 0 'run --threads' "$linnet" run $digits --random 7 --threads 2 --disable-passes all && says 'run --threads' 'float32\[1,10\]'
exits 0 'run --values' "$linnet" run $digits --random 7 --values 0 && says 'run --values' 'float32\[1,10\] \.\.\.$'
for end in npy pb bin; do
    exits 0 "write .$end" "$linnet" run $digits --input image=models/digits/digit_3.png --output "probabilities=$work/p.$end"
done
[ "$(wc -c <"$work/p.bin")" -eq 40 ] && good || wrong 'raw output is 40 bytes'
[ "$(tail -c 40 "$work/p.npy" | cksum)" = "$(cksum <"$work/p.bin")" ] && good || wrong '.npy and raw have the same bytes'

# the same picture in every format gives the same answer
exits 0 'png input' "$linnet" run $digits --input image=models/digits/digit_3.png --values 10
cp "$work/out" "$work/png"
same() { cmp -s "$work/out" "$work/png" && good || wrong "$1 gives another answer than the PNG"; }
if command -v python3 >/dev/null; then
    python3 - "$work" <<'P'
import struct, sys, zlib
# digit_3.png by hand: 8-bit gray, one IDAT, any filter
data = open("models/digits/digit_3.png", "rb").read()
at, idat = 8, b""
while at < len(data):
    n, kind = struct.unpack(">I4s", data[at:at + 8])
    if kind == b"IDAT":
        idat += data[at + 8:at + 8 + n]
    at += 12 + n
raw, rows = zlib.decompress(idat), []
for y in range(8):
    f, line = raw[9 * y], bytearray(raw[9 * y + 1:9 * y + 9])
    up = rows[-1] if rows else bytes(8)
    for x in range(8):
        a, b, c = line[x - 1] if x else 0, up[x], up[x - 1] if x else 0
        p = a + b - c
        paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        line[x] = (line[x] + [0, a, b, (a + b) // 2, paeth][f]) & 255
    rows.append(bytes(line))
pixels = b"".join(rows)
floats = struct.pack("<64f", *pixels)
folder = sys.argv[1]
open(folder + "/x.bin", "wb").write(floats)

def npy(order, fortran, shape, body):
    head = "{'descr': '%sf4', 'fortran_order': %s, 'shape': %s, }" % (order, fortran, shape)
    head += " " * (117 - len(head)) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + body

plain = npy("<", False, "(1, 1, 8, 8)", floats)
open(folder + "/x.npy", "wb").write(plain)
open(folder + "/big.npy", "wb").write(npy(">", False, "(1, 1, 8, 8)", struct.pack(">64f", *pixels)))
turned = [pixels[8 * y + x] for x in range(8) for y in range(8)]
open(folder + "/fortran.npy", "wb").write(npy("<", True, "(1, 1, 8, 8)", struct.pack("<64f", *turned)))
open(folder + "/cut.npy", "wb").write(plain[:-4])
open(folder + "/wide.npy", "wb").write(npy("<", False, "(1, 1, 8, 9)", floats + floats[:32]))

import zipfile
for name, how in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
    with zipfile.ZipFile(folder + "/%s.npz" % name, "w", how) as z:
        z.writestr("other.npy", plain[:-4])
        z.writestr("image.npy", plain)
# TensorProto: dims 1 1 8 8, float, raw
proto = bytes([8, 1, 8, 1, 8, 8, 8, 8, 16, 1, 0x4a, 0x80, 2]) + floats
open(folder + "/x.pb", "wb").write(proto)
# BMP, 24 bits, from the bottom and from the top, and 8 bits with a palette
def bmp(name, height, bits, body, palette=b""):
    start = 54 + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
    head += struct.pack("<IiiHHIIiiII", 40, 8, height, 1, bits, 0, len(body), 0, 0, len(palette) // 4, 0)
    open(folder + "/" + name, "wb").write(head + palette + body)
rgb = [b"".join(bytes([v] * 3) for v in r) for r in rows]
bmp("up.bmp", 8, 24, b"".join(reversed(rgb)))
bmp("down.bmp", -8, 24, b"".join(rgb))
bmp("palette.bmp", 8, 8, b"".join(reversed(rows)), b"".join(bytes([i, i, i, 0]) for i in range(256)))
bmp("cut.bmp", 8, 24, b"".join(rgb)[:-9])
P
    for file in x.npy big.npy fortran.npy stored.npz deflated.npz x.pb x.bin up.bmp down.bmp palette.bmp; do
        exits 0 "$file" "$linnet" run $digits --input "image=$work/$file" --values 10 && same "$file"
    done
    exits 0 'npz without a name' "$linnet" run $digits --input "$work/stored.npz" --values 10 && same 'stored.npz'
    bad 'cut .npy' 'cut.npy' "$linnet" run $digits --input "image=$work/cut.npy"
    bad 'wrong shape' 'wide.npy.*image' "$linnet" run $digits --input "image=$work/wide.npy"
    bad 'cut BMP' 'cut.bmp' "$linnet" run $digits --input "image=$work/cut.bmp"
else
    skip 'input formats: no python3'
fi
head -c 100 models/digits/digit_1.png >"$work/cut.png"
bad 'cut PNG' 'cut.png' "$linnet" run $digits --input "image=$work/cut.png"
echo hello >"$work/text.jpg"
bad 'text as JPEG' 'text.jpg' "$linnet" run $digits --input "image=$work/text.jpg"
head -c 17 models/digits/digit_1.png >"$work/short.bin"
bad 'raw of a wrong size' 'short.bin.*17 bytes' "$linnet" run $digits --input "image=$work/short.bin"
bad 'raw npz' 'npz' "$linnet" run $digits --input "image=$work/none.npz"
bad 'unknown input' 'nosuch' "$linnet" run $digits --input nosuch=x.npy
bad 'unknown output' 'nosuch' "$linnet" run $digits --random 1 --output nosuch=x.npy
bad 'input without a value' "'image'" "$linnet" run $digits
bad 'unknown dimension' 'nosuch' "$linnet" run $digits --random 1 --dim nosuch=3
bad 'shape of another rank' 'image' "$linnet" run $digits --random 1 --shape image=1x8x8
bad 'no shape' "'1xq'" "$linnet" run $digits --random 1 --shape image=1xq
bad 'unwritable output' 'no/such/p.npy' "$linnet" run $digits --random 1 --output "probabilities=$work/no/such/p.npy"
bad 'unknown preset' "'nosuch'" "$linnet" run $digits --input image=models/digits/digit_1.png --preset nosuch

# -- classify -----------------------------------------------------------------------------------------------------
exits 0 classify "$linnet" classify $digits models/digits/digit_*.png --top 1
right=$(awk '/^models/ { digit = substr($1, length($1) - 4, 1) } /^ / { right += $2 == digit } END { print right + 0 }' "$work/out")
[ "$right" -ge 9 ] && good || wrong "only $right of 10 digits are recognised"
printf 'null\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n' >"$work/labels"
exits 0 'classify --labels' "$linnet" classify $digits models/digits/digit_4.png --labels "$work/labels" --top 1 && says 'classify --labels' ' four$'
exits 0 'classify by hand' "$linnet" classify $digits models/digits/digit_4.png --resize pad --scale 1 --mean 0,0,0 --std 1 --layout nchw --top 1 && says 'classify by hand' ' 4$'
bad 'unknown preset' "'nosuch'" "$linnet" classify $digits models/digits/digit_4.png --preset nosuch
bad 'three numbers' "'1,2'" "$linnet" classify $digits models/digits/digit_4.png --mean 1,2
bad 'unknown layout' "'hwc'" "$linnet" classify $digits models/digits/digit_4.png --layout hwc
bad 'no image' 'nosuch.png' "$linnet" classify $digits nosuch.png
if [ -e "$shared/models/mobilenetv2-qdq/model.onnx" ]; then
    labels=$shared/models/mobilenetv2-tflite/imagenet_labels.txt
    for pair in 'kitten_224.png:[^a-z]cat|tabby' 'fish_720.png:tench' 'cat.bmp:[^a-z]cat|tabby' 'hot_dog.jpg:hotdog'; do
        image=${pair%%:*}
        exits 0 "classify $image" "$linnet" classify "$shared/models/mobilenetv2-qdq/model.onnx" "$shared/inputs/$image" \
            --labels "$labels" --top 5 && says "classify $image" "${pair#*:}"
    done
    exits 0 'ZipMap' "$linnet" classify "$shared/models/squeezenet-snacks/squeezenet_tensor_input.onnx" \
        "$shared/inputs/hot_dog.jpg" --preset raw --bgr --top 3 && says 'ZipMap' '0\.[0-9]+  [A-Z]'
else
    skip "classify real images: $shared/models is not here"
fi

# -- listen -------------------------------------------------------------------------------------------------------
bad 'a model of pictures' 'no input of samples' "$linnet" listen $digits nosuch.wav

# -- info ---------------------------------------------------------------------------------------------------------
exits 0 info "$linnet" info $digits && says info 'image: float32\[batch,1,8,8\]' && says info 'unsupported: none' &&
    says info 'multiply-adds: 3[0-9][0-9] K' && says info '    2 Conv$'
exits 0 'info --memory' "$linnet" info $digits --memory --dim batch=4 && says 'info --memory' 'run memory: .* in one block'
exits 0 'info --after=import' "$linnet" info $digits --after=import && says 'info --after=import' 'MaxPool\(r2\)'
exits 0 'info --after=all' "$linnet" info $digits --after=all --why && says 'info --after=all' 'Conv\('
exits 0 'info --dot' "$linnet" info $digits --dot && says 'info --dot' '^digraph'
bad 'unknown pass' "'nosuch'" "$linnet" info $digits --after=nosuch

# -- bench --------------------------------------------------------------------------------------------------------
exits 0 bench "$linnet" bench $digits --time 0.05 --threads 2 --steps --json "$work/b.json" --trace "$work/t.json" &&
    says bench 'median .* ms of [0-9]+ runs' && says bench '^Conv +2 '
if command -v python3 >/dev/null; then
    exits 0 'JSON of bench' python3 -c 'import json, sys
b, t = (json.load(open(f)) for f in sys.argv[1:])
assert b["median_seconds"] > 0 and b["gflops"] > 0 and any(o["operator"] == "Conv" for o in b["operators"])
assert any(e["name"] == "Conv" and e["ph"] == "X" for e in t["traceEvents"])' "$work/b.json" "$work/t.json"
fi
bad 'unwritable trace' 'no/such' "$linnet" bench $digits --time 0 --trace "$work/no/such"

# -- ops, kernels, optimize ---------------------------------------------------------------------------------------
exits 0 ops "$linnet" ops 'Conv*' && says ops '^ai.onnx +Conv '
exits 0 'ops --markdown' "$linnet" ops --markdown && says 'ops --markdown' '^\| ai.onnx \| Elu \|'
exits 0 'ops --json' "$linnet" ops --json && says 'ops --json' '"operator": "Elu"'
exits 1 'ops without a match' "$linnet" ops Nosuch
exits 0 kernels "$linnet" kernels 'relu*' && says kernels '^relu_f32 +scalar'
exits 0 'kernels, capped' env LINNET_CPU=scalar "$linnet" kernels && says 'kernels, capped' 'scalar runs$'
# How fast the machine is at the moment decides between 0 and 1.
exits 0 'kernels --assert' sh -c "LINNET_CPU=scalar $linnet kernels --assert $digits --time 0.01 || [ \$? -eq 1 ]" &&
    says 'kernels --assert' '^[0-8] of 8 steps lag the best of 2 candidates'
bad 'kernels --assert, no model' 'takes one model' "$linnet" kernels --assert
exits 0 'kernels --json' "$linnet" kernels --json && says 'kernels --json' '"running":'
exits 0 optimize "$linnet" optimize $digits -o "$work/o.onnx" && {
    exits 0 'run the optimised' "$linnet" run "$work/o.onnx" --input image=models/digits/digit_3.png --values 10 && same 'the optimised model'
}
bad 'optimize without -o' '--output' "$linnet" optimize $digits
bad 'unwritable model' 'no/such' "$linnet" optimize $digits -o "$work/no/such.onnx"

# -- conformance --------------------------------------------------------------------------------------------------
mkdir -p "$work/suite/test_digits/test_data_set_0" "$work/suite/test_wrong/test_data_set_0" "$work/suite/test_cut/test_data_set_0"
for test in digits wrong; do
    cp $digits "$work/suite/test_$test/model.onnx"
    cp "$work/x.pb" "$work/suite/test_$test/test_data_set_0/input_0.pb" 2>/dev/null
done
"$linnet" run $digits --input "image=$work/x.pb" --output "probabilities=$work/suite/test_digits/test_data_set_0/output_0.pb" >/dev/null 2>&1
"$linnet" run $digits --random 3 --output "probabilities=$work/suite/test_wrong/test_data_set_0/output_0.pb" >/dev/null 2>&1
cp "$work/cut.onnx" "$work/suite/test_cut/model.onnx"
exits 1 conformance "$linnet" conformance "$work/suite" -j 2 --json "$work/c.json" --junit "$work/c.xml" &&
    says conformance '^pass test_digits$' && says conformance "^fail test_wrong: output 'probabilities'" &&
    says conformance '^fail test_cut: load: ' && says conformance '^3 tests: 1 passed, 2 failed, 0 unsupported, 0 skipped$'
grep -q '<testcase .*name="test_wrong".*<failure' "$work/c.xml" && good || wrong 'JUnit names the failure'
grep -q '"fail": 2' "$work/c.json" && good || wrong 'JSON counts the failures'
exits 0 'conformance --only' "$linnet" conformance "$work/suite" --only '*dig*' --hash && says 'conformance --only' '^pass test_digits: [0-9a-f]{16}$'
printf '# known\nfail test_wrong: why not\nfail test_cut\n' >"$work/expect"
exits 0 'conformance --expect' "$linnet" conformance "$work/suite" --expect "$work/expect"
echo 'unsupported test_digits' >>"$work/expect"
exits 1 'conformance, another verdict' "$linnet" conformance "$work/suite" --quiet --expect "$work/expect" &&
    says 'conformance, another verdict' '^unexpected pass test_digits \(unsupported'
bad 'no folder' 'nosuch' "$linnet" conformance nosuch
bad 'no tests' 'no tests' "$linnet" conformance docs
bad 'no such test' 'no tests found that --only names' "$linnet" conformance "$work/suite" --only nosuch

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
