#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the source of a package as the machine's distribution has it (Debian, Ubuntu) and unpacks it: for libraries that
# a build for another target needs compiled anew. usage: tools/source.sh PACKAGE FOLDER
set -eu
package=$1 folder=$2
command -v apt-get >/dev/null || {
    echo "source.sh: no apt-get; unpack the source of $package into $folder" >&2
    exit 1
}
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/parts" "$work/lists"

# The machine's own list of repositories, asked for sources instead of packages.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    case $list in
    *.sources) sed 's/^Types:.*/Types: deb-src/' "$list" ;;
    *.list) sed -n 's/^deb /deb-src /p' "$list" ;;
    *) continue ;;
    esac >"$work/parts/$(basename "$list")" 2>/dev/null || true
done
apt() {
    apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" \
        -o Dir::State::lists="$work/lists" -o APT::Sandbox::User="$(id -un)" "$@"
}
apt update >/dev/null 2>&1 || true # a repository without sources is none of ours
(cd "$work" && apt source --download-only "$package" >/dev/null)
archive=$(ls "$work/$package"_*.orig.tar.* | grep -v '\.asc$')
tar -xf "$archive" --strip-components=1 -C "$folder"
