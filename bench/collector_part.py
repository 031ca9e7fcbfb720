# SPDX-License-Identifier: MIT
"""The collector: ingest and its fall-off, connections, live streams, queries,
and import."""
import http.client
import json
import os
import statistics
import subprocess
import time

from harness import Collector, Lost, expect_equal

BATCH = 1000


def ingest(bench, collector, first, events, connections, visitors=200000,
           pace=0):
    result = bench.run(bench.program("ingest"), collector.port(),
                       Collector.KEY, first, events, BATCH, connections,
                       visitors, pace, timeout=1200)
    result["collector_rss_bytes"] = collector.rss_bytes()
    return result


def raw_sqlite(bench, rows):
    path = os.path.join(bench.folder(), "raw.db")
    return bench.run(bench.program("rawsql"), path, rows, timeout=1200)


def connections(bench):
    """Each number of connections on a fresh store."""
    events = bench.pick(50000, 300000)

    def run(count):
        with Collector(bench) as collector:
            result = ingest(bench, collector, 0, events, count)
            expect_equal("the collector's count", collector.stats()["events"],
                         events)
            return result
    variants = {"%d connections" % count: lambda count=count: run(count)
                for count in bench.pick([1, 8, 64], [1, 2, 4, 8, 16, 64])}
    variants["raw SQLite, no index"] = lambda: raw_sqlite(bench, events)
    bench.measure("ingest, batches of 1000", variants, rounds=bench.pick(1, 3))


class Watchers:
    """Readers of live streams beside a load of so many events."""

    def __init__(self, bench, collector, count, events):
        self.process = subprocess.Popen(
            [bench.program("streams"), collector.port(), str(count),
             str(events)], stdout=subprocess.PIPE, text=True)
        self.begun = self.process.stdout.readline().strip()

    def finish(self):
        """What they saw; each has accounted for every event."""
        line = self.process.stdout.readline()
        self.process.stdout.close()
        code = self.process.wait(120)
        if self.begun != "ready" or code != 0:
            raise Lost("streams: exit %d: %s" % (code, line.strip()))
        return json.loads(line)


def cpu_seconds(process):
    with open("/proc/%d/stat" % process.pid) as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


STREAMS = 500


def watched_ingest(bench, streams, events, pace):
    with Collector(bench, "--max-connections", 2 * STREAMS) as collector:
        watchers = streams and Watchers(bench, collector, streams, events)
        begun = cpu_seconds(collector.process)
        result = ingest(bench, collector, 0, events, 4, pace=pace)
        if watchers:
            seen = watchers.finish()
            expect_equal("streams that account for all", seen["exact"],
                         streams)
            result["shown_per_stream_second"] = \
                seen["shown"] / streams / seen["seconds"]
        result["cpu_seconds_per_million"] = \
            (cpu_seconds(collector.process) - begun) * 1e6 / events
        result["peak_rss_bytes"] = collector.rss_bytes()
        expect_equal("the collector's count", collector.stats()["events"],
                     events)
        return result


def streams(bench):
    """Ingest with many live streams and without, paced and as fast as it is
    taken."""
    for name, events, pace in (
            ("20,000 events/s", bench.pick(100000, 600000), 20000),
            ("full speed", bench.pick(300000, 1000000), 0)):
        bench.measure("live streams, " + name, {
            "none": lambda e=events, p=pace: watched_ingest(bench, 0, e, p),
            "%d streams" % STREAMS:
                lambda e=events, p=pace: watched_ingest(bench, STREAMS, e, p),
        }, rounds=bench.pick(1, 3))


def ask(connection, path):
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    took_ms = (time.perf_counter() - begun) * 1000
    if answer.status != 200:
        raise Lost("%s: %d %s" % (path, answer.status, body[:200]))
    return took_ms, json.loads(body)


def queries(collector):
    """Milliseconds of each question, warm: the median of 20, and the most."""
    connection = http.client.HTTPConnection("127.0.0.1",
                                            int(collector.port()), timeout=60)
    _, latest = ask(connection, "/api/v1/events?limit=50")
    event = next(one for one in latest["events"] if one.get("anonymousId"))
    _, users = ask(connection, "/api/v1/events?event=purchase&limit=200")
    user = next((one["userId"] for one in users["events"]
                 if one.get("userId")), "user_0")
    paths = {
        "latest": "/api/v1/events?limit=50",
        "one visitor": "/api/v1/events?limit=50&anonymous=" +
                       event["anonymousId"],
        "one user": "/api/v1/events?limit=50&user=" + user,
        "one event name": "/api/v1/events?limit=50&event=purchase",
        "event id": "/api/v1/events?id=" + event["eventId"],
        "journey": "/api/v1/users/%s/journey" % user,
        "overview": "/api/v1/overview",
        "stats": "/api/v1/stats",
    }
    found = {}
    for name, path in paths.items():
        try:
            for _ in range(3):
                ask(connection, path)
            took = [ask(connection, path)[0] for _ in range(20)]
        except Lost as failure:
            found[name] = {"failure": str(failure)}
            continue
        found[name] = {"milliseconds": statistics.median(took),
                       "most": max(took)}
    connection.close()
    return found


