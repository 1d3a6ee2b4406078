#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing on Debian and Ubuntu, as root or with sudo, and says what it installs; elsewhere it says what
# to install. Levels: build (the default), test, bench; each holds the ones before it; firmware holds build and what
# `make firmware` needs; targets holds build and the compilers and emulators of other machines. Silent where nothing is missing.
set -eu

level=${1:-build}
missing=
have() { command -v "$1" >/dev/null 2>&1; }
need() { # package, then what shows that it is there: a program, a header, a pkg-config file
    case $2 in
    *.pc) pkg-config --exists "${2%.pc}" 2>/dev/null && return 0 ;;
    *.h) for d in /usr/include /usr/include/* /usr/local/include; do
             [ -e "$d/$2" ] && return 0
         done ;;
    *) have "$2" && return 0 ;;
    esac
    missing="$missing $1"
}

case $level in build | test | bench | firmware | targets) ;; *)
    echo "usage: tools/setup.sh [build|test|bench|firmware|targets]" >&2
    exit 2 ;;
esac

have cc || need gcc gcc
need libc6-dev stdio.h
need make make
need protobuf-c-compiler protoc-c
need libprotobuf-c-dev protobuf-c/protobuf-c.h
need libpng-dev png.h
need libjpeg-dev jpeglib.h
need zlib1g-dev zlib.h
need libsndfile1-dev sndfile.h
need libsamplerate0-dev samplerate.h
need pkg-config pkg-config
if [ "$level" = test ] || [ "$level" = bench ]; then
    need libwebp-dev webp/decode.h
    need libtiff-dev tiffio.h
    need libopenjp2-7-dev openjpeg.h
    need libcmocka-dev cmocka.h
    need clang clang
    need clang-format clang-format
    need valgrind valgrind
    need python3 python3
    python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
fi
if [ "$level" = bench ]; then
    need g++ g++
    need libbenchmark-dev benchmark/benchmark.h
    need libfftw3-dev fftw3.h
    need time /usr/bin/time
    need libkissfft-dev kissfft/kiss_fftr.h
    need libdnnl-dev oneapi/dnnl/dnnl.h
    need libopenblas-dev cblas.h
fi
if [ "$level" = firmware ]; then
    need gcc-arm-none-eabi arm-none-eabi-gcc
    [ -e /usr/include/newlib/string.h ] || [ -e /usr/lib/arm-none-eabi/include/string.h ] || missing="$missing libnewlib-arm-none-eabi"
    need gcc-riscv64-unknown-elf riscv64-unknown-elf-gcc
    [ -e /usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs ] || missing="$missing picolibc-riscv64-unknown-elf"
    need clang-19 clang-19
    need gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
    [ -e /usr/aarch64-linux-gnu/include/stdio.h ] || missing="$missing libc6-dev-arm64-cross"
    need qemu-system-arm qemu-system-arm
    need qemu-system-misc qemu-system-riscv64
fi
if [ "$level" = targets ]; then
    need gcc-aarch64-linux-gnu aarch64-linux-gnu-gcc
    [ -e /usr/aarch64-linux-gnu/include/stdio.h ] || missing="$missing libc6-dev-arm64-cross"
    need gcc-arm-linux-gnueabihf arm-linux-gnueabihf-gcc
    [ -e /usr/arm-linux-gnueabihf/include/stdio.h ] || missing="$missing libc6-dev-armhf-cross"
    need gcc-riscv64-linux-gnu riscv64-linux-gnu-gcc
    [ -e /usr/riscv64-linux-gnu/include/stdio.h ] || missing="$missing libc6-dev-riscv64-cross"
    need clang-19 clang-19
    need lld-19 ld.lld-19
    need llvm-19 llvm-mca-19
    [ -e /usr/include/wasm32-wasi/stdio.h ] || missing="$missing wasi-libc"
    [ -e /usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a ] || missing="$missing libclang-rt-19-dev-wasm32"
    need nodejs node
    need qemu-user qemu-aarch64
    need python3 python3
    need libcmocka-dev cmocka.h
    need dpkg-dev dpkg-source
    need cmake cmake
fi

[ -n "$missing" ] || exit 0
if have apt-get; then
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if have sudo; then
            as_root=sudo
        else
            echo "setup: not root and no sudo; install:$missing" >&2
            exit 1
        fi
    fi
    echo "setup: installing$missing"
    $as_root apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "setup: these are missing (by their names in Debian), please install them:$missing" >&2
    exit 1
fi
