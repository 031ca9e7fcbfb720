#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests of a build folder and counts every TAP line of every program.

    tools/run-tests.py [--build build] [--jobs 2] [--label L] [--exclude-label L]
                       [--filter REGEX] [--wrap 'valgrind ...'] [--again]
                       [--list]

ctest knows only whether a program succeeded. Here each `ok` and `not ok` that
a program prints is a test of its own; a program that dies, runs out of time,
ends with an error without a `not ok`, or prints fewer tests than its plan
announced is one failure more. Failures come again at the end with their
output, and the last line is `N passed, M failed`, with `, K skipped` if any.

With --again (or DATALYR_TESTS_AGAIN=1) a program that failed beside others runs
once more alone; what it comes to then counts, and its first failure is shown
all the same: a test that depends on the load of the machine wants mending.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time

# Indented lines are subtests, which the line that closes them sums up.
POINT = re.compile(r"^(not ok|ok)(?: (\d+))?(?: ?- | (?=#)|$)(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\b")
SKIP = re.compile(r"#\s*skip\b", re.IGNORECASE)
MAX_OUTPUT_LINES = 200


class Test:
    """One program as ctest describes it."""

    def __init__(self, entry):
        properties = {p["name"]: p["value"] for p in entry.get("properties", [])}
        self.name = entry["name"]
        self.command = entry.get("command", [])
        self.labels = properties.get("LABELS", [])
        self.timeout_s = float(properties.get("TIMEOUT", 60))
        self.is_serial = bool(properties.get("RUN_SERIAL", False))
        self.is_disabled = bool(properties.get("DISABLED", False))
        self.folder = properties.get("WORKING_DIRECTORY")
        self.environment = dict(
            pair.split("=", 1) for pair in properties.get("ENVIRONMENT", []))


class Result:
    """What came of one program."""

    def __init__(self, test):
        self.test = test
        self.passed = 0
        self.skipped = []
        self.failed = []
        self.output = ""
        self.seconds = 0.0


def read_tests(build):
    listing = subprocess.run(
        ["ctest", "--test-dir", build, "--show-only=json-v1"],
        stdout=subprocess.PIPE, check=True)
    return [Test(entry) for entry in json.loads(listing.stdout)["tests"]]


def count_points(text, result):
    """Adds the TAP points of one stream; returns (points, planned)."""
    points = planned = 0
    for line in text.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned += int(plan.group(1))
            continue
        point = POINT.match(line)
        if not point:
            continue
        points += 1
        name = point.group(3).strip() or "test " + (point.group(2) or "?")
        # cmocka 1.1 says `not ok 3 # SKIP name` for a test that was skipped.
        if SKIP.search(name):
            result.skipped.append(SKIP.sub("", name).strip(" -:#"))
        elif point.group(1) == "ok":
            result.passed += 1
        else:
            result.failed.append(name)
    return points, planned


def describe_exit(status):
    if status < 0:
        try:
            return "killed by " + signal.Signals(-status).name
        except ValueError:
            return "killed by signal %d" % -status
    return "exit status %d" % status


