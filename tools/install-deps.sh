#!/bin/sh
# SPDX-License-Identifier: MIT
# install-deps.sh [--check] [--build|--demo|--test|--ci|--peers]
#
# Installs the Debian packages that a step needs and that are not there:
#   --build  make, make install (default)     --test  make test
#   --demo   make demo                        --ci    .ci/run
#   --peers  make bench-peers
# Each set contains those before it. With --check nothing is installed: the
# missing packages are named, with the command that installs them, and the exit
# status is 1. What was installed in another way than by apt counts as there.
set -u

# package, and how else to see that it is there: cmd:NAME is a command, pc:NAME
# a pkg-config module, file:PATH a file, py:MODULE a Python module.
packages() {
    cat <<'END'
build gcc cmd:cc
build libc6-dev file:/usr/include/stdio.h
build make cmd:make
build pkg-config cmd:pkg-config
build cmake cmd:cmake
build ninja-build cmd:ninja
build libcurl4-openssl-dev pc:libcurl
build zlib1g-dev pc:zlib
build libmicrohttpd-dev pc:libmicrohttpd
build libsqlite3-dev pc:sqlite3
build libssl-dev pc:libcrypto
build xz-utils cmd:xz
build ca-certificates file:/etc/ssl/certs/ca-certificates.crt
demo curl cmd:curl
test g++ cmd:c++
test libcmocka-dev pc:cmocka
test python3 py:json
test openssl cmd:openssl
ci git cmd:git
ci nodejs cmd:node
ci npm cmd:npm
ci clang cmd:clang
ci libclang-rt-dev pkg:
ci clang-format cmd:clang-format
ci clang-tidy cmd:clang-tidy
ci valgrind cmd:valgrind
ci groff-base cmd:groff
ci libc6-dbg pkg:
peers librdkafka-dev pc:rdkafka
peers nodejs cmd:node
peers npm cmd:npm
END
}

is_installed() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' &&
        return 0
    case $2 in
    cmd:*) command -v "${2#cmd:}" >/dev/null 2>&1 ;;
    pc:*) pkg-config --exists "${2#pc:}" 2>/dev/null ;;
    file:*) [ -e "${2#file:}" ] ;;
    py:*) python3 -c "import ${2#py:}" >/dev/null 2>&1 ;;
    *) return 1 ;;
    esac
}

list_missing() {
    packages | while read -r set_name package sign; do
        case " $1 " in
        *" $set_name "*) is_installed "$package" "$sign" || echo "$package" ;;
        esac
    done
}

# Prints the command in front of apt-get, or fails with advice.
choose_sudo() {
    if [ "$(id -u)" = 0 ]; then
        return 0
    elif ! command -v sudo >/dev/null 2>&1; then
        echo "install-deps: this needs root, and there is no sudo here" >&2
        echo "try: as root: $1" >&2
        return 1
    elif [ -t 0 ]; then
        echo sudo
    else
        echo sudo -n
    fi
}

mode=install
sets=build
for argument in "$@"; do
    case $argument in
    --check) mode=check ;;
    --build) sets="build" ;;
    --demo) sets="build demo" ;;
    --test) sets="build demo test" ;;
    --ci) sets="build demo test ci" ;;
    --peers) sets="build peers" ;;
    *)
        sed -n '3,11s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
    esac
done

missing=$(list_missing "$sets" | tr '\n' ' ')
missing=${missing% }
[ -n "$missing" ] || exit 0
command="apt-get install --no-install-recommends $missing"

if [ $mode = check ]; then
    echo "missing: $missing" >&2
    prefix=
    [ "$(id -u)" = 0 ] || prefix="sudo "
    echo "try: ${prefix}$command" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "install-deps: no apt-get here; please install what these contain:" >&2
    echo "  $missing" >&2
    exit 1
fi
sudo=$(choose_sudo "$command") || exit 1

echo "Installing what is missing: $missing"
echo "  $sudo $command" | sed 's/^   /  /'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # both lists are meant to be split
if ! { $sudo apt-get -qq -o DPkg::Lock::Timeout=300 update &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
        -o Dpkg::Use-Pty=0 install --yes --no-install-recommends $missing; } \
    </dev/null >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "install-deps: apt-get failed" >&2
    echo "try: apt-get update && $command" >&2
    exit 1
fi
echo "Installed."
