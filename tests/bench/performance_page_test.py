# SPDX-License-Identifier: MIT
"""docs/performance.md and its plots say what docs/performance/results.json
says, and those results are whole. Nothing is measured here."""
import copy
import os
import sys
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("DATALYR_SOURCE",
                        os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
sys.path.insert(0, os.path.join(SOURCE, "bench"))
sys.dont_write_bytecode = True

import document  # noqa: E402
import goals  # noqa: E402
from tap import Tap  # noqa: E402


def list_runs(results):
    for name, variants in results["measurements"].items():
        for variant, runs in variants.items():
            for run in runs:
                yield "%s, %s" % (name, variant), run


def check_page(results):
    for path, text in document.list_files(results):
        with open(path) as file:
            assert file.read() == text, path


def check_change_shows(results):
    changed = copy.deepcopy(results)
    runs = changed["measurements"]["track, network idle"]["usual, 1 thread"]
    for run in runs:
        run["p50"] += 1000
    assert document.make_page(changed) != document.make_page(results)


def check_plots():
    for name in os.listdir(document.FOLDER):
        if name.endswith(".svg"):
            xml.etree.ElementTree.parse(os.path.join(document.FOLDER, name))


def check_ledgers(results):
    count = 0
    for name, run in list_runs(results):
        ledger = run.get("ledger")
        if ledger is None:
            continue
        count += 1
        assert ledger["calls"] == ledger["accepted"] + ledger["refused"], name
        assert ledger["accepted"] + ledger["recovered"] == (
            ledger["delivered"] + ledger["dropped"] + ledger["pending"]), name
        if "receiver" in run:
            assert run["receiver"]["events"] == ledger["delivered"], name
    assert count > 0


def check_settings(results):
    for name, run in list_runs(results):
        if run.get("benchmark") in ("enqueue", "deliver"):
            assert run["settings"], name


def check_goals(results):
    found = list(goals.list_goals(results["measurements"]))
    assert len(found) >= 20, len(found)
    assert goals.is_met(1, "<=", 1) and not goals.is_met(2, "<=", 1)
    assert goals.is_met(1, ">=", 1) and not goals.is_met(1, ">=", 2)


def main():
    tap = Tap()
    results = document.read_json(document.KEPT)
    tap.check("the page and its plots are what the results say", check_page,
              results)
    tap.check("a changed number changes the page", check_change_shows, results)
    tap.check("each plot is well-formed", check_plots)
    tap.check("each ledger adds up and agrees with the receiver",
              check_ledgers, results)
    tap.check("each measurement of the client tells its settings",
              check_settings, results)
    tap.check("the goals are computed from the results", check_goals, results)
    tap.finish()


if __name__ == "__main__":
    main()