def end_group(process):
    """Ends what the program left running; it started in its own session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


running = set()


def end_all(signal_number, _frame):
    """Whoever ends the runner ends the programs too."""
    for process in list(running):
        end_group(process)
    os._exit(128 + signal_number)


def run_program(test, wrap, out, err):
    """Returns the exit status, or None if the time ran out."""
    process = subprocess.Popen(
        wrap + test.command, cwd=test.folder or None, stdin=subprocess.DEVNULL,
        stdout=out, stderr=err, start_new_session=True,
        env={**os.environ, **test.environment})
    running.add(process)
    try:
        return process.wait(timeout=test.timeout_s * (10 if wrap else 1))
    except subprocess.TimeoutExpired:
        end_group(process)
        process.wait()
        return None
    finally:
        end_group(process)
        running.discard(process)


def judge(result, status, points, planned):
    test = result.test
    if status is None:
        result.failed.append("the program ends within %g s" % test.timeout_s)
    elif status != 0 and not result.failed:
        result.failed.append("the program ends well (%s)" % describe_exit(status))
    elif status == 0 and points < planned:
        result.failed.append(
            "every planned test runs (%d of %d did)" % (points, planned))
    elif status == 0 and points == 0:
        result.passed = 1


def run_test(test, wrap):
    result = Result(test)
    if not test.command:
        result.failed.append("the program was built")
        return result
    start = time.monotonic()
    # Files, not pipes: a process left behind cannot keep us waiting, and lines
    # of the two streams cannot run into each other.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            status = run_program(test, wrap, out, err)
        except OSError as error:
            result.failed.append("the program can be started (%s)" % error)
            return result
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    result.seconds = time.monotonic() - start
    counts = [count_points(text, result) for text in texts]
    judge(result, status, sum(c[0] for c in counts), sum(c[1] for c in counts))
    result.output = "".join(
        text if not text or text.endswith("\n") else text + "\n"
        for text in texts)
    return result


def print_result(result):
    mark = "FAIL" if result.failed else " ok "
    line = "%s  %-36s %4d passed" % (mark, result.test.name, result.passed)
    if result.failed:
        line += ", %d failed" % len(result.failed)
    if result.skipped:
        line += ", %d skipped" % len(result.skipped)
    print("%s  %.1f s" % (line, result.seconds), flush=True)


def print_failures(results):
    for result in results:
        if not result.failed:
            continue
        print("\n--- %s: %s" % (result.test.name,
                                shlex.join(result.test.command)))
        lines = result.output.splitlines()
        if len(lines) > MAX_OUTPUT_LINES:
            print("    [%d earlier lines left out]"
                  % (len(lines) - MAX_OUTPUT_LINES))
            lines = lines[-MAX_OUTPUT_LINES:]
        for line in lines:
            print("    " + line)
        for name in result.failed:
            print("  failed: " + name)


def print_summary(results, seconds):
    print_failures(results)
    skipped = [(r.test.name, name) for r in results for name in r.skipped]
    if skipped:
        print("\nSkipped:")
        for program, name in skipped:
            print("  %s: %s" % (program, name))
    slowest = sorted(results, key=lambda r: -r.seconds)[:5]
    print("\n%d programs in %.0f s; slowest: %s" % (
        len(results), seconds,
        ", ".join("%s %.1f s" % (r.test.name, r.seconds) for r in slowest)))
    passed = sum(r.passed for r in results)
    failed = sum(len(r.failed) for r in results)
    line = "%d passed, %d failed" % (passed, failed)
    if skipped:
        line += ", %d skipped" % len(skipped)
    print(line, flush=True)
    return 1 if failed or not passed else 0


def is_wanted(test, options):
    if test.is_disabled:
        return False
    if options.label and not set(options.label) & set(test.labels):
        return False
    if set(options.exclude_label) & set(test.labels):
        return False
    return not options.filter or re.search(options.filter, test.name)


def run_all(tests, options):
    """Runs the tests that may share the machine first, then the others."""
    wrap = shlex.split(options.wrap)
    results = []
    lock = threading.Lock()

    def run_one(test):
        result = run_test(test, wrap)
        with lock:
            print_result(result)
            results.append(result)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        shared = [t for t in tests if not t.is_serial]
        for future in [pool.submit(run_one, test) for test in shared]:
            future.result()
    for test in tests:
        if test.is_serial:
            run_one(test)
    return sorted(results, key=lambda r: r.test.name)


def run_again(results, options):
    """Runs what failed once more, alone, and shows what it was at first."""
    wrap = shlex.split(options.wrap)
    for index, first in enumerate(results):
        if not first.failed or not first.test.command:
            continue
        second = run_test(first.test, wrap)
        print("again, alone:")
        print_result(second)
        if not second.failed:
            print("unsteady: %s failed beside others, as follows"
                  % first.test.name)
            print_failures([first])
        results[index] = second
    return results


def parse_options():
    parser = argparse.ArgumentParser(
        description="Runs the tests of a build folder.")
    parser.add_argument("--build", default="build", help="build folder")
    parser.add_argument("--jobs", type=int, default=2,
                        help="programs at the same time")
    parser.add_argument("--label", action="append", default=[],
                        help="only tests with this label")
    parser.add_argument("--exclude-label", action="append", default=[],
                        help="no tests with this label")
    parser.add_argument("--filter", help="only names that match this")
    parser.add_argument("--wrap", default="",
                        help="a command put before each program")
    parser.add_argument("--again", action="store_true",
                        default=os.environ.get("DATALYR_TESTS_AGAIN") == "1",
                        help="run what failed once more, alone")
    parser.add_argument("--list", action="store_true",
                        help="print the names and stop")
    return parser.parse_args()


def main():
    options = parse_options()
    tests = [t for t in read_tests(options.build) if is_wanted(t, options)]
    if options.list:
        for test in tests:
            print(test.name, *test.labels)
        return 0
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end_all)
    start = time.monotonic()
    results = run_all(tests, options)
    if options.again:
        results = run_again(results, options)
    return print_summary(results, time.monotonic() - start)


if __name__ == "__main__":
    sys.exit(main())
