#!/bin/sh
# SPDX-License-Identifier: MIT
# The parts of the house style that a machine can see: licence lines, words
# that belong into an issue, traces of one machine, and for C what
# tools/check-c-style.py counts. Prints each finding as file:line: text.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0

# Tracked or new, but not ignored; in an unpacked archive everything.
list_files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files -co --exclude-standard
    else
        find . -path ./build -prune -o -type f -print | sed 's,^\./,,'
    fi | while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}

# report TEXT FINDINGS: prints the findings, one a line, if there are any.
report() {
    if [ -n "$2" ]; then
        printf '%s\n' "$2" | sed "s,\$,: $1,"
        failed=1
    fi
}

# find_lines PATTERN FILES: where the extended expression matches, file:line.
find_lines() {
    pattern=$1
    shift
    grep -nIE "$pattern" /dev/null "$@" | cut -d: -f1,2
}

# shellcheck disable=SC2046 # no file of ours has a space in its name
set -- $(list_files)
sources=$(printf '%s\n' "$@" |
    grep -E '\.(c|h|py|sh|cmake|js|mjs|ts)$|(^|/)(CMakeLists\.txt|Makefile)$|^\.ci/run$')

# Two lines of grace: an interpreter line may come first.
report "has no licence line" "$(for file in $sources; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file:1"
done)"
# shellcheck disable=SC2086
{
    report "open an issue instead" \
        "$(find_lines '\b(TODO|FIXME|XXX|HACK)\b' $sources |
            grep -v -e '^tools/check-style.sh:' -e '^bindings/node/test/run.js:')"
    report "ends in blanks" "$(find_lines '[[:blank:]]+$' $sources)"
}
report "names a folder of one machine" \
    "$(find_lines '(^|[^A-Za-z0-9_.$}/-])/(work|root)/' "$@" |
        grep -v '^tools/check-style.sh:')"

tools/check-c-style.py || failed=1
[ "$failed" = 1 ] || echo "style: no problems"
exit "$failed"
