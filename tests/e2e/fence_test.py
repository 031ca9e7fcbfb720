# SPDX-License-Identifier: MIT
"""Flush and close are fences: they cover what was accepted before them, queued
or in flight, and keep their deadlines."""
import os
import select
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import at_least, at_most, equal, is_true, test  # noqa: E402

# A call that does not wait would return within this time; one that waits, as
# it should, passes whatever the time is.
MOMENT_S = 0.3

# Far above what a call needs that keeps its deadline, far below what one takes
# that does not (a request's time-out, in these tests).
SLACK_MS = 10000


def says_nothing(driver, what):
    ready, _, _ = select.select([driver.process.stdout], [], [], MOMENT_S)
    is_true(not ready, f"{what} returned before the request was answered")


def fence(call):
    """One event, already on the wire and held by the server, nothing queued:
    the call must wait for it."""
    with harness.Faultd("--rule", "hold") as server:
        with harness.Driver(server, "track:1", "pause", call, "close",
                            flush_at=1) as driver:
            server.wait_for(held=1)
            driver.step("pause")
            driver.go_on()
            says_nothing(driver, call)
            server.release()
            equal(driver.step(call.split(":", maxsplit=1)[0])["result"], 0,
                  f"result of {call}")
            end = driver.end()
        harness.check_all_delivered(end, server.ledger(), 1)
        equal(server.ledger()["requests"], 1, "requests")


@test("flush with an empty queue waits for a request in flight")
def flush_waits():
    fence("flush:60000")


@test("close with an empty queue waits for a request in flight")
def close_waits():
    fence("close:60000")


@test("flush waits for an event that waits for its retry")
def flush_waits_for_retry():
    with harness.Faultd("--rule", "next 2: 503") as server:
        with harness.Driver(server, "track:1", "flush:60000", "stats", "close",
                            flush_at=1) as driver:
            equal(driver.step("flush")["result"], 0, "result")
            equal(driver.step("stats")["delivered"], 1, "delivered")
            driver.end()
        equal(server.ledger()["requests"], 3, "requests")


@test("flush sends what waits for flush_at and flush_interval")
def flush_sends():
    with harness.Faultd() as server:
        with harness.Driver(server, "track:3", "flush:60000", "stats", "close",
                            flush_at=100, flush_interval_ms=60000) as driver:
            equal(driver.step("flush")["result"], 0, "result")
            stats = driver.step("stats")
            equal((stats["delivered"], stats["pending"]), (3, 0), "ledger")
            driver.end()


@test("flush with nothing to do returns at once, connected to nobody")
def flush_empty():
    with harness.Faultd() as server:
        with harness.Driver(server, "flush:60000", "close:60000") as driver:
            equal(driver.step("flush")["result"], 0, "result")
            driver.end()
        equal(server.ledger()["requests"], 0, "requests")


@test("flush at its deadline says how many are not settled, and keeps them")
def flush_deadline():
    with harness.Faultd("--rule", "hold") as server:
        with harness.Driver(server, "track:30", "flush:300", "pause",
                            "flush:60000", "close",
                            flush_at=1, max_in_flight=4) as driver:
            flushed = driver.step("flush")
            equal(flushed["result"], 30, "not settled")
            at_least(flushed["ms"], 300, "ms until the deadline")
            at_most(flushed["ms"], SLACK_MS, "ms until it returned")
            driver.step("pause")
            server.set_rules("")
            server.release()
            driver.go_on()
            equal(driver.step("flush")["result"], 0, "the second flush")
            end = driver.end()
        harness.check_all_delivered(end, server.ledger(), 30)
        equal(server.ledger()["duplicates"], 0, "duplicates")


@test("flush with no time at all asks for it and does not wait")
def flush_zero():
    with harness.Faultd("--rule", "hold") as server:
        with harness.Driver(server, "track:2", "flush:0", "pause", "close",
                            flush_at=100, flush_interval_ms=60000) as driver:
            equal(driver.step("flush")["result"], 2, "not settled")
            driver.step("pause")
            server.wait_for(held=2)
            server.release()
            driver.go_on()
            end = driver.end()
        harness.check_all_delivered(end, server.ledger(), 2)


@test("close against a hung server keeps its deadline, hands everything back")
def close_hung():
    with harness.Faultd("--rule", "hang") as server:
        with harness.Driver(server, "track:50", "pause", "close:1000",
                            flush_at=1, timeout_ms=60000) as driver:
            server.wait_for(in_progress=10)
            driver.go_on()
            closed = driver.step("close")
            end = driver.end()
        equal(closed["result"], 50, "given up")
        at_least(closed["ms"], 1000, "ms until the deadline")
        at_most(closed["ms"], SLACK_MS, "ms until it returned")
        harness.note("close with a deadline of 1,000 ms against a hung server "
                     f"took {closed['ms']} ms")
        equal((end["dropped"]["close_timeout"], end["settled_once"]), (50, 50),
              "handed back, each once and whole")
        ledger = server.wait_for(unanswered=10)
        equal((ledger["requests"], ledger["stored"]), (10, 0), "the server's")


@test("close against a server that is not there keeps its deadline")
def close_dead():
    listener = harness.unused_port()
    with harness.Driver(f"http://127.0.0.1:{listener}/track", "track:50",
                        "close:1000") as driver:
        closed = driver.step("close")
        end = driver.end()
    equal(closed["result"], 50, "given up")
    at_most(closed["ms"], SLACK_MS, "ms until it returned")
    equal(end["dropped"]["close_timeout"], 50, "handed back")


@test("close with no time hands everything back at once")
def close_now():
    with harness.Faultd("--rule", "hang") as server:
        with harness.Driver(server, "track:20", "close:0", flush_at=100,
                            flush_interval_ms=60000) as driver:
            closed = driver.step("close")
            end = driver.end()
        equal((closed["result"], end["dropped"]["close_timeout"]), (20, 20),
              "given up and handed back")
        at_most(closed["ms"], SLACK_MS, "ms until it returned")


@test("a host name that does not resolve breaks no deadline")
def close_unresolved():
    with harness.Driver("http://no-such-host.invalid/track", "track:20",
                        "flush:500", "close:500") as driver:
        flushed = driver.step("flush")
        closed = driver.step("close")
        end = driver.end()
    equal((flushed["result"], closed["result"]), (20, 20), "left")
    at_most(flushed["ms"] + closed["ms"], 2 * SLACK_MS, "ms")
    equal(end["dropped"]["close_timeout"], 20, "handed back")


@test("a process that exits without closing drains what it had")
def exit_drains():
    with harness.Faultd("--rule", "delay 20ms") as server:
        with harness.Driver(server, "track:200", "exit", flush_at=1000,
                            flush_interval_ms=60000) as driver:
            driver.step("track")
            equal(driver.process.wait(harness.PATIENCE_S), 0, "exit code")
        equal(server.ledger()["stored"], 200, "stored")


@test("a process that exits before a hung server is not kept for long")
def exit_hung():
    with harness.Faultd("--rule", "hang") as server:
        with harness.Driver(server, "track:20", "exit", exit_timeout_ms=500,
                            timeout_ms=60000) as driver:
            driver.step("track")
            begin = harness.time.monotonic()
            equal(driver.process.wait(harness.PATIENCE_S), 0, "exit code")
            took_ms = (harness.time.monotonic() - begin) * 1000
        at_most(took_ms, SLACK_MS, "ms to exit")


if __name__ == "__main__":
    harness.main()
