# SPDX-License-Identifier: MIT
"""The figures that must hold, each computed from the measurements."""
from harness import median, number

IDLE = "track, network idle"
LIVE = "track, network busy or dead"
FAST = "delivery, 0 ms"
SLOW = "delivery, 20 ms"
MEMORY = "memory, opening and closing"
CALL = "peers: the call"
PEERS = "peers: delivery, 0 ms"
RTT = 0.020


class Reader:
    """Medians of measurements; None where one is missing."""

    def __init__(self, measurements):
        self.measurements = measurements

    def __call__(self, name, variant, figure):
        runs = self.measurements.get(name, {}).get(variant)
        return median(runs, figure) if runs else None


def divide(a, b):
    return None if a is None or not b else a / b


def first(read, name, start, figure):
    """Of the variant whose name begins so: its size differs by mode."""
    for variant in read.measurements.get(name, {}):
        if variant.startswith(start):
            return read(name, variant, figure)
    return None


def quiet(read, name, variant):
    """The variant that other programs did not disturb, where there is one."""
    better = variant + ", undisturbed"
    return better if read(name, better, "p50") is not None else variant


def track_goals(read):
    one = quiet(read, IDLE, "usual, 1 thread")
    two = quiet(read, IDLE, "usual, 2 threads")
    journal = quiet(read, IDLE, "usual, 1 thread, journal")
    yield "track p50, ns", read(IDLE, one, "p50"), "<=", 350, 250
    yield "track p99, ns", read(IDLE, one, "p99"), "<=", 1000, None
    yield "track p99.9, ns", read(IDLE, one, "p99_9"), "<=", 8000, None
    yield "track max, ns", read(IDLE, one, "max"), "<=", 200000, None
    yield ("track p50 / librdkafka's with the same JSON",
           divide(read(CALL, "datalyr", "p50"),
                  read(CALL, "librdkafka, with the same JSON", "p50")),
           "<=", 1, None)
    busy = quiet(read, LIVE, "busy, full speed, flush_at 500")
    yield "track p99, network live, ns", read(LIVE, busy, "p99"), "<=", 3000, \
        None
    yield "track max, network live, ns", read(LIVE, busy, "max"), "<=", 1e6, \
        None
    yield ("2 threads together / 1 thread, calls",
           divide(read(IDLE, two, "calls_per_second"),
                  read(IDLE, one, "calls_per_second")), ">=", 1.4, None)
    yield ("journal / no journal, track p50",
           divide(read(IDLE, journal, "p50"), read(IDLE, one, "p50")), "<=",
           1.5, None)
    # With a journal at most 1.5 times of what holds without.
    yield "track p99 with a journal, ns", read(IDLE, journal, "p99"), "<=", \
        1500, None
    yield "track p99.9 with a journal, ns", read(IDLE, journal, "p99_9"), \
        "<=", 12000, None
    yield "track max with a journal, ns", read(IDLE, journal, "max"), "<=", \
        300000, None
    busy = quiet(read, LIVE, "busy, full speed, flush_at 500, journal")
    yield "track p99, network live, with a journal, ns", \
        read(LIVE, busy, "p99"), "<=", 4500, None
    yield "track max, network live, with a journal, ns", \
        read(LIVE, busy, "max"), "<=", 1.5e6, None
    yield ("track with many waiting / with none, p50",
           many_waiting(read), "<=", 1.05, None)


def many_waiting(read):
    runs = read.measurements.get("track with events waiting", {})
    for variant in runs:
        if variant != "none":
            return divide(read("track with events waiting", variant, "p50"),
                          read("track with events waiting", "none", "p50"))
    return None


def delivery_goals(read):
    rate = "events_per_second"
    yield ("batches / mixpanel's track_batch, 0 ms",
           divide(read(PEERS, "datalyr, batches of 500", rate),
                  read(PEERS, "mixpanel", rate)), ">=", 8, None)
    yield ("batches / librdkafka, 0 ms",
           divide(read(PEERS, "datalyr, batches of 500", rate),
                  read(PEERS, "librdkafka", rate)), ">=", 1, None)
    yield ("batches / (4 x 500 / 20 ms)",
           divide(read(SLOW, "batches of 500, 4 in flight", rate),
                  4 * 500 / RTT), ">=", 0.85, 0.95)
    yield ("single / one blocking libcurl handle, 0 ms",
           divide(read(FAST, "single, 10 in flight", rate),
                  read(FAST, "one blocking libcurl handle", rate)), ">=", 4,
           None)
    for window in 10, 64:
        yield ("single / (%d / 20 ms)" % window,
               divide(read(SLOW, "single, %d in flight" % window, rate),
                      window / RTT), ">=", 0.94, 0.97)
    cpu = "cpu_seconds_per_million"
    yield "single, CPU s per million", \
        read(FAST, "single, 10 in flight", cpu), "<=", 30, 20
    yield "batches, CPU s per million", read(FAST, "batches of 500", cpu), \
        "<=", 2.0, 1.5
    yield "batches with gzip, CPU s per million", \
        read(FAST, "batches of 500, gzip", cpu), "<=", 5.5, 4.5
    yield "batches with gzip, bytes per event", \
        read(FAST, "batches of 500, gzip", "sent_bytes_per_event"), "<=", 90, \
        None
    yield "request head, bytes", \
        read(FAST, "single, 10 in flight", "head_bytes"), "<=", 185, None
    growth = "growth, batches of 500"
    sizes = list(read.measurements.get(growth, {}))
    if len(sizes) > 2:
        yield ("CPU per event, %s / 10^5" % sizes[-1],
               divide(read(growth, sizes[-1], cpu),
                      read(growth, "10^5 events", cpu)), "<=", 1.05, None)


