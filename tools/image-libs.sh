#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds the image libraries that ImageDecoder uses (libjpeg-turbo, libpng, libwebp, libtiff, OpenJPEG, and zlib for two of
# them) for another machine, from the sources of this machine's distribution: static, in plain C.
# FOLDER gets include/, lib/, log, and at the end `done`; what was interrupted starts anew. `make TARGET=... image-libs`
# calls it. usage: CC='compiler and its flags' AR=archiver tools/image-libs.sh FOLDER
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
sources=$here/build/sources
jobs=$(nproc 2>/dev/null || echo 1)
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CXXFLAGS LDFLAGS # an outer make's variables are not those of the libraries
"$here/tools/source.sh" "$sources" zlib libjpeg-turbo libpng1.6 libwebp tiff openjpeg2

rm -rf "$1"
mkdir -p "$1/include/webp" "$1/lib"
folder=$(cd "$1" && pwd)
log=$folder/log
trap '[ -e "$folder/done" ] || { tail -n 20 "$log"; echo "image-libs.sh: failed; all of it is in $log"; } >&2' EXIT
compiler=${CC%% *}
flags="${CC#"$compiler"} -O2 -w -ffunction-sections -fdata-sections -I$folder/include"

# By hand what needs no configuring: plain LIBRARY SOURCE-FOLDER WHERE-AND-WHAT-TO-FIND... (extra flags in $define)
plain() {
    library=$1 source=$2
    shift 2
    mkdir -p "$folder/obj/$library"
    find "$@" -name '*.c' | while read -r file; do
        echo "$compiler $flags $define -I$source -c $file -o $folder/obj/$library/$(basename "$file" .c).o"
    done | xargs -P "$jobs" -I{} sh -c '{}' >>"$log" 2>&1
    "$AR" rcs "$folder/lib/$library.a" "$folder/obj/$library"/*.o
}

# By CMake what asks for sizes of types and functions of the system: configured LIBRARY SOURCE-FOLDER TARGET HEADERS OPTION...
# Libraries of this machine are not to be found, those in FOLDER are named.
case $($CC -dumpmachine) in
wasm*) system=Generic ;;
*) system=Linux ;;
esac
configured() {
    library=$1 source=$2 target=$3 headers=$4 build=$folder/obj/$1
    shift 4
    cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE= -DBUILD_SHARED_LIBS=OFF -DCMAKE_SYSTEM_NAME=$system \
        -DCMAKE_SYSTEM_PROCESSOR="$($CC -dumpmachine | sed 's/-.*//')" \
        -DCMAKE_C_COMPILER="$(command -v "$compiler")" -DCMAKE_CXX_COMPILER="$(command -v "$compiler")" \
        -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_CXX_COMPILER_WORKS=1 \
        -DCMAKE_AR="$(command -v "$AR")" -DCMAKE_C_ARCHIVE_FINISH= \
        -DCMAKE_FIND_ROOT_PATH="$folder" -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY "$@" >>"$log" 2>&1
    cmake --build "$build" --target "$target" -j "$jobs" >>"$log" 2>&1
    cp "$(find "$build" -name "$library.a")" "$folder/lib/"
    for header in $headers; do # one that is made is before one that is there
        find "$build" "$source" -name "$header" -exec cp -n {} "$folder/include/" ';'
    done
}

cp "$sources"/zlib/zlib.h "$sources"/zlib/zconf.h "$folder/include/"
cp "$sources"/libpng1.6/png.h "$sources"/libpng1.6/pngconf.h "$folder/include/"
cp "$sources"/libpng1.6/scripts/pnglibconf.h.prebuilt "$folder/include/pnglibconf.h"
cp "$sources"/libwebp/src/webp/*.h "$folder/include/webp/"
define=
plain libz "$sources/zlib" "$sources/zlib" -maxdepth 1 ! -name 'gz*'
plain libwebp "$sources/libwebp" "$sources/libwebp/src/dec" "$sources/libwebp/src/dsp" "$sources/libwebp/src/utils"
define=-DPNG_ARM_NEON_OPT=0
plain libpng "$sources/libpng1.6" "$sources/libpng1.6" -maxdepth 1 -name 'png*' ! -name pngtest.c
configured libjpeg "$sources/libjpeg-turbo" jpeg-static 'jpeglib.h jmorecfg.h jerror.h jconfig.h' \
    -DENABLE_SHARED=OFF -DWITH_SIMD=OFF -DWITH_TURBOJPEG=OFF
configured libopenjp2 "$sources/openjpeg2" openjp2 'openjpeg.h opj_stdint.h opj_config.h' -DBUILD_CODEC=OFF -DOPJ_USE_THREAD=OFF
configured libtiff "$sources/tiff" tiff 'tiff.h tiffio.h tiffvers.h tiffconf.h' -Dcxx=OFF -DCMath_LIBRARY=m -DCMath_HAVE_LIBC_POW=1 \
    -Dtiff-tools=OFF -Dtiff-tests=OFF -Dtiff-contrib=OFF -Dtiff-docs=OFF \
    -Dzlib=ON -DZLIB_LIBRARY="$folder/lib/libz.a" -DZLIB_INCLUDE_DIR="$folder/include" \
    -Djpeg=ON -DJPEG_LIBRARY="$folder/lib/libjpeg.a" -DJPEG_INCLUDE_DIR="$folder/include" \
    -Dlibdeflate=OFF -Djbig=OFF -Dlerc=OFF -Dlzma=OFF -Dzstd=OFF -Dwebp=OFF
rm -rf "$folder/obj"
touch "$folder/done"
