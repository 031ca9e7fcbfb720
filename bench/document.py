#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/performance.md and its plots from results.

    bench/document.py RESULTS.json [PEERS.json]     takes over new results
    bench/document.py --check                       is the page what they say?

The results that the page shows are kept beside it, in docs/performance/, so
that each number can be traced and the page can be made again.
"""
import json
import os
import sys

import goals
import harness
import plot

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "performance.md")
FOLDER = os.path.join(ROOT, "docs", "performance")
KEPT = os.path.join(FOLDER, "results.json")

HEAD = """\
# How fast it is

This page is made by `bench/document.py` from
[performance/results.json](performance/results.json). `make bench` measures on
your machine (two minutes; `BENCH=full make bench` takes longer and measures up
to 10 million events), `make bench-peers` measures what others use for the
same work.

"""

METHOD = """\
## Method

- The usual event is a purchase with 12 properties: 384 bytes of JSON as the
  caller has it, 583 as it goes on the wire. It is in `bench/client/work.c`.
- Variants take turns, round by round, so that a busy minute of the machine
  falls on all of them. Shown is the median, in brackets the least and the
  most. Each run notes the load of the machine before it.
- "Undisturbed", and delivery by the client alone, is with real-time priority, so that other programs wait: what
  the library alone does to its callers. The rest shows what the machine adds.
- Times of a call include reading the clock around it, about 20 ns.
- The server of the client's benchmarks is `nullserver`: one thread that throws
  bodies away. Raw sockets show what it takes (last table), which is above what
  any client here reaches.
- Each run ends with the ledger and the receiver's count. A run that lost an
  event or counted one twice fails and is not shown.
- Client and server share the machine's processors, as do other programs where
  the load says so: trust ratios inside of one table.
- What a goal is computed from was a choice where it can be read in two ways,
  and the other reading is in the tables: "network live" is the loop at full
  speed (paced calls, each after a rest, have a p99 above the goal); "with the
  same JSON" means librdkafka's caller also writes id, time and context, with a
  plain writer that uses snprintf for numbers (copying constants, it takes half
  of our time instead); the bytes above an event's JSON are those that the log
  grows by, without the segments made ahead (with them some 20 more at 100,000
  events).
- The tables that begin with "peers" are from a run of their own, with its own
  load; no ratio mixes the two runs.
- Peers are run with the best settings found for them: batches of 500 for
  segment and posthog with a caller that yields, flushes of 20 for rudder, lists
  of 50 handed over whole for mixpanel (it has no queue), a linger of 20 ms and
  batches of 10,000 for librdkafka, whose mock cluster is in memory.
"""


SHORT = """\
## What falls short, and where its time goes

This machine is two processors of somebody else's: alone on it, a call takes 250
to 270 ns, and 430 to 530 whenever a neighbour fills the caches that all share,
which changes within a second. Medians over such minutes are what the tables show,
with the least and the most beside them.

- **Two threads.** On a log that is warm, two callers make 1.0 to 1.6 times the
  calls of one, mostly 1.0 to 1.25: each needs the queue's lock and three lines of
  memory that the other wrote last, 150 ns of waiting for a call of 260. It was 1.4
  to 1.5 before the encoding became a sixth shorter. Fields of one append on one
  line of memory: no difference that the noise would show. On a log that grows
  each event needs 0.17 us of pages that the kernel clears, whoever pays it. Two
  callers with a journal also fill files faster than one thread makes them.
- **Single events against one blocking handle.** Half of the processor time is
  the kernel's (send alone a third), 28 % libcurl's, 13 % malloc and the C
  library under libcurl, 4 % ours. The handle waits for each answer, so what it
  reaches depends on how fast this machine wakes a sleeping process: 10,000 to
  13,000 a second when idle, 18,000 when other programs keep it awake.
- **Paced calls with the network live** have a p99 of 3.7 to 4.8 us: one call in
  twenty comes after a rest of 100 us and finds its caches cold.
- **Collector.** Of 7.8 s of processor time for a million events in a profile, 4.5
  are the writer's (SQLite and the kernel's copies of what it writes), 2.5 HTTP
  and JSON, 0.8 the sealing of partitions.
- Tried for the call itself without effect: -O3 (1.00). Link-time optimisation
  gives 0.97 and is not worth a second kind of object.
