#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that includes go down only, as tools/layers.txt says, and in no circle.

A module is a .c file together with the header of the same name; a circle
between modules is one even where each single #include would compile. A header
without a .c (state that the files of a folder share) belongs to no module.
Tests, examples and benchmarks may include all.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAYERS = os.path.join(ROOT, "tools", "layers.txt")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)
# Includes are written from these, after the including file's own folder.
SEARCH = {
    "src": ["src", "include"],
    "cli": ["cli", "src", "include"],
    "collector": ["collector", "src", "include"],
    "faultd": ["faultd", "src", "include"],
    "include": ["include"],
}


def read_layers():
    layers = {}
    with open(LAYERS) as file:
        for line in file:
            line = line.split("#")[0].strip()
            if line:
                folder, allowed = line.split(":")
                layers[folder.strip()] = allowed.split()
    return layers


def list_sources():
    for top in SEARCH:
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def resolve(source, name):
    """The file of ours that an include means, or None for others' headers."""
    top = source.split(os.sep)[0]
    for folder in [os.path.dirname(source)] + SEARCH[top]:
        path = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(os.path.join(ROOT, path)):
            return path
    return None


def find_layer(path, layers):
    """The longest entry that is this file's folder, or its name's beginning."""
    stem = os.path.splitext(path)[0]
    found = [entry for entry in layers
             if stem == entry or stem.startswith((entry + "/", entry + "_"))]
    return max(found, key=len, default=None)


def read_includes():
    includes = {}
    for source in list_sources():
        with open(os.path.join(ROOT, source), encoding="utf-8") as file:
            text = file.read()
        resolved = {resolve(source, name) for name in INCLUDE.findall(text)}
        includes[source] = resolved - {None, source}
    return includes


def check_direction(includes, layers):
    for source, targets in sorted(includes.items()):
        layer = find_layer(source, layers)
        if layer is None:
            yield "%s: its folder is not in tools/layers.txt" % source
            continue
        for target in sorted(targets):
            target_layer = find_layer(target, layers)
            if target_layer not in [layer] + layers[layer]:
                yield "%s: %s may not include %s (%s)" % (
                    source, layer, target_layer, target)


def find_cycle(graph):
    """The first circle met by a depth-first walk, as a list, or None."""
    done = set()

    def walk(node, path):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        for target in sorted(graph.get(node, ())):
            cycle = walk(target, path + [node])
            if cycle:
                return cycle
        done.add(node)
        return None

    for node in sorted(graph):
        cycle = walk(node, [])
        if cycle:
            return cycle
    return None


def make_modules(includes):
    sources = {os.path.splitext(path)[0] for path in includes
               if path.endswith(".c")}
    modules = {}
    for source, targets in includes.items():
        module = os.path.splitext(source)[0]
        if module in sources:
            names = {os.path.splitext(target)[0] for target in targets}
            modules.setdefault(module, set()).update(
                names & sources - {module})
    return modules


def main():
    layers = read_layers()
    includes = read_includes()
    problems = list(check_direction(includes, layers))
    for what, graph in (("layers.txt", layers), ("files", includes),
                        ("modules", make_modules(includes))):
        cycle = find_cycle({k: set(v) for k, v in graph.items()})
        if cycle:
            problems.append("circle in %s: %s" % (what, " -> ".join(cycle)))
    for problem in problems:
        print(problem)
    print("layers: %d files, %d problems" % (len(includes), len(problems)))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