def other_goals(read):
    queued = "100,000 queued"
    yield "bytes per queued event above its JSON", \
        read(MEMORY, queued, "overhead_bytes_per_event"), "<=", 16, None
    yield "RSS with 100,000 queued, MB", \
        divide(read(MEMORY, queued, "rss_bytes"), 1e6), "<=", 85, None
    yield "a fresh client adds, MB", \
        divide(read(MEMORY, queued, "fresh_client_bytes"), 1e6), "<=", 2, None
    yield "first open of a process, ms", \
        divide(read(MEMORY, "open and close", "first_open_us"), 1000), "<=", \
        20, None
    yield "close beyond its 500 ms, hung server, ms", over_budget(read), \
        "<=", 50, None
    yield "recovery of a journal, s", \
        first(read, "recovery of a dead process's journal", "",
              "recover_seconds"), "<=", 2, None
    imports = "import from file to database"
    rate = "events_per_second"
    yield ("import / the collector's own rate",
           divide(read(imports, "datalyr import", rate),
                  read(imports, "the collector's own ingest rate", rate)),
           ">=", 0.8, None)
    yield "import, peak RSS, MB", \
        divide(read(imports, "datalyr import", "peak_rss_bytes"), 1e6), "<=", \
        64, None
    yield from collector_goals(read)


def collector_goals(read):
    rate = "events_per_second"
    grown = "ingest, growing store"
    yield "collector, events/s", read(grown, "datalyrd", rate), ">=", 70000, \
        100000
    yield "collector, last fifth / first fifth", \
        read(grown, "datalyrd", "last_to_first"), ">=", 0.8, None
    yield "collector, CPU per event, last fifth / first fifth", \
        read(grown, "datalyrd", "cpu_last_to_first"), "<=", 1.2, None
    yield "collector, peak RSS, MB", \
        divide(read(grown, "datalyrd", "peak_rss_bytes"), 1e6), "<=", 250, None
    yield ("collector / raw inserts of SQLite without an index",
           divide(read(grown, "datalyrd", rate),
                  read(grown, "raw SQLite, no index", "rows_per_second")),
           ">=", 0.5, None)
    for load in "20,000 events/s", "full speed":
        name = "live streams, " + load
        yield ("ingest with 500 live streams / without, %s" % load,
               divide(read(name, "500 streams", rate),
                      read(name, "none", rate)), ">=", 0.8, None)
        yield ("RSS with 500 live streams, %s, MB" % load,
               divide(read(name, "500 streams", "peak_rss_bytes"), 1e6),
               "<=", 250, None)
    yield from query_goals(read)


QUESTIONS = ["latest", "one visitor", "one user", "one event name", "event id",
             "journey"]


def query_goals(read):
    for name in read.measurements:
        if name.startswith("queries at "):
            for question in QUESTIONS:
                yield ("%s, %s, ms" % (name, question),
                       read(name, question, "milliseconds"), "<=", 5, None)


def over_budget(read):
    took = read(MEMORY, "close against a hung server, 500 ms", "close_us_p50")
    return None if took is None else (took - 500000) / 1000


def list_goals(measurements):
    """(text, value, sign, goal, stretch) of what was measured."""
    read = Reader(measurements)
    for goals in track_goals, delivery_goals, other_goals:
        for goal in goals(read):
            if goal[1] is not None:
                yield goal


def is_met(value, sign, goal):
    return value <= goal if sign == "<=" else value >= goal


def show(measurements):
    print("# what must hold")
    for text, value, sign, goal, stretch in list_goals(measurements):
        word = "yes" if is_met(value, sign, goal) else "NO"
        if stretch is not None and is_met(value, sign, stretch):
            word = "yes, and the stretch"
        print("  %-46s %10s  %s %-9s %s" % (text, number(value), sign,
                                            number(goal), word))