"""


def list_rows(name, figures, runs_by_variant):
    yield "| %s | %s | load |" % (name, " | ".join(
        title for _, title, _ in figures))
    yield "|%s" % (" --- |" * (len(figures) + 2))
    for variant, runs in runs_by_variant.items():
        if not runs:
            yield "| %s | not measured%s" % (variant, " |" * (len(figures) + 1))
            continue
        cells = [cell(runs, figure, scale) for figure, _, scale in figures]
        yield "| %s | %s | %s |" % (
            variant, " | ".join(cells),
            harness.number(harness.median(runs, "load"))
            if harness.values(runs, "load") else "")


def cell(runs, figure, scale):
    found = [value * scale for value in harness.values(runs, figure)]
    if not found:
        return ""
    found.sort()
    middle = found[len(found) // 2] if len(found) % 2 else (
        found[len(found) // 2 - 1] + found[len(found) // 2]) / 2
    if len(found) == 1:
        return harness.number(middle)
    return "%s [%s..%s]" % tuple(map(harness.number, (
        middle, found[0], found[-1])))


CALLS = [("p50", "p50 ns", 1), ("p99", "p99 ns", 1), ("p99_9", "p99.9 ns", 1),
         ("max", "max us", 1e-3), ("loop_cpu_ns", "CPU ns", 1),
         ("calls_per_second", "calls/s", 1)]
RATES = [("events_per_second", "events/s", 1),
         ("cpu_seconds_per_million", "CPU s per million", 1),
         ("sent_bytes_per_event", "bytes per event", 1),
         ("head_bytes", "head bytes", 1),
         ("peak_rss_bytes", "peak MB", 1e-6)]
STREAMS = [("events_per_second", "events/s", 1),
           ("answer_us_p50", "answer p50 ms", 1e-3),
           ("answer_us_p99", "answer p99 ms", 1e-3),
           ("shown_per_stream_second", "shown/s and stream", 1),
           ("cpu_seconds_per_million", "CPU s per million", 1),
           ("peak_rss_bytes", "peak MB", 1e-6)]
TABLES = {
    "track, network idle": CALLS,
    "track, network busy or dead": CALLS,
    "delivery, 0 ms": RATES,
    "delivery, 20 ms": RATES,
    "delivery to datalyrd": RATES,
    "memory, opening and closing": [
        ("rss_bytes", "RSS MB", 1e-6),
        ("rss_bytes_per_event", "RSS per event", 1),
        ("json_bytes_per_event", "JSON per event", 1),
        ("overhead_bytes_per_event", "log above it", 1),
        ("fresh_client_bytes", "fresh client MB", 1e-6),
        ("first_open_us", "first open ms", 1e-3),
        ("open_us_p50", "open us", 1), ("close_us_p50", "close us", 1)],
    "recovery of a dead process's journal": [
        ("recover_seconds", "s until known", 1),
        ("deliver_seconds", "s until delivered", 1),
        ("added_peak_bytes", "peak MB", 1e-6)],
    "journal_sync=always": [("events_per_second", "events/s", 1)],
    "growth, batches of 500": RATES,
    "track with events waiting": CALLS[:4],
    "import from file to database": RATES,
    "ingest, batches of 1000": [
        ("events_per_second", "events/s", 1), ("rows_per_second", "rows/s", 1),
        ("answer_us_p50", "answer p50 ms", 1e-3),
        ("answer_us_p99", "answer p99 ms", 1e-3)],
    "ingest, growing store": [
        ("events", "events", 1), ("events_per_second", "events/s", 1),
        ("rows_per_second", "rows/s", 1),
        ("last_to_first", "last / first fifth", 1),
        ("cpu_last_to_first", "the same in CPU", 1),
        ("cpu_seconds_per_million", "CPU s per million", 1),
        ("peak_rss_bytes", "peak MB", 1e-6)],
    "live streams, 20,000 events/s": STREAMS,
    "live streams, full speed": STREAMS,
    "peers: the call": CALLS[:4],
    "peers: delivery, 0 ms": RATES,
    "peers: delivery, 20 ms": RATES,
    "the null server under raw sockets": [
        ("requests_per_second", "requests/s", 1),
        ("events_per_second", "events/s", 1),
        ("megabytes_per_second", "MB/s", 1)],
}
QUERIES = [("milliseconds", "median ms", 1), ("most", "most ms", 1)]


def write_goals(measurements):
    yield "## What must hold\n"
    yield "| figure | measured | goal | stretch | met |"
    yield "| --- | --- | --- | --- | --- |"
    for text, value, sign, goal, stretch in goals.list_goals(measurements):
        yield "| %s | %s | %s %s | %s | %s |" % (
            text, harness.number(value), sign.replace("<", "&lt;"),
            harness.number(goal),
            "" if stretch is None else harness.number(stretch),
            "yes" if goals.is_met(value, sign, goal) else "**no**")


def write_machine(results):
    machine = results["machine"]
    yield "## Machine\n"
    yield ("%d processors (%s), %d GiB, Linux %s. Measured %s (%s); load at the "
           "end %s." % (machine["processors"], machine["processor"],
                        machine["memory_gib"], machine["kernel"],
                        results["made"], results["mode"],
                        machine["load"][0]))


def make_page(results):
    measurements = results["measurements"]
    lines = [HEAD.rstrip("\n") + "\n"]
    lines += write_goals(measurements)
    lines.append("")
    lines.append(SHORT)
    for name, _ in plot.list_plots(measurements):
        lines.append("![%s](performance/%s.svg)" % (
            name, plot.file_name(name)))
    lines.append("\n## All of it\n")
    for name, runs in measurements.items():
        figures = QUERIES if name.startswith("queries") else TABLES.get(name)
        if figures:
            shown = [one for one in figures if any(
                harness.values(done, one[0]) for done in runs.values())]
            lines += list_rows(name, shown or figures, runs)
            lines.append("")
    lines += write_machine(results)
    lines.append("")
    lines.append(METHOD.rstrip("\n"))
    return "\n".join(lines) + "\n"


def list_files(results):
    """(path, text) of everything that follows from the results."""
    yield PAGE, make_page(results)
    for name, text in plot.list_plots(results["measurements"]):
        yield os.path.join(FOLDER, plot.file_name(name) + ".svg"), text


def read_json(path):
    with open(path) as file:
        return json.load(file)


def check():
    wrong = [path for path, text in list_files(read_json(KEPT))
             if not os.path.exists(path) or open(path).read() != text]
    for path in wrong:
        print("%s is not what docs/performance/results.json says\n"
              "try: bench/document.py docs/performance/results.json"
              % os.path.relpath(path, ROOT))
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--check"]:
        return check()
    if not arguments:
        print(__doc__)
        return 2
    results = read_json(arguments[0])
    for more in arguments[1:]:
        results["measurements"].update(read_json(more)["measurements"])
    os.makedirs(FOLDER, exist_ok=True)
    with open(KEPT, "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    for path, text in list_files(results):
        with open(path, "w") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
