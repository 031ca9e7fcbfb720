# SPDX-License-Identifier: MIT
"""Processes of tests/journal/journaler.c, and what they wrote down."""
import glob
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "e2e"))
import harness  # noqa: E402
from harness import equal  # noqa: E402


def start(where, url, prefix, threads=4, *extra, **popen):
    return subprocess.Popen(
        [harness.program("journaler"), os.path.join(where, "queue"), url,
         os.path.join(where, "acks-" + prefix), prefix, str(threads), *extra],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=harness.clean_environment(), **popen)


def finish(process):
    out, err = process.communicate(timeout=harness.PATIENCE_S)
    equal(process.returncode, 0, f"exit code ({err[-500:]})")
    return [json.loads(line) for line in out.splitlines()]


def drain(where, url, *extra):
    done = subprocess.run(
        [harness.program("journaler"), os.path.join(where, "queue"), url,
         "drain", *extra], capture_output=True, text=True,
        timeout=4 * harness.PATIENCE_S, env=harness.clean_environment())
    equal(done.returncode, 0, f"exit code of the drain ({done.stderr[-500:]})")
    return json.loads(done.stdout)


def acknowledged(where):
    """Every id that was written down, whole lines only."""
    ids = []
    for name in glob.glob(os.path.join(where, "acks-*")):
        with open(name, encoding="utf-8") as lines:
            ids += [line[:-1] for line in lines if line.endswith("\n")]
    return ids


def check_law(ledger):
    equal(ledger["calls"], ledger["accepted"] + ledger["refused"], "calls")
    equal(ledger["accepted"] + ledger["recovered"],
          ledger["delivered"] + ledger["dropped"] + ledger["pending"],
          "accepted + recovered")


def kill_soon(process, chance, longest_s):
    """SIGKILL at a random moment, most of them early."""
    time.sleep(chance.uniform(0.0, longest_s))
    process.send_signal(signal.SIGKILL)
    process.wait(harness.PATIENCE_S)
    process.stdout.close()
    process.stderr.close()
