#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the sources of packages as the machine's distribution has them (Debian, Ubuntu), with its patches, and unpacks
# each into FOLDER/PACKAGE: libraries that a build for another target compiles anew. The system's own lists stay as they
# are. What is there is not fetched again; what is interrupted leaves nothing half unpacked.
# usage: tools/source.sh FOLDER PACKAGE...
set -eu
folder=$1
shift
fail() {
    echo "source.sh: $*" >&2
    exit 1
}
missing=
for package; do
    [ -e "$folder/$package" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
for tool in apt-get dpkg-source timeout; do
    command -v $tool >/dev/null || fail "there is no $tool; unpack these sources into $folder:$missing"
done
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/parts" "$work/lists"

# The machine's own list of repositories, asked for sources instead of packages. Without a network it fails soon.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    case $list in
    *.sources) sed 's/^Types:.*/Types: deb-src/' "$list" ;;
    *.list) sed -n 's/^deb /deb-src /p' "$list" ;;
    *) continue ;;
    esac >"$work/parts/$(basename "$list")" 2>/dev/null || true
done
cat >"$work/apt.conf" <<END
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/parts";
Dir::State::Lists "$work/lists";
APT::Sandbox::User "$(id -un)";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
END
export APT_CONFIG="$work/apt.conf"
timeout 300 apt-get -qq update >"$work/log" 2>&1 || true # a repository without sources is none of ours

# The newest version whose files are there: a mirror may list one that it has not yet, or no more.
fetch() {
    for version in $(apt-cache showsrc "$1" 2>>"$work/log" | sed -n 's/^Version: //p' | sort -ruV); do
        rm -rf "$work/get"
        mkdir "$work/get"
        (cd "$work/get" && timeout 300 apt-get -qq --download-only source "$1=$version") >>"$work/log" 2>&1 && return 0
    done
    return 1
}
for package in $missing; do
    fetch "$package" || fail "the source of $package cannot be fetched: $(grep '^[EW]:' "$work/log" | head -n 1)"
    dpkg-source --no-check -x "$work/get/"*.dsc "$work/$package" >>"$work/log" 2>&1 ||
        fail "the source of $package does not unpack: $(tail -n 1 "$work/log")"
    mv -T "$work/$package" "$folder/$package" || [ -e "$folder/$package" ] # another build may have been first
done
