# SPDX-License-Identifier: MIT
"""What others would use instead, on the same work, in the same run."""
import os
import shutil
import subprocess

import client_part
from harness import Null, Server, expect_equal

# Versions that were read and tried with these settings.
PACKAGES = ["@segment/analytics-node@3.1.0", "posthog-node@5.70.0",
            "@rudderstack/rudder-sdk-node@3.0.13", "mixpanel@0.24.0"]
NODE = ["segment", "posthog", "rudder", "mixpanel"]
HERE = os.path.dirname(os.path.abspath(__file__))


def install(bench):
    """Installs the packages into the build folder. False without npm."""
    folder = os.path.join(bench.build, "peers")
    if shutil.which("npm") is None:
        print("# npm is missing: no peers from Node.js", flush=True)
        return None
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "package.json"), "a+") as file:
        if file.tell() == 0:
            file.write('{"private":true}\n')
    if not os.path.isdir(os.path.join(folder, "node_modules", "mixpanel")):
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund",
                               *PACKAGES], cwd=folder, capture_output=True,
                              text=True)
        if done.returncode != 0:
            print("# npm: %s" % done.stderr.strip()[-300:], flush=True)
            return None
    return folder


def run_node(bench, folder, name, options, events):
    options = options + (["--one"] if name == "mixpanel" else [])
    with Null(bench, *options) as server:
        result = bench.run("node", os.path.join(HERE, "peers", "node",
                                                name + ".mjs"),
                           server.url, events, cwd=folder)
        result["receiver"] = server.count()
        return result


def time_calls(bench, folder, name):
    # rudder serializes its whole queue with each call: more takes minutes.
    events = 250 if name == "rudder" else 20000
    return bench.run("node", os.path.join(HERE, "peers", "node",
                                          name + ".mjs"),
                     "http://127.0.0.1:9", "calls", events, cwd=folder)


def run_kafka(bench, what, events):
    with Server([bench.program("kafka"), "cluster"]) as cluster:
        result = bench.run(bench.program("kafka"), what, cluster.first_line,
                           events)
        if what == "produce":
            expect_equal("delivered", result["delivered"], events)
        return result


def calls(bench, folder, has_kafka):
    variants = {"datalyr": lambda: bench.client(
        "enqueue", events=100000, **client_part.IDLE)}
    if has_kafka:
        variants["librdkafka, with the same JSON"] = lambda: run_kafka(
            bench, "enqueue", 100000)
        variants["librdkafka, constants copied"] = lambda: run_kafka(
            bench, "enqueue_bare", 100000)
    for name in NODE if folder else []:
        if name != "mixpanel":  # it has no queue
            variants[name] = lambda name=name: time_calls(bench, folder, name)
    bench.measure("peers: the call", variants, rounds=5)


def deliveries(bench, folder, has_kafka, delay):
    options = ["--delay-ms", delay] if delay else []
    many = bench.pick(200000, 1000000)
    few = bench.pick(20000, 100000) if not delay else 3000
    variants = {
        "datalyr, batches of 500": lambda: client_part.deliver(
            bench, options + ["--batch", 10000], many, **client_part.BATCH),
        "datalyr, batches, gzip": lambda: client_part.deliver(
            bench, options + ["--batch", 10000, "--gzip"], many,
            compression="gzip", **client_part.BATCH),
        "datalyr, single, 10 in flight": lambda: client_part.deliver(
            bench, options, few, **client_part.SINGLE),
        "naive C": lambda: client_part.naive(
            bench, options, few if not delay else 100),
    }
    if has_kafka and not delay:
        variants["librdkafka"] = lambda: run_kafka(bench, "produce", many)
    for name in NODE if folder else []:
        variants[name] = lambda name=name: run_node(
            bench, folder, name, options, bench.pick(10000, 20000))
    bench.measure("peers: delivery, %d ms" % delay, variants,
                  rounds=bench.pick(3, 5))


def run_all(bench):
    folder = install(bench)
    has_kafka = os.path.exists(bench.program("kafka"))
    if not has_kafka:
        print("# librdkafka is missing (Debian: librdkafka-dev)", flush=True)
    calls(bench, folder, has_kafka)
    deliveries(bench, folder, has_kafka, 0)
    deliveries(bench, folder, has_kafka, 20)
