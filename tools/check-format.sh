#!/bin/sh
# SPDX-License-Identifier: MIT
# check-format.sh [--fix]: whether C files look as .clang-format wants them.
# Different versions format differently; 14, that of Debian 12, decides.
set -u
cd "$(dirname "$0")/.." || exit 1

tool=
for candidate in clang-format-14 clang-format; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" --version | grep -q 'version 14\.'; then
        tool=$candidate
        break
    fi
done
if [ -z "$tool" ]; then
    echo "format: not checked, clang-format 14 is not installed"
    exit 0
fi

list_files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -co --exclude-standard '*.c' '*.h'
    else
        find . -path ./build -prune -o -name '*.[ch]' -print
    fi | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}

if [ "${1:-}" = --fix ]; then
    list_files | xargs -r "$tool" -i
    exit 0
fi

wrong=$(list_files | while read -r file; do
    "$tool" --dry-run --Werror "$file" >/dev/null 2>&1 || echo "$file"
done)
if [ -n "$wrong" ]; then
    printf '%s\n' "$wrong" | sed 's/$/: not formatted/'
    echo "try: make format" >&2
    exit 1
fi
echo "format: no problems"
