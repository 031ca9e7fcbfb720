#!/bin/sh
# SPDX-License-Identifier: MIT
# fetch-yyjson.sh FOLDER: unpacks the source of yyjson into FOLDER.
#
# Debian 12 has no yyjson; the release after it has. Its source archive is
# fetched with apt's own downloader (so proxies and credentials of this machine
# apply) from the mirror that this machine's apt already uses, checked against
# the sum below, and unpacked. Nothing is installed and apt's lists are not
# touched, so no root is needed. Without such a mirror: download the archive by
# other means and name it in YYJSON_ARCHIVE.
set -eu

pool=pool/main/y/yyjson
archive=yyjson_0.10.0+ds.orig.tar.xz
sha256=ae6fde69a193e10afab426ef13f113d6903446405f9db9ee98bfb572bd6c961a
helper=/usr/lib/apt/apt-helper

fail() {
    echo "fetch-yyjson: $1" >&2
    echo "try: $2" >&2
    exit 1
}

# The archives named in the apt sources, one a line, in both of their forms.
# Images for clouds name a file that lists mirrors.
list_uris() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
        /etc/apt/sources.list.d/*.sources 2>/dev/null |
        sed -n \
            -e 's/^[Uu][Rr][Ii][Ss]:[[:space:]]*//p' \
            -e 's/^deb[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\)[[:space:]].*/\2/p' |
        tr -s ' \t' '\n\n' |
        while read -r uri; do
            case $uri in
            mirror+file:*) sed -n 's/^\([^#[:space:]]\{1,\}\).*/\1/p' "${uri#mirror+file:}" ;;
            *) echo "$uri" ;;
            esac
        done
}

# Without the security archive, which has no such package; what looks like the
# main archive comes first.
list_mirrors() {
    list_uris | sed 's,/*$,,' | grep -v -e '-security$' -e '/security' |
        awk '!seen[$0]++ { if (/\/debian$/) print; else other[++n] = $0 }
             END { for (i = 1; i <= n; i++) print other[i] }'
}

fetch() {
    [ -x "$helper" ] || fail "no apt on this system" \
        "install yyjson 0.9 or newer with pkg-config file, or set YYJSON_ARCHIVE=$archive"
    for mirror in $(list_mirrors); do
        if "$helper" -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 \
            download-file "$mirror/$pool/$archive" "$1" "SHA256:$sha256" \
            >"$1.log" 2>&1; then
            return 0
        fi
        cat "$1.log" >&2
    done
    fail "no mirror in /etc/apt has $archive" \
        "YYJSON_ARCHIVE=/path/to/$archive make"
}

[ $# -eq 1 ] || fail "one argument is needed" "$0 FOLDER"
folder=$1
parent=$(dirname "$folder")
mkdir -p "$parent"
work=$(mktemp -d "$parent/.yyjson.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ -n "${YYJSON_ARCHIVE:-}" ]; then
    cp "$YYJSON_ARCHIVE" "$work/$archive"
else
    echo "fetch-yyjson: fetching $archive (1 MB) through apt" >&2
    fetch "$work/$archive"
fi
echo "$sha256  $work/$archive" | sha256sum -c --quiet - ||
    fail "the archive is not the one we know" "remove it and try again"
mkdir "$work/source"
tar -C "$work/source" --strip-components=1 -xf "$work/$archive"

# Renamed as a whole, so that a build that runs beside us sees all or nothing.
if [ -e "$folder/src/yyjson.c" ]; then
    exit 0
fi
rm -rf "$folder"
mv -T "$work/source" "$folder" 2>/dev/null || [ -e "$folder/src/yyjson.c" ]
