# SPDX-License-Identifier: MIT
"""The client: track, delivery, memory, life, journal, growth."""
import os
import shutil

from harness import Collector, Null, Server, expect_equal

NOWHERE = "http://127.0.0.1:9/track"

# Nothing is sent: the cost of the call alone.
IDLE = {"host": NOWHERE, "flush_at": 1000000, "flush_interval_ms": 600000,
        "max_queue_size": 2000000, "max_queue_bytes": "1GiB"}

# The best settings for a server that takes arrays, and for one that does not.
BATCH = {"batch": "always", "max_batch_events": 500, "flush_at": 500,
         "max_queue_size": 100000, "max_requests_per_second": "unlimited",
         "max_in_flight": 4}
SINGLE = {"batch": "never", "flush_at": 1, "max_queue_size": 200000,
          "max_requests_per_second": "unlimited", "max_in_flight": 10}


def journaled(bench, settings):
    """The same with a journal in a fresh folder, gone afterwards."""
    folder = os.path.join(bench.folder(), "journal")

    def run(name, **more):
        try:
            return bench.client(name, journal_dir=folder, **settings, **more)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return run


def enqueue_idle(bench):
    """Nothing is sent while calls are timed. The log is warm:
    it was as long before, and its events were delivered. One that is growing
    needs new pages, which the kernel clears."""
    events = bench.pick(50000, 100000)

    def warm(name="enqueue", events=events, **more):
        with Null(bench, "--batch", 10000) as server:
            return bench.client(
                name, events=events, warm=2 * events, deliver_warm=1,
                **dict(IDLE, host=server.url + "/track", batch="always",
                       max_requests_per_second="unlimited", **more))

    def undisturbed(**more):
        return lambda: warm(undisturbed=True, events=100000, **more)
    variants = {}
    if bench.can_be_undisturbed():
        # What the library alone does to its callers, on a machine that is
        # never quiet.
        variants = {
            "usual, 1 thread, undisturbed": undisturbed(),
            "usual, 2 threads, undisturbed": undisturbed(threads=2),
            "usual, 1 thread, journal, undisturbed": lambda: journaled(
                bench, IDLE)("enqueue", undisturbed=True),
        }
    bench.measure("track, network idle", {
        **variants,
        "usual, 1 thread": warm,
        "usual, 2 threads": lambda: warm(threads=2),
        "usual, 4 threads": lambda: warm(threads=4),
        "usual, 1 thread, growing": lambda: bench.client(
            "enqueue", events=events, **IDLE),
        "usual, 2 threads, growing": lambda: bench.client(
            "enqueue", events=events, threads=2, **IDLE),
        "small, 1 thread": lambda: warm(size="small"),
        "large, 1 thread": lambda: warm(events=events // 20, size="large"),
        "usual, 1 thread, journal": lambda: journaled(bench, IDLE)(
            "enqueue", events=events),
        "usual, 2 threads, journal": lambda: journaled(bench, IDLE)(
            "enqueue", events=events, threads=2),
    }, rounds=bench.pick(5, 9))


def enqueue_live(bench):
    """The sender is at work: paced to about 20 % of what it can deliver, as a
    busy service is, and as fast as the loop goes."""
    events = bench.pick(30000, 100000)

    def busy(**more):
        with Null(bench, "--batch", 10000) as server:
            result = bench.client("enqueue", events=events, drain_ms=60000,
                                  host=server.url + "/track",
                                  max_queue_size=1000000,
                                  max_queue_bytes="1GiB",
                                  max_requests_per_second="unlimited",
                                  batch="always", **more)
            expect_equal("the receiver's count", server.count()["events"],
                         result["ledger"]["delivered"])
            expect_equal("delivered", result["ledger"]["delivered"],
                         result["ledger"]["accepted"])
            return result

    def busy_journal(**more):
        folder = os.path.join(bench.folder(), "journal")
        try:
            return busy(flush_at=500, journal_dir=folder, **more)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def dead():
        settings = dict(IDLE, flush_at=500)
        return bench.client("enqueue", events=events, **settings)
    variants = {
        "busy, paced, flush_at 500": lambda: busy(
            flush_at=500, pause_every=20, pause_us=100),
        "busy, full speed, flush_at 500": lambda: busy(flush_at=500),
        "busy, full speed, flush_at 500, 2 threads": lambda: busy(
            flush_at=500, threads=2),
        "busy, full speed, flush_at 500, journal": busy_journal,
        "dead, flush_at 500": dead,
    }
    if bench.can_be_undisturbed():
        variants["busy, full speed, flush_at 500, undisturbed"] = (
            lambda: busy(flush_at=500, undisturbed=True))
        variants["busy, full speed, flush_at 500, journal, undisturbed"] = (
            lambda: busy_journal(undisturbed=True))
    bench.measure("track, network busy or dead", variants)


def deliver(bench, options, events, timeout=300, undisturbed=False,
            **settings):
    with Null(bench, *options, undisturbed=undisturbed) as server:
        result = bench.client("deliver", events=events, timeout=timeout,
                              undisturbed=undisturbed, host=server.url + "/track", **settings)
        got = server.count()
        expect_equal("the receiver's count", got["events"], events)
        result["receiver"] = got
        result["head_bytes"] = got["head_most"]
        return result


def delivery(bench):
    many = bench.pick(100000, 1000000)
    few = bench.pick(10000, 100000)
    gzip = ["--gzip", "--batch", 10000]
    # Client and server go before other programs, where we may do that.
    alone = {"undisturbed": bench.can_be_undisturbed()}
    bench.measure("delivery, 0 ms", {
        "batches of 500": lambda: deliver(bench, ["--batch", 10000], many,
                                          **BATCH, **alone),
        "batches of 500, journal": lambda: with_journal(
            bench, many, **alone),
        "batches of 500, gzip": lambda: deliver(
            bench, gzip, many, compression="gzip", **BATCH, **alone),
        "single, 10 in flight": lambda: deliver(
            bench, [], few, **SINGLE, **alone),
        "single, 64 in flight": lambda: deliver(
            bench, [], few, **dict(SINGLE, max_in_flight=64),
            **alone),
        "one blocking libcurl handle": lambda: naive(
            bench, [], few, **alone),
    })
    slow = ["--delay-ms", 20]
    bench.measure("delivery, 20 ms", {
        "batches of 500, 4 in flight": lambda: deliver(
            bench, slow + ["--batch", 10000], many, **BATCH, **alone),
        "batches of 500, 10 in flight": lambda: deliver(
            bench, slow + ["--batch", 10000], many,
            **dict(BATCH, max_in_flight=10), **alone),
        "single, 10 in flight": lambda: deliver(
            bench, slow, bench.pick(1000, 5000), **SINGLE, **alone),
        "single, 64 in flight": lambda: deliver(
            bench, slow, bench.pick(4000, 30000),
            **dict(SINGLE, max_in_flight=64),
            **alone),
        "one blocking libcurl handle": lambda: naive(
            bench, slow, 100, **alone),
    })


def with_journal(bench, events, **more):
    folder = os.path.join(bench.folder(), "journal")
    try:
        return deliver(bench, ["--batch", 10000], events, journal_dir=folder,
                       **BATCH, **more)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def naive(bench, options, events, undisturbed=False):
    with Null(bench, *options, undisturbed=undisturbed) as server:
        result = bench.run(*bench.priority(undisturbed),
                           bench.program("naive"), server.url + "/track",
                           events)
        expect_equal("the receiver's count", server.count()["events"], events)
        return result


def delivery_to_collector(bench):
    """Each event stored. The collector is local, or behind a relay that lets
    each request take 20 ms longer."""
    many = bench.pick(50000, 500000)
    few = bench.pick(5000, 50000)
    batches = dict(BATCH, max_batch_events=1000, flush_at=1000)

    def deliver_to(collector, url, events, **settings):
        result = bench.client("deliver", events=events, host=url + "/track",
                              api_key=Collector.KEY, **settings)
        expect_equal("the collector's count", collector.stats()["events"],
                     events)
        return result

    def near(events, **settings):
        with Collector(bench) as collector:
            return deliver_to(collector, collector.url, events, **settings)

    def distant(events, **settings):
        with Collector(bench) as collector, Server(
                [bench.program("relay"), "--delay-ms", "20",
                 collector.port()]) as relay:
            return deliver_to(collector, relay.url, events, **settings)
    bench.measure("delivery to datalyrd", {
        "batches of 1000": lambda: near(many, **batches),
        "batches of 1000, gzip": lambda: near(
            many, compression="gzip", **batches),
        "single, 10 in flight": lambda: near(few, **SINGLE),
        "batches of 1000, 20 ms": lambda: distant(many, **batches),
        "batches of 1000, gzip, 20 ms": lambda: distant(
            many, compression="gzip", **batches),
        "single, 10 in flight, 20 ms": lambda: distant(
            bench.pick(1000, 5000), **SINGLE),
    })


def null_server_is_fast(bench):
    """What the null server takes from raw sockets: the client is below it."""
    def run(connections, events, size):
        with Null(bench) as server:
            words = bench_line(bench, server, connections, events, size)
            return {name: float(value) for name, value in words.items()}
    bench.measure("the null server under raw sockets", {
        "single, 10 connections": lambda: run(10, 1, 700),
        "single, 64 connections": lambda: run(64, 1, 700),
        "batches of 500, 4 connections": lambda: run(4, 500, 300000),
    }, rounds=3)


def bench_line(bench, server, connections, events, size):
    import subprocess
    done = subprocess.run(
        [bench.program("rawload"), "127.0.0.1", server.url.rsplit(":", 1)[1],
         str(connections), "1", str(events), str(size)],
        capture_output=True, text=True, timeout=60, check=True)
    return dict(word.split("=") for word in done.stdout.split())


def life(bench):
    def hold_and_deliver():
        with Null(bench, "--batch", 10000) as server:
            result = bench.client(
                "memory", events=100000, **dict(
                    IDLE, host=server.url + "/track", batch="always",
                    max_requests_per_second="unlimited"))
            # The plain request and the fresh client's event came before.
            expect_equal("the receiver's count", server.count()["events"],
                         5 * 100000 + 2)
            return result

    bench.measure("memory, opening and closing", {
        "100,000 queued": hold_and_deliver,
        "open and close": lambda: bench.client("life", host=NOWHERE),
        "close against a hung server, 500 ms": lambda: bench.client("hung"),
    })


def journal(bench):
    events = bench.pick(200000, 1000000)

    def recover():
        folder = os.path.join(bench.folder(), "journal")
        settings = {"journal_dir": folder, "journal_max_bytes": "4GiB"}
        try:
            with Null(bench, "--batch", 10000) as server:
                host = server.url + "/track"
                bench.client("leave", events=events, host=host,
                             **dict(settings, flush_at=1000000,
                                    flush_interval_ms=600000))
                result = bench.client(
                    "recover", events=events, host=host,
                    **dict(settings, batch="always",
                           max_requests_per_second="unlimited"))
                expect_equal("the receiver's count",
                             server.count()["events"], events)
                return result
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    waits = bench.pick(300, 2000)

    def sync(threads):
        folder = os.path.join(bench.folder(), "journal")
        try:
            return bench.client("sync", host=NOWHERE, journal_dir=folder,
                                threads=threads, events=waits * threads,
                                flush_at=1000000,
                                flush_interval_ms=600000)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def plain():
        return bench.client("plain_sync", events=waits,
                            path=os.path.join(bench.folder(), "plain"))
    bench.measure("recovery of a dead process's journal",
                  {"%d events" % events: recover})
    bench.measure("journal_sync=always", {
        "1 thread": lambda: sync(1),
        "8 threads": lambda: sync(8),
        "one thread, write and fdatasync": plain,
    })


def growth(bench):
    variants = {}
    for power in range(3, bench.pick(6, 7) + 1):
        variants["10^%d events" % power] = (
            lambda events=10 ** power: deliver(
                bench, ["--batch", 10000], events, timeout=600, **BATCH))
    bench.measure("growth, batches of 500", variants, rounds=3)
    waiting = bench.pick(300000, 1000000)
    bench.measure("track with events waiting", {
        "none": lambda: bench.client("enqueue", events=20000, warm=1000,
                                     **IDLE),
        "{:,}".format(waiting): lambda: bench.client(
            "enqueue", events=20000, warm=waiting, **IDLE),
    }, rounds=bench.pick(3, 5))


def run_all(bench):
    enqueue_idle(bench)
    enqueue_live(bench)
    delivery(bench)
    delivery_to_collector(bench)
    null_server_is_fast(bench)
    life(bench)
    journal(bench)
    growth(bench)
