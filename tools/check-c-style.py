#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What of the house style for C can be counted: lengths, parameters, banned
functions, opening comments, and a doc comment on each public function.

It reads text, not C: it relies on the formatter, which puts the braces of a
function, and nothing else that ends one, into the first column.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRODUCT = ["include", "src", "cli", "collector", "faultd"]
OTHERS = ["tests", "examples", "bench"]

MAX_FILE_LINES = 600
MAX_HEADER_LINES = 200
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 5
PUBLIC_HEADER = os.path.join("include", "datalyr.h")

# Overflow, lose errors, keep hidden state, or end the host program.
BANNED = re.compile(
    r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|"
    r"atof|localtime|gmtime|ctime|asctime|rand|srand|alloca|system|exit|abort|"
    r"signal)\s*\(")
NO_END_POINTER = re.compile(r"\bstrto(?:l|ll|ul|ull|imax|umax)\s*\([^,]+,\s*(?:NULL|0)\s*[,)]")
# The signature of a callback is its library's business.
DICTATED = re.compile(r"\benum MHD_Result\b")
# A program's main may end it; a test may end its child, and a fuzz target
# reports by dying.
MAY_EXIT = re.compile(r"(^|/)(main\.c|tests/|bench/|examples/)")


def list_sources():
    for top in PRODUCT + OTHERS:
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def blank_out(text):
    """The code without comments and literals, line for line."""
    pattern = re.compile(
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(
        lambda match: "\n" * match.group(0).count("\n") or " ", text)


def check_calls(path, code):
    for number, line in enumerate(code.splitlines(), 1):
        for match in BANNED.finditer(line):
            name = match.group(1)
            if name in ("exit", "abort", "signal") and MAY_EXIT.search(path):
                continue
            yield number, "%s() is banned" % name
        if NO_END_POINTER.search(line):
            yield number, "a number is read without looking where it ends"
        if re.match(r"\s*#\s*pragma\s+once", line):
            yield number, "#pragma once is banned"


def count_parameters(signature):
    inside = signature[signature.find("(") + 1:signature.rfind(")")]
    depth = count = 0
    for char in inside:
        depth += {"(": 1, ")": -1}.get(char, 0)
        count += char == "," and depth == 0
    return count + 1


def check_functions(path, code):
    is_product = path.split(os.sep)[0] in PRODUCT
    lines = code.splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            first = start - 1
            while first > 0 and re.match(r"[\w\s*(]", lines[first - 1]) \
                    and lines[first - 1].strip():
                first -= 1
            signature = " ".join(lines[first:start - 1])
            name = re.search(r"(\w+)\s*\(", signature)
            name = name.group(1) if name else "?"
            length = number - start - 1
            if length > MAX_FUNCTION_LINES:
                yield start, "%s() has %d lines; the limit is %d" % (
                    name, length, MAX_FUNCTION_LINES)
            if is_product and "(" in signature \
                    and not DICTATED.search(signature) \
                    and count_parameters(signature) > MAX_PARAMETERS:
                yield start, "%s() has more than %d parameters" % (
                    name, MAX_PARAMETERS)
            start = None


def check_size(path, text):
    count = text.count("\n")
    limit = MAX_FILE_LINES
    if path.endswith(".h") and path.split(os.sep)[0] in PRODUCT:
        limit = MAX_HEADER_LINES
    if path != PUBLIC_HEADER and count > limit:
        yield 1, "the file has %d lines; the limit is %d" % (count, limit)


def check_opening(path, text):
    """A source says what it does before it does it."""
    if path.endswith(".c") and path.split(os.sep)[0] in PRODUCT:
        rest = text.split("\n", 1)[1] if "\n" in text else ""
        if not rest.lstrip().startswith("/*"):
            yield 2, "the file does not open with what it does and why"


def check_docs(path, text):
    if path != PUBLIC_HEADER:
        return
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.startswith("DATALYR_API") \
                and not lines[number - 2].rstrip().endswith("*/"):
            yield number, "a public function has no doc comment"


def main():
    count = 0
    problems = []
    for path in list_sources():
        count += 1
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read()
        code = blank_out(text)
        for check in (check_calls(path, code), check_functions(path, code),
                      check_size(path, text), check_opening(path, text),
                      check_docs(path, text)):
            problems += ["%s:%d: %s" % (path, *found) for found in check]
    for problem in problems:
        print(problem)
    print("C style: %d files, %d problems" % (count, len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
