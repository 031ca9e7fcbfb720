#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures, and tells what was measured.

    bench/run.py [--full] [--peers] [--only PART] BUILD

BUILD is a build folder made with -DDATALYR_BENCH=ON. Parts are the functions
of client_part, collector_part and peers_part. The results go to
BUILD/bench/results.json (with --peers: peers.json); BENCH=full in the
environment is --full. Exit code 1: something was lost, counted twice or could
not be measured.
"""
import argparse
import os
import sys
import time

import client_part
import collector_part
import goals
import harness
import peers_part


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--full", action="store_true",
                        default=os.environ.get("BENCH") == "full")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", metavar="PART")
    arguments = parser.parse_args()
    bench = harness.Bench(arguments.build, arguments.full)
    begun = time.time()
    if arguments.only:
        for module in client_part, collector_part, peers_part:
            if hasattr(module, arguments.only):
                getattr(module, arguments.only)(bench)
    elif arguments.peers:
        peers_part.run_all(bench)
    else:
        client_part.run_all(bench)
        collector_part.run_all(bench)
    goals.show(bench.measurements)
    name = "peers.json" if arguments.peers else "results.json"
    return harness.save(bench, name if not arguments.only else "part.json",
                        begun)


if __name__ == "__main__":
    sys.exit(main())
