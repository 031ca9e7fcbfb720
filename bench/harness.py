# SPDX-License-Identifier: MIT
"""What the benchmarks share: servers, runs, interleaved rounds, medians.

A measurement is a name and some variants. Variants take turns, round by round,
so that a busy minute of the machine falls on all of them; what is kept is every
run, and what is shown is the median with the least and the most. Each run is
checked: the ledger must add up, and the receiver must have as many events as
were delivered, or the measurement fails.
"""
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request


class Lost(Exception):
    """An event was lost or counted twice, or a program failed."""


class Server:
    """A program that prints its address on the first line."""

    def __init__(self, command, cwd=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True,
                                        cwd=cwd)
        self.first_line = self.process.stdout.readline().strip()
        self.url = self.first_line.split()[-1] if self.first_line else ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def fetch(url, headers=None):
    request = urllib.request.Request(url, headers=headers or {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.loads(answer.read())


class Null(Server):
    """The null server; counts what it got."""

    def __init__(self, bench, *options, undisturbed=False):
        super().__init__([*bench.priority(undisturbed),
                          bench.program("nullserver"), *map(str, options)])

    def count(self):
        return fetch(self.url + "/__count")


class Collector(Server):
    """A collector with an empty store in a folder of its own."""

    KEY = "dk_bench_write"

    def __init__(self, bench, *options):
        self.folder = bench.folder()
        super().__init__([bench.program("datalyrd"), "--listen", "127.0.0.1:0",
                          "--store", "sqlite:events.db", "--api-key", self.KEY,
                          "--rate-limit", "unlimited", *map(str, options)],
                         cwd=self.folder)

    def __exit__(self, *rest):
        super().__exit__(*rest)
        shutil.rmtree(self.folder, ignore_errors=True)

    def stats(self):
        return fetch(self.url + "/api/v1/stats")

    def port(self):
        return self.url.rsplit(":", 1)[1].strip("/")

    def rss_bytes(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0


class Bench:
    """One run of benchmarks: where programs are, what was found."""

    def __init__(self, build, is_full):
        self.build = os.path.abspath(build)
        self.is_full = is_full
        self.folders = os.path.join(self.build, "bench", "tmp")
        shutil.rmtree(self.folders, ignore_errors=True)
        os.makedirs(self.folders)
        self.measurements = {}
        self.failures = []

    def program(self, name):
        return os.path.join(self.build, "bin", name)

    def folder(self):
        return tempfile.mkdtemp(dir=self.folders)

    @staticmethod
    def priority(undisturbed):
        return ["chrt", "-f", "20"] if undisturbed else []

    @staticmethod
    def can_be_undisturbed():
        if shutil.which("chrt") is None:
            return False
        return subprocess.run(["chrt", "-f", "20", "true"],
                              capture_output=True).returncode == 0

    def pick(self, quick, full):
        return full if self.is_full else quick

    def run(self, *words, timeout=600, cwd=None, env=None):
        """Runs a program and returns its last line, which is JSON."""
        done = subprocess.run(list(map(str, words)), capture_output=True,
                              text=True, timeout=timeout, cwd=cwd, env=env)
        lines = done.stdout.strip().splitlines()
        if not lines or done.returncode not in (0, -signal.SIGKILL):
            raise Lost("%s: exit %d: %s" % (
                os.path.basename(str(words[0])), done.returncode,
                (done.stderr or done.stdout).strip()[-300:]))
        return json.loads(lines[-1])

    def client(self, name, timeout=600, undisturbed=False, **settings):
        """Runs one benchmark of the client and checks its ledger. Undisturbed
        is with real-time priority: other programs wait meanwhile."""
        result = self.run(*self.priority(undisturbed), self.program("bench"),
                          name,
                          *("%s=%s" % pair for pair in settings.items()),
                          timeout=timeout)
        ledger = result.get("ledger")
        if ledger is not None and not ledger["holds"]:
            raise Lost("%s: the ledger does not add up: %s" % (name, ledger))
        return result

    def measure(self, name, variants, rounds=None):
        """Runs the variants in turns. A variant is a function that returns its
        figures."""
        rounds = rounds or self.pick(3, 5)
        runs = {variant: [] for variant in variants}
        print("# %s" % name, flush=True)
        for _ in range(rounds):
            for variant, run in variants.items():
                load = os.getloadavg()[0]
                try:
                    figures = run()
                except (Lost, OSError, ValueError, KeyError,
                        subprocess.TimeoutExpired) as failure:
                    self.failures.append("%s, %s: %s" % (name, variant, failure))
                    print("not measured: %s" % self.failures[-1], flush=True)
                    continue
                figures["load"] = round(load, 2)
                runs[variant].append(figures)
        self.measurements[name] = runs
        for variant, done in runs.items():
            if done:
                print("  %-34s %s" % (variant, describe(done)), flush=True)
        return runs


def expect_equal(what, got, wanted):
    if got != wanted:
        raise Lost("%s: %s, not %s" % (what, got, wanted))


def values(runs, figure):
    return [run[figure] for run in runs if run.get(figure) is not None]


def median(runs, figure):
    """None where it was not measured."""
    found = values(runs, figure)
    return statistics.median(found) if found else None


def best(runs, figure):
    found = values(runs, figure)
    return min(found) if found else None


SHOWN = ["p50", "p99", "p99_9", "max", "events_per_second", "rows_per_second",
         "calls_per_second", "cpu_seconds_per_million", "loop_cpu_ns",
         "sent_bytes_per_event", "rss_bytes", "peak_rss_bytes",
         "open_us_p50", "close_us_p50", "first_open_us", "recover_seconds",
         "added_peak_bytes", "requests_per_second", "megabytes_per_second",
         "milliseconds", "fresh_client_bytes", "answer_us_p50", "load"]


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 100:
        return "{:,.0f}".format(value)
    return "%.3g" % value


def describe(runs):
    parts = []
    for figure in SHOWN:
        found = values(runs, figure)
        if found:
            parts.append("%s %s [%s..%s]" % (
                figure, number(statistics.median(found)), number(min(found)),
                number(max(found))))
    return "; ".join(parts)


def describe_machine():
    processor = ""
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as info:
        memory = int(info.readline().split()[1]) // (1024 * 1024)
    release = os.uname().release.split("-")[0]
    return {"processors": os.cpu_count(), "processor": processor,
            "memory_gib": memory, "kernel": release,
            "load": [round(load, 2) for load in os.getloadavg()]}


def save(bench, name, begun):
    results = {
        "made": time.strftime("%Y-%m-%d", time.gmtime()),
        "mode": "full" if bench.is_full else "quick",
        "seconds": round(time.time() - begun, 1),
        "machine": describe_machine(),
        "failures": bench.failures,
        "measurements": bench.measurements,
    }
    path = os.path.join(bench.build, "bench", name)
    with open(path, "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    shutil.rmtree(bench.folders, ignore_errors=True)
    print("# results: %s" % os.path.relpath(path), flush=True)
    for failure in bench.failures:
        print("FAILED %s" % failure, file=sys.stderr)
    return 1 if bench.failures else 0