def fall_off(bench):
    """One store that grows; each part is timed, then the questions."""
    parts = bench.pick(5, 5)
    rows = bench.pick(60000, 1000000)
    result = {}

    def run():
        with Collector(bench) as collector:
            rates = []
            cpu = []
            for part in range(parts):
                begun = cpu_seconds(collector.process)
                rates.append(ingest(bench, collector, part * rows, rows, 4)
                             ["events_per_second"])
                cpu.append((cpu_seconds(collector.process) - begun) * 1e6 /
                           rows)
            expect_equal("the collector's count", collector.stats()["events"],
                         parts * rows)
            result.update(queries(collector))
            return {"events": parts * rows, "rates": rates,
                    "events_per_second": statistics.median(rates),
                    "last_to_first": rates[-1] / rates[0],
                    "cpu_by_part": cpu,
                    "cpu_last_to_first": cpu[-1] / cpu[0],
                    "cpu_seconds_per_million": statistics.mean(cpu),
                    "peak_rss_bytes": collector.rss_bytes()}
    bench.measure("ingest, growing store", {
        "datalyrd": run,
        "raw SQLite, no index": lambda: raw_sqlite(bench, parts * rows),
    }, rounds=1)
    bench.measurements["queries at %d rows" % (parts * rows)] = {
        name: [figures] for name, figures in result.items()}
    for name, figures in result.items():
        print("  %-34s %s" % (name, figures), flush=True)


MASK = (1 << 64) - 1
NAMES = ["$pageview", "purchase", "add_to_cart", "signup"]


def mix(n):
    n = (n + 0x9e3779b97f4a7c15) & MASK
    n = ((n ^ n >> 30) * 0xbf58476d1ce4e5b9) & MASK
    n = ((n ^ n >> 27) * 0x94d049bb133111eb) & MASK
    return n ^ n >> 31


def write_lines(path, events, visitors=200000):
    """The events of load/ingest.c as lines: what is compared is the way in and
    not the events."""
    with open(path, "w") as file:
        for n in range(events):
            random = mix(n)
            visitor = random % visitors
            second = n // 50 % 86400
            user = '"userId":"user_%d",' % visitor if n % 3 == 0 else ""
            file.write(
                '{%s"anonymousId":"anon_%016x","eventId":"%08x-0000-7000-8000-'
                '%012x","event":"%s","properties":{"order_id":"order_%d",'
                '"revenue":%d.99,"currency":"USD","category":'
                '"furniture/office","utm_source":"newsletter","page_url":'
                '"https://shop.example.com/checkout/thanks"},"timestamp":'
                '"2026-03-14T%02d:%02d:%02d.%03dZ"}\n'
                % (user, mix(visitor), n >> 16, n, NAMES[random >> 32 & 3], n,
                   random >> 40 & 255, second // 3600, second // 60 % 60,
                   second % 60, n % 1000))


def run_import(bench, path, events):
    with Collector(bench) as collector:
        environment = dict(os.environ, DATALYR_API_KEY=Collector.KEY,
                           DATALYR_HOST=collector.url + "/track",
                           XDG_STATE_HOME=bench.folder())
        begun = time.perf_counter()
        process = subprocess.Popen(
            [bench.program("datalyr"), "import", path],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=environment, text=True)
        line = process.stdout.read().strip()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        took = time.perf_counter() - begun
        expect_equal("exit code (%s)" % line, process.returncode, 0)
        expect_equal("the collector's count", collector.stats()["events"],
                     events)
        return {"events": events, "events_per_second": events / took,
                "peak_rss_bytes": usage.ru_maxrss * 1024,
                "cpu_seconds_per_million":
                    (usage.ru_utime + usage.ru_stime) * 1e6 / events,
                "line": line}


def importing(bench):
    events = bench.pick(100000, 1000000)
    path = os.path.join(bench.folder(), "events.ndjson")
    write_lines(path, events)

    def own_rate():
        with Collector(bench) as collector:
            result = ingest(bench, collector, 0, events, 4)
            expect_equal("the collector's count", collector.stats()["events"],
                         events)
            return result
    bench.measure("import from file to database", {
        "datalyr import": lambda: run_import(bench, path, events),
        "the collector's own ingest rate": own_rate,
    }, rounds=bench.pick(2, 3))


def run_all(bench):
    connections(bench)
    streams(bench)
    importing(bench)
    fall_off(bench)
