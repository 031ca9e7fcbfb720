# SPDX-License-Identifier: MIT
"""Runs an example program against a real collector and reads its ledger."""
import os
import re
import signal
import subprocess
import sys

SOURCE = os.environ.get("DATALYR_SOURCE", os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "collector"))
from collector import (KEY, PATIENCE_S, SHARED, Collector,  # noqa: E402,F401
                       equal, true)
from tap import Skip, Tap  # noqa: E402,F401

BUILD = os.environ.get("DATALYR_BUILD", os.path.join(SOURCE, "build"))
LEDGER = re.compile(r"^accepted=(\d+) delivered=(\d+) dropped=(\d+) "
                    r"pending=(\d+) rejected=(\d+) duplicates=(\d+) "
                    r"seconds=[\d.]+ events_per_second=\d+$", re.M)
NAMES = ("accepted", "delivered", "dropped", "pending", "rejected",
         "duplicates")


def path_of(name):
    path = os.path.join(BUILD, "examples", name)
    if not os.path.exists(path):
        raise Skip("%s is not built here" % name)
    return path


def environment(collector, **more):
    """Nothing of whoever runs the tests: no settings, no proxy."""
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith("DATALYR_")
             and not name.lower().endswith("_proxy")}
    return {**clean, "DATALYR_HOST": collector.address + "/track",
            "DATALYR_API_KEY": KEY, **more}


def ledgers_of(text):
    return [dict(zip(NAMES, map(int, numbers)))
            for numbers in LEDGER.findall(text)]


def ledger(accepted, **more):
    """What a program should print of which all arrived, but for `more`."""
    return {**dict.fromkeys(NAMES, 0), "accepted": accepted,
            "delivered": accepted, **more}


class Run:
    """An example from start to end."""

    def __init__(self, collector, name, *arguments, folder=None, **more):
        done = subprocess.run([path_of(name), *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S,
                              cwd=folder or collector.folder,
                              env=environment(collector, **more))
        self.code, self.out, self.err = (done.returncode, done.stdout,
                                         done.stderr)
        found = ledgers_of(self.out)
        self.ledger = found[-1] if found else None


class Service:
    """An example that runs until it is told to stop. Most say in their first
    line that they are ready, and where."""

    def __init__(self, collector, name, *arguments, is_quiet=False, **more):
        self.process = subprocess.Popen(
            [path_of(name), *arguments], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            cwd=collector.folder, env=environment(collector, **more))
        self.first_line = ("" if is_quiet
                           else self.process.stdout.readline().strip())
        self.ledgers = []
        self.err = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, self.err = self.process.communicate(timeout=PATIENCE_S)
        equal(self.process.returncode, 0, "exit code; stderr: " + self.err)
        self.ledgers = ledgers_of(out)
        return self.ledgers[-1]


def arrived(collector, *fields):
    """The events in order of arrival, each as the named fields; a dotted name
    goes deeper."""
    return [tuple(pick(event, field) for field in fields)
            for event in all_events(collector)]


def pick(value, path):
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def all_events(collector, **params):
    return sorted(collector.events(**params),
                  key=lambda event: int(event["cursor"][1:]))


def one_event(collector):
    found = all_events(collector)
    equal(len(found), 1, "number of events in %r" % found)
    return found[0]
